"""Studies: accuracy and cycles of the algorithms over many random problems, kept in files."""

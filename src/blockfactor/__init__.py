"""Hardware that factorizes sparse block codes."""

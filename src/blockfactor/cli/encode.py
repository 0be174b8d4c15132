"""Turn tuples or dense vectors into query entries."""

from ..errors import BlockfactorError, QueryError
from ._common import integer, integers, output_file, print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "encode"

#: Queries that are printed as a table.
SHOWN = 10

#: Name of the array in an .npz file that has more than one.
ARRAY = "vectors"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Turn tuples (the bound product of one codevector of each codebook) or dense vectors (the\n"
        "outputs of a network, say) into query entries: pairs of index and weight in each block.")
    parser.epilog = """\
examples:
  blockfactor encode 3,1,7 0,0,21 --codebook book.npz
  blockfactor encode outputs.npy --preset demo --log -o queries.npz"""
    parser.add_argument("input", nargs="+",
                        help="tuples such as 3,1,7, or one .npy or .npz file with numbers of at "
                             "least 0, shape [B, L] or [n, B, L]")
    parser.add_argument("--codebook", metavar="FILE",
                        help="codebooks (.npz, .h, .hex); needed for tuples, for vectors they "
                             "only have to have the same shape")
    parser.add_argument("--preset", metavar="P",
                        help="core the queries are for: entries, weight bits and shape")
    parser.add_argument("--entries", type=integer(1, 1024), metavar="S",
                        help="entries kept in a block of a dense vector (8, or the preset's)")
    parser.add_argument("--weight-bits", type=integer(1, 16), metavar="W",
                        help="bits of a weight (4, or the preset's)")
    parser.add_argument("--log", action="store_true",
                        help="weights by the logarithm, two steps a nat, for soft queries")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", "--output", metavar="FILE.npz", help="write a file of queries")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..codebook_files import misfits, read_codebooks
    from ..presets import preset
    core = preset(args.preset).core if args.preset else None
    path = output_file(args.output) if args.output else None
    if path is not None and path.suffix != ".npz":
        raise QueryError(f"{path}: suffix {path.suffix!r} is not .npz")
    codebooks = read_codebooks(args.codebook) if args.codebook else None
    if core is not None and codebooks is not None:
        for problem in misfits(codebooks, core):
            raise QueryError(f"{args.codebook}: {problem} (preset {args.preset})")
    if args.input[0].endswith((".npy", ".npz")):
        queries = _from_vectors(args, core, codebooks)
    else:
        queries = _from_tuples(args, codebooks)
    for number, query in enumerate(queries):
        if not query.smax:
            raise QueryError(f"query {number} is empty: no block has an entry")
    if path is not None:
        queries.save(path)
    if args.json:
        print_json([_row(queries, n) for n in range(len(queries))])
    elif path is None:
        _print(queries)
    if path is not None and not args.json:
        print(f"{path}: {len(queries)} queries of {queries.index.shape[1]} blocks, "
              f"up to {queries.index.shape[2]} entries a block")
    return 0


def _from_tuples(args, codebooks):
    import argparse

    import numpy as np

    from ..golden.codebook import product
    from ..golden.query import clean_batch
    from ..golden.query_set import QuerySet
    try:
        tuples = [integers(text) for text in args.input]
    except argparse.ArgumentTypeError as problem:
        raise BlockfactorError(f"{problem}, nor a .npy or .npz file") from None
    if codebooks is None:
        raise BlockfactorError("tuples need the codebooks: give --codebook")
    for chosen in tuples:
        if len(chosen) != codebooks.factors:
            raise BlockfactorError(f"tuple {','.join(map(str, chosen))} has {len(chosen)} entries, "
                                   f"there are {codebooks.factors} codebooks")
    tuples = np.array(tuples)
    return QuerySet(*clean_batch(product(codebooks, tuples)), tuples)


def _from_vectors(args, core, codebooks):
    from ..golden.query import from_probabilities_batch
    from ..golden.query_set import QuerySet
    if len(args.input) > 1:
        raise BlockfactorError(f"{args.input[1]}: one file of vectors at a time")
    vectors = _load_vectors(args.input[0])
    shape = core or codebooks
    if shape is not None and vectors.shape[1:] != (shape.blocks, shape.block_length):
        raise QueryError(f"{args.input[0]}: vectors have {vectors.shape[1]} blocks of "
                         f"{vectors.shape[2]}, must have {shape.blocks} of {shape.block_length}")
    entries = args.entries or (core.query_entries if core else min(8, vectors.shape[2]))
    bits = args.weight_bits or (core.weight_bits if core else 4)
    try:
        return QuerySet(*from_probabilities_batch(vectors, entries, bits, args.log))
    except QueryError as problem:
        raise QueryError(f"{args.input[0]}: {problem}") from None


def _load_vectors(path: str):
    """Numbers of a .npy or .npz file as an array [n, B, L]."""
    import numpy as np
    try:
        with open(path, "rb") as stream:
            if stream.read(2) not in (b"\x93N", b"PK"):
                raise QueryError(f"{path}: not a readable NumPy file: wrong first bytes")
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.lib.npyio.NpzFile):
            with content:
                name = ARRAY if ARRAY in content.files or len(content.files) != 1 \
                    else content.files[0]
                if name not in content.files:
                    raise QueryError(f"{path}: no array is called {ARRAY}")
                content = content[name]
    except QueryError:
        raise
    except OSError as problem:
        raise QueryError(f"{path}: cannot be read: {problem.strerror or problem}") from None
    # A damaged file can make the readers of zip and npy raise nearly anything.
    except Exception as problem:
        raise QueryError(f"{path}: not a readable NumPy file: {problem}") from None
    if content.dtype.kind not in "fiu":
        raise QueryError(f"{path}: {content.dtype} values are not numbers")
    if content.ndim not in (2, 3) or 0 in content.shape:
        raise QueryError(f"{path}: shape {content.shape} is not [B, L] or [n, B, L]")
    return content if content.ndim == 3 else content[None]


def _row(queries, number: int) -> dict:
    row = {"entries": [[list(pair) for pair in block] for block in queries[number].entries]}
    if queries.truth is not None:
        row["truth"] = queries.truth[number].tolist()
    return row


def _print(queries) -> None:
    from rich.table import Table
    table = Table()
    table.add_column("query", justify="right")
    table.add_column("tuple")
    table.add_column("block", justify="right")
    table.add_column("index:weight")
    for number in range(min(SHOWN, len(queries))):
        truth = "" if queries.truth is None else ",".join(map(str, queries.truth[number]))
        for b, block in enumerate(queries[number].entries):
            table.add_row(str(number) if b == 0 else "", truth if b == 0 else "", str(b),
                          "  ".join(f"{i}:{w}" for i, w in block) or "-",
                          end_section=b == queries[number].blocks - 1)
    print_table(table)
    if len(queries) > SHOWN:
        print(f"and {len(queries) - SHOWN} more (--json prints all, -o writes them to a file)")

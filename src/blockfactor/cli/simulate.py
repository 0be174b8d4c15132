"""Factorize queries in the simulated core and compare every step with the golden model."""

import json
from contextlib import nullcontext
from pathlib import Path

from ..parameters import MODES
from ._common import integer, number, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "simulate"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Run queries on the core in a simulator, compare each run with the golden model in every "
        "step and every field of the result, and print what was found. Exit status 1 if any run "
        "differs.")
    parser.epilog = """\
examples:
  blockfactor simulate --preset demo --queries 20 --kind soft
  blockfactor simulate --preset demo --queries 20 --kind soft --mode join
  blockfactor simulate --preset tiny --codebook-file book.npz --query-file queries.npz \\
      --params run.toml --json results.json"""
    parser.add_argument("--preset", default="demo", help="configuration of the core (default demo)")
    parser.add_argument("--queries", type=integer(1, 1_000_000), default=None, metavar="N",
                        help="queries to run: made at random (default 10), or the first N of a "
                             "file (default all)")
    parser.add_argument("--kind", choices=("clean", "soft", "damaged"), default="clean",
                        metavar="KIND", help="queries made: clean (default), soft or damaged")
    parser.add_argument("--margin", type=number(0, 100), default=None,
                        help="logit margin of soft queries (default the preset's)")
    parser.add_argument("--wrong-blocks", type=integer(1, 16), default=1, metavar="N",
                        help="blocks replaced in damaged queries (default 1)")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1,
                        help="of queries, codebooks and sampler (default 1)")
    parser.add_argument("--query-file", metavar="FILE.npz",
                        help="queries to run instead; needs --codebook-file")
    parser.add_argument("--codebook-file", metavar="FILE.npz",
                        help="codebooks to use (default: random ones)")
    parser.add_argument("--params", metavar="FILE.toml",
                        help="run parameters (default: the preset's for the kind)")
    parser.add_argument("--mode", choices=MODES, metavar="MODE",
                        help=f"{', '.join(MODES)} (default: what the parameters say)")
    parser.add_argument("--heads", type=integer(1, 3), metavar="N",
                        help="blocks that join looks codevectors up in (default: what the "
                             "parameters say)")
    parser.add_argument("--simulator", choices=("verilator", "icarus"), default="verilator",
                        metavar="NAME", help="verilator (default) or icarus")
    parser.add_argument("--waves", metavar="DIR", nargs="?", const="waves",
                        help="keep log and waveform in DIR (default: waves)")
    parser.add_argument("--json", metavar="FILE", help="write the results")


def run(args) -> int:
    """Run the command; returns its exit status."""
    import tempfile

    from ..presets import preset
    from ..tables import write_text

    output = output_file(args.json) if args.json else None
    chosen = preset(args.preset)
    work = _workload(args, chosen)
    folder = Path(args.waves) if args.waves else None
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as place:
        rows = _simulate(args, work, place)
    failures = [row for row in rows if row["difference"]]
    _print(chosen.name, rows)
    for row in failures:
        print(f"query {row['number']} differs from the golden model: {row['difference']}")
    if output:
        write_text(output, json.dumps({"preset": chosen.name, "seed": args.seed,
                                       "differences": len(failures), "runs": rows}, indent=2))
    if folder:
        print(f"log and waveform are in {folder}")
    return 1 if failures else 0


def _simulate(args, work, place) -> list[dict]:
    from rich.console import Console
    from rich.progress import Progress

    from blockfactor.sim.simulate import model, simulate

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("building the model (some 30 s, then cached)", total=None)
        built = model(work.config, args.simulator, bool(args.waves))
        progress.update(task, description="simulating", total=len(work.items))
        return simulate(work, place, args.simulator, bool(args.waves), built=built,
                        progress=lambda done: progress.update(task, completed=done))


def _workload(args, chosen):
    from blockfactor.golden.codebook import Codebooks
    from blockfactor.golden.query_set import QuerySet
    from blockfactor.sim.workload import Item, Workload, make_items

    from ..errors import QueryError
    from ..parameters import RunParameters

    core = chosen.core
    parameters = RunParameters.load(args.params) if args.params else chosen.parameters(args.kind)
    books = Codebooks.load(args.codebook_file) if args.codebook_file else None
    if books is not None and not args.params:
        parameters = parameters.replace(sizes=books.sizes)
    given = {"mode": args.mode, "heads": args.heads}
    parameters = parameters.replace(**{k: v for k, v in given.items() if v is not None})
    parameters.check(core)
    if books is not None:
        from blockfactor.golden.factorizer import Factorizer
        Factorizer(core, books).check(parameters)
    if not args.query_file:
        margin = chosen.margin if args.margin is None else args.margin
        return Workload(core, make_items(core, parameters, args.kind, args.queries or 10, args.seed,
                                         margin, args.wrong_blocks, codebooks=books),
                        seed=args.seed)
    if books is None:
        raise QueryError("--query-file needs --codebook-file: queries mean nothing without one")
    queries = QuerySet.load(args.query_file)
    items = []
    for row in range(min(len(queries), args.queries or len(queries))):
        query = queries[row]
        try:
            query.check(core.blocks, core.block_length, core.query_entries, core.weight_bits)
            if not query.smax:
                raise QueryError("query is empty: no block has an entry")
        except QueryError as problem:
            raise QueryError(f"{args.query_file}, query {row}: {problem}") from None
        truth = None if queries.truth is None else tuple(int(m) for m in queries.truth[row])
        items.append(Item(books, query, parameters, truth))
    return Workload(core, items, seed=args.seed)


def _print(name: str, rows: list[dict]) -> None:
    def show(indices):
        return "-" if indices is None else " ".join(map(str, indices))

    from rich.table import Table
    table = Table(title=f"{len(rows)} queries on the core '{name}'")
    for column in ("query", "kind", "true tuple", "found tuple", "score", "iterations", "cycles",
                   "stop", "golden"):
        table.add_column(column, justify="right" if column in ("score", "iterations", "cycles")
                         else "left")
    for row in rows:
        # Of a run for several products each has a row.
        name = f"{row['number']}.{row['product']}" if row.get("product") else str(row["number"])
        table.add_row(name, row["kind"], show(row["truth"]), show(row["indices"]),
                      f"{row['score']}/{row['smax']}", str(row["iterations"]),
                      f"{row['cycles']:,}", row["stop"],
                      "differs" if row["difference"] else "equal")
    print_table(table)
    known = {row["number"] for row in rows if row["truth"] is not None}
    right = len({row["number"] for row in rows if row["truth"] == row["indices"]})
    if known:
        print(f"{right} of {len(known)} true tuples found; "
              f"mean {sum(row['cycles'] for row in rows) / len(rows):,.0f} cycles")

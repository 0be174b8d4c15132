"""Find run parameters for your codebooks and queries, and measure them on fresh ones."""

from ._common import integer, integers, number, output_file, print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "tune"

ENGINES = ("auto", "factorize", "join", "scan", "both")


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Search for the run parameters (threshold, samples, trim, look-up blocks, level,\n"
        "patience, limit of iterations) and the kind of queries (entries a block, linear or log\n"
        "weights) with which a core is fastest while it is as right as it can be. The golden\n"
        "model runs them; accuracy and cycles are then stated for fresh problems that the search\n"
        "has not seen, next to those of the preset's parameters. docs/tune.md tells how.")
    parser.epilog = """\
examples:
  blockfactor tune --preset paper --engine factorize --jobs 2 -o run.toml
  blockfactor tune --preset robust --engine factorize --kind damaged --wrong-blocks 2
  blockfactor tune --preset demo --kind soft --margin 4 --engine both --store tune.json
  blockfactor tune --preset demo --codebook-file book.npz --query-file labelled.npz -o run.toml

A file of queries holds the true tuples as well: either queries as QuerySet.save writes them, with
truth, or an .npz with arrays vectors [n, B, L] (probabilities) and truth [n, F]; entries and kind
of weights can be chosen for the latter only, of the former entries can be dropped. What is
written with -o, 'simulate', 'factorize' and the drivers take as --params."""
    parser.add_argument("--preset", default="demo", metavar="P",
                        help="configuration of the core, and parameters to compare with (default "
                             "demo)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--engine", choices=ENGINES, default="auto", metavar="ENGINE",
                        help=f"mode: {', '.join(ENGINES)} (default auto, what the core does "
                             "unless told; both: factorize and join)")
    parser.add_argument("--sizes", type=integers, metavar="M,M,...",
                        help="codevectors of random codebooks, new ones for each problem (default "
                             "the preset's)")
    parser.add_argument("--codebook-file", metavar="FILE",
                        help="codebooks to tune for: .npz, .h or .hex")
    parser.add_argument("--query-file", metavar="FILE.npz",
                        help="queries with their true tuples; needs --codebook-file")
    parser.add_argument("--kind", choices=("clean", "soft", "damaged"), metavar="KIND",
                        help="queries made: clean (default), soft or damaged")
    parser.add_argument("--margin", type=number(0, 100), metavar="X",
                        help="logit margin of soft queries (default the preset's)")
    parser.add_argument("--wrong-blocks", type=integer(1, 16), metavar="N",
                        help="blocks replaced in damaged queries (default 1)")
    parser.add_argument("--minimise", choices=("cycles", "iterations"), default="cycles",
                        metavar="WHAT", help="cycles (default) or iterations")
    parser.add_argument("--tolerance", type=number(0, 1), default=.005, metavar="X",
                        help="share of right answers that may be lost for speed (default .005)")
    parser.add_argument("--max-iterations", type=integer(1, 65535), metavar="N",
                        help="limit of factorize (default: found as well)")
    parser.add_argument("--trials", type=integer(1, 1_000_000), default=1024, metavar="N",
                        help="problems of the last race, or at most so many of a file's (default "
                             "1024)")
    parser.add_argument("--fresh", type=integer(1, 1_000_000), metavar="N",
                        help="fresh problems (default 2048, or half of a file's queries)")
    parser.add_argument("--clock", type=integer(1_000, 1_000_000_000), metavar="HZ",
                        help="clock that microseconds are given for (default the preset's)")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1,
                        help="of problems and search (default 1): the same gives the same result")
    parser.add_argument("--jobs", type=integer(-1, 1024), default=1, metavar="N",
                        help="processes (default 1; -1: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="address of a Dask scheduler, tcp://host:8786, instead of --jobs")
    parser.add_argument("--store", metavar="FILE.json",
                        help="keep runs in a file: the same command goes on where it was stopped")
    parser.add_argument("--json", action="store_true", help="print JSON, with all that was tried")
    parser.add_argument("-o", "--output", metavar="FILE.toml", help="write the run parameters")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..errors import ParameterError, StudyError
    from ..presets import preset

    output = output_file(args.output) if args.output else None
    if output is not None and output.suffix != ".toml":
        raise ParameterError(f"{output}: suffix {output.suffix!r} is not .toml")
    store = output_file(args.store) if args.store else None
    if not args.jobs:
        raise StudyError("jobs 0 is not -1 or 1..1024")
    chosen = preset(args.preset)
    system = _system(args, chosen)
    source = _source(args, chosen, system.core)
    before = chosen.parameters("clean" if source.exact else "soft")
    tuning = _tune(args, system, source, before, store)
    about = _about(args, source, tuning)
    if output is not None:
        _write(output, about, tuning.best)
    if args.json:
        print_json({"preset": chosen.name, "set": args.set, "sizes": source.sizes,
                    "queries": about, "seed": args.seed, "minimise": args.minimise,
                    "tolerance": args.tolerance, "clock_hz": system.clock_hz,
                    "search_problems": tuning.search_problems,
                    "fresh_problems": tuning.fresh_problems,
                    "modes": [each.to_table() for each in tuning.modes]})
        return 0
    print(about)
    for each in tuning.modes:
        _print(chosen.name, each, system.clock_hz)
    for line in _advice(source, tuning.best):
        print(line)
    if output is not None:
        print(f"{output}: parameters of {tuning.best.mode}")
    return 0


def _system(args, chosen):
    from dataclasses import replace

    from ._settings import core_changes
    system = replace(chosen.system, core=chosen.core.replace(**core_changes(args.set)))
    return replace(system, clock_hz=args.clock) if args.clock else system


def _exclude(args, option: str, *others: str) -> None:
    """Refuse options that mean nothing beside ``option``."""
    from ..errors import StudyError
    for other in others:
        if getattr(args, other) is not None:
            raise StudyError(f"--{other.replace('_', '-')} does not go with {option}")


def _source(args, chosen, core):
    """The problems that the arguments ask for."""
    from ..codebook_files import misfits, read_codebooks
    from ..errors import CodebookError, QueryError, check_int
    from ..studies.tune_problems import Source

    if args.query_file:
        _exclude(args, "--query-file", "kind", "margin", "wrong_blocks")
        if not args.codebook_file:
            raise QueryError("--query-file needs --codebook-file: queries mean nothing without one")
    kind = args.kind or "clean"
    if kind != "soft":
        _exclude(args, f"--kind {kind}", "margin")
    if kind != "damaged":
        _exclude(args, f"--kind {kind}", "wrong_blocks")
    wrong = check_int("wrong_blocks", args.wrong_blocks or 1, 1, core.blocks, QueryError)
    source = Source(core, args.sizes or chosen.clean.sizes, args.seed, kind,
                    margin=chosen.margin if args.margin is None else args.margin,
                    wrong_blocks=wrong)
    if args.codebook_file:
        _exclude(args, "--codebook-file", "sizes")
        books = read_codebooks(args.codebook_file)
        for problem in misfits(books, core):
            raise CodebookError(f"{args.codebook_file}: {problem} (preset {args.preset})")
        source = source.with_codebooks(books)
    return _with_queries(source, args.query_file, args.fresh) if args.query_file else source


def _with_queries(source, name: str, fresh):
    """Queries of a file, whichever kind it is."""
    from ..errors import QueryError
    from ..golden.query_set import QuerySet
    from ._labelled import labelled_vectors

    vectors = labelled_vectors(name)
    if vectors is None:
        return source.with_queries(name, QuerySet.load(name), fresh)
    if vectors[1] is None:
        raise QueryError(f"{name}: has no array truth: without the true tuples nothing can be "
                         "called right")
    return source.with_vectors(name, *vectors, fresh)


def _tune(args, system, source, before, store):
    from rich.console import Console
    from rich.progress import Progress

    from ..studies.tune import Goal, tune

    goal = Goal(args.trials, args.minimise, args.tolerance, args.max_iterations)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("tuning", total=None)
        return tune(system, source, before, args.engine, goal, args.fresh or 2048, args.jobs,
                    args.scheduler, store,
                    lambda done, wanted, text: progress.update(
                        task, completed=done, total=wanted, description=text))


def _about(args, source, tuning) -> str:
    sizes = ",".join(map(str, source.sizes))
    books = f"codebooks of {args.codebook_file}" if args.codebook_file else "random codebooks"
    if args.query_file:
        queries = f"queries of {args.query_file}"
    else:
        queries = {"clean": "clean queries", "soft": f"soft queries, margin {source.margin:g}",
                   "damaged": f"queries with {source.wrong_blocks} of {source.core.blocks} blocks "
                              "wrong"}[source.kind]
    return (f"{queries}, {books} of {sizes}: {tuning.search_problems} for the search, "
            f"{tuning.fresh_problems} fresh ones")


#: What each mode reads of its parameters.
FIELDS = {"factorize": ("threshold", "samples", "trim", "level", "patience", "max_iterations"),
          "join": ("heads", "level"), "scan": ("level",)}


def _print(name: str, tuned, clock_hz: int) -> None:
    from rich.table import Table
    table = Table(title=f"{tuned.mode}: {tuned.figures.problems} fresh problems, "
                        f"{clock_hz / 1e6:g} MHz")
    fields = FIELDS[tuned.mode]
    columns = ("parameters", *fields, "right", "95 %", "iterations" if tuned.mode == "factorize"
               else "tuples", "cycles", "99 %", "us", "99 %")
    for column in columns:
        table.add_column(column, justify="left" if column == "parameters" else "right")
    for label, parameters, found in (("tuned", tuned.parameters, tuned.figures),
                                     (f"preset {name}", tuned.before_parameters, tuned.before)):
        table.add_row(label, *(str(getattr(parameters, field)) for field in fields),
                      f"{found.accuracy:.4f}", f"{found.accuracy_low:.4f}.."
                      f"{found.accuracy_high:.4f}", f"{found.iterations:,.2f}",
                      f"{found.cycles:,.0f}", f"{found.cycles_p99:,.0f}",
                      f"{found.microseconds:,.1f}", f"{found.microseconds_p99:,.1f}")
    print_table(table)


def _advice(source, tuned) -> list[str]:
    """What has to be done to the queries, in sentences."""
    if source.kind == "entries":
        if tuned.entries < source.depth:
            return [f"drop all but the {tuned.entries} heaviest entries of each block of the "
                    "queries; the kind of their weights cannot be chosen"]
        return ["the queries stay as they are; the kind of their weights cannot be chosen"]
    if source.kind not in ("soft", "vectors"):
        return []
    log = " --log" if tuned.weights == "log" else ""
    lines = [f"queries: at most {tuned.entries} entries a block, {tuned.weights} weights "
             f"(blockfactor encode --entries {tuned.entries}{log})"]
    if tuned.entries < source.core.query_entries:
        lines.append(f"a core with query_entries={tuned.entries} is enough")
    return lines


def _write(path, about: str, tuned) -> None:
    """Parameters as TOML, with what is known of them in comments."""
    import tomli_w

    from ..tables import write_text
    found = tuned.figures
    comments = [
        f"blockfactor tune, mode {tuned.mode}: {about}",
        f"fresh: {found.accuracy:.4f} right ({found.accuracy_low:.4f}..{found.accuracy_high:.4f}), "
        f"{found.cycles:.0f} cycles on average, {found.cycles_p99:.0f} of 99 %",
        f"queries: at most {tuned.entries} entries a block, weights {tuned.weights}"]
    text = "".join(f"# {' '.join(line.split())}\n" for line in comments)
    write_text(path, text + tomli_w.dumps(tuned.parameters.to_table()))

"""What the commands that make a study share: arguments, progress, table, files, check."""

from ._common import integer, output_file, print_table

__all__ = ["add_study_arguments", "run_study"]

#: Differences that a check prints.
SHOWN = 20


def add_study_arguments(parser) -> None:
    """Add the arguments of a study to ``parser``."""
    parser.add_argument("--points", action="append", default=[], metavar="PATTERN",
                        help="only points whose name, or name/way, matches, such as 'D512-F2-*' or "
                             "'*/join' (may be repeated)")
    parser.add_argument("--list", action="store_true",
                        help="print points and ways with their trials, and run nothing")
    parser.add_argument("--trials", type=integer(1, 1_000_000), metavar="N",
                        help="trials of each row (default: the study's own, by point); more that "
                             "--store has are kept")
    parser.add_argument("--seed", type=integer(0, 2**63 - 1), metavar="N",
                        help="seed of the study (default 1, or that of --store); with --check: of "
                             "the choice of chunks")
    parser.add_argument("--jobs", type=integer(1, 256), default=1, metavar="N",
                        help="processes on this machine (default 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="address of a Dask scheduler, such as tcp://host:8786, whose workers "
                             "run the trials")
    parser.add_argument("--store", metavar="FILE",
                        help="keep results in FILE as they come; trials it has are not run again, "
                             "so an interrupted study goes on")
    parser.add_argument("--json", metavar="FILE", help="write figures and sums of the rows shown")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the rows shown")
    parser.add_argument("--check", metavar="FILE",
                        help="run again what FILE (of --json or --store) has, and compare every "
                             "number; exit status 1 if one differs")
    parser.add_argument("--sample", type=integer(1, 1_000_000), metavar="N",
                        help="with --check: only N chunks of trials, chosen at random")


def run_study(args, module, name: str) -> int:
    """Run a command for ``module.study()``; returns its exit status."""
    _refuse(args)
    if args.check is not None:
        return _check(args, name)
    from ..studies import store
    from ..studies.study import Results, make_up, run, select

    study = module.study()
    rows = select(study.rows, args.points)
    files = {key: output_file(value) for key, value in
             (("store", args.store), ("json", args.json), ("plot", args.plot)) if value}
    if args.list:
        _print_list(study, rows)
        return 0
    if "plot" in files:
        from ..studies import plots
    results = _open(args, files.get("store"), name, store, Results)
    missing = make_up(results, rows, args.trials)
    with _Progress(f"{name}", sum(trials for *_, trials in missing)) as advance:
        run(results, missing, args.jobs, args.scheduler, advance,
            lambda: store.write(files["store"], results) if "store" in files else None)
    shown = Results(name, results.seed, {row.name: results.records[row.name] for row in rows})
    print_table(_table(study, shown))
    if "json" in files:
        store.write(files["json"], shown)
    if "plot" in files:
        getattr(plots, name)(shown, files["plot"])
    return 0


def _refuse(args) -> None:
    """Refuse options that do not go together."""
    from ..errors import StudyError
    if args.check is not None:
        for option in ("points", "list", "trials", "store", "json", "plot"):
            if getattr(args, option):
                raise StudyError(f"--{option} does not go with --check, which runs what "
                                 f"{args.check} has")
    elif args.sample is not None:
        raise StudyError(f"--sample {args.sample} needs --check: no file to choose chunks of")
    if args.plot is not None and not args.plot.endswith(".png"):
        raise StudyError(f"--plot {args.plot}: must end in .png")
    if args.scheduler is not None and args.jobs != 1:
        raise StudyError(f"--jobs {args.jobs} does not go with --scheduler: its workers are as "
                         "many as they are")


def _open(args, path, name, store, Results):
    """Results to go on with."""
    from ..errors import StudyError
    if path is None or not path.exists():
        return Results(name, 1 if args.seed is None else args.seed)
    results = store.read(path, name)
    if args.seed not in (None, results.seed):
        raise StudyError(f"{path}: has seed {results.seed}, asked for {args.seed}")
    return results


def _check(args, name: str) -> int:
    from ..errors import StudyError
    from ..studies import store
    from ..studies.study import check

    results = store.read(args.check, name)
    chunks = [sums for record in results.records.values() for sums in record.chunks.values()]
    if not chunks:
        raise StudyError(f"{args.check}: has no results")
    if args.sample is not None and args.sample > len(chunks):
        raise StudyError(f"--sample {args.sample} is outside 1..{len(chunks)} (chunks of "
                         f"{args.check})")
    total = None if args.sample else sum(sums["trials"] for sums in chunks)
    with _Progress(f"{name}, again", total) as advance:
        count, found = check(results, args.sample, 1 if args.seed is None else args.seed,
                             args.jobs, args.scheduler, advance)
    for text in found[:SHOWN]:
        print(text)
    if len(found) > SHOWN:
        print(f"and {len(found) - SHOWN} more")
    print(f"{args.check}: {count} of {len(chunks)} chunks run again, {len(found)} differences")
    return 1 if found else 0


class _Progress:
    """A bar of trials on the standard error; gives ``advance(row, trials)``."""

    def __init__(self, title: str, total: int | None):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} trials"),
            TimeElapsedColumn(), console=Console(stderr=True), transient=True)
        self.title = title
        self.task = self.progress.add_task(title, total=total)

    def __enter__(self):
        self.progress.start()
        return self._advance

    def _advance(self, row, trials):
        self.progress.update(self.task, advance=trials, description=f"{self.title}: {row.name}")

    def __exit__(self, *problem):
        self.progress.stop()


def _print_list(study, rows) -> None:
    from rich.table import Table
    table = Table(title=f"{study.name}: {study.about}")
    table.add_column("point")
    table.add_column("way")
    for column in ("M^F", "trials", "a chunk"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(row.point, row.way.name, f"{row.problem.tuples:,}", str(row.trials),
                      str(row.chunk))
    print_table(table)


def _table(study, results):
    from rich.table import Table
    table = Table(title=f"{study.name}: {study.about}; seed {results.seed}")
    table.add_column("point", no_wrap=True)
    table.add_column("way", no_wrap=True)
    for column in ("M^F", "trials", "right", "95 %", "limit", "product", "ended", "iterations",
                   "cycles", "median", "p99"):
        table.add_column(column, justify="right")
    for record in results.records.values():
        row, f = record.row, record.make_figures()
        limit = f"{row.problem.collision_limit:.4f}" if row.problem.kind == "clean" else ""
        table.add_row(
            row.point, row.way.name, f"{row.problem.tuples:,}", str(f["trials"]),
            f"{f['accuracy']:.4f}", f"{f['low']:.3f}..{f['high']:.3f}", limit,
            f"{f['match']:.4f}", f"{f['ended']:.3f}", f"{f['iterations']:,.1f}",
            "" if f["cycles"] is None else f"{f['cycles']:,.0f}", f"{f['median']:,.0f}",
            f"{f['p99']:,.0f}")
    return table

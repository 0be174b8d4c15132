"""Does ``tune`` find what was published, and how long does it take?

Five problems of clean queries, D=512, B=4, from a cold start: the search knows sizes, blocks and
block length, and nothing of the published samples A and thresholds T. What it finds is compared
with those, both in the integer model, on fresh problems that the search has not seen. Then queries
with wrong blocks, of which it must find by itself that blocks have to be left out of the minimum
(r > 0).
"""

import argparse
import json
import resource
import sys
import time

import numpy as np
from _arguments import count, new_file, seed
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset
from blockfactor.studies.tune import Goal, tune
from blockfactor.studies.tune_problems import Source

#: F, M, preset, iterations of the published method in floating point.
POINTS = ((3, 22, "demo", 4.0), (3, 49, "tiny", 17.8), (3, 110, "paper", 104.),
          (2, 562, "f2", 8.1), (2, 1155, "f2", 20.9))
#: Preset, wrong blocks.
DAMAGED = (("demo", 1), ("robust", 1), ("robust", 2))
#: Seconds of processors that the five points may take: five minutes of two cores.
SECONDS = 600
#: Standard errors of the paired difference by which a point may be slower: more is a miss.
ERRORS = 2
#: Accuracy that may be lost against the published parameters.
LOSS = .005
#: Fresh problems from which on a missed bound is an error.
ENOUGH = 2000


def seconds(jobs: int) -> float:
    """Processor time of this process and of all others it had started, which are ended for that."""
    if jobs != 1:
        from joblib.externals.loky import get_reusable_executor
        get_reusable_executor().shutdown(wait=True)
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF,
                                                       resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def row(tuning, began: float, clock: float, jobs: int) -> dict:
    """Figures of what was found first."""
    found = tuning.best
    return {"parameters": found.parameters.to_table(), "before": found.before_parameters.to_table(),
            "tuned_figures": found.figures._asdict(), "before_figures": found.before._asdict(),
            "difference": found.difference,
            "runs": tuning.runs, "cpu_seconds": seconds(jobs) - began,
            "seconds": time.monotonic() - clock,
            "tried": [[v.setting.threshold, v.setting.samples, v.setting.trim, v.limit, v.problems,
                       round(v.accuracy, 4), round(v.iterations, 3), round(v.cycles, 1)]
                      for v in found.found.visits]}


def point(case, args, progress) -> dict:
    """A clean problem with published parameters."""
    factors, size, name, floating = case
    system = preset(name).system
    samples, threshold = published_parameters(512, factors, 4, size)
    sizes = (size,) * factors
    # N of the published code, the same for both.
    limit = max(1, int(size ** (factors - 1) / factors))
    published = RunParameters(sizes, mode="factorize", samples=samples, max_iterations=limit,
                              threshold=round(threshold * 65536))
    began, clock = seconds(args.jobs), time.monotonic()
    tuning = tune(system, Source(system.core, sizes, args.seed), published, "factorize",
                  Goal(args.trials, args.minimise, limit=limit), args.fresh, args.jobs,
                  progress=progress)
    found = {"factors": factors, "size": size, "preset": name, "float_iterations": floating,
             **row(tuning, began, clock, args.jobs)}
    new, old = found["tuned_figures"], found["before_figures"]
    more, error = found["difference"][args.minimise]
    found["ok"] = bool(more <= ERRORS * error
                       and (args.minimise == "cycles" or new["iterations"] <= floating)
                       and new["accuracy"] >= old["accuracy"] - LOSS)
    return found


def damaged(case, args, progress) -> dict:
    """A problem with wrong blocks, compared with the preset's parameters."""
    name, wrong = case
    chosen = preset(name)
    source = Source(chosen.core, chosen.clean.sizes, args.seed, "damaged", wrong_blocks=wrong)
    began, clock = seconds(args.jobs), time.monotonic()
    tuning = tune(chosen.system, source, chosen.soft, "factorize",
                  Goal(min(args.trials, 1024)), args.fresh, args.jobs, progress=progress)
    found = {"preset": name, "wrong_blocks": wrong, **row(tuning, began, clock, args.jobs)}
    found["ok"] = bool(found["parameters"]["trim"] > 0 and
                       found["tuned_figures"]["accuracy"] >=
                       found["before_figures"]["accuracy"] - LOSS)
    return found


def show(points: list, others: list, minimise: str) -> None:
    """Print the figures."""
    console = Console(width=170)
    for title, rows in ((f"clean, least {minimise}: published parameters, and those found", points),
                        ("wrong blocks: the preset's parameters, and those found", others)):
        if not rows:
            continue
        table = Table(title=title)
        for column in ("F", "M", "A, T16", "found", "r", "level", "float it.", "iterations",
                       "found", "more", "cycles", "found", "right", "found", "runs", "CPU s", "s",
                       "ok"):
            table.add_column(column, justify="right")
        for each in rows:
            old, new = each["before_figures"], each["tuned_figures"]
            was, now = each["before"], each["parameters"]
            sizes = now["sizes"]
            table.add_row(
                str(len(sizes)), str(sizes[0]) if "size" in each else
                f"{sizes[0]}, {each['wrong_blocks']} wrong, {each['preset']}",
                f"{was['samples']}, {was['threshold']}", f"{now['samples']}, {now['threshold']}",
                str(now["trim"]), str(now["level"]),
                f"{each['float_iterations']:g}" if "size" in each else "-",
                f"{old['iterations']:.2f}", f"{new['iterations']:.2f}",
                "{:+.2f} ± {:.2f}".format(*each["difference"]["iterations"]),
                f"{old['cycles']:,.0f}", f"{new['cycles']:,.0f}", f"{old['accuracy']:.4f}",
                f"{new['accuracy']:.4f}", f"{each['runs']:,}", f"{each['cpu_seconds']:.1f}",
                f"{each['seconds']:.1f}", "yes" if each["ok"] else "no")
        console.print(table)


def main() -> int:
    """Print the figures; exit status 1 if a bound is missed by enough fresh problems."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/tune.py --jobs 2 --json bench/data/tune.json --plot tune.png")
    parser.add_argument("--trials", type=count, default=2048,
                        help="problems of the last race, at most 1024 with wrong blocks (default "
                             "2048)")
    parser.add_argument("--fresh", type=count, default=4096, help="fresh problems (default 4096)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--jobs", type=count, default=1, help="processes (default 1)")
    parser.add_argument("--minimise", choices=("iterations", "cycles"), default="iterations",
                        help="of the clean problems (default iterations, what was published)")
    names = [f"{case[0]},{case[1]}" for case in POINTS]
    parser.add_argument("--case", action="append", choices=names, metavar="F,M",
                        help="only this clean problem; may be repeated: " + " ".join(names))
    parser.add_argument("--only", choices=("clean", "damaged"), help="only these problems")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    parser.add_argument("--plot", type=new_file, metavar="FILE.png",
                        help="picture of all A and T that were tried; needs matplotlib")
    args = parser.parse_args()
    points, others = [], []
    clean = [case for case, name in zip(POINTS, names) if name in (args.case or names)]
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        for makes, cases, rows in (
                (point, () if args.only == "damaged" else clean, points),
                (damaged, () if args.only == "clean" or args.case else DAMAGED, others)):
            for case in cases:
                rows.append(makes(case, args, lambda done, wanted, text, case=case: bar.update(
                    task, completed=done, total=wanted, description=f"{case[:2]} {text}")))
                each = rows[-1]
                if args.json:  # after each: nothing is lost if the rest is stopped
                    args.json.write_text(json.dumps(
                        {"seed": args.seed, "minimise": args.minimise, "jobs": args.jobs,
                         "points": points, "damaged": others}) + "\n")
                bar.console.print(f"{case[:2]}: {each['cpu_seconds']:.0f} s, ok: {each['ok']}, "
                                  f"{args.minimise} {each['before_figures'][args.minimise]:.2f} -> "
                                  f"{each['tuned_figures'][args.minimise]:.2f}")
    show(points, others, args.minimise)
    total = float(np.sum([each["cpu_seconds"] for each in points]))
    print(f"clean problems together: {total:.0f} s of processors, at most {SECONDS}; "
          f"{sum(each['seconds'] for each in points):.0f} s by the clock with {args.jobs} "
          "processes, what else the machine did included")
    if args.plot:
        from _tune_plot import plot
        plot(points, args.minimise, args.plot)
    failed = total > SECONDS or not all(each["ok"] for each in points + others)
    return int(args.fresh >= ENOUGH and failed)


if __name__ == "__main__":
    sys.exit(main())

"""Plots of results, as PNG files; no screen is needed.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; ways differ in their
markers as well. Bars are 95 % confidence intervals.
"""

from collections.abc import Iterable
from io import BytesIO

from ..tables import write_bytes
from .study import Record, Results

__all__ = ["bits", "capacity", "noise"]

#: Way -> colour, marker, size of the marker.
STYLES = {
    "published": ("#E69F00", "o", 6), "factorize": ("#0072B2", "s", 5), "join": ("#009E73", "^", 6),
    "scan": ("#000000", "x", 6), "factorize, l-infinity": ("#56B4E9", "s", 5),
    "factorize, dot product": ("#CC79A7", "v", 6), "factorize, trimmed": ("#0072B2", "D", 4),
}
FONT = {"font.size": 9, "axes.titlesize": 10, "axes.grid": True, "grid.alpha": .3,
        "grid.linewidth": .6, "axes.axisbelow": True}
DPI = 110


def _figure(rows: int, columns: int, size: tuple[float, float], **options):
    """A figure and its axes [rows, columns]."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    with matplotlib.rc_context(FONT):
        figure = Figure(size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _save(figure, path, handles: dict, columns: int) -> None:
    """Put one legend above all and write the file, whole or not at all."""
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=columns,
                  frameon=False)
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    write_bytes(path, stream.getvalue())


def _line(axes, xs, records: list[Record], key: str, style, label: str, handles: dict,
          **options) -> None:
    """Draw one figure of records, with its interval if it is the accuracy."""
    colour, marker, size = style
    figures = [record.make_figures() for record in records]
    ys = [f[key] for f in figures]
    error = None
    if key == "accuracy":
        error = [[f["accuracy"] - f["low"] for f in figures],
                 [f["high"] - f["accuracy"] for f in figures]]
    options = {"color": colour, "marker": marker, "markersize": size, "linewidth": 1.2,
               "elinewidth": .8, "capsize": 2} | options
    handles.setdefault(label, axes.errorbar(xs, ys, error, **options))


def _series(records: Iterable[Record], key) -> dict:
    """Records by the values of ``key``, in order."""
    groups: dict = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups


def _way(record: Record) -> str:
    return record.row.way.name


def capacity(results: Results, path) -> None:
    """Shares, iterations and cycles against M^F; a column for each dimension and F."""
    groups = _series(results.records.values(),
                     lambda r: (r.row.problem.factors, r.row.problem.dimension))
    figure, every = _figure(3, len(groups), (2.5 * len(groups) + 1.2, 8.4), sharex="col",
                            sharey="row")
    handles: dict = {}
    for column, ((factors, dimension), records) in enumerate(sorted(groups.items())):
        share, iterations, cycles = every[:, column]
        share.set_title(f"D={dimension}, F={factors}")
        cycles.set_xlabel("$M^F$")
        limit = {r.row.problem.tuples: r.row.problem.collision_limit for r in records}
        handles.setdefault("tuple right: limit of equal products",
                           share.plot(*zip(*sorted(limit.items())), "k-", linewidth=1,
                                      zorder=4)[0])
        for way, rows in _series(records, _way).items():
            xs, style = [r.row.problem.tuples for r in rows], STYLES[way]
            _line(share, xs, rows, "accuracy", style, f"{way}: tuple right", handles)
            _line(share, xs, rows, "match", style, f"{way}: product right", handles,
                  linestyle=":", markerfacecolor="white")
            if way != "join":
                _line(iterations, xs, rows, "iterations", style, way, {})
            if rows[0].row.way.has_cycles:
                _line(cycles, xs, rows, "cycles", style, way, {})
                _line(cycles, xs, rows, "p99", style, f"{way}: cycles of 99 %", handles,
                      linestyle="--", marker="")
        for axes in every[:, column]:
            axes.set_xscale("log")
            axes.set_xticks([1e3, 1e5, 1e7])
            axes.grid(True, which="major")
    every[0, 0].set_ylabel("share of trials")
    every[1, 0].set_ylabel("mean iterations")
    every[2, 0].set_ylabel("mean cycles")
    every[1, 0].set_yscale("log")
    every[2, 0].set_yscale("log")
    _save(figure, path, handles, 3)


def noise(results: Results, path) -> None:
    """Accuracy and cycles against margin and wrong blocks; a column for each M and B."""
    groups = _series(results.records.values(),
                     lambda r: (r.row.problem.blocks, r.row.problem.size))
    figure, every = _figure(4, len(groups), (3.6 * len(groups) + 1, 12.5), sharey="row")
    handles: dict = {}
    for column, ((blocks, size), records) in enumerate(groups.items()):
        every[0, column].set_title(f"M={size}, B={blocks}, L={512 // blocks}")
        for kind, field, top in (("soft", "margin", 0), ("damaged", "wrong", 2)):
            accuracy, cycles = every[top:top + 2, column]
            for way, rows in _series((r for r in records if r.row.problem.kind == kind),
                                     _way).items():
                xs = [getattr(r.row.problem, field) for r in rows]
                _line(accuracy, xs, rows, "accuracy", STYLES[way], way, handles)
                if rows[0].row.way.has_cycles:
                    _line(cycles, xs, rows, "cycles", STYLES[way], way, handles)
            cycles.set_yscale("log")
            for axes in (accuracy, cycles):
                if kind == "damaged":
                    axes.set_xticks(range(blocks // 2 + (blocks == 4)))
                axes.grid(True)
            cycles.set_xlabel("margin of the true index (softer to the left)" if kind == "soft"
                              else "wrong blocks")
    for row, label in enumerate(("tuple right, soft", "mean cycles, soft",
                                 "tuple right, damaged", "mean cycles, damaged")):
        every[row, 0].set_ylabel(label)
    _save(figure, path, handles, 6)


def bits(results: Results, path) -> None:
    """Accuracy against bits of a weight, entries of a block, list size; a row for each M."""
    groups = _series(results.records.values(),
                     lambda r: (r.row.problem.size, r.row.problem.margin))
    figure, every = _figure(len(groups), 3, (12.5, 3.6 * len(groups) + .9), sharey="row")
    handles: dict = {}
    for row, ((size, margin), records) in enumerate(groups.items()):
        by_bits, by_entries, by_list = every[row]
        plain = [r for r in records if ", K=" not in _way(r)]
        for axes, field, label, usual in (
                (by_bits, "weight_bits", "bits of a weight (8 entries)", ("entries", 8)),
                (by_entries, "entries", "entries of a block (4 bits)", ("weight_bits", 4))):
            rows = [r for r in plain if getattr(r.row.problem, usual[0]) == usual[1]]
            for (way, log), some in _series(rows, lambda r: (_way(r), r.row.problem.log)).items():
                some.sort(key=lambda r: getattr(r.row.problem, field))
                _line(axes, [getattr(r.row.problem, field) for r in some], some, "accuracy",
                      STYLES[way], f"{way}, {'logarithmic' if log else 'linear'} weights", handles,
                      linestyle="--" if log else "-",
                      markerfacecolor="white" if log and way != "scan" else STYLES[way][0])
            axes.set_xlabel(label)
        lists = [r for r in records if _way(r).startswith("factorize")
                 and (r.row.problem.entries, r.row.problem.weight_bits, r.row.problem.log)
                 == (8, 4, False)]
        lists.sort(key=lambda r: r.row.way.core.list_size)
        if lists:
            _line(by_list, [r.row.way.core.list_size for r in lists], lists, "accuracy",
                  STYLES["factorize"], "factorize, linear weights", handles)
        by_list.set_visible(bool(lists))
        by_list.set_xlabel("list size K (8 entries, 4 bits)")
        for axes, ticks in ((by_entries, (1, 2, 4, 8, 16)), (by_list, (4, 8, 16, 32))):
            axes.set_xscale("log", base=2)
            axes.set_xticks(ticks, ticks)
        by_bits.set_ylabel(f"tuple right, M={size}, margin {margin:g}")
        for axes in every[row]:
            axes.grid(True)
    _save(figure, path, handles, 3)

"""Picture of what a search tried: samples A against threshold T, coloured by what it cost."""

__all__ = ["plot"]

#: Columns of a row of ``tried``.
THRESHOLD, SAMPLES, PROBLEMS, ITERATIONS, CYCLES = 0, 1, 4, 6, 7


def plot(points: list, cost: str, path) -> None:
    """Write a PNG with a panel for each point; needs matplotlib."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    column = {"iterations": ITERATIONS, "cycles": CYCLES}[cost]
    figure, axes = plt.subplots(1, len(points), figsize=(3.6 * len(points), 4), squeeze=False,
                                layout="constrained")
    for axis, point in zip(axes[0], points):
        best = point["tuned_figures"][cost]
        # The first race is short: what it did not find out is drawn hollow.
        most = max(row[3] for row in point["tried"])
        early = [row for row in point["tried"] if row[3] < most]
        whole = sorted((row for row in point["tried"] if row[3] == most),
                       key=lambda row: -row[column])
        axis.scatter([row[THRESHOLD] for row in early], [max(row[SAMPLES], .7) for row in early],
                     s=10, facecolors="none", edgecolors="0.8", linewidths=.6)
        dots = axis.scatter([row[THRESHOLD] for row in whole],
                            [max(row[SAMPLES], .7) for row in whole], s=26,
                            c=[row[column] for row in whole], cmap="viridis",
                            norm=LogNorm(best * .9, best * 2.5))
        for key, marker, label in (("before", "+", "published"), ("parameters", "x", "found")):
            axis.plot(point[key]["threshold"], max(point[key]["samples"], .7), marker, color="red",
                      markersize=11, markeredgewidth=1.8, label=label)
        axis.set(xscale="log", yscale="log", xlabel="threshold T16", ylabel="samples A",
                 title=f"F={point['factors']}, M={point['size']}")
        axis.legend(loc="lower left", fontsize=8)
        figure.colorbar(dots, ax=axis, label=f"mean {cost}", orientation="horizontal")
    figure.suptitle("settings the searches tried; grey: left in short races")
    figure.savefig(path, dpi=80, metadata={"Software": None})

"""Picture of what a search tried: samples A against threshold T, coloured by what it cost."""

__all__ = ["plot"]

#: Columns of a row of ``tried``.
THRESHOLD, SAMPLES, PROBLEMS, ACCURACY, ITERATIONS, CYCLES = 0, 1, 4, 5, 6, 7
#: Problems from which on a dot is coloured.
ENOUGH = 64


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
        # Most runs are cut short: what counts is the cost of a right answer. A setting is drawn
        # once, with what most problems said of it.
        most = {}
        for row in point["tried"]:
            if row[PROBLEMS] >= most.get(tuple(row[:2]), row)[PROBLEMS]:
                most[tuple(row[:2])] = row
        early = [row for row in most.values() if row[PROBLEMS] < ENOUGH or not row[ACCURACY]]
        costs = sorted(((row[column] / row[ACCURACY], row) for row in most.values()
                        if row[PROBLEMS] >= ENOUGH and row[ACCURACY]), reverse=True)
        best = point["tuned_figures"][cost] / point["tuned_figures"]["accuracy"]
        axis.scatter([row[THRESHOLD] for row in early], [max(row[SAMPLES], .7) for row in early],
                     s=10, facecolors="none", edgecolors="0.7", linewidths=.6)
        dots = axis.scatter([row[THRESHOLD] for _, row in costs],
                            [max(row[SAMPLES], .7) for _, row in costs], s=26,
                            c=[value for value, _ in costs], cmap="viridis",
                            norm=LogNorm(best * .9, best * 2.5))
        for key, marker, label in (("before", "+", "published"), ("parameters", "x", "found")):
            axis.plot(point[key]["threshold"], max(point[key]["samples"], .7), marker, color="red",
                      markersize=11, markeredgewidth=1.8, label=label)
        axis.set(xscale="log", yscale="log", xlabel="threshold T16", ylabel="samples A",
                 title=f"F={point['factors']}, M={point['size']}")
        axis.legend(loc="lower left", fontsize=8)
        figure.colorbar(dots, ax=axis, label=f"{cost} for a right answer",
                        orientation="horizontal")
    figure.suptitle("settings the searches tried; grey: left early; at the bottom A=0, all")
    figure.savefig(path, dpi=80, metadata={"Software": None})

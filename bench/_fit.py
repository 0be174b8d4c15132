"""Weights of features by least squares of relative errors, held near what they should be."""

import numpy as np

__all__ = ["STRENGTHS", "errors", "fit", "held_out", "tuned"]

#: How strongly weights are held near their priors; the best is found by leaving designs out.
STRENGTHS = (.001, .003, .01, .03, .1, .3)
#: Relative error of a fitted design that is too large.
FAR = .06


def fit(x: np.ndarray, y: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    """Weights, none negative.

    They minimise the squares of relative errors, and ``strength`` times those of the weights
    themselves against their priors, which are scaled to fit together first.

    Parameters
    ----------
    x : array of float, shape (designs, features)
    y : array of float, shape (designs,)
    prior : array of float, shape (features,)
    strength : float
    """
    z = x * prior / y[:, None]
    rough = z.sum(axis=1)
    scale = rough.sum() / (rough @ rough)
    z *= scale
    weights = np.zeros(len(prior))
    used = np.ones(len(prior), dtype=bool)
    while True:
        # Those that came out negative are none, and the others fitted again.
        square = z[:, used].T @ z[:, used] + strength * np.eye(used.sum())
        weights[:] = 0
        weights[used] = np.linalg.solve(square, z[:, used].sum(axis=0) + strength)
        if (weights >= 0).all():
            return weights * prior * scale
        used &= weights > 0


def errors(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Relative errors."""
    return x @ weights / y - 1


def held_out(x: np.ndarray, y: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    """Relative error of each design by weights that all others were fitted to.

    A single design has no others; its error is that of nothing, 1.
    """
    if len(y) < 2:
        return np.ones(len(y))
    found = []
    for n in range(len(y)):
        others = np.arange(len(y)) != n
        weights = fit(x[others], y[others], prior, strength)
        found.append(x[n] @ weights / y[n] - 1)
    return np.array(found)


def tuned(x: np.ndarray, y: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Weights, errors of designs left out, and the strength at which those are least.

    Strengths at which a design that is fitted is :data:`FAR` off are out, but for the least.
    """
    tries = {}
    for strength in STRENGTHS:
        weights = fit(x, y, prior, strength)
        if not tries or np.abs(errors(x, y, weights)).max() < FAR:
            tries[strength] = weights, held_out(x, y, prior, strength)
    best = min(tries, key=lambda s: (tries[s][1] ** 2).mean())
    return *tries[best], best

"""Turning a score, or any signal, into a probability of being correct, without judging it on the data that taught it.

A recalibrated score is comparable between signals and usable as a probability. Within one problem it ranks solutions as
the score does (isotonic regression may create ties), so best-of-N is unchanged; the weighted vote is not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import folds
from laser_core.analysis.scores.metrics import Judged
from laser_core.errors import InputError

Curve = Callable[[np.ndarray], np.ndarray]


def recalibrate(samples: Samples, *, method: str = "isotonic", n_folds: int = 5, seed: int = 0) -> Samples:
    """Replace each score by a probability learned on the other folds of problems.

    Parameters
    ----------
    samples : Samples
    method : {"isotonic", "platt"}
        Any rising function of the score, or a logistic one [1]_.
    n_folds : int
    seed : int
        Of the folds.

    Returns
    -------
    Samples
        With scores in [0, 1]; solutions without a score keep none.

    Raises
    ------
    InputError
        If the method is unknown, or correct or incorrect solutions are missing from some fold's complement.

    References
    ----------
    .. [1] J. Platt. Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers, 1999
           (with its smoothed targets).

    Examples
    --------
    >>> from laser_core.analysis import calibration
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random((300, 8))
    >>> samples = Samples.from_arrays(correct=rng.random(p.shape) < p, score=p**3)  # far too modest
    >>> before, after = calibration(samples).ece.value, calibration(recalibrate(samples)).ece.value
    >>> before > 0.2, after < 0.04
    (True, True)
    """
    if method not in _FITS:
        raise InputError(f"unknown method '{method}'", field="method", remedy=f"choose from: {', '.join(_FITS)}")
    judged = Judged.of(samples)
    fold = folds(samples.n_problems, n_folds=n_folds, seed=seed)
    out = np.full(samples.score.shape, np.nan)
    for k in range(fold.max() + 1):
        taught = fold[judged.problem] != k
        if not 0 < judged.correct[taught].sum() < taught.sum():
            raise InputError(
                "recalibration needs correct and incorrect scored solutions in every fold",
                field="score",
                remedy="use more problems or fewer folds",
            )
        curve = _FITS[method](judged.score[taught], judged.correct[taught].astype(float))
        cells = np.isfinite(samples.score) & (fold == k)[:, None]
        out[cells] = curve(samples.score[cells])
    return samples.with_score(out)


def _isotonic(score: np.ndarray, right: np.ndarray) -> Curve:
    from scipy.optimize import isotonic_regression  # here: most analyses do without it

    # Equal scores are one point with their mean and weight; between points the curve is straight, beyond them flat.
    x, point = np.unique(score, return_inverse=True)
    weights = np.bincount(point)
    fitted = isotonic_regression(np.bincount(point, weights=right) / weights, weights=weights).x
    return lambda values: np.interp(values, x, fitted)


def _platt(score: np.ndarray, right: np.ndarray) -> Curve:
    from scipy.optimize import minimize

    n_right = right.sum()
    target = np.where(right == 1, (n_right + 1) / (n_right + 2), 1 / (len(right) - n_right + 2))
    centre, width = score.mean(), score.std() or 1.0
    x = (score - centre) / width

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        logit = theta[0] + theta[1] * x
        residual = expit(logit) - target
        return float(np.mean(np.logaddexp(0, logit) - target * logit)), np.array(
            [residual.mean(), (residual * x).mean()]
        )

    a, b = minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    return lambda values: expit(a + b * (values - centre) / width)


_FITS = {"isotonic": _isotonic, "platt": _platt}

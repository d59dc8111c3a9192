"""Turning a score, or any signal, into a probability of being correct that is learned on other problems.

Recalibrated scores can be compared between signals. Within a problem they rank solutions as the score does (isotonic
regression may create ties), so best-of-N is unchanged; the weighted vote is not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import folds
from laser_core.analysis.scores.separation import Ranked
from laser_core.errors import InputError

Probability = Callable[[np.ndarray], np.ndarray]  # of a score


def recalibrate(samples: Samples, *, method: str = "isotonic", n_folds: int = 5, seed: int = 0) -> Samples:
    """Replace each score by a probability learned on the other folds of problems.

    Parameters
    ----------
    samples : Samples
    method : {"isotonic", "platt"}
        Any rising function of the score, or a logistic one [1]_.
    n_folds : int
        Folds of whole problems.
    seed : int
        Of the folds.

    Returns
    -------
    Samples
        With scores in [0, 1]; solutions without a score keep none.

    Raises
    ------
    InputError
        If the method is unknown, or a class is missing outside some fold.

    References
    ----------
    .. [1] J. Platt. Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers, 1999
           (with its smoothed targets).

    Examples
    --------
    >>> from laser_core.analysis import calibration
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random((300, 8))
    >>> samples = Samples.from_arrays(correct=rng.random(p.shape) < p, score=p**3)  # far too low
    >>> before, after = calibration(samples).ece.value, calibration(recalibrate(samples)).ece.value
    >>> before > 0.2, after < 0.04
    (True, True)
    """
    if method not in _FITS:
        raise InputError(f"unknown method '{method}'", field="method", remedy=f"choose from: {', '.join(_FITS)}")
    ranked = Ranked.of(samples)
    fold = folds(samples.n_problems, n_folds=n_folds, seed=seed)
    out = np.full(samples.score.shape, np.nan)
    for k in range(fold.max() + 1):
        train = fold[ranked.problem] != k
        if not 0 < ranked.correct[train].sum() < train.sum():
            raise InputError(
                "recalibration needs correct and incorrect scored solutions in every fold",
                field="score",
                remedy="use more problems or fewer folds",
            )
        probability = _FITS[method](ranked.score[train], ranked.correct[train].astype(float))
        cells = np.isfinite(samples.score) & (fold == k)[:, None]
        out[cells] = probability(samples.score[cells])
    return samples.with_score(out)


def _isotonic(score: np.ndarray, correct: np.ndarray) -> Probability:
    from scipy.optimize import isotonic_regression  # here: most analyses do without it

    # Equal scores become one point with their mean and weight; in between it interpolates, beyond the ends it is flat.
    x, point = np.unique(score, return_inverse=True)
    weights = np.bincount(point)
    fitted = isotonic_regression(np.bincount(point, weights=correct) / weights, weights=weights).x
    return lambda values: np.interp(values, x, fitted)


def _platt(score: np.ndarray, correct: np.ndarray) -> Probability:
    from scipy.optimize import minimize

    n_correct = correct.sum()
    target = np.where(correct == 1, (n_correct + 1) / (n_correct + 2), 1 / (len(correct) - n_correct + 2))
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

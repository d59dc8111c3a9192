"""The strongest free baseline: all confidence signals together, weighed by a cross-fitted logistic regression.

No single free signal is a fair opponent if a mixture of them does as well as the score. The mixture has to learn its
weights from verdicts, so each problem is predicted by a model that was fitted on other problems.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from laser_core.analysis.questions.judged import judged_signals
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import folds
from laser_core.analysis.tokens.confidence import SIGNALS
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts

NAME = "free signals combined"
DESCRIPTION = "probability of being correct, by a cross-fitted logistic regression on all free signals"
MIN_MIXED = 20  # problems with correct and incorrect solutions, below which seven weights cannot be learned
LIMIT = 1e9  # far beyond any log-prob or length; a wild value in a file must not overflow when squared


def combine_free_signals(samples: Samples, rollouts: Rollouts, *, n_folds: int = 5, seed: int = 0) -> Samples:
    """The probability of being correct, predicted out of fold from the free confidence signals.

    Parameters
    ----------
    samples : Samples
        Made from ``rollouts``.
    rollouts : Rollouts
        With the free signals as columns: see :func:`~laser_core.analysis.with_free_signals`. Signals that a file brings
        along under other names, such as a reward model's, are not free and take no part; nor does one that was derived
        from the verdict.
    n_folds : int
        Folds of whole problems: no solution of a problem helps to predict another one of it.
    seed : int
        Of the folds.

    Returns
    -------
    Samples
        The same samples with that probability as their score, NaN where a solution lacks one of the signals.

    Raises
    ------
    InputError
        If there are fewer than two free signals, or fewer than 20 problems with both kinds of solution to learn from.

    Examples
    --------
    The least likely token says which solution is correct, and the length says nothing:

    >>> rng = np.random.default_rng(0)
    >>> correct = rng.random((40, 4)) < 0.5
    >>> rows = [
    ...     {"run": "r", "problem_id": f"p{p}", "sample": i, "response": "", "correct": bool(correct[p, i]),
    ...      "signal.min_logprob": correct[p, i] - rng.random() / 9, "signal.shortness": rng.random()}
    ...     for p in range(40) for i in range(4)
    ... ]
    >>> table = Rollouts.from_rows(rows)
    >>> combined = combine_free_signals(Samples.from_rollouts(table), table)
    >>> bool(combined.score[correct].min() > combined.score[~correct].max())
    True
    """
    judged = judged_signals(rollouts).judged
    names = [name for name in SIGNALS if name in judged]
    if len(names) < 2:
        raise InputError(
            "fewer than two free signals to combine",
            field="token_logprobs",
            remedy="score the rollouts with traces: `laser score MODEL FILE --traces --out r.parquet`",
        )
    problem, place = np.nonzero(samples.present)
    rows = samples.row[problem, place]
    features = np.clip(np.stack([rollouts.column(name)[rows] for name in names], axis=1), -LIMIT, LIMIT)
    y_true = samples.correct[problem, place]
    usable = np.isfinite(features).all(axis=1)
    learnable = usable & np.isfinite(y_true)
    fold = folds(samples.n_problems, n_folds=n_folds, seed=seed)[problem]
    _check_mixed(problem[learnable], y_true[learnable], fold[learnable], samples.n_problems)
    probability = np.full(len(rows), np.nan)
    for k in np.unique(fold):
        train, test = learnable & (fold != k), usable & (fold == k)
        if test.any():
            probability[test] = _predict(features[train], y_true[train] == 1, features[test])
    score = np.full(samples.present.shape, np.nan)
    score[problem, place] = probability
    return replace(samples.with_score(score), signal=NAME)


def _check_mixed(problem: np.ndarray, y_true: np.ndarray, fold: np.ndarray, n_problems: int) -> None:
    """Raise InputError unless there are enough mixed problems, and some outside each fold."""
    n_correct, n = np.bincount(problem, y_true, n_problems), np.bincount(problem, minlength=n_problems)
    mixed = (n_correct > 0) & (n_correct < n)
    one_class = any(len(np.unique(y_true[fold != k])) < 2 for k in np.unique(fold))
    if mixed.sum() < MIN_MIXED or one_class:
        raise InputError(
            f"combining the free signals takes {MIN_MIXED} problems with both correct and incorrect solutions, "
            f"and there are {mixed.sum()}",
            field="correct",
            remedy="sample more problems, or more solutions of each",
        )


def _predict(features: np.ndarray, y_true: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Probabilities for ``new`` from a logistic regression on standardised features."""
    # Loaded only here: it takes a second, and most analyses do without.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return np.asarray(model.fit(features, y_true).predict_proba(new)[:, 1])

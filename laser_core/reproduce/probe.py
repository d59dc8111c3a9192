"""What a model's hidden states already know: a logistic regression on them, as anyone would train one."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def cross_fitted_probe(
    hidden: np.ndarray, correct: np.ndarray, problem: np.ndarray, *, folds: int = 5, seed: int = 0
) -> np.ndarray:
    """A linear probe's log-odds that each solution is correct, from hidden states of other problems' solutions.

    Parameters
    ----------
    hidden : ndarray of shape (n, D)
        One state per solution.
    correct : ndarray of bool of shape (n,)
    problem : ndarray of int of shape (n,)
        A problem's solutions stay in one fold.
    folds : int
    seed : int
        Of the assignment of problems to folds.

    Returns
    -------
    ndarray of shape (n,)
        NaN where the other folds' solutions are all correct, or all incorrect.
    """
    found = np.full(len(correct), np.nan)
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(hidden, correct, problem):
        if len(set(correct[train].tolist())) == 2:
            probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
            found[test] = probe.fit(hidden[train], correct[train]).decision_function(hidden[test])
    return found

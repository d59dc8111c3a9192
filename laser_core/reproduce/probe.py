"""What can be read without training the score: linear probes of hidden states, and the free signals, cross-fitted.

Each becomes a probability of being correct that was predicted for a problem by a logistic regression fitted on other
problems. The classes weigh the same, so that 1/2 is the threshold of balanced F1.
"""

from __future__ import annotations

import numpy as np
import torch

from laser_core.analysis.questions.signals import with_free_signals
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import folds
from laser_core.analysis.scores.separation import Ranked, within_problem_statistic
from laser_core.analysis.tokens.confidence import SIGNALS
from laser_core.miniature.model import hidden_states
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts
from laser_core.scoring import Solutions

SELF_CERTAINTY = "signal.self_certainty"
BATCH = 128


@torch.inference_mode()
def end_states(policy: Policy, solutions: Solutions, *, dtype: torch.dtype) -> np.ndarray:
    """The last hidden state at each solution's final token, which is ``<eos>`` where it ended.

    Parameters
    ----------
    policy : Policy
        Whose hidden states: the model that wrote the solutions, or another that reads them.
    solutions : Solutions
        R of them.
    dtype : torch.dtype
        Precision of the matrix products.

    Returns
    -------
    ndarray of float32 of shape (R, D)
    """
    found = []
    for rows in torch.arange(len(solutions.tokens)).split(BATCH):
        part = solutions.rows(rows)
        hidden = hidden_states(policy.model, part.tokens, dtype)  # (b, L, D)
        found.append(hidden[torch.arange(len(rows)), part.prompt_length + part.length - 1].float())
    return torch.cat(found).numpy()


def cross_fitted(
    features: np.ndarray, correct: np.ndarray, problem: np.ndarray, *, n_folds: int = 5, seed: int = 0
) -> np.ndarray:
    """The probability of being correct, by a logistic regression fitted on other problems.

    Parameters
    ----------
    features : ndarray of shape (R, F)
        A solution with a value that is not finite takes no part.
    correct : ndarray of shape (R,)
        1, 0, or NaN where unknown.
    problem : ndarray of int of shape (R,)
        Number of each solution's problem, from 0.
    n_folds, seed : int
        Of the folds of whole problems.

    Returns
    -------
    ndarray of shape (R,)
        NaN for solutions that took no part, and everywhere if a fold would have to learn from one class alone.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> correct = (rng.random(400) < 0.5).astype(float)
    >>> found = cross_fitted(correct[:, None] + rng.normal(0, 0.1, (400, 1)), correct, np.arange(400) // 4)
    >>> bool(((found > 0.5) == (correct == 1)).all())
    True
    """
    # Loaded only here: it takes a second, and the table is shown without it.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    usable = np.isfinite(features).all(axis=1)
    learnable = usable & np.isfinite(correct)
    fold = folds(int(problem.max()) + 1, n_folds=n_folds, seed=seed)[problem]
    found = np.full(len(correct), np.nan)
    for k in np.unique(fold):
        train, test = learnable & (fold != k), usable & (fold == k)
        if len(np.unique(correct[train])) < 2:
            return np.full(len(correct), np.nan)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000, class_weight="balanced"))
        if test.any():
            found[test] = model.fit(features[train], correct[train] == 1).predict_proba(features[test])[:, 1]
    return found


def free_signals(rollouts: Rollouts) -> tuple[str, np.ndarray, np.ndarray]:
    """The best free confidence signal of a run, and all of them combined, as probabilities of being correct.

    Parameters
    ----------
    rollouts : Rollouts
        One run's, with per-token columns; self-certainty takes part where the table has it.

    Returns
    -------
    name : str
        The signal with the highest AUROC within a problem. It is chosen on these very solutions, in its favour.
    best, combined : ndarray of shape (R,)
        NaN where a solution is truncated or lacks a signal.
    """
    table = with_free_signals(rollouts)
    ended = rollouts.column("truncated") != 1
    names = [name for name in (*SIGNALS, SELF_CERTAINTY) if name in table.signals]
    columns = {name: np.where(ended, table.column(name), np.nan) for name in names}
    samples = Samples.from_rollouts(rollouts)

    def ranks(name: str) -> float:
        values = np.where(samples.present, columns[name][samples.row], np.nan)
        return within_problem_statistic(Ranked.of(samples.with_score(values))).value

    best = max(names, key=lambda name: np.nan_to_num(ranks(name)))
    correct, problem = rollouts.column("correct"), problem_numbers(rollouts)
    combined = cross_fitted(np.stack(list(columns.values()), axis=1), correct, problem)
    return best, cross_fitted(columns[best][:, None], correct, problem), combined


def problem_numbers(rollouts: Rollouts) -> np.ndarray:
    """A number for each solution's problem, of shape (R,)."""
    return np.unique(rollouts.table["problem_id"].to_pylist(), return_inverse=True)[1]

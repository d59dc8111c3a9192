"""What the sampled solutions of one problem amount to: a rollout table, a vote, an accuracy with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from laser_core.analysis import Samples, Vote, draw_vote
from laser_core.playground.protocol import Request
from laser_core.rollouts import Rollouts, RunMeta


def as_rollouts(rows: Sequence[dict], request: Request, z_token: str) -> Rollouts:
    """The rows of a ``Done`` event as a rollout table with its settings.

    Parameters
    ----------
    rows : sequence of dict
    request : Request
        What was asked for.
    z_token : str
        The verdict token in use, from the ``Ready`` event.
    """
    meta = RunMeta(
        model=request.model,
        z_token=z_token,
        beta_v=request.beta_v,
        c_ref=request.c_ref,
        temperature=1.0,
        source_format="laser_core",
    )
    return Rollouts.from_rows(list(rows), meta)


def first_vote(rollouts: Rollouts, n: int) -> tuple[Vote, list[str]]:
    """Hold the vote of the first ``n`` solutions of a problem, with clip(r_s, 0, 1) as weight.

    Returns
    -------
    vote : Vote
    answers : list of str
        The text of each answer in the vote.
    """
    first = rollouts.take(np.arange(n))
    vote = draw_vote(Samples.from_rollouts(first), 0, n, seed=0, weight="clip")
    answers = first.text("answer")
    return vote, [answers[int(row)] or "" for row in vote.representative]


def accuracy_interval(n_correct: int, n: int) -> tuple[float, float]:
    """95% CI of the accuracy on one problem, from ``n`` independent solutions; Wilson (1927).

    Examples
    --------
    >>> [round(bound, 2) for bound in accuracy_interval(3, 8)]
    [0.14, 0.69]
    """
    bounds = binomtest(n_correct, n).proportion_ci(method="wilson")
    return float(bounds.low), float(bounds.high)

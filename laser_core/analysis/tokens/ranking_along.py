"""How well a trace ranks the solutions of a problem at each moment, so that one can see when the model knows.

Mean traces of correct and incorrect solutions can part because some problems are hard. This compares solutions of one
problem only, as a vote does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laser_core.analysis.estimates import Estimate
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import Ranked, within_problem_statistic
from laser_core.analysis.tokens.traces import per_token
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts

TO_END = 12  # tokens before the end that are looked at
FRACTIONS = 21  # moments along a solution, its first and its last token included


@dataclass(frozen=True)
class RankingAlong:
    """AUROC within a problem, reading the trace at each moment.

    Attributes
    ----------
    position : ndarray of shape (n_positions,)
        Tokens left to the end, 0 being the last token, falling; or fractions of the solution from 0 to 1.
    by : {"to_end", "fraction"}
    auroc : tuple of Estimate, length n_positions
        Over the problems that have correct and incorrect solutions with a value there.
    quantity : str
    """

    position: np.ndarray
    by: str
    auroc: tuple[Estimate, ...]
    quantity: str

    @property
    def farthest(self) -> int | None:
        """The moment whose AUROC is the farthest from chance, in either direction; None where there is no AUROC."""
        distance = np.abs([estimate.value - 0.5 for estimate in self.auroc])
        return int(np.nanargmax(distance)) if np.isfinite(distance).any() else None


def ranking_along(
    rollouts: Rollouts,
    samples: Samples,
    *,
    quantity: str = "score",
    by: str = "to_end",
    positions: np.ndarray | None = None,
) -> RankingAlong:
    """Read the trace at one moment of every solution, rank with it, and go on to the next moment.

    Parameters
    ----------
    rollouts : Rollouts
        The table the samples were made from.
    samples : Samples
        Truncated solutions take no part: they have no end.
    quantity : str
        As in :func:`laser_core.analysis.tokens.traces.per_token`.
    by : {"to_end", "fraction"}
        Align by the number of tokens that follow, or by the fraction of the solution that is written. Both need the
        solution's end, so neither is a rule that could be applied while a solution is sampled.
    positions : ndarray of shape (n_positions,), optional
        The moments. None: the last 13 tokens, or 21 fractions.

    Raises
    ------
    InputError
        If ``by`` is another word, or the table has no such trace.

    Examples
    --------
    The trace of the correct solution is lower two tokens before the end, and higher at the end:

    >>> rows = [
    ...     {"run": "r", "problem_id": "p", "sample": 0, "response": "", "correct": True, "entropy": [0.1, 0.5, 0.9]},
    ...     {"run": "r", "problem_id": "p", "sample": 1, "response": "", "correct": False, "entropy": [0.4, 0.5, 0.2]},
    ... ]
    >>> table = Rollouts.from_rows(rows)
    >>> found = ranking_along(table, Samples.from_rollouts(table), quantity="entropy", positions=np.array([2, 1, 0]))
    >>> [estimate.value for estimate in found.auroc], found.farthest
    ([0.0, 0.5, 1.0], 0)
    """
    if by not in ("to_end", "fraction"):
        raise InputError(f"{by!r} is no way to align solutions", field="by", remedy="choose to_end or fraction")
    values, length = per_token(rollouts, quantity)
    start = np.cumsum(length) - length
    if positions is None:
        positions = np.arange(TO_END, -1, -1) if by == "to_end" else np.linspace(0, 1, FRACTIONS)
    used = samples.present & ~samples.truncated
    found = []
    for position in positions:
        token = length - 1 - int(position) if by == "to_end" else np.rint(position * (length - 1)).astype(int)
        there = (token >= 0) & (length > 0)
        here = np.full(len(length), np.nan)
        here[there] = values[(start + token)[there]]
        at = samples.with_score(np.where(used, here[samples.row], np.nan))
        found.append(within_problem_statistic(Ranked.of(at)).estimate())
    return RankingAlong(np.asarray(positions), by, tuple(found), quantity)

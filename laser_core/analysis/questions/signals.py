"""The score beside the free signals: which of them separates correct from incorrect, and which one should vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, mean_statistic
from laser_core.analysis.questions import combined
from laser_core.analysis.questions.combined import combine_free_signals
from laser_core.analysis.questions.judged import judged_signals
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.crossfit import cross_fit
from laser_core.analysis.scores.separation import Ranked, auroc_statistic, separation, within_problem_statistic
from laser_core.analysis.tokens.confidence import SIGNALS, confidence_signals
from laser_core.analysis.voting.curve import VotingCurve, voting_curve
from laser_core.errors import InputError
from laser_core.rollouts.schema import SIGNAL_PREFIX, Rollouts

DESCRIPTIONS = {"score": "last-token score", combined.NAME: combined.DESCRIPTION, **SIGNALS}


@dataclass(frozen=True)
class SignalRow:
    """One signal in the score's place. Differences are signal minus score, paired by problem.

    Attributes
    ----------
    signal : str
        "score", "signal.<name>" or "free signals combined".
    description : str
    auroc, within_problem_auroc, average_precision : Estimate
    balanced_f1 : Estimate
        At a threshold chosen on other problems.
    weighted, best_of_n : Estimate
        Accuracy of votes among ``SignalTable.n`` solutions. The score is clipped to a weight; a signal that leaves
        [0, 1] weighs by its rank. Undefined where votes cannot be counted.
    auroc_difference, within_difference, weighted_difference : Estimate
        Undefined for the score itself, and where the table has no score.
    n_scored : int
        Solutions with this signal and a verdict.
    """

    signal: str
    description: str
    auroc: Estimate
    within_problem_auroc: Estimate
    average_precision: Estimate
    balanced_f1: Estimate
    weighted: Estimate
    best_of_n: Estimate
    auroc_difference: Estimate
    within_difference: Estimate
    weighted_difference: Estimate
    n_scored: int


@dataclass(frozen=True)
class SignalTable:
    """Every signal, the score first and the free signals combined last.

    Attributes
    ----------
    rows : tuple of SignalRow
    majority : Estimate
        Accuracy of the majority vote among ``n`` solutions, for comparison.
    n : int
        Solutions in the votes; 0 where they cannot be counted.
    n_problems : int
    not_combined : str
        Why there is no row for the free signals combined; empty where there is one.
    not_judged : mapping of str to str
        Signals without a row because they were derived from the verdict, and the reason for each.
    """

    rows: tuple[SignalRow, ...]
    majority: Estimate
    n: int
    n_problems: int
    not_combined: str = ""
    not_judged: Mapping[str, str] = field(default_factory=dict)


def with_free_signals(rollouts: Rollouts) -> Rollouts:
    """The table with every confidence signal that its columns allow; unchanged where they allow none.

    Columns that the table brings along are kept as they are.
    """
    try:
        made = confidence_signals(rollouts)
    except InputError:
        return rollouts
    for name in made.table.column_names:
        if name.startswith(SIGNAL_PREFIX) and name not in rollouts.table.column_names:
            rollouts = rollouts.with_column(name, made.table[name])
    return rollouts


def full_signal_name(name: str) -> str:
    """The column of a signal that may be given without its prefix.

    >>> full_signal_name("mean_logprob"), full_signal_name("score"), full_signal_name("signal.rm")
    ('signal.mean_logprob', 'score', 'signal.rm')
    """
    return name if name == "score" or name.startswith(SIGNAL_PREFIX) else SIGNAL_PREFIX + name


def compare_signals(samples: Samples, rollouts: Rollouts, *, n: int | None = None, seed: int = 0) -> SignalTable:
    """Put every signal that can be judged in the score's place in turn, on the same solutions.

    The last row combines all free signals: see :func:`~laser_core.analysis.combine_free_signals`.

    Parameters
    ----------
    samples : Samples
        Made from ``rollouts``, with whatever signal.
    rollouts : Rollouts
        Its ``signal.*`` columns are compared, and those that :func:`~laser_core.analysis.confidence_signals` can make.
    n : int, optional
        Solutions in the votes. None: 8, or fewer where problems have fewer.
    seed : int

    Raises
    ------
    InputError
        If the table has no score and no signal that can be judged.

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "problem_id": f"p{p}", "sample": i, "response": "", "answer": str(i), "correct": i == 0,
    ...      "score": 0.9 - 0.3 * i, "n_tokens": 10 + i % 2}
    ...     for p in range(20) for i in range(3)
    ... ]
    >>> table = Rollouts.from_rows(rows)
    >>> found = compare_signals(Samples.from_rollouts(table), table)
    >>> [(row.signal, row.within_problem_auroc.value) for row in found.rows]
    [('score', 1.0), ('signal.shortness', 0.75)]
    """
    rollouts = with_free_signals(rollouts)
    signals = judged_signals(rollouts)
    names = signals.judged
    if not names:
        raise InputError(
            "the table has no score and no signal that can be judged",
            field="score",
            remedy="score it: `laser score MODEL FILE --traces`",
        )
    size = n or min(8, int(np.quantile(samples.counts, 0.1, method="lower")))
    grids = [samples.with_signal(rollouts, name) for name in names]
    not_combined = ""
    try:
        grids.append(combine_free_signals(samples, rollouts, seed=seed))
    except InputError as error:
        not_combined = str(error)
    curves = [_curve(grid, size, seed) for grid in grids]
    first = (grids[0], curves[0]) if names[0] == "score" else None
    rows = tuple(_row(grid, curve, first, seed) for grid, curve in zip(grids, curves, strict=True))
    majority = next((_of(curve, "majority") for curve in curves if curve is not None), Statistic.undefined())
    n_votes = size if any(curves) else 0
    return SignalTable(rows, majority.estimate(), n_votes, samples.n_problems, not_combined, signals.reasons)


def _curve(samples: Samples, size: int, seed: int) -> VotingCurve | None:
    try:
        return voting_curve(samples, n_values=[size], seed=seed) if samples.has_answers else None
    except InputError:  # no problem can vote
        return None


def _of(curve: VotingCurve | None, name: str) -> Statistic:
    return Statistic.undefined() if curve is None else mean_statistic(curve.per_problem[name][:, 0])


def _row(
    samples: Samples, curve: VotingCurve | None, first: tuple[Samples, VotingCurve | None] | None, seed: int
) -> SignalRow:
    parts, ranked = separation(samples), Ranked.of(samples)
    f1 = cross_fit(samples, seed=seed).balanced_f1 if parts.n_correct and parts.n_incorrect else parts.balanced_f1
    nothing = Statistic.undefined().estimate()
    differences = [nothing] * 3
    if first is not None and first[0] is not samples:
        # Both sides are compared on the same solutions: those that have the score and the signal.
        both = np.isfinite(samples.score) & np.isfinite(first[0].score)
        pair = [Ranked.of(s.with_score(np.where(both, s.score, np.nan))) for s in (samples, first[0])]
        differences = [
            statistic(pair[0]).minus(statistic(pair[1])).estimate()
            for statistic in (auroc_statistic, within_problem_statistic)
        ]
        votes = [_of(c, "weighted") for c in (curve, first[1])]
        differences.append(votes[0].minus(votes[1]).estimate() if None not in (curve, first[1]) else nothing)
    return SignalRow(
        signal=samples.signal,
        description=DESCRIPTIONS.get(samples.signal, "from the file"),
        auroc=parts.auroc,
        within_problem_auroc=parts.within_problem_auroc,
        average_precision=parts.average_precision,
        balanced_f1=f1,
        weighted=_of(curve, "weighted").estimate(),
        best_of_n=_of(curve, "best_of_n").estimate(),
        auroc_difference=differences[0],
        within_difference=differences[1],
        weighted_difference=differences[2],
        n_scored=len(ranked.score),
    )

"""How a run answers the guided tour's questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.data import cache, findings, sources
from app.data.findings import Kind
from app.data.sources import Source
from app.format import (
    bounds,
    count,
    estimate,
    literal,
    percent,
    points,
    points_interval,
    score_text,
    with_interval,
)
from app.tour import presets
from app.tour.presets import Example
from laser_core import analysis

NO_EXAMPLE = "This run has no such example; go on to the next step."


@dataclass(frozen=True)
class Reveal:
    """A run's answer to a step's question.

    Attributes
    ----------
    sentence : str
        The number, its interval and n, as markdown.
    option : int, optional
        Position of the right option; None where this run has no right one.
    """

    sentence: str
    option: int | None = None


def _option(value: float, edges: tuple[float, ...]) -> int:
    return sum(value >= edge for edge in edges)


def knows(source: Source, signal: str) -> Reveal:
    """How often the correct solution scores higher."""
    within = findings.separated(source, signal).within_problem_auroc
    if not np.isfinite(within.value):
        return Reveal("No problem of this run has both a correct and an incorrect solution with a score.")
    sentence = f"{percent(within.value)} of the time: the AUROC within a problem is {estimate(within)}."
    return Reveal(sentence, _option(within.value, (0.6, 0.75, 0.9)))


def turns(source: Source, signal: str) -> Reveal:
    """Where in the solution the sharpest change lies."""
    view = presets.find(source, signal).get(Example.TURN)
    if view is None or view.row is None:
        return Reveal(NO_EXAMPLE)
    row = source.rollouts.row(view.row)
    change, n = analysis.sharpest_change(np.asarray(row["z_trace"], float)), len(row["z_trace"])
    return Reveal(
        f"This solution has the sharpest change of all, at token {change.token} of {n}: the log-prob of z_c moves by "
        f"{change.size:+.1f} nats.",
        _option((change.token - 1) / max(n - 1, 1), (1 / 3, 2 / 3, 0.999)),
    )


def confident(source: Source, signal: str) -> Reveal:
    """Who is right where the score is high and the verifier says incorrect."""
    view = presets.find(source, signal).get(Example.CONFIDENT)
    if view is None or view.row is None:
        return Reveal(NO_EXAMPLE)
    row = source.with_signals.row(view.row)
    n = len(findings.drill_down(source, signal).confident_incorrect)
    return Reveal(
        f"Answer {literal(row.get('answer') or 'none', 60)}, reference "
        f"{literal(row.get('reference_answer') or 'unknown', 60)}, score {score_text(row.get(signal))}. Only a person "
        f"can decide. The Scores page lists {count(n, 'such solution')} of {len(source.rollouts):,}; each is a mistake "
        "either of the model or of the verifier."
    )


def misleading(source: Source, signal: str) -> Reveal:
    """Which AUROC is larger."""
    separated = findings.separated(source, signal)
    overall, within = separated.auroc, separated.within_problem_auroc
    gap = overall.value - within.value
    option = None if not np.isfinite(gap) else 1 if abs(gap) < 0.005 else 0 if gap > 0 else 2
    return Reveal(
        f"Over all problems {estimate(overall)}, within a problem {estimate(within)}. The first also rises when the "
        "score only knows which problems are easy; only the second helps voting.",
        option,
    )


def best_threshold(source: Source, signal: str) -> Reveal:
    """Whether 0.5 is the best threshold."""
    sweep = cache.analyse(source, analysis.threshold_sweep, signal=signal)
    if not np.isfinite(sweep.best):
        return Reveal("A threshold needs correct and incorrect solutions with scores.")
    at = findings.threshold(source, signal)
    option = 0 if sweep.best_high < at else 2 if sweep.best_low > at else 1
    return Reveal(
        f"The balanced F1 is highest at {score_text(sweep.best)} (95% CI "
        f"{bounds(sweep.best_low, sweep.best_high, score_text)}, n = {count(sweep.n_problems, 'problem')}); the "
        f"threshold in use is {score_text(at)}.",
        option,
    )


def ties(source: Source, signal: str) -> Reveal:
    """What weighting makes of tied majorities."""
    lists = findings.problem_lists(source, signal)
    tied, decided = len(lists[Kind.TIED]), len(lists[Kind.TIE_BROKEN])
    if not tied:
        return Reveal(NO_EXAMPLE)
    of = f"these {tied:,} ties" if tied > 1 else "this tie"
    return Reveal(
        f"With all solutions voting, {count(tied, 'problem')} {'end' if tied > 1 else 'ends'} in a tied majority. The "
        f"weights decide {decided:,} of {of} ({percent(decided / tied)}) for the correct answer.",
        _option(decided / tied, (1 / 3, 2 / 3)),
    )


def gain(source: Source, signal: str) -> Reveal:
    """What weighting adds."""
    curve, reason = findings.voting(source, signal)
    if curve is None:
        return Reveal(literal(reason))
    n = findings.headline_n(curve)
    value = curve.at("weighted_minus_majority", n)
    return Reveal(
        f"With {n} solutions {points(value.value)} points (95% CI {points_interval(value)}, n = "
        f"{count(value.n, 'problem')}).",
        _option(100 * value.value, (1, 5, 15)),
    )


def trained(source: Source, signal: str) -> Reveal:
    """Whether runs without the score loss know."""
    values = []
    for other in sources.bundled_sources().values():
        if "score" in other.signals:
            within = findings.separated(other, "score").within_problem_auroc
            values.append(f"{literal(other.title)} {with_interval(within)}, n = {within.n}")
    return Reveal(f"AUROC within a problem with its 95% CI (chance is 0.50): {'; '.join(values)}.")

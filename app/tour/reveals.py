"""How a run answers the guided tour's questions: the number, the option that it makes right, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.data import cache, findings, sources
from app.data.findings import Kind
from app.data.sources import Source
from app.format import (
    bounds,
    ci,
    count,
    estimate,
    interval,
    literal,
    number,
    percent,
    percent_interval,
    points,
    points_interval,
    score_text,
    with_interval,
)
from app.tour import presets
from app.tour.presets import Example
from laser_core import analysis
from laser_core.analysis import Estimate
from laser_core.answers.verify import is_correct

NO_EXAMPLE = "This run has no such example; go on to the next step."
SAME_AUROC, WORTH_TUNING, TELLS = 0.01, 0.01, 0.05  # differences below these make none in practice


@dataclass(frozen=True)
class Reveal:
    """A run's answer to a step's question.

    Attributes
    ----------
    sentence : str
        The number, its interval and n, as markdown.
    option : int, optional
        Position of the right option; None where this run has no right one.
    possible : tuple of int
        The options that the 95% interval does not rule out.
    why : str
        Why it is so, or what follows from it, as markdown.
    """

    sentence: str
    option: int | None = None
    possible: tuple[int, ...] = ()
    why: str = ""


def option_of(value: float, edges: tuple[float, ...]) -> int:
    """The position of the option that a value falls into; ``edges`` are between the options.

    >>> option_of(0.5, (0.6, 0.9)), option_of(0.6, (0.6, 0.9)), option_of(1.0, (0.6, 0.9))
    (0, 1, 2)
    """
    return sum(value >= edge for edge in edges)


def options_of(value: Estimate, edges: tuple[float, ...]) -> tuple[int, tuple[int, ...]]:
    """The option of a value, and all options that its 95% interval reaches.

    >>> options_of(Estimate(0.92, 0.85, 0.97, 100), (0.6, 0.9))
    (2, (1, 2))
    """
    right = option_of(value.value, edges)
    if not (np.isfinite(value.ci_low) and np.isfinite(value.ci_high)):
        return right, (right,)
    return right, tuple(range(option_of(value.ci_low, edges), option_of(value.ci_high, edges) + 1))


def knows(source: Source, signal: str) -> Reveal:
    """How often the correct solution scores higher."""
    within = findings.separated(source, signal).within_problem_auroc
    if not np.isfinite(within.value):
        return Reveal("No problem of this run has both a correct and an incorrect solution with a score.")
    right, possible = options_of(within, (0.6, 0.75, 0.9))
    better = within.value - 0.5
    return Reveal(
        f"{percent(within.value, 1)} of the time: the AUROC within a problem is {estimate(within, 3)}.",
        right,
        possible,
        f"A coin would be right half of the time, so the score is {points(abs(better))} points "
        f"{'better' if better >= 0 else 'worse'} than guessing. Both solutions answer the same problem: knowing that "
        "a problem is easy cannot help here.",
    )


def turns(source: Source, signal: str) -> Reveal:
    """Where in the solution the sharpest change lies."""
    view = presets.find(source, signal).get(Example.TURN)
    if view is None or view.row is None:
        return Reveal(NO_EXAMPLE)
    row = source.rollouts.row(view.row)
    change, n = analysis.sharpest_change(np.asarray(row["z_trace"], float)), len(row["z_trace"])
    right = option_of((change.token - 1) / max(n - 1, 1), (1 / 3, 2 / 3, 0.999))
    return Reveal(
        f"At token {change.token} of {n} the log-prob of z_c moves by {change.size:+.1f} nats, the sharpest change of "
        "all solutions in this run. It is a single solution, so it has no interval.",
        right,
        (right,),
        "Only the score after the last token is trained. What the model thinks on the way is a by-product, and shows "
        "where it notices something.",
    )


def confident(source: Source, signal: str) -> Reveal:
    """How many incorrect solutions the score accepts, and the most confident of them."""
    accepted = findings.separated(source, signal).tnr
    if not np.isfinite(accepted.value):
        return Reveal("No solution of this run is incorrect and has a score.")
    wrong = Estimate(1 - accepted.value, 1 - accepted.ci_high, 1 - accepted.ci_low, accepted.n)
    right, possible = options_of(wrong, (0.02, 0.1, 0.3))
    why = "Each is a mistake of the model or of the verifier."
    view = presets.find(source, signal).get(Example.CONFIDENT)
    if view is not None and view.row is not None:
        row = source.with_signals.row(view.row)
        answer, reference = row.get("answer"), row.get("reference_answer")
        why = (
            f"The page shows the most confident one: score {score_text(row.get(signal))}, answer "
            f"{literal(answer or 'none', 60)}, reference {literal(reference or 'unknown', 60)}."
        )
        if answer and reference:
            why += (
                " We compare them again and find them equal: the verifier seems to be wrong."
                if is_correct(answer, reference)
                else " They differ, so here the model is wrong and believes itself."
            )
    return Reveal(
        f"{percent(wrong.value, 1)} of the incorrect solutions ({ci(percent_interval(wrong, 1))}, n = "
        f"{count(wrong.n, 'problem')}) score above {findings.threshold(source, signal):.2f}.",
        right,
        possible,
        why,
    )


def misleading(source: Source, signal: str) -> Reveal:
    """Which AUROC is larger, by the paired difference of both."""
    separated = findings.separated(source, signal)
    gap = cache.analyse(source, analysis.auroc_gap, signal=signal)
    if not np.isfinite(gap.value):
        return Reveal("This takes problems with both correct and incorrect solutions.")
    edges = (-SAME_AUROC, SAME_AUROC)
    right, possible = options_of(gap, edges)
    if gap.ci_low <= 0 <= gap.ci_high:  # no difference is shown, however large the estimate
        right = 1
    return Reveal(
        f"Over all problems {number(separated.auroc.value, 3)} {interval(separated.auroc, 3)}, within a problem "
        f"{number(separated.within_problem_auroc.value, 3)} {interval(separated.within_problem_auroc, 3)}; the "
        f"difference, paired by problem, is {gap.value:+.3f} {interval(gap, 3)} (n = {count(gap.n, 'problem')}).",
        2 - right,
        tuple(2 - option for option in possible),
        "The first also rises when the score only knows which problems are easy. Only the second helps to choose "
        f"among solutions. We call differences below {SAME_AUROC} the same.",
    )


def best_threshold(source: Source, signal: str) -> Reveal:
    """What tuning the threshold is worth."""
    gain = cache.analyse(source, analysis.tuning_gain, signal=signal, threshold=findings.threshold(source, signal))
    if not np.isfinite(gain.value):
        return Reveal("A threshold needs correct and incorrect solutions with scores.")
    sweep = cache.analyse(source, analysis.threshold_sweep, signal=signal)
    right, possible = options_of(gain, (WORTH_TUNING, 0.05))
    return Reveal(
        f"Tuned on other problems, the threshold changes the balanced F1 by {gain.value:+.3f} (95% CI "
        f"{interval(gain, 3)}, n = {count(gain.n, 'problem')}).",
        right,
        possible,
        f"On these rollouts the best threshold is {score_text(sweep.best)} (95% CI "
        f"{bounds(sweep.best_low, sweep.best_high, score_text)}). Where the two kinds lie far apart, any threshold "
        "between them does.",
    )


def ties(source: Source, signal: str) -> Reveal:
    """What weighting makes of tied majorities."""
    lists = findings.problem_lists(source, signal)
    tied, decided = len(lists[Kind.TIED]), len(lists[Kind.TIE_BROKEN])
    if not tied:
        return Reveal(NO_EXAMPLE)
    of = f"these {tied:,} ties" if tied > 1 else "this tie"
    right = option_of(decided / tied, (1 / 3, 2 / 3))
    return Reveal(
        f"With all solutions voting, {count(tied, 'problem')} {'end' if tied > 1 else 'ends'} in a tied majority. The "
        f"weights decide {decided:,} of {of} ({percent(decided / tied)}) for the correct answer.",
        right,
        (right,),
        "Counting cannot choose between answers with equally many votes; their scores nearly always differ. The "
        "ties are counted, not estimated.",
    )


def gain(source: Source, signal: str) -> Reveal:
    """What weighting adds."""
    curve, reason = findings.voting(source, signal)
    if curve is None:
        return Reveal(literal(reason))
    n = findings.headline_n(curve)
    value = curve.at("weighted_minus_majority", n)
    right, possible = options_of(value, (0.01, 0.05, 0.15))
    majority, weighted = curve.at("majority", n), curve.at("weighted", n)
    return Reveal(
        f"With {n} solutions {points(value.value)} points ({ci(points_interval(value))}, paired by problem, n = "
        f"{count(value.n, 'problem')}).",
        right,
        possible,
        f"The majority vote is correct on {percent(majority.value, 1)} of the problems, the weighted vote on "
        f"{percent(weighted.value, 1)}. Weights help where the correct answer is in the minority but has the higher "
        "scores.",
    )


def trained(source: Source, signal: str) -> Reveal:
    """Whether runs without the score loss know."""
    values, tell = [], []
    for key, other in sources.bundled_sources().items():
        if "score" in other.signals and not key.startswith("laser"):
            within = findings.separated(other, "score").within_problem_auroc
            values.append(f"{literal(other.title)} {with_interval(within, 3)}, n = {within.n}")
            tell.append(abs(within.value - 0.5) >= TELLS and not within.ci_low <= 0.5 <= within.ci_high)
    if not values:
        return Reveal("No run without the score loss comes with this copy.")
    right = 0 if not any(tell) else 2 if all(tell) else 1
    return Reveal(
        f"AUROC within a problem with its 95% CI: {'; '.join(values)}.",
        right,
        (right,),
        "Chance is 0.500; a value below it points the wrong way round. We say that a model tells if its interval "
        f"excludes chance by value and by at least {TELLS}. Training the score is what makes it point the right way.",
    )

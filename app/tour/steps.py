"""What the guided tour says and asks, step by step, and what each run answers."""

from __future__ import annotations

import numpy as np

from app.data import cache, findings
from app.tour import presets
from app.widgets.format import count, estimate, interval, literal, number, percent, score_text
from laser_core import analysis

Reveal = tuple[int | None, str]
NO_EXAMPLE = "This run has no such example; go on to the next step."


def _band(value: float, edges: tuple[float, ...]) -> int:
    return sum(value >= edge for edge in edges)


def knows(source: cache.Source, signal: str) -> Reveal:
    """How often the correct solution scores higher."""
    within = findings.separated(source, signal).within_problem_auroc
    if not np.isfinite(within.value):
        return None, "No problem of this run has both a correct and an incorrect solution with a score."
    return _band(within.value, (0.6, 0.75, 0.9)), f"{percent(within.value)}: AUROC within a problem {estimate(within)}."


def turns(source: cache.Source, signal: str) -> Reveal:
    """Where in the solution the sharpest change lies."""
    view = presets.find(source, signal).get(presets.TURN)
    if view is None:
        return None, NO_EXAMPLE
    row = source.rollouts.row(next(view.choices[slot] for slot in ("correct", "incorrect") if slot in view.choices))
    change, n = analysis.sharpest_change(np.asarray(row["z_trace"], float)), len(row["z_trace"])
    where = _band((change.token - 1) / max(n - 1, 1), (1 / 3, 2 / 3, 0.999))
    return where, (
        f"In this solution, the one with the sharpest change of all, it comes with token {change.token} of {n}: z_c's "
        f"log-prob moves by {change.size:+.1f} nats."
    )


def confident(source: cache.Source, signal: str) -> Reveal:
    """Who is right where the model was sure and the verifier said no."""
    view = presets.find(source, signal).get(presets.CONFIDENT)
    if view is None:
        return None, NO_EXAMPLE
    row = source.with_signals.row(view.choices["incorrect"])
    n = len(findings.drill_down(source, signal).confident_incorrect)
    return None, (
        f"Answer {literal(row.get('answer') or 'none', 60)}, reference "
        f"{literal(row.get('reference_answer') or 'unknown', 60)}, score {score_text(row.get(signal))}. Nobody but a "
        f"person can settle it; {count(n, 'such solution')} of {len(source.rollouts):,} are listed on the Scores page, "
        "and each is either a mistake of the model or of the verifier."
    )


def hollow(source: cache.Source, signal: str) -> Reveal:
    """Which AUROC is larger."""
    parts = findings.separated(source, signal)
    overall, within = parts.auroc, parts.within_problem_auroc
    gap = overall.value - within.value
    right = None if not np.isfinite(gap) else 1 if abs(gap) < 0.005 else 0 if gap > 0 else 2
    return right, (
        f"Over all problems {estimate(overall)}, within a problem {estimate(within)}. The first also counts knowing "
        "which problems are hard; voting lives on the second alone."
    )


def half(source: cache.Source, signal: str) -> Reveal:
    """Whether 0.5 is the best threshold."""
    sweep = cache.analyse(source, "threshold_sweep", signal=signal)
    if not np.isfinite(sweep.best):
        return None, "A threshold needs correct and incorrect solutions with scores."
    at = findings.threshold(source, signal)
    right = 0 if sweep.best_high < at else 2 if sweep.best_low > at else 1
    return right, (
        f"The best balanced F1 lies at {score_text(sweep.best)} (95% interval {score_text(sweep.best_low)} to "
        f"{score_text(sweep.best_high)}, n = {count(sweep.n_problems, 'problem')}); the threshold in use is "
        f"{score_text(at)}."
    )


def tie(source: cache.Source, signal: str) -> Reveal:
    """What the weights make of tied majorities."""
    lists = findings.problem_lists(source, signal)
    tied, broken = len(lists[findings.TIED]), len(lists[findings.TIE_BROKEN])
    if not tied:
        return None, NO_EXAMPLE
    return _band(broken / tied, (1 / 3, 2 / 3)), (
        f"With all solutions voting {count(tied, 'majority', 'majorities')} tie, and the weights settle {broken} of "
        f"them ({percent(broken / tied)}) for the correct answer alone. No interval: these are all there are."
    )


def gain(source: cache.Source, signal: str) -> Reveal:
    """What the weights add."""
    curve, reason = findings.voting(source, signal)
    if curve is None:
        return None, literal(reason)
    n = findings.headline_n(curve)
    value = findings.at_n(curve, "weighted_minus_majority", n)
    return _band(100 * value.value, (1, 5, 15)), (
        f"With {n} solutions {100 * value.value:+.1f} points (95% interval "
        f"{interval(value, scale=100, digits=1, sign='+')}, n = {count(value.n, 'problem')})."
    )


def trained(source: cache.Source, signal: str) -> Reveal:
    """Whether runs without the score loss know."""
    told = []
    for other in cache.bundled_sources().values():
        if "score" in other.signals:
            within = findings.separated(other, "score").within_problem_auroc
            told.append(f"{literal(other.title)} {number(within.value)} ({interval(within)}, n = {within.n})")
    return None, "AUROC within a problem of the last-token score, 0.50 being chance: " + "; ".join(told) + "."


STEPS: tuple[dict, ...] = (
    {
        "page": "start",
        "title": "One token after the end",
        "say": "The model has written a solution and its end token. Before anything else is generated, one log-prob is "
        "read: that of a reserved token, z_c. LaSeR trains it to say whether the solution is correct.",
        "ask": "Of two solutions to the same problem, one correct and one not: how often does the correct one get the "
        "higher score?",
        "options": ("half of the time", "60 to 75%", "75 to 90%", "more than 90%"),
        "reveal": knows,
    },
    {
        "page": "traces",
        "title": "The trace turns here",
        "say": "The same log-prob can be read after every token, not only the last. LaSeR trains only the last.",
        "ask": "Where in a solution does the model's opinion change most?",
        "options": ("in the first third", "in the middle", "in the last third", "with its very last token"),
        "reveal": turns,
        "preset": presets.TURN,
    },
    {
        "page": "traces",
        "title": "Confidently wrong",
        "say": "Here the model gave a high score, and the verifier says that the solution is incorrect. Look at the "
        "answer beside the reference.",
        "ask": "Who is right?",
        "options": ("the model", "the verifier", "one cannot tell"),
        "reveal": confident,
        "preset": presets.CONFIDENT,
        "covered": False,
    },
    {
        "page": "scores",
        "title": "A hollow number",
        "say": "A score can be high on easy problems and low on hard ones, and know nothing about solutions.",
        "ask": "AUROC over all problems, against AUROC within a problem: which is larger here?",
        "options": ("over all problems", "about the same", "within a problem"),
        "reveal": hollow,
        "choices": (("scores_section", "Distribution"), ("score_over", "all problems")),
    },
    {
        "page": "thresholds",
        "title": "Is 0.5 right?",
        "say": "The paper judges a solution correct when its score is above 0.5. Nothing in the training loss makes "
        "that the best place to cut.",
        "ask": "Where is the best threshold here?",
        "options": ("lower", "not distinguishable", "higher"),
        "reveal": half,
    },
    {
        "page": "voting",
        "title": "Tie broken by the weights",
        "say": "Several solutions vote on the answer. Counting heads often ends in a tie; adding up scores hardly "
        "ever does.",
        "ask": "How many of the tied votes do the weights settle for the correct answer?",
        "options": ("less than a third", "about half", "more than two thirds"),
        "reveal": tie,
        "preset": presets.TIE,
        "choices": (("voting_section", "One vote"),),
    },
    {
        "page": "voting",
        "title": "What the weights add",
        "say": "Over all problems: votes weighted by the score against plain majorities, on the same solutions.",
        "ask": "How many points of accuracy do the weights add with 8 solutions?",
        "options": ("less than 1", "1 to 5", "5 to 15", "more than 15"),
        "reveal": gain,
    },
    {
        "page": "compare",
        "title": "Does training without it know, too?",
        "say": "GRPO trains on the verifier's reward alone; z_c is never mentioned. The base model saw neither.",
        "ask": "Do their last tokens know which solutions are correct?",
        "options": ("neither does", "GRPO's does", "both do"),
        "reveal": trained,
    },
)

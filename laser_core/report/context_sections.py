"""The sections about what the score goes with: free signals, length, its settings, training steps."""

from __future__ import annotations

import math

import numpy as np

from laser_core.analysis import compare_signals, length_relation, score_by_step, sensitivity
from laser_core.errors import InputError
from laser_core.figures import (
    score_animation,
    score_by_step_figure,
    score_length_figure,
    sensitivity_figure,
    signals_figure,
)
from laser_core.figures.theme import plain
from laser_core.report import equations
from laser_core.report.parts import Figure, Missing, Section, Table, Words, count, excerpt, number, sentence, told
from laser_core.report.score_sections import BAND, BARS, NEEDS_BOTH
from laser_core.report.subject import Subject

MAX_POINTS = 2000  # of the scatter: every point is an element of the page
_NAMES = {
    "auroc": "AUROC",
    "within_problem_auroc": "AUROC within a problem",
    "average_precision": "average precision",
    "best_of_n": "best-of-N",
    "pass": "pass@N",
    "majority": "majority vote",
}


def free_signals(subject: Subject) -> list[Section]:
    """The score beside what costs nothing."""
    title = "Is the score better than signals that cost nothing?"
    try:
        table = compare_signals(subject.samples, subject.rollouts, seed=subject.seed)
    except InputError as error:
        return [Section("signals", title, "", [Missing(f"a score or per-token log-probs: {error}")])]
    free = [row for row in table.rows if row.signal != "score" and math.isfinite(row.within_problem_auroc.value)]
    finding = ""
    if free and table.rows[0].signal == "score":
        best = max(free, key=lambda row: row.within_problem_auroc.value)
        d = best.within_difference
        finding = (
            f"The best of them within a problem is {excerpt(best.signal.removeprefix('signal.'), 40)} with "
            f"{sentence(best.within_problem_auroc, noun='mixed problem')}; minus the score’s that is "
            f"{number(d.value, 2)} ({number(d.ci_low, 2)} to {number(d.ci_high, 2)}, paired)."
        )
    rows = [
        (
            excerpt(row.signal.removeprefix("signal."), 40),
            told(row.within_problem_auroc),
            told(row.auroc),
            told(row.balanced_f1),
            told(row.weighted),
            told(row.best_of_n),
            f"{row.n_scored:,}",
        )
        for row in table.rows
    ]
    blocks: list[object] = [
        Figure(
            "signals",
            signals_figure(table),
            "A signal that does not reach past the dotted line knows nothing about which solution is right.",
            f"{count(table.n_problems, 'problem')}; mixed ones count",
            BARS,
            equations.SIGNALS,
            half=True,
        )
    ]
    if table.n:
        blocks.append(
            Figure(
                "signal-votes",
                signals_figure(table, metric="weighted"),
                "What voting with each signal as weight gives; the dotted line is the plain majority.",
                f"{count(table.n_problems, 'problem')}, votes of {table.n}",
                BARS,
                equations.VOTES,
                half=True,
            )
        )
    head = ("signal", "AUROC within", "AUROC", "balanced F1*", "weighted vote", "best-of-N", "solutions")
    caption = (
        f"Every signal in the score’s place, with 95% intervals; votes of {table.n}. * threshold from other problems"
    )
    notes = [excerpt(row.description, 90) for row in table.rows]
    blocks.append(Table(caption, head, rows, notes=notes))
    if len(table.rows) < 2 or not subject.rollouts.has("token_logprobs"):
        blocks.append(
            Missing(
                "token log-probs, for the log-prob and entropy signals: "
                "`laser score MODEL FILE --traces --out scored.parquet` adds them"
            )
        )
    elif table.not_combined:
        blocks.append(Missing(f"more to combine the free signals in one baseline: {table.not_combined}"))
    return [Section("signals", title, finding, blocks)]


def by_length(subject: Subject) -> list[Section]:
    """Does the score follow length?"""
    title = "Does the score follow the solution’s length?"
    found = length_relation(subject.samples, max_points=MAX_POINTS, seed=subject.seed)
    if not found.n_points:
        needs = "solutions with a score and a token count (`n_tokens`): `laser score MODEL FILE` writes both"
        return [Section("length", title, "", [Missing(needs)])]
    rows = [
        (name, told(estimate, digits=2), f"{estimate.n:,}")
        for name, estimate in (
            ("all solutions", found.spearman),
            ("among correct ones", found.spearman_correct),
            ("among incorrect ones", found.spearman_incorrect),
            ("within a problem, mean", found.spearman_within_problem),
        )
    ]
    shown = f"; {found.n_points:,} sampled ones are drawn, the means use all" if found.n_points < found.n_total else ""
    return [
        Section(
            "length",
            title,
            f"Spearman’s correlation of score and length is {sentence(found.spearman)} over all solutions (the paper: "
            f"about −0.42), and {sentence(found.spearman_within_problem)} within a problem.",
            [
                Figure(
                    "length",
                    score_length_figure(found, signal=plain(subject.label)),
                    "Lines that run level mean that a score of a given kind does not depend on length.",
                    f"{count(found.n_total, 'solution')}{shown}",
                    f"{BAND} of the mean",
                    equations.LENGTH,
                ),
                Table("Rank correlation of score and length, with 95% intervals", ("", "Spearman", "problems"), rows),
            ],
        )
    ]


def settings(subject: Subject) -> list[Section]:
    """What depends on beta_v and c_ref."""
    title = "What if beta_v and c_ref were set differently?"
    meta = subject.rollouts.meta
    if subject.signal != "score" or not subject.has_both:
        needs = "the last-token score: another signal does not depend on beta_v and c_ref"
        return [Section("settings", title, "", [Missing(needs if subject.samples.has_scores else NEEDS_BOTH)])]
    if meta.beta_v is None or meta.c_ref is None:
        needs = "beta_v and c_ref in the file’s metadata, which say how its scores were made"
        return [Section("settings", title, "", [Missing(needs)])]
    found = sensitivity(subject.samples, beta_v=meta.beta_v, c_ref=meta.c_ref, seed=subject.seed)
    invariant = ", ".join(_NAMES.get(name, name) for name in found.invariant)
    in_use = {"beta_v": meta.beta_v, "c_ref": meta.c_ref}
    blocks: list[object] = [
        Figure(
            f"settings-{metric}",
            sensitivity_figure(found, metric=metric, **in_use),
            see,
            count(found.n_problems, "problem") + (f", votes of {found.n}" if metric == "weighted" else ""),
            interval,
            equations.SENSITIVITY,
            half=True,
        )
        for metric, see, interval in (
            ("balanced_f1", "The framed cell is in use; a fixed threshold of 0.5 makes the settings matter.", BARS),
            ("weighted", f"The majority gives {found.majority:.3f}; weights change with clipping only.", BARS),
            ("ece", "How far the clipped score is from a probability; smaller is better.", "point estimates"),
            ("at_bound", "Clipping makes such scores equal; where it is large, votes lose information.", "shares"),
        )
        if np.isfinite(getattr(found, metric)).any()
    ]
    blocks.append(
        Words(f"No beta_v above 0 and no c_ref changes how scores are ordered, so these stay the same: {invariant}.")
    )
    spread = [f"the balanced F1 at 0.5 runs from {_range(found.balanced_f1)}"]
    if np.isfinite(found.weighted).any():
        spread.append(f"the weighted vote from {_range(found.weighted)}")
    finding = f"Over the grid {', '.join(spread)}."
    return [Section("settings", title, finding, blocks)]


def _range(values: np.ndarray) -> str:
    return f"{np.nanmin(values):.2f} to {np.nanmax(values):.2f}"


def by_step(subject: Subject) -> list[Section]:
    """The score along training, where the file has several steps."""
    title = "How did the score change in training?"
    steps = subject.rollouts.column("step")
    if len(np.unique(steps[np.isfinite(steps)])) < 2 or not subject.has_both:
        needs = "scored rollouts of at least two training steps (the `step` column); this file has at most one"
        return [Section("steps", title, "", [Missing(needs)])]
    found = score_by_step(subject.rollouts, signal=subject.signal, run=subject.rollouts.runs()[0])
    label, n = plain(subject.label), f"{len(found.step):,} steps"
    n += f" (every so many; {found.n_left_out:,} between them are left out)" if found.n_left_out else ""
    first, last = found.within_problem_auroc[0], found.within_problem_auroc[-1]
    return [
        Section(
            "steps",
            title,
            f"AUROC within a problem: {sentence(first)} at step {found.step[0]}, {sentence(last)} at {found.step[-1]}.",
            [
                Figure(
                    "steps",
                    score_by_step_figure(found, signal=label),
                    "The two bands part as the score learns; below, the AUROCs leave 0.5.",
                    n,
                    "above, the middle half of the scores; below, 95% bands over problems",
                    equations.STEPS,
                ),
                Figure(
                    "animation",
                    score_animation(found, threshold=subject.drawn_threshold, signal=label),
                    "Press play: each frame is one training step.",
                    n,
                    "shares of solutions, no interval",
                    equations.STEPS,
                ),
            ],
        )
    ]

"""Sections that set the score beside something else: free signals, length, its settings, training steps."""

from __future__ import annotations

import math

import numpy as np

from laser_core.analysis import SignalTable, compare_signals, length_relation, score_by_step, sensitivity
from laser_core.errors import InputError
from laser_core.figures import (
    JITTER_NOTE,
    SettingsMetric,
    SignalMetric,
    score_animation,
    score_by_step_figure,
    score_length_figure,
    sensitivity_figure,
    signals_figure,
)
from laser_core.figures.theme import plain
from laser_core.report import equations
from laser_core.report.parts import (
    Block,
    Figure,
    Missing,
    Section,
    Table,
    Words,
    count,
    estimate_cell,
    estimate_text,
    excerpt,
    interval,
    number,
)
from laser_core.report.score_sections import BAND, BARS, NEEDS_BOTH
from laser_core.report.subject import Subject

MAX_POINTS = 2000  # of the scatter; each is an element of the page
_NAMES = {
    "auroc": "AUROC",
    "within_problem_auroc": "AUROC within a problem",
    "average_precision": "average precision",
    "best_of_n": "best-of-N",
    "pass": "pass@N",
    "majority": "majority vote",
}


def free_signals(subject: Subject) -> list[Section]:
    """The score beside the free signals."""
    title = "Is the score better than other signals?"
    try:
        table = compare_signals(subject.samples, subject.rollouts, seed=subject.seed)
    except InputError as error:
        return [Section("signals", title, "", [Missing(f"a score or per-token log-probs: {error}")])]
    blocks: list[Block] = [
        Figure(
            "signals",
            signals_figure(table),
            "A signal whose interval includes the dotted line is not shown to know which solutions are correct.",
            f"{count(table.n_problems, 'problem')}; only mixed ones contribute",
            BARS,
            equations.SIGNALS,
            half=True,
        )
    ]
    if table.n:
        blocks.append(
            Figure(
                "signal-votes",
                signals_figure(table, SignalMetric.WEIGHTED),
                "Accuracy of a vote weighted by each signal; the dotted line is the majority vote.",
                f"{count(table.n_problems, 'problem')}, votes of {table.n}",
                BARS,
                equations.VOTES,
                half=True,
            )
        )
    blocks.append(_signal_table(table))
    if len(table.rows) < 2 or not subject.rollouts.has("token_logprobs"):
        blocks.append(
            Missing(
                "token log-probs for the log-prob and entropy signals; "
                "`laser score MODEL FILE --traces --out scored.parquet` adds them"
            )
        )
    elif table.not_combined:
        blocks.append(Missing(f"more to combine the free signals in one baseline: {table.not_combined}"))
    if table.not_judged:
        listed = "; ".join(f"{excerpt(n.removeprefix('signal.'), 40)}: {why}" for n, why in table.not_judged.items())
        blocks.append(Words(f"Left out, because they say nothing beside the verdict they belong to: {listed}."))
    return [Section("signals", title, _best_other_signal(table), blocks)]


def _best_other_signal(table: SignalTable) -> str:
    """The finding: the other signal with the largest AUROC within a problem, beside the score."""
    others = [row for row in table.rows if row.signal != "score" and math.isfinite(row.within_problem_auroc.value)]
    if not others or table.rows[0].signal != "score":
        return ""
    best = max(others, key=lambda row: row.within_problem_auroc.value)
    d = best.within_difference
    return (
        f"By AUROC within a problem the best other signal is {excerpt(best.signal.removeprefix('signal.'), 40)}, at "
        f"{estimate_text(best.within_problem_auroc, noun='mixed problem')}; minus the score’s AUROC that is "
        f"{number(d.value, 2)} (95% CI {interval(d, 2)}, paired)."
    )


def _signal_table(table: SignalTable) -> Table:
    """Every signal with all its numbers."""
    rows = [
        (
            excerpt(row.signal.removeprefix("signal."), 40),
            estimate_cell(row.within_problem_auroc),
            estimate_cell(row.auroc),
            estimate_cell(row.balanced_f1),
            estimate_cell(row.weighted),
            estimate_cell(row.best_of_n),
            f"{row.n_scored:,}",
        )
        for row in table.rows
    ]
    head = ("signal", "AUROC within a problem", "AUROC", "balanced F1*", "weighted vote", "best-of-N", "solutions")
    caption = (
        f"Each signal in the score’s place, with 95% intervals; votes of {table.n}. * threshold from held-out problems"
    )
    return Table(caption, head, rows, notes=[excerpt(row.description, 90) for row in table.rows])


def by_length(subject: Subject) -> list[Section]:
    """The score against the length of solutions."""
    title = f"Does the {subject.label} depend on length?"
    found = length_relation(subject.samples, max_points=MAX_POINTS, seed=subject.seed)
    if not found.n_points:
        needs = "solutions with a score and a token count (`n_tokens`); `laser score MODEL FILE` writes both"
        return [Section("length", title, "", [Missing(needs)])]
    rows = [
        (name, estimate_cell(estimate, digits=2), f"{estimate.n:,}")
        for name, estimate in (
            ("all solutions", found.spearman),
            ("among correct ones", found.spearman_correct),
            ("among incorrect ones", found.spearman_incorrect),
            ("within a problem, mean", found.spearman_within_problem),
        )
    ]
    shown = f"; a sample of {found.n_points:,} is drawn, the means use all" if found.n_points < found.n_total else ""
    return [
        Section(
            "length",
            title,
            f"The rank correlation (Spearman) of score and length is {estimate_text(found.spearman)} over all "
            f"solutions (in the paper about −0.42), and {estimate_text(found.spearman_within_problem)} within a "
            "problem.",
            [
                Figure(
                    "length",
                    score_length_figure(found, signal=plain(subject.label)),
                    "Where the lines are flat, the score of that kind of solution does not depend on length. "
                    + JITTER_NOTE,
                    f"{count(found.n_total, 'solution')}{shown}",
                    f"{BAND} of the mean",
                    equations.LENGTH,
                ),
                Table("Rank correlation of score and length, with 95% intervals", ("", "Spearman", "problems"), rows),
            ],
        )
    ]


def settings(subject: Subject) -> list[Section]:
    """The effect of beta_v and c_ref."""
    title = "What if β_v and c_ref were set differently?"
    meta = subject.rollouts.meta
    if subject.signal != "score" or not subject.has_both:
        needs = "the last-token score; another signal does not depend on β_v and c_ref"
        return [Section("settings", title, "", [Missing(needs if subject.samples.has_scores else NEEDS_BOTH)])]
    if meta.beta_v is None or meta.c_ref is None:
        needs = "β_v and c_ref, the settings of the scores, in the file’s metadata"
        return [Section("settings", title, "", [Missing(needs)])]
    found = sensitivity(subject.samples, beta_v=meta.beta_v, c_ref=meta.c_ref, seed=subject.seed)
    invariant = ", ".join(_NAMES.get(name, name) for name in found.invariant)
    blocks: list[Block] = [
        Figure(
            f"settings-{metric.field}",
            sensitivity_figure(found, metric, beta_v=meta.beta_v, c_ref=meta.c_ref),
            see,
            count(found.n_problems, "problem") + (f", votes of {found.n}" if metric == SettingsMetric.WEIGHTED else ""),
            interval,
            equations.SENSITIVITY,
            half=True,
        )
        for metric, see, interval in (
            (
                SettingsMetric.BALANCED_F1,
                "The framed cell is in use. The settings matter because the threshold is fixed at 0.5.",
                BARS,
            ),
            (
                SettingsMetric.WEIGHTED,
                f"The majority vote reaches {found.majority:.3f}. Weights change only through clipping.",
                BARS,
            ),
            (
                SettingsMetric.ECE,
                "The distance of the clipped score from a calibrated probability; smaller is better.",
                "none, point estimates",
            ),
            (
                SettingsMetric.AT_BOUND,
                "Clipping makes scores equal; where their share is large, votes lose information.",
                "none, shares",
            ),
        )
        if np.isfinite(getattr(found, metric.field)).any()
    ]
    blocks.append(
        Words(f"Neither setting changes the order of the scores (β_v > 0), so these stay the same: {invariant}.")
    )
    spread = [f"the balanced F1 at 0.5 ranges from {_range(found.balanced_f1)}"]
    if np.isfinite(found.weighted).any():
        spread.append(f"the accuracy of the weighted vote from {_range(found.weighted)}")
    finding = f"Over this grid of settings, {' and '.join(spread)}."
    return [Section("settings", title, finding, blocks)]


def _range(values: np.ndarray) -> str:
    return f"{np.nanmin(values):.2f} to {np.nanmax(values):.2f}"


def by_step(subject: Subject) -> list[Section]:
    """The score along training, where the file has several steps."""
    title = f"How did the {subject.label} change in training?"
    steps = subject.rollouts.column("step")
    if len(np.unique(steps[np.isfinite(steps)])) < 2 or not subject.has_both:
        needs = "scored rollouts of at least two training steps (the `step` column)"
        return [Section("steps", title, "", [Missing(needs)])]
    found = score_by_step(subject.rollouts, signal=subject.signal, run=subject.rollouts.runs()[0])
    label, n = plain(subject.label), f"{len(found.step):,} steps"
    n += f" (evenly spaced; {found.n_left_out:,} others are left out)" if found.n_left_out else ""
    first, last = found.within_problem_auroc[0], found.within_problem_auroc[-1]
    return [
        Section(
            "steps",
            title,
            f"AUROC within a problem: {estimate_text(first)} at step {found.step[0]}, {estimate_text(last)} at step "
            f"{found.step[-1]}.",
            [
                Figure(
                    "steps",
                    score_by_step_figure(found, signal=label),
                    "As the score learns, the two bands part and the AUROCs below leave 0.5.",
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

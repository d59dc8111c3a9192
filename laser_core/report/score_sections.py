"""Sections about the scores of single solutions: separation, threshold, calibration."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    Calibration,
    Confusion,
    CrossFit,
    RocPr,
    ScoreShape,
    calibration,
    confusion,
    cross_fit,
    recalibrate,
    roc_pr,
    score_distribution,
    score_shape,
    threshold_sweep,
)
from laser_core.errors import InputError
from laser_core.figures import (
    confusion_figure,
    ecdf_figure,
    reliability_figure,
    roc_pr_figure,
    score_histogram,
    threshold_figure,
    violin_figure,
)
from laser_core.figures.theme import plain
from laser_core.report import equations
from laser_core.report.parts import Block, Figure, Missing, Section, Table, count, estimate_cell, estimate_text, number
from laser_core.report.subject import Subject

COST_RATIOS = (1 / 3, 1.0, 3.0, 10.0)
NEEDS_BOTH = (
    "correct and incorrect solutions with a score. `laser score MODEL FILE --out scored.parquet` adds scores; "
    "solutions are verified while the file is read if each problem has a reference answer"
)
BAND = "95% band over problems, pointwise"
BARS = "95% intervals over problems"


def separation(subject: Subject) -> list[Section]:
    """The distribution of the scores, and how well they rank."""
    title = f"Does the {subject.label} tell correct from incorrect solutions?"
    if not subject.has_both:
        return [Section("separation", title, "", [Missing(NEEDS_BOTH)])]
    s = subject.summary.separation
    curves, shape = roc_pr(subject.samples, seed=subject.seed), score_shape(subject.samples)
    n = f"{s.n_correct:,} correct and {s.n_incorrect:,} incorrect solutions of {count(curves.n_problems, 'problem')}"
    finding = (
        f"In a pair of a correct and an incorrect solution, the correct one scores higher with probability "
        f"{estimate_text(s.auroc)}; in a pair from the same problem, with probability "
        f"{estimate_text(s.within_problem_auroc, noun='mixed problem')}. Only the second helps voting."
    )
    rows = [
        ("AUROC, all solutions", estimate_cell(s.auroc), f"{s.auroc.n:,}"),
        ("AUROC within a problem", estimate_cell(s.within_problem_auroc), f"{s.within_problem_auroc.n:,}"),
        ("average precision", estimate_cell(s.average_precision), f"{s.average_precision.n:,}"),
    ]
    blocks: list[Block] = [
        *_distributions(subject, shape, n),
        *_curves(subject, curves, n),
        _violin(subject, shape, n),
        Table("Ranking, with 95% intervals", ("number", "value", "problems"), rows, half=True),
    ]
    return [Section("separation", title, subject.derived or finding, blocks)]


def _distributions(subject: Subject, shape: ScoreShape, n: str) -> list[Figure]:
    threshold, label = subject.drawn_threshold, plain(subject.label)
    return [
        Figure(
            "histogram",
            score_histogram(score_distribution(subject.samples), threshold=threshold, signal=label),
            "The less the two distributions overlap, the better the score separates.",
            n,
            "counts, no interval",
            equations.SCORE,
            half=True,
        ),
        Figure(
            "ecdf",
            ecdf_figure(shape, threshold=threshold, signal=label),
            "The share of scores up to each value; the gap between the lines is TPR + TNR − 1 there.",
            n,
            BAND,
            equations.ECDF,
            half=True,
        ),
    ]


def _curves(subject: Subject, curves: RocPr, n: str) -> list[Figure]:
    return [
        Figure(
            "roc",
            roc_pr_figure(curves, "roc", threshold=subject.drawn_threshold),
            "The area under the line is the AUROC; the dotted diagonal is chance.",
            n,
            f"{BAND}; area {estimate_cell(curves.auroc)}",
            equations.ROC,
            half=True,
        ),
        Figure(
            "pr",
            roc_pr_figure(curves, "pr", threshold=subject.drawn_threshold),
            "Precision as more solutions are accepted; the dotted line is accepting at random.",
            n,
            f"{BAND}; average precision {estimate_cell(curves.average_precision)}",
            equations.PRECISION,
            half=True,
        ),
    ]


def _violin(subject: Subject, shape: ScoreShape, n: str) -> Figure:
    return Figure(
        "violin",
        violin_figure({subject.run: shape}, threshold=subject.drawn_threshold, signal=plain(subject.label)),
        "Each distribution with its median and middle half; two peaks on one side are a warning sign.",
        n,
        f"quartiles, no interval; bandwidth {shape.bandwidth:.2g}",
        equations.DENSITY,
        half=True,
    )


def thresholds(subject: Subject) -> list[Section]:
    """The threshold in use, the best one, and its performance on held-out problems."""
    title = f"Which threshold of the {subject.label}, and how good is it?"
    if not subject.has_both:
        return [Section("thresholds", title, "", [Missing(NEEDS_BOTH)])]
    samples, sweep = subject.samples, subject.summary.sweep
    cells = confusion(samples, threshold=subject.threshold)
    fit = subject.summary.cross_fit
    n = f"{count(sweep.n_scored, 'solution')} of {count(sweep.n_problems, 'problem')}"
    finding = (
        f"At {subject.threshold:.3g} the balanced F1 is {estimate_text(cells.balanced_f1)}. The best threshold here is "
        f"{sweep.best:.3f} (95% CI [{sweep.best_low:.3f}, {sweep.best_high:.3f}])"
    )
    finding += f"; tuned on held-out problems it reaches {estimate_text(fit.balanced_f1)}." if fit else "."
    rows = [("in use", f"{cells.threshold:.3f}", *_rates(cells))]
    if fit:
        folds = np.array(fit.thresholds)
        rows.append(("best F1, cross-fitted", f"{np.nanmin(folds):.3f} to {np.nanmax(folds):.3f}", *_rates(fit)))
    blocks: list[Block] = [
        Figure(
            "sweep",
            threshold_figure(sweep, threshold=subject.threshold, signal=plain(subject.label)),
            "The balanced F1 peaks at the best threshold; where its top is flat, the threshold hardly matters.",
            n,
            f"{BAND} of the balanced F1",
            equations.BALANCED_F1,
            half=True,
        ),
        Figure(
            "confusion",
            confusion_figure(cells),
            "Blue cells are correct predictions, orange cells are errors.",
            n,
            f"in brackets, {BARS}",
            equations.CONFUSION,
            half=True,
        ),
        Table(
            "Prediction at a threshold, with 95% intervals",
            ("threshold", "value", "balanced F1", "TPR", "TNR", "MCC"),
            rows,
        ),
    ]
    if fit:
        blocks.append(_costs(subject))
    return [Section("thresholds", title, subject.derived or finding, blocks)]


def _rates(at: Confusion | CrossFit) -> tuple[str, ...]:
    return tuple(estimate_cell(rate) for rate in (at.balanced_f1, at.tpr, at.tnr, at.mcc))


def _costs(subject: Subject) -> Table:
    rows = []
    for ratio in COST_RATIOS:
        best = threshold_sweep(subject.samples, cost_ratio=ratio, seed=subject.seed)
        fit = cross_fit(subject.samples, cost_ratio=ratio, seed=subject.seed)
        rows.append(
            (
                f"{ratio:.3g}",
                f"{best.best:.3f} [{best.best_low:.3f}, {best.best_high:.3f}]",
                estimate_cell(fit.cost),
                estimate_cell(fit.tpr),
                estimate_cell(fit.tnr),
            )
        )
    return Table(
        "Cost ratio: the cost of a false accept in false rejects. The cheapest threshold, and its performance when "
        "tuned on held-out problems (a false accept costs 1)",
        ("cost ratio", "threshold", "cost per solution", "TPR", "TNR"),
        rows,
    )


def calibrated(subject: Subject) -> list[Section]:
    """The score as a probability, before and after recalibration on held-out problems."""
    title = f"Is the {subject.label} a probability?"
    if not subject.has_both:
        return [Section("calibration", title, "", [Missing(NEEDS_BOTH)])]
    before = subject.summary.calibration
    rows, after = [_calibration_row("the score, clipped to [0, 1]", before)], None
    for method, name in (("isotonic", "isotonic, cross-fitted"), ("platt", "Platt, cross-fitted")):
        try:
            found = calibration(recalibrate(subject.samples, method=method, seed=subject.seed))
        except InputError:
            continue
        after = after or found
        rows.append(_calibration_row(name, found))
    finding = f"The expected calibration error is {estimate_text(before.ece)}"
    finding += f"; after recalibration on held-out problems, {estimate_text(after.ece)}." if after else "."
    if before.clipped_share > 0.5:
        finding += (
            f" {before.clipped_share:.0%} of the values are outside [0, 1], so they cannot be read as probabilities."
        )
    figure = Figure(
        "reliability",
        reliability_figure(before, recalibrated=after),
        "Points on the diagonal are calibrated; above it the score is underconfident, below it overconfident.",
        f"{count(before.n_scored, 'solution')} of {count(before.n_problems, 'problem')}, bins of equal size",
        BARS,
        equations.RELIABILITY,
    )
    head = ("", "ECE, debiased", "Brier", "reliability", "resolution", "uncertainty")
    caption = "Calibration, with 95% intervals. Brier = reliability − resolution + uncertainty + spread within bins"
    return [Section("calibration", title, subject.derived or finding, [figure, Table(caption, head, rows)])]


def _calibration_row(name: str, c: Calibration) -> tuple[str, ...]:
    parts = (number(value) for value in (c.reliability, c.resolution, c.uncertainty))
    return (name, estimate_cell(c.ece), estimate_cell(c.brier), *parts)

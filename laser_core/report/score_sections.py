"""The sections about judging single solutions: separation, threshold, calibration."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    Calibration,
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
from laser_core.report.parts import Figure, Missing, Section, Table, count, number, sentence, told
from laser_core.report.subject import Subject

COST_RATIOS = (1 / 3, 1.0, 3.0, 10.0)
NEEDS_BOTH = (
    "correct and incorrect solutions with a score: score the file with `laser score MODEL FILE --out scored.parquet`, "
    "and let it be verified while reading (a reference answer per problem)"
)
BAND = "95% band over problems, pointwise"
BARS = "95% intervals over problems"


def separation(subject: Subject) -> list[Section]:
    """Where the scores lie, and how well they rank."""
    title = "Does the score tell right from wrong?"
    if not subject.has_both:
        return [Section("separation", title, "", [Missing(NEEDS_BOTH)])]
    s = subject.summary.separation
    samples, threshold = subject.samples, subject.drawn_threshold
    curves, shape = roc_pr(samples, seed=subject.seed), score_shape(samples)
    label = plain(subject.label)
    n = f"{s.n_correct:,} correct and {s.n_incorrect:,} incorrect solutions of {count(curves.n_problems, 'problem')}"
    finding = (
        f"Over all pairs of a correct and an incorrect solution the correct one scores higher in "
        f"{sentence(s.auroc)}; among pairs of the same problem, in "
        f"{sentence(s.within_problem_auroc, noun='mixed problem')}. The second is what voting lives on."
    )
    rows = [
        ("AUROC, all solutions", told(s.auroc), f"{s.auroc.n:,}"),
        ("AUROC within a problem", told(s.within_problem_auroc), f"{s.within_problem_auroc.n:,}"),
        ("average precision", told(s.average_precision), f"{s.average_precision.n:,}"),
    ]
    return [
        Section(
            "separation",
            title,
            finding,
            [
                Figure(
                    "histogram",
                    score_histogram(score_distribution(samples), threshold=threshold, signal=label),
                    "The further the two hills lie apart, the better the score separates.",
                    n,
                    "counts, no interval",
                    equations.SCORE,
                    half=True,
                ),
                Figure(
                    "ecdf",
                    ecdf_figure(shape, threshold=threshold, signal=label),
                    "At each score, the share at or below it; the gap between the lines is TPR + TNR − 1 there.",
                    n,
                    BAND,
                    equations.ECDF,
                    half=True,
                ),
                Figure(
                    "roc",
                    roc_pr_figure(curves, threshold=threshold),
                    "The area under the line is the AUROC; the dotted diagonal is a score that knows nothing.",
                    n,
                    f"{BAND}; area {told(curves.auroc)}",
                    equations.ROC,
                    half=True,
                ),
                Figure(
                    "pr",
                    roc_pr_figure(curves, which="pr", threshold=threshold),
                    "How pure the accepted solutions are as more are accepted; the dotted line is accepting at random.",
                    n,
                    f"{BAND}; average precision {told(curves.average_precision)}",
                    equations.PRECISION,
                    half=True,
                ),
                Figure(
                    "violin",
                    violin_figure({subject.run: shape}, threshold=threshold, signal=label),
                    "Each kind’s whole shape, with its median and middle half: two peaks on one side are a warning.",
                    n,
                    f"quartiles, no interval; bandwidth {shape.bandwidth:.2g}",
                    equations.DENSITY,
                    half=True,
                ),
                Table("Ranking, with 95% intervals", ("number", "value", "problems"), rows, half=True),
            ],
        )
    ]


def thresholds(subject: Subject) -> list[Section]:
    """What a threshold does, which one is best, and what that is worth on other problems."""
    title = "Which threshold, and how good is it?"
    if not subject.has_both:
        return [Section("thresholds", title, "", [Missing(NEEDS_BOTH)])]
    samples, sweep = subject.samples, subject.summary.sweep
    cells = confusion(samples, threshold=subject.threshold)
    fit = subject.summary.cross_fit
    n = f"{count(sweep.n_scored, 'solution')} of {count(sweep.n_problems, 'problem')}"
    finding = (
        f"At {subject.threshold:.3g} the balanced F1 is {sentence(cells.balanced_f1)}. The best threshold here is "
        f"{sweep.best:.3f} ({sweep.best_low:.3f} to {sweep.best_high:.3f})"
    )
    finding += f"; chosen on other problems it gives {sentence(fit.balanced_f1)}." if fit else "."
    rows = [
        ("in use", f"{cells.threshold:.3f}", told(cells.balanced_f1), told(cells.tpr), told(cells.tnr), told(cells.mcc))
    ]
    if fit:
        chosen = np.array(fit.thresholds)
        spread = f"{np.nanmin(chosen):.3f} to {np.nanmax(chosen):.3f}"
        rows.append(
            ("best F1, chosen on others", spread, told(fit.balanced_f1), told(fit.tpr), told(fit.tnr), told(fit.mcc))
        )
    blocks = [
        Figure(
            "sweep",
            threshold_figure(sweep, threshold=subject.threshold, signal=plain(subject.label)),
            "Where the middle line peaks, the score judges best; a flat top means that the threshold hardly matters.",
            n,
            f"{BAND} of the balanced F1",
            equations.BALANCED_F1,
            half=True,
        ),
        Figure(
            "confusion",
            confusion_figure(cells),
            "Blue cells are right judgements, orange ones are wrong.",
            n,
            f"in brackets, {BARS}",
            equations.CONFUSION,
            half=True,
        ),
        Table(
            "Judging at a threshold, with 95% intervals",
            ("threshold", "value", "balanced F1", "TPR", "TNR", "MCC"),
            rows,
        ),
    ]
    if fit:
        blocks.append(_costs(subject))
    return [Section("thresholds", title, finding, blocks)]


def _costs(subject: Subject) -> Table:
    rows = []
    for ratio in COST_RATIOS:
        best = threshold_sweep(subject.samples, cost_ratio=ratio, seed=subject.seed)
        judged = cross_fit(subject.samples, cost_ratio=ratio, seed=subject.seed)
        rows.append(
            (
                f"{ratio:.3g}",
                f"{best.best:.3f} [{best.best_low:.3f}, {best.best_high:.3f}]",
                told(judged.cost),
                told(judged.tpr),
                told(judged.tnr),
            )
        )
    return Table(
        "If accepting an incorrect solution costs so many times rejecting a correct one: the cheapest threshold, and "
        "what it does on problems that did not choose it (cost of an accepted incorrect solution: 1)",
        ("cost ratio", "threshold", "cost per judgement", "TPR", "TNR"),
        rows,
    )


def calibrated(subject: Subject) -> list[Section]:
    """The score as a probability, before and after recalibration on other problems."""
    title = "Is the score a probability?"
    if not subject.has_both:
        return [Section("calibration", title, "", [Missing(NEEDS_BOTH)])]
    before = subject.summary.calibration
    rows, after = [_calibration_row("the score, clipped to [0, 1]", before)], None
    for method, name in (
        ("isotonic", "isotonic, taught by other problems"),
        ("platt", "Platt, taught by other problems"),
    ):
        try:
            found = calibration(recalibrate(subject.samples, method=method, seed=subject.seed))
        except InputError:
            continue
        after = after or found
        rows.append(_calibration_row(name, found))
    finding = f"Its expected calibration error is {sentence(before.ece)}"
    finding += f"; recalibrated on other problems, {sentence(after.ece)}." if after else "."
    if before.clipped_share > 0.5:
        finding += (
            f" {before.clipped_share:.0%} of the values lie outside [0, 1]: as they are, they are no probabilities."
        )
    figure = Figure(
        "reliability",
        reliability_figure(before, recalibrated=after),
        "Points on the diagonal are as likely to be right as they say; above it, the score is too modest.",
        f"{count(before.n_scored, 'solution')} of {count(before.n_problems, 'problem')}, bins of equal size",
        BARS,
        equations.RELIABILITY,
    )
    head = ("", "ECE, debiased", "Brier", "reliability", "resolution", "uncertainty")
    caption = "Calibration, with 95% intervals. Brier = reliability − resolution + uncertainty + spread within bins"
    return [Section("calibration", title, finding, [figure, Table(caption, head, rows)])]


def _calibration_row(name: str, c: Calibration) -> tuple[str, ...]:
    parts = (number(value) for value in (c.reliability, c.resolution, c.uncertainty))
    return (name, told(c.ece), told(c.brier), *parts)

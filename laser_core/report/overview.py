"""The head of a report and its foot: the headline numbers, the warnings, and everything one needs to repeat it."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from laser_core.analysis import Estimate
from laser_core.report.parts import (
    Section,
    Table,
    Words,
    count,
    excerpt,
    interval,
    number,
    points,
    sentence,
)
from laser_core.report.subject import Subject

if TYPE_CHECKING:
    from laser_core.report.page import ReportOptions
    from laser_core.rollouts import ReadResult

INTERVALS = "All intervals are 95% and treat the problem as the unit."


@dataclass(frozen=True)
class Card:
    """A headline number, its interval and what it rests on."""

    name: str
    value: str
    interval: str
    n: str


def cards(subject: Subject) -> list[Card]:
    """The headline numbers, each with its interval and n."""
    s, summary = subject.summary.separation, subject.summary
    out = [_card("accuracy", summary.accuracy)]
    if subject.has_both:
        out += [
            _card("AUROC within a problem", s.within_problem_auroc, noun="mixed problem"),
            _card("AUROC, all solutions", s.auroc),
        ]
        at = _judged(subject)
        rates = f"TPR {number(at.tpr.value, 2)}, TNR {number(at.tnr.value, 2)}"
        out.append(
            Card(
                f"balanced F1 at {subject.threshold:.3g}",
                number(at.balanced_f1.value),
                interval(at.balanced_f1),
                f"{rates}; n = {count(at.balanced_f1.n, 'problem')}",
            )
        )
        if summary.calibration.clipped_share < 0.5:
            out.append(_card("calibration error (ECE)", summary.calibration.ece))
    if subject.headline_n:
        for name, label in (("majority", "majority vote"), ("weighted", "weighted vote")):
            estimate = voted(subject, name)
            if math.isfinite(estimate.value):
                out.append(_card(f"{label} of {subject.headline_n}", estimate))
        gain = voted(subject, "weighted_minus_majority")
        if math.isfinite(gain.value):
            spread, n = f"{points(gain.ci_low)} to {points(gain.ci_high)}", f"n = {count(gain.n, 'problem')}, paired"
            out.append(Card("gain of weighting, points", points(gain.value), spread, n))
    return out


def verdict(subject: Subject) -> str:
    """What the numbers let one say, in two sentences."""
    within = subject.summary.separation.within_problem_auroc
    label = subject.label
    if not subject.samples.has_scores:
        return f"These rollouts hold no value of the {label}: only what needs none is shown."
    if not math.isfinite(within.value):
        return "No problem has both a correct and an incorrect solution with a score, so the score cannot be judged."
    if within.ci_high < 0.5:
        first = f"The {label} points the wrong way within a problem"
    elif not within.ci_low > 0.5:
        first = f"It is not shown that the {label} tells right from wrong within a problem"
    elif within.value < 0.6:
        first = f"The {label} barely tells right from wrong within a problem"
    else:
        first = f"The {label} tells right from wrong within a problem" + (" in part" if within.value < 0.75 else "")
    first += f": AUROC {sentence(within, noun='mixed problem')}, where chance is 0.50."
    gain = voted(subject, "weighted_minus_majority") if subject.headline_n > 1 else None
    if gain is None or not math.isfinite(gain.value):
        return first
    word = "gains" if gain.ci_low > 0 else "loses" if gain.ci_high < 0 else "changes by"
    value = points(gain.value) if word == "changes by" else f"{abs(100 * gain.value):.1f}"
    return (
        f"{first} Weighting the vote of {subject.headline_n} by it {word} {value} points of accuracy "
        f"({points(gain.ci_low)} to {points(gain.ci_high)}, paired, n = {count(gain.n, 'problem')})."
    )


def voted(subject: Subject, name: str) -> Estimate:
    """A value of the voting curves at the headline N."""
    curve = subject.summary.voting
    at = int(np.flatnonzero(curve.n == subject.headline_n)[0])
    stem = name.rstrip("_")
    return Estimate(
        *(float(getattr(curve, part)[at]) for part in (name, f"{stem}_low", f"{stem}_high")), int(curve.n_problems)
    )


def warnings(subject: Subject) -> list[str]:
    """What a reader should know before quoting a number; text of the file in them is shortened and made visible."""
    return [excerpt(warning, 600) for warning in subject.summary.warnings]


def about(
    subject: Subject,
    result: ReadResult,
    *,
    name: str,
    digest: str | None,
    options: ReportOptions,
    versions: dict[str, str],
) -> Section:
    """Everything one needs to make the same page again."""
    command = ["laser", "report", name, "--out", "report.html", "--seed", str(options.seed)]
    for option, value in (("--signal", options.signal), ("--run", options.run), ("--n-max", options.n_max)):
        command += [option, str(value)] if value is not None else []
    command += ["--strict"] if options.strict else []
    read_from = [
        ("file", excerpt(name, 120)),
        ("SHA-256", digest or "not read from a file"),
        ("format", excerpt(result.format)),
        ("run", subject.run),
        ("rows read, refused", f"{result.n_rows:,}, {result.n_refused or len(result.refused):,}"),
        ("solutions, problems", f"{subject.summary.n_rollouts:,}, {subject.summary.n_problems:,}"),
        ("made again by", excerpt(shlex.join(command), 400)),
    ]
    meta = [
        (field.name.replace("_", " "), _meta(getattr(subject.rollouts.meta, field.name)))
        for field in fields(subject.rollouts.meta)
    ]
    curve = subject.summary.voting
    settings = [
        ("judged by", subject.label),
        ("threshold", number(subject.threshold) + (" (the paper's)" if subject.signal == "score" else " (best here)")),
        ("vote weight", curve.weight if curve else "no votes"),
        ("largest N", str(int(curve.n.max())) if curve else "no votes"),
        ("random orders per problem", f"{curve.n_orders:,}" if curve else "none"),
        ("Monte-Carlo standard error of the weighted vote", number(curve.weighted_se.max(), 4) if curve else "none"),
        ("folds of problems, for whatever is chosen on other problems", "5"),
        ("bootstrap draws of problems", "400"),
        ("bins of the reliability curve, at most", "15"),
        ("seed", str(options.seed)),
    ]
    notes = [*(excerpt(note) for note in result.notes)]
    for refusal in result.refused[:20]:
        where = f"line {refusal.line}" + (f", field '{refusal.field}'" if refusal.field else "")
        notes.append(excerpt(f"refused {where}: {refusal.reason}"))
    blocks = [
        Table("What was read", ("", ""), read_from, foreign=frozenset({1}), half=True),
        Table("What the file says of itself", ("", ""), meta, foreign=frozenset({1}), half=True),
        Table("Settings of the analysis", ("", ""), settings, half=True),
        Table("Versions", ("", ""), list(versions.items()), half=True),
    ]
    if notes:
        blocks.append(Table("Notes from reading", ("",), [[note] for note in notes[:60]], foreign=frozenset({0})))
    blocks.append(
        Words(
            "Intervals: a mean over problems has the standard error of its per-problem values, any other number that "
            "of its influence function (the clustered bootstrap, linearised); both become Wilson intervals with the "
            "effective number of observations. Differences are taken within each problem. Bands are pointwise. "
            "The ECE has no unbiased estimate near 0; its interval errs on the wide side."
        )
    )
    return Section("about", "How was this made?", INTERVALS, blocks)


def _judged(subject: Subject):
    from laser_core.analysis import separation

    s = subject.summary.separation
    return s if subject.threshold == s.threshold else separation(subject.samples, threshold=subject.threshold)


def _card(name: str, estimate: Estimate, noun: str = "problem") -> Card:
    return Card(name, number(estimate.value), interval(estimate), f"n = {count(estimate.n, noun)}")


def _meta(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else excerpt(value, 120)

"""The head and the foot of a report: headline numbers and warnings; settings and versions to reproduce it."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from laser_core.analysis import Estimate, Separation, separation
from laser_core.report.parts import (
    Block,
    Section,
    Table,
    Words,
    count,
    estimate_text,
    excerpt,
    interval,
    number,
    points,
    points_interval,
)
from laser_core.report.subject import Subject

if TYPE_CHECKING:
    from laser_core.report.options import ReportOptions
    from laser_core.rollouts import ReadResult

INTERVALS = "All intervals are 95% confidence intervals over problems."


@dataclass(frozen=True)
class Card:
    """A headline number with its interval and n."""

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
        at = _separation(subject)
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
        for label, estimate in (("majority", subject.voted("majority")), ("weighted", subject.voted("weighted"))):
            if math.isfinite(estimate.value):
                out.append(_card(f"{label} vote of {subject.headline_n}", estimate))
        gain = subject.voted("weighted_minus_majority")
        if math.isfinite(gain.value):
            n = f"n = {count(gain.n, 'problem')}, paired"
            spread = points_interval(gain.ci_low, gain.ci_high)
            out.append(Card("gain from weighted voting, points", points(gain.value), spread, n))
    return out


def headline(subject: Subject) -> str:
    """The conclusion that the numbers support, in two sentences."""
    within = subject.summary.separation.within_problem_auroc
    label = subject.label
    if not subject.samples.has_scores:
        accuracy = estimate_text(subject.summary.accuracy)
        return f"These rollouts hold no {label}; only the parts that need none are shown. Accuracy {accuracy}."
    if subject.derived:
        return subject.derived
    if not math.isfinite(within.value):
        return f"No problem has both a correct and an incorrect solution with a {label}, so it cannot be evaluated."
    if within.ci_high < 0.5:
        first = f"Within a problem, the {label} is higher for incorrect solutions"
    elif not within.ci_low > 0.5:
        first = f"It is inconclusive whether the {label} tells correct from incorrect solutions of a problem"
    elif within.value < 0.6:
        first = f"The {label} barely tells correct from incorrect solutions of a problem"
    elif within.value < 0.75:
        first = f"The {label} partly tells correct from incorrect solutions of a problem"
    else:
        first = f"The {label} tells correct from incorrect solutions of a problem"
    first += f": AUROC {estimate_text(within, noun='mixed problem')}, where chance is 0.50."
    gain = subject.voted("weighted_minus_majority")
    if subject.headline_n < 2 or not math.isfinite(gain.value):
        return first
    value = f"{abs(100 * gain.value):.1f} points of accuracy"
    if gain.ci_low > 0:
        change = f"gains {value}"
    elif gain.ci_high < 0:
        change = f"loses {value}"
    else:
        change = f"makes no clear difference: {points(gain.value)} points of accuracy"
    return (
        f"{first} Weighting a vote of {subject.headline_n} by it {change} (95% CI "
        f"{points_interval(gain.ci_low, gain.ci_high)}, paired, n = {count(gain.n, 'problem')})."
    )


def warnings(subject: Subject) -> list[str]:
    """What to know before quoting a number; text of the file in them is shortened, with all characters visible."""
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
    """Everything that is needed to make the same page again."""
    read_from = [
        ("file", excerpt(name, 120)),
        ("SHA-256", digest or "unknown: not read from a file"),
        ("format", excerpt(result.format)),
        ("run", subject.run),
        ("rows read, refused", f"{result.n_rows:,}, {result.n_refused or len(result.refused):,}"),
        ("solutions, problems", f"{subject.summary.n_rollouts:,}, {subject.summary.n_problems:,}"),
        ("command", excerpt(_command(name, options), 400)),
    ]
    meta = [
        (field.name.replace("_", " "), _meta(getattr(subject.rollouts.meta, field.name)))
        for field in fields(subject.rollouts.meta)
    ]
    curve = subject.summary.voting
    settings = [
        ("signal", subject.label),
        (
            "threshold",
            number(subject.threshold) + (" (the paper's)" if subject.signal == "score" else " (best balanced F1)"),
        ),
        ("vote weight", curve.weight if curve else "no votes"),
        ("largest N", str(int(curve.n.max())) if curve else "no votes"),
        ("random orders per problem", f"{curve.n_orders:,}" if curve else "none"),
        ("Monte-Carlo standard error of the weighted vote", number(curve.weighted_se.max(), 4) if curve else "none"),
        ("folds of problems, for cross-fitting", "5"),
        ("bootstrap draws of problems", "400"),
        ("bins of the reliability curve, at most", "15"),
        ("seed", str(options.seed)),
    ]
    notes = _notes(result)
    blocks: list[Block] = [
        Table("Input", ("", ""), read_from, foreign=frozenset({1}), half=True),
        Table("Metadata of the file", ("", ""), meta, foreign=frozenset({1}), half=True),
        Table("Settings of the analysis", ("", ""), settings, half=True),
        Table("Versions", ("", ""), list(versions.items()), half=True),
    ]
    if notes:
        blocks.append(Table("Notes from reading", ("",), [[note] for note in notes[:60]], foreign=frozenset({0})))
    blocks.append(
        Words(
            "Intervals: the standard error of a mean over problems comes from its per-problem values, any other "
            "number's from its influence function (a linearised clustered bootstrap). Both become Wilson intervals "
            "with the effective number of observations. Differences are paired by problem. Bands are pointwise. The "
            "ECE has no unbiased estimate near 0; its interval is conservative."
        )
    )
    return Section("about", "How was this report made?", INTERVALS, blocks)


def _command(name: str, options: ReportOptions) -> str:
    """The command line that makes the report."""
    command = ["laser", "report", name, "--out", "report.html", "--seed", str(options.seed)]
    for option, value in (("--signal", options.signal), ("--run", options.run), ("--n-max", options.n_max)):
        command += [option, str(value)] if value is not None else []
    return shlex.join([*command, "--strict"] if options.strict else command)


def _notes(result: ReadResult) -> list[str]:
    """The notes from reading, then the first refused rows."""
    notes = [excerpt(note) for note in result.notes]
    for refusal in result.refused[:20]:
        where = f"line {refusal.line}" + (f", field '{refusal.field}'" if refusal.field else "")
        notes.append(excerpt(f"refused {where}: {refusal.reason}"))
    return notes


def _separation(subject: Subject) -> Separation:
    """The separation at the report's threshold."""
    s = subject.summary.separation
    return s if subject.threshold == s.threshold else separation(subject.samples, threshold=subject.threshold)


def _card(name: str, estimate: Estimate, noun: str = "problem") -> Card:
    return Card(name, number(estimate.value), interval(estimate), f"n = {count(estimate.n, noun)}")


def _meta(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else excerpt(value, 120)

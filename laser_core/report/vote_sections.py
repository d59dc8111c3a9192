"""Sections about many solutions of one problem: votes, solutions worth reading, and compute."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    ComputeWorth,
    DrillDown,
    EarlyDrop,
    Estimate,
    VotingCurve,
    compute_worth,
    cross_fit,
    drill_down,
    early_drop,
    filtered_majority,
)
from laser_core.analysis.scores.crossfit import folds
from laser_core.errors import InputError
from laser_core.figures import accuracy_tokens_figure, voting_figure, voting_gain_figure
from laser_core.report import equations
from laser_core.report.parts import (
    Block,
    Figure,
    Missing,
    Section,
    SolutionList,
    Table,
    Words,
    count,
    difference,
    estimate_cell,
    estimate_text,
    points,
    points_interval,
)
from laser_core.report.score_sections import BAND
from laser_core.report.subject import Subject

DROP = "drop early by z_c"
REFERENCE_DROP = "drop early by token log-probs"
LISTED = 8  # solutions shown per list
OF_PROBLEM = 4  # solutions shown per problem, in a list of problems


def voting(subject: Subject) -> list[Section]:
    """Accuracy as N grows."""
    title = (
        f"What does voting with the {subject.label} gain?" if subject.samples.has_scores else "What does voting gain?"
    )
    curve = subject.summary.voting
    if curve is None:
        reason = next((w for w in subject.summary.warnings if w.startswith("No voting curves")), "")
        needs = "verified solutions, extracted answers and several solutions per problem"
        needs += f" ({reason})" if reason else ""
        return [Section("voting", title, "", [Missing(needs)])]
    n_text = f"{count(curve.n_problems, 'problem')}" + (f", {curve.n_left_out:,} left out" if curve.n_left_out else "")
    exact = "exact" if not np.any(curve.majority_se) else f"standard error {np.max(curve.majority_se):.4f}"
    noise = f", standard error {np.nanmax(curve.weighted_se):.4f}" if np.isfinite(curve.weighted).any() else ""
    blocks: list[Block] = [
        Figure(
            "voting",
            voting_figure(curve, chosen_n=subject.headline_n or None),
            "pass@N is the ceiling"
            + ("; the gap between the two votes is the gain from weighting." if subject.samples.has_scores else "."),
            n_text,
            f"{BAND}; pass@N and best-of-N exact, majority {exact}, weighted vote estimated on "
            f"{curve.n_orders:,} shared random orders{noise}",
            equations.VOTES,
        )
    ]
    finding = ""
    if not np.isfinite(curve.majority).any():
        blocks.append(Missing("extracted answers (`answer`) to vote for; pass@N and best-of-N need none"))
    else:
        gain = subject.voted("weighted_minus_majority")
        if np.isfinite(gain.value):
            majority = estimate_text(subject.voted("majority"))
            weighted = estimate_text(subject.voted("weighted"))
            finding = (
                f"With {subject.headline_n} solutions the majority vote reaches an accuracy of {majority}, the "
                f"weighted vote {weighted}: {points(gain.value)} points (95% CI "
                f"{points_interval(gain.ci_low, gain.ci_high)}, paired)."
            )
            blocks.append(
                Figure(
                    "gain",
                    voting_gain_figure(curve),
                    "Where the band is above zero, weighting helps.",
                    n_text,
                    f"{BAND}, paired by problem",
                    equations.GAIN,
                )
            )
        blocks.append(_table(subject, curve))
    return [Section("voting", title, subject.derived or finding, blocks)]


def _table(subject: Subject, curve: VotingCurve) -> Table:
    """Every way to choose an answer, by N."""
    rows, top = [], int(curve.n.max())
    shown = [n for n in (*(2**k for k in range(14)), top) if n in curve.n]
    filtered = _filtered(subject, shown)
    for n in dict.fromkeys(shown):
        gain = curve.at("weighted_minus_majority", n)
        tied = float(curve.tied[np.flatnonzero(curve.n == n)[0]])
        rows.append(
            (
                str(n),
                estimate_cell(curve.at("pass_", n)),
                estimate_cell(curve.at("majority", n)),
                estimate_cell(curve.at("weighted", n)),
                estimate_cell(curve.at("best_of_n", n)),
                filtered.get(n, "undefined"),
                difference(gain.value, gain.ci_low, gain.ci_high),
                f"{tied:.1%}" if np.isfinite(tied) else "",
            )
        )
    head = ("N", "pass@N", "majority", "weighted", "best-of-N", "filtered majority*", "weighted − majority", "ties")
    caption = (
        "Accuracy with 95% intervals; differences in percentage points. * only solutions above a cross-fitted "
        "threshold vote, all where there are none. Ties: majority votes that end in a tie, whose winners share the win"
    )
    return Table(caption, head, rows)


def _filtered(subject: Subject, sizes: list[int]) -> dict[int, str]:
    """The filtered majority by N: each problem's solutions are filtered at a threshold tuned on other problems."""
    if not subject.has_both:
        return {}
    fit = cross_fit(subject.samples, seed=subject.seed)
    fold = folds(subject.samples.n_problems, n_folds=5, seed=subject.seed)
    thresholds = np.array(fit.thresholds)[fold]
    found = filtered_majority(
        subject.samples, threshold=np.nan_to_num(thresholds, nan=np.inf), n_values=np.array(sizes)
    )
    return {
        int(n): estimate_cell(Estimate(float(value), float(low), float(high), found.n_problems))
        for n, value, low, high in zip(found.n, found.accuracy, found.low, found.high, strict=True)
    }


def drill_downs(subject: Subject) -> list[Section]:
    """Solutions and problems where the score, the verifier and the votes disagree."""
    title = "Which solutions are worth reading?"
    if not np.isfinite(subject.samples.correct).any():
        needs = "verified solutions (`correct`), or reference answers to verify them with"
        return [Section("lists", title, "", [Missing(needs)])]
    threshold = subject.threshold if np.isfinite(subject.threshold) else 0.5
    found = drill_down(subject.samples, threshold=threshold)
    of_problems = (
        ("Fixed by weighting", "the majority vote is wrong, the weighted vote is correct", found.fixed_by_weights),
        ("Broken by weighting", "the majority vote is correct, the weighted vote is wrong", found.broken_by_weights),
        ("Ties", "two or more answers share the most votes", found.ties),
        ("Never solved", "no solution is correct", found.unsolved),
    )
    of_rows = (
        (
            "Confidently wrong",
            f"score above {threshold:.3g}, verified incorrect: mistakes of the model or of the verifier",
            found.confident_incorrect,
        ),
        ("Unsure but correct", f"score at most {threshold:.3g}, verified correct", found.unsure_correct),
    )
    lists = [_of_problems(subject, found, *entry) for entry in of_problems]
    blocks: list[Block] = [*lists[:2], *(_of_rows(subject, *entry) for entry in of_rows), *lists[2:]]
    weighed = subject.headline_n and subject.samples.has_scores
    finding = (
        f"With all solutions voting, weighting by the {subject.label} fixes "
        f"{count(len(found.fixed_by_weights), 'problem')} and breaks {len(found.broken_by_weights):,}."
    )
    return [Section("lists", title, subject.derived or (finding if weighed else ""), blocks)]


def _of_rows(subject: Subject, title: str, why: str, rows: np.ndarray) -> SolutionList:
    shown = [subject.solution(row) for row in rows[:LISTED]]
    return SolutionList(title, why, _total(len(rows), len(shown), "solution"), shown)


def _of_problems(subject: Subject, found: DrillDown, title: str, why: str, problems: np.ndarray) -> SolutionList:
    """A list of problems, each with its highest-scoring correct and incorrect solutions."""
    picked = problems[: LISTED // 2]
    shown = [subject.solution(row) for p in picked for row in _best_of_each(subject, found, int(p))]
    return SolutionList(title, why, _total(len(problems), len(picked), "problem"), shown)


def _best_of_each(subject: Subject, found: DrillDown, problem: int) -> list[int]:
    """The first correct and the first incorrect rows of a problem, or whatever rows it has."""
    rows = found.rows_of(problem)
    correct = subject.rollouts.column("correct")[rows]
    verified, refuted = (rows[correct == label][: OF_PROBLEM // 2].tolist() for label in (1, 0))
    return [*verified, *refuted] or rows[:OF_PROBLEM].tolist()


def _total(total: int, shown: int, noun: str) -> str:
    return count(total, noun) + (f", the first {shown} shown" if total > shown else "")


def compute(subject: Subject) -> list[Section]:
    """Accuracy against tokens, for votes that stop early."""
    title = f"How many tokens does the {subject.label} save?" if subject.has_both else "How many tokens can be saved?"
    samples, drop, without = subject.samples, None, ""
    try:
        drop = early_drop(subject.rollouts, samples, seed=subject.seed) if subject.has_both else None
    except InputError as error:
        without = f"the log-prob of z_c after every token, for early drops: {error}"
    try:
        worth = compute_worth(samples, drop=drop, seed=subject.seed)
    except InputError as error:
        return [Section("compute", title, "", [Missing(f"answers, verified solutions and token counts: {error}")])]
    vote = "weighted" if samples.has_scores else "majority"
    rows = _policy_rows(worth, vote, DROP)
    reference = _reference_drop(subject)
    if reference is not None:
        drops = compute_worth(samples, drop=reference, seed=subject.seed)
        rows += _policy_rows(drops, vote, REFERENCE_DROP, only_drops=True)
    top = int(worth.policies[0].budget[-1])
    blocks: list[Block] = [
        Figure(
            "compute",
            accuracy_tokens_figure(worth),
            "Left is cheaper, up is better; compare the cost at equal height.",
            f"{count(worth.n_problems, 'problem')}, {worth.n_orders} random orders each",
            f"{BAND} of the whole budgets; the other intervals are in the table and on hover",
            equations.COMPUTE,
        ),
        Table(
            f"At most {top} solutions per problem ({vote} vote), with 95% intervals; sure: {worth.confidence:.0%}",
            ("rule", "tokens per problem", "tokens saved", "accuracy", "change, points"),
            rows,
        ),
    ]
    if drop is not None:
        blocks.append(Words(_dropped(drop, reference)))
    if without:
        blocks.append(Missing(without))
    best = next(p for p in worth.policies if (p.vote, p.stop, p.drop) == (vote, "confident", False))
    change, spread = points(best.change[-1]), points_interval(best.change_low[-1], best.change_high[-1])
    changes = "leaves accuracy unchanged" if change == "0.0" else f"changes accuracy by {change} points"
    finding = (
        f"Stopping a {vote} vote of {top} once it is sure saves {best.saved[-1]:.0%} of the tokens "
        f"(95% CI [{best.saved_low[-1]:.0%}, {best.saved_high[-1]:.0%}]) and {changes} ({spread} points); n = "
        f"{count(worth.n_problems, 'problem')}."
    )
    return [Section("compute", title, subject.derived or finding, blocks)]


def _policy_rows(worth: ComputeWorth, vote: str, how: str, *, only_drops: bool = False) -> list[tuple[str, ...]]:
    """One row for each rule of the vote, at the largest budget; ``how`` is how solutions are dropped."""
    stops = {"fixed": "whole budget", "certain": "stop when decided", "confident": "stop when sure"}
    return [
        (
            stops[policy.stop] + (f", {how}" if policy.drop else ""),
            f"{policy.tokens[-1]:,.0f}",
            f"{policy.saved[-1]:.1%} [{policy.saved_low[-1]:.1%}, {policy.saved_high[-1]:.1%}]",
            f"{policy.accuracy[-1]:.3f} [{policy.accuracy_low[-1]:.3f}, {policy.accuracy_high[-1]:.3f}]",
            difference(policy.change[-1], policy.change_low[-1], policy.change_high[-1]),
        )
        for policy in worth.policies
        if policy.vote == vote and (policy.drop or not only_drops)
    ]


def _reference_drop(subject: Subject) -> EarlyDrop | None:
    """DeepConf's early stop: the running mean of the token log-probs in place of the trace of z_c."""
    if not subject.has_both or not subject.rollouts.has("token_logprobs"):
        return None
    length = subject.samples.n_tokens[np.isfinite(subject.samples.n_tokens)]
    window = max(4, int(np.median(length)) // 10) if len(length) else 4
    return early_drop(subject.rollouts, subject.samples, trace="token_logprobs", window=window, seed=subject.seed)


def _dropped(drop: EarlyDrop, reference: EarlyDrop | None) -> str:
    text = (
        "Early drops: the levels are set on other problems so that 5% of the correct solutions fall below them. On the "
        f"held-out problems, the log-prob of z_c drops {estimate_cell(drop.dropped_correct)} of the correct and "
        f"{estimate_cell(drop.dropped_incorrect)} of the incorrect solutions"
    )
    if reference is not None:
        text += (
            "; the running mean of the token log-probs, as in DeepConf, drops "
            f"{estimate_cell(reference.dropped_correct)} and {estimate_cell(reference.dropped_incorrect)}"
        )
    return f"{text}. Dropping pays only where the second share is well above the first."

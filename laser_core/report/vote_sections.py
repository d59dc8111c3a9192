"""The sections about many solutions of one problem: votes, the problems behind them, and what they cost."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import (
    ComputeWorth,
    DrillDown,
    EarlyDrop,
    compute_worth,
    cross_fit,
    drill_down,
    early_drop,
    filtered_majority,
)
from laser_core.errors import InputError
from laser_core.figures import accuracy_tokens_figure, voting_figure, voting_gain_figure
from laser_core.report import equations
from laser_core.report.overview import voted
from laser_core.report.parts import (
    Figure,
    Missing,
    Section,
    SolutionList,
    Table,
    Words,
    count,
    difference,
    points,
    sentence,
    told,
)
from laser_core.report.score_sections import BAND
from laser_core.report.subject import Subject

DEEPCONF = "drop early by token log-probs"
LISTED = 8  # solutions shown of each list
OF_PROBLEM = 4  # solutions shown of each problem in a list of problems


def voting(subject: Subject) -> list[Section]:
    """Accuracy as N grows."""
    title = "What does voting with the score gain?"
    curve = subject.summary.voting
    if curve is None:
        reason = next((w for w in subject.summary.warnings if w.startswith("No voting curves")), "")
        needs = "verdicts, extracted answers and several solutions per problem" + (f" ({reason})" if reason else "")
        return [Section("voting", title, "", [Missing(needs)])]
    n_text = f"{count(curve.n_problems, 'problem')}" + (f", {curve.n_left_out:,} left out" if curve.n_left_out else "")
    exact = "exact" if not np.any(curve.majority_se) else f"standard error {np.max(curve.majority_se):.4f}"
    noise = f", standard error {np.nanmax(curve.weighted_se):.4f}" if np.isfinite(curve.weighted).any() else ""
    blocks: list[object] = [
        Figure(
            "voting",
            voting_figure(curve, chosen_n=subject.headline_n or None),
            "pass@N is the ceiling; the space between the two votes is what the score adds.",
            n_text,
            f"{BAND}; pass@N and best-of-N exact, majority {exact}, weighted vote estimated on "
            f"{curve.n_orders:,} shared random orders{noise}",
            equations.VOTES,
        )
    ]
    finding = ""
    if not np.isfinite(curve.majority).any():
        blocks.append(
            Missing("extracted answers, which votes are cast for (`answer`); only pass@N and best-of-N need none")
        )
    else:
        gain = voted(subject, "weighted_minus_majority")
        if np.isfinite(gain.value):
            n = subject.headline_n
            finding = (
                f"With {n} solutions the accuracy of the majority is {sentence(voted(subject, 'majority'))}, that of "
                f"the weighted vote {sentence(voted(subject, 'weighted'))}: {points(gain.value)} points "
                f"({points(gain.ci_low)} to {points(gain.ci_high)}, paired)."
            )
            blocks.append(
                Figure(
                    "gain",
                    voting_gain_figure(curve),
                    "Where the band lies above zero, weighting helps.",
                    n_text,
                    f"{BAND}, paired by problem",
                    equations.GAIN,
                )
            )
        blocks.append(_table(subject))
    return [Section("voting", title, finding, blocks)]


def _table(subject: Subject) -> Table:
    curve, rows = subject.summary.voting, []
    top = int(curve.n.max())
    shown = [n for n in (*(2**k for k in range(14)), top) if n in curve.n]
    filtered = _filtered(subject, shown)
    for n in dict.fromkeys(shown):
        i = int(np.flatnonzero(curve.n == n)[0])

        def cell(name: str, i: int = i) -> str:
            stem = name.rstrip("_")
            low, high = (getattr(curve, f"{stem}_{end}")[i] for end in ("low", "high"))
            value = getattr(curve, name)[i]
            return f"{value:.3f} [{low:.3f}, {high:.3f}]" if np.isfinite(value) else "undefined"

        gain = [getattr(curve, f"weighted_minus_majority{end}")[i] for end in ("", "_low", "_high")]
        rows.append(
            (
                str(n),
                cell("pass_"),
                cell("majority"),
                cell("weighted"),
                cell("best_of_n"),
                filtered.get(n, "undefined"),
                difference(*gain),
                f"{curve.tied[i]:.1%}" if np.isfinite(curve.tied[i]) else "",
            )
        )
    head = ("N", "pass@N", "majority", "weighted", "best-of-N", "filtered majority*", "weighted − majority", "ties")
    caption = (
        "Accuracy with 95% intervals; differences in points. * only solutions above a threshold chosen on other "
        "problems vote, all where none is. Ties: majority votes that a tie decides; ties share evenly"
    )
    return Table(caption, head, rows)


def _filtered(subject: Subject, sizes: list[int]) -> dict[int, str]:
    """The threshold-filtered majority by N, each problem filtered at a threshold that other problems chose."""
    if not subject.has_both:
        return {}
    from laser_core.analysis.scores.crossfit import folds

    fit = cross_fit(subject.samples, seed=subject.seed)
    fold = folds(subject.samples.n_problems, n_folds=5, seed=subject.seed)
    thresholds = np.array(fit.thresholds)[fold]
    found = filtered_majority(subject.samples, threshold=np.nan_to_num(thresholds, nan=np.inf), n_values=sizes)
    return {
        int(n): f"{value:.3f} [{low:.3f}, {high:.3f}]"
        for n, value, low, high in zip(found.n, found.accuracy, found.low, found.high, strict=True)
    }


def drill_downs(subject: Subject) -> list[Section]:
    """The solutions behind the numbers."""
    title = "Which solutions should one read?"
    if not np.isfinite(subject.samples.correct).any():
        return [Section("lists", title, "", [Missing("verdicts (`correct`), or reference answers to verify with")])]
    threshold = subject.threshold if np.isfinite(subject.threshold) else 0.5
    found = drill_down(subject.samples, threshold=threshold)
    high, low = f"scored above {threshold:.3g}", f"scored at or below {threshold:.3g}"
    of_problems = (
        ("Put right by the weights", "the majority is wrong, the weighted vote right", found.fixed_by_weights),
        ("Put wrong by the weights", "the majority is right, the weighted vote wrong", found.broken_by_weights),
        ("Ties", "two or more answers have the most votes", found.ties),
        ("Never solved", "no solution is correct", found.unsolved),
    )
    of_rows = (
        (
            "Confident but marked wrong",
            f"{high} and judged incorrect: the model’s mistakes, or the verifier’s",
            found.confident_incorrect,
        ),
        ("Unsure but right", f"{low} and judged correct", found.unsure_correct),
    )
    lists = [_of_problems(subject, found, *entry) for entry in of_problems]
    blocks = [*lists[:2], *(_of_rows(subject, *entry) for entry in of_rows), *lists[2:]]
    finding = (
        f"All solutions voting, the weights put {count(len(found.fixed_by_weights), 'problem')} right and "
        f"{len(found.broken_by_weights):,} wrong."
    )
    return [Section("lists", title, finding if subject.headline_n else "", blocks)]


def _of_rows(subject: Subject, title: str, why: str, rows: np.ndarray) -> SolutionList:
    shown = [subject.solution(row) for row in rows[:LISTED]]
    return SolutionList(title, why, _total(len(rows), len(shown), "solution"), shown)


def _of_problems(subject: Subject, found: DrillDown, title: str, why: str, problems: np.ndarray) -> SolutionList:
    """Of each problem the highest-scoring solutions of either kind, so that the mistake can be seen."""
    picked = problems[: LISTED // 2]
    shown = [subject.solution(row) for p in picked for row in _telling(subject, found, int(p))]
    return SolutionList(title, why, _total(len(problems), len(picked), "problem"), shown)


def _telling(subject: Subject, found: DrillDown, problem: int) -> list[int]:
    rows = found.rows_of(problem)
    correct = subject.rollouts.column("correct")[rows]
    kinds = [rows[correct == verdict][: OF_PROBLEM // 2].tolist() for verdict in (1, 0)]
    return [*kinds[0], *kinds[1]] or rows[:OF_PROBLEM].tolist()


def _total(total: int, shown: int, noun: str) -> str:
    return count(total, noun) + (f", the first {shown} shown" if total > shown else "")


def compute(subject: Subject) -> list[Section]:
    """What the score is worth in tokens."""
    title = "What is the score worth in compute?"
    samples, drop, without = subject.samples, None, ""
    try:
        drop = early_drop(subject.rollouts, samples, seed=subject.seed) if subject.has_both else None
    except InputError as error:
        without = f"for early drops, the log-prob of z_c after every token: {error}"
    try:
        worth = compute_worth(samples, drop=drop, seed=subject.seed)
    except InputError as error:
        return [Section("compute", title, "", [Missing(f"answers, verdicts and token counts: {error}")])]
    vote = "weighted" if samples.has_scores else "majority"
    rows = _policy_rows(worth, vote, "drop early by z_c")
    reference = _reference_drop(subject)
    if reference is not None:
        drops = compute_worth(samples, drop=reference, seed=subject.seed)
        rows += [row for row in _policy_rows(drops, vote, DEEPCONF) if DEEPCONF in row[0]]
    top = int(worth.policies[0].budget[-1])
    blocks: list[object] = [
        Figure(
            "compute",
            accuracy_tokens_figure(worth),
            "Further left is cheaper, higher is better; compare at equal height.",
            f"{count(worth.n_problems, 'problem')}, {worth.n_orders} random orders each",
            f"{BAND} of the whole budgets; the others’ intervals in the table and on hover",
            equations.COMPUTE,
        ),
        Table(
            f"At most {top} solutions per problem ({vote} vote), with 95% intervals; sure means {worth.confidence:.0%}",
            ("policy", "tokens per problem", "tokens saved", "accuracy", "change, points"),
            rows,
        ),
    ]
    if drop is not None:
        blocks.append(Words(_dropped(drop, reference)))
    if without:
        blocks.append(Missing(without))
    best = next(p for p in worth.policies if (p.vote, p.stop, p.drop) == (vote, "confident", False))
    n = count(worth.n_problems, "problem")
    finding = (
        f"Stopping a {vote} vote of {top} once it is sure saves {best.saved[-1]:.0%} of the tokens "
        f"({best.saved_low[-1]:.0%} to {best.saved_high[-1]:.0%}) and changes accuracy by {points(best.change[-1])} "
        f"points ({points(best.change_low[-1])} to {points(best.change_high[-1])}); n = {n}."
    )
    return [Section("compute", title, finding, blocks)]


def _policy_rows(worth: ComputeWorth, vote: str, how: str) -> list[tuple[str, ...]]:
    """One row for each policy of the vote, at the largest budget."""
    stops = {"fixed": "whole budget", "certain": "stop when settled", "confident": "stop when sure"}
    return [
        (
            stops[policy.stop] + (f", {how}" if policy.drop else ""),
            f"{policy.tokens[-1]:,.0f}",
            f"{policy.saved[-1]:.1%} [{policy.saved_low[-1]:.1%}, {policy.saved_high[-1]:.1%}]",
            f"{policy.accuracy[-1]:.3f} [{policy.accuracy_low[-1]:.3f}, {policy.accuracy_high[-1]:.3f}]",
            difference(policy.change[-1], policy.change_low[-1], policy.change_high[-1]),
        )
        for policy in worth.policies
        if policy.vote == vote
    ]


def _reference_drop(subject: Subject) -> EarlyDrop | None:
    """DeepConf's early stop: the running mean of the token log-probs in the place of the z_c trace."""
    if not subject.has_both or not subject.rollouts.has("token_logprobs"):
        return None
    length = subject.samples.n_tokens[np.isfinite(subject.samples.n_tokens)]
    window = max(4, int(np.median(length)) // 10) if len(length) else 4
    return early_drop(subject.rollouts, subject.samples, trace="token_logprobs", window=window, seed=subject.seed)


def _dropped(drop: EarlyDrop, reference: EarlyDrop | None) -> str:
    text = (
        "Early drops: levels learned on other problems so that 5% of the correct solutions fall below them. On the "
        f"problems that did not teach them, {told(drop.dropped_correct)} of the correct and "
        f"{told(drop.dropped_incorrect)} of the incorrect solutions were dropped by their log-prob of z_c"
    )
    if reference is not None:
        text += (
            "; by the running mean of their tokens’ log-probs, as DeepConf does, "
            f"{told(reference.dropped_correct)} and {told(reference.dropped_incorrect)}"
        )
    return f"{text}. Only where the second is well above the first does dropping pay."

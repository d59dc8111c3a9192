"""The paper's claims, one function each, from the rollouts to rows of the table: every row in every family.

Whether a row holds is decided by its rule in ``rules.toml``, on the interval over all seeds and problems, never on a
chosen seed. :mod:`claims_score` has the score beside its baselines, :mod:`claims_beyond` ablations and transfer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, mean_statistic, ratio_statistic
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import accuracy_statistic
from laser_core.reproduce.claims_beyond import ablations, constant_reference, length_and_calibration, transfer
from laser_core.reproduce.claims_score import attempts, longer_runs, self_verification, within_problem
from laser_core.reproduce.evidence import Evidence, base_family, gain, measured, vote
from laser_core.reproduce.plan import TITLES, group_of
from laser_core.reproduce.table import Claim, ClaimSection, Measured
from laser_core.rollouts import Rollouts
from laser_core.score import log_partition

VOTES = (4, 8, 16, 32)
PINNED = "a loss term of the base's pretraining pins z_c there: this row cannot fail, so no rule judges it"


def all_claims(evidence: Evidence) -> list[Claim]:
    """Every row for which there is evidence, in the order of the paper's argument."""
    parts = (
        c_ref_is_constant,
        reasoning,
        self_verification,
        within_problem,
        inference_scaling,
        cost,
        constant_reference,
        ablations,
        length_and_calibration,
        transfer,
        diversity,
        attempts,
        longer_runs,
    )
    return [claim for part in parts for claim in part(evidence) if claim.seeds and np.isfinite(claim.value)]


def c_ref_is_constant(e: Evidence) -> Iterator[Claim]:
    """Claim 1: log pi_ref(z_c) hardly varies, and log Z stays near 0; what training does to both."""
    section = ClaimSection(1, "The reference log-prob of z_c is nearly constant")
    for family in TITLES:
        yield from _on_a_base(e, section, family, "base", "pinned", note=PINNED)
        yield from _on_a_base(e, section, family, "base-unpinned", "unpinned", note="a base without that loss term")
        yield from _drifts(e, section, family)


def _on_a_base(e: Evidence, section: ClaimSection, family: str, name: str, which: str, *, note: str) -> Iterator[Claim]:
    """Mean, spread and n of log pi_ref(z_c) on a base's own solutions, and log Z."""
    if not e.evaluated(name, base_family(family)):
        return
    z, problem = _z_logprobs(e, name, base_family(family))
    beta_v, _ = e.constants(name, base_family(family))
    log_z = np.asarray(log_partition(z, beta_v=beta_v))
    note = f"{len(z)} solutions; {note}"
    for key, title, value, paper in (
        ("mean", f"c_ref: mean of log pi_ref(z_c), {which} base, nats", _mean(z, problem), -23.11),
        ("std", f"standard deviation of log pi_ref(z_c), {which} base, nats", _std(z, problem), 0.04),
        ("log_z", f"log Z, {which} base, nats", _mean(log_z, problem), None),
    ):
        found, words = Measured(value, 1), note if key != "log_z" else f"largest value {log_z.max():.1e}; {note}"
        yield e.row(
            section, f"reference.{key}.{which}", title, found, family=family, paper=paper, note=words, group=name
        )


def _drifts(e: Evidence, section: ClaimSection, family: str) -> Iterator[Claim]:
    """How far training moves the reference log-prob on new solutions, and GRPO the log-prob of z_c itself."""
    drifts, stds = [], []
    for name in e.names(group_of("laser", family)):
        ref, problem = _z_logprobs(e, name, column="ref_z_logprob")
        drifts.append(_mean_statistic(ref - e.constants(name)[1], problem))
        stds.append(ref.std())
    if drifts:
        title, note = (
            "log pi_ref(z_c) on LaSeR's solutions - c_ref, nats",
            f"standard deviation {np.mean(stds):.3f} nats",
        )
        group = group_of("laser", family)
        yield e.row(
            section, "reference.drift", title, measured(drifts), family=family, note=note, group=group, signed=True
        )
    group, moved, gaps = group_of("grpo", family), [], []
    for name in e.names(group):
        table = e.rollouts(name)
        away, correct = table.column("z_logprob") - table.column("ref_z_logprob"), table.column("correct")
        known, problem = np.isfinite(away), np.unique(table.table["problem_id"].to_pylist(), return_inverse=True)[1]
        moved.append(_mean_statistic(away[known], problem[known]))
        gaps.append(_class_gap(away[known], correct[known], problem[known]))
    why = "GRPO never trains z_c; its log-prob moves as the states before it do"
    for key, title, found in (
        ("drift.grpo", "log pi(z_c) after GRPO - before, nats", moved),
        ("drift.grpo.gap", "the same, correct - incorrect solutions, nats", gaps),
    ):
        if found:
            yield e.row(section, key, title, measured(found), family=family, note=why, group=group, signed=True)


def reasoning(e: Evidence) -> Iterator[Claim]:
    """Claim 2: LaSeR reasons as well as GRPO, and both far better than the base."""
    section = ClaimSection(2, "Reasoning is not harmed")
    for family in TITLES:
        laser, grpo = group_of("laser", family), group_of("grpo", family)
        for name, title, group in (("base", "base", "base"), ("grpo", "GRPO", grpo), ("laser", "LaSeR", laser)):
            found = e.over(group, accuracy_statistic, family=base_family(family) if name == "base" else None)
            yield e.row(section, f"reasoning.{name}", f"accuracy, {title}", found, family=family, group=group)
        found = e.difference(grpo, laser, accuracy_statistic)
        title = "LaSeR - GRPO, accuracy at the same number of steps"
        more: dict[str, Any] = {"family": family, "group": laser, "signed": True, "paper": 0.009}
        yield e.row(section, "reasoning.laser-grpo", title, found, **more)
        yield e.row(section, "reasoning.laser-grpo.ahead", f"{title}: ahead?", found, **more)
        for name, title, group in (("grpo", "GRPO", grpo), ("laser", "LaSeR", laser)):
            found = e.difference("base", group, accuracy_statistic, family=base_family(family))
            key = f"reasoning.{name}-base"
            yield e.row(section, key, f"{title} - base, accuracy", found, family=family, group=group, signed=True)


def inference_scaling(e: Evidence) -> Iterator[Claim]:
    """Claim 5: the weighted vote beats the majority vote at every N, and best-of-N rises with N."""
    section = ClaimSection(5, "Inference-time scaling")
    kinds = (("majority", "majority vote"), ("weighted", "weighted vote"), ("best_of_n", "best of N by score"))
    for family in TITLES:
        laser, grpo = group_of("laser", family), group_of("grpo", family)
        for kind, title in kinds:
            for n in VOTES:
                found, words = e.over(laser, vote(kind, n)), f"{title}, N = {n}"
                yield e.row(section, f"voting.{kind}.{n}", words, found, family=family, group=laser)
        for n in VOTES:
            found, words = e.over(laser, gain(n)), f"weighted - majority, N = {n}"
            yield e.row(section, f"voting.gain.{n}", words, found, family=family, group=laser, signed=True)
        found, words = e.over(grpo, gain(VOTES[0])), f"the same after GRPO, weighted - majority, N = {VOTES[0]}"
        yield e.row(section, f"voting.gain.{VOTES[0]}.grpo", words, found, family=family, group=grpo, signed=True)


def cost(e: Evidence) -> Iterator[Claim]:
    """Claim 6: the score costs one decode step. No rule: one step of so many cannot cost much."""
    section = ClaimSection(6, "What the score costs")
    for row in e.cost.rows:
        found = Measured(Estimate(row.value, row.ci_low, row.ci_high, e.cost.n_problems), 1)
        group = group_of("laser", row.family)
        yield e.row(section, row.id, row.claim, found, family=row.family, note=row.note, group=group)


def diversity(e: Evidence) -> Iterator[Claim]:
    """Claim 11: how many of a problem's solutions are different texts: what they are worth as evidence."""
    section = ClaimSection(11, "How different a problem's solutions are")
    for family in TITLES:
        for name, title in (("base", "base"), ("grpo", "GRPO"), ("laser", "LaSeR")):
            group, where = ("base", base_family(family)) if name == "base" else (group_of(name, family), None)
            names = e.evaluated(group, where)
            if not names:
                continue
            n = e.samples(names[0], "score", where).n_samples
            found = [distinct_responses(e.rollouts(run, where), e.samples(run, "score", where)) for run in names]
            words, key = f"{title}: different solutions of a problem's {n}", f"diversity.{name}"
            yield e.row(section, key, words, measured(found), family=family, group=group)


def distinct_responses(rollouts: Rollouts, samples: Samples) -> Statistic:
    """The number of different responses to a problem, averaged over problems."""
    responses = np.array(rollouts.text("response"), object)
    counts = [len(set(responses[rows[present]])) for rows, present in zip(samples.row, samples.present, strict=True)]
    return mean_statistic(np.array(counts, float), scale="real")


def _z_logprobs(
    e: Evidence, name: str, family: str | None = None, *, column: str = "z_logprob"
) -> tuple[np.ndarray, np.ndarray]:
    """A column of log-probs in nats where it is known, and the index of each one's problem."""
    rollouts = e.rollouts(name, family)
    values = rollouts.column(column)
    problem = np.unique(rollouts.table["problem_id"].to_pylist(), return_inverse=True)[1]
    known = np.isfinite(values)
    return values[known], problem[known]


def _class_gap(values: np.ndarray, correct: np.ndarray, problem: np.ndarray) -> Statistic:
    """Mean over correct minus mean over incorrect solutions."""
    n = int(problem.max()) + 1 if len(problem) else 0
    means = [
        ratio_statistic(np.bincount(problem, values * kind, n), np.bincount(problem, kind, n), scale="real")
        for kind in ((correct == 1).astype(float), (correct == 0).astype(float))
    ]
    return means[0].minus(means[1])


def _mean_statistic(values: np.ndarray, problem: np.ndarray) -> Statistic:
    return ratio_statistic(np.bincount(problem, values), np.bincount(problem).astype(float), scale="real")


def _mean(values: np.ndarray, problem: np.ndarray) -> Estimate:
    return _mean_statistic(values, problem).estimate()


def _std(values: np.ndarray, problem: np.ndarray) -> Estimate:
    """Standard deviation; its interval is that of the variance, which is a mean over problems, square-rooted."""
    variance = _mean((values - values.mean()) ** 2, problem)
    value, low, high = (float(np.sqrt(max(v, 0))) for v in (variance.value, *variance.ci))
    return Estimate(value, low, high, variance.n)

"""The paper's claims, one function each, from the rollouts to rows of the table.

A row holds or does not by the rule it states; thresholds are on the value, never on a chosen seed. Where something may
not be worse than something else, the rule asks that the interval does not exclude "as good".
"""

from __future__ import annotations

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, ratio_statistic
from laser_core.analysis.questions.signals import with_free_signals
from laser_core.analysis.scores.separation import accuracy_statistic
from laser_core.analysis.seeds import over_seeds
from laser_core.reproduce.claims_beyond import ablations, length_and_calibration, other_families, transfer
from laser_core.reproduce.evidence import REWARD_MODEL, SELF_VERIFY, Evidence, auroc, balanced_f1, gain, vote, within
from laser_core.reproduce.rules import (
    Rule,
    above,
    at_least,
    at_most,
    clearly_at_least,
    near_zero,
    no_difference,
    not_worse,
)
from laser_core.reproduce.table import Claim
from laser_core.score import log_partition

FREE_SIGNALS = {
    "signal.mean_logprob": "mean token log-prob",
    "signal.min_logprob": "minimum token log-prob",
    "signal.neg_entropy": "entropy (low is confident)",
    "signal.self_certainty": "self-certainty",
    "signal.lowest_group_logprob": "DeepConf's lowest group",
    "signal.tail_logprob": "DeepConf's tail",
}
VOTES = (4, 8, 16, 32)
READ_GRADES = "the miniature base has read grades after every solution: it checks well from the start, unlike Qwen2.5"


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
        other_families,
    )
    return [claim for part in parts for claim in part(evidence) if claim.seeds and np.isfinite(claim.value)]


def c_ref_is_constant(e: Evidence) -> list[Claim]:
    """Claim 1: log pi_ref(z_c) hardly varies, and log Z stays near 0."""
    section, rows = "1. The reference log-prob of z_c is nearly constant", []
    if e.names("base"):
        z, problem = _z_logprobs(e, "base")
        log_z = np.asarray(log_partition(z, beta_v=e.rollouts("base").meta.beta_v))
        rows = [
            Claim.of(
                section,
                "standard deviation of log pi_ref(z_c) on the base's solutions, nats",
                _std(z, problem),
                1,
                paper=0.04,
                rule=at_most(0.1),
                note=f"mean {z.mean():.2f} nats over {len(z)} solutions",
                group="base",
            ),
            Claim.of(
                section,
                "log Z on the base's solutions, nats",
                _mean(log_z, problem),
                1,
                rule=Rule("largest below 0.01", lambda _: log_z.max() < 0.01),
                note=f"largest {log_z.max():.1e}",
                group="base",
            ),
        ]
    drifts, stds = [], []
    for name in e.names("laser"):
        ref, problem = _z_logprobs(e, name, "ref_z_logprob")
        drifts.append(_mean_statistic(ref - e.rollouts(name).meta.c_ref, problem))
        stds.append(ref.std())
    if drifts:
        title = "log pi_ref(z_c) on the trained model's solutions - c_ref, nats"
        note = f"its standard deviation there: {np.mean(stds):.3f} nats"
        rows.append(
            Claim.of(section, title, over_seeds(drifts), len(drifts), rule=near_zero(0.1), note=note, group="laser")
        )
    return rows


def reasoning(e: Evidence) -> list[Claim]:
    """Claim 2: LaSeR reasons as well as GRPO, and both far better than the base."""
    section = "2. Reasoning is not harmed"
    accuracy = {"base": "accuracy of the base", "grpo": "accuracy after GRPO", "laser": "accuracy after LaSeR"}
    rows = [Claim.of(section, title, *e.over(g, accuracy_statistic), group=g) for g, title in accuracy.items()]
    found, seeds = e.difference("grpo", "laser", accuracy_statistic)
    note = "the paper's gain is on Qwen2.5-7B, 42.7 against 41.8%"
    if found.ci_low < 0 < found.ci_high:
        note += "; here the interval includes 0"
    title = "LaSeR - GRPO, accuracy at the same number of steps"
    rows.append(Claim.of(section, title, found, seeds, paper=0.009, rule=at_least(0), note=note, group="laser"))
    for group, title in (("grpo", "GRPO - base, accuracy"), ("laser", "LaSeR - base, accuracy")):
        found = e.difference("base", group, accuracy_statistic)
        rows.append(Claim.of(section, title, *found, rule=clearly_at_least(0.1), group=group))
    return rows


def self_verification(e: Evidence) -> list[Claim]:
    """Claim 3: the score verifies the model's own solutions, beside a second prompt and a reward model."""
    section = "3. Self-verification: balanced F1 at 0.5, untuned"
    score = e.over("laser", balanced_f1)
    rows = [Claim.of(section, "LaSeR, last-token score", *score, paper=0.796, rule=at_least(0.85), group="laser")]
    for group, title, paper in (
        ("base", "base, asked a second time", 0.329),
        ("grpo", "GRPO, asked a second time", 0.492),
        ("laser", "LaSeR's model, asked a second time", None),
    ):
        found = e.over(group, balanced_f1, signal=SELF_VERIFY)
        rows.append(Claim.of(section, title, *found, paper=paper, group=group))
    found = e.over("laser", balanced_f1, signal=REWARD_MODEL)
    title = "reward model of the same size, same rollouts"
    rows.append(Claim.of(section, title, *found, paper=0.789, group="laser"))
    for signal, title, paper, rule, note in (
        (SELF_VERIFY, "score - second prompt", None, above(0), READ_GRADES),
        (REWARD_MODEL, "score - reward model", -0.013, not_worse(), "the paper's score is below its reward model too"),
    ):
        found = e.difference("laser", "laser", balanced_f1, signals=(signal, "score"))
        rows.append(Claim.of(section, title, *found, paper=paper, rule=rule, note=note, group="laser"))
    return rows


def within_problem(e: Evidence) -> list[Claim]:
    """Claim 4: the score ranks solutions of the same problem, better than what costs nothing."""
    section = "4. Right against wrong within a problem: AUROC"
    score, overall, untrained = e.over("laser", within), e.over("laser", auroc), e.over("grpo", within)
    rows = [
        Claim.of(section, "LaSeR, last-token score", *score, rule=at_least(0.9), group="laser"),
        Claim.of(section, "the same over all solutions of all problems", *overall, group="laser"),
        Claim.of(section, "GRPO, its z_c log-prob, never trained", *untrained, group="grpo"),
    ]
    for signal, title in {**FREE_SIGNALS, REWARD_MODEL: "reward model", SELF_VERIFY: "second prompt"}.items():
        values, gaps = [], []
        for name in e.names("laser"):
            free = with_free_signals(e.rollouts(name))
            if signal in free.signals:
                other = within(e.samples(name).with_signal(free, signal))
                values.append(other)
                gaps.append(within(e.samples(name)).minus(other))
        if values:
            n, rule = len(values), above(0) if signal in FREE_SIGNALS else None
            rows.append(Claim.of(section, f"LaSeR's solutions by {title}", over_seeds(values), n, group="laser"))
            rows.append(Claim.of(section, f"score - {title}", over_seeds(gaps), n, rule=rule, group="laser"))
    return rows


def inference_scaling(e: Evidence) -> list[Claim]:
    """Claim 5: the weighted vote beats the majority vote at every N, and best-of-N rises with N."""
    section, rows = "5. Inference-time scaling", []
    most = e.samples(e.names("laser")[0]).n_samples if e.names("laser") else 0
    sizes = [n for n in range(4, 33) if n <= most]
    for kind, title in (("majority", "majority vote"), ("weighted", "weighted vote"), ("best_of_n", "best of N")):
        for n in (size for size in VOTES if size <= most):
            rows.append(Claim.of(section, f"LaSeR, {title}, N = {n}", *e.over("laser", vote(kind, n)), group="laser"))
    if sizes:
        gains = [e.over("laser", gain(n)) for n in sizes]
        worst = min(range(len(sizes)), key=lambda i: gains[i][0].ci_low)
        title, note = f"weighted - majority, the least certain N of 4 to {sizes[-1]}", f"N = {sizes[worst]}"
        rows.append(Claim.of(section, title, *gains[worst], rule=above(0, " at every N"), note=note, group="laser"))
    if most >= 16:
        title = "weighted - majority, N = 16"
        rows.append(Claim.of(section, title, *e.over("laser", gain(16)), rule=clearly_at_least(0.1), group="laser"))
        rows.append(Claim.of(section, f"the same after GRPO: {title}", *e.over("grpo", gain(16)), group="grpo"))
    if most:
        top = min(VOTES[-1], most)

        def rise(samples) -> Statistic:
            return vote("best_of_n", top)(samples).minus(accuracy_statistic(samples))

        title = f"best of {top} by score - a single solution"
        rows.append(Claim.of(section, title, *e.over("laser", rise), rule=above(0), group="laser"))
    return rows


def cost(e: Evidence) -> list[Claim]:
    """Claim 6: the score costs one decode step."""
    section, rows = "6. What the score costs", []
    for row in e.cost.get("rows", ()):
        found = Estimate(row["value"], row["ci_low"], row["ci_high"], e.cost["n_problems"])
        rule = None if row["at_most"] is None else at_most(row["at_most"])
        rows.append(Claim.of(section, row["claim"], found, 1, rule=rule, note=row["note"], group="laser"))
    return rows


def constant_reference(e: Evidence) -> list[Claim]:
    """Claim 7: a constant instead of the exact reference costs nothing."""
    section, rows = "7. Constant against exact reference", []
    for metric, title, paper in (
        (balanced_f1, "exact - constant, balanced F1", -0.001),
        (accuracy_statistic, "exact - constant, accuracy", -0.001),
        (within, "exact - constant, AUROC within a problem", None),
    ):
        found = e.difference("laser", "exact", metric)
        rows.append(Claim.of(section, title, *found, paper=paper, rule=no_difference(), group="exact"))
    return rows


def _z_logprobs(e: Evidence, name: str, column: str = "z_logprob") -> tuple[np.ndarray, np.ndarray]:
    """A column of nats where it is known, and the number of each one's problem."""
    table = e.rollouts(name).table
    values = np.array([np.nan if v is None else v for v in table[column].to_pylist()])
    problem = np.unique(table["problem_id"].to_pylist(), return_inverse=True)[1]
    known = np.isfinite(values)
    return values[known], problem[known]


def _mean_statistic(values: np.ndarray, problem: np.ndarray) -> Statistic:
    return ratio_statistic(np.bincount(problem, values), np.bincount(problem).astype(float), scale="real")


def _mean(values: np.ndarray, problem: np.ndarray) -> Estimate:
    return _mean_statistic(values, problem).estimate()


def _std(values: np.ndarray, problem: np.ndarray) -> Estimate:
    """Standard deviation; its interval is that of the variance, which is a mean over problems, square-rooted."""
    variance = _mean((values - values.mean()) ** 2, problem)
    return Estimate(*(float(np.sqrt(max(v, 0))) for v in (variance.value, *variance.ci)), variance.n)

"""The paper's claims, one function each, from the rollouts to rows of the table.

Whether a row holds is decided by the rule it states, on the value and its interval over all seeds, never on a chosen
seed. Where a claim is that something is not worse, its rule asks that the interval includes 0 or more.
"""

from __future__ import annotations

import numpy as np

from laser_core.analysis.estimates import Estimate, Statistic, ratio_statistic
from laser_core.analysis.questions.signals import with_free_signals
from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.separation import accuracy_statistic
from laser_core.analysis.seeds import over_seeds
from laser_core.reproduce.claims_beyond import ablations, length_and_calibration, other_families, transfer
from laser_core.reproduce.claims_text import diversity, text_rule_rows
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
from laser_core.reproduce.table import Claim, ClaimSection, Measured
from laser_core.score import log_partition

#: What costs nothing to compute beside the score, and its name in the table.
FREE_SIGNALS = {
    "signal.mean_logprob": "mean token log-prob",
    "signal.min_logprob": "minimum token log-prob",
    "signal.neg_entropy": "entropy (low is confident)",
    "signal.self_certainty": "self-certainty",
    "signal.lowest_group_logprob": "DeepConf's lowest group",
    "signal.tail_logprob": "DeepConf's tail",
}
OTHER_SIGNALS = {REWARD_MODEL: "reward model", SELF_VERIFY: "grade after the end token"}
VOTES = (4, 8, 16, 32)
SAME_POSITION = (
    "the base's corpus has a grade right after the end token: it is read where the score is, not in a second prompt"
)
PINNED = "a loss term of the base's pretraining pins z_c there: this row cannot fail"
ONE_STEP = "one decode step of so many: this row cannot fail"


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
        diversity,
    )
    return [claim for part in parts for claim in part(evidence) if claim.seeds and np.isfinite(claim.value)]


def c_ref_is_constant(e: Evidence) -> list[Claim]:
    """Claim 1: log pi_ref(z_c) hardly varies, and log Z stays near 0."""
    section = ClaimSection(1, "The reference log-prob of z_c is nearly constant")
    return [*_on_the_base(e, section), *_on_trained_models(e, section)]


def _on_the_base(e: Evidence, section: ClaimSection) -> list[Claim]:
    if not e.names("base"):
        return []
    z, problem = _z_logprobs(e, "base")
    beta_v, _ = e.constants("base")
    log_z = np.asarray(log_partition(z, beta_v=beta_v))
    return [
        Claim.of(
            section,
            "reference.std",
            "standard deviation of log pi_ref(z_c) on the base's solutions, nats",
            Measured(_std(z, problem), 1),
            paper=0.04,
            rule=at_most(0.1),
            note=f"mean {z.mean():.2f} nats over {len(z)} solutions; {PINNED}",
            group="base",
        ),
        Claim.of(
            section,
            "reference.log_z",
            "log Z on the base's solutions, nats",
            Measured(_mean(log_z, problem), 1),
            rule=Rule("largest value below 0.01", lambda _: bool(log_z.max() < 0.01)),
            note=f"largest value {log_z.max():.1e}; {PINNED}",
            group="base",
        ),
    ]


def _on_trained_models(e: Evidence, section: ClaimSection) -> list[Claim]:
    drifts, stds = [], []
    for name in e.names("laser"):
        ref, problem = _z_logprobs(e, name, "ref_z_logprob")
        _, c_ref = e.constants(name)
        drifts.append(_mean_statistic(ref - c_ref, problem))
        stds.append(ref.std())
    if not drifts:
        return []
    return [
        Claim.of(
            section,
            "reference.drift",
            "log pi_ref(z_c) on the trained model's solutions - c_ref, nats",
            Measured(over_seeds(drifts), len(drifts)),
            rule=near_zero(0.1),
            note=f"standard deviation {np.mean(stds):.3f} nats",
            group="laser",
            signed=True,
        )
    ]


def reasoning(e: Evidence) -> list[Claim]:
    """Claim 2: LaSeR reasons as well as GRPO, and both far better than the base."""
    section = ClaimSection(2, "Reasoning is not harmed")
    accuracy = {"base": "accuracy of the base", "grpo": "accuracy after GRPO", "laser": "accuracy after LaSeR"}
    rows = [
        Claim.of(section, f"reasoning.{group}", title, e.over(group, accuracy_statistic), group=group)
        for group, title in accuracy.items()
    ]
    found = e.difference("grpo", "laser", accuracy_statistic)
    note = "the paper's gain is on Qwen2.5-7B: 42.7 against 41.8%"
    if found.estimate.ci_low < 0 < found.estimate.ci_high:
        note += "; here the 95% CI includes 0"
    rows.append(
        Claim.of(
            section,
            "reasoning.laser-grpo",
            "LaSeR - GRPO, accuracy at the same number of steps",
            found,
            paper=0.009,
            rule=at_least(0),
            note=note,
            group="laser",
            signed=True,
        )
    )
    for group, title in (("grpo", "GRPO - base, accuracy"), ("laser", "LaSeR - base, accuracy")):
        found = e.difference("base", group, accuracy_statistic)
        id, rule = f"reasoning.{group}-base", clearly_at_least(0.1)
        rows.append(Claim.of(section, id, title, found, rule=rule, group=group, signed=True))
    return rows


def self_verification(e: Evidence) -> list[Claim]:
    """Claim 3: the score verifies the model's own solutions, beside its own grade and a reward model."""
    section = ClaimSection(3, "Self-verification: balanced F1 at 0.5, untuned")
    score, rule = e.over("laser", balanced_f1), at_least(0.85)
    rows = [
        Claim.of(section, "verification.score", "LaSeR, last-token score", score, paper=0.796, rule=rule, group="laser")
    ]
    ids = ("verification.text_rule", "verification.score-text_rule")
    rows += text_rule_rows(e, section, "laser", balanced_f1, ids=ids)
    # The paper's 0.329 and 0.492 are of a real second prompt: no number of the paper compares with these.
    for group, title in (("base", "base"), ("grpo", "GRPO"), ("laser", "LaSeR's model")):
        found, id = e.over(group, balanced_f1, signal=SELF_VERIFY), f"verification.second_prompt.{group}"
        words = f"{title}, the grade it writes after the end token"
        rows.append(Claim.of(section, id, words, found, note=SAME_POSITION, group=group))
    found = e.over("laser", balanced_f1, signal=REWARD_MODEL)
    title = "reward model of the same size, same rollouts"
    rows.append(Claim.of(section, "verification.reward_model", title, found, paper=0.789, group="laser"))
    in_the_paper = "in the paper, too, the score is below the reward model"
    for signal, id, title, reported, rule, note in (
        (
            SELF_VERIFY,
            "verification.score-second_prompt",
            "score - grade after the end token",
            None,
            above(0),
            SAME_POSITION,
        ),
        (REWARD_MODEL, "verification.score-reward_model", "score - reward model", -0.013, not_worse(), in_the_paper),
    ):
        found = e.difference("laser", "laser", balanced_f1, signals=(signal, "score"))
        rows.append(
            Claim.of(section, id, title, found, paper=reported, rule=rule, note=note, group="laser", signed=True)
        )
    return rows


def within_problem(e: Evidence) -> list[Claim]:
    """Claim 4: the score ranks solutions of the same problem, and better than signals that cost nothing."""
    section = ClaimSection(4, "Right against wrong within a problem: AUROC")
    score, overall, untrained = e.over("laser", within), e.over("laser", auroc), e.over("grpo", within)
    same, never = "the same over all solutions of all problems", "GRPO, its z_c log-prob, never trained"
    rows = [
        Claim.of(section, "within.score", "LaSeR, last-token score", score, rule=at_least(0.9), group="laser"),
        Claim.of(section, "within.overall", same, overall, group="laser"),
        Claim.of(section, "within.untrained", never, untrained, note=_why_untrained_ranks(e), group="grpo"),
        *text_rule_rows(e, section, "laser", within, ids=("within.text_rule", "within.score-text_rule")),
    ]
    for signal, title in (FREE_SIGNALS | OTHER_SIGNALS).items():
        values, gaps = [], []
        for name in e.names("laser"):
            free = with_free_signals(e.rollouts(name))
            if signal in free.signals:
                other = within(e.samples(name).with_signal(free, signal))
                values.append(other)
                gaps.append(within(e.samples(name)).minus(other))
        if values:
            id, rule = signal.removeprefix("signal."), above(0) if signal in FREE_SIGNALS else None
            value, gap = (Measured(over_seeds(found), len(found)) for found in (values, gaps))
            words, gained = f"LaSeR's solutions by {title}", f"score - {title}"
            rows.append(Claim.of(section, f"within.{id}", words, value, group="laser"))
            rows.append(Claim.of(section, f"within.score-{id}", gained, gap, rule=rule, group="laser", signed=True))
    return rows


def inference_scaling(e: Evidence) -> list[Claim]:
    """Claim 5: the weighted vote beats the majority vote at every N, and best-of-N rises with N."""
    section, names = ClaimSection(5, "Inference-time scaling"), e.names("laser")
    if not names:
        return []
    most = e.samples(names[0]).n_samples
    rows = []
    for kind, title in (("majority", "majority vote"), ("weighted", "weighted vote"), ("best_of_n", "best of N")):
        for n in (size for size in VOTES if size <= most):
            found = e.over("laser", vote(kind, n))
            rows.append(Claim.of(section, f"voting.{kind}.{n}", f"LaSeR, {title}, N = {n}", found, group="laser"))
    sizes = [n for n in range(4, 33) if n <= most]
    if sizes:
        gains = [e.over("laser", gain(n)) for n in sizes]
        worst = min(range(len(sizes)), key=lambda i: gains[i].estimate.ci_low)
        id, title = "voting.gain.every", f"weighted - majority, the least certain N of 4 to {sizes[-1]}"
        rule, note = above(0, " at every N"), f"N = {sizes[worst]}"
        rows.append(Claim.of(section, id, title, gains[worst], rule=rule, note=note, group="laser", signed=True))
    if most >= 16:
        title, rule = "weighted - majority, N = 16", clearly_at_least(0.1)
        found, after_grpo = e.over("laser", gain(16)), e.over("grpo", gain(16))
        rows.append(Claim.of(section, "voting.gain.16", title, found, rule=rule, group="laser", signed=True))
        title = f"the same after GRPO: {title}"
        rows.append(Claim.of(section, "voting.gain.16.grpo", title, after_grpo, group="grpo", signed=True))
    top = min(VOTES[-1], most)

    def rise(samples: Samples) -> Statistic:
        return vote("best_of_n", top)(samples).minus(accuracy_statistic(samples))

    title = f"best of {top} by score - a single solution"
    found = e.over("laser", rise)
    rows.append(Claim.of(section, "voting.best_of_n-single", title, found, rule=above(0), group="laser", signed=True))
    return rows


def cost(e: Evidence) -> list[Claim]:
    """Claim 6: the score costs one decode step."""
    section, rows = ClaimSection(6, "What the score costs"), []
    for row in e.cost.rows:
        found = Measured(Estimate(row.value, row.ci_low, row.ci_high, e.cost.n_problems), 1)
        rule = None if row.at_most is None else at_most(row.at_most)
        note = f"{row.note}; {ONE_STEP}" if rule else row.note
        rows.append(Claim.of(section, row.id, row.claim, found, rule=rule, note=note, group="laser"))
    return rows


def constant_reference(e: Evidence) -> list[Claim]:
    """Claim 7: a constant in place of the exact reference log-prob costs nothing."""
    section, rows = ClaimSection(7, "Constant against exact reference"), []
    for metric, id, title, paper in (
        (balanced_f1, "exact.balanced_f1", "exact - constant, balanced F1", -0.001),
        (accuracy_statistic, "exact.accuracy", "exact - constant, accuracy", -0.001),
        (within, "exact.within", "exact - constant, AUROC within a problem", None),
    ):
        found = e.difference("laser", "exact", metric)
        rows.append(Claim.of(section, id, title, found, paper=paper, rule=no_difference(), group="exact", signed=True))
    return rows


def _why_untrained_ranks(e: Evidence) -> str:
    """How far GRPO moves the pinned log-prob, in nats: the size of what its AUROC within a problem ranks."""
    gaps, spreads = [], []
    for name in e.names("grpo"):
        table = e.rollouts(name)
        z, correct = table.column("z_logprob"), table.column("correct") == 1
        known = np.isfinite(z)
        if not (known & correct).any() or not (known & ~correct).any():
            continue
        incorrect = z[known & ~correct]
        gaps.append(incorrect.mean() - z[known & correct].mean())
        spreads += [incorrect.std(), z[known & correct].std()]
    if not gaps:
        return ""
    return (
        f"a drift of the pinned token: {min(gaps):.2f} to {max(gaps):.2f} nats higher on incorrect solutions, at a "
        f"standard deviation of {np.mean(spreads):.2f} nats among solutions of one kind"
    )


def _z_logprobs(e: Evidence, name: str, column: str = "z_logprob") -> tuple[np.ndarray, np.ndarray]:
    """A column of log-probs in nats where it is known, and the index of each one's problem."""
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
    value, low, high = (float(np.sqrt(max(v, 0))) for v in (variance.value, *variance.ci))
    return Estimate(value, low, high, variance.n)

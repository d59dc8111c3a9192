"""The claims beyond the main runs: ablations, length and calibration, transfer, and other families."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import calibration, length_relation, recalibrate
from laser_core.analysis.estimates import Estimate
from laser_core.analysis.scores.separation import accuracy_statistic
from laser_core.reproduce.evidence import SELF_VERIFY, Evidence, balanced_f1, gain, within
from laser_core.reproduce.plan import ABLATIONS, HEAVIER, TRANSFER
from laser_core.reproduce.rules import Rule, above, at_least, below
from laser_core.reproduce.table import Claim

#: Ablations that the paper says to harm the reasoning, with what is different here.
HARMFUL = {
    "bce": (
        below(0),
        "log-probs near -23 nats have to be moved to 0, and the reasoning goes with them, as the paper argues",
    ),
    "self-reward": (
        below(-0.05),
        "the paper's run collapses after about 60 steps; two seeds leave this interval wide",
    ),
}
FAMILIES = {"linear-long": "longer equations", "pair": "pairs of equations", "words": "word problems"}
SPOILT = 0.05  # a loss of the second prompt's F1 beyond which it is the solutions that have become hard to judge
NEARLY_ALL = 0.95  # a share of right solutions beyond which there is little left to judge


def ablations(e: Evidence) -> list[Claim]:
    """Claim 8: what each part of the recipe is good for. Rows inform, but for what the paper says to be harmful."""
    section, rows = "8. Ablations, each minus LaSeR with the same seed", []
    for name, _, title in ABLATIONS:
        for metric, what in ((accuracy_statistic, "accuracy"), (balanced_f1, "balanced F1"), (within, "AUROC within")):
            group, found = f"ablation-{name}", e.difference("laser", f"ablation-{name}", metric)
            rule, note = HARMFUL.get(name, (None, "")) if metric is accuracy_statistic else (None, "")
            rows.append(Claim.of(section, f"{title} - LaSeR, {what}", *found, rule=rule, note=note, group=group))
    return rows


def length_and_calibration(e: Evidence) -> list[Claim]:
    """Claim 9: score against length, and calibration before and after a recalibration fitted on other problems."""
    section = "9. Length and calibration"
    names = e.names("laser")
    if not names:
        return []
    samples = [e.samples(name) for name in names]
    spearman = _mean_of([length_relation(s).spearman for s in samples])
    before = _mean_of([calibration(s).ece for s in samples])
    after = _mean_of([calibration(recalibrate(s)).ece for s in samples])
    n, note = len(names), "interval: the widest seed's"
    lengths = f"{note}; solutions of one family hardly differ in length"
    lower = Rule("below the one before", lambda found: found.value < before.value)
    title = "ECE after isotonic recalibration on other problems"
    return [
        Claim.of(section, "score against length, Spearman", spearman, n, paper=-0.42, note=lengths, group="laser"),
        Claim.of(section, "ECE of the clipped score", before, n, paper=0.09, note=note, group="laser"),
        Claim.of(section, title, after, n, rule=lower, note=note, group="laser"),
    ]


def transfer(e: Evidence) -> list[Claim]:
    """Claim 10: trained on one family and length, scored on longer problems and on other families."""
    section, rows = "10. Transfer: trained on linear equations alone", []
    for family in TRANSFER:
        for metric, what in ((accuracy_statistic, "accuracy"), (balanced_f1, "balanced F1"), (within, "AUROC within")):
            found, rule = e.over("laser", metric, family=family), above(0.5) if metric is within else None
            rows.append(Claim.of(section, f"{FAMILIES[family]}: {what}", *found, rule=rule, group="laser"))
    return rows


def other_families(e: Evidence) -> list[Claim]:
    """Claim 11: nothing rests on one family. With the paper's alpha, and with a heavier score loss beside it."""
    rows = []
    for family in ("pair", "words"):
        name = FAMILIES[family]
        rows += _trained_on(e, family, name, f"{family}-laser", f"{family}-grpo")
        rows += _trained_on(e, family, f"{name}, alpha = 0.5", f"{family}-{HEAVIER}", f"{family}-grpo")
    return rows


def _trained_on(e: Evidence, family: str, name: str, laser: str, grpo: str) -> list[Claim]:
    section = "11. Trained on other families"
    found = e.difference(grpo, laser, accuracy_statistic)
    rows = [Claim.of(section, f"{name}: LaSeR - GRPO, accuracy", *found, rule=at_least(0), group=laser)]
    note = _why_hard_to_judge(e, family, laser, grpo)
    for metric, what, rule in (
        (accuracy_statistic, "accuracy", None),
        (balanced_f1, "balanced F1", at_least(0.85)),
        (within, "AUROC within", at_least(0.9)),
        (gain(16), "weighted - majority, N = 16", above(0)),
    ):
        why = note if rule else ""
        rows.append(Claim.of(section, f"{name}: {what}", *e.over(laser, metric), rule=rule, note=why, group=laser))
    return rows


def _why_hard_to_judge(e: Evidence, family: str, laser: str, grpo: str) -> str:
    """What in a family's solutions, rather than in the score, explains a poor score; empty where nothing does."""
    right, _ = e.over(laser, accuracy_statistic)
    if right.value > NEARLY_ALL:
        return f"{right.value:.1%} of its solutions are right, which leaves few wrong ones to tell apart"
    before, found = e.over("base", balanced_f1, signal=SELF_VERIFY, family=family)
    after, trained = e.over(grpo, balanced_f1, signal=SELF_VERIFY)
    if found and trained and after.value < before.value - SPOILT:
        return (
            f"training spoils the checks that these solutions write, GRPO's too: asked a second time, its F1 is "
            f"{after.value:.2f}, the base's {before.value:.2f}"
        )
    return ""


def _mean_of(estimates: list[Estimate]) -> Estimate:
    """Mean over seeds of what has no per-problem form; the interval's ends are the widest seed's, moved to the mean."""
    value = float(np.mean([x.value for x in estimates]))
    down = max(x.value - x.ci_low for x in estimates)
    up = max(x.ci_high - x.value for x in estimates)
    low = value - down if value - down > 0 or min(x.ci_low for x in estimates) < 0 else 0.0  # a scale that ends at 0
    return Estimate(value, low, value + up, estimates[0].n)

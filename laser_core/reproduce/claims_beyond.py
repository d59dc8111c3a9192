"""The claims beyond the main runs: ablations, length and calibration, transfer, and other families."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import calibration, length_relation, recalibrate
from laser_core.analysis.estimates import Estimate
from laser_core.analysis.scores.separation import accuracy_statistic
from laser_core.reproduce.claims_text import TITLE, text_rule_rows
from laser_core.reproduce.evidence import SELF_VERIFY, Evidence, balanced_f1, gain, tnr, tpr, within
from laser_core.reproduce.plan import ABLATIONS, HEAVIER, TRANSFER
from laser_core.reproduce.rules import Rule, above, at_least
from laser_core.reproduce.table import Claim, ClaimSection, Measured

FAMILIES = {"linear-long": "longer equations", "pair": "pairs of equations", "words": "word problems"}
METRICS = (
    (accuracy_statistic, "accuracy", "accuracy"),
    (balanced_f1, "balanced_f1", "balanced F1"),
    (within, "within", "AUROC within"),
)
DEGRADED = (
    0.05  # if the balanced F1 of the model's own grade falls by more, it is the solutions that are harder to verify
)
LOST = 0.5  # balanced F1 of a transfer below which a reader must see what the threshold does there
NEARLY_ALL = 0.95  # accuracy beyond which few incorrect solutions are left to detect


def ablations(e: Evidence) -> list[Claim]:
    """Claim 8: what each part of the recipe contributes. Only what the paper calls harmful is tested."""
    section, rows = ClaimSection(8, "Ablations, each minus LaSeR with the same seed"), []
    for ablation in ABLATIONS:
        for metric, id, what in METRICS:
            found = e.difference("laser", ablation.group, metric)
            tested = metric is accuracy_statistic
            rows.append(
                Claim.of(
                    section,
                    f"ablation.{ablation.name}.{id}",
                    f"{ablation.title} - LaSeR, {what}",
                    found,
                    rule=ablation.harm if tested else None,
                    note=ablation.note if tested else "",
                    group=ablation.group,
                    signed=True,
                )
            )
    return rows


def length_and_calibration(e: Evidence) -> list[Claim]:
    """Claim 9: score against length, and calibration before and after a recalibration fitted on other problems."""
    section = ClaimSection(9, "Length and calibration")
    names = e.names("laser")
    if not names:
        return []
    samples = [e.samples(name) for name in names]
    spearman = _mean_of([length_relation(s).spearman for s in samples])
    before = _mean_of([calibration(s).ece for s in samples])
    after = _mean_of([calibration(recalibrate(s)).ece for s in samples])
    note = "95% CI: the widest of the seeds' own"
    lower = Rule("below the ECE before recalibration", lambda found: found.value < before.value)
    return [
        Claim.of(
            section,
            "length.spearman",
            "score against length, Spearman",
            Measured(spearman, len(names)),
            paper=-0.42,
            note=f"{note}; solutions of one family hardly differ in length",
            group="laser",
        ),
        Claim.of(
            section,
            "calibration.ece",
            "ECE of the clipped score",
            Measured(before, len(names)),
            paper=0.09,
            note=note,
            group="laser",
        ),
        Claim.of(
            section,
            "calibration.ece_recalibrated",
            "ECE after isotonic recalibration on other problems",
            Measured(after, len(names)),
            rule=lower,
            note=note,
            group="laser",
        ),
    ]


def transfer(e: Evidence) -> list[Claim]:
    """Claim 10: trained on one family and length, evaluated on longer problems and on other families."""
    section, rows = ClaimSection(10, "Transfer: trained on linear equations alone"), []
    for family in TRANSFER:
        for metric, id, what in METRICS:
            found, rule = e.over("laser", metric, family=family), above(0.5) if metric is within else None
            title, note = f"{FAMILIES[family]}: {what}", ""
            if metric is balanced_f1 and found.estimate.value < LOST:
                rates = (e.over("laser", rate, family=family).estimate.value for rate in (tpr, tnr))
                note = "no rule, but the threshold of 0.5 fails here: TPR {:.3f}, TNR {:.3f}".format(*rates)
            row_id = f"transfer.{family}.{id}"
            rows.append(Claim.of(section, row_id, title, found, rule=rule, note=note, group="laser", family=family))
        rows += _text_rule(e, section, "laser", f"transfer.{family}", family, FAMILIES[family], transfer=True)
    return rows


def other_families(e: Evidence) -> list[Claim]:
    """Claim 11: the claims do not rest on one family. With the paper's alpha of 0.1, and with 0.5."""
    rows = []
    for family in ("pair", "words"):
        name = FAMILIES[family]
        rows += _trained_on(e, family, name, f"{family}-laser", f"{family}-grpo")
        rows += _trained_on(e, family, f"{name}, alpha = 0.5", f"{family}-{HEAVIER}", f"{family}-grpo")
    return rows


def _trained_on(e: Evidence, family: str, name: str, laser: str, grpo: str) -> list[Claim]:
    section, id = ClaimSection(11, "Trained on other families"), f"family.{laser}"
    found, title, rule = e.difference(grpo, laser, accuracy_statistic), f"{name}: LaSeR - GRPO, accuracy", at_least(0)
    rows = [Claim.of(section, f"{id}.laser-grpo", title, found, rule=rule, group=laser, family=family, signed=True)]
    accuracy, title = e.over(laser, accuracy_statistic), f"{name}: accuracy"
    rows.append(Claim.of(section, f"{id}.accuracy", title, accuracy, group=laser, family=family))
    note = _why_hard_to_verify(e, family, laser, grpo)
    for metric, metric_id, what, rule in (
        (balanced_f1, "balanced_f1", "balanced F1", at_least(0.85)),
        (within, "within", "AUROC within", at_least(0.9)),
    ):
        found, title, row_id = e.over(laser, metric), f"{name}: {what}", f"{id}.{metric_id}"
        rows.append(Claim.of(section, row_id, title, found, rule=rule, note=note, group=laser, family=family))
    rows += _text_rule(e, section, laser, id, family, name)
    found, title, row_id = e.over(laser, gain(16)), f"{name}: weighted - majority, N = 16", f"{id}.gain.16"
    rule = above(0)
    rows.append(Claim.of(section, row_id, title, found, rule=rule, note=note, group=laser, family=family, signed=True))
    return rows


def _text_rule(
    e: Evidence, section: ClaimSection, group: str, id: str, family: str, name: str, *, transfer: bool = False
) -> list[Claim]:
    """The text rule beside the score, by balanced F1 and by AUROC within a problem."""
    return [
        row
        for metric, metric_id, what in METRICS
        if metric is not accuracy_statistic
        for row in text_rule_rows(
            e,
            section,
            group,
            metric,
            ids=(f"{id}.text_rule.{metric_id}", f"{id}.score-text_rule.{metric_id}"),
            titles=(f"{name}: {TITLE}, {what}", f"{name}: score - text rule, {what}"),
            family=family,
            transfer=transfer,
        )
    ]


def _why_hard_to_verify(e: Evidence, family: str, laser: str, grpo: str) -> str:
    """What in a family's solutions, rather than in the score, explains a poor score; empty where nothing does."""
    accuracy, _ = e.over(laser, accuracy_statistic)
    if accuracy.value > NEARLY_ALL:
        return f"{accuracy.value:.1%} of the solutions are correct, which leaves few incorrect ones to detect"
    before, on_base = e.over("base", balanced_f1, signal=SELF_VERIFY, family=family)
    after, on_grpo = e.over(grpo, balanced_f1, signal=SELF_VERIFY)
    if on_base and on_grpo and after.value < before.value - DEGRADED:
        return (
            "training degrades the checks written in these solutions, under GRPO as well: the grade that the GRPO "
            f"model writes after the end token has balanced F1 {after.value:.2f}, the base's {before.value:.2f}"
        )
    return ""


def _mean_of(estimates: list[Estimate]) -> Estimate:
    """Mean over seeds of what has no per-problem form, with the widest seed's interval moved to the mean."""
    value = float(np.mean([x.value for x in estimates]))
    down = max(x.value - x.ci_low for x in estimates)
    up = max(x.ci_high - x.value for x in estimates)
    low = value - down if value - down > 0 or min(x.ci_low for x in estimates) < 0 else 0.0  # a scale that starts at 0
    return Estimate(value, low, value + up, estimates[0].n)

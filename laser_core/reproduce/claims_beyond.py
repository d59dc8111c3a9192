"""The claims beyond the main runs: ablations, length and calibration, transfer, and other families."""

from __future__ import annotations

import numpy as np

from laser_core.analysis import calibration, length_relation, recalibrate
from laser_core.analysis.estimates import Estimate
from laser_core.analysis.metrics import accuracy_statistic
from laser_core.reproduce.evidence import Evidence, balanced_f1, gain, within
from laser_core.reproduce.plan import ABLATIONS, TRANSFER
from laser_core.reproduce.table import Claim


def ablations(e: Evidence) -> list[Claim]:
    """Claim 8: what each part of the recipe is good for. Rows inform; self-reward alone must collapse."""
    section, rows = "8. Ablations, each minus LaSeR with the same seed", []
    for name, _, title in ABLATIONS:
        for metric, what in ((accuracy_statistic, "accuracy"), (balanced_f1, "balanced F1"), (within, "AUROC within")):
            found, seeds = e.difference("laser", f"ablation-{name}", metric)
            collapses = name == "self-reward" and what == "accuracy"
            rows.append(
                Claim.of(
                    section,
                    f"{title} - LaSeR, {what}",
                    found,
                    seeds=seeds,
                    holds=bool(found.ci_high < -0.05) if collapses else None,
                    rule="collapses: at least 0.05 lower" if collapses else "",
                    group=f"ablation-{name}",
                )
            )
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
    note = "interval: the widest seed's"
    return [
        Claim.of(
            section,
            "score against length, Spearman",
            spearman,
            seeds=len(names),
            paper=-0.42,
            note=f"{note}; solutions of one family hardly differ in length",
            group="laser",
        ),
        Claim.of(section, "ECE of the clipped score", before, seeds=len(names), paper=0.09, note=note, group="laser"),
        Claim.of(
            section,
            "ECE after isotonic recalibration on other problems",
            after,
            seeds=len(names),
            holds=bool(after.value < before.value),
            rule="below the one before",
            note=note,
            group="laser",
        ),
    ]


def transfer(e: Evidence) -> list[Claim]:
    """Claim 10: trained on one family and length, scored on longer problems and on other families."""
    section, rows = "10. Transfer: trained on linear equations alone", []
    for family in TRANSFER:
        for metric, what in ((accuracy_statistic, "accuracy"), (balanced_f1, "balanced F1"), (within, "AUROC within")):
            found, seeds = e.over("laser", metric, family=family)
            holds = bool(found.ci_low > 0.5) if metric is within else None
            rule = "above 0.5" if metric is within else ""
            title = f"{family}: {what}"
            rows.append(Claim.of(section, title, found, seeds=seeds, holds=holds, rule=rule, group="laser"))
    return rows


def other_families(e: Evidence) -> list[Claim]:
    """Claim 11: nothing rests on one family."""
    section, rows = "11. Trained on other families", []
    for family in ("pair", "words"):
        laser, grpo = f"{family}-laser", f"{family}-grpo"
        found, seeds = e.difference(grpo, laser, accuracy_statistic)
        rows.append(
            Claim.of(
                section,
                f"{family}: LaSeR - GRPO, accuracy",
                found,
                seeds=seeds,
                holds=bool(found.value >= 0),
                rule="at least 0",
                group=laser,
            )
        )
        for metric, what, rule, least in (
            (accuracy_statistic, "accuracy", "", None),
            (balanced_f1, "balanced F1", "at least 0.85", 0.85),
            (within, "AUROC within", "at least 0.90", 0.9),
            (gain(16), "weighted - majority, N = 16", "interval above 0", 0.0),
        ):
            found, seeds = e.over(laser, metric)
            holds = None if least is None else bool(found.value >= least and (least or found.ci_low > 0))
            title = f"{family}: {what}"
            rows.append(Claim.of(section, title, found, seeds=seeds, holds=holds, rule=rule, group=laser))
    return rows


def _mean_of(estimates: list[Estimate]) -> Estimate:
    """Mean over seeds of what has no per-problem form; the interval's ends are the widest seed's, moved to the mean."""
    value = float(np.mean([x.value for x in estimates]))
    down = max(x.value - x.ci_low for x in estimates)
    up = max(x.ci_high - x.value for x in estimates)
    low = value - down if value - down > 0 or min(x.ci_low for x in estimates) < 0 else 0.0  # a scale that ends at 0
    return Estimate(value, low, value + up, estimates[0].n)

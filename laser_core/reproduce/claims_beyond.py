"""The claims beyond the main runs: exact reference and ablations, length and calibration, transfer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import stdtrit

from laser_core.analysis import calibration, length_relation, recalibrate
from laser_core.analysis.estimates import Estimate, Statistic
from laser_core.analysis.scores.separation import accuracy_statistic
from laser_core.analysis.seeds import SeedVariance, pooled_seed_variances
from laser_core.reproduce.claims_score import BASELINES
from laser_core.reproduce.evidence import Evidence, Metric, balanced_f1, measured, tnr, tpr, within
from laser_core.reproduce.plan import ABLATIONS, FIRST, TITLES, group_of
from laser_core.reproduce.table import Claim, ClaimSection, Measured
from laser_core.reproduce.text_rule import TEXT_RULE

METRICS: tuple[tuple[Metric, str, str], ...] = (
    (accuracy_statistic, "accuracy", "accuracy"),
    (balanced_f1, "balanced_f1", "balanced F1"),
    (within, "within", "AUROC within"),
)
AFTERWARDS = "added after the results, decides nothing"
POOLED = "few seeds: their variance is pooled over the exact reference and all ablations"


def constant_reference(e: Evidence) -> Iterator[Claim]:
    """Claim 7: a constant in place of the exact reference log-prob costs nothing."""
    section = ClaimSection(7, "Constant against exact reference")
    papers = {"accuracy": -0.001, "balanced_f1": -0.001}
    for metric, key, what in METRICS:
        found = _pooled(e, metric).get("exact")
        if found:
            more: dict[str, Any] = {
                "family": FIRST,
                "paper": papers.get(key),
                "note": POOLED,
                "group": "exact",
                "signed": True,
            }
            yield e.row(section, f"exact.{key}", f"exact - constant, {what}", found, **more)


def ablations(e: Evidence) -> Iterator[Claim]:
    """Claim 8: what each part of the recipe contributes."""
    section = ClaimSection(8, "Ablations, each minus LaSeR or GRPO with the same seed")
    pooled = {key: _pooled(e, metric) for metric, key, _ in METRICS}
    for ablation in ABLATIONS:
        for _, key, what in METRICS:
            found = pooled[key].get(ablation.group)
            if not found:
                continue
            title, id = f"{ablation.title} - LaSeR, {what}", f"ablation.{ablation.name}.{key}"
            note = "; ".join(filter(None, (ablation.note, POOLED)))
            yield e.row(section, id, title, found, family=FIRST, note=note, group=ablation.group, signed=True)
    # Does any of these settings beat GRPO? Asked once they were in.
    for group, found in _pooled(e, accuracy_statistic, against="grpo").items():
        name = group.removeprefix("ablation-")
        title = {a.name: a.title for a in ABLATIONS}.get(name, "exact reference")
        more: dict[str, Any] = {"family": FIRST, "note": f"{AFTERWARDS}; {POOLED}", "group": group, "signed": True}
        yield e.row(section, f"ablation.{name}.accuracy-grpo", f"{title} - GRPO, accuracy", found, **more)


def _pooled(e: Evidence, metric: Metric, *, against: str = "laser") -> dict[str, Measured]:
    """Each ablation minus LaSeR or GRPO, with the seeds' variance pooled over all of them."""
    groups = ("exact", *(ablation.group for ablation in ABLATIONS))
    gaps: dict[str, list[Statistic]] = {group: e.differences(against, group, metric) for group in groups}
    known = {group: [s.value for s in found if np.isfinite(s.value)] for group, found in gaps.items() if found}
    variances: dict[str, SeedVariance] = pooled_seed_variances({g: v for g, v in known.items() if v})
    return {group: measured(found, variances.get(group)) for group, found in gaps.items() if found}


def length_and_calibration(e: Evidence) -> Iterator[Claim]:
    """Claim 9: score against length, and calibration before and after a recalibration fitted on other problems."""
    section, note = ClaimSection(9, "Length and calibration"), "95% CI: the widest seed's, and the seeds' spread"
    for family in TITLES:
        group = group_of("laser", family)
        samples = [e.samples(name) for name in e.names(group)]
        if not samples:
            continue
        for key, title, found, paper in (
            (
                "length.spearman",
                "score against length, Spearman",
                [length_relation(s).spearman for s in samples],
                -0.42,
            ),
            ("calibration.ece", "ECE of the clipped score", [calibration(s).ece for s in samples], 0.09),
            (
                "calibration.ece_recalibrated",
                "ECE after isotonic recalibration on other problems",
                [calibration(recalibrate(s)).ece for s in samples],
                None,
            ),
        ):
            lowest = -1.0 if key == "length.spearman" else 0.0
            mean = Measured(_mean_of(found, lowest), len(samples))
            yield e.row(section, key, title, mean, family=family, note=note, paper=paper, group=group)


def transfer(e: Evidence) -> Iterator[Claim]:
    """Claim 10: trained on one family, evaluated on the others; every pair, every seed."""
    section, rule = ClaimSection(10, "Transfer to the families that a model was not trained on"), BASELINES[0]
    for family in TITLES:
        for target in TITLES:
            group = group_of("laser", family)
            if target == family or not e.evaluated(group, target):
                continue
            more: dict[str, Any] = {"family": family, "group": group}
            for metric, key, what in METRICS:
                found, id = e.over(group, metric, family=target), f"transfer.{target}.{key}"
                rates = (e.over(group, rate, family=target).estimate.value for rate in (tpr, tnr))
                note = "TPR {:.3f}, TNR {:.3f}".format(*rates) if metric is balanced_f1 else ""
                rule_key, title = f"transfer.{key}", f"on {target}: {what}"
                yield e.row(section, id, title, found, note=note, rule_key=rule_key, **more)
            for metric, key, what in METRICS[1:]:
                gap, id = e.against(group, TEXT_RULE, metric, family=target), f"transfer.{target}.score-text_rule.{key}"
                yield e.row(section, id, f"on {target}: score - {rule.title}, {what}", gap, signed=True, **more)


def _mean_of(estimates: list[Estimate], lowest: float) -> Estimate:
    """Mean over seeds of what has no per-problem form.

    Its interval adds, as squares, the widest seed's distance from its ends and the seeds' own Student interval, and
    stays above the scale's ``lowest`` value.
    """
    values = np.array([x.value for x in estimates])
    value, n = float(values.mean()), len(values)
    of_seeds = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    down = float(np.hypot(max(x.value - x.ci_low for x in estimates), of_seeds))
    up = float(np.hypot(max(x.ci_high - x.value for x in estimates), of_seeds))
    return Estimate(value, max(value - down, lowest), min(value + up, 1.0), estimates[0].n)

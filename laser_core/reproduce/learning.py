"""How the score learns to rank a problem's solutions, and how GRPO moves z_c: curves over training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from laser_core.errors import InputError
from laser_core.reproduce.claims_score import BASELINES
from laser_core.reproduce.evidence import family_of
from laser_core.reproduce.plan import group_of
from laser_core.reproduce.table import Claim

WINDOW = 9  # training steps that a mean curve averages over: one step's 64 problems say little


@dataclass(frozen=True)
class Curves:
    """One quantity over training, for all seeds of a group of runs.

    Attributes
    ----------
    name : str
        Of the group, for a legend.
    step : ndarray of shape (n_steps,)
    seeds : ndarray of shape (n_seeds, n_steps)
        NaN where a step has no value.
    mean : ndarray of shape (n_steps,)
        Over seeds and over :data:`WINDOW` steps around each.
    """

    name: str
    step: np.ndarray
    seeds: np.ndarray
    mean: np.ndarray


def curves_of(facts: Mapping[str, Mapping[str, Any]], method: str, family: str, field: str, name: str) -> Curves | None:
    """The curves of a method's main runs on a family.

    Parameters
    ----------
    facts : mapping of str to mapping
        By run, as :attr:`Evidence.facts` has them.
    method : str
        laser or grpo.
    family : str
    field : str
        As :func:`laser_core.reproduce.judged.curves` names it.
    name : str
        Of the result.

    Returns
    -------
    Curves or None
        None where no run has such a curve.
    """
    group = group_of(method, family)
    found = [
        run["curves"]
        for key, run in sorted(facts.items())
        if key.rpartition("-")[0] == group and family_of(key) == family and run.get("curves", {}).get(field)
    ]
    if not found:
        return None
    steps = np.array(sorted({step for run in found for step in run["step"]}))
    seeds = np.full((len(found), len(steps)), np.nan)
    for seed, run in enumerate(found):
        values = np.array([np.nan if value is None else value for value in run[field]], dtype=float)
        seeds[seed, np.searchsorted(steps, run["step"])] = values
    return Curves(name, steps, seeds, smoothed(seeds))


def smoothed(seeds: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Mean over seeds, then over the steps around each one; fewer at the ends.

    Examples
    --------
    >>> smoothed(np.array([[0.0, 3.0, 6.0], [2.0, np.nan, 8.0]]), window=3).tolist()
    [2.0, 3.6666666666666665, 5.0]
    """
    known = np.isfinite(seeds)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, seeds, 0.0).sum(axis=0) / known.sum(axis=0)
    half = window // 2
    around = [mean[max(i - half, 0) : i + half + 1] for i in range(len(mean))]
    return np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in around])


def baseline_levels(claims: Sequence[Claim], family: str) -> dict[str, float]:
    """Each baseline's AUROC within a problem on LaSeR's evaluation, by its title."""
    rows = {claim.id: claim.value for claim in claims}
    found = {baseline.title: rows.get(f"{family}.within.{baseline.key}", np.nan) for baseline in BASELINES}
    return {title: value for title, value in found.items() if np.isfinite(value)}


def ranking_curves(facts: Mapping[str, Mapping[str, Any]], family: str) -> dict[str, Curves]:
    """AUROC within a problem over training, LaSeR's and GRPO's, by name; without those that no run has."""
    found = {name: curves_of(facts, name.lower(), family, "within", name) for name in ("LaSeR", "GRPO")}
    return {name: curves for name, curves in found.items() if curves is not None}


def drift_curves(facts: Mapping[str, Mapping[str, Any]], family: str) -> dict[str, Curves]:
    """Log-prob of z_c at <eos> under GRPO over training, of correct and of incorrect solutions."""
    found = {kind: curves_of(facts, "grpo", family, f"z_{kind}", kind) for kind in ("correct", "incorrect")}
    return {kind: curves for kind, curves in found.items() if curves is not None}


def start_of(facts: Mapping[str, Mapping[str, Any]], family: str) -> float:
    """c_ref of GRPO's runs on a family, in nats: where their log-probs of z_c start; NaN where no run says it."""
    group = group_of("grpo", family)
    found = [run["c_ref"] for name, run in facts.items() if name.rpartition("-")[0] == group and "c_ref" in run]
    return float(np.mean(found)) if found else float("nan")


def load_facts(path: Path) -> dict[str, dict[str, Any]]:
    """The facts of all runs from ``runs.json``; empty where there is no such file."""
    if not path.is_file():
        return {}
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except ValueError as error:
        raise InputError(f"not JSON ({error})", file=path, remedy="copy it from the reproduction again") from None

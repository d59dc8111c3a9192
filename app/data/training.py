"""What a run kept of its training: the rollouts of each step, what was measured, and the settings of the advantages.

A run trained here writes each step's rollouts to ``training/STEP.parquet``; a file of another tool may hold many steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import streamlit as st

from app.data import cache
from app.data.sources import UPLOADED_METRICS, Source
from laser_core.analysis import StepMetric, event_metrics, step_metrics
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, read

TITLES = {  # of what events hold, from top to bottom; other numbers follow under their own names
    "reward": "reward (share correct)",
    "frac_reward_zero_std": "share of groups whose rewards are equal",
    "within_problem_auroc": "AUROC within a problem",
    "balanced_f1": "balanced F1 (TPR, TNR)",
    "kl": "KL divergence from the reference, nats",
    "entropy": "entropy, nats",
    "clip_ratio/region_mean": "share of clipped tokens",
    "completions/mean_length": "length, tokens",
    "completions/clipped_ratio": "share cut off",
    "score_loss": "score loss",
    "laser/score_correct": "mean score of correct solutions",
    "laser/score_incorrect": "mean score of incorrect solutions",
    "grad_norm": "norm of the gradient",
    "laser/c_ref_drift": "c_ref drift, nats",
    "laser/log_z": "log Z, nats",
}


@dataclass(frozen=True)
class StepSettings:
    """How a step made its advantages.

    Attributes
    ----------
    tau : float
        Share of the score, between 0 and 1.
    std_threshold : float
        The paper's T, in reward units.
    use_score : bool
        Whether the step blended the score in.
    known : bool
        Whether the run's own settings say so; otherwise these are the paper's.
    """

    tau: float
    std_threshold: float
    use_score: bool
    known: bool


def _folder(source: Source) -> Path | None:
    """Where a run trained here keeps its steps; None where there are none."""
    folder = source.events.parent / "training" if source.events is not None else None
    return folder if folder is not None and folder.is_dir() else None


def steps(source: Source) -> list[int]:
    """The training steps whose rollouts are here, rising; empty for an evaluation."""
    folder = _folder(source)
    if folder is not None:
        return sorted(int(path.stem) for path in folder.glob("*.parquet") if path.stem.isdecimal())

    def make() -> list[int]:
        column = source.rollouts.table["step"] if source.rollouts.has("step") else None
        found = [] if column is None else sorted(pc.drop_null(pc.unique(column)).to_pylist())
        ours = source.rollouts.meta.source_format in (None, "laser_core", "parquet")
        return [] if len(found) == 1 and ours else found  # our own single step is an evaluation after it

    return cache.remember(source, ("group steps",), make)


def at_step(source: Source, step: int | None) -> tuple[Rollouts, np.ndarray | None]:
    """The rollouts of one step, and their rows in the run's table; None for rows that only the step's own file has.

    Raises
    ------
    InputError
        If the step's file cannot be read.
    """
    folder = _folder(source)
    if folder is not None and step is not None:
        path = folder / f"{step:06d}.parquet"
        return _read(str(path), path.stat().st_mtime_ns if path.exists() else 0), None
    if step is None:
        return source.rollouts, np.arange(len(source.rollouts))
    rows = np.flatnonzero(source.rollouts.column("step") == step)
    return source.rollouts.take(rows), rows


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str, stamp: int) -> Rollouts:
    return read(path, fill=False).rollouts


def settings(source: Source, step: int | None) -> StepSettings:
    """How a step made its advantages: by the run's own settings, or the paper's where they are not known."""
    path = source.events.with_name("config.toml") if source.events is not None else None
    if path is not None and path.is_file():
        with contextlib.suppress(InputError):
            config = LaserConfig.from_toml(path)
            blends = config.phase(step or 0) == "laser"
            return StepSettings(config.tau, config.std_threshold, blends, known=step is not None)
    paper = LaserConfig()
    return StepSettings(paper.tau, paper.std_threshold, source.rollouts.has("score"), known=False)


def metrics(source: Source) -> dict[str, StepMetric]:
    """What was measured at each step, by key: from the run's events, its rollouts, and metric files uploaded to it."""
    found = dict(cache.remember(source, ("step metrics",), lambda: step_metrics(source.rollouts)))
    if (
        _folder(source) is not None
        or len(next(iter(found.values()), StepMetric("", np.zeros(0), np.zeros(0))).step) < 2
    ):
        found = {}  # the run's own rollouts are one evaluation
    found |= event_metrics(cache.events(source))
    for events in uploaded(source):
        found |= event_metrics(events)
    order = [name for name in TITLES if name in found] + [name for name in found if name not in TITLES]
    return {name: StepMetric(TITLES.get(name, found[name].name), found[name].step, found[name].value) for name in order}


def uploaded(source: Source) -> Sequence[list[dict]]:
    """The metric files that this session has uploaded to a run."""
    return st.session_state.get(UPLOADED_METRICS, {}).get(source.content_id, ())

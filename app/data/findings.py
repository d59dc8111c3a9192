"""Findings that more than one page states: votes at one N, problem lists, signals side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from enum import StrEnum
from typing import Literal

import numpy as np
import streamlit as st

from app.data import cache
from app.data.sources import Source
from app.format import literal
from laser_core import analysis
from laser_core.analysis import DrillDown, Estimate, Samples, Separation, VotingCurve, separation
from laser_core.errors import InputError
from laser_core.rollouts.prompts import question
from laser_core.rollouts.schema import SIGNAL_PREFIX

HEADLINE_N = 8  # solutions per vote in every sentence that compares votes
UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"), 0)


class Kind(StrEnum):
    """A list of problems to choose from; the value is its name in :func:`laser_core.analysis.problem_lists`."""

    MIXED = "mixed"
    FIXED = "fixed_by_weights"
    BROKEN = "broken_by_weights"
    TIE_BROKEN = "tie_broken"
    TIED = "tied"
    CONFIDENT = "confident_incorrect"
    TURNS = "turns"
    UNSOLVED = "unsolved"
    ALL = "all"


KIND_LABELS = {  # in the order of the chooser
    Kind.MIXED: "correct and incorrect",
    Kind.FIXED: "fixed by weighting",
    Kind.BROKEN: "broken by weighting",
    Kind.TIE_BROKEN: "ties decided correctly",
    Kind.TIED: "tied majority",
    Kind.CONFIDENT: "confidently wrong",
    Kind.TURNS: "sharp turn in the trace",
    Kind.UNSOLVED: "never solved",
    Kind.ALL: "all",
}


class Order(StrEnum):
    """The order of a list of problems."""

    INFORMATIVE = "informative"
    HARDEST = "hardest"
    EASIEST = "easiest"


class SolutionOrder(StrEnum):
    """The order of a problem's solutions; the later ones are names of :func:`laser_core.analysis.solution_measures`."""

    VERIFIER = "verifier"
    SCORE = "score"
    LENGTH = "length"
    LOG_RATIO = "log_ratio"
    MIN_LOGPROB = "min_logprob"


def threshold(source: Source, signal: str) -> float:
    """The threshold that sentences use: the paper's 0.5 for the score, the best balanced F1 for any other signal."""
    return 0.5 if signal == "score" else float(cache.analyse(source, analysis.best_threshold, signal=signal))


def decision(source: Source, signal: str) -> float | None:
    """The threshold that figures of the distribution mark: that of the score; None for any other signal."""
    return threshold(source, signal) if signal == "score" else None


def weight(signal: str) -> Literal["clip", "rank"]:
    """How a signal becomes a vote's weight: the score is clipped to [0, 1], any other signal gives its rank."""
    return "clip" if signal == "score" else "rank"


def derived(source: Source, signal: str | None) -> str:
    """The finding in place of every other where the signal was derived from the verdict; empty otherwise (markdown)."""
    if signal is None or signal == "score":
        return ""

    def make() -> str:
        reason = analysis.why_not_judged(signal, *(source.with_signals.column(name) for name in (signal, "correct")))
        return analysis.derived_from_verdict(signal.removeprefix(SIGNAL_PREFIX), reason) if reason else ""

    return literal(cache.remember(source, ("derived", signal), make))


def separated(source: Source, signal: str) -> Separation:
    """The separation at :func:`threshold`."""
    return cache.analyse(source, analysis.separation, signal=signal, threshold=threshold(source, signal))


def drill_down(source: Source, signal: str) -> DrillDown:
    """The lists of problems and rollouts at :func:`threshold`."""
    return cache.analyse(
        source, analysis.drill_down, signal=signal, threshold=threshold(source, signal), weight=weight(signal)
    )


def voting(source: Source, signal: str) -> tuple[VotingCurve | None, str]:
    """The voting curve; or None and the reason why the data allow none."""
    try:
        curve = cache.analyse(source, analysis.voting_curve, signal=signal, weight=weight(signal))
    except InputError as error:
        return None, str(error)
    if not np.isfinite(curve.majority).any():
        return None, "the rollouts hold no extracted answers, and votes are cast for answers"
    return curve, ""


def headline_n(curve: VotingCurve) -> int:
    """The N that sentences about voting use: 8, or the largest one below where there are fewer solutions."""
    return curve.largest_n(HEADLINE_N)


def problem_lists(source: Source, signal: str) -> dict[Kind, list[str]]:
    """Problem ids by kind, the most informative first: mixed problems by how evenly they are split."""

    def make() -> dict[Kind, list[str]]:
        grid = cache.samples(source, signal)
        level = threshold(source, signal)
        found = analysis.problem_lists(grid, rollouts=source.rollouts, threshold=level, weight=weight(signal))
        return {kind: [grid.problem_ids[int(p)] for p in found[kind.value]] for kind in KIND_LABELS}

    return cache.remember(source, ("problem lists", signal), make)


def ordered_problems(source: Source, signal: str, kind: Kind, order: Order) -> list[str]:
    """The ids of one kind: the most informative first, or from the hardest or the easiest."""
    ids = problem_lists(source, signal)[kind]
    if order == Order.INFORMATIVE:
        return ids

    def make() -> dict[str, float]:
        grid = cache.samples(source, signal)
        return dict(zip(grid.problem_ids, np.nan_to_num(analysis.difficulty(grid), nan=0.5), strict=True))

    hard = cache.remember(source, ("difficulty", signal), make)
    return sorted(ids, key=hard.__getitem__, reverse=order == Order.HARDEST)


@st.cache_resource(show_spinner=False, max_entries=32, scope="session")
def _labels(content_id: str, _source: Source, _grid: Samples) -> dict[str, str]:
    ids = list(_grid.problem_ids)
    text: list[str | None] = [None] * len(ids)
    if _source.rollouts.has("problem"):
        problems = replace(_source.rollouts, table=_source.rollouts.table.select(["problem"]))
        text = problems.take(_grid.row[:, 0]).text("problem")
    short = [(question(shown) if shown else problem_id)[:120] for shown, problem_id in zip(text, ids, strict=True)]
    seen = Counter(short)
    return {i: f"{shown}  ({i})" if seen[shown] > 1 else shown for i, shown in zip(ids, short, strict=True)}


def problem_labels(source: Source, signal: str) -> dict[str, str]:
    """The text of each problem, by id; the id is added where two problems share a text.

    A chooser recognises its choice by the label, so a label holds nothing that differs between two runs of one problem.
    """
    return _labels(f"{source.content_id} {cache.pools_steps()}", source, cache.samples(source, signal))


def solution_order(source: Source, signal: str, p: int, by: SolutionOrder = SolutionOrder.VERIFIER) -> np.ndarray:
    """A problem's solutions as table rows: correct ones first, each kind by falling score; or by one measure."""
    grid = cache.samples(source, signal)
    values = None
    if by == SolutionOrder.SCORE:
        values = source.with_signals.column(signal)
    elif by != SolutionOrder.VERIFIER:
        values = measures(source)[by.value]
    return grid.row[p, analysis.order_solutions(grid, p, values)]


def measures(source: Source) -> dict[str, np.ndarray]:
    """What solutions can be sorted by beside the score; see :func:`laser_core.analysis.solution_measures`."""
    return cache.remember(source, ("measures",), lambda: analysis.solution_measures(source.rollouts))


def within_one_problem(source: Source, signal: str, p: int) -> float:
    """One problem's own AUROC; NaN where it lacks correct or incorrect solutions."""
    return separation(cache.samples(source, signal).take(np.array([p]))).within_problem_auroc.value


def recalibrated(source: Source, signal: str) -> analysis.Calibration | None:
    """The calibration after a rising function fitted on held-out problems; None where there is too little to fit."""

    def make() -> analysis.Calibration | None:
        try:
            return analysis.calibration(analysis.recalibrate(cache.samples(source, signal)))
        except InputError:
            return None

    return cache.remember(source, ("recalibrated", signal), make)


def by_step(source: Source, signal: str) -> analysis.StepScores:
    """The scores at each training step.

    Raises
    ------
    InputError
        Where the rollouts have no ``step``.
    """
    return cache.remember(
        source, ("by step", signal), lambda: analysis.score_by_step(source.with_signals, signal=signal)
    )


def signal_table(source: Source) -> analysis.SignalTable:
    """Every signal of a run, evaluated in the same way."""
    return cache.remember(
        source, ("signals",), lambda: analysis.compare_signals(cache.samples(source), source.with_signals)
    )

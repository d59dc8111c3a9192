"""What more than one page says about a run: the votes at one N, the runs side by side, and the lists of problems."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import streamlit as st

from app.data import cache
from laser_core import analysis
from laser_core.analysis import DrillDown, Estimate, Samples, Separation, VotingCurve, separation
from laser_core.errors import InputError

HEADLINE_N = 8  # solutions per vote in every sentence that compares votes
UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"), 0)

ALL, MIXED, HELPED, HURT, TIE_BROKEN, TIED, CONFIDENT, TURNS, UNSOLVED = (
    "all",
    "correct and incorrect",
    "put right by the weights",
    "put wrong by the weights",
    "tie broken by the weights",
    "majority tied",
    "confidently wrong",
    "the trace turns",
    "never solved",
)
KINDS = {  # the library's names of the lists, and the page's, in the page's order
    "mixed": MIXED,
    "fixed_by_weights": HELPED,
    "broken_by_weights": HURT,
    "tie_broken": TIE_BROKEN,
    "tied": TIED,
    "confident_incorrect": CONFIDENT,
    "turns": TURNS,
    "unsolved": UNSOLVED,
    "all": ALL,
}


def threshold(source: cache.Source, signal: str) -> float:
    """The threshold that sentences use: the paper's 0.5 for the score, the best balanced F1 for any other signal."""
    return 0.5 if signal == "score" else float(cache.analyse(source, "best_threshold", signal=signal))


def weight(signal: str) -> str:
    """How a signal becomes a vote's weight: the score is clipped to [0, 1], any other signal gives its rank."""
    return "clip" if signal == "score" else "rank"


def separated(source: cache.Source, signal: str) -> Separation:
    """The separation at :func:`threshold`."""
    return cache.analyse(source, "separation", signal=signal, threshold=threshold(source, signal))


def drill_down(source: cache.Source, signal: str) -> DrillDown:
    """The lists of problems and rollouts at :func:`threshold`."""
    return cache.analyse(
        source, "drill_down", signal=signal, threshold=threshold(source, signal), weight=weight(signal)
    )


def voting(source: cache.Source, signal: str) -> tuple[VotingCurve | None, str]:
    """The voting curve; or None and the reason why the data allow none."""
    try:
        curve = cache.analyse(source, "voting_curve", signal=signal, weight=weight(signal))
    except InputError as error:
        return None, str(error)
    if not np.isfinite(curve.majority).any():
        return None, "the rollouts hold no extracted answers, and votes are cast for answers"
    return curve, ""


def headline_n(curve: VotingCurve) -> int:
    """The N that sentences about voting use: 8, or the largest one below where there are fewer solutions."""
    n = np.asarray(curve.n)
    return int(n[n <= HEADLINE_N].max())


def at_n(curve: VotingCurve, name: str, n: int) -> Estimate:
    """One value of a voting curve with its 95% interval over problems.

    Parameters
    ----------
    curve : VotingCurve
    name : ``pass_``, ``majority``, ``weighted``, ``best_of_n`` or ``weighted_minus_majority``.
    n : the number of solutions; must be one the curve holds.
    """
    at = int(np.flatnonzero(np.asarray(curve.n) == n)[0])
    stem = name.rstrip("_")
    low, high = (float(getattr(curve, f"{stem}_{side}")[at]) for side in ("low", "high"))
    return Estimate(float(getattr(curve, name)[at]), low, high, int(curve.n_problems))


def problem_lists(source: cache.Source, signal: str) -> dict[str, list[str]]:
    """Problem ids by what happened to them, the most telling first: mixed ones by how evenly they are split."""

    def make() -> dict[str, list[str]]:
        grid = cache.samples(source, signal)
        level = threshold(source, signal)
        found = analysis.problem_lists(grid, rollouts=source.rollouts, threshold=level, weight=weight(signal))
        return {KINDS[kind]: [grid.problem_ids[int(p)] for p in problems] for kind, problems in found.items()}

    return cache.remember(source, ("problem lists", signal), make)


def ordered_problems(source: cache.Source, signal: str, kind: str, order: str) -> list[str]:
    """The ids of one kind, by how telling they are, or from the hardest or the easiest."""
    ids = problem_lists(source, signal)[kind]
    if order == "telling":
        return ids

    def make() -> dict[str, float]:
        grid = cache.samples(source, signal)
        return dict(zip(grid.problem_ids, np.nan_to_num(analysis.difficulty(grid), nan=0.5), strict=True))

    hard = cache.remember(source, ("difficulty", signal), make)
    return sorted(ids, key=hard.__getitem__, reverse=order == "hardest")


@st.cache_resource(show_spinner=False, max_entries=32, scope="session")
def _labels(content_id: str, _source: cache.Source, _grid: Samples) -> dict[str, str]:
    ids = list(_grid.problem_ids)
    text: list[str | None] = [None] * len(ids)
    if _source.rollouts.has("problem"):
        problems = replace(_source.rollouts, table=_source.rollouts.table.select(["problem"]))
        text = problems.take(_grid.row[:, 0]).text("problem")
    short = [(shown or problem_id)[:120] for shown, problem_id in zip(text, ids, strict=True)]
    seen = Counter(short)
    return {i: f"{shown}  ({i})" if seen[shown] > 1 else shown for i, shown in zip(ids, short, strict=True)}


def problem_labels(source: cache.Source, signal: str) -> dict[str, str]:
    """Per problem id its text, told apart by the id where two share it.

    A chooser recognises its choice by the label, so a label says nothing that differs between two runs of one problem.
    """
    return _labels(source.content_id, source, cache.samples(source, signal))


def solution_order(source: cache.Source, signal: str, p: int, by: str = "verdict") -> np.ndarray:
    """A problem's solutions as table rows: correct ones first, each kind by falling score; or by one measure."""
    grid = cache.samples(source, signal)
    values = None
    if by != "verdict":
        values = source.with_signals.column(signal) if by == "score" else measures(source)[by]
    return grid.row[p, analysis.order_solutions(grid, p, values)]


def measures(source: cache.Source) -> dict[str, np.ndarray]:
    """What solutions can be sorted by beside the score; see :func:`laser_core.analysis.solution_measures`."""
    return cache.remember(source, ("measures",), lambda: analysis.solution_measures(source.rollouts))


def within_one_problem(source: cache.Source, signal: str, p: int) -> float:
    """The problem's own AUROC; NaN where it lacks correct or incorrect solutions."""
    return separation(cache.samples(source, signal).take(np.array([p]))).within_problem_auroc.value


def recalibrated(source: cache.Source, signal: str) -> analysis.Calibration | None:
    """The calibration after a rising function learned on other problems; None where there is too little to learn."""

    def make() -> analysis.Calibration | None:
        try:
            return analysis.calibration(analysis.recalibrate(cache.samples(source, signal)))
        except InputError:
            return None

    return cache.remember(source, ("recalibrated", signal), make)


def by_step(source: cache.Source, signal: str) -> analysis.StepScores:
    """The scores at each training step.

    Raises
    ------
    InputError
        Where the rollouts do not say their step.
    """
    return cache.remember(
        source, ("by step", signal), lambda: analysis.score_by_step(source.with_signals, signal=signal)
    )


def signal_table(source: cache.Source) -> analysis.SignalTable:
    """Every signal of a run, judged in the same way."""
    return cache.remember(
        source, ("signals",), lambda: analysis.compare_signals(cache.samples(source), source.with_signals)
    )

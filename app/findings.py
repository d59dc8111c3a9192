"""The findings that more than one page states, picked out of the analyses of a run."""

from __future__ import annotations

import numpy as np

from app import data
from app.words import interval, literal, number

HEADLINE_N = 8  # solutions per vote in every sentence that compares votes


def headline_n(curve: object) -> int:
    """The N that sentences about voting use: 8, or the largest one below where there are fewer solutions."""
    n = np.asarray(curve.n)
    return int(n[n <= HEADLINE_N].max())


def at_n(curve: object, name: str, n: int) -> object:
    """One value of a voting curve with its 95% interval over problems, as an Estimate.

    Parameters
    ----------
    curve : a :class:`laser_core.analysis.VotingCurve`.
    name : ``pass_``, ``majority``, ``weighted``, ``best_of_n`` or ``weighted_minus_majority``.
    n : the number of solutions; must be one the curve holds.
    """
    from laser_core.analysis import Estimate

    at = int(np.flatnonzero(np.asarray(curve.n) == n)[0])
    stem = name.rstrip("_")
    low, high = (float(getattr(curve, f"{stem}_{side}")[at]) for side in ("low", "high"))
    return Estimate(float(getattr(curve, name)[at]), low, high, int(curve.n_problems))


def side_by_side(sources: list[data.Source]) -> dict[str, dict[str, object]]:
    """Per run title, the findings that the runs are compared by; a run without a score has its accuracy only."""
    rows = {}
    for source in sources:
        signal = "score" if "score" in source.signals else data.signal_of(source)
        row = {"accuracy": data.analyse(source, "accuracy", signal=signal or "score")}
        if signal is not None:
            parts = data.analyse(source, "separation", signal=signal)
            curve = data.analyse(source, "voting_curve", signal=signal)
            n = headline_n(curve)
            row |= {
                "AUROC": parts.auroc,
                "AUROC within a problem": parts.within_problem_auroc,
                "balanced F1 (TPR, TNR)": parts.balanced_f1,
                f"majority vote of {n}": at_n(curve, "majority", n),
                f"weighted vote of {n}": at_n(curve, "weighted", n),
            }
        rows[source.title] = row
    return rows


ALL, MIXED, HELPED, HURT, TIED, UNSOLVED = (
    "all",
    "with right and wrong solutions",
    "put right by the weights",
    "put wrong by the weights",
    "majority tied",
    "never solved",
)


def problem_lists(source: data.Source, signal: str) -> dict[str, list[str]]:
    """Problem ids by what happened to them, in an order that begins with the most telling.

    Returns
    -------
    dict
        Per group its ids: mixed first by how evenly right and wrong are split, the rest in table order.
    """
    grid = data.samples(source, signal)
    right, known = np.nansum(grid.correct, axis=1), np.isfinite(grid.correct).sum(axis=1)
    balance = np.abs(2 * right - known)
    mixed = [int(p) for p in np.argsort(balance, kind="stable") if 0 < right[p] < known[p]]
    drill = data.analyse(source, "drill_down", signal=signal)
    groups = {
        MIXED: mixed,
        HELPED: drill.flipped_to_right,
        HURT: drill.flipped_to_wrong,
        TIED: drill.ties,
        UNSOLVED: drill.unsolved,
        ALL: range(grid.n_problems),
    }
    return {name: [grid.problem_ids[int(p)] for p in problems] for name, problems in groups.items()}


def problem_labels(source: data.Source, signal: str) -> dict[str, str]:
    """Per problem id its text and how many of its solutions are right, as the problem choosers show it."""
    grid = data.samples(source, signal)
    text = source.rollouts.text("problem")
    right, known = np.nansum(grid.correct, axis=1).astype(int), np.isfinite(grid.correct).sum(axis=1)
    return {
        problem_id: f"{(text[int(grid.row[p, 0])] or problem_id)[:120]}  ({right[p]} of {known[p]} right)"
        for p, problem_id in enumerate(grid.problem_ids)
    }


def solution_order(grid: object, p: int) -> np.ndarray:
    """A problem's solutions, right ones first, each kind from the highest to the lowest score; unscored ones last."""
    cells = np.flatnonzero(grid.present[p])
    verdict, score = np.nan_to_num(grid.correct[p, cells], nan=-1.0), np.nan_to_num(grid.score[p, cells], nan=-np.inf)
    return cells[np.lexsort((-score, -verdict))]


def within_one_problem(source: data.Source, signal: str, p: int) -> float:
    """The problem's own AUROC; NaN where it lacks right or wrong solutions."""
    from laser_core.analysis import separation

    return separation(data.samples(source, signal).take(np.array([p]))).within_problem_auroc.value


def comparison_sentence(sources: list[data.Source]) -> str:
    """Which of the runs knows its right solutions from its wrong ones, in one sentence with n and intervals."""
    parts = []
    for source in sources:
        signal = data.signal_of(source) if "score" not in source.signals else "score"
        if signal is None:
            continue
        within = data.analyse(source, "separation", signal=signal).within_problem_auroc
        parts.append(f"{literal(source.title)} {number(within.value)} ({interval(within)}, n = {within.n})")
    return "AUROC within a problem, where chance is 0.50: " + "; ".join(parts) + "." if parts else "No run has a score."

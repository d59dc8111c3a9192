"""The rollouts behind the table, read once, and the statistics every claim is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from laser_core.analysis import Samples, VotingCurve, voting_curve
from laser_core.analysis.estimates import Estimate, Statistic, mean_statistic
from laser_core.analysis.scores.separation import (
    Ranked,
    auroc_statistic,
    cell_statistics,
    within_problem_statistic,
)
from laser_core.analysis.seeds import over_seeds
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, read

THRESHOLD = 0.5
SELF_VERIFY, REWARD_MODEL = "signal.self_verify", "signal.reward_model"  # columns beside the score
Metric = Callable[[Samples], Statistic]


def balanced_f1(samples: Samples) -> Statistic:
    """Harmonic mean of TPR and TNR at score > 0.5, untuned."""
    return cell_statistics(Ranked.of(samples), THRESHOLD).balanced_f1


def auroc(samples: Samples) -> Statistic:
    """Of all solutions."""
    return auroc_statistic(Ranked.of(samples))


def within(samples: Samples) -> Statistic:
    """AUROC within a problem, averaged over problems that have both classes."""
    return within_problem_statistic(Ranked.of(samples))


def gain(n: int) -> Metric:
    """Weighted minus majority vote among ``n`` solutions, paired by problem."""

    def statistic(samples: Samples) -> Statistic:
        curve = _votes(samples, n)
        if curve is None:
            return Statistic.undefined()
        return mean_statistic((curve.per_problem["weighted"] - curve.per_problem["majority"])[:, 0], scale="signed")

    return statistic


def vote(kind: str, n: int) -> Metric:
    """Accuracy of "pass", "majority", "weighted" or "best_of_n" among ``n`` solutions."""

    def statistic(samples: Samples) -> Statistic:
        curve = _votes(samples, n)
        return Statistic.undefined() if curve is None else mean_statistic(curve.per_problem[kind][:, 0])

    return statistic


def _votes(samples: Samples, n: int) -> VotingCurve | None:
    """The votes among ``n`` solutions; None where no problem has so many."""
    return voting_curve(samples, n_values=np.array([n])) if n <= samples.n_samples else None


class Evidence:
    """A folder of judged runs, read when they are asked for.

    Parameters
    ----------
    folder : with ``runs/NAME/rollouts.judged.parquet`` as :mod:`laser_core.reproduce.execute` leaves them
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples = lru_cache(maxsize=None)(self._samples)
        self.rollouts = lru_cache(maxsize=16)(self._rollouts)

    @cached_property
    def cost(self) -> dict:
        """What :func:`laser_core.reproduce.cost.measure_cost` found; empty before it has run."""
        path = self.folder / "cost.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def names(self, group: str) -> list[str]:
        """The finished runs of a group, by seed."""
        if group == "base":
            return ["base"] if self._path("base").is_file() else []
        found = (p.parent.name for p in self.folder.glob(f"runs/{group}-*/rollouts.judged.parquet"))
        return sorted((n for n in found if n.rpartition("-")[0] == group), key=lambda n: int(n.rpartition("-")[2]))

    def paired(self, first: str, second: str) -> list[tuple[str, str]]:
        """Runs of two groups with the same seed; the base stands beside every seed."""
        if first == "base":
            return [("base", name) for name in self.names(second)] if self.names("base") else []
        seeds = {name.rpartition("-")[2]: name for name in self.names(first)}
        return [(seeds[s], n) for n in self.names(second) if (s := n.rpartition("-")[2]) in seeds]

    def over(
        self, group: str, metric: Metric, *, signal: str = "score", family: str = "rollouts"
    ) -> tuple[Estimate, int]:
        """A metric over a group's seeds: the estimate, and how many seeds."""
        names = [n for n in self.names(group) if self._path(n, family).is_file()]
        return over_seeds([metric(self.samples(name, signal, family)) for name in names]), len(names)

    def difference(
        self, first: str, second: str, metric: Metric, *, signals: tuple[str, str] = ("score", "score")
    ) -> tuple[Estimate, int]:
        """Second minus first, paired by seed and problem."""
        pairs = self.paired(first, second)
        found = [metric(self.samples(b, signals[1])).minus(metric(self.samples(a, signals[0]))) for a, b in pairs]
        return over_seeds(found), len(pairs)

    def _path(self, name: str, family: str = "rollouts") -> Path:
        return self.folder / "runs" / name / f"{family}.judged.parquet"

    def _rollouts(self, name: str, family: str = "rollouts") -> Rollouts:
        path = self._path(name, family)
        if not path.is_file():
            raise InputError("the run has not finished", file=path, remedy="run `laser reproduce` to the end")
        return read(path).rollouts

    def _samples(self, name: str, signal: str = "score", family: str = "rollouts") -> Samples:
        return Samples.from_rollouts(self.rollouts(name, family), signal=signal)

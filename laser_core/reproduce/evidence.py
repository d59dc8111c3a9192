"""The rollouts behind the table, read once, and the statistics that the claims are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from laser_core.analysis import Samples, VotingCurve, voting_curve
from laser_core.analysis.estimates import Statistic, mean_statistic
from laser_core.analysis.scores.separation import (
    Ranked,
    auroc_statistic,
    cell_statistics,
    within_problem_statistic,
)
from laser_core.analysis.seeds import over_seeds
from laser_core.errors import InputError
from laser_core.reproduce.table import Measured
from laser_core.reproduce.text_rule import TEXT_RULE, with_text_rule
from laser_core.rollouts import Rollouts, read

THRESHOLD = 0.5
#: Columns beside the score: the grade that the model itself writes after a solution, and a reward model.
SELF_VERIFY, REWARD_MODEL = "signal.self_verify", "signal.reward_model"
Metric = Callable[[Samples], Statistic]


@dataclass(frozen=True)
class Timing:
    """A ratio of two times, as ``cost.json`` keeps it.

    Attributes
    ----------
    claim : str
        What was timed, in words.
    value, ci_low, ci_high : float
        Median over repeats and its 95% interval.
    at_most : float or None
        The limit that the claim sets, if any.
    note : str
        What to know when reading it.
    id : str
        Of its row in the table; empty in a file written without ids.
    """

    claim: str
    value: float
    ci_low: float
    ci_high: float
    at_most: float | None
    note: str
    id: str = ""


@dataclass(frozen=True)
class Cost:
    """What the score costs in time.

    Attributes
    ----------
    n_problems : int
    rows : tuple of Timing
    """

    n_problems: int = 0
    rows: tuple[Timing, ...] = ()


def balanced_f1(samples: Samples) -> Statistic:
    """Harmonic mean of TPR and TNR at score > 0.5, without tuning the threshold."""
    return cell_statistics(Ranked.of(samples), THRESHOLD).balanced_f1


def tpr(samples: Samples) -> Statistic:
    """Share of the correct solutions that are predicted correct, at score > 0.5."""
    return cell_statistics(Ranked.of(samples), THRESHOLD).tpr


def tnr(samples: Samples) -> Statistic:
    """Share of the incorrect solutions that are predicted incorrect, at score > 0.5."""
    return cell_statistics(Ranked.of(samples), THRESHOLD).tnr


def auroc(samples: Samples) -> Statistic:
    """AUROC over all solutions of all problems."""
    return auroc_statistic(Ranked.of(samples))


def within(samples: Samples) -> Statistic:
    """AUROC within a problem, averaged over problems with correct and incorrect solutions."""
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
    """A folder of evaluated runs, each read when it is first needed.

    Parameters
    ----------
    folder : Path
        With ``runs/NAME/rollouts.judged.parquet``, as :mod:`laser_core.reproduce.execute` leaves them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples = lru_cache(maxsize=None)(self._samples)
        self.rollouts = lru_cache(maxsize=16)(self._rollouts)

    @cached_property
    def cost(self) -> Cost:
        """What :func:`laser_core.reproduce.cost.measure_cost` found; without rows before it has run."""
        path = self.folder / "cost.json"
        if not path.is_file():
            return Cost()
        found = json.loads(path.read_text())
        return Cost(found["n_problems"], tuple(Timing(**row) for row in found["rows"]))

    def names(self, group: str) -> list[str]:
        """The finished runs of a group, by seed; the base has one, without a seed."""
        if group == "base":
            return ["base"] if self._path("base").is_file() else []
        found = (p.parent.name for p in self.folder.glob(f"runs/{group}-*/rollouts.judged.parquet"))
        return sorted((n for n in found if n.rpartition("-")[0] == group), key=lambda n: int(n.rpartition("-")[2]))

    def paired(self, first: str, second: str) -> list[tuple[str, str]]:
        """Runs of two groups with the same seed; the base is paired with every seed."""
        if first == "base":
            return [("base", name) for name in self.names(second)] if self.names("base") else []
        seeds = {name.rpartition("-")[2]: name for name in self.names(first)}
        return [(seeds[s], n) for n in self.names(second) if (s := n.rpartition("-")[2]) in seeds]

    def over(self, group: str, metric: Metric, *, signal: str = "score", family: str | None = None) -> Measured:
        """A metric over a group's seeds, on the family its runs were trained on or on another ``family``."""
        names = self.evaluated(group, family)
        return Measured(over_seeds([metric(self.samples(name, signal, family)) for name in names]), len(names))

    def evaluated(self, group: str, family: str | None = None) -> list[str]:
        """The runs of a group that were evaluated on the ``family``, by seed; None for the one they trained on."""
        return [name for name in self.names(group) if self._path(name, family).is_file()]

    def difference(
        self, first: str, second: str, metric: Metric, *, signals: tuple[str, str] = ("score", "score")
    ) -> Measured:
        """Second minus first, paired by seed and problem."""
        pairs = self.paired(first, second)
        found = [metric(self.samples(b, signals[1])).minus(metric(self.samples(a, signals[0]))) for a, b in pairs]
        return Measured(over_seeds(found), len(pairs))

    def constants(self, name: str) -> tuple[float, float]:
        """beta_v, and c_ref in nats, of a run.

        Raises
        ------
        InputError
            If the file does not say them.
        """
        meta = self.rollouts(name).meta
        if meta.beta_v is None or meta.c_ref is None:
            remedy = "delete the run's folder and run `laser reproduce` again"
            raise InputError("beta_v or c_ref is missing", file=self._path(name), remedy=remedy)
        return meta.beta_v, meta.c_ref

    def _path(self, name: str, family: str | None = None) -> Path:
        return self.folder / "runs" / name / f"{family or 'rollouts'}.judged.parquet"

    def _rollouts(self, name: str, family: str | None = None) -> Rollouts:
        path = self._path(name, family)
        if not path.is_file():
            raise InputError("the run has not finished", file=path, remedy="run `laser reproduce` to the end")
        return read(path).rollouts

    def _samples(self, name: str, signal: str = "score", family: str | None = None) -> Samples:
        if signal == TEXT_RULE:  # computed from the texts, not stored
            table = with_text_rule(self.rollouts(name, family))
            return self.samples(name, "score", family).with_signal(table, TEXT_RULE)
        return Samples.from_rollouts(self.rollouts(name, family), signal=signal)

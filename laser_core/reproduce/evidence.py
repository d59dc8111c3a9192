"""The rollouts behind the table, read once, and the statistics that the claims are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from laser_core.analysis import Samples, VotingCurve, voting_curve
from laser_core.analysis.estimates import Statistic, mean_statistic
from laser_core.analysis.scores.separation import (
    Ranked,
    auroc_statistic,
    cell_statistics,
    within_problem_statistic,
)
from laser_core.analysis.seeds import SeedVariance, over_seeds
from laser_core.errors import InputError
from laser_core.reproduce.plan import FIRST, TITLES
from laser_core.reproduce.rules import Rulebook, load_rules
from laser_core.reproduce.table import Claim, ClaimSection, Measured
from laser_core.reproduce.text_rule import (
    ARITHMETIC,
    CALCULATOR,
    FIRST_ATTEMPT,
    TEXT_RULE,
    with_arithmetic,
    with_calculator,
    with_first_attempt,
    with_text_rule,
)
from laser_core.rollouts import Rollouts, read

THRESHOLD = 0.5
#: Columns beside the score; :mod:`laser_core.reproduce.judged` makes them.
SECOND_PROMPT, REWARD_MODEL = "signal.second_prompt", "signal.reward_model"
PROBE_BASE, PROBE_OWN = "signal.probe_base", "signal.probe_own"
FREE_BEST, FREE_COMBINED = "signal.free_best", "signal.free_combined"
Metric = Callable[[Samples], Statistic]


@dataclass(frozen=True)
class Timing:
    """A time or a number of tokens, as ``cost.json`` keeps it.

    Attributes
    ----------
    claim : str
        What was measured, in words.
    value, ci_low, ci_high : float
        Median over repeats and its 95% interval.
    note : str
        What to know when reading it.
    id : str
        Of its row in the table, without the family.
    family : str
        Of the problems.
    """

    claim: str
    value: float
    ci_low: float
    ci_high: float
    note: str
    id: str
    family: str


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


def measured(statistics: Sequence[Statistic], seed_variance: SeedVariance | None = None) -> Measured:
    """The mean over seeds with the intervals that any rule may ask for."""
    at_95, at_90 = (over_seeds(statistics, level=level, seed_variance=seed_variance) for level in (0.95, 0.90))
    return Measured(at_95, len(statistics), at_90)


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

    @cached_property
    def facts(self) -> Mapping[str, Mapping[str, Any]]:
        """What :func:`laser_core.reproduce.judged.write_facts` wrote, by run; shipped runs have one file for all."""
        together = self.folder / "runs.json"
        if together.is_file():
            found: dict[str, Mapping[str, Any]] = json.loads(together.read_text(encoding="utf-8"))
            return found
        paths = sorted(self.folder.glob("runs/*/facts.json"))
        return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}

    @cached_property
    def rules(self) -> Rulebook:
        """The rules as they are now."""
        return load_rules()

    @cached_property
    def rules_at_start(self) -> Rulebook | None:
        """The rules as they were before the first run; None where nobody kept them."""
        path = self.folder / "rules.toml"
        return load_rules(path) if path.is_file() else None

    def row(self, section: ClaimSection, key: str, claim: str, found: Measured, *, family: str, **more: Any) -> Claim:
        """A row of the table, judged by the rule for ``key`` in ``family``, if there is one.

        Parameters
        ----------
        section : ClaimSection
        key : str
            Of the claim, as ``rules.toml`` calls it; the row's id starts with its family. ``rule_key`` in ``more``
            names another one.
        claim : str
            What was measured, in words.
        found : Measured
        family : str
            The family of the runs.
        more
            Further arguments of :meth:`Claim.of`.
        """
        asked = str(more.pop("rule_key", key))
        rule, start = self.rules.find(asked, family), self.rules_at_start
        before = rule if start is None else start.find(asked, family)
        return Claim.of(section, f"{family}.{key}", claim, found, rule=rule, before=before, family=family, **more)

    def names(self, group: str) -> list[str]:
        """The finished runs of a group, by seed; a base has one, without a seed."""
        if group.startswith("base"):
            return [group] if self._path(group).is_file() else []
        found = (p.parent.name for p in self.folder.glob(f"runs/{group}-*/rollouts.judged.parquet"))
        of_group = [n for n in found if n.rpartition("-")[0] == group and n.rpartition("-")[2].isdigit()]
        return sorted(of_group, key=lambda n: int(n.rpartition("-")[2]))

    def paired(self, first: str, second: str) -> list[tuple[str, str]]:
        """Runs of two groups with the same seed; the base is paired with every seed."""
        if first == "base":
            return [("base", name) for name in self.names(second)] if self.names("base") else []
        seeds = {name.rpartition("-")[2]: name for name in self.names(first)}
        return [(seeds[s], n) for n in self.names(second) if (s := n.rpartition("-")[2]) in seeds]

    def over(self, group: str, metric: Metric, *, signal: str = "score", family: str | None = None) -> Measured:
        """A metric over a group's seeds, on the family its runs were trained on or on another ``family``."""
        names = self.evaluated(group, family)
        return measured([metric(self.samples(name, signal, family)) for name in names])

    def evaluated(self, group: str, family: str | None = None) -> list[str]:
        """The runs of a group that were evaluated on the ``family``, by seed; None for the one they trained on."""
        return [name for name in self.names(group) if self._path(name, family).is_file()]

    def differences(self, first: str, second: str, metric: Metric, *, family: str | None = None) -> list[Statistic]:
        """Second minus first by the score, paired by seed and problem; ``family`` is where the base is evaluated."""
        pairs = self.paired(first, second)
        pairs = [(a, b) for a, b in pairs if self._path(a, family if a == "base" else None).is_file()]
        return [
            metric(self.samples(b)).minus(metric(self.samples(a, "score", family if a == "base" else None)))
            for a, b in pairs
        ]

    def difference(self, first: str, second: str, metric: Metric, *, family: str | None = None) -> Measured:
        """:meth:`differences`, over seeds."""
        return measured(self.differences(first, second, metric, family=family))

    def against(
        self, group: str, signal: str, metric: Metric, signal_metric: Metric | None = None, *, family: str | None = None
    ) -> Measured:
        """The score minus a signal on the same solutions of a group's runs: those that have both.

        Parameters
        ----------
        group, signal : str
        metric : callable
        signal_metric : callable, optional
            For the signal, where its threshold is another.
        family : str, optional
            As in :meth:`over`.
        """
        found = []
        for name in self.evaluated(group, family):
            score, other = self.samples(name, "score", family), self.samples(name, signal, family)
            both = np.isfinite(score.score) & np.isfinite(other.score)
            first, second = (s.with_score(np.where(both, s.score, np.nan)) for s in (score, other))
            found.append(metric(first).minus((signal_metric or metric)(second)))
        return measured(found)

    def among(self, group: str, signal: str, value: float, metric: Metric) -> Measured:
        """A metric of the score over a group's seeds, of the solutions alone whose ``signal`` has this ``value``."""
        found = []
        for name in self.evaluated(group):
            score, chosen = self.samples(name), self.samples(name, signal).score == value
            found.append(metric(score.with_score(np.where(chosen, score.score, np.nan))))
        return measured(found)

    def constants(self, name: str, family: str | None = None) -> tuple[float, float]:
        """beta_v, and c_ref in nats, of a run.

        Raises
        ------
        InputError
            If the file does not say them.
        """
        meta = self.rollouts(name, family).meta
        if meta.beta_v is None or meta.c_ref is None:
            remedy = "delete the run's folder and run `laser reproduce` again"
            raise InputError("beta_v or c_ref is missing", file=self._path(name, family), remedy=remedy)
        return meta.beta_v, meta.c_ref

    def _path(self, name: str, family: str | None = None) -> Path:
        return self.folder / "runs" / name / f"{family or 'rollouts'}.judged.parquet"

    def _rollouts(self, name: str, family: str | None = None) -> Rollouts:
        path = self._path(name, family)
        if not path.is_file():
            raise InputError("the run has not finished", file=path, remedy="run `laser reproduce` to the end")
        return read(path).rollouts

    def _samples(self, name: str, signal: str = "score", family: str | None = None) -> Samples:
        rollouts = self.rollouts(name, family)
        if signal == "score":
            return Samples.from_rollouts(rollouts)
        plain = self.samples(name, "score", family)
        if signal == TEXT_RULE:  # computed from the texts, not stored
            return plain.with_signal(with_text_rule(rollouts, family or family_of(name)), signal)
        if signal == CALCULATOR:
            return plain.with_signal(with_calculator(rollouts, family or family_of(name)), signal)
        if signal == ARITHMETIC:
            return plain.with_signal(with_arithmetic(rollouts), signal)
        if signal == FIRST_ATTEMPT:
            return plain.with_signal(with_first_attempt(rollouts), signal)
        if signal not in rollouts.table.column_names:
            return plain.with_score(np.full(plain.present.shape, np.nan))
        return plain.with_signal(rollouts, signal)


def family_of(run: str) -> str:
    """The family that a run was trained on, from its name.

    >>> family_of("words-laser-3"), family_of("ablation-bce-0")
    ('words', 'linear')
    """
    first = run.partition("-")[0]
    return first if first in TITLES else FIRST


def base_family(family: str) -> str | None:
    """What a base's evaluation on a family is called: its own for the first one, as a run's for the one it trained on.

    >>> base_family("linear"), base_family("words")
    (None, 'words')
    """
    return None if family == FIRST else family

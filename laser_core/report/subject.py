"""The subject of a report: one run, analysed by one signal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from laser_core.analysis import Estimate, Results, Samples, derived_from_verdict, why_not_judged
from laser_core.analysis.voting.curve import CurveName
from laser_core.report.parts import Solution, excerpt, number
from laser_core.rollouts import Rollouts

HEADLINE_N = 8  # solutions per vote in sentences that compare votes
UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"), 0)


@dataclass(frozen=True)
class Subject:
    """One run, its grid and its headline numbers.

    Attributes
    ----------
    rollouts : Rollouts
        The run's rows, with the free confidence signals.
    samples : Samples
        The grid; its score is ``signal``.
    summary : Results
        The headline numbers.
    signal : str
        "score" or "signal.<name>".
    threshold : float
        0.5 for the score, that of the best balanced F1 for any other signal; NaN where there is none.
    seed : int
        Seed of all random draws.
    n_max : int, optional
        Largest N of the voting curves.
    """

    rollouts: Rollouts
    samples: Samples
    summary: Results
    signal: str
    threshold: float
    seed: int
    n_max: int | None

    @property
    def label(self) -> str:
        """The signal's name in a sentence; as foreign text it is escaped where it is shown."""
        return "last-token score" if self.signal == "score" else excerpt(self.signal.removeprefix("signal."), 40)

    @cached_property
    def derived(self) -> str:
        """The finding in place of every other where the signal was derived from the verdict; empty otherwise."""
        reason = why_not_judged(self.signal, self.samples.score, self.samples.correct)
        return derived_from_verdict(self.label, reason) if reason else ""

    @property
    def drawn_threshold(self) -> float | None:
        """The threshold for figures; None where there is none."""
        return self.threshold if np.isfinite(self.threshold) else None

    @property
    def has_both(self) -> bool:
        """Whether there are correct and incorrect solutions with a score."""
        return bool(self.summary.separation.n_correct and self.summary.separation.n_incorrect)

    @cached_property
    def headline_n(self) -> int:
        """The N of sentences about votes: 8, or the largest below; 0 where votes cannot be counted."""
        voting = self.summary.voting
        if voting is None or not np.isfinite(voting.majority).any():
            return 0
        return voting.largest_n(HEADLINE_N)

    def voted(self, name: CurveName) -> Estimate:
        """A value of the voting curves at the headline N; undefined where votes cannot be counted."""
        curve = self.summary.voting
        return curve.at(name, self.headline_n) if curve is not None and self.headline_n else UNDEFINED

    @property
    def run(self) -> str:
        """The run's name."""
        return excerpt(self.rollouts.text("run")[int(self.samples.row[self.samples.present][0])], 80)

    def solution(self, row: int) -> Solution:
        """One rollout for a list."""
        values = self._shown.slice(int(row), 1).to_pylist()[0]
        label = {True: "correct", False: "incorrect", None: "not verified"}[values.get("correct")]
        score = values.get(self.signal)
        tokens = values.get("n_tokens")
        return Solution(
            problem_id=excerpt(values["problem_id"], 80),
            sample=str(values["sample"]),
            row=int(row),
            label=label,
            score="no score" if score is None or not np.isfinite(score) else number(score),
            n_tokens="" if tokens is None else f"{tokens:,} tokens",
            problem=excerpt(values.get("problem")),
            response=excerpt(values.get("response")),
            answer=excerpt(values.get("answer"), 80),
            reference=excerpt(values.get("reference_answer"), 80),
        )

    @cached_property
    def _shown(self) -> pa.Table:
        wanted = ("problem_id", "sample", "correct", "n_tokens", "problem", "response", "answer", "reference_answer")
        names = self.rollouts.table.column_names
        return self.rollouts.table.select([name for name in (*wanted, self.signal) if name in names])

"""Verified rollouts as something to learn the score from: tokenised, with a share of the problems held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from laser_core.errors import InputError
from laser_core.policy import Policy
from laser_core.rescoring.table import tokenised
from laser_core.rollouts import Rollouts
from laser_core.scoring import Solutions
from laser_core.tasks.problems import split_of

HELD_OUT = 0.2  # share of the problems


def held_out_rows(rollouts: Rollouts, held_out: float = HELD_OUT) -> np.ndarray:
    """Which rows of a table belong to held-out problems, bool of shape (n_rows,): decided by a hash of their text.

    A data set without official splits is divided by the same hash, so the problems of its test split would all be held
    out. Where a hash puts all problems on one side, that of a longer text divides them.
    """
    texts = rollouts.text("problem")
    for salt in ("", "once more: "):
        side = {text: _is_held_out(f"{salt}{text or ''}", held_out) for text in set(texts)}
        if len(set(side.values())) > 1:
            break
    return np.array([side[text] for text in texts], dtype=bool)


def _is_held_out(key: str, share: float) -> bool:
    return split_of(key, validation_share=0, test_share=share) == "test"


@dataclass(frozen=True)
class GradedSolutions:
    """Verified solutions that end, tokenised; R of them.

    Attributes
    ----------
    solutions : Solutions
    reward : Tensor of shape (R,)
        1 where the verifier found the answer correct, else 0.
    problem : ndarray of int of shape (R,)
        Number of each one's problem.
    held_out : bool ndarray of shape (R,)
    row : ndarray of int of shape (R,)
        Its row of the table.
    """

    solutions: Solutions
    reward: Tensor
    problem: np.ndarray
    held_out: np.ndarray
    row: np.ndarray

    @classmethod
    def of(cls, policy: Policy, rollouts: Rollouts, held_out_share: float = HELD_OUT) -> GradedSolutions:
        """The rows that have a verdict and are not truncated.

        Raises
        ------
        InputError
            If there are none of one kind, in the problems to learn from.
        """
        prompts, responses, ended = tokenised(policy, rollouts, 1)
        correct = rollouts.column("correct")
        row = np.flatnonzero(np.array(ended) & np.isfinite(correct))
        texts = rollouts.text("problem")
        held_out = held_out_rows(rollouts, held_out_share)[row]
        for value, kind in ((1, "correct"), (0, "incorrect")):
            if not (correct[row[~held_out]] == value).any():
                raise InputError(
                    f"no {kind} solution that ends, among the problems to learn from",
                    field="correct",
                    remedy="give rollouts with solutions of both kinds",
                )
        if not held_out.any():
            raise InputError(
                f"none of {len(set(texts)):,} problems is held out to judge the score on",
                field="fit_held_out",
                remedy="give rollouts of more problems, or hold out a larger share",
            )
        return cls(
            Solutions.pack([prompts[i] for i in row], [responses[i] for i in row], policy),
            torch.from_numpy(correct[row]).float(),
            np.unique([texts[i] or "" for i in row], return_inverse=True)[1],
            held_out,
            row,
        )

    def column(self, values: np.ndarray, n_rows: int) -> np.ndarray:
        """Values of shape (R,) as a column of the table: of shape (n_rows,), NaN in its other rows."""
        column = np.full(n_rows, np.nan)
        column[self.row] = values
        return column

    def batch(self, step: int, *, problems: int, most: int, seed: int) -> Tensor:
        """Which solutions a step learns from: at most ``most`` of each of some problems, drawn for this step."""
        rng = np.random.default_rng([seed, step])
        pool = np.unique(self.problem[~self.held_out])
        chosen = rng.choice(pool, min(problems, len(pool)), replace=False)
        rows = [rng.permutation(np.flatnonzero(self.problem == number))[:most] for number in chosen]
        return torch.from_numpy(np.concatenate(rows))

"""A student's rollout file, checked before anything is computed from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from laser_core.analysis import summarize
from laser_core.errors import InputError
from laser_core.rollouts import ANALYSIS_COLUMNS, Rollouts, read
from laser_core.tasks import load_problems

N_PROBLEMS, N_SOLUTIONS = 100, 16  # the homework's command
MOST_BYTES = 64_000_000  # unpacked, by the file's own account; the homework's files take about 6,000,000
COLUMNS = (*ANALYSIS_COLUMNS, "response")
NEEDED = ("problem_id", "response", "answer", "correct", "z_logprob", "score")
NUMBER = re.compile(r"-?\d{1,9}")


@dataclass(frozen=True)
class Work:
    """A sound file, problem by problem in the order of the file.

    Attributes
    ----------
    rollouts : Rollouts
        The table.
    correct : ndarray of bool of shape (100, 16)
        Whether each solution's answer is the equation's.
    score : ndarray of float of shape (100, 16)
        Last-token score; NaN where a solution was cut off.
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float
        Reference constant, in nats.
    """

    rollouts: Rollouts
    correct: np.ndarray
    score: np.ndarray
    beta_v: float
    c_ref: float

    @cached_property
    def numbers(self) -> dict:
        """What ``laser analyze --json`` prints of this file."""
        return summarize(self.rollouts).to_json()


def load(path: Path) -> Work:
    """Read a file and check that the homework's command can have made it.

    Parameters
    ----------
    path : Path
        A Parquet file.

    Raises
    ------
    InputError
        Where the file is not what ``laser sample`` writes, was made by another command, or was changed afterwards.
    """
    try:
        footer = pq.ParquetFile(path).metadata
    except (OSError, ValueError) as error:  # pyarrow's own errors are both
        raise InputError("this is not a Parquet file", file=path.name, remedy="hand in what --out wrote") from error
    unpacked = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    if footer.num_rows != N_PROBLEMS * N_SOLUTIONS or unpacked > MOST_BYTES:
        raise InputError(
            f"{footer.num_rows:,} solutions in {unpacked:,} bytes, where the homework's command makes "
            f"{N_PROBLEMS * N_SOLUTIONS:,}",
            file=path.name,
            remedy=f"sample with -n {N_SOLUTIONS} --limit {N_PROBLEMS}",
        )
    rollouts = read(path, columns=COLUMNS, fill=False, name=path.name).rollouts
    if missing := [name for name in NEEDED if not rollouts.has(name)]:
        raise InputError(
            f"no column {', '.join(missing)}", file=path.name, remedy="hand in what `laser sample` wrote, unchanged"
        )
    meta = rollouts.meta
    if meta.beta_v is None or meta.c_ref is None or not np.isfinite([meta.beta_v, meta.c_ref]).all():
        raise InputError("no beta_v or c_ref", file=path.name, remedy="hand in what `laser sample` wrote")
    correct = _verified(rollouts, path.name)
    score = _scored(rollouts, meta.beta_v, meta.c_ref, path.name)
    return Work(rollouts, correct, score, meta.beta_v, meta.c_ref)


def _verified(rollouts: Rollouts, file: str) -> np.ndarray:
    """Which answers are right, by our own list of the problems; the file must say the same of each."""
    wanted = load_problems("linear", "test")[:N_PROBLEMS]
    ids, answers, said = (rollouts.table[name].to_pylist() for name in ("problem_id", "answer", "correct"))
    if ids != [problem.problem_id for problem in wanted for _ in range(N_SOLUTIONS)]:
        raise InputError(
            "these are other problems, or other numbers of solutions",
            file=file,
            field="problem_id",
            remedy=f"sample with --task linear -n {N_SOLUTIONS} --limit {N_PROBLEMS}",
        )
    truth = [int(problem.answer) for problem in wanted for _ in range(N_SOLUTIONS)]
    right = [
        bool(answer and NUMBER.fullmatch(answer) and int(answer) == value)
        for answer, value in zip(answers, truth, strict=True)
    ]
    wrong = [row for row, (ours, theirs) in enumerate(zip(right, said, strict=True)) if bool(theirs) != ours]
    if wrong:
        raise InputError(
            f"the verdict does not follow from the answer, here and in {len(wrong) - 1} other rows",
            file=file,
            line=wrong[0] + 1,
            field="correct",
            remedy="hand in the file as the command wrote it",
        )
    return np.array(right).reshape(N_PROBLEMS, N_SOLUTIONS)


def _scored(rollouts: Rollouts, beta_v: float, c_ref: float, file: str) -> np.ndarray:
    """The scores, which must follow from the log-probs of z_c."""
    score, logprob = (np.asarray(rollouts.column(name), float) for name in ("score", "z_logprob"))
    off = ~np.isclose(score, beta_v * (logprob - c_ref), atol=1e-4, rtol=0, equal_nan=True)
    if off.any() or not np.isfinite(score).any():
        raise InputError(
            "the score does not follow from the log-prob of z_c",
            file=file,
            line=int(np.argmax(off)) + 1,
            field="score",
            remedy="hand in the file as the command wrote it",
        )
    return score.reshape(N_PROBLEMS, N_SOLUTIONS)

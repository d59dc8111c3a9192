"""verl's validation generations as a table in W&B and its kin (verl 0.9: utils/tracking.py).

One row a step, three columns a sample: ``step, input_1, output_1, score_1, input_2, ...``. The score is the verifier's
reward. There are only as many samples as ``log_val_generations`` asks for, of one solution a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, graded, survey_grades
from laser_core.rollouts.readers.verl import as_text

NAME = "verl-table"
TITLE = "verl validation table"


def matches(keys: set[str], record: Row) -> bool:
    """The first sample's three columns."""
    return {"step", "input_1", "output_1", "score_1"} <= keys


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the scores take."""
    scores = (value for _, record in records for name, value in record.items() if name.startswith("score_"))
    survey_grades((("score", value) for value in scores), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per sample."""
    number = 1
    while f"output_{number}" in record:
        score = record.get(f"score_{number}")
        row: Row = {
            "step": record.get("step"),
            "problem": as_text(record.get(f"input_{number}")),
            "response": record[f"output_{number}"],
            "signal.reward": score,
        }
        yield graded(row, ("score", score), None, context)
        number += 1

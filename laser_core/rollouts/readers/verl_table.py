"""verl's validation generations as a table in W&B and its kin (verl 0.9: utils/tracking.py).

One row a step, three columns a sample: ``step, input_1, output_1, score_1, input_2, ...``. The score is the verifier's
reward. There are only as many samples as ``log_val_generations`` asks for, of one solution a problem.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import Row, note_partial, note_verdict, reward_verdict
from laser_core.rollouts.readers.verl import as_text

NAME = "verl-table"
TITLE = "verl validation table"


def matches(keys: set[str], record: Row) -> bool:
    """The first sample's three columns."""
    return {"step", "input_1", "output_1", "score_1"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per sample."""
    number = 1
    while f"output_{number}" in record:
        score = record.get(f"score_{number}")
        verdict = reward_verdict(score)
        (note_partial if verdict is None else note_verdict)(context, "score")
        yield {
            "step": record.get("step"),
            "problem": as_text(record.get(f"input_{number}")),
            "response": record[f"output_{number}"],
            "correct": verdict,
            "signal.reward": score,
        }
        number += 1

"""AReaL's dumped trajectories, ``rollout/{version}/{task}.jsonl`` (areal 1.0: infra/workflow_executor.py).

One line a sample: ``task_id, sample_idx, seqlen, prompt_len, head_version, tail_version, reward, prompt, completion``,
both texts decoded with their special tokens. A task is one pass over one prompt; later passes have other numbers, so
the prompt says which problem it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, graded, survey_grades, user_turn
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number

NAME = "areal"
TITLE = "AReaL trajectories"


def matches(keys: set[str], record: Row) -> bool:
    """A task's sample with its lengths."""
    return {"task_id", "sample_idx", "seqlen", "prompt", "completion", "reward"} <= keys


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the reward takes."""
    survey_grades((("reward", record.get("reward")) for _, record in records), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    prompt, reward = record.get("prompt"), record.get("reward")
    if not isinstance(prompt, str):
        raise FieldError("prompt", f"expected text, found {type(prompt).__name__}")
    seqlen, prompt_len = as_number(record.get("seqlen")), as_number(record.get("prompt_len"))
    row: Row = {
        "step": record.get("tail_version"),
        "problem": user_turn(prompt),
        "response": record.get("completion"),
        "n_tokens": seqlen - prompt_len if seqlen is not None and prompt_len is not None else None,
        "signal.reward": reward,
    }
    yield graded(row, ("reward", reward), None, context)

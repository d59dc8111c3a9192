"""AReaL's dumped trajectories, ``rollout/{version}/{task}.jsonl`` (areal 1.0: infra/workflow_executor.py).

One line a sample: ``task_id, sample_idx, seqlen, prompt_len, head_version, tail_version, reward, prompt, completion``,
both texts decoded with their special tokens. A task is one pass over one prompt; later passes have other numbers, so
the prompt says which problem it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import Row, note_partial, note_verdict, number, reward_verdict, user_turn
from laser_core.rollouts.reading.fields import FieldError

NAME = "areal"
TITLE = "AReaL trajectories"


def matches(keys: set[str], record: Row) -> bool:
    """A task's sample with its lengths."""
    return {"task_id", "sample_idx", "seqlen", "prompt", "completion", "reward"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    prompt, reward = record.get("prompt"), record.get("reward")
    if not isinstance(prompt, str):
        raise FieldError("prompt", f"expected text, found {type(prompt).__name__}")
    seqlen, prompt_len = number(record.get("seqlen")), number(record.get("prompt_len"))
    verdict = reward_verdict(reward)
    (note_partial if verdict is None else note_verdict)(context, "reward")
    yield {
        "step": record.get("tail_version"),
        "problem": user_turn(prompt),
        "response": record.get("completion"),
        "correct": verdict,
        "n_tokens": seqlen - prompt_len if seqlen is not None and prompt_len is not None else None,
        "signal.reward": reward,
    }

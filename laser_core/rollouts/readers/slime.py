"""slime's samples as JSON lines, and Relax' rollout results (slime: utils/types.py, ``Sample.to_dict``; Relax:
``rollout_result/train/{step}.jsonl``).

One line a sample: ``prompt, response, label, reward, status, group_index, response_length`` and from slime ``index,
tokens`` (ids), ``loss_mask, rollout_log_probs, metadata``, from Relax ``rollout_id`` (the step) and ``sample_index``. A
reward is a number or an object such as ``{score, acc, pred}``. slime itself saves ``.pt`` files, which are pickles: save
the dictionaries as JSON lines instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import (
    Row,
    note_partial,
    note_verdict,
    number,
    reward_verdict,
    signals,
    user_turn,
    verdict_name,
    zero_one,
)
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "slime"
TITLE = "slime or Relax samples"

_UNFINISHED = ("pending", "aborted")


def matches(keys: set[str], record: Row) -> bool:
    """A response with its reward, its status and its group."""
    return {"prompt", "response", "reward", "status", "group_index"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    status = record.get("status")
    if status in _UNFINISHED:
        raise FieldError("status", f"the rollout is {status}: it was not finished")
    row: Row = {
        "step": record.get("rollout_id") if "sample_index" in record else None,
        "problem": user_turn(message_text(record.get("prompt"), field="prompt", role="user")),
        "reference_answer": as_text(record.get("label")),
        "response": record.get("response"),
        "truncated": status == "truncated",
        "n_tokens": record.get("response_length"),
    }
    logprobs = record.get("rollout_log_probs")
    if isinstance(logprobs, list) and len(logprobs) == record.get("response_length"):
        row["token_logprobs"] = logprobs
    yield row | _rewarded(record.get("reward"), context)


def _rewarded(reward: object, context: Context) -> Row:
    if not isinstance(reward, dict):
        verdict = reward_verdict(reward)
        (note_partial if verdict is None else note_verdict)(context, "reward")
        return {"correct": verdict, "signal.reward": number(reward)}
    name = verdict_name(reward)
    verdict = zero_one(reward[name]) if name is not None else reward_verdict(reward.get("score"))
    (note_partial if verdict is None else note_verdict)(context, f"reward.{name or 'score'}")
    row: Row = {"correct": verdict, "signal.reward": number(reward.get("score"))}
    if "pred" in reward:
        row["answer"] = as_text(reward["pred"])
    return row | signals(reward, leave_out=["score", *([name] if name is not None else [])])

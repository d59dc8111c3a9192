"""slime's samples as JSON lines, and Relax' rollout results (slime: utils/types.py, ``Sample.to_dict``; Relax:
``rollout_result/train/{step}.jsonl``).

One line a sample: ``prompt, response, label, reward, status, group_index, response_length`` and from slime ``index,
tokens`` (ids), ``loss_mask, rollout_log_probs, metadata``, from Relax ``rollout_id`` (the step) and ``sample_index``. A
reward is a number or an object such as ``{score, acc, pred}``. slime itself saves ``.pt`` files, which are pickles and
stay closed: save the dictionaries as JSON lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Grade, Row, graded, reference, survey_grades, user_turn, verdict_name
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "slime"
TITLE = "slime or Relax samples"

_BESIDE = {"status", "group_index", "response_length", "label", "rollout_id", "sample_index"}
_UNFINISHED = ("pending", "aborted")


def matches(keys: set[str], record: Row) -> bool:
    """A response with its reward, and two at least of the fields that go with them."""
    return {"prompt", "response", "reward"} <= keys and len(keys & _BESIDE) >= 2


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the reward takes."""
    survey_grades((_grade(record) for _, record in records), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    status = record.get("status")
    if status in _UNFINISHED:
        raise FieldError("status", f"the rollout is {status}: it was not finished")
    row: Row = {
        "step": record.get("rollout_id") if "sample_index" in record else None,
        "problem": user_turn(message_text(record.get("prompt"), field="prompt", role="user")),
        "reference_answer": reference(record.get("label")),
        "response": record.get("response"),
        "truncated": status == "truncated" if isinstance(status, str) else None,
        "n_tokens": record.get("response_length"),
    }
    logprobs = record.get("rollout_log_probs")
    if isinstance(logprobs, list) and len(logprobs) == record.get("response_length"):
        row["token_logprobs"] = logprobs
    reward = record.get("reward")
    parts = reward if isinstance(reward, dict) else {}
    row["signal.reward"] = parts.get("score") if parts else reward
    if "pred" in parts:
        row["answer"] = as_text(parts["pred"])
    yield graded(row, _grade(record), {k: v for k, v in parts.items() if k != "score"}, context)


def _grade(record: Row) -> Grade:
    """The part of the reward that plainly is a verdict, else its score, else the reward itself."""
    reward = record.get("reward")
    if not isinstance(reward, dict):
        return "reward", reward
    name = verdict_name(reward)
    return ("score", reward.get("score")) if name is None else (name, reward[name])

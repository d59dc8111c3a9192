"""verl's rollout and validation dumps, ``{step}.jsonl`` (verl 0.9, trainer/ppo/ray_trainer.py, ``_write_generations``).

One line a solution: ``input, output, gts, score, step`` and whatever the reward function returned beside the score
(``acc``, ``pred``, ``reward``, ...). ``score`` is the summed reward, not LaSeR's self-rewarding score, so it becomes
``signal.reward``; the verdict is ``acc`` where there is one, else score > 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laser_core.rollouts.readers import Context

NAME = "verl"
TITLE = "verl rollout dump"

_SAMPLE = re.compile(r"(?<=-[0-9a-f]{12})_\d+$")
_KNOWN = {"input", "output", "gts", "score", "step", "acc", "uid", "pred", "request_id"}


def matches(keys: set[str], record: dict) -> bool:
    """The four fields that every version writes."""
    return {"input", "output", "score", "step"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row."""
    problem, uid, score, acc = record.get("input"), record.get("uid"), record.get("score"), record.get("acc")
    row = {
        "step": record.get("step"),
        # A group's samples share a uid (a UUID), to which some versions append the sample's number.
        "problem_id": _SAMPLE.sub("", uid) if isinstance(uid, str) else None,
        "problem": as_text(problem),
        "response": record.get("output"),
        "reference_answer": as_text(record.get("gts")),
        "signal.reward": score,
    }
    if isinstance(record.get("pred"), str):
        row["answer"] = record["pred"]
    if acc is not None:
        row["correct"] = acc if isinstance(acc, bool) else _positive(acc)
    else:
        row["correct"] = _positive(score)
        context.notes["the file has no 'acc': a solution counts as correct where its score is above 0"] += 1
    for name, value in record.items():
        if name not in _KNOWN and isinstance(value, (int, float)) and not isinstance(value, bool):
            row["signal.extra_reward" if name == "reward" else f"signal.{name}"] = value
    context.notes[
        "verl's 'score' is the verifier's reward: kept as signal.reward, not as the self-rewarding score"
    ] += 1
    yield row


def _positive(value: object) -> object:
    """Above zero; anything but a number is left for the type check to refuse."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value > 0 if is_number and value == value else value


def as_text(value: object) -> str | None:
    """Text as it is; a single-item list as its item; numbers spelled out; anything else missing."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) or value is None:
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

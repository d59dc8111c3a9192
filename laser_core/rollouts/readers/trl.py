"""TRL's completions Parquet (trl 1.16, trainer/grpo_trainer.py, ``log_completions``): ``completions_00010.parquet``.

One row per completion: ``step, prompt, completion, <a column per reward function>, <extra columns>, advantage``; prompt
and completion are texts or lists of {role, content}. (Before 0.18 it was ``step`` as text, ``prompt, completion,
reward``, the sum alone.) Every number column between becomes a signal; ``correct`` comes
from the one the user maps to it (``--map accuracy_reward=correct``), else from a column that is plainly a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.identity import problem_hash
from laser_core.rollouts.reading.rewards import RewardScale, decide

NAME = "trl"
TITLE = "TRL completions"

_VERDICTS = ("accuracy_reward", "reasoning_accuracy_reward", "correctness_reward", "correct", "accuracy", "acc")
_REFERENCES = ("solution", "answer", "reference_answer", "ground_truth", "target")


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The columns that every version writes, and those that rewards go by."""
    one_row = {"step", "prompt", "completion"} <= keys and not isinstance(record["step"], list)
    return one_row and bool(keys & {"advantage", "advantages", "reward"})


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Learn which values the rewards take that may be the verdict."""
    chosen = [name for name, field in context.mapping.items() if field == "correct"]
    names = chosen or list(_VERDICTS)
    context.rewards |= {name: RewardScale() for name in names}
    for _, record in records:
        for name in names:
            context.rewards[name].add(record.get(name))
    context.found = next((name for name in names if chosen or context.rewards[name].top is not None), None)


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row."""
    problem = message_text(record.get("prompt"), field="prompt", role="user")
    step = record.get("step")
    row: dict[str, object] = {
        "step": int(step) if isinstance(step, str) and step.isdecimal() and len(step) < 10 else step,
        "problem_id": problem_hash(message_text(record.get("prompt"), field="prompt", role=None)),
        "problem": problem,
        "response": message_text(record.get("completion"), field="completion", role=None),
    }
    for name, value in record.items():
        if name in ("step", "prompt", "completion") or name in context.mapping:
            continue
        if isinstance(value, (int, float)):
            row[f"signal.{name}"] = int(value) if isinstance(value, bool) else value
        elif name in _REFERENCES and isinstance(value, str):
            row["reference_answer"] = value
    row |= {field: record.get(name) for name, field in context.mapping.items() if field != "correct"}
    verdict = context.found  # once for the file: where it is missing, no other reward takes its place
    if isinstance(verdict, str):
        row |= decide(row, verdict, record.get(verdict), context.rewards.get(verdict), context.notes)
    else:
        numbers = [name.removeprefix("signal.") for name in row if name.startswith("signal.")]
        choice = ", ".join(name for name in numbers if name not in ("advantage", "advantages")) or "none"
        context.notes[f"no reward is plainly the verdict; choose one (--map NAME=correct) of: {choice}"] += 1
    yield row


def message_text(value: object, *, field: str, role: str | None) -> str:
    """The text of a prompt or completion: as it is, or the contents of its messages (of one role, if there are any).

    Raises
    ------
    FieldError
        If it is neither text nor a list of messages.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not all(isinstance(message, dict) for message in value):
        raise FieldError(field, f"expected text or a list of messages, found {type(value).__name__}")
    wanted = [message for message in value if role is None or message.get("role") == role] or value
    parts = []
    for message in wanted:
        content = message.get("content")
        if isinstance(content, list):  # content in parts, of which only the texts can be read
            content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
        if not isinstance(content, (str, type(None))):
            raise FieldError(field, f"expected a message's text, found {type(content).__name__}")
        parts.append(content or "")
    return "\n".join(parts)

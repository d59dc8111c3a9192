"""Inspect AI's logs (inspect_ai 0.3: log/_log.py, ``EvalLog``, ``EvalSample``), as one .json or as an .eval archive.

Both arrive here as the log without its samples, then one record per sample: ``id, epoch, input, target, output,
scores``.
An epoch is a sample. A score's value is "C", "I", "P" (partial) or "N" (no answer), a number, a boolean, a list or an
object of these. One scorer gives the verdict for the whole log: the first with letter grades, else the first whose
values are all 0 or 1. The others are kept as signals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laser_core.rollouts.readers.chat_completions import chat_logprobs, message_content
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number, as_object, zero_or_one

NAME = "inspect-ai"
TITLE = "Inspect AI log"

_GRADES = {"C": True, "I": False, "N": False, "P": False}
_WHOLE = ("includes", "exact", "f1", "model_graded_qa", "model_graded_fact")  # their "answer" is the whole response
_CUT_OFF = ("max_tokens", "model_length", "length")


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The log's header, or a sample."""
    is_header = isinstance(record.get("eval"), dict) and "epoch" not in keys and ("version" in keys or len(keys) == 1)
    return is_header or {"id", "epoch", "input", "target", "output"} <= keys


@dataclass
class _Scorer:
    """How often one scorer gave a letter grade, a 0 or 1, or another number in the log."""

    grades: int = 0
    binary: int = 0
    other: int = 0

    def add(self, value: object) -> None:
        """Count a score's value."""
        if isinstance(value, str) and value in _GRADES:
            self.grades += 1
        elif zero_or_one(value) is not None:
            self.binary += 1
        elif as_number(value) is not None:
            self.other += 1


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Choose the scorer that gives the verdict, once for the whole log."""
    scorers: dict[str, _Scorer] = {}
    for _, record in records:
        for name, value in _values(record.get("scores")).items():
            scorers.setdefault(name, _Scorer()).add(value)
    graded = [name for name, scorer in scorers.items() if scorer.grades]
    # A number that happens to be 0 or 1 is no verdict where the same scorer also says 0.37.
    binary = [name for name, scorer in scorers.items() if scorer.binary and not scorer.other]
    context.found = next(iter([*graded, *binary]), None)


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row for a sample; none for the header."""
    if "epoch" not in record:
        _remember(record, context)
        return
    choice = _choice(record)
    epoch = record.get("epoch")
    row: dict[str, object] = {
        "problem_id": record.get("id"),
        "sample": epoch - 1 if isinstance(epoch, int) else epoch,
        "problem": message_text(record.get("input"), field="input", role="user"),
        "reference_answer": as_text(record.get("target")),
        "response": message_content(as_object(choice.get("message")).get("content")),
        "truncated": choice.get("stop_reason") in _CUT_OFF,
    }
    n_tokens = as_object(as_object(record["output"]).get("usage")).get("output_tokens")
    if isinstance(n_tokens, int):
        row["n_tokens"] = n_tokens
    yield row | chat_logprobs(choice.get("logprobs"), context) | _judged(record.get("scores"), context)


def _remember(record: dict[str, object], context: Context) -> None:
    log = as_object(record.get("eval"))
    context.meta["model"] = log.get("model")
    context.meta["task"] = log.get("task")
    context.meta["temperature"] = as_object(log.get("model_generate_config")).get("temperature")
    status = str(record.get("status") or "unknown")[:20]
    problem = f"this Inspect AI log holds no rollouts: it holds a header and no samples (status '{status}')"
    context.empty = problem, "save it with its samples: inspect log dump FILE > log.json"
    if status not in ("unknown", "success"):
        context.notes[f"the log's status is '{status}': samples may be missing"] += 1


def _choice(record: dict[str, object]) -> dict[str, object]:
    choices = as_object(record.get("output")).get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    error = record.get("error")
    why = str(error.get("message"))[:80] if isinstance(error, dict) else "the log does not say why"
    raise FieldError("output", f"the sample was not finished: {why}")


def _values(scores: object) -> dict[str, object]:
    """Each scorer's value; of an object of values each part, as ``scorer/part``."""
    found: dict[str, object] = {}
    for scorer, score in as_object(scores).items():
        value = as_object(score).get("value")
        if isinstance(value, dict):
            found |= {f"{scorer}/{part}": item for part, item in value.items()}
        else:
            found[scorer] = value
    return found


def _judged(scores: object, context: Context) -> dict[str, object]:
    """The chosen scorer's verdict and the answer it was given on, and the other scorers' numbers."""
    found: dict[str, object] = {}
    for name, value in _values(scores).items():
        verdict = _GRADES.get(value) if isinstance(value, str) else zero_or_one(value)
        number = as_number(value)
        if name != context.found:
            if verdict is not None or number is not None:
                found[f"signal.{name}"] = int(verdict) if verdict is not None else number
            continue
        scorer = name.rpartition("/")[0] or name
        answer = as_object(as_object(scores).get(scorer)).get("answer")
        if isinstance(answer, str) and scorer not in _WHOLE:
            found["answer"] = answer
        if verdict is not None:
            found["correct"] = verdict
            context.notes[f"correct comes from the scorer '{name}'"] += 1
            if value == "P":
                context.notes["partial credit ('P') counts as incorrect"] += 1
    return found

"""Inspect AI's logs (inspect_ai 0.3: log/_log.py, ``EvalLog``, ``EvalSample``), as one .json or as an .eval archive.

Both arrive here as the log without its samples, then one record a sample: ``id, epoch, input, target, output, scores``.
An epoch is a sample. A score's value is "C", "I", "P" (partial) or "N" (no answer), a number, a boolean or something
else; the first scorer that says right or wrong is believed, the others' numbers are kept as signals.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.openai_responses import chat_logprobs, message_content
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "inspect-ai"
TITLE = "Inspect AI log"

_VERDICTS = {"C": True, "I": False, "N": False, "P": False}
_WHOLE = ("includes", "exact", "f1", "model_graded_qa", "model_graded_fact")  # their "answer" is the whole response
_CUT_OFF = ("max_tokens", "model_length", "length")


def matches(keys: set[str], record: dict) -> bool:
    """The log's header, or a sample."""
    is_header = isinstance(record.get("eval"), dict) and "epoch" not in keys and ("version" in keys or len(keys) == 1)
    return is_header or {"id", "epoch", "input", "target", "output"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row for a sample; none for the header."""
    if "epoch" not in record:
        _remember(record, context)
        return
    choice = _choice(record)
    message = choice.get("message") if isinstance(choice.get("message"), dict) else {}
    problem = message_text(record.get("input"), field="input", role="user")
    epoch = record.get("epoch")
    row = {
        "problem_id": record.get("id"),
        "sample": epoch - 1 if isinstance(epoch, int) else epoch,
        "problem": problem,
        "reference_answer": as_text(record.get("target")),
        "response": message_content(message.get("content")),
        "truncated": choice.get("stop_reason") in _CUT_OFF,
    }
    usage = record["output"].get("usage")
    if isinstance(usage, dict) and isinstance(usage.get("output_tokens"), int):
        row["n_tokens"] = usage["output_tokens"]
    yield row | chat_logprobs(choice.get("logprobs"), context) | _judged(record.get("scores"), context)


def _remember(record: dict, context: Context) -> None:
    log = record["eval"] if isinstance(record.get("eval"), dict) else {}
    config = log.get("model_generate_config")
    context.meta["model"] = log.get("model")
    context.meta["task"] = log.get("task")
    context.meta["temperature"] = config.get("temperature") if isinstance(config, dict) else None


def _choice(record: dict) -> dict:
    output = record.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    error = record.get("error")
    why = str(error.get("message"))[:80] if isinstance(error, dict) else "the log does not say why"
    raise FieldError("output", f"the sample was not finished: {why}")


def _judged(scores: object, context: Context) -> dict:
    """The verdict, the answer it was given on, and the other scorers' numbers."""
    found: dict[str, object] = {}
    for scorer, score in scores.items() if isinstance(scores, dict) else ():
        if not isinstance(score, dict):
            continue
        value = score.get("value")
        verdict = _verdict(value)
        if verdict is not None and "correct" not in found:
            found["correct"] = verdict
            if isinstance(score.get("answer"), str) and scorer not in _WHOLE:
                found["answer"] = score["answer"]
            context.notes[f"correct is what the scorer '{scorer}' said"] += 1
            if value == "P":
                context.notes["partial credit ('P') counts as incorrect"] += 1
        elif verdict is not None or isinstance(value, (int, float)):
            found[f"signal.{scorer}"] = value if verdict is None else int(verdict)
    return found


def _verdict(value: object) -> bool | None:
    if isinstance(value, str):
        return _VERDICTS.get(value)
    return bool(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None

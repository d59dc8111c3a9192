"""evalscope's predictions and reviews since 1.0, ``{data set}_{subset}.jsonl`` (evalscope 1.14: evaluator/cache.py).

One line a sample. A review is ``index, target, messages, sample_score{score{value, extracted_prediction, prediction},
group_id}`` (1.0 wrote ``input`` for ``messages``, and the target as text), a prediction ``index, model, model_output,
messages``. Repeats of a problem share a ``group_id``; ``index`` numbers the samples, not the problems. The verdict is
the score's main value where that is 0 or 1, the other values are signals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.chat_completions import chat_logprobs, message_content
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Grade, Row, graded, objects, reference, survey_grades
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "evalscope"
TITLE = "evalscope predictions or reviews"

_CUT_OFF = ("max_tokens", "model_length", "length")


def matches(keys: set[str], record: Row) -> bool:
    """A review by its score, or a prediction by the model's output."""
    return {"index", "sample_score"} <= keys or {"index", "model_output", "messages"} <= keys


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the main score takes, and which samples a resumed run wrote again."""
    latest: dict[int, int] = {}
    for number, record in records:
        survey_grades([_grade(record)], context)
        sample = hash(repr((record.get("index"), _asked(record) or record.get("input"), _response(record))))
        if sample in latest:
            context.left_out.add(latest[sample])
        latest[sample] = number
    if context.left_out:
        context.notes["samples written more than once: only the last line counts"] += len(context.left_out)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row for a review, one for each choice of a prediction."""
    if "sample_score" in record:
        yield _reviewed(record, context)
    else:
        yield from _predicted(record, context)


def _reviewed(record: Row, context: Context) -> Row:
    sample = as_object(record.get("sample_score"))
    score = as_object(sample.get("score"))
    response = _response(record)
    if not isinstance(response, str):
        raise FieldError("sample_score", "the review holds neither the model's message nor its prediction")
    row: Row = {
        "problem_id": sample.get("group_id"),
        "problem": _asked(record) or record.get("input") or None,
        "reference_answer": _target(record, context),
        "response": response,
        "answer": as_text(score.get("extracted_prediction")),
        "sample": sample.get("generation_index"),
    }
    return graded(row, _grade(record), score.get("value"), context)


def _target(record: Row, context: Context) -> str | None:
    """The target answer; none where there are several, of which any may be given."""
    target = record.get("target")
    if isinstance(target, list) and len(target) > 1:
        context.notes["several accepted answers: only the file's own verdict says which solutions are correct"] += 1
    return reference(target)


def _grade(record: Row) -> Grade | None:
    """The review's main score: the one that is named so, else the first."""
    score = as_object(as_object(record.get("sample_score")).get("score"))
    values, main = as_object(score.get("value")), score.get("main_score_name")
    name = main if isinstance(main, str) and main in values else next(iter(values), None)
    return None if name is None else (name, values[name])


def _predicted(record: Row, context: Context) -> Iterator[Row]:
    output = as_object(record.get("model_output"))
    choices = objects(output.get("choices"))
    if not choices:
        raise FieldError("model_output", f"the request failed: {str(output.get('error') or 'it has no choices')[:100]}")
    context.meta.setdefault("model", record.get("model") or output.get("model"))
    context.notes["predictions hold no target answer and no verdict: read the reviews for both"] += len(choices)
    tokens = as_object(output.get("usage")).get("output_tokens")
    for choice in choices:
        stop = choice.get("stop_reason")
        row: Row = {
            "problem": _asked(record),
            "response": message_content(as_object(choice.get("message")).get("content")),
            "truncated": stop in _CUT_OFF if isinstance(stop, str) and stop != "unknown" else None,
            "n_tokens": tokens if len(choices) == 1 and tokens != 0 else None,
        }
        yield row | chat_logprobs(choice.get("logprobs"), context)


def _asked(record: Row) -> str | None:
    """What the user said before the first answer; later turns are feedback, and differ between samples."""
    texts = []
    for message in objects(record.get("messages")):
        if message.get("role") == "assistant":
            break
        if message.get("role") == "user":
            texts.append(message_content(message.get("content")) or "")
    return "\n".join(texts) or None


def _response(record: Row) -> object:
    """The last message of the assistant, else what the scorer was given."""
    score = as_object(as_object(record.get("sample_score")).get("score"))
    return _answered(record) or score.get("prediction")


def _answered(record: Row) -> str | None:
    """The last message of the assistant."""
    said = [message for message in objects(record.get("messages")) if message.get("role") == "assistant"]
    return message_content(said[-1].get("content")) if said else None

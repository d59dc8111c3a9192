"""evalscope's predictions and reviews before 1.0 (evalscope 0.17: evaluator/evaluator.py, ``_get_review``).

One line a problem: an OpenAI-style completion with ``answer_id, subset_name, raw_input{question, answer, ...}, index``;
in a review each choice holds ``review{gold, pred, result}``. Where the gold answer is the whole input it is spelled
``*Same as Input*``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.chat_completions import chat_logprobs, message_content
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Grade, Row, graded, objects, reference, survey_grades
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "evalscope-0"
TITLE = "evalscope predictions or reviews, before 1.0"

RESULT = "review_result"
SAME_AS_INPUT = "*Same as Input*"
_QUESTIONS = ("question", "problem", "prompt", "query", "input")
_ANSWERS = ("answer", "solution", "target", "gold", "expected_answer", "response")


def matches(keys: set[str], record: Row) -> bool:
    """A completion together with the raw input that it answers."""
    return {"choices", "raw_input", "index"} <= keys and bool(keys & {"answer_id", "review_id", "subset_name"})


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the reviews' results take."""
    choices = (choice for _, record in records for choice in objects(record.get("choices")))
    survey_grades((_grade(as_object(choice.get("review"))) for choice in choices), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row for each choice."""
    raw = as_object(record.get("raw_input"))
    choices = objects(record.get("choices"))
    if not choices:
        raise FieldError("choices", "no choices in this answer")
    if isinstance(record.get("model"), str):
        context.meta.setdefault("model", record["model"])
    usage = as_object(record.get("usage"))
    for choice in choices:
        stop, review = choice.get("finish_reason"), as_object(choice.get("review"))
        row: Row = {
            "problem": next((raw[name] for name in _QUESTIONS if isinstance(raw.get(name), str)), None),
            "reference_answer": _reference(raw, review.get("gold")),
            "response": message_content(as_object(choice.get("message")).get("content")),
            "truncated": stop == "length" if isinstance(stop, str) else None,
            "n_tokens": usage.get("completion_tokens") if len(choices) == 1 else None,
        }
        row |= chat_logprobs(choice.get("logprobs"), context)
        if review:
            row["answer"] = as_text(review.get("pred"))
            grade, result = _grade(review), review.get("result")
            row = graded(row, grade, result if isinstance(result, dict) else {RESULT: result}, context)
        yield row


def _reference(raw: Row, gold: object) -> str | None:
    """The gold answer of the review, else the input's; of a worked solution its final answer."""
    stated = as_text(gold)
    if stated is None or stated == SAME_AS_INPUT:
        stated = next((text for name in _ANSWERS if (text := as_text(raw.get(name))) is not None), None)
    return reference(stated)


def _grade(review: Row) -> Grade | None:
    """The review's result; of several scores the first."""
    result = review.get("result")
    if isinstance(result, dict):
        return next(iter(result.items()), None)
    return None if result is None else (RESULT, result)

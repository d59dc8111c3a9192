"""Outputs of the Qwen2.5-Math evaluation and its kin, ToRA's and SimpleRL's (math_eval.py, ``main``; evaluate.py).

One line a problem: ``idx, question, gt_cot, gt`` and parallel lists ``code`` (the responses), ``pred``, ``report``,
``score``; SimpleRL adds ``finish_reason``. ToRA's inference writes them before grading, without ``score``. Where the
grader ran out of time, the score is False.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, a_list, beside
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "qwen-math"
TITLE = "Qwen2.5-Math, ToRA or SimpleRL evaluation"


def matches(keys: set[str], record: Row) -> bool:
    """A ground truth beside lists of responses and predictions."""
    return {"gt", "code", "pred"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per response."""
    responses = a_list(record, "code")
    n = len(responses)
    answers, scores, stops = (beside(record, name, n) for name in ("pred", "score", "finish_reason"))
    question = record.get("question", record.get("problem"))
    if not isinstance(question, str):
        raise FieldError("question", f"expected text, found {type(question).__name__}")
    for response, answer, score, stop in zip(responses, answers, scores, stops, strict=True):
        yield {
            "problem_id": record.get("idx"),
            "problem": question,
            "reference_answer": as_text(record.get("gt")),
            "response": response,
            "answer": as_text(answer),
            "correct": score,
            "truncated": stop == "length" if isinstance(stop, str) else None,
        }

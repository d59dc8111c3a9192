"""lighteval's details Parquet, old and new (logging/info_loggers.py: ``DetailsLogger.Detail``).

From 0.11 on one row per document is ``doc`` {query, choices, gold_index, id, ...}, ``model_response`` {text,
output_tokens, ...: one per sample} and ``metric`` {name: value}. Up to 0.10 it is flat: ``example, full_prompt,
predictions, cont_tokens, gold, metrics, ...``; early versions wrote the lists as Python spells them. A metric is one
number for all samples, so with several each is verified anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from laser_core.answers.verify import extract_answer
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object, zero_or_one
from laser_core.rollouts.reading.lists import spelled

NAME = "lighteval"
TITLE = "lighteval details"

_METRICS = ("extractive_match", "em", "qem", "pass@k:k=1&n=1", "pass@k:k=1", "acc", "math_pass@1:1_samples")


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The three parts of a detail, or the old one's fields."""
    return {"doc", "metric", "model_response"} <= keys or {"example", "full_prompt", "predictions"} <= keys


@dataclass(frozen=True)
class _Detail:
    """A document with what was generated for it, whichever version wrote it."""

    problem: str
    id: object
    golds: list[str]
    texts: list[str]
    tokens: object
    metrics: dict[str, object]


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row per generated text."""
    detail = _new(record) if "model_response" in record else _old(record)
    verdict = next((zero_or_one(detail.metrics[name]) for name in _METRICS if name in detail.metrics), None)
    reference = _reference(detail.golds, context)
    counted = detail.tokens if isinstance(detail.tokens, list) and len(detail.tokens) == len(detail.texts) else []
    for i, text in enumerate(detail.texts):
        tokens = counted[i] if counted else None
        row: dict[str, object] = {
            "problem": detail.problem,
            "problem_id": detail.id,
            "reference_answer": reference,
            "response": text,
            "n_tokens": len(tokens) if isinstance(tokens, list) else None,
        }
        if len(detail.texts) == 1 and verdict is not None:
            row["correct"] = verdict
        elif i == 0:
            context.notes["no verdict of its own for each sample: each is verified anew"] += 1
        yield row


def _new(record: dict[str, object]) -> _Detail:
    doc, response = record.get("doc"), record.get("model_response")
    if not isinstance(doc, dict) or not isinstance(response, dict):
        raise FieldError("model_response", "expected the parts of a lighteval detail")
    return _Detail(
        problem=_problem(doc.get("query"), "doc"),
        id=doc.get("id"),
        golds=_golds(doc),
        texts=_generated(response.get("text"), "model_response"),
        tokens=response.get("output_tokens"),
        metrics=as_object(record.get("metric")),
    )


def _old(record: dict[str, object]) -> _Detail:
    gold, metrics, tokens = (spelled(record.get(name)) for name in ("gold", "metrics", "cont_tokens"))
    golds = gold if isinstance(gold, list) else [gold]
    one_call = tokens[0] if isinstance(tokens, list) and len(tokens) == 1 else None
    if isinstance(one_call, list) and all(isinstance(item, list) for item in one_call):
        tokens = one_call  # which made all samples
    return _Detail(
        problem=_problem(record.get("example"), "example"),
        id=None,
        golds=[text for text in golds if isinstance(text, str)],
        texts=_generated(spelled(record.get("predictions")), "predictions"),
        tokens=tokens,
        metrics=as_object(metrics),
    )


def _generated(texts: object, field: str) -> list[str]:
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise FieldError(field, "no generated text (a multiple-choice task has log-likelihoods instead)")
    return texts


def _problem(query: object, field: str) -> str:
    if not isinstance(query, str):
        raise FieldError(field, f"expected the problem's text, found {type(query).__name__}")
    return query


def _golds(doc: dict[str, object]) -> list[str]:
    """The correct choices, which for generated answers are the references."""
    indices, choices = doc.get("gold_index"), doc.get("choices")
    indices = indices if isinstance(indices, list) else [indices]
    if not isinstance(choices, list):
        return []
    found = [choices[i] for i in indices if isinstance(i, int) and 0 <= i < len(choices)]
    return [gold for gold in found if isinstance(gold, str)]


def _reference(golds: list[str], context: Context) -> str | None:
    """The answer that a solution is checked against; none where several are accepted, which one text cannot say."""
    answers = list(dict.fromkeys(extract_answer(gold, prose=False) or gold for gold in golds))
    if len(answers) > 1:
        context.notes["several accepted answers: only the file's own verdict says which solutions are correct"] += 1
    return answers[0] if len(answers) == 1 else None

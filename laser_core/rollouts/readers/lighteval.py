"""lighteval's details Parquet, old and new (logging/info_loggers.py: ``DetailsLogger.Detail``).

From 0.11 on one row a document is ``doc`` {query, choices, gold_index, id, ...}, ``model_response`` {text,
output_tokens, ...: one a sample} and ``metric`` {name: value}. Up to 0.10 it is flat: ``example, full_prompt,
predictions, cont_tokens, gold, metrics, ...``; early versions wrote the lists as Python spells them. A metric is one
number for all samples, so with several each is verified anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from laser_core.answers.verify import extract_answer
from laser_core.rollouts.readers import Context
from laser_core.rollouts.reading.fields import FieldError

NAME = "lighteval"
TITLE = "lighteval details"

_METRICS = ("extractive_match", "em", "qem", "pass@k:k=1&n=1", "pass@k:k=1", "acc", "math_pass@1:1_samples")
_SPELLED_CHARS = 2_000_000  # ast keeps some hundred bytes a node


def matches(keys: set[str], record: dict) -> bool:
    """The three parts of a detail, or the old one's fields."""
    return {"doc", "metric", "model_response"} <= keys or {"example", "full_prompt", "predictions"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row per generated text."""
    parts = _new(record) if "model_response" in record else _old(record)
    texts, tokens, gold, metrics = parts["texts"], parts["tokens"], parts["gold"], parts["metrics"]
    verdict = next((metrics[name] for name in _METRICS if isinstance(metrics.get(name), (int, float))), None)
    counted = isinstance(tokens, list) and len(tokens) == len(texts)
    for i, text in enumerate(texts):
        row = {
            "problem": parts["problem"],
            "problem_id": parts["id"],
            "reference_answer": (extract_answer(gold, prose=False) or gold) if gold else None,
            "response": text,
            "n_tokens": len(tokens[i]) if counted and isinstance(tokens[i], list) else None,
        }
        if len(texts) == 1 and verdict is not None:
            row["correct"] = verdict > 0
        elif i == 0:
            context.notes["no verdict of its own for each sample: each is verified anew"] += 1
        yield row


def _new(record: dict) -> dict:
    doc, response, metric = (record.get(k) for k in ("doc", "model_response", "metric"))
    if not isinstance(doc, dict) or not isinstance(response, dict):
        raise FieldError("model_response", "expected the parts of a lighteval detail")
    return {
        "texts": _generated(response.get("text"), "model_response"),
        "tokens": response.get("output_tokens"),
        "gold": _gold(doc),
        "metrics": metric if isinstance(metric, dict) else {},
        "problem": _problem(doc.get("query"), "doc"),
        "id": doc.get("id"),
    }


def _old(record: dict) -> dict:
    gold, metrics, tokens = (_spelled(record.get(name)) for name in ("gold", "metrics", "cont_tokens"))
    gold = gold[0] if isinstance(gold, list) and gold else gold
    one_call = tokens[0] if isinstance(tokens, list) and len(tokens) == 1 else None
    if isinstance(one_call, list) and all(isinstance(item, list) for item in one_call):
        tokens = one_call  # which made all samples
    return {
        "texts": _generated(_spelled(record.get("predictions")), "predictions"),
        "tokens": tokens,
        "gold": gold if isinstance(gold, str) else None,
        "metrics": metrics if isinstance(metrics, dict) else {},
        "problem": _problem(record.get("example"), "example"),
        "id": None,
    }


def _spelled(value: object) -> object:
    """A list or dict as it is, or read from Python's spelling of it."""
    if not isinstance(value, str) or value[:1] not in "[{(" or len(value) > _SPELLED_CHARS:
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def _generated(texts: object, field: str) -> list[str]:
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise FieldError(field, "no generated text (a multiple-choice task has log-likelihoods instead)")
    return texts


def _problem(query: object, field: str) -> str:
    if not isinstance(query, str):
        raise FieldError(field, f"expected the problem's text, found {type(query).__name__}")
    return query


def _gold(doc: dict) -> str | None:
    """The first correct choice, which for generated answers is the reference."""
    index, choices = doc.get("gold_index"), doc.get("choices")
    index = index[0] if isinstance(index, list) and index else index
    if not isinstance(choices, list) or not isinstance(index, int) or not 0 <= index < len(choices):
        return None
    return choices[index] if isinstance(choices[index], str) else None

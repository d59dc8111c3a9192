"""lighteval's details Parquet (lighteval 0.13, logging/info_loggers.py: ``Detail(doc, model_response, metric)``).

One row a document: ``doc`` {query, choices, gold_index, id, ...}, ``model_response`` {text, output_tokens, ...: one a
sample} and ``metric`` {name: value}. A metric is one number for all samples, so with several each is verified anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.fields import FieldError
from laser_core.rollouts.readers import Context
from laser_core.verify import extract_answer

NAME = "lighteval"
TITLE = "lighteval details"

_METRICS = ("extractive_match", "em", "pass@k:k=1&n=1", "pass@k:k=1", "acc")


def matches(keys: set[str], record: dict) -> bool:
    """The three parts of a detail."""
    return {"doc", "metric", "model_response"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row per generated text."""
    doc, response, metric = (record.get(k) for k in ("doc", "model_response", "metric"))
    if not isinstance(doc, dict) or not isinstance(response, dict):
        raise FieldError("model_response", "expected the parts of a lighteval detail")
    texts = response.get("text")
    if not isinstance(texts, list) or not texts:
        raise FieldError("model_response", "no generated text (a multiple-choice task has log-likelihoods instead)")
    gold = _gold(doc)
    tokens = response.get("output_tokens")
    metric = metric if isinstance(metric, dict) else {}
    verdict = next((metric[name] for name in _METRICS if isinstance(metric.get(name), (int, float))), None)
    counted = isinstance(tokens, list) and len(tokens) == len(texts)
    for i, text in enumerate(texts):
        row = {
            "problem": doc.get("query"),
            "problem_id": context.problem_name(doc.get("id"), doc.get("query")),
            "reference_answer": (extract_answer(gold, prose=False) or gold) if gold else None,
            "response": text,
            "n_tokens": len(tokens[i]) if counted and isinstance(tokens[i], list) else None,
        }
        if len(texts) == 1 and verdict is not None:
            row["correct"] = verdict > 0
        elif i == 0:
            context.notes["no verdict of its own for each sample: each is verified anew"] += 1
        yield row


def _gold(doc: dict) -> str | None:
    """The first correct choice, which for generated answers is the reference."""
    index, choices = doc.get("gold_index"), doc.get("choices")
    index = index[0] if isinstance(index, list) and index else index
    if not isinstance(choices, list) or not isinstance(index, int) or not 0 <= index < len(choices):
        return None
    return choices[index] if isinstance(choices[index], str) else None

"""search-and-learn's completions (huggingface/search-and-learn: search/best_of_n.py, search/beam_search.py).

One line per problem: ``problem, answer, completions[], scores[][], pred, completion_tokens[]``. ``scores`` are a
process reward model's, one per step: an external signal, not the policy's own score. ``pred`` is the search's choice,
not a sample's answer, so answers are extracted anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.fields import FieldError

NAME = "search-and-learn"
TITLE = "search-and-learn completions"


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """Completions with process rewards."""
    return {"problem", "completions", "scores"} <= keys


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row per completion; ``signal.prm_last`` and ``signal.prm_min`` aggregate its steps' rewards."""
    completions, scores = record.get("completions"), record.get("scores")
    if not isinstance(completions, list):
        raise FieldError("completions", f"expected a list, found {type(completions).__name__}")
    if not isinstance(scores, list) or len(scores) != len(completions):
        raise FieldError("scores", f"expected one list for each of the {len(completions)} completions")
    tokens = record.get("completion_tokens")
    tokens = tokens if isinstance(tokens, list) and len(tokens) == len(completions) else None  # -1: never counted
    problem = record.get("problem")
    if not isinstance(problem, str):
        raise FieldError("problem", f"expected text, found {type(problem).__name__}")
    context.notes["'scores' are a process reward model's: kept as signal.prm_last and signal.prm_min"] += 1
    for i, (completion, steps) in enumerate(zip(completions, scores, strict=True)):
        row = {
            "problem": problem,
            "problem_id": record.get("unique_id"),
            "reference_answer": record.get("answer"),
            "response": completion,
            "n_tokens": tokens[i] if tokens and tokens[i] != -1 else None,
        }
        known = steps if isinstance(steps, list) else [steps]
        if known and all(isinstance(step, (int, float)) for step in known):
            row |= {"signal.prm_last": known[-1], "signal.prm_min": min(known)}
        yield row

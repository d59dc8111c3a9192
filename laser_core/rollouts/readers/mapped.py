"""Any other table: the user says which column is which field, beginning from a guess by the columns' names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laser_core.rollouts.readers import Context, problem_hash
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.schema import COLUMNS

NAME = "mapping"
TITLE = "a table with mapped columns"

_GUESSES = {
    "response": ("response", "completion", "output", "generation", "solution", "model_output", "generated_text"),
    "problem": ("problem", "question", "prompt", "input", "query", "instruction"),
    "reference_answer": ("reference_answer", "ground_truth", "gold", "expected_answer", "target", "answer", "label"),
    "answer": ("predicted_answer", "extracted_answer", "pred", "prediction", "model_answer"),
    "correct": ("correct", "is_correct", "acc", "accuracy", "symbolic_correct", "label_correct"),
    "problem_id": ("problem_id", "id", "qid", "doc_id", "example_id", "question_id", "uid"),
    "sample": ("sample", "sample_id", "sample_idx", "rollout", "epoch"),
    "score": ("score", "self_rewarding_score", "self_reward"),
    "n_tokens": ("n_tokens", "num_tokens", "response_length", "completion_tokens"),
}


def suggest_mapping(columns: Sequence[str]) -> dict[str, str]:
    """A first guess for the mapping form, column -> field; every column and field is used at most once.

    Examples
    --------
    >>> suggest_mapping(["question", "Completion", "acc", "price"])
    {'Completion': 'response', 'question': 'problem', 'acc': 'correct'}
    """
    mapping: dict[str, str] = {}
    lowered = {column.lower().strip(): column for column in reversed(columns)}
    for field, names in _GUESSES.items():
        column = next((lowered[name] for name in names if name in lowered and lowered[name] not in mapping), None)
        if column is not None:
            mapping[column] = field
    exact = {column: column for column in columns if column in COLUMNS}
    taken = set(mapping.values())
    return mapping | {c: f for c, f in exact.items() if c not in mapping and f not in taken}


def matches(keys: set[str], record: dict) -> bool:
    """Never by itself: somebody has to say what the columns mean."""
    return False


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row, with the mapped columns."""
    row = {}
    for column, field in context.mapping.items():
        if column not in record:
            raise FieldError(column, "this column is missing here")
        row[field] = record[column]
    if row.get("problem_id") is None and isinstance(row.get("problem"), str):
        row["problem_id"] = problem_hash(row["problem"])
    yield row

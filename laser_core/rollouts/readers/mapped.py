"""Any other table: the user says which column is which field, beginning from a guess by the columns' names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number
from laser_core.rollouts.reading.lists import exploded, is_chat, look_up, spelled
from laser_core.rollouts.reading.rewards import RewardScale, decide
from laser_core.rollouts.schema import COLUMNS

NAME = "mapping"
TITLE = "a table with mapped columns"

_GUESSES = {
    "response": (
        *("response", "completion", "output", "generation", "solution", "model_output", "generated_text"),
        *("responses", "completions", "outputs", "generations", "solutions", "replies", "generated_texts"),
    ),
    "problem": ("problem", "question", "prompt", "input", "query", "instruction"),
    "reference_answer": ("reference_answer", "ground_truth", "gold", "expected_answer", "target", "answer", "label"),
    "answer": ("predicted_answer", "extracted_answer", "pred", "prediction", "model_answer", "preds", "predictions"),
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
    lowered = {column.lower().strip().rsplit(".", 1)[-1]: column for column in reversed(columns)}  # doc.question
    lowered |= {column.lower().strip(): column for column in reversed(columns)}
    for field, names in _GUESSES.items():
        column = next((lowered[name] for name in names if name in lowered and lowered[name] not in mapping), None)
        if column is not None:
            mapping[column] = field
    exact = {column: column for column in columns if column in COLUMNS}
    taken = set(mapping.values())
    return mapping | {c: f for c, f in exact.items() if c not in mapping and f not in taken}


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """Never by itself: somebody has to say what the columns mean."""
    return False


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Learn which values the column takes that is mapped to the verdict: it may be a reward."""
    columns = [column for column, field in context.mapping.items() if field == "correct"]
    if not columns:
        return
    scale = context.rewards["correct"] = RewardScale()
    for _, record in records:
        with contextlib.suppress(KeyError):
            value = spelled(look_up(record, columns[0]))
            for item in value if isinstance(value, list) else [value]:
                scale.add(_number(item))


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row per solution, with the mapped columns; parallel lists hold several solutions."""
    fields: dict[str, object] = {}
    columns = {field: column for column, field in context.mapping.items()}
    for column, field in context.mapping.items():
        try:
            fields[field] = look_up(record, column)
        except KeyError:
            raise FieldError(column, "this column is missing here") from None
    for row in exploded(_from_cells(fields), file_names=columns):
        response = row.get("response")
        if is_chat(response) and "problem" not in row:
            row["problem"] = message_text(response, field=columns["response"], role="user")
        for name, role in (("problem", "user"), ("response", "assistant")):
            if is_chat(row.get(name)):
                row[name] = message_text(row[name], field=columns.get(name, name), role=role)
        reward = _number(row.get("correct"))
        if reward is not None and not context.rewards["correct"].is_zero_or_one:
            del row["correct"]
            row |= decide(row, columns["correct"], reward, context.rewards["correct"], context.notes)
            row.setdefault(f"signal.{columns['correct']}", reward)
        yield row


def _number(value: object) -> float | None:
    """A number, from a CSV cell too."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return as_number(value)


def _from_cells(fields: dict[str, object]) -> dict[str, object]:
    """The fields with lists that CSV cells spell out, where the response and another column list as many solutions.

    A lone list may be a response of its own: a model can well answer with one.
    """
    response = fields.get("response")
    responses = spelled(response) if isinstance(response, str) else None
    if not isinstance(responses, list) or not all(isinstance(item, str) for item in responses):
        return fields
    lists = {name: spelled(value) for name, value in fields.items() if name != "response"}
    beside = {name: value for name, value in lists.items() if isinstance(value, list) and len(value) == len(responses)}
    return fields | beside | {"response": responses} if beside else fields

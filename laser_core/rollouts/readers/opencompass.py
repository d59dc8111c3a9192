"""OpenCompass' predictions and results (opencompass 0.5: openicl/icl_inferencer, tasks/openicl_eval.py).

``predictions/*.json`` is one object, ``{"0": {origin_prompt, prediction, gold}, ...}``, ``results/*.json`` with
details holds ``{"details": {"0": {prompt, origin_prediction, predictions, references, correct}, ...}}``; here both
arrive as one record a problem. A prompt is text or a list of ``{role, prompt}``; several samples are a list of
predictions, or the same prompt again under another number.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.answers.verify import extract_answer
from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import Row, beside, objects
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "opencompass"
TITLE = "OpenCompass predictions or results"

_ASKING = ("HUMAN", "user")


def matches(keys: set[str], record: Row) -> bool:
    """A prediction beside its prompt, or one of the graded details."""
    return {"origin_prompt", "prediction"} <= keys or {"origin_prediction", "predictions", "references"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per prediction."""
    graded = "origin_prediction" in record
    problem = _asked(record, "prompt" if graded else "origin_prompt")
    reference = as_text(record.get("references" if graded else "gold"))
    responses, lengths = _responses(record, "origin_prediction" if graded else "prediction")
    for response, length in zip(responses, lengths, strict=True):
        row: Row = {
            "problem": problem,
            "reference_answer": None if reference is None else extract_answer(reference, prose=False) or reference,
            "response": response,
            "n_tokens": length,
        }
        if graded and len(responses) == 1:
            row["answer"] = as_text(record.get("predictions"))
            row["correct"] = record.get("correct")
        yield row


def _asked(record: Row, field: str) -> str:
    """What the user asked last; few-shot examples come before it as turns of their own."""
    prompt = record.get(field)
    if isinstance(prompt, str):
        return prompt
    turns = [turn.get("prompt", turn.get("content")) for turn in objects(prompt) if turn.get("role") in _ASKING]
    if not turns or not isinstance(turns[-1], str):
        raise FieldError(field, "expected text, or a list of turns with one of the user's")
    return turns[-1]


def _responses(record: Row, field: str) -> tuple[list[object], list[object]]:
    """The predictions and their lengths in tokens, where those were kept."""
    prediction, length = record.get(field), record.get("res_length")
    if isinstance(prediction, dict):  # from models that report more than the text
        prediction = prediction.get("prediction")
    if isinstance(prediction, list) and prediction and all(isinstance(text, str) for text in prediction):
        return prediction, beside(record, "res_length", len(prediction))
    if not isinstance(prediction, str):
        raise FieldError(field, "no generated text (a multiple-choice task may have log-likelihoods instead)")
    return [prediction], [length if isinstance(length, int) else None]

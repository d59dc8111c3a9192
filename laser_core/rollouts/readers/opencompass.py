"""OpenCompass' predictions and results (opencompass 0.5: openicl/icl_inferencer, tasks/openicl_eval.py).

``predictions/*.json`` is one object, ``{"0": {origin_prompt, prediction, gold}, ...}``, ``results/*.json`` with
details holds ``{"details": {"0": {prompt, origin_prediction, predictions, references, correct}, ...}}``; here both
arrive as one record a problem. Since 0.5 details may be grouped, ``[{example_abbr, pred[], answer[], correct[]}]``. A
prompt is text or a list of ``{role, prompt}``; several samples are a list of predictions, or the same prompt again
under another number.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, a_list, beside, objects, reference
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "opencompass"
TITLE = "OpenCompass predictions or results"

_ASKING = ("HUMAN", "user")
_GOLDS = ("gold", "refr", "reference")  # the last two in benchmarks that keep their own copy of the writer
_NOT_TEXT = "no generated text (a multiple-choice task may have log-likelihoods instead)"


def matches(keys: set[str], record: Row) -> bool:
    """A prediction beside its prompt, one of the formatted details, or one of the grouped ones."""
    formatted = {"origin_prediction", "predictions", "references"} <= keys
    return {"origin_prompt", "prediction"} <= keys or formatted or {"example_abbr", "pred", "answer"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per prediction."""
    if "example_abbr" in record:
        yield from _grouped(record, context)
    elif "origin_prediction" in record:
        yield _formatted(record)
    else:
        yield from _predicted(record)


def _predicted(record: Row) -> Iterator[Row]:
    """The samples of a problem, or the rounds of a conversation, each with a prompt and a gold answer of its own."""
    prompts, predictions = record.get("origin_prompt"), record.get("prediction")
    golds = next((record[name] for name in _GOLDS if name in record), None)
    if isinstance(prompts, list) and isinstance(predictions, list) and isinstance(golds, list):
        for prompt, prediction, gold in zip(prompts, predictions, golds, strict=False):
            yield from _predicted({"origin_prompt": prompt, "prediction": prediction, "gold": gold})
        return
    problem = _asked(record, "origin_prompt")
    responses, lengths = _responses(record)
    for response, length in zip(responses, lengths, strict=True):
        yield {
            "problem": problem,
            "reference_answer": reference(golds),
            "response": response,
            "n_tokens": length,
        }


def _formatted(record: Row) -> Row:
    response = record.get("origin_prediction")
    if not isinstance(response, str):
        raise FieldError("origin_prediction", _NOT_TEXT)
    return {
        "problem": _asked(record, "prompt"),
        "reference_answer": reference(record.get("references")),
        "response": response,
        "answer": as_text(record.get("predictions")),
        "correct": record.get("correct"),
    }


def _grouped(record: Row, context: Context) -> Iterator[Row]:
    """The replicas of a problem, of which the file keeps what was extracted and no more."""
    answers = a_list(record, "pred")
    n = len(answers)
    references, verdicts = beside(record, "answer", n), beside(record, "correct", n)
    context.notes["these details hold extracted answers, no responses: read predictions/*.json for both"] += n
    for answer, gold, verdict in zip(answers, references, verdicts, strict=True):
        text = as_text(answer)
        yield {
            "problem_id": record.get("example_abbr"),
            "reference_answer": reference(gold),
            "response": text if text is not None else str(answer),
            "answer": text,
            "correct": verdict,
        }


def _asked(record: Row, field: str) -> str:
    """What the user asked last; few-shot examples come before it as turns of their own."""
    prompt = record.get(field)
    if isinstance(prompt, str):
        return prompt
    turns = [turn.get("prompt", turn.get("content")) for turn in objects(prompt) if turn.get("role") in _ASKING]
    if not turns or not isinstance(turns[-1], str):
        raise FieldError(field, "expected text, or a list of turns with one of the user's")
    return turns[-1]


def _responses(record: Row) -> tuple[list[object], list[object]]:
    """The predictions and their lengths in tokens, where those were kept."""
    prediction, length = record.get("prediction"), record.get("res_length")
    if isinstance(prediction, dict):  # from models that report more than the text
        prediction = prediction.get("prediction")
    if isinstance(prediction, list) and prediction and all(isinstance(text, str) for text in prediction):
        return prediction, beside(record, "res_length", len(prediction))
    if not isinstance(prediction, str):
        raise FieldError("prediction", _NOT_TEXT)
    return [prediction], [length if isinstance(length, int) else None]

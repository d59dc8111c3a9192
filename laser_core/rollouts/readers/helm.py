"""HELM's scenario states and display predictions (crfm-helm 0.5: adaptation/request_state.py, common/request.py).

``scenario_state.json`` is one object with ``adapter_spec`` and ``request_states``, of which each arrives here as a
record: ``instance{id, input{text}, references[{output{text}, tags}]}, request{model, prompt, temperature},
result{success, completions[{text, tokens[{text, logprob}], finish_reason{reason}}]}, train_trial_index,
output_mapping``. The metrics lie in another file, so answers are verified. Clients without log-probs write 0.0.

``display_predictions.json`` is a list of ``{instance_id, perturbation, predicted_text, mapped_output, stats{name:
value}}``, with the verdicts and without the problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Grade, Row, graded, objects, survey_grades, verdict_name
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "helm"
TITLE = "HELM scenario state or display predictions"

_CUT_OFF = ("length", "max_tokens")
_STATED = re.compile(r"(?i:answer(?:\s+is)?)[\s:*]*\(?([A-Z])\b")
_BEGINNING = re.compile(r"\A\s*\(?([A-Z])[).:]")


def matches(keys: set[str], record: Row) -> bool:
    """A request and its instance, or a predicted text and its metrics."""
    return {"instance", "request", "train_trial_index"} <= keys or {"instance_id", "predicted_text", "stats"} <= keys


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the metric takes that may be the verdict."""
    survey_grades((_grade(record) for _, record in records), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per completion."""
    if "predicted_text" in record:
        yield _displayed(record, context)
        return
    if record.get("reference_index") is not None:
        raise FieldError("reference_index", "this request scores a given choice; it did not generate an answer")
    instance, request, result = (as_object(record.get(name)) for name in ("instance", "request", "result"))
    completions = objects(result.get("completions"))
    if not completions:
        raise FieldError("result", f"the request failed: {str(result.get('error') or 'it has no completions')[:100]}")
    context.meta.setdefault("model", request.get("model"))
    context.meta.setdefault("temperature", request.get("temperature"))
    choices = as_object(record.get("output_mapping"))
    for completion in completions:
        stop = as_object(completion.get("finish_reason")).get("reason")
        row: Row = {
            "problem_id": instance.get("id"),
            "problem": as_object(instance.get("input")).get("text"),
            "reference_answer": _reference(instance, choices, context),
            "response": completion.get("text"),
            "truncated": stop in _CUT_OFF if isinstance(stop, str) else None,
        }
        if choices:
            row["answer"] = _letter(str(completion.get("text")), choices)
        yield row | _tokens(objects(completion.get("tokens")))


def _displayed(record: Row, context: Context) -> Row:
    context.notes["display predictions hold no problems and no references: read scenario_state.json for both"] += 1
    change = as_object(record.get("perturbation")).get("name")
    name = record.get("instance_id")
    row: Row = {
        "problem_id": name if change is None else f"{name}, {change}",
        "response": record.get("predicted_text"),
    }
    return graded(row, _grade(record), record.get("stats"), context)


def _grade(record: Row) -> Grade | None:
    """The metric that plainly is a verdict."""
    stats = as_object(record.get("stats"))
    name = verdict_name(stats)
    return None if name is None else (name, stats[name])


def _letter(text: str, choices: Row) -> str | None:
    """The choice that a completion names: by itself, after "the answer is", or in its beginning."""
    alone = text.strip().strip("().:* ")
    named = [*_BEGINNING.findall(text), *_STATED.findall(text), alone]
    return next((letter for letter in reversed(named) if letter in choices), None)


def _reference(instance: Row, choices: Row, context: Context) -> object:
    """The correct reference, in multiple choice the letter that stands for it; none where several are correct."""
    known = objects(instance.get("references"))
    texts = [as_object(item.get("output")).get("text") for item in known if _is_correct(item)]
    if len(texts) > 1:
        context.notes["several accepted answers: solutions cannot be verified against one of them"] += 1
    if len(texts) != 1:
        return None
    return next((letter for letter, choice in choices.items() if choice == texts[0]), texts[0])


def _is_correct(reference: Row) -> bool:
    tags = reference.get("tags")
    return isinstance(tags, list) and "correct" in tags


def _tokens(tokens: list[Row]) -> Row:
    if not tokens:
        return {}
    row: Row = {"n_tokens": len(tokens), "tokens": [token.get("text") for token in tokens]}
    logprobs = [token.get("logprob") for token in tokens]
    return row | {"token_logprobs": logprobs} if any(logprobs) else row

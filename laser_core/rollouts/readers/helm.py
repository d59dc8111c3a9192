"""HELM's scenario states, ``scenario_state.json`` (crfm-helm 0.5: adaptation/request_state.py, common/request.py).

One object with ``adapter_spec`` and ``request_states``, of which each arrives here as a record: ``instance{id,
input{text}, references[{output{text}, tags}]}, request{model, prompt, temperature}, result{success, completions[{text,
tokens[{text, logprob}], finish_reason{reason}}]}, train_trial_index, output_mapping``. The metrics lie in another file,
so answers are verified. Clients without log-probs write 0.0 for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import Row, objects
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "helm"
TITLE = "HELM scenario state"

_CUT_OFF = ("length", "max_tokens")


def matches(keys: set[str], record: Row) -> bool:
    """A request and its instance."""
    return {"instance", "request", "train_trial_index"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per completion."""
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
            letter = str(completion.get("text")).strip().rstrip(".")
            row["answer"] = letter if letter in choices else None
        yield row | _tokens(objects(completion.get("tokens")))


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

"""OpenAI's Responses API, single, listed or as a batch's output (openai 3.57: types/responses/response.py).

A response is ``id, object: "response", status, incomplete_details, model, output[], usage``; of the output's items the
messages hold ``content[{type: "output_text", text, logprobs[]}]``. A batch wraps each in ``custom_id,
response{status_code, body}, error``; problems come from the batch's input file, given along.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.chat_completions import batch_problem, chat_logprobs
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, objects
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "openai-responses"
TITLE = "OpenAI Responses"


def matches(keys: set[str], record: Row) -> bool:
    """A response by its kind, or a batch's line that wraps one."""
    body = as_object(as_object(record.get("response")).get("body")) if "custom_id" in keys else record
    return body.get("object") == "response" and "output" in body


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    body = record
    if "custom_id" in record:
        body = as_object(as_object(record.get("response")).get("body"))
        if isinstance(record.get("error"), dict) or not body:
            why = as_object(record.get("error")).get("message") or "it holds no answer"
            raise FieldError("response", f"the request failed: {str(why)[:100]}")
    if isinstance(body.get("error"), dict):
        raise FieldError("error", f"the request failed: {str(as_object(body['error']).get('message'))[:100]}")
    items = [item for item in objects(body.get("output")) if item.get("type") == "message"]
    parts = [part for item in items for part in objects(item.get("content"))]
    texts = [text for part in parts if isinstance(text := part.get("text", part.get("refusal")), str)]
    cut_off = _cut_off(body)
    if not texts and not cut_off:  # all of a limit may go into reasoning: that is a solution without an answer
        raise FieldError("output", "the response holds no message")
    if isinstance(body.get("model"), str):
        context.meta.setdefault("model", body["model"])
    row: Row = {
        "response": "".join(texts),
        "truncated": cut_off,
        "n_tokens": as_object(body.get("usage")).get("output_tokens"),
    }
    logprobs = [item for part in parts for item in objects(part.get("logprobs"))]
    yield row | batch_problem(record, body, context) | chat_logprobs({"content": logprobs}, context)


def _cut_off(body: Row) -> bool | None:
    if body.get("status") == "completed":
        return False
    return as_object(body.get("incomplete_details")).get("reason") == "max_output_tokens" or None

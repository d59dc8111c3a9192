"""Anthropic's Messages API, single, listed or as a batch's results (anthropic 2.14: types/message.py, types/messages).

A message is ``id, type: "message", role, model, content[{type: "text", text}], stop_reason, usage``; a batch wraps each
in ``custom_id, result{type, message | error}``. Problems come from the batch's requests, given along.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.chat_completions import batch_problem
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, objects
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "anthropic"
TITLE = "Anthropic messages"

_CUT_OFF = ("max_tokens", "model_context_window_exceeded")


def matches(keys: set[str], record: Row) -> bool:
    """A message by its kind, or a batch's line by its typed result."""
    if {"custom_id", "result"} <= keys:
        return isinstance(as_object(record.get("result")).get("type"), str)
    return record.get("type") == "message" and {"role", "content", "stop_reason"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    message = record
    if "custom_id" in record:
        result = as_object(record.get("result"))
        message = as_object(result.get("message"))
        if result.get("type") != "succeeded":
            error = as_object(result.get("error"))
            why = as_object(error.get("error", error)).get("message") or result.get("type")
            raise FieldError("result", f"the request failed: {str(why)[:100]}")
    texts = [text for part in objects(message.get("content")) if isinstance(text := part.get("text"), str)]
    stop = message.get("stop_reason")
    if not texts and stop not in _CUT_OFF:  # all of a limit may go into thinking: that is a solution without an answer
        raise FieldError("content", "the message holds no text")
    if isinstance(message.get("model"), str):
        context.meta.setdefault("model", message["model"])
    row: Row = {
        "response": "".join(texts),
        "truncated": stop in _CUT_OFF if isinstance(stop, str) else None,
        "n_tokens": as_object(message.get("usage")).get("output_tokens"),
    }
    yield row | batch_problem(record, message, context)

"""Chat and text completions of OpenAI's API and of servers that speak it (vLLM, SGLang), single, listed or in batches.

Names from openai 3.52's types: a chat completion is ``id, object, created, model, choices[]``, a choice ``index,
message{role, content}, finish_reason, logprobs{content[{token, logprob, top_logprobs}]}``; a text completion's choice
is ``text, logprobs{tokens[], token_logprobs[]}``. A batch's output wraps each in ``custom_id,
response{status_code, body}, error``; vLLM's offline batches do so too. -9999.0 stands for a log-prob that the server
does not know, and vLLM may spell tokens as ``token_id:123``.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "openai"
TITLE = "OpenAI-style completions"

UNKNOWN = -9999.0


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """A completion by its choices, or a line of a batch's output by its wrapping."""
    if "custom_id" in keys and "response" in keys:
        body = as_object(as_object(record["response"]).get("body"))
        return body.get("object") != "response"  # that is the Responses API's
    choices = record.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and ("message" in first or "text" in first) and "raw_input" not in keys


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row for each choice."""
    body = _body(record) if "custom_id" in record else record
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise FieldError("choices", "no choices in this response")
    if isinstance(body.get("model"), str):
        context.meta.setdefault("model", body["model"])
    usage = as_object(body.get("usage"))
    problem = batch_problem(record, body, context)
    for choice in choices:
        if not isinstance(choice, dict):
            raise FieldError("choices", f"expected objects, found {type(choice).__name__}")
        row: dict[str, object] = {
            "response": _text(choice),
            "truncated": choice.get("finish_reason") == "length" if choice.get("finish_reason") else None,
            "n_tokens": usage.get("completion_tokens") if len(choices) == 1 else None,
        }
        yield row | problem | _logprobs(choice.get("logprobs"), context)


def batch_problem(record: dict[str, object], body: dict[str, object], context: Context) -> dict[str, object]:
    """The columns ``problem_id`` and ``problem`` of an answer, by its ``custom_id`` where it came from a batch."""
    custom_id = record.get("custom_id")
    problem = context.requests.get(str(custom_id)) if custom_id is not None else None
    if custom_id is not None and problem is None:
        context.notes["no problem text: give the batch's input file as well; it is joined by custom_id"] += 1
    # Many batches ask for one sample a request: there the text says which answers belong together.
    name = None if problem is not None else custom_id if custom_id is not None else body.get("id")
    return {"problem_id": name, "problem": problem}


def _body(record: dict[str, object]) -> dict[str, object]:
    error = record.get("error")
    response = record.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    if isinstance(error, dict) or not isinstance(body, dict):
        why = error.get("message") or error.get("code") if isinstance(error, dict) else "it holds no answer"
        raise FieldError("response", f"the request failed: {str(why)[:100]}")
    if "choices" not in body:
        reason = as_object(body.get("error")).get("message") or "no choices"
        raise FieldError("response", f"the request failed: {str(reason)[:100]}")
    return body


def _text(choice: dict[str, object]) -> object:
    message = choice.get("message")
    if not isinstance(message, dict):
        return choice.get("text")
    content = message_content(message.get("content"))
    return content if content is not None else message.get("refusal")


def _logprobs(logprobs: object, context: Context) -> dict[str, object]:
    """Tokens and log-probs of a choice, in either API's spelling."""
    if isinstance(logprobs, dict) and isinstance(logprobs.get("tokens"), list):
        return _known(logprobs["tokens"], logprobs.get("token_logprobs"), context)
    return chat_logprobs(logprobs, context)


def chat_logprobs(logprobs: object, context: Context) -> dict[str, object]:
    """The columns ``tokens`` and ``token_logprobs`` from a chat choice's logprobs; none where there are none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content or not all(isinstance(item, dict) for item in content):
        return {}
    return _known([item.get("token") for item in content], [item.get("logprob") for item in content], context)


def _known(tokens: list[object], values: object, context: Context) -> dict[str, object]:
    row: dict[str, object] = {"tokens": tokens}
    if isinstance(values, list) and values:
        if UNKNOWN in values:
            context.notes["a log-prob of -9999.0 is one that the server did not know: read as unknown"] += 1
        row["token_logprobs"] = [None if value == UNKNOWN else value for value in values]
    return row


def is_request(record: dict[str, object]) -> bool:
    """Whether a record is one request of a batch's input file, OpenAI's or Anthropic's.

    Examples
    --------
    >>> is_request({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": []}})
    True
    >>> is_request({"custom_id": "1", "params": {"messages": []}})
    True
    """
    body = record.get("body") if {"method", "url"} <= record.keys() else record.get("params")
    return "custom_id" in record and isinstance(body, dict)


def prompt_text(body: dict[str, object]) -> str | None:
    """The problem in a request: the last user message, or the prompt of a text completion.

    Examples
    --------
    >>> prompt_text({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]})
    '1+1?'
    """
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return prompt
    messages = body.get("messages") if isinstance(body.get("messages"), list) else body.get("input")
    if isinstance(messages, str):
        return messages
    messages = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    said = [m for m in messages if m.get("role") == "user"] or messages[-1:]
    return message_content(said[-1].get("content")) if said else None


def message_content(content: object) -> str | None:
    """The text of a message's content, which may come in parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if texts else None
    return content if isinstance(content, str) else None

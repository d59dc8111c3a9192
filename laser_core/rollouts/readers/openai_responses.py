"""Chat and text completions of OpenAI's API and of servers that speak it (vLLM, SGLang)."""

from __future__ import annotations

NAME = "openai"
TITLE = "OpenAI-style completions"


def is_request(record: dict) -> bool:
    """Whether a record is one request of a batch's input file.

    Examples
    --------
    >>> is_request({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": []}})
    True
    """
    return {"custom_id", "method", "url", "body"} <= record.keys() and isinstance(record["body"], dict)


def prompt_text(body: dict) -> str | None:
    """The problem in a request: the last user message, or the prompt of a text completion.

    Examples
    --------
    >>> prompt_text({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]})
    '1+1?'
    """
    if isinstance(body.get("prompt"), str):
        return body["prompt"]
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

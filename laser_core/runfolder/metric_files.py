"""Files of metrics that a trainer wrote, as events: one dict a step.

Known are JSON Lines with a ``step`` (our own ``events.jsonl``; verl's file logger, which nests the numbers in
``data``), and the ``log_history`` of transformers' ``trainer_state.json``, which TRL's trainers write.
"""

from __future__ import annotations

import json

MAX_BYTES = 2**26
MAX_STEPS = 200_000
MAX_METRICS = 2000
_TEXTS = ("response", "output", "completion", "prompt", "input", "problem")  # rollouts have them, metrics do not


def metrics_in(content: bytes) -> list[dict[str, object]] | None:
    """The events in a file of metrics; None where it is something else.

    Parameters
    ----------
    content : bytes
        The whole file.

    Examples
    --------
    >>> metrics_in(b'{"step": 1, "data": {"actor/kl_loss": 0.5}}')
    [{'step': 1, 'actor/kl_loss': 0.5}]
    >>> metrics_in(b'{"log_history": [{"step": 1, "kl": 0.5}, {"epoch": 2}]}')
    [{'step': 1, 'kl': 0.5}]
    >>> metrics_in(b'{"step": 1, "response": "2"}') is None
    True
    """
    if len(content) > MAX_BYTES:
        return None
    records = _records(content.decode("utf-8", errors="replace"))
    events = [event for record in records[:MAX_STEPS] if (event := _event(record)) is not None]
    return events if events and 2 * len(events) >= len(records) else None


def _records(text: str) -> list[object]:
    """The objects of a document or of its lines; a broken line, such as one still being written, is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        found = []
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
        return found
    history = document.get("log_history") if isinstance(document, dict) else document
    if not isinstance(history, list):
        return [document]
    return [record for record in history if isinstance(record, dict) and "step" in record]


def _event(record: object) -> dict[str, object] | None:
    """A step and its numbers; None for an object that is no event."""
    if not isinstance(record, dict) or any(isinstance(record.get(name), str) for name in _TEXTS):
        return None
    step = record.get("step", record.get("global_step"))
    if isinstance(step, float) and step.is_integer():
        step = int(step)
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < 2**31:
        return None
    nested = record.get("data")
    values = record | nested if isinstance(nested, dict) else record
    numbers: dict[str, object] = {
        str(name)[:100]: value
        for name, value in list(values.items())[:MAX_METRICS]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in ("step", "global_step")
    }
    return {"step": step, **numbers} if numbers else None

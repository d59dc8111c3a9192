"""Our own rows as JSON lines or CSV: the rollout table's field names."""

from __future__ import annotations

import json
from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.schema import check_version, column_type

NAME = "jsonl"
TITLE = "LaSeR rollouts"
HEADER = "laser_core"  # the optional first line's only key, or CSV's last column: the table's metadata


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The header line, or at least the fields that say which solution of which problem this is."""
    return keys == {HEADER} or {"problem_id", "sample", "response"} <= keys


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """The record itself, without the fields the table does not have: whoever reads keeps short ones as tags."""
    if HEADER in record:
        _remember(record[HEADER], context)
        if len(record) == 1:
            return
    row = {name: value for name, value in record.items() if column_type(name) is not None}
    for name in record.keys() - row.keys() - {HEADER}:
        note = f"unknown field '{name}': kept as a tag if it is short; to analyse a number, name it 'signal.{name}'"
        context.notes[note] += 1
    yield row


def _remember(header: object, context: Context) -> None:
    """Keep the table's metadata; in CSV it is spelled out in the first row's cell."""
    if isinstance(header, str) and header:
        try:
            header = json.loads(header)
        except (ValueError, RecursionError):
            return
    if isinstance(header, dict):
        check_version(header.get("format_version"), context.file)
        context.meta |= header

"""Our own rows as JSON lines or CSV: the rollout table's field names."""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.schema import check_version, column_type

NAME = "jsonl"
TITLE = "LaSeR rollouts"
HEADER = "laser_core"  # the optional first line's only key: the table's metadata


def matches(keys: set[str], record: dict) -> bool:
    """The header line, or at least the fields that say which solution of which problem this is."""
    return keys == {HEADER} or {"problem_id", "sample", "response"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """The record itself, without the fields the table does not have."""
    if set(record) == {HEADER}:
        if isinstance(record[HEADER], dict):
            check_version(record[HEADER].get("format_version"), context.file)
            context.meta |= record[HEADER]
        return
    row = {name: value for name, value in record.items() if column_type(name) is not None}
    for name in record.keys() - row.keys():
        context.notes[f"ignored the unknown field '{name}'; to keep a number, name it 'signal.{name}'"] += 1
    yield row

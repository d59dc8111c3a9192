"""Files for the tests of readers: the fixtures, JSON lines on the spot, and columns of what was read."""

from __future__ import annotations

import json
from pathlib import Path

from laser_core.rollouts import ReadResult, read
from laser_core.rollouts.reading import records, source

FIXTURES = Path(__file__).parent.parent / "fixtures"


def fixture(name: str, **options: object) -> ReadResult:
    """A fixture, read."""
    return read(FIXTURES / name, **options)


def lines(*objects: object) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in objects)


def columns(result: ReadResult, *names: str) -> list[list]:
    """The values of columns, in the file's order."""
    return [result.rollouts.table[name].to_pylist() for name in names]


def records_of(name: str) -> list[dict]:
    """A fixture's records, as readers get them."""
    with source.open_source(FIXTURES / name) as opened:
        return [record.value for record in opened.records() if isinstance(record, records.Record) and record.line]

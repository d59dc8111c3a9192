"""Find out from a file's first records which format it is, and show them to whoever has to map its columns."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from laser_core.errors import InputError
from laser_core.rollouts.canonical_parquet import is_canonical_parquet
from laser_core.rollouts.readers import READERS, canonical, chat_completions, mapped, ms_swift, trl
from laser_core.rollouts.readers.mapped import suggest_mapping
from laser_core.rollouts.reading.lists import leaves, look_up
from laser_core.rollouts.reading.records import Record
from laser_core.rollouts.reading.source import Source, open_source
from laser_core.rollouts.schema import COLUMNS, column_type

SNIFFED_RECORDS = 20
SNIFFED_LINES = 1000
SHOWN_CHARS = 200
REQUESTS = "openai-requests"  # no rollouts: read together with their answers


@dataclass(frozen=True)
class Preview:
    """What a file looks like before it is read.

    Attributes
    ----------
    format : str or None
        The reader's NAME ("parquet" for our own Parquet, "openai-requests" for a batch's input, which is read together
        with its answers); None where the columns have to be mapped.
    title : str
        The format in words, for the screen.
    columns : tuple of str
        Field names of the first records in order of appearance, nested ones by their path.
    rows : tuple of dict
        The first records as field -> short text, for a table on the screen.
    mapping : dict of str to str
        A first guess: column -> field of the rollout table.
    shape : str
        Hash of the column names; files of the same shape can share a mapping.
    """

    format: str | None
    title: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    mapping: dict[str, str]
    shape: str


def preview(source: str | Path | bytes | BinaryIO, *, name: str | None = None, n: int = 5) -> Preview:
    """Look at the first ``n`` records of a file, for the form that maps its columns.

    Raises
    ------
    InputError
        If the file is nothing this program reads, or none of its first records can be read.

    Examples
    --------
    >>> look = preview(b"question,said,right\\nWhat is 1+1?,2,yes\\n", name="mine.csv")
    >>> look.format is None, look.columns, look.mapping
    (True, ('question', 'said', 'right'), {'question': 'problem'})
    """
    with open_source(source, name=name) as opened:
        first = _first_records(opened)
        known: str | None = None
        title = mapped.TITLE
        if is_canonical_parquet(opened, format=None, mapping=None):
            known, title = "parquet", canonical.TITLE
        elif reader := _recognised(first):
            known, title = reader.NAME, reader.TITLE
        if not first:
            choose_reader(opened, format=None, mapping=None)
            raise InputError("none of its first lines can be read", file=opened.name, remedy="choose another file")
    if known is None and chat_completions.is_request(first[0].value):
        known, title = REQUESTS, "requests of an OpenAI batch"
    columns = _columns(first)
    rows = tuple({path: _short(_found(record.value, path)) for path in columns} for record in first[:n])
    return Preview(known, title, columns, rows, suggest_mapping(columns), shape_of(columns))


def shape_of(columns: tuple[str, ...]) -> str:
    """A hash of the column names, whatever their order.

    Examples
    --------
    >>> shape_of(("a", "b")) == shape_of(("b", "a")), shape_of(("a",)) == shape_of(("b",))
    (True, False)
    """
    return hashlib.blake2b("\0".join(sorted(columns)).encode("utf-8", "replace"), digest_size=8).hexdigest()


def choose_reader(opened: Source, *, format: str | None, mapping: dict[str, str] | None) -> ModuleType:
    """The reader that was named, else the first one that recognises the file's first records.

    Raises
    ------
    InputError
        If the name is unknown, the mapping is unusable, or nothing recognises the file.
    """
    known = {reader.NAME: reader for reader in READERS} | {"parquet": canonical, "csv": canonical}
    if format is not None and format not in known:
        raise InputError(f"unknown format '{format}'", file=opened.name, remedy=f"choose one of {', '.join(known)}")
    first = _first_records(opened)
    chosen = known.get(format) or _recognised(first)
    if mapping:
        chosen = chosen if chosen in (trl, ms_swift) else mapped
        _check_mapping(opened, mapping, [record.value for record in first])
    if chosen is mapped and not mapping:
        raise InputError(
            "this format needs a column mapping", file=opened.name, remedy="say which column is which field"
        )
    if chosen is not None:
        return chosen
    if first and chat_completions.is_request(first[0].value):
        remedy = "add the batch's output file: the requests supply the problem texts"
        raise InputError(
            "this is a batch's input file: it holds requests and no answers", file=opened.name, remedy=remedy
        )
    if not first:
        return canonical  # every record so far is broken: reading on will say how
    columns = _columns(first)
    shown = ", ".join(column[:60] for column in sorted(columns)[:30])
    more = f" and {len(columns) - 30} more" if len(columns) > 30 else ""
    guess = suggest_mapping(columns)
    pairs = [*guess.items(), *([] if "response" in guess.values() else [("COLUMN", "response")])]
    raise InputError(
        f"not a known rollout format; its columns are: {shown}{more}",
        file=opened.name,
        remedy="say which column is which field, nested ones by their path, for example "
        + " ".join(f"--map {column[:60]}={field}" for column, field in pairs)
        + " (a list in the response's column holds one solution per item)",
    )


def _first_records(opened: Source) -> list[Record]:
    begin = itertools.islice(opened.records(), SNIFFED_LINES)  # the first lines may be the broken ones
    return list(itertools.islice((record for record in begin if isinstance(record, Record)), SNIFFED_RECORDS))


def _recognised(first: list[Record]) -> ModuleType | None:
    return next((reader for reader in READERS for r in first[:5] if reader.matches(set(r.value), r.value)), None)


def _columns(first: list[Record]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for record in first for path in leaves(record.value)))


def _found(record: dict[str, object], path: str) -> object:
    try:
        return look_up(record, path)
    except KeyError:
        return None


def _short(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def _check_mapping(opened: Source, mapping: dict[str, str], first: list[dict[str, object]]) -> None:
    for column, field in mapping.items():
        if column_type(field) is None:
            remedy = f"choose one of {', '.join(COLUMNS)} or signal.<name>"
            raise InputError(f"'{column}' is mapped to a field that does not exist", field=field, remedy=remedy)
        if first and not any(_holds(record, column) for record in first):
            shown = ", ".join(sorted({path for record in first for path in leaves(record)})[:30])
            raise InputError("no such column", file=opened.name, field=column, remedy=f"its columns are: {shown}")
    twice = next((f for f in mapping.values() if list(mapping.values()).count(f) > 1), None)
    if twice:
        raise InputError("two columns are mapped to this field", field=twice, remedy="map one of them elsewhere")


def _holds(record: dict[str, object], path: str) -> bool:
    try:
        look_up(record, path)
    except KeyError:
        return False
    return True

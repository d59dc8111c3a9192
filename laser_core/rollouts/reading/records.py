"""Records out of JSON lines, a JSON document, CSV or Parquet: dicts with a line number, or the reason why not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.errors import InputError
from laser_core.rollouts.reading.documents import reshaped
from laser_core.rollouts.reading.lists import is_chat

MAX_LINE_BYTES = 64 * 2**20  # 128 responses of 8,000 tokens with log-probs and traces fit
BATCH_ROWS = 1024


@dataclass(frozen=True)
class Refusal:
    """A record or row that was left out.

    Attributes
    ----------
    line : int
        Where it stands in the file, counted from 1; in Parquet and JSON documents, which row it is.
    field : str or None
        The field at fault, if it is one.
    reason : str
        Why, in plain words.
    file : str or None
        The file, where several are read together.
    """

    line: int
    field: str | None
    reason: str
    file: str | None = None


@dataclass(frozen=True)
class Record:
    """One record of a file: its line, its fields, and whether they are all text (as in CSV)."""

    line: int
    value: dict[str, Any]
    is_text: bool = False


class DamagedError(Exception):
    """Compressed data that ends early or does not unpack; what came before it is good."""


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(next(key for key in keys if keys.count(key) > 1))
    return value


def parse_json(text: str) -> object:
    """A JSON value; unlike ``json.loads`` it refuses an object that says two things under one key.

    Raises
    ------
    ValueError
        If the text is not JSON or repeats a key.
    RecursionError
        If it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unique)


def json_lines(stream: BinaryIO) -> Iterator[Record | Refusal]:
    """One record per line; blank lines are skipped, lines over MAX_LINE_BYTES are refused without being kept."""
    line = 0
    while True:
        line += 1
        try:
            data = stream.readline(MAX_LINE_BYTES + 1)
            if len(data) > MAX_LINE_BYTES and not data.endswith(b"\n"):
                _skip_line(stream)
                yield Refusal(line, None, f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB")
                continue
        except DamagedError as error:
            yield Refusal(line, None, f"the compressed data is damaged or cut off from here on ({error})")
            return
        if not data:
            return
        if line == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        if data.strip():
            yield parse_object(line, data, complete=data.endswith(b"\n"))


def _skip_line(stream: BinaryIO) -> None:
    while True:
        data = stream.readline(2**20)
        if not data or data.endswith(b"\n"):
            return


def parse_object(line: int, data: bytes, *, complete: bool) -> Record | Refusal:
    """One JSON object as a record, or why it is none; ``complete`` tells whether a cut-off is out of the question."""
    try:
        value = parse_json(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Refusal(line, None, f"not UTF-8 text (byte {error.start + 1} of the line)")
    except RecursionError:
        return Refusal(line, None, "nested too deeply")
    except _DuplicateKeyError as error:
        return Refusal(line, str(error), "the key appears twice")
    except ValueError as error:
        cut = "; the file seems to be cut off here" if not complete else ""
        return Refusal(line, None, f"not JSON: {str(error)[:120]}{cut}")
    if not isinstance(value, dict):
        return Refusal(line, None, f"expected an object with named fields, found {type(value).__name__}")
    return Record(line, value)


def json_document(data: bytes, *, file: str) -> Iterator[Record | Refusal]:
    """The records of a JSON document: a list of objects, or an object that holds exactly one such list.

    Raises
    ------
    InputError
        If it is no JSON, or holds no list of objects.
    """
    try:
        document = parse_json(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start + 1})", file=file, remedy="save it as UTF-8") from None
    except RecursionError:
        raise InputError("nested too deeply", file=file, remedy="save the rollouts as JSON lines") from None
    except _DuplicateKeyError as error:
        raise InputError("the key appears twice", file=file, field=str(error), remedy="keep one of the two") from None
    except json.JSONDecodeError as error:
        salvaged = list(json_lines(io.BytesIO(data))) if data.lstrip()[:1] == b"{" else []
        if any(isinstance(record, Record) for record in salvaged):
            yield from salvaged  # JSON lines after all, of which the first is broken
            return
        remedy = "the file may be cut off; save the rollouts as JSON lines"
        raise InputError(f"not JSON: {error.msg}", file=file, line=error.lineno, remedy=remedy) from None
    except ValueError as error:
        raise InputError(f"not JSON: {str(error)[:120]}", file=file) from None
    items: list[object] = [document]
    if isinstance(document, list):
        items = document
    elif isinstance(document, dict):
        if is_inspect_log(document):
            yield Record(0, {key: value for key, value in document.items() if key != "samples"})
        items = wrapped_records(document) or items
    for line, item in enumerate(items, start=1):
        if isinstance(item, dict):
            yield Record(line, item)
        else:
            yield Refusal(line, None, f"expected an object with named fields, found {type(item).__name__}")


def is_inspect_log(document: dict[str, object]) -> bool:
    """Whether a JSON document is an Inspect AI log: it has several lists, of which ``samples`` is the one to read."""
    return isinstance(document.get("eval"), dict) and isinstance(document.get("samples"), list)


def wrapped_records(document: dict[str, object]) -> list[object] | None:
    """The records that an object wraps (``{"results": [{...}, ...]}``); None where it is a record itself.

    A record may hold a list of objects of its own: a chat, or a format's choices. Whatever a reader recognises is a
    record, be it the file's only one.

    Examples
    --------
    >>> wrapped_records({"model": "m", "results": [{"response": "2"}]})
    [{'response': '2'}]
    >>> wrapped_records({"0": {"response": "2"}, "1": {"response": "3"}})
    [{'response': '2'}, {'response': '3'}]
    >>> wrapped_records({"question": "1+1?", "messages": [{"role": "user", "content": "1+1?"}]}) is None
    True
    """
    from laser_core.rollouts.readers import READERS
    from laser_core.rollouts.readers.mapped import suggest_mapping

    if is_inspect_log(document):
        samples = document["samples"]
        return samples if isinstance(samples, list) else None
    if any(reader.matches(set(document), document) for reader in READERS):
        return None
    if (found := reshaped(document)) is not None:
        return found
    lists = [
        value
        for value in document.values()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value) and not is_chat(value)
    ]
    if lists:
        texts = [name for name, value in document.items() if isinstance(value, str)]
        asks = "problem" in suggest_mapping(texts).values()  # {"question": "1+1?", "samples": [...]} is one record
        known = any(reader.matches(set(lists[0][0]), lists[0][0]) for reader in READERS)
        return lists[0] if len(lists) == 1 and (known or not asks) else None
    values = list(document.values())
    numbered = len(values) > 1 and all(isinstance(value, dict) and value for value in values)
    alike = numbered and len({tuple(sorted(value)) for value in values if isinstance(value, dict)}) == 1
    return values if alike else None


def looks_like_table(first_line: bytes) -> bool:
    """Whether the first line can be a CSV header of two or more named columns."""
    try:
        text = first_line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    names = [name.strip().strip('"') for name in text.split(_delimiter(text))]
    return len(names) >= 2 and all(names) and all(len(name) <= 100 for name in names)


def _delimiter(header: str) -> str:
    return max(",\t;", key=header.count)


def csv_records(stream: BinaryIO, *, file: str) -> Iterator[Record | Refusal]:
    """One record per row of CSV (comma, semicolon or tab, by the header); every value is text.

    Raises
    ------
    InputError
        If the header names a column twice.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    previous_limit = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        first = text.readline()
        names = [name.strip() for name in next(csv.reader([first], delimiter=_delimiter(first)))]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError("two columns have this name", file=file, line=1, field=twice, remedy="rename one of them")
        rows = csv.reader(text, delimiter=_delimiter(first), strict=True)
        while True:
            line = rows.line_num + 2
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Refusal(line, None, f"not CSV from here on: {error}")
                return
            except DamagedError as error:
                yield Refusal(line, None, f"the compressed data is damaged or cut off from here on ({error})")
                return
            if cells:
                yield _csv_record(line, names, cells)
    finally:
        csv.field_size_limit(previous_limit)
        text.detach()


def _csv_record(line: int, names: list[str], cells: list[str]) -> Record | Refusal:
    if len(cells) != len(names):
        return Refusal(line, None, f"{len(cells)} cells where the header has {len(names)}")
    for name, cell in zip(names, cells, strict=True):
        if not cell.isascii() and any("\udc80" <= c <= "\udcff" for c in cell):
            return Refusal(line, name, "not UTF-8 text")
    return Record(line, dict(zip(names, cells, strict=True)), is_text=True)


def parquet_records(parquet: pq.ParquetFile, *, file: str) -> Iterator[Record | Refusal]:
    """The rows of a Parquet file that is not in the canonical schema.

    Raises
    ------
    InputError
        If a part of it is damaged.
    """
    line = 0
    try:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
            batch.validate(full=True)
            for value in batch.to_pylist():
                line += 1
                yield Record(line, value)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["?"])[0][:200]
        raise InputError(f"this Parquet file is damaged ({reason})", file=file, line=line + 1) from None

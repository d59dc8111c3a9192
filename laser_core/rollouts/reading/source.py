"""Open a file or an upload, find out from its bytes what it is, and hand out its records one by one.

Nothing is believed from the file's name. Bytes are bounded everywhere: a line, what a compressed file may expand to,
and what is held in memory at once. Python pickles are refused, because opening one runs the code inside it.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.errors import InputError
from laser_core.rollouts.reading import bounded
from laser_core.rollouts.reading.bounded import MIB, Bounded, first_line
from laser_core.rollouts.reading.inspect_zip import eval_records, is_eval
from laser_core.rollouts.reading.records import (
    DamagedError,
    Record,
    Refusal,
    csv_records,
    json_document,
    json_lines,
    looks_like_table,
    parquet_records,
    parse_json,
    wrapped_records,
)

PEEK_BYTES = 4 * MIB
MAX_DOCUMENT_BYTES = 512 * MIB  # a JSON document, unlike JSON lines, must be held in memory as a whole
MAX_IN_MEMORY_BYTES = 4096 * MIB
MAX_PARQUET_ROWS = 50_000_000

_ENDINGS = (".gz", ".zst", ".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".txt", ".eval")
_OTHER_BINARIES = {
    b"PK\x03\x04": ("a zip archive", "unpack it and open the file inside"),
    b"BZh": ("a bzip2 file", "unpack it first"),
    b"\xfd7zXZ": ("an xz file", "unpack it first"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it first"),
    b"ARROW1": ("an Arrow IPC file", "save it as Parquet"),
    b"\x93NUMPY": ("a NumPy array", "save the rollouts as JSON lines or Parquet"),
    b"SQLite format 3": ("an SQLite database", "export the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "save the rollouts as JSON lines or Parquet"),
    b"%PDF": ("a PDF", "choose a table of rollouts"),
    b"\x89PNG": ("a picture", "choose a table of rollouts"),
}


@dataclass
class Source:
    """An opened input: what to call it, what it is, and its bytes.

    Attributes
    ----------
    name : str
        Display name, used in errors.
    kind : str
        "parquet", "jsonl", "json", "csv" or "eval".
    size : int
        Size as stored, in bytes.
    raw : BinaryIO
        The stored bytes; seekable.
    compression : str or None
        "gzip", "zstd" or none.
    """

    name: str
    kind: str
    size: int
    raw: BinaryIO
    compression: str | None = None

    @property
    def stem(self) -> str:
        """The name without its folders and endings: the default name of a run."""
        return stem_of(self.name)

    def position(self) -> int:
        """How many of the stored bytes have been read."""
        with contextlib.suppress(ValueError, OSError):
            return self.raw.tell()
        return self.size

    def stream(self, max_bytes: int | None = None) -> Bounded:
        """The bytes from the beginning, decompressed, with an end put to archive bombs."""
        return Bounded(self.raw, self.compression, self.size, file=self.name, max_bytes=max_bytes)

    def records(self, *, max_bytes: int | None = None) -> Iterator[Record | Refusal]:
        """The file's records from its beginning; what cannot be read comes as a refusal in its place.

        Raises
        ------
        InputError
            If the file as a whole cannot be read, expands like an archive bomb, or beyond ``max_bytes``.
        """
        self.raw.seek(0)
        if self.kind == "parquet":
            yield from parquet_records(self.parquet(), file=self.name)
            return
        if self.kind == "eval":
            limit = min(MAX_IN_MEMORY_BYTES, max(bounded.BOMB_FLOOR, bounded.BOMB_RATIO * self.size))
            yield from eval_records(self.raw, file=self.name, max_bytes=limit)
            return
        stream = io.BufferedReader(self.stream(max_bytes), MIB)
        if self.kind == "json":
            yield from json_document(stream.read(MAX_DOCUMENT_BYTES + 1), file=self.name)
        elif self.kind == "csv":
            yield from csv_records(stream, file=self.name)
        else:
            yield from json_lines(stream)

    def parquet(self) -> pq.ParquetFile:
        """The Parquet file behind this source.

        Raises
        ------
        InputError
            If it is damaged, or would fill the memory.
        """
        self.raw.seek(0)
        try:
            file = pq.ParquetFile(self.raw)
        except (pa.ArrowException, OSError, ValueError) as error:
            remedy = "write the file again; it may have been cut off"
            raise InputError(
                f"this Parquet file is damaged ({first_line(error)})", file=self.name, remedy=remedy
            ) from None
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        expanded = sum(max(0, group.total_byte_size) for group in groups)
        too_big = file.metadata.num_rows > MAX_PARQUET_ROWS or expanded > MAX_IN_MEMORY_BYTES * 4
        if too_big or (expanded > bounded.BOMB_FLOOR and expanded > bounded.BOMB_RATIO * self.size):
            raise InputError(
                f"it would expand to {file.metadata.num_rows:,} rows and {expanded / MIB:,.0f} MiB",
                file=self.name,
                remedy="open a part of it",
            )
        return file


def stem_of(name: str) -> str:
    """A file's name without its folders and endings.

    Examples
    --------
    >>> stem_of("runs/grpo.jsonl.gz"), stem_of(".parquet")
    ('grpo', '.parquet')
    """
    stem = name.replace("\\", "/").rsplit("/", 1)[-1]
    for ending in _ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            stem = stem[: -len(ending)]
    return stem or "upload"


@contextlib.contextmanager
def open_source(source: str | Path | bytes | BinaryIO, *, name: str | None = None) -> Iterator[Source]:
    """Open a path, bytes or an upload, and recognise its container from its first bytes.

    Raises
    ------
    InputError
        If there is nothing to read, or it is nothing this program reads (a pickle, an archive, a picture, UTF-16).
    """
    owned: BinaryIO | None = None
    opened: Source | None = None
    raw: BinaryIO
    if isinstance(source, (bytes, bytearray, memoryview)):
        raw, name = io.BytesIO(source), name or "upload"
    elif isinstance(source, (str, Path)):
        name = name or str(source)
        raw = owned = _open_path(Path(source), name)
    else:
        raw, name = source, name or getattr(source, "name", None) or "upload"
    try:
        if not raw.seekable():  # a pipe: it must be read twice, so it is held in memory
            raw = io.BytesIO(raw.read(MAX_DOCUMENT_BYTES + 1))
            if raw.seek(0, io.SEEK_END) > MAX_DOCUMENT_BYTES:
                limit = f"more than {MAX_DOCUMENT_BYTES // MIB} MiB from a pipe"
                raise InputError(limit, file=name, remedy="write them to a file first")
        opened = _recognise(raw, str(name))
        yield opened
    finally:
        if opened is not None and opened.raw is not raw:
            opened.raw.close()
        if owned is not None:
            owned.close()


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        if path.is_dir():
            raise InputError("this is a folder", file=name, remedy="name a file in it")
        return path.open("rb")
    except FileNotFoundError:
        raise InputError("no such file", file=name, remedy="check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be opened ({first_line(error)})", file=name, remedy="check the path and rights"
        ) from None


def _recognise(raw: BinaryIO, name: str) -> Source:
    size = raw.seek(0, io.SEEK_END)
    raw.seek(0)
    head = raw.read(16)
    if not head:
        raise InputError("the file is empty", file=name, remedy="choose another file")
    source = Source(name, "jsonl", size, raw)
    if head.startswith(b"PAR1"):
        source.kind = "parquet"
        return source
    if head.startswith(b"PK\x03\x04") and is_eval(raw):
        source.kind = "eval"
        return source
    if head.startswith(b"\x1f\x8b"):
        source.compression = "gzip"
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        source.compression = "zstd"
    start = _peek(source)
    if source.compression and start.startswith(b"PAR1"):  # Parquet needs to jump about: it is unpacked to disk first
        return _recognise(_unpacked(source), name)
    if not start.strip():
        raise InputError("the file holds nothing but blank space", file=name, remedy="choose another file")
    _refuse_binaries(start, name, source.compression)
    source.kind = _text_kind(start, source)
    return source


def _unpacked(source: Source) -> BinaryIO:
    stream, file = source.stream(MAX_IN_MEMORY_BYTES), tempfile.TemporaryFile()  # noqa: SIM115 - open_source closes it
    try:
        while data := stream.read(MIB):
            file.write(data)
    except DamagedError as error:
        raise InputError(f"the compressed data is damaged ({error})", file=source.name) from None
    return file


def _peek(source: Source) -> bytes:
    stream, found = source.stream(), bytearray()
    try:
        while len(found) < PEEK_BYTES and (data := stream.read(MIB)):
            found += data
    except DamagedError as error:
        if not found:
            raise InputError(f"the compressed data is damaged ({error})", file=source.name) from None
    return bytes(found)


def _refuse_binaries(start: bytes, name: str, compression: str | None) -> None:
    pickled = start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    by_torch = start.startswith(b"PK\x03\x04") and b"/data.pkl" in start[:256]  # torch.save: a zip around a pickle
    if pickled or by_torch:
        raise InputError(
            "this is a Python pickle, and opening a pickle runs the code inside it, so it stays closed",
            file=name,
            remedy="load it where you trust it and save the rollouts as JSON lines or Parquet",
        )
    for magic, (what, remedy) in _OTHER_BINARIES.items():
        if start.startswith(magic):
            raise InputError(f"this is {what}, not a table of rollouts", file=name, remedy=remedy)
    if compression and start.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        raise InputError("compressed twice", file=name, remedy="unpack it first")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start[1:200:2].count(0) > 20 or start[0:200:2].count(0) > 20:
        raise InputError("this text is in UTF-16", file=name, remedy="save it as UTF-8")
    if b"\x00" in start[:4096].split(b"\n", 1)[0]:  # a crashed writer may leave zeros further down: refused by line
        raise InputError(
            "this is a binary file of no known kind", file=name, remedy="choose JSON lines, CSV or Parquet"
        )


def _text_kind(start: bytes, source: Source) -> str:
    """JSON lines, one JSON document or CSV, from the first lines."""
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    first_line = start.split(b"\n", 1)[0].strip()
    if start[:1] not in (b"{", b"["):
        if not looks_like_table(first_line):
            raise InputError(
                "this is neither JSON lines, CSV nor Parquet",
                file=source.name,
                remedy="choose a table of rollouts; its first line is "
                + repr(first_line[:60].decode("utf-8", "replace")),
            )
        return "csv"
    with contextlib.suppress(ValueError, RecursionError):
        value = parse_json(first_line.decode("utf-8"))
        if not isinstance(value, dict):
            return "json"
        alone = not start[len(first_line) :].strip()  # {"results": [...]} on one line is a document, not a record
        return "json" if alone and wrapped_records(value) is not None else "jsonl"
    # The first line is no JSON by itself: a document over several lines, or JSON lines whose first one is broken.
    closing = {b"{": b"}", b"[": b"]"}[start[:1]]
    several = len(first_line) <= 2 or not first_line.rstrip(b",").endswith(b"}")
    return "json" if several and _tail(source).rstrip().endswith(closing) and b"\n" in start.strip() else "jsonl"


def _tail(source: Source) -> bytes:
    """The last bytes of the text (of the peeked part where the file is compressed)."""
    if source.compression:
        return _peek(source)[-64:]
    source.raw.seek(max(0, source.size - 64))
    return source.raw.read(64)

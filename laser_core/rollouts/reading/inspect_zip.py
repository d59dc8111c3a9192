"""Inspect AI's ``.eval`` logs: zip archives with a header and one JSON file per sample, read without unpacking to disk.

Nothing is believed of what the archive says about itself: names are only compared, never used as paths, and the bytes
that come out are counted, in each file and over all files (entries of an archive may overlap, so that a few megabytes
hold petabytes). Inspect compresses with Zstandard, which Python's zipfile can list but not unpack.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from laser_core.errors import InputError
from laser_core.rollouts.reading.records import MAX_LINE_BYTES, DamagedError, Record, Refusal, parse_object

HEADERS = ("header.json", "_journal/start.json")  # a log that was cut short has only the second
_SAMPLE = re.compile(r"samples/.+\.json")
_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # magic, ..., lengths of the name and the extra field
_PIECE = 2**20


def is_eval(raw: BinaryIO) -> bool:
    """Whether a zip archive is an Inspect log, by the names of its files."""
    try:
        with zipfile.ZipFile(raw) as archive:
            return any(name in HEADERS for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def eval_records(raw: BinaryIO, *, file: str, max_bytes: int) -> Iterator[Record | Refusal]:
    """The log's header as record 0, then its samples from 1 on.

    Parameters
    ----------
    raw : BinaryIO
        The archive; must be seekable.
    file : str
        Its display name.
    max_bytes : int
        Most that may come out of it altogether.

    Raises
    ------
    InputError
        If the archive expands beyond ``max_bytes``.
    """
    with zipfile.ZipFile(raw) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        budget = _Budget(max_bytes, file)
        header = next(entries[name] for name in HEADERS if name in entries)
        record = _record(raw, archive, header, 0, budget)
        yield record if isinstance(record, Record) else Record(0, {"eval": {}})
        samples = [info for name, info in entries.items() if _SAMPLE.fullmatch(name)]
        for line, info in enumerate(samples, start=1):
            yield _record(raw, archive, info, line, budget)


class _Budget:
    """How many bytes may still come out of the archive."""

    def __init__(self, max_bytes: int, file: str) -> None:
        self.left, self.file = max_bytes, file

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise InputError(
                "it expands to far more than a log would: this looks like an archive bomb",
                file=self.file,
                remedy="convert it where you trust it: inspect log convert --to json",
            )


def _record(
    raw: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo, line: int, budget: _Budget
) -> Record | Refusal:
    if info.flag_bits & 1:
        return Refusal(line, None, f"'{info.filename}' is encrypted")
    try:
        data = _unpacked(raw, archive, info, budget)
    except InputError:  # a kind of ValueError, but it is about the whole archive
        raise
    except (zipfile.BadZipFile, DamagedError, OSError, EOFError, zlib.error, pa.ArrowException, ValueError) as error:
        reason = (str(error).splitlines() or ["?"])[0][:100]
        return Refusal(line, None, f"'{info.filename}' is damaged ({reason})")
    except NotImplementedError:
        remedy = "convert the log: inspect log convert --to json"
        return Refusal(line, None, f"'{info.filename}' is compressed in a way that cannot be read here; {remedy}")
    if data is None:
        return Refusal(line, None, f"'{info.filename}' is longer than {MAX_LINE_BYTES // 2**20} MiB")
    return parse_object(line, data, complete=True)


def _unpacked(raw: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> bytes | None:
    """The file's bytes; None where it is too long."""
    if info.compress_type == _ZSTANDARD:
        raw.seek(info.header_offset)
        magic, n_name, n_extra = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
        if magic != b"PK\x03\x04":
            raise DamagedError("no file begins where one should")
        raw.seek(n_name + n_extra, io.SEEK_CUR)
        packed = raw.read(info.compress_size)
        stream, checksum = pa.CompressedInputStream(pa.BufferReader(packed), "zstd"), info.CRC
    else:
        stream, checksum = archive.open(info), None  # checks it itself
    data = bytearray()
    with stream:
        while piece := stream.read(_PIECE):
            budget.spend(len(piece))
            data += piece
            if len(data) > MAX_LINE_BYTES:
                return None
    if checksum is not None and zlib.crc32(data) != checksum:
        raise DamagedError("wrong checksum")
    return bytes(data)

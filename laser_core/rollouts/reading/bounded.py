"""Bytes out of a file that may be compressed, with an end put to archive bombs."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from laser_core.errors import InputError
from laser_core.rollouts.reading.records import DamagedError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MIB = 2**20
BOMB_FLOOR = 64 * MIB  # below this much output any compression ratio is harmless
BOMB_RATIO = 200  # rollout logs compress 4 to 30 times, a bomb a thousand times


class Bounded(io.RawIOBase):
    """A file's bytes, decompressed.

    Parameters
    ----------
    raw : BinaryIO
        The stored bytes; seekable.
    compression : str or None
        "gzip", "zstd" or none.
    size : int
        Size as stored, in bytes.
    file : str
        Display name, for errors.
    max_bytes : int or None
        Most bytes that may come out; None for no limit.

    Raises
    ------
    DamagedError
        On reading, where the compressed data ends early or does not unpack.
    InputError
        On reading, where too much comes out.
    """

    def __init__(
        self, raw: BinaryIO, compression: str | None, size: int, *, file: str, max_bytes: int | None = None
    ) -> None:
        self.compressed, self.size, self.file = compression is not None, size, file
        self.max_bytes, self.n_read = max_bytes, 0
        raw.seek(0)
        self.read_some: Callable[[int], bytes]
        if compression == "gzip":
            self.read_some = gzip.GzipFile(fileobj=raw).read1  # read() would drop what precedes a damage
        elif compression == "zstd":
            self.read_some = pa.CompressedInputStream(pa.PythonFile(_Kept(raw), "r"), "zstd").read
        else:
            self.read_some = raw.read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer)
        try:
            data = self.read_some(len(room))
        except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
            raise DamagedError(first_line(error)) from None
        room[: len(data)] = data
        self.n_read += len(data)
        if self.compressed and self.n_read > BOMB_FLOOR and self.n_read > BOMB_RATIO * self.size:
            raise InputError(
                f"{self.size:,} bytes expand to more than {self.n_read:,}: this looks like an archive bomb",
                file=self.file,
                remedy="unpack it yourself if you trust it",
            )
        if self.max_bytes is not None and self.n_read > self.max_bytes:
            raise InputError(
                f"more than {self.max_bytes / MIB:,.0f} MiB of text do not fit into memory",
                file=self.file,
                remedy="convert it with `laser convert` first, which reads it piece by piece",
            )
        return len(data)


class _Kept:
    """The stored bytes for a reader that closes what it has read: they are needed again, and not its to close."""

    closed = False

    def __init__(self, raw: BinaryIO) -> None:
        self.read, self.seek, self.tell = raw.read, raw.seek, raw.tell

    def close(self) -> None:
        """Stay open."""


def first_line(error: BaseException) -> str:
    """An error's message in one short line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

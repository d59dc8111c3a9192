"""Tables on the disk that are mapped into memory, so that only what is looked at takes room there.

A million solutions with their texts and traces take gigabytes, and an analysis looks at a fiftieth of it: a verdict, a
score, an answer. :func:`on_disk` writes the columns as Arrow does in memory to a temporary file that has no name any
more (so nobody else can open it, and it is gone with the last table that shows it, however the process ends) and maps
them; every reader of the table works as before, and the operating system fetches a problem's texts when they are shown.
:func:`give_back` returns what was looked at, and what computations have freed, to the system.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow as pa

from laser_core.rollouts.schema import Rollouts

SPILL_ABOVE = 2**20  # bytes; smaller tables stay in memory
BATCH_ROWS = 65_536
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt in the GNU C library
_MAPS: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def on_disk(rollouts: Rollouts, *, above: int = SPILL_ABOVE) -> Rollouts:
    """The same rollouts, with the columns that are held in memory moved to the disk if they take more than ``above``.

    Parameters
    ----------
    rollouts : Rollouts
    above : int
        Bytes. Tables that take less stay as they are; so do those for which the disk has no room.

    Examples
    --------
    >>> row = {"run": "r", "problem_id": "p", "response": "x" * 1000}
    >>> rollouts = Rollouts.from_rows([row | {"sample": i} for i in range(3)])
    >>> mapped = on_disk(rollouts, above=1000)
    >>> mapped.table.equals(rollouts.table), held(mapped).memory, held(mapped).disk > 3000
    (True, 0, True)
    """
    table = rollouts.table
    names = [name for name in table.column_names if not _is_mapped(table[name])]
    part = table.select(names)
    if part.nbytes <= above:
        return rollouts
    try:
        moved = mapped_table([part], part.schema)
    except (OSError, pa.ArrowException):
        return rollouts
    columns = [moved[name] if name in names else table[name] for name in table.column_names]
    return replace(rollouts, table=pa.table(columns, names=table.column_names))


def mapped_table(pieces: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """One table of all the pieces, written to a nameless temporary file and mapped; one piece at a time is in memory.

    Raises
    ------
    OSError, pyarrow.ArrowException
        If the file cannot be written.
    """
    with tempfile.TemporaryFile() as file:
        with pa.ipc.new_file(file, schema) as writer:
            for piece in pieces:
                writer.write_table(piece.combine_chunks(), max_chunksize=BATCH_ROWS)
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _MAPS.add(mapped)
    return pa.ipc.open_file(pa.py_buffer(mapped)).read_all()


def _buffers(column: pa.ChunkedArray) -> list[pa.Buffer]:
    return [buffer for chunk in column.chunks for buffer in chunk.buffers() if buffer is not None]


def _is_mapped(column: pa.ChunkedArray) -> bool:
    spans = [(buffer.address, buffer.address + buffer.size) for buffer in map(pa.py_buffer, _MAPS)]
    return all(
        buffer.size == 0 or any(low <= buffer.address < high for low, high in spans) for buffer in _buffers(column)
    )


@dataclass(frozen=True)
class Held:
    """Where a table's bytes are.

    Attributes
    ----------
    memory, disk : int
        Bytes held in memory, and bytes in a temporary file, of which only what is looked at takes up memory.
    numeric : int
        Bytes of the numeric columns, wherever they are.
    """

    memory: int
    disk: int
    numeric: int


def held(rollouts: Rollouts) -> Held:
    """Where a table's bytes are; see :class:`Held`."""
    columns = rollouts.table.columns
    disk = sum(column.nbytes for column in columns if _is_mapped(column))
    numeric = sum(c.nbytes for c in columns if pa.types.is_integer(c.type) or pa.types.is_floating(c.type))
    return Held(memory=sum(column.nbytes for column in columns) - disk, disk=disk, numeric=numeric)


def be_frugal() -> None:
    """For a server: have the C library return large freed arrays at once, in every thread.

    By default it learns to keep up to 64 MB in each thread for the next array, out of :func:`give_back`'s reach.
    Computing on a million solutions takes a tenth longer in exchange. Does nothing where there is no such setting.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        for setting in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            ctypes.CDLL(None).mallopt(setting, SPILL_ABOVE)


def give_back() -> None:
    """Return to the system what nobody holds any more, and the pages of mapped tables, which it reads again at need.

    The allocators of C, NumPy and Arrow keep what was freed for later; a server that has just read a large file would
    keep several times its size. Does nothing where the system has no such call.
    """
    gc.collect()
    for mapped in list(_MAPS):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            mapped.madvise(mmap.MADV_DONTNEED)
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)

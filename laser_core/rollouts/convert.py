"""Convert a rollout file of any size to the canonical Parquet, holding one row group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.rollouts.complete import complete
from laser_core.rollouts.reading import Progress, Reading, check_lengths, is_canonical_parquet, sentences
from laser_core.rollouts.records import Refusal
from laser_core.rollouts.schema import Rollouts, RunMeta, column_type, ordered, read_meta
from laser_core.rollouts.source import Source, open_source
from laser_core.rollouts.store import ROW_GROUP_ROWS, atomic_path

_FLUSH_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Converted:
    """What :func:`convert` found and wrote; the fields mean what they mean in ReadResult.

    Attributes
    ----------
    n_rollouts : rows written.
    meta : as written beside them.
    """

    format: str
    n_rows: int
    n_rollouts: int
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    n_refused: int
    meta: RunMeta


def convert(
    source: str | Path | bytes | BinaryIO,
    out: str | Path,
    *,
    format: str | None = None,
    strict: bool = False,
    mapping: dict[str, str] | None = None,
    name: str | None = None,
    fill: bool = True,
    progress: Progress | None = None,
) -> Converted:
    """Read ``source`` piece by piece and write canonical Parquet to ``out``, atomically; memory does not grow with it.

    Parameters are those of :func:`laser_core.rollouts.read`. Whether answers are to be extracted is decided by the
    first rows, for the whole file.

    Raises
    ------
    InputError
        As ``read`` does, or if ``out`` cannot be written. No file is left behind then.
    """
    filled: Counter[str] = Counter()
    with open_source(source, name=name) as opened, atomic_path(out) as temporary:
        reading = None
        if is_canonical_parquet(opened, format=format, mapping=mapping):
            parquet = opened.parquet()
            meta = read_meta(parquet.schema_arrow.metadata, opened.name)
            tables = _parquet_tables(parquet, opened)
        else:
            reading = Reading(opened, format=format, strict=strict, mapping=mapping)
            tables = reading.tables()
        sink, extract = _Sink(temporary), None
        for table in tables:
            rollouts = Rollouts(table, meta if reading is None else reading.meta())
            if extract is None:
                extract = "answer" not in table.column_names if reading is None else reading.states_no_answers
            if fill:
                done = complete(rollouts, extract=extract, progress=progress)
                rollouts, filled = done.rollouts, filled + done.notes
            sink.add(rollouts.table)
            if progress:
                progress("converting", opened.position(), opened.size)
        if reading is None:
            sink.close(meta)
            return Converted("parquet", sink.n_rows, sink.n_rows, (), sentences(filled), 0, meta)
        reading.require_rows(sink.n_rows)
        meta = reading.meta()
        sink.close(meta)
    notes = sentences(reading.context.notes + filled)
    refused = tuple(reading.refused)
    return Converted(reading.reader.NAME, reading.n_records, sink.n_rows, refused, notes, reading.n_refused, meta)


def _parquet_tables(parquet: pq.ParquetFile, opened: Source) -> Iterator[pa.Table]:
    for batch in parquet.iter_batches(batch_size=ROW_GROUP_ROWS):
        rollouts = Rollouts.from_arrow(pa.Table.from_batches([batch]), file=opened.name)
        check_lengths(rollouts, opened.name)
        yield rollouts.table


class _Sink:
    """A Parquet file that grows a row group at a time, and whose columns may turn up late."""

    def __init__(self, path: Path) -> None:
        self.path, self.n_rows = path, 0
        self._writer: pq.ParquetWriter | None = None
        self._columns: list[str] = []
        self._pending: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Take a table; written once there are enough rows for a row group."""
        self._pending.append(table)
        self.n_rows += table.num_rows
        enough_rows = sum(t.num_rows for t in self._pending) >= ROW_GROUP_ROWS
        if enough_rows or sum(t.nbytes for t in self._pending) >= _FLUSH_BYTES:
            self._flush()

    def close(self, meta: RunMeta) -> None:
        """Write what is left, and the metadata."""
        self._flush()
        for key, value in Rollouts(pa.table({}), meta).to_arrow().schema.metadata.items():
            self._writer.add_key_value_metadata({key: value})
        self._writer.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        table = ordered(pa.concat_tables(self._pending, promote_options="default")).combine_chunks()
        self._pending = []
        if self._writer is None:
            self._open(table.column_names)
        elif not set(table.column_names) <= set(self._columns):
            self._widen(table.column_names)
        self._writer.write_table(self._aligned(table))

    def _open(self, columns: list[str]) -> None:
        schema = ordered(pa.schema([(name, column_type(name)) for name in columns]).empty_table()).schema
        self._columns = schema.names
        self._writer = pq.ParquetWriter(self.path, schema, compression="zstd")

    def _widen(self, columns: list[str]) -> None:
        """Rewrite what is there with the new columns too; happens about once, if at all."""
        self._writer.close()
        narrow = self.path.with_suffix(".narrow")
        self.path.rename(narrow)
        try:
            self._open([*self._columns, *(name for name in columns if name not in self._columns)])
            for batch in pq.ParquetFile(narrow).iter_batches(batch_size=ROW_GROUP_ROWS):
                self._writer.write_table(self._aligned(pa.Table.from_batches([batch])))
        finally:
            narrow.unlink(missing_ok=True)

    def _aligned(self, table: pa.Table) -> pa.Table:
        for name in self._columns:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), column_type(name)))
        return table.select(self._columns)

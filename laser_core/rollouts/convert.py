"""Convert a rollout file of any size to the canonical Parquet, holding one row group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.errors import InputError
from laser_core.rollouts.canonical_parquet import canonical_tables, is_canonical_parquet
from laser_core.rollouts.checks import Checking, Checks
from laser_core.rollouts.complete import OnProgress, complete
from laser_core.rollouts.reading.batch import Batch, File, named_file
from laser_core.rollouts.reading.one_pass import Reading, ReadOptions
from laser_core.rollouts.reading.read import own_verdicts, sentences
from laser_core.rollouts.reading.read_files import common_meta
from laser_core.rollouts.reading.records import Refusal
from laser_core.rollouts.reading.run_names import RunNames
from laser_core.rollouts.reading.source import Source, open_source
from laser_core.rollouts.schema import Rollouts, RunMeta, column_type, ordered, read_meta
from laser_core.rollouts.store import ROW_GROUP_ROWS
from laser_core.runfolder.atomic import atomic_path

_FLUSH_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Converted:
    """What :func:`convert` found and wrote; the fields mean what they mean in ReadResult.

    Attributes
    ----------
    n_rollouts : int
        Rows written.
    meta : RunMeta
        The metadata written beside them.
    holds : frozenset of str
        Columns that hold at least one value.
    file_notes : tuple of str
        What was done with whole files: left out, joined, renamed.
    checks : Checks
        What to look at: solutions per problem, who gave the verdicts, repeats.
    """

    format: str
    n_rows: int
    n_rollouts: int
    refused: tuple[Refusal, ...]
    noted: Counter[str]
    n_refused: int
    meta: RunMeta
    files: tuple[str, ...]
    holds: frozenset[str]
    file_notes: tuple[str, ...] = ()
    checks: Checks = field(default_factory=Checks)

    @property
    def notes(self) -> tuple[str, ...]:
        """All notes in sentences."""
        return self.file_notes + sentences(self.noted)


def convert(
    source: str | Path | bytes | BinaryIO | list[File],
    out: str | Path,
    *,
    format: str | None = None,
    strict: bool = False,
    mapping: dict[str, str] | None = None,
    name: str | None = None,
    fill: bool = True,
    progress: OnProgress | None = None,
) -> Converted:
    """Read ``source`` piece by piece and write canonical Parquet to ``out``, atomically; memory does not grow with it.

    Parameters are those of :func:`laser_core.rollouts.read`; a list of files is treated as
    :func:`laser_core.rollouts.read_files` does, except that one unreadable file fails the conversion. Whether answers
    are to be extracted is decided by the first rows of a file, for the whole of it.

    Raises
    ------
    InputError
        As ``read`` does, or if ``out`` cannot be written. No file is left behind then.
    """
    batch = Batch.of(source if isinstance(source, list) else [named_file(source, name)])
    options = ReadOptions(format, strict, mapping, requests=batch.requests)
    parts: list[_Part] = []
    names, checking, n_bytes = RunNames(), Checking(), 0
    with atomic_path(out) as temporary:
        sink = _Sink(temporary)
        for number, item in enumerate(batch.files):
            with open_source(item.content, name=item.name) as opened:
                part = _Part(opened, replace(options, run=item.run), fill, progress)
                for table, given in part.tables():
                    if len(batch.files) > 1:
                        table, kept = names.place(number, item.name, table)
                        given = given.filter(kept)
                    sink.add(table)
                    checking.add(table, given)
                    if progress:
                        progress("converting", n_bytes + opened.position(), max(batch.size, n_bytes + opened.size))
                n_bytes += opened.size
                parts.append(part)
        meta = common_meta([part.meta() for part in parts])
        sink.close(meta)
    readings = [part.reading for part in parts if part.reading is not None]
    named = len(batch.files) > 1
    return Converted(
        format=", ".join(dict.fromkeys(part.format for part in parts)),
        n_rows=sum(part.n_rows if part.reading is None else part.reading.n_records for part in parts),
        n_rollouts=sink.n_rows,
        refused=tuple(replace(r, file=g.opened.name) if named else r for g in readings for r in g.refused),
        noted=sum((part.noted() for part in parts), Counter()),
        n_refused=sum(reading.n_refused for reading in readings),
        meta=meta,
        files=tuple(item.name for item in batch.files),
        holds=frozenset(sink.holds),
        file_notes=(*batch.notes, *sentences(names.notes)),
        checks=checking.result(),
    )


class _Part:
    """One of the files, read and completed in pieces."""

    def __init__(self, opened: Source, options: ReadOptions, fill: bool, progress: OnProgress | None) -> None:
        self.opened, self.fill, self.progress = opened, fill, progress
        ours = is_canonical_parquet(opened, format=options.format, mapping=options.mapping)
        self.reading = None if ours else Reading(opened, options)
        self._meta = read_meta(opened.parquet().schema_arrow.metadata, opened.name) if ours else RunMeta()
        self.format = "parquet" if self.reading is None else self.reading.reader.NAME
        self.n_rows = 0
        self.filled: Counter[str] = Counter()

    def tables(self) -> Iterator[tuple[pa.Table, pa.ChunkedArray]]:
        """The canonical tables, each with the file's own verdicts; InputError at the end if there was none."""
        if self.reading is None:
            tables = canonical_tables(self.opened.parquet(), self.opened, batch_rows=ROW_GROUP_ROWS)
        else:
            tables = self.reading.tables()
        extract: bool | None = None
        for table in tables:
            if extract is None:
                extract = "answer" not in table.column_names if self.reading is None else self.reading.states_no_answers
            self.n_rows += len(table)
            given = own_verdicts(table)
            if self.fill:
                done = complete(Rollouts(table, self.meta()), extract=extract, progress=self.progress)
                table, self.filled = done.rollouts.table, self.filled + done.notes
            yield table, given
        if self.reading is not None:
            self.reading.require_rows(self.n_rows)
        elif not self.n_rows:
            raise InputError("the table has no rows", file=self.opened.name, remedy="choose another file")

    def meta(self) -> RunMeta:
        """What is known so far of the rollouts' origin."""
        return self._meta if self.reading is None else self.reading.meta()

    def noted(self) -> Counter[str]:
        """What was filled in or taken differently than written."""
        return self.filled if self.reading is None else self.reading.context.notes + self.filled


class _Sink:
    """A Parquet file that grows a row group at a time, and whose columns may turn up late."""

    def __init__(self, path: Path) -> None:
        self.path, self.n_rows = path, 0
        self._writer: pq.ParquetWriter | None = None
        self._columns: list[str] = []
        self.holds: set[str] = set()
        self._pending: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Take a table; written once there are enough rows for a row group."""
        self._pending.append(table)
        self.holds.update(name for name in table.column_names if table[name].null_count < len(table))
        self.n_rows += table.num_rows
        enough_rows = sum(t.num_rows for t in self._pending) >= ROW_GROUP_ROWS
        if enough_rows or sum(t.nbytes for t in self._pending) >= _FLUSH_BYTES:
            self._flush()

    def close(self, meta: RunMeta) -> None:
        """Write what is left, and the metadata."""
        self._flush()
        if self._writer is None:
            return
        for key, value in Rollouts(pa.table({}), meta).to_arrow().schema.metadata.items():
            self._writer.add_key_value_metadata({key: value})
        self._writer.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        table = ordered(pa.concat_tables(self._pending, promote_options="default")).combine_chunks()
        self._pending = []
        writer = self._writer
        if writer is None:
            writer = self._open(table.column_names)
        elif not set(table.column_names) <= set(self._columns):
            writer = self._widen(writer, table.column_names)
        writer.write_table(self._aligned(table))

    def _open(self, columns: list[str]) -> pq.ParquetWriter:
        schema = ordered(pa.schema([(name, column_type(name)) for name in columns]).empty_table()).schema
        self._columns = schema.names
        self._writer = pq.ParquetWriter(self.path, schema, compression="zstd")
        return self._writer

    def _widen(self, narrow_writer: pq.ParquetWriter, columns: list[str]) -> pq.ParquetWriter:
        """Rewrite what is there with the new columns too; happens about once, if at all."""
        narrow_writer.close()
        narrow = self.path.with_suffix(".narrow")
        self.path.rename(narrow)
        try:
            writer = self._open([*self._columns, *(name for name in columns if name not in self._columns)])
            for batch in pq.ParquetFile(narrow).iter_batches(batch_size=ROW_GROUP_ROWS):
                writer.write_table(self._aligned(pa.Table.from_batches([batch])))
        finally:
            narrow.unlink(missing_ok=True)
        return writer

    def _aligned(self, table: pa.Table) -> pa.Table:
        for name in self._columns:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), column_type(name)))
        return table.select(self._columns)

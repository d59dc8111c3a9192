"""Our own Parquet: read column by column, so that an analysis need not load the texts."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from laser_core.errors import InputError
from laser_core.rollouts.mapped_table import BATCH_ROWS, SPILL_ABOVE, mapped_table
from laser_core.rollouts.reading.no_answer import is_no_answer
from laser_core.rollouts.reading.source import Source
from laser_core.rollouts.reading.tags import MAX_CHARS, MAX_TAGS
from laser_core.rollouts.schema import (
    META_KEY,
    PER_TOKEN,
    REQUIRED,
    SIGNAL_PREFIX,
    TAG_PREFIX,
    Rollouts,
    column_type,
    read_meta,
)

KEYS = ("run", "problem_id", "sample")  # read whatever is asked for: they say which solution a row is


def is_canonical_parquet(opened: Source, *, format: str | None, mapping: dict[str, str] | None) -> bool:
    """Whether the source is, or is said to be, our own Parquet, which is read without touching single rows."""
    if opened.kind != "parquet" or mapping or format not in (None, "parquet"):
        return False
    return format == "parquet" or set(REQUIRED) <= set(opened.parquet().schema_arrow.names)


def holds_verdicts(parquet: pq.ParquetFile) -> bool:
    """Whether any row says if its solution is correct; the other columns stay on the disk."""
    if "correct" not in parquet.schema_arrow.names:
        return False
    try:
        return any(b.column(0).null_count < len(b) for b in parquet.iter_batches(columns=["correct"]))
    except (pa.ArrowException, OSError):
        return True  # damaged: reading the table says so in plain words


def wanted(name: str, columns: Collection[str] | None) -> bool:
    """Whether a column is one of those asked for; ``"signal."`` asks for every signal.

    Examples
    --------
    >>> wanted("signal.rm", ["score", "signal."]), wanted("response", ["score"]), wanted("run", ["score"])
    (True, False, True)
    """
    if columns is None or name in columns or name in KEYS:
        return True
    return name.startswith(SIGNAL_PREFIX) and SIGNAL_PREFIX in columns


def read_canonical(opened: Source, *, columns: Collection[str] | None = None, to_disk: bool = False) -> Rollouts:
    """The table, or the wanted columns of it; ``to_disk`` maps it (:mod:`laser_core.rollouts.mapped_table`).

    Raises
    ------
    InputError
        If it is damaged, empty, or not in the schema.
    """
    parquet = opened.parquet()
    read_meta(parquet.schema_arrow.metadata, opened.name)  # a newer format is said so before anything else is wrong
    schema = parquet.schema_arrow
    names = [name for name in schema.names if column_type(name) is not None and name not in foreign_prompt(schema)]
    names += other_columns(schema)
    names = [name for name in names if wanted(name, columns)]
    required = REQUIRED if columns is None else KEYS
    groups = (parquet.metadata.row_group(group) for group in range(parquet.metadata.num_row_groups))
    if to_disk and sum(group.total_byte_size for group in groups) > SPILL_ABOVE:
        with contextlib.suppress(pa.ArrowException, OSError, UnicodeDecodeError):  # what is wrong is said below
            return _mapped(parquet, opened, names, required)
    try:
        table = parquet.read(columns=names)
        table.validate(full=True)  # offsets and UTF-8: a damaged file must not crash whoever touches a row later
        table = with_tags(table)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["?"])[0][:200]
        raise InputError(f"this Parquet file is damaged ({reason})", file=opened.name) from None
    rollouts = Rollouts.from_arrow(table, file=opened.name, required=required)
    if not len(rollouts):
        raise InputError("the table has no rows", file=opened.name, remedy="choose another file")
    check_lengths(rollouts, opened.name)
    return replace(rollouts, table=without_placeholders(rollouts.table, parquet))


def _mapped(parquet: pq.ParquetFile, opened: Source, names: list[str], required: tuple[str, ...]) -> Rollouts:
    """The columns on the disk, read and checked batch by batch."""

    def pieces() -> Iterator[pa.Table]:
        done = 0
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=names):
            batch.validate(full=True)
            table = with_tags(pa.Table.from_batches([batch])).replace_schema_metadata(parquet.schema_arrow.metadata)
            try:
                rollouts = Rollouts.from_arrow(table, file=opened.name, required=required)
                check_lengths(rollouts, opened.name)
            except InputError as error:
                line = None if error.line is None else error.line + done
                raise InputError(
                    error.problem, file=error.file, line=line, field=error.field, remedy=error.remedy
                ) from None
            done += len(table)
            yield without_placeholders(rollouts.table, parquet)

    schema = pa.schema([(name, column_type(name) or pa.string()) for name in names])
    table = mapped_table(pieces(), with_tags(schema.empty_table()).schema)
    if not len(table):
        raise pa.ArrowInvalid("no rows")
    return Rollouts(table, read_meta(parquet.schema_arrow.metadata, opened.name))


def canonical_tables(parquet: pq.ParquetFile, opened: Source, *, batch_rows: int) -> Iterator[pa.Table]:
    """The table in pieces.

    Raises
    ------
    InputError
        If a piece is damaged or not in the schema.
    """
    try:
        for batch in parquet.iter_batches(batch_size=batch_rows):
            batch.validate(full=True)
            rollouts = Rollouts.from_arrow(with_tags(pa.Table.from_batches([batch])), file=opened.name)
            check_lengths(rollouts, opened.name)
            yield without_placeholders(rollouts.table, parquet)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["?"])[0][:200]
        raise InputError(f"this Parquet file is damaged ({reason})", file=opened.name) from None


def other_columns(schema: pa.Schema) -> list[str]:
    """Columns that somebody added to the table and that hold one short value a row, at most MAX_TAGS."""

    def is_short(kind: pa.DataType) -> bool:
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)
        return bool(texts or pa.types.is_integer(kind) or pa.types.is_floating(kind))

    names = [field.name for field in schema if column_type(field.name) is None and is_short(field.type)]
    return [name for name in names if name and schema.names.count(TAG_PREFIX + name) == 0][:MAX_TAGS]


def foreign_prompt(schema: pa.Schema) -> list[str]:
    """The prompt column where it holds another tool's messages in place of our text."""
    return [n for n in schema.names if n == "prompt" and not pa.types.is_string(schema.field(n).type)]


def with_tags(table: pa.Table) -> pa.Table:
    """The table with the columns that the schema does not know as tags; long texts in them are left out."""
    table = table.drop_columns(foreign_prompt(table.schema))
    for name in other_columns(table.schema):
        texts = table[name].cast(pa.string())
        long = pc.greater(pc.binary_length(texts), 4 * MAX_CHARS)
        texts = pc.if_else(pc.fill_null(long, False), pa.scalar(None, pa.string()), texts)
        at = table.column_names.index(name)
        table = table.set_column(at, TAG_PREFIX + name, texts)
    return table


def without_placeholders(table: pa.Table, parquet: pq.ParquetFile) -> pa.Table:
    """The table with placeholder answers set to null, unless our own writer made the file."""
    metadata = parquet.schema_arrow.metadata or {}
    if "answer" not in table.column_names or META_KEY in metadata:
        return table
    answers = table["answer"]
    placeholders = [text for text in answers.unique().to_pylist() if text is not None and is_no_answer(text)]
    if not placeholders:
        return table
    none = pc.is_in(answers, pa.array(placeholders, pa.string()))
    if "reference_answer" in table.column_names:
        same = pc.equal(*(pc.utf8_lower(table[name]) for name in ("answer", "reference_answer")))
        none = pc.and_(none, pc.invert(pc.fill_null(same, False)))
    kept = pc.if_else(none, pa.scalar(None, pa.string()), answers)
    return table.set_column(table.column_names.index("answer"), "answer", kept)


def check_lengths(rollouts: Rollouts, file: str) -> None:
    """Raise InputError if the per-token lists of any row differ in length."""
    present = [name for name in PER_TOKEN if rollouts.has(name)]
    for name in present[1:]:
        first, other = (pc.list_value_length(rollouts.table[column]) for column in (present[0], name))
        differs = pc.fill_null(pc.not_equal(first, other), False)
        if pc.any(differs).as_py():
            line = pc.index(differs, True).as_py() + 1
            raise InputError(f"not as many values as '{present[0]}'", file=file, line=line, field=name)

"""Score a rollout file of any size, in parts that survive a killed run.

The folder ``OUT.parts`` beside the output holds the settings, and the new columns of each part as a small Parquet file.
A run with the same settings resumes where the last one stopped. The parts are joined at the end, because only then is
c_ref known. One part at a time is in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from laser_core.atomic import atomic_path, write_whole
from laser_core.errors import InputError
from laser_core.policy import Policy
from laser_core.rescoring.table import (
    ROWS_AT_ONCE,
    Level,
    as_noted,
    require_c_ref,
    score_part,
    steady_z_token,
    unseen_z_token,
)
from laser_core.rollouts import Rollouts, RunMeta, convert
from laser_core.rollouts.canonical_parquet import is_canonical_parquet
from laser_core.rollouts.reading.source import open_source
from laser_core.rollouts.schema import column_type, ordered, read_meta

ASKED = ("problem", "response", "truncated", "tokens")
FIRST_ROWS = 64
LEVEL_ROWS = 256  # that a verdict token's level is judged by
SAVE_SECONDS = 30.0  # about what a kill may cost: a slow model gets small parts


@dataclass(frozen=True)
class ScoringSummary:
    """What :func:`score_file` did.

    Attributes
    ----------
    n_rollouts : int
        Rows of the file.
    n_scored : int
        Rows that got a score: those that are not truncated.
    n_resumed : int
        Rows that an interrupted run had scored already.
    z_token : str
        The verdict token.
    level : Level
        beta_v, c_ref and its standard deviation.
    seconds : float
        Duration of this run.
    """

    n_rollouts: int
    n_scored: int
    n_resumed: int
    z_token: str
    level: Level
    seconds: float


def score_file(
    policy: Policy,
    source: str | Path,
    out: str | Path,
    *,
    beta_v: float = 0.1,
    c_ref: float | None = None,
    reference: Policy | None = None,
    z_chosen: bool = False,
    prompt_chosen: bool = False,
    traces: bool = False,
    dtype: torch.dtype = torch.float32,
    micro_batch_tokens: int = 4096,
    part_rows: int = ROWS_AT_ONCE,
    on_progress: Callable[[int, int, float], None] | None = None,
) -> ScoringSummary:
    """Add scores (and traces) to a rollout file of any format and write canonical Parquet.

    Parameters
    ----------
    policy : Policy
        The model that scores.
    source : str or Path
    out : str or Path
        A Parquet file; may be the source.
    beta_v, c_ref, reference, traces, dtype, micro_batch_tokens
        As in :func:`laser_core.rescoring.table.score_rollouts`. Without ``c_ref`` and ``reference`` the file's own
        c_ref is used, if it was measured for the same verdict token.
    z_chosen : bool
        Whether the user named the policy's z_c; otherwise another is chosen where the text contains it, or where its
        level under the reference varies too much.
    prompt_chosen : bool
        Whether the user set the policy's prompt; otherwise the one that the file notes is used.
    part_rows : int
        Most rows between two saves; fewer where they take longer than about SAVE_SECONDS.
    on_progress : callable, optional
        ``on_progress(done, total, seconds_left)``, the first two in rows; the last is NaN until there is an estimate.

    Returns
    -------
    ScoringSummary

    Raises
    ------
    InputError
        As ``score_rollouts`` and ``laser_core.rollouts.convert`` do. What was scored until then is kept.
    """
    start = time.monotonic()
    folder = Path(f"{out}.parts")
    settings = _Settings(folder, source, policy, reference, traces, dtype)
    settings.claim()
    table = pq.ParquetFile(_canonical(Path(source), folder))
    if not table.metadata.num_rows:
        raise InputError("there are no rollouts in it", file=source, remedy="choose another file")
    meta = read_meta(table.schema_arrow.metadata, source)
    _require_text(table, source)
    if not prompt_chosen:
        policy, reference = as_noted(policy, meta), None if reference is None else as_noted(reference, meta)
    policy = unseen_z_token(policy, _texts(table), chosen=z_chosen)
    if c_ref is None and reference is not None and not z_chosen:
        names = [name for name in ASKED if name in table.schema_arrow.names]
        first = Rollouts(_Rows(table, names).take(LEVEL_ROWS), meta)
        policy = steady_z_token(policy, reference, first, beta_v, texts=_texts(table))
    if c_ref is None and reference is None and meta.z_token == policy.z_token:
        c_ref = meta.c_ref
    require_c_ref(c_ref, reference)
    settings.pin(policy.z_token, policy.asks.text)

    resumed = _score_parts(
        table,
        folder,
        meta,
        policy,
        reference=reference,
        traces=traces,
        dtype=dtype,
        micro_batch_tokens=micro_batch_tokens,
        part_rows=part_rows,
        on_progress=on_progress,
    )
    level, n_scored = _write(table, folder, Path(out), beta_v, c_ref, policy)
    shutil.rmtree(folder)
    return ScoringSummary(table.metadata.num_rows, n_scored, resumed, policy.z_token, level, time.monotonic() - start)


def _score_parts(
    table: pq.ParquetFile,
    folder: Path,
    meta: RunMeta,
    policy: Policy,
    *,
    reference: Policy | None,
    traces: bool,
    dtype: torch.dtype,
    micro_batch_tokens: int,
    part_rows: int,
    on_progress: Callable[[int, int, float], None] | None,
) -> int:
    """Score the rows that no part holds yet, part by part; returns how many rows the existing parts held."""
    n_rows = table.metadata.num_rows
    kept = [pq.read_metadata(path).num_rows for path in _parts(folder)]
    rows = _Rows(table, [name for name in ASKED if name in table.schema_arrow.names])
    for size in kept:
        rows.take(size)
    resumed = done = sum(kept)
    if resumed and on_progress:
        on_progress(done, n_rows, float("nan"))
    began, size = time.monotonic(), min(part_rows, FIRST_ROWS)
    while done < n_rows:
        part = rows.take(size)
        found = score_part(
            policy,
            Rollouts(part, meta),
            first_line=done + 1,
            reference=reference,
            traces=traces,
            dtype=dtype,
            micro_batch_tokens=micro_batch_tokens,
        )
        with atomic_path(folder / f"{done:012d}.parquet") as temporary:
            arrays = {name: pa.array(values, column_type(name)) for name, values in found.items()}
            pq.write_table(pa.table(arrays), temporary, compression="zstd")
        done += len(part)
        seconds_a_row = (time.monotonic() - began) / (done - resumed)
        size = max(1, min(part_rows, int(SAVE_SECONDS / max(seconds_a_row, 1e-9))))
        if on_progress:
            on_progress(done, n_rows, seconds_a_row * (n_rows - done))
    return resumed


def _parts(folder: Path) -> list[Path]:
    """The existing parts in the order of their rows; each is named after its first row."""
    return sorted(folder.glob("[0-9]*.parquet"))


class _Rows:
    """A Parquet file's rows, in portions of any size."""

    def __init__(self, table: pq.ParquetFile, columns: list[str] | None = None) -> None:
        self._batches = table.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns)
        self._held: list[pa.RecordBatch] = []

    def take(self, count: int) -> pa.Table:
        """The next rows: ``count`` of them, or as many as are left (at least one is)."""
        while sum(map(len, self._held)) < count and (batch := next(self._batches, None)) is not None:
            self._held.append(batch)
        held = pa.Table.from_batches(self._held)
        self._held = held.slice(count).to_batches()
        return held.slice(0, count)


class _Settings:
    """The settings that the parts in a folder were made with: parts made with others cannot be resumed from."""

    def __init__(
        self,
        folder: Path,
        source: str | Path,
        policy: Policy,
        reference: Policy | None,
        traces: bool,
        dtype: torch.dtype,
    ) -> None:
        self.folder = folder
        self.values: dict[str, str | bool | None] = {
            "source": _digest_file(source),
            "model": _digest_model(policy),
            "reference": None if reference is None else _digest_model(reference),
            "traces": traces,
            "dtype": str(dtype),
        }

    @property
    def path(self) -> Path:
        return self.folder / "settings.json"

    def claim(self) -> None:
        """Keep the folder's parts if they were made with these settings, else start over."""
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = None
        later = {"z_token": None, "prompt": None}
        if isinstance(known, dict) and {**known, **later} == {**self.values, **later}:
            self.values |= {name: known.get(name) for name in later}
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._write()

    def pin(self, z_token: str, prompt: str) -> None:
        """Record the verdict token and the prompt, known once the file was read; parts made with others are dropped."""
        for name, value in (("z_token", z_token), ("prompt", prompt)):
            if self.values.get(name) not in (None, value):
                for path in _parts(self.folder):
                    path.unlink()
            self.values[name] = value
        self._write()

    def _write(self) -> None:
        write_whole(self.path, json.dumps(self.values))


def _digest_file(path: str | Path) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except OSError:
        return str(path)  # opening it will raise the right error


def _digest_model(policy: Policy) -> str:
    """A hash of the model's configuration and of some of each parameter's values."""
    digest = hashlib.blake2b(policy.model.config.to_json_string().encode(), digest_size=16)
    for name, parameter in policy.model.named_parameters():
        some = parameter.detach().flatten()[:: max(1, parameter.numel() // 64)][:64]
        digest.update(name.encode() + some.float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _canonical(source: Path, folder: Path) -> Path:
    """The source, or its conversion into the folder."""
    with open_source(source) as opened:
        if is_canonical_parquet(opened, format=None, mapping=None):
            return source
    converted = folder / "input.parquet"
    if not converted.exists():
        convert(source, converted, fill=False)
    return converted


def _require_text(table: pq.ParquetFile, source: str | Path) -> None:
    remedy = "map a column to 'problem'"
    if "problem" not in table.schema_arrow.names:
        raise InputError("no problem text", file=source, line=1, field="problem", remedy=remedy)
    line = 1
    for batch in table.iter_batches(columns=["problem"]):
        if batch.column(0).null_count:
            line += pc.index(pc.is_null(batch.column(0)), True).as_py()
            raise InputError("no problem text", file=source, line=line, field="problem", remedy=remedy)
        line += len(batch)


def _texts(table: pq.ParquetFile) -> Iterator[str]:
    for batch in table.iter_batches(columns=["problem", "response"]):
        yield from batch.column(0).unique().to_pylist()
        yield from batch.column(1).to_pylist()


def _write(
    table: pq.ParquetFile, folder: Path, out: Path, beta_v: float, c_ref: float | None, policy: Policy
) -> tuple[Level, int]:
    """Join the parts to the rows they belong to, with scores; returns their level and how many there are."""
    parts = _parts(folder)
    refs = [] if c_ref is not None else [pq.read_table(path, columns=["ref_z_logprob"]) for path in parts]
    level = Level.of(beta_v, c_ref, pa.concat_tables(refs)["ref_z_logprob"].to_pylist() if refs else ())
    meta = level.meta(read_meta(table.schema_arrow.metadata, out), policy)
    n_scored, held = 0, _Rows(table)
    with atomic_path(out) as temporary, contextlib.ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for path in parts:
            found = pq.read_table(path)
            rollouts = Rollouts.from_arrow(held.take(len(found)), file=out)
            for name in found.column_names:
                rollouts = rollouts.with_column(name, found[name].combine_chunks())
            rollouts = rollouts.with_column("score", level.scores(found["z_logprob"].to_pylist()))
            rows = Rollouts(ordered(rollouts.table), meta).to_arrow()
            n_scored += len(rows) - rows["score"].null_count
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(temporary, rows.schema, compression="zstd"))
            writer.write_table(rows)
    return level, n_scored

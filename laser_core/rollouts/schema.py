"""The rollout table: one row per sampled solution, the same columns whoever wrote it.

Units: log-probs and entropies in nats, lengths in tokens, scores in reward units. Every column is nullable unless it is
in :data:`REQUIRED`. Beside the fixed columns a table may hold any number of ``signal.<name>`` float columns (an
external reward model, mean log-prob, ...) that can be analysed in the score's place, and any number of ``tag.<name>``
texts: a file's other columns (a subject, a level, a data source), to filter by and to take away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core import __version__
from laser_core.errors import InputError
from laser_core.rollouts.chunks import rows_of
from laser_core.score import last_token_score, z_logprob_from_score

FORMAT_VERSION = 1
SIGNAL_PREFIX = "signal."
TAG_PREFIX = "tag."
META_KEY = b"laser_core"

COLUMNS: dict[str, pa.DataType] = {
    "run": pa.string(),  # which run (model, checkpoint, file) the row belongs to
    "step": pa.int32(),  # training step at which it was sampled
    "problem_id": pa.string(),
    "sample": pa.int32(),  # index of the solution within its problem
    "problem": pa.string(),
    "prompt": pa.string(),  # the whole chat before the response, as JSON; only where it holds more than the problem
    "reference_answer": pa.string(),
    "response": pa.string(),
    "answer": pa.string(),  # extracted from the response; null: none found
    "correct": pa.bool_(),  # the verifier's verdict
    "truncated": pa.bool_(),  # stopped by the length limit, so no <eos> and no score
    "n_tokens": pa.int32(),  # response tokens, the closing <eos> included
    "z_logprob": pa.float64(),  # log pi(z_c | x, y, <eos>), nats
    "ref_z_logprob": pa.float64(),  # the same under the reference model, nats
    "score": pa.float64(),  # r_s, unclipped
    "tokens": pa.list_(pa.string()),
    "token_logprobs": pa.list_(pa.float32()),  # of each response token, nats
    "ref_token_logprobs": pa.list_(pa.float32()),
    "z_trace": pa.list_(pa.float32()),  # log pi(z_c) after each response token, nats; the last one is z_logprob
    "entropy": pa.list_(pa.float32()),  # of the next-token distribution each token was drawn from, nats
}
REQUIRED = ("run", "problem_id", "sample", "response")
TEXTS = ("problem", "prompt", "reference_answer", "response")
PER_TOKEN = ("tokens", "token_logprobs", "ref_token_logprobs", "z_trace", "entropy")
# What the analyses of scores, thresholds and votes look at, a twentieth of a file; "signal." stands for every signal.
ANALYSIS_COLUMNS = (*(name for name in COLUMNS if name not in TEXTS + PER_TOKEN), SIGNAL_PREFIX)


@dataclass(frozen=True)
class RunMeta:
    """What the file knows about where its rollouts came from. Unknown values are None.

    Attributes
    ----------
    model : str or None
        Name or path of the model that wrote the solutions.
    z_token : str or None
        The verdict token z_c, as text.
    beta_v : float or None
        Scale of the score, in reward units per nat.
    c_ref, c_ref_std : float or None
        Mean and standard deviation of log pi_ref(z_c), in nats.
    task : str or None
        What the problems are.
    temperature : float or None
        Sampling temperature.
    prompt : str or None
        What the model read, with ``{problem}`` where the problem's text went.
    prompt_chat : bool or None
        Whether that text is a chat template's, markup included.
    source_format : str or None
        Format of the file the table was made from.
    laser_core_version : str
        Version that wrote the table.
    """

    model: str | None = None
    z_token: str | None = None
    beta_v: float | None = None
    c_ref: float | None = None
    c_ref_std: float | None = None
    task: str | None = None
    temperature: float | None = None
    prompt: str | None = None
    prompt_chat: bool | None = None
    source_format: str | None = None
    laser_core_version: str = __version__

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> RunMeta:
        """Keep the known keys with values of their type; a newer writer, or another hand, may have added others.

        Examples
        --------
        >>> meta = RunMeta.from_dict({"beta_v": 0.1, "c_ref": "low", "colour": "red"})
        >>> meta.beta_v, meta.c_ref
        (0.1, None)
        """

        def text(name: str) -> str | None:
            value = values.get(name)
            return value if isinstance(value, str) else None

        chat = values.get("prompt_chat")

        def number(name: str) -> float | None:
            value = values.get(name)
            known = isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)
            return float(value) if known and isinstance(value, (int, float)) else None

        return cls(
            model=text("model"),
            z_token=text("z_token"),
            beta_v=number("beta_v"),
            c_ref=number("c_ref"),
            c_ref_std=number("c_ref_std"),
            task=text("task"),
            temperature=number("temperature"),
            prompt=text("prompt"),
            prompt_chat=chat if isinstance(chat, bool) else None,
            source_format=text("source_format"),
            laser_core_version=text("laser_core_version") or __version__,
        )


def column_type(name: str) -> pa.DataType | None:
    """The Arrow type a column must have; None for a column this schema does not know."""
    if name.startswith(SIGNAL_PREFIX) and len(name) > len(SIGNAL_PREFIX):
        return pa.float64()
    if name.startswith(TAG_PREFIX) and len(name) > len(TAG_PREFIX):
        return pa.string()
    return COLUMNS.get(name)


def ordered(table: pa.Table) -> pa.Table:
    """The same columns in the schema's order, signals and tags last by name."""
    signals = sorted(name for name in table.column_names if name not in COLUMNS)
    return table.select([name for name in COLUMNS if name in table.column_names] + signals)


@dataclass(frozen=True)
class Rollouts:
    """Rollouts of one or more runs: an Arrow table in the canonical schema, and its metadata.

    Examples
    --------
    >>> rows = [{"run": "demo", "problem_id": "p0", "sample": 0, "response": "x=2", "correct": True, "score": 0.9}]
    >>> rollouts = Rollouts.from_rows(rows, RunMeta(beta_v=0.1, c_ref=-23.0))
    >>> len(rollouts), rollouts.column("score").tolist(), rollouts.has("z_trace")
    (1, [0.9], False)
    """

    table: pa.Table
    meta: RunMeta

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, object]], meta: RunMeta | None = None) -> Rollouts:
        """Build from dicts that already have canonical names and types; columns no row has stay absent.

        Raises
        ------
        InputError
            If a required field is missing, a column is unknown or a value does not fit its type; names row and field.
        """
        names = list(dict.fromkeys(key for row in rows for key in row))
        arrays = {}
        for name in [*(c for c in COLUMNS if c in names or c in REQUIRED), *(n for n in names if n not in COLUMNS)]:
            kind = column_type(name)
            if kind is None:
                raise InputError(
                    "unknown column",
                    field=name,
                    remedy=f"name it '{SIGNAL_PREFIX}{name}' (a number) or '{TAG_PREFIX}{name}' (a text)",
                )
            values = [row.get(name) for row in rows]
            try:
                arrays[name] = pa.array(values, kind)
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise InputError(f"expected {kind}: {error}", field=name) from None
            if name in REQUIRED and arrays[name].null_count:
                line = values.index(None) + 1
                raise InputError("missing value", line=line, field=name, remedy="every row needs this field")
        return cls(pa.table(arrays), meta or RunMeta())

    def has(self, name: str) -> bool:
        """Whether the column exists and holds at least one value."""
        return name in self.table.column_names and self.table[name].null_count < len(self)

    def column(self, name: str) -> np.ndarray:
        """A numeric or boolean column as float64 of shape (n_rows,), null as NaN; all NaN where there is none."""
        if name not in self.table.column_names:
            return np.full(len(self), np.nan)
        return np.asarray(pc.cast(self.table[name], pa.float64()).to_numpy(), dtype=np.float64)

    def text(self, name: str) -> list[str | None]:
        """A text column as a list of shape (n_rows,); all None where the column is absent."""
        return self.table[name].to_pylist() if name in self.table.column_names else [None] * len(self)

    @property
    def signals(self) -> list[str]:
        """The names of the columns that can stand in the score's place, the score first."""
        extra = [c for c in self.table.column_names if c.startswith(SIGNAL_PREFIX) and self.has(c)]
        return (["score"] if self.has("score") else []) + extra

    @property
    def tags(self) -> list[str]:
        """The names of the ``tag.<name>`` columns that hold a value."""
        return [c for c in self.table.column_names if c.startswith(TAG_PREFIX) and self.has(c)]

    def row(self, index: int) -> dict[str, Any]:
        """One rollout as a dict of Python values, of each column's own type."""
        return dict(self.table.slice(index, 1).to_pylist()[0])

    def runs(self) -> list[str]:
        """Run names in order of first appearance."""
        return list(self.table["run"].unique().to_pylist())

    def take(self, selection: np.ndarray) -> Rollouts:
        """Rows by boolean mask or by index, in that order."""
        selection = np.asarray(selection)
        picked = self.table.filter(pa.array(selection)) if selection.dtype == bool else rows_of(self.table, selection)
        return replace(self, table=picked)

    def with_column(self, name: str, values: object) -> Rollouts:
        """A copy with one column replaced or added."""
        kind = column_type(name)
        if kind is None:
            raise InputError("unknown column", field=name)
        array = pa.array(values, kind, from_pandas=True)
        names = self.table.column_names
        if name in names:
            return replace(self, table=self.table.set_column(names.index(name), name, array))
        return replace(self, table=self.table.append_column(name, array))

    def with_score_settings(self, *, beta_v: float, c_ref: float) -> Rollouts:
        """Recompute the score from z_logprob with another scale and constant: r_s = beta_v (log pi(z_c) - c_ref).

        Where the table has no z_logprob it is first recovered from the score and the settings in its metadata. Rows
        that have neither keep a null score.

        Raises
        ------
        InputError
            If the table has no z_logprob and its metadata does not say how its score was made.
        """
        z_logprob = self.column("z_logprob")
        if not np.isfinite(z_logprob).any():
            if self.meta.beta_v is None or self.meta.c_ref is None:
                raise InputError(
                    "these scores cannot be rescaled: the file has neither z_logprob nor the beta_v and c_ref its "
                    "scores were made with",
                    field="z_logprob",
                    remedy="score the file again with `laser score`",
                )
            z_logprob = z_logprob_from_score(self.column("score"), beta_v=self.meta.beta_v, c_ref=self.meta.c_ref)
        score = last_token_score(z_logprob, beta_v=beta_v, c_ref=c_ref)
        rescored = self.with_column("score", score).with_column("z_logprob", z_logprob)
        return replace(rescored, meta=replace(self.meta, beta_v=beta_v, c_ref=c_ref))

    def to_arrow(self) -> pa.Table:
        """The table with its metadata in the schema, as it is written to Parquet."""
        meta = {"format_version": FORMAT_VERSION, **asdict(self.meta)}
        return self.table.replace_schema_metadata({META_KEY: json.dumps(meta).encode()})

    @classmethod
    def from_arrow(cls, table: pa.Table, *, file: object = None, required: tuple[str, ...] = REQUIRED) -> Rollouts:
        """Check an Arrow table against the schema, casting where nothing is lost.

        ``required`` names the columns that must be there: fewer where only a part of a table was loaded.

        Raises
        ------
        InputError
            Naming ``file`` and the field: a required column is missing or has nulls, or a type does not fit.
        """
        meta = read_meta(table.schema.metadata, file)
        twice = next((n for n in table.column_names if table.column_names.count(n) > 1), None)
        if twice is not None:
            raise InputError("two columns have this name", file=file, field=twice, remedy="rename one of them")
        for name in required:
            if name not in table.column_names:
                raise InputError("required column is missing", file=file, field=name, remedy="map a column to it")
        arrays = {}
        for name in table.column_names:
            kind = column_type(name)
            if kind is None:
                continue  # a column of somebody else's: not ours to judge, not carried along
            try:
                arrays[name] = table[name].cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                wrong = f"expected {kind}, found {table[name].type} ({error})"
                raise InputError(wrong, file=file, field=name) from None
            if name in required and arrays[name].null_count:
                line = pc.index(pc.is_null(arrays[name]), True).as_py() + 1
                raise InputError("missing value", file=file, line=line, field=name, remedy="every row needs this field")
        return cls(pa.table(arrays), meta)


def read_meta(metadata: Mapping[bytes, bytes] | None, file: object) -> RunMeta:
    """The run's metadata from a Parquet schema's.

    Raises
    ------
    InputError
        If a newer version of this package wrote the table, in a format that this one does not know.
    """
    try:
        values = json.loads((metadata or {}).get(META_KEY, b"null"))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return RunMeta(source_format="parquet")  # the rows do not depend on it
    check_version(values.get("format_version"), file)
    return RunMeta.from_dict(values)


def check_version(version: object, file: object) -> None:
    """Raise InputError if the table's format is newer than this package."""
    if isinstance(version, int) and version > FORMAT_VERSION:
        newer = f"written by a newer laser_core (format {version}, this one reads {FORMAT_VERSION})"
        raise InputError(newer, file=file, remedy="upgrade laser_core")

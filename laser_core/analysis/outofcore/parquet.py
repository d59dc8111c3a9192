"""The headline numbers of a Parquet file that does not fit in memory.

DuckDB hands over a few million rows at a time, all solutions of some problems, chosen by a hash of their name; the file
is read once for each such part. The parts go through the same code as a small table, and only sums over problems are
kept. Scores and verdicts alone are also written to a scratch file, for the interval of the overall AUROC. Memory does
not grow with the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.analysis.outofcore.sums import Sums
from laser_core.analysis.questions.signals import full_signal_name
from laser_core.analysis.samples import Samples
from laser_core.analysis.summary import Summary
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts, RunMeta

if TYPE_CHECKING:
    import duckdb

PART = 4_000_000  # rows to take from the file at a time
CHUNK = 2**18  # rows to analyse at a time; both are rounded to whole problems
BIG = 2_000_000  # rows from which a file is taken for one that may not fit in memory

#: The free signals that one look at a row gives, as DuckDB expressions, and the columns they need.
FREE = {
    "signal.mean_logprob": ("list_avg(token_logprobs)", "token_logprobs"),
    "signal.min_logprob": ("list_min(token_logprobs)", "token_logprobs"),
    "signal.neg_entropy": ("-list_avg(entropy)", "entropy"),
    "signal.shortness": ("-n_tokens", "n_tokens"),
}


def is_big_parquet(path: str | Path) -> bool:
    """Whether a file is canonical Parquet of more than ``BIG`` rows, by its footer; False for anything else."""
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return footer.num_rows > BIG and {"run", "problem_id", "correct"} <= set(footer.schema.to_arrow_schema().names)


def summarize_parquet(
    path: str | Path,
    *,
    run: str | None = None,
    signal: str = "score",
    threshold: float = 0.5,
    n_values: np.ndarray | Sequence[int] | None = None,
    memory_limit: str = "1GB",
    temp_dir: str | Path | None = None,
) -> Summary:
    """Summarise a Parquet file of any size in bounded memory.

    Parameters
    ----------
    path : path
        In the canonical schema; several files may be given as a glob.
    run : str, optional
        Which run. May be left out where the file holds one.
    signal : str
        A column, with or without "signal." in front; the mean and minimum log-prob, the entropy and the length are made
        from the per-token columns where the file does not have them.
    threshold : float
        Of balanced F1, TPR and TNR.
    n_values : array of int, optional
        Sizes of the votes. None: powers of two, up to what nine problems in ten reach.
    memory_limit : str
        For DuckDB, in its notation; the analysis adds about half a gigabyte.
    temp_dir : path, optional
        Where the scratch file goes: 7 bytes a scored row.

    Returns
    -------
    Summary
        As from memory, with four differences. The overall AUROC and the best threshold treat the scores of each of
        4,096 bins as ties; the bins of the ECE are made from a sample of a million scores; answers are compared as text
        (after :func:`laser_core.answers.verify.normalize`), not by mathematics; and what needs all solutions at once
        (average precision, MCC, cross-fitting) is left out.

    Raises
    ------
    InputError
        If DuckDB is not installed, the file cannot be read or lacks a column, or a run must be chosen.
    """
    signal = full_signal_name(signal)
    with _File.open(path, run=run, signal=signal, memory_limit=memory_limit) as file:
        sizes = file.default_sizes() if n_values is None else np.unique(np.asarray(n_values, int))
        with tempfile.TemporaryFile(dir=temp_dir) as scratch:
            sums = Sums(sizes, file.sampled_scores(), threshold, scratch)
            for samples in file.chunks():
                sums.add(samples)
            return sums.finish(signal, file.run)


@dataclass(frozen=True)
class _File:
    """One run of a Parquet file, seen through DuckDB as the columns problem_id, answer, correct, truncated, score."""

    db: duckdb.DuckDBPyConnection
    n_rows: int
    run: str

    @classmethod
    @contextmanager
    def open(cls, path: str | Path, *, run: str | None, signal: str, memory_limit: str) -> Iterator[_File]:
        try:
            import duckdb
        except ImportError:
            raise InputError("large files need DuckDB", remedy="pip install duckdb") from None
        with duckdb.connect() as db:
            db.execute(f"SET memory_limit = '{memory_limit}'; SET preserve_insertion_order = false")
            try:
                source = db.read_parquet(str(path), file_row_number=True)
            except duckdb.Error as error:
                raise InputError(f"cannot be read as Parquet ({str(error).splitlines()[0]})", file=path) from None
            value, needed = FREE.get(signal, ("", signal)) if signal not in source.columns else (f'"{signal}"', signal)
            for name in ("run", "problem_id", "correct", needed):
                if name not in source.columns:
                    remedy = "`laser convert` fills in verdicts" if name == "correct" else None
                    raise InputError("required column is missing", file=path, field=name, remedy=remedy)
            runs = [row[0] for row in source.project("run").distinct().limit(9).fetchall()]
            if run is None and len(runs) != 1:
                shown = ", ".join(sorted(map(str, runs)))
                raise InputError(f"the file holds several runs ({shown})", file=path, field="run", remedy="choose one")
            run = runs[0] if run is None else run
            chosen = duckdb.ConstantExpression(run)
            score = f"({value})::DOUBLE"
            # As in memory, each training step's solutions of a problem are a problem of their own.
            at_step = "problem_id || chr(31) || coalesce(step::VARCHAR, '') AS problem_id"
            columns = (
                at_step if "step" in source.columns else "problem_id",
                "answer" if "answer" in source.columns else "NULL::VARCHAR AS answer",
                "correct",
                "truncated" if "truncated" in source.columns else "false AS truncated",
                f"CASE WHEN isfinite({score}) THEN {score} END AS score",
                "file_row_number AS place",
            )
            rows = source.filter(duckdb.ColumnExpression("run") == chosen).project(", ".join(columns))
            rows.create_view("rollouts")
            n_rows = int(db.execute("SELECT count(*) FROM rollouts").fetchall()[0][0])
            if not n_rows:
                raise InputError(f"no rollouts of the run '{run}'", file=path, field="run")
            yield cls(db, n_rows, run)

    def default_sizes(self) -> np.ndarray:
        """Powers of two, up to what nine problems in ten reach."""
        counts = "(SELECT count(*) AS c FROM rollouts GROUP BY problem_id)"
        reach = int(self.db.execute(f"SELECT quantile_disc(c, 0.1) FROM {counts}").fetchall()[0][0])
        return 2 ** np.arange(int(np.log2(reach)) + 1)

    def sampled_scores(self) -> np.ndarray:
        """A million of the scores at most, the same ones each time."""
        scored = "(SELECT score FROM rollouts WHERE score IS NOT NULL)"
        query = f"SELECT score FROM {scored} USING SAMPLE reservoir(1000000 ROWS) REPEATABLE (0)"
        return np.asarray(self.db.execute(query).fetchnumpy()["score"], float)

    def chunks(self) -> Iterator[Samples]:
        """Samples of whole problems, in no particular order."""
        n_parts = -(-self.n_rows // PART)
        for part in range(n_parts):
            # A problem's solutions stay in the order of the file: the random draws of the votes depend on it.
            query = f"SELECT * FROM rollouts WHERE hash(problem_id) % {n_parts} = {part} ORDER BY problem_id, place"
            table = self.db.sql(query).to_arrow_table().drop_columns("place")
            codes = table["problem_id"].combine_chunks().dictionary_encode().indices.to_numpy()
            starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
            # Chunks end where a problem ends: at the last start within reach, or after one large problem.
            wanted = np.arange(0, len(codes), CHUNK)
            cuts = starts[np.unique(np.searchsorted(starts, wanted, side="right") - 1)].tolist()
            for low, high in pairwise([*cuts, len(codes)]):
                yield _samples(table.slice(low, high - low))


def _samples(table: pa.Table) -> Samples:
    table = table.append_column("run", pa.repeat("r", len(table)))
    table = table.append_column("sample", pa.array(np.arange(len(table), dtype=np.int32)))
    return Samples.from_rollouts(Rollouts(table, RunMeta()), same_answers=same_text)


def same_text(problem: np.ndarray, answers: list[str | None]) -> np.ndarray:
    """Number each problem's distinct answers, compared as normalised text; -1 where there is none.

    Examples
    --------
    >>> same_text(np.array([0, 0, 0, 1, 1]), ["2", "3", " 2 ", None, "2"]).tolist()
    [0, 1, 0, -1, 0]
    """
    import pandas as pd  # here and not above: it is only needed for a large file

    from laser_core.answers.verify import normalize

    text, names = pd.factorize(np.array([a if a is None else normalize(a) for a in answers], object))
    pair, inverse = np.unique(problem.astype(np.int64) * (len(names) + 1) + text + 1, return_inverse=True)
    owner, known = np.divmod(pair, len(names) + 1)
    number = np.cumsum(known > 0)
    first = np.append(True, owner[1:] != owner[:-1])
    offset = (number - (known > 0))[first][np.cumsum(first) - 1]
    return np.where(known > 0, number - 1 - offset, -1)[inverse]

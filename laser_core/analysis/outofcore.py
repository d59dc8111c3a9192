"""The headline numbers of a Parquet file that does not fit in memory.

DuckDB hands over a few million rows at a time, all solutions of some problems, chosen by a hash of their name; the file
is read once for each such part. The parts go through the same code as a small table, and only sums over problems are
kept. Scores and verdicts alone are also written to a scratch file, for the interval of the overall AUROC. Memory does
not grow with the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa

from laser_core.analysis.estimates import UNDEFINED, Estimate, interval
from laser_core.analysis.metrics import Judged, within_problem_aurocs
from laser_core.analysis.samples import Samples
from laser_core.analysis.voting import voting_curve
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts, RunMeta

if TYPE_CHECKING:
    import duckdb

PART = 4_000_000  # rows to take from the file at a time
CHUNK = 2**18  # rows to analyse at a time; both are rounded to whole problems
BINS = 4096  # of the score, equally full; the overall AUROC counts scores of one bin as equal
ROW = np.dtype([("problem", "<i4"), ("bin", "<u2"), ("right", "?")], align=False)
CURVES = ("pass", "majority", "weighted", "best_of_n")


@dataclass(frozen=True)
class BigSummary:
    """As :class:`~laser_core.analysis.Summary`, for what can be summed over problems.

    Attributes
    ----------
    n_problems, n_rollouts : int
    accuracy, auroc, within_problem_auroc, balanced_f1, tpr, tnr : Estimate
    n_mixed_problems : int
    truncated_fraction : float
    n : ndarray of int of shape (n_sizes,)
    curves : dict of str to (mean, low, high), ndarrays of shape (n_sizes,)
        "pass", "majority", "weighted" and "best_of_n".
    weighted_se : ndarray of shape (n_sizes,)
        Monte-Carlo standard error; the other curves are exact.
    n_voting : int
        Problems behind the curves: those with enough solutions and known verdicts.
    """

    n_problems: int
    n_rollouts: int
    accuracy: Estimate
    auroc: Estimate
    within_problem_auroc: Estimate
    balanced_f1: Estimate
    tpr: Estimate
    tnr: Estimate
    n_mixed_problems: int
    truncated_fraction: float
    n: np.ndarray
    curves: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    weighted_se: np.ndarray
    n_voting: int


def summarize_parquet(
    path: str | Path,
    *,
    run: str | None = None,
    signal: str = "score",
    threshold: float = 0.5,
    n_values: np.ndarray | None = None,
    memory_limit: str = "1GB",
    temp_dir: str | Path | None = None,
) -> BigSummary:
    """Summarise a Parquet file of any size in bounded memory.

    Parameters
    ----------
    path : path
        In the canonical schema; several files may be given as a glob.
    run : str, optional
        Which run. May be left out where the file holds one.
    signal : str
    threshold : float
        Of balanced F1, TPR and TNR.
    n_values : array of int, optional
        Sizes of the votes. None: powers of two, up to what nine problems in ten reach.
    memory_limit : str
        For DuckDB, in its notation; the analysis adds about half a gigabyte.
    temp_dir : path, optional
        Where the scratch file goes: 8 bytes a row.

    Returns
    -------
    BigSummary
        Answers are compared as text (after :func:`laser_core.verify.normalize`), not by mathematics.

    Raises
    ------
    InputError
        If DuckDB is not installed, the file cannot be read or lacks a column, or a run must be chosen.
    """
    with _File.open(path, run=run, signal=signal, memory_limit=memory_limit) as file:
        sizes = file.default_sizes() if n_values is None else np.unique(np.asarray(n_values, int))
        edges = file.edges()
        sums = _Sums(len(sizes))
        with tempfile.TemporaryFile(dir=temp_dir) as scratch:
            for samples in file.chunks():
                sums.add(samples, sizes, threshold, edges, scratch)
            return sums.finish(sizes, _auroc(sums, scratch))


@dataclass(frozen=True)
class _File:
    """One run of a Parquet file, seen through DuckDB as the columns problem_id, answer, correct, truncated, score."""

    db: duckdb.DuckDBPyConnection
    n_rows: int

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
                source = db.read_parquet(str(path))
            except duckdb.Error as error:
                raise InputError(f"cannot be read as Parquet ({str(error).splitlines()[0]})", file=path) from None
            for name in ("run", "problem_id", "correct", signal):
                if name not in source.columns:
                    raise InputError("required column is missing", file=path, field=name)
            runs = [row[0] for row in source.project("run").distinct().limit(9).fetchall()]
            if run is None and len(runs) != 1:
                shown = ", ".join(sorted(map(str, runs)))
                raise InputError(f"the file holds several runs ({shown})", file=path, field="run", remedy="choose one")
            chosen = duckdb.ConstantExpression(runs[0] if run is None else run)
            score = f'"{signal}"::DOUBLE'
            columns = (
                "problem_id",
                "answer" if "answer" in source.columns else "NULL::VARCHAR AS answer",
                "correct",
                "truncated" if "truncated" in source.columns else "false AS truncated",
                f"CASE WHEN isfinite({score}) THEN {score} END AS score",
            )
            rows = source.filter(duckdb.ColumnExpression("run") == chosen).project(", ".join(columns))
            rows.create_view("rollouts")
            n_rows = db.execute("SELECT count(*) FROM rollouts").fetchone()[0]
            if not n_rows:
                raise InputError(f"no rollouts of the run '{run}'", file=path, field="run")
            yield cls(db, n_rows)

    def default_sizes(self) -> np.ndarray:
        """Powers of two, up to what nine problems in ten reach."""
        counts = "(SELECT count(*) AS c FROM rollouts GROUP BY problem_id)"
        reach = self.db.execute(f"SELECT quantile_disc(c, 0.1) FROM {counts}").fetchone()[0]
        return 2 ** np.arange(int(np.log2(reach)) + 1)

    def edges(self) -> np.ndarray:
        """Inner edges of bins that hold about equally many scores, from a sample of a million."""
        scored = "(SELECT score FROM rollouts WHERE score IS NOT NULL)"
        query = f"SELECT score FROM {scored} USING SAMPLE reservoir(1000000 ROWS) REPEATABLE (0)"
        score = np.asarray(self.db.execute(query).fetchnumpy()["score"], float)
        return np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1])) if len(score) else np.zeros(0)

    def chunks(self) -> Iterator[Samples]:
        """Samples of whole problems, in no particular order."""
        n_parts = -(-self.n_rows // PART)
        for part in range(n_parts):
            query = f"SELECT * FROM rollouts WHERE hash(problem_id) % {n_parts} = {part} ORDER BY problem_id"
            table = self.db.sql(query).to_arrow_table()
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

    from laser_core.verify import normalize

    text, names = pd.factorize(np.array([a if a is None else normalize(a) for a in answers], object))
    pair, inverse = np.unique(problem.astype(np.int64) * (len(names) + 1) + text + 1, return_inverse=True)
    owner, known = np.divmod(pair, len(names) + 1)
    number = np.cumsum(known > 0)
    first = np.append(True, owner[1:] != owner[:-1])
    offset = (number - (known > 0))[first][np.cumsum(first) - 1]
    return np.where(known > 0, number - 1 - offset, -1)[inverse]


class _Sums:
    """Running sums over problems: first and second moments, and histograms of the score by verdict."""

    def __init__(self, n_sizes: int) -> None:
        self.n_problems = self.n_rollouts = self.truncated = self.n_voting = 0
        self.accuracy, self.within = np.zeros(3), np.zeros(3)  # count, sum, sum of squares
        self.cells, self.products = np.zeros(4), np.zeros((4, 4))  # hits, correct, true rejections, incorrect
        self.curves = {name: np.zeros((2, n_sizes)) for name in CURVES}
        self.noise = np.zeros(n_sizes)
        self.histogram = np.zeros((2, BINS + 1))

    def add(self, samples: Samples, sizes: np.ndarray, threshold: float, edges: np.ndarray, scratch: BinaryIO) -> None:
        self.n_problems += samples.n_problems
        self.n_rollouts += int(samples.present.sum())
        self.truncated += int(samples.truncated.sum())
        known = np.isfinite(samples.correct).sum(axis=1)
        self.accuracy += _moments((np.nansum(samples.correct, axis=1) / np.maximum(known, 1))[known > 0])
        judged = Judged.of(samples)
        within = within_problem_aurocs(judged)
        self.within += _moments(within[np.isfinite(within)])
        said, right = judged.score > threshold, judged.correct
        cells = np.stack([judged.per_problem(flag) for flag in (said & right, right, ~said & ~right, ~right)])
        self.cells += cells.sum(axis=1)
        self.products += cells @ cells.T
        bins = np.searchsorted(edges, judged.score, side="right")
        self.histogram += [np.bincount(bins[right == verdict], minlength=BINS + 1) for verdict in (0, 1)]
        rows = np.zeros(len(bins), ROW)
        rows["problem"], rows["bin"], rows["right"] = judged.problem, bins, right
        np.save(scratch, rows)
        try:
            curve = voting_curve(samples, n_values=sizes, target_se=1.0)
        except InputError:  # no problem of this chunk can vote
            return
        self.n_voting += curve.n_problems
        for name, values in curve.per_problem.items():
            self.curves[name] += np.stack([values.sum(axis=0), (values**2).sum(axis=0)])
        self.noise += (curve.weighted_se * curve.n_problems) ** 2

    def finish(self, sizes: np.ndarray, auroc: Estimate) -> BigSummary:
        n = self.n_voting
        tpr, tnr, f1 = self._rates()
        curves = {}
        for name, (total, square) in self.curves.items():
            mean = total / max(n, 1)
            se = np.sqrt(np.maximum(square / max(n, 1) - mean**2, 0) / max(n - 1, 1))
            curves[name] = (mean, *interval(mean, se, n))
        return BigSummary(
            n_problems=self.n_problems,
            n_rollouts=self.n_rollouts,
            accuracy=_mean(self.accuracy),
            auroc=auroc,
            within_problem_auroc=_mean(self.within),
            balanced_f1=f1,
            tpr=tpr,
            tnr=tnr,
            n_mixed_problems=int(self.within[0]),
            truncated_fraction=self.truncated / max(1, self.n_rollouts),
            n=sizes,
            curves=curves,
            weighted_se=np.sqrt(self.noise) / max(n, 1),
            n_voting=n,
        )

    def _rates(self) -> tuple[Estimate, Estimate, Estimate]:
        """TPR, TNR and balanced F1 from the sums and products over problems (the delta method)."""
        hits, rights, rejections, wrongs = self.cells
        if not (rights and wrongs):
            return UNDEFINED, UNDEFINED, UNDEFINED
        tpr, tnr = hits / rights, rejections / wrongs
        by_tpr = np.array([1, -tpr, 0, 0]) / rights
        by_tnr = np.array([0, 0, 1, -tnr]) / wrongs
        f1 = 2 * tpr * tnr / (tpr + tnr) if tpr + tnr else 0.0
        slope = 2 * np.array([tnr, tpr]) ** 2 / (tpr + tnr) ** 2 if tpr + tnr else np.zeros(2)
        gradients = (by_tpr, by_tnr, slope[0] * by_tpr + slope[1] * by_tnr)
        return tuple(
            _estimate(value, np.sqrt(max(g @ self.products @ g, 0.0)), self.n_problems)
            for value, g in zip((tpr, tnr, f1), gradients, strict=True)
        )


def _moments(values: np.ndarray) -> np.ndarray:
    return np.array([len(values), values.sum(), (values**2).sum()])


def _mean(moments: np.ndarray) -> Estimate:
    n, total, square = moments
    if n == 0:
        return UNDEFINED
    mean = total / n
    return _estimate(mean, np.sqrt(max(square / n - mean**2, 0.0) / max(n - 1, 1)), int(n))


def _estimate(value: float, se: float, n: int) -> Estimate:
    low, high = interval(value, se, n)
    return Estimate(float(value), float(low), float(high), n)


def _auroc(sums: _Sums, scratch: BinaryIO) -> Estimate:
    """Overall AUROC from the histograms, and its clustered standard error from the scratch file."""
    wrong, right = sums.histogram
    n_wrong, n_right = wrong.sum(), right.sum()
    if not (n_wrong and n_right):
        return UNDEFINED
    beats = (np.cumsum(wrong) - wrong / 2) / n_wrong
    beaten = 1 - (np.cumsum(right) - right / 2) / n_right
    value = float(right @ beats / n_right)
    total, end = 0.0, scratch.tell()
    scratch.seek(0)
    while scratch.tell() < end:
        rows = np.load(scratch)
        bins = rows["bin"]
        moved = np.where(rows["right"], (beats[bins] - value) / n_right, (beaten[bins] - value) / n_wrong)
        total += float((np.bincount(rows["problem"], moved) ** 2).sum())
    return _estimate(value, np.sqrt(total), sums.n_problems)

"""The headline numbers of a Parquet file that does not fit in memory.

DuckDB sorts the few columns that count by problem, on disk where memory ends. The sorted rows then stream by, whole
problems at a time, through the same code as a small table; only sums over problems are kept. A second pass adds the
interval of the overall AUROC. Memory does not grow with the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from laser_core.analysis.estimates import UNDEFINED, Estimate, interval
from laser_core.analysis.metrics import Judged, within_problem_aurocs
from laser_core.analysis.samples import Samples
from laser_core.analysis.voting import voting_curve
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts, RunMeta

CHUNK = 2**18  # rows at a time, rounded to whole problems
BINS = 4096  # of the score, equally full; the overall AUROC counts scores of one bin as equal
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
        For the sort, as DuckDB takes it.
    temp_dir : path, optional
        Where the sorted copy goes: about 40 bytes a row.

    Returns
    -------
    BigSummary
        Answers are compared as text (after :func:`laser_core.verify.normalize`), not by mathematics.

    Raises
    ------
    InputError
        If DuckDB is not installed, the file cannot be read or lacks a column, or a run must be chosen.
    """
    with tempfile.TemporaryDirectory(dir=temp_dir) as folder:
        ordered = Path(folder) / "ordered.parquet"
        _sort(path, ordered, run=run, signal=signal, memory_limit=memory_limit)
        sizes = _default_sizes(ordered) if n_values is None else np.unique(np.asarray(n_values, int))
        edges = _edges(ordered)
        sums = _Sums(len(sizes))
        for samples in _chunks(ordered):
            sums.add(samples, sizes, threshold, edges)
        return sums.finish(sizes, _auroc(sums, ordered, edges))


def _connect(memory_limit: str = "1GB"):
    try:
        import duckdb
    except ImportError:
        raise InputError("large files need DuckDB", remedy="pip install duckdb") from None
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{memory_limit}'; SET preserve_insertion_order = false")
    return connection


def _sort(path: str | Path, ordered: Path, *, run: str | None, signal: str, memory_limit: str) -> None:
    """Write the columns that count, ordered by problem."""
    import duckdb

    with _connect(memory_limit) as db:
        db.execute(f"SET temp_directory = '{ordered.parent}'")
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
        columns = [
            "problem_id",
            "answer" if "answer" in source.columns else "NULL::VARCHAR AS answer",
            "correct",
            "truncated" if "truncated" in source.columns else "false AS truncated",
            f'CASE WHEN isfinite("{signal}"::DOUBLE) THEN "{signal}"::DOUBLE END AS score',
        ]
        # The hash sorts faster than the text, and puts the problems in no particular order.
        db.execute(
            f"COPY (SELECT {', '.join(columns)} FROM source WHERE run = ? ORDER BY hash(problem_id), problem_id) "
            f"TO '{ordered}' (FORMAT parquet, ROW_GROUP_SIZE 122880)",
            [runs[0] if run is None else run],
        )
    if pq.ParquetFile(ordered).metadata.num_rows == 0:
        raise InputError(f"no rollouts of the run '{run}'", file=path, field="run")


def _default_sizes(ordered: Path) -> np.ndarray:
    query = "SELECT quantile_disc(c, 0.1) FROM (SELECT count(*) AS c FROM read_parquet(?) GROUP BY problem_id)"
    with _connect() as db:
        reach = int(db.execute(query, [str(ordered)]).fetchone()[0])
    return 2 ** np.arange(int(np.log2(reach)) + 1)


def _edges(ordered: Path) -> np.ndarray:
    """Inner edges of bins that hold about equally many scores, from a sample of a million."""
    query = (
        "SELECT score FROM (SELECT score FROM read_parquet(?) WHERE score IS NOT NULL) "
        "USING SAMPLE reservoir(1000000 ROWS) REPEATABLE (0)"
    )
    with _connect() as db:
        score = db.execute(query, [str(ordered)]).fetchnumpy()["score"]
    score = np.asarray(score, float)
    return np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1])) if len(score) else np.zeros(0)


def _chunks(ordered: Path) -> Iterator[Samples]:
    """The sorted rows as samples, whole problems at a time."""
    held: list[pa.RecordBatch] = []
    for batch in pq.ParquetFile(ordered).iter_batches(CHUNK):
        codes = batch.column("problem_id").dictionary_encode().indices.to_numpy()
        cut = int(np.searchsorted(codes, codes[-1]))  # where the last problem begins; it may go on in the next batch
        if held and held[0].column("problem_id")[0] != batch.column("problem_id")[0]:
            yield _samples(held)  # the held problem ended with its batch
            held = []
        if cut:
            yield _samples([*held, batch.slice(0, cut)])
            held = []
        held.append(batch.slice(cut))
    if held:
        yield _samples(held)


def _samples(batches: list[pa.RecordBatch]) -> Samples:
    table = pa.Table.from_batches(batches)
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

    def add(self, samples: Samples, sizes: np.ndarray, threshold: float, edges: np.ndarray) -> None:
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
        for verdict in (0, 1):
            bins = np.searchsorted(edges, judged.score[right == verdict], side="right")
            self.histogram[verdict] += np.bincount(bins, minlength=BINS + 1)
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


def _auroc(sums: _Sums, ordered: Path, edges: np.ndarray) -> Estimate:
    """Overall AUROC from the histograms, and its clustered standard error from a second pass."""
    wrong, right = sums.histogram
    n_wrong, n_right = wrong.sum(), right.sum()
    if not (n_wrong and n_right):
        return UNDEFINED
    beats = (np.cumsum(wrong) - wrong / 2) / n_wrong
    beaten = 1 - (np.cumsum(right) - right / 2) / n_right
    value = float(right @ beats / n_right)
    total = 0.0
    for samples in _chunks(ordered):
        judged = Judged.of(samples)
        bins = np.searchsorted(edges, judged.score, side="right")
        moved = np.where(judged.correct, (beats[bins] - value) / n_right, (beaten[bins] - value) / n_wrong)
        total += float((judged.per_problem(moved) ** 2).sum())
    return _estimate(value, np.sqrt(total), sums.n_problems)

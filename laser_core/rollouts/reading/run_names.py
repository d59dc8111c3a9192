"""Keep the runs of several files apart, and bring the parts of one run together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

_WHO = ("problem_id", "step", "sample")
_WHAT = ("response", "answer", "score")


class RunNames:
    """Names the runs of one file after another, so that only parts of one run share a name.

    Attributes
    ----------
    notes : Counter of str
        What was renamed or left out, and how many rows of it.
    """

    def __init__(self) -> None:
        self.notes: Counter[str] = Counter()
        self._file: int | None = None
        self._named: dict[str, str] = {}  # of this file: the run as it says -> as it is called
        self._own: dict[str, list[_Solutions]] = {}  # of this file, by what the run is called
        self._earlier: dict[str, list[_Solutions]] = {}  # of the files before, one item each

    def place(self, file: int, name: str, table: pa.Table) -> tuple[pa.Table, pa.Array]:
        """A file's rows under their runs' names, without those that an earlier file already holds.

        A run gets its name with its first rows: the one it says, unless an earlier file has other solutions of the same
        problems, with the same numbers, under that name.

        Parameters
        ----------
        file : int
            Number of the file, the same for all its pieces.
        name : str
            Its display name.
        table : Table
            A piece of it.

        Returns
        -------
        (Table, Array of bool)
            The rows that stay, and for each row of the piece whether it does.
        """
        if file != self._file:
            self._begin(file)
        runs = table["run"].to_pandas()
        who, what = row_hashes(table, _WHO), row_hashes(table, _WHAT)
        keep = np.ones(len(table), dtype=bool)
        renamed = runs.copy()
        for run, rows in runs.groupby(runs, sort=False).indices.items():
            solutions = _Solutions(who[rows], what[rows])
            if run not in self._named:
                self._named[run] = self._free_name(run, solutions)
            called = self._named[run]
            if called != run:
                note = f"run '{run}' of {name} is called '{called}': an earlier file has another of that name"
                self.notes[note] += len(rows)
            held = np.zeros(len(rows), dtype=bool)
            for known in self._earlier.get(called, []):
                held |= known.holds(solutions)[0]
            if held.any():
                self.notes[f"solutions in {name} that an earlier file already holds: left out"] += int(held.sum())
            keep[rows] = ~held
            renamed.iloc[rows] = called
            self._own.setdefault(called, []).append(_Solutions(solutions.who[~held], solutions.what[~held]))
        table = table.set_column(table.column_names.index("run"), "run", pa.array(renamed, pa.string()))
        kept = pa.array(keep)
        return table if keep.all() else table.filter(kept), kept

    def _begin(self, file: int) -> None:
        for called, pieces in self._own.items():
            self._earlier.setdefault(called, []).append(_Solutions.merged(pieces))
        self._file, self._own, self._named = file, {}, {}

    def _free_name(self, run: str, solutions: _Solutions) -> str:
        number, called = 1, run
        while any(known.contradicts(solutions) for known in self._earlier.get(called, [])):
            number += 1
            called = f"{run} ({number})"
        return called


@dataclass(frozen=True)
class _Solutions:
    """Which solutions these are, and what they say: two numbers each, of shape (n,)."""

    who: np.ndarray
    what: np.ndarray

    @classmethod
    def merged(cls, pieces: list[_Solutions]) -> _Solutions:
        """All of them, sorted, to be looked up."""
        who, what = (np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("who", "what"))
        order = np.argsort(who, kind="stable")
        return cls(who[order], what[order])

    def holds(self, others: _Solutions) -> tuple[np.ndarray, np.ndarray]:
        """For each of the others, whether it is among these (sorted), and where it would be."""
        if not len(self.who):
            return np.zeros(len(others.who), dtype=bool), np.zeros(len(others.who), dtype=int)
        place = np.searchsorted(self.who, others.who).clip(max=len(self.who) - 1)
        return self.who[place] == others.who, place

    def contradicts(self, others: _Solutions) -> bool:
        """Whether both hold a solution of the same number that says something else."""
        held, place = self.holds(others)
        return bool((self.what[place[held]] != others.what[held]).any())


def row_hashes(table: pa.Table, columns: tuple[str, ...]) -> np.ndarray:
    """One number for what the columns say in each row, of shape (n_rows,)."""
    total: np.ndarray = np.zeros(len(table), dtype=np.uint64)
    for name in columns:
        if name in table.column_names:
            values = table[name].to_pandas()
            hashes = np.asarray(pd.util.hash_pandas_object(values, index=False), dtype=np.uint64)
            total = np.add(total * np.uint64(1_000_003), hashes, dtype=np.uint64)
    return total

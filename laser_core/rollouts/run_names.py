"""Keep the runs of several files apart, and bring the parts of one run together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa

_WHO = ("problem_id", "step", "sample")
_WHAT = ("response", "answer", "score")


class RunNames:
    """Names the runs of one file after another, so that only parts of one run share a name.

    Attributes
    ----------
    notes : sentences on what was renamed or left out -> how many rows of it.
    """

    def __init__(self) -> None:
        self.notes: Counter[str] = Counter()
        self._held: dict[str, list[tuple[int, pd.Series]]] = {}
        self._named: dict[tuple[int, str], str] = {}

    def place(self, file: int, name: str, table: pa.Table) -> pa.Table:
        """A file's rows under their runs' names, without those that an earlier file already holds.

        A run gets its name with its first rows: the one it says, unless an earlier file has other solutions of the same
        problems, with the same numbers, under that name.

        Parameters
        ----------
        file : number of the file, the same for all its pieces.
        name : its display name.
        table : a piece of it.
        """
        runs = table["run"].to_pandas()
        who = _hashed(table, _WHO)
        what = pd.Series(_hashed(table, _WHAT), index=who)
        keep = np.ones(len(table), dtype=bool)
        renamed = runs.copy()
        for run, rows in runs.groupby(runs, sort=False).indices.items():
            solutions = what.iloc[rows]
            if (file, run) not in self._named:
                self._named[file, run] = self._free_name(file, run, solutions)
            called = self._named[file, run]
            if called != run:
                note = f"run '{run}' of {name} is called '{called}': an earlier file has another of that name"
                self.notes[note] += len(rows)
            held = np.zeros(len(rows), dtype=bool)
            for other, known in self._held.get(called, []):
                held |= solutions.index.isin(known.index) if other != file else False
            if held.any():
                self.notes[f"solutions in {name} that an earlier file already holds: left out"] += int(held.sum())
            keep[rows] = ~held
            renamed.iloc[rows] = called
            self._held.setdefault(called, []).append((file, solutions[~held]))
        table = table.set_column(table.column_names.index("run"), "run", pa.array(renamed, pa.string()))
        return table if keep.all() else table.filter(pa.array(keep))

    def _free_name(self, file: int, run: str, solutions: pd.Series) -> str:
        number, called = 1, run
        while any(_contradict(known, solutions) for other, known in self._held.get(called, []) if other != file):
            number += 1
            called = f"{run} ({number})"
        return called


def _contradict(known: pd.Series, new: pd.Series) -> bool:
    """Whether both hold a solution of the same number that is not the same solution."""
    both = new[new.index.isin(known.index)]
    return bool(len(both)) and not both.isin(known.to_numpy()).all()


def _hashed(table: pa.Table, columns: tuple[str, ...]) -> np.ndarray:
    """One number for what the columns say in each row, of shape (n_rows,)."""
    total = np.zeros(len(table), dtype=np.uint64)
    for name in columns:
        if name in table.column_names:
            values = table[name].to_pandas()
            total = total * np.uint64(1_000_003) + pd.util.hash_pandas_object(values, index=False).to_numpy()
    return total

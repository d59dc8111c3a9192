"""Rollouts made in parts that survive a killed command: ``OUT.parts`` holds the finished ones until all are there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from laser_core.atomic import write_whole
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, RunMeta, joined, read, write_parquet

SETTINGS = "settings.json"


@dataclass(frozen=True)
class Parts:
    """The parts of one output, made with one set of settings.

    Attributes
    ----------
    folder : Path
        Where they are kept; it is made with the first part.
    settings : str
        What they are made with.
    """

    folder: Path
    settings: str

    @classmethod
    def of(cls, out: Path, settings: Mapping[str, object]) -> Parts:
        """Those of an output; parts that were made with other settings are dropped."""
        folder, told = Path(f"{out}.parts"), json.dumps(settings, sort_keys=True, default=str)
        path = folder / SETTINGS
        if not path.is_file() or path.read_text(encoding="utf-8") != told:
            shutil.rmtree(folder, ignore_errors=True)
        return cls(folder, told)

    def meta(self) -> RunMeta | None:
        """What the first part notes of its origin; None where there is none yet."""
        first = next(iter(sorted(self.folder.glob("[0-9]*.parquet"))), None)
        return None if first is None else read(first, fill=False).rollouts.meta

    def n_kept(self) -> int:
        """How many parts are there."""
        return len(list(self.folder.glob("[0-9]*.parquet")))

    def complete(self, starts: Sequence[int], make: Callable[[int], Rollouts]) -> Rollouts:
        """All parts joined, each made only if it is not there; the folder is removed.

        Parameters
        ----------
        starts : sequence of int
            What tells the parts apart, in their order.
        make : callable
            Makes the part of a start.
        """
        found = []
        for start in starts:
            path = self.folder / f"{start:09d}.parquet"
            part = self._kept(path)
            if part is None:
                part = make(start)
                if not (self.folder / SETTINGS).is_file():
                    write_whole(self.folder / SETTINGS, self.settings)
                write_parquet(part, path)
            found.append(part)
        whole = joined(found) if len(found) > 1 else found[0]
        shutil.rmtree(self.folder, ignore_errors=True)
        return whole

    def _kept(self, path: Path) -> Rollouts | None:
        """A part that is there and whole."""
        try:
            return read(path, fill=False).rollouts if path.is_file() else None
        except InputError:
            return None

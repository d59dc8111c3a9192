"""What a run reports while it trains, for other processes to read: ``events.jsonl`` and ``progress.json``.

Reading needs no torch, so an app can follow a run that another process computes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from laser_core.runfolder.atomic import write_whole


@dataclass(frozen=True)
class StageProgress:
    """How far a run is in its current stage; the content of ``progress.json``.

    Attributes
    ----------
    stage : str
        ``train`` (counted in steps) or ``evaluate`` (counted in held-out problems).
    done, total : int
        How much of the stage is done, and how much there is to do.
    """

    stage: str
    done: int
    total: int


def read_events(path: Path) -> list[dict]:
    """Read the training events, one per step, of a run that may still be going on.

    Parameters
    ----------
    path : Path
        The run's ``events.jsonl``.

    Returns
    -------
    list of dict
        Oldest first, each with at least ``step``. Empty if there is no such file yet; a line that is still being
        written is skipped.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [event for line in lines if isinstance(event := _json(line), dict) and "step" in event]


def write_progress(folder: Path, progress: StageProgress) -> None:
    """Write a run folder's ``progress.json``, atomically.

    Raises
    ------
    RunError
        If the disk is full or the folder cannot be written.
    """
    write_whole(folder / "progress.json", json.dumps(asdict(progress)) + "\n")


def read_progress(folder: Path) -> StageProgress | None:
    """Read a run folder's ``progress.json``; None if there is none, as in runs of earlier versions."""
    try:
        found = _json((folder / "progress.json").read_text(encoding="utf-8", errors="replace")) or {}
        return StageProgress(str(found["stage"]), int(found["done"]), int(found["total"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget_progress(folder: Path) -> None:
    """Remove a run folder's ``progress.json``, so that a resumed run does not report where the last session ended."""
    (folder / "progress.json").unlink(missing_ok=True)


def _json(text: str) -> dict | None:
    """The JSON object that a text spells; None if it spells none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

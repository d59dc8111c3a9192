"""What a run of :mod:`laser_core.jobs.jobs` leaves in its folder for others to read: events, log, last words."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path


def last_words(log: str) -> str:
    """Why a run ended early, in plain words, from what it said last.

    Examples
    --------
    >>> last_words("loading\\nlaser: model: there is no such model folder")
    'model: there is no such model folder'
    >>> last_words("Traceback (most recent call last):\\n  File ...\\nMemoryError: no room")
    'It broke off with “MemoryError: no room”.'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("laser: "):
            return line.removeprefix("laser: ")
    if any(line.startswith("Traceback") for line in lines):
        return f"It broke off with “{lines[-1][:300]}”."
    return "Its process is gone without a word: the machine was switched off, or short of memory."


def read_log(folder: Path, last_bytes: int = 20_000) -> str:
    """The end of what the run's process said; empty where it said nothing yet."""
    try:
        with open(folder / "log.txt", "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def read_events(path: Path) -> list[dict]:
    """The training events of a file that may still be growing, oldest first; none where there is no file yet."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line may still be on its way
            event = json.loads(line)
            if isinstance(event, dict) and "step" in event:
                events.append(event)
    return events


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees the old text or the new one, whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)

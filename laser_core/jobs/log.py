"""What a run's process printed, and what it says about a failure."""

from __future__ import annotations

import os
from pathlib import Path


def read_log(path: Path, last_bytes: int = 20_000) -> str:
    """The end of a log file; empty if there is no such file.

    Parameters
    ----------
    path : Path
    last_bytes : int
        How much of the end to read.
    """
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def failure_reason(log: str) -> str:
    """Why a run failed, in a sentence, judged from the last lines of its log.

    Examples
    --------
    >>> failure_reason("loading\\nlaser: model: there is no such model folder")
    'model: there is no such model folder'
    >>> failure_reason("Traceback (most recent call last):\\n  File ...\\nMemoryError: no room")
    'It crashed with “MemoryError: no room”.'
    >>> failure_reason("loading")
    'Its process disappeared without an error message: the machine was switched off, or out of memory.'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("laser: "):
            return line.removeprefix("laser: ")
    if any(line.startswith("Traceback") for line in lines):
        return f"It crashed with “{lines[-1][:300]}”."
    return "Its process disappeared without an error message: the machine was switched off, or out of memory."

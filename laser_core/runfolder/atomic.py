"""Atomic file writes: whoever reads a file sees the old content or the new, complete, even after a power failure.

Everything this project writes goes through here: checkpoints, events, tables, reports, settings. A file is written
under a temporary name beside its target, flushed to the disk, and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from laser_core.errors import InputError, RunError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
TEMPORARY = ".*.tmp"  # what a killed writer may leave behind


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn the system's refusal to write into an error that names the file and what to do.

    Parameters
    ----------
    path : str or Path
        The file that the block writes.

    Raises
    ------
    RunError
        If the disk is full.
    InputError
        If the file cannot be written for any other reason.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            remedy = "free some space, then resume or run the command again"
            raise RunError("the disk is full", file=path, remedy=remedy) from error
        reason = getattr(error, "strerror", None) or error
        remedy = "check the disk and the permissions, or choose another place"
        raise InputError(f"cannot be written ({reason})", file=path, remedy=remedy) from error


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path that replaces ``path`` when the block succeeds and disappears when it fails.

    Missing folders are made. Two writers of the same file do not disturb each other: the last one to finish wins. A
    killed process leaves its temporary file behind, which :func:`remove_leftovers` finds.

    Parameters
    ----------
    path : str or Path
        The file to replace.

    Yields
    ------
    Path
        An empty file in the same folder, to be written by the block.

    Raises
    ------
    RunError
        If the disk is full.
    InputError
        If the folder or the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.touch(exist_ok=False)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())  # the content must reach the disk before the name does
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """An open binary file whose content replaces ``path`` when the block succeeds; errors as :func:`atomic_path`."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        yield file


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a small file atomically, text as UTF-8; errors as :func:`atomic_path`.

    Parameters
    ----------
    path : str or Path
    content : str or bytes
    """
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that killed writers left in a folder that nobody else is writing to."""
    for left in folder.rglob(TEMPORARY):
        left.unlink(missing_ok=True)

"""Files that are there whole or not at all, even when the power fails; a full disk is said in plain words."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from laser_core.errors import RunError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a disk that is full, or that refuses, into a :class:`RunError` that names the file.

    Raises
    ------
    RunError
    """
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            remedy = "free some space, then resume: the last checkpoint is kept"
            raise RunError("the disk is full", file=path, remedy=remedy) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            remedy = "choose a folder that can be written"
            raise RunError(f"cannot be written ({error.strerror})", file=path, remedy=remedy) from error
        raise


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` when the block succeeds, and disappears when it fails.

    A process killed in between leaves ``NAME.partial`` behind, which the next attempt overwrites.

    Raises
    ------
    RunError
        If the disk is full.
    """
    partial = path.with_name(path.name + ".partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())  # the name must not reach the disk before the content
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a small file, whole or not at all; raises as :func:`replacing` does."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)

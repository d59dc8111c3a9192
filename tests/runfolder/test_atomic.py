"""Atomic file writes: the old content or the new, never half of it, and one clear error when neither can be had."""

import errno
import os
import stat
from pathlib import Path

import pyarrow as pa
import pytest

from laser_core.errors import InputError, RunError
from laser_core.runfolder.atomic import atomic_path, remove_leftovers, write_whole


def test_a_block_that_fails_leaves_the_old_content_and_nothing_beside_it(tmp_path):
    write_whole(tmp_path / "a.json", "old")

    def half_of_it(path):
        path.write_text("half of the n")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a.json") as temporary:
        half_of_it(temporary)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.json": "old"}


def test_until_the_block_ends_readers_see_the_old_content(tmp_path):
    write_whole(tmp_path / "a.json", b"old")
    with atomic_path(tmp_path / "a.json") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "a.json").read_text() == "old"
    assert (tmp_path / "a.json").read_text() == "new"


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    with atomic_path(tmp_path / "a") as first:
        first.write_text("first, longer")
        with atomic_path(tmp_path / "a") as second:
            second.write_text("second")
        assert (tmp_path / "a").read_text() == "second"
    assert (tmp_path / "a").read_text() == "first, longer"  # the last one to finish


def test_missing_folders_are_made_and_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "new" / "folder" / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "folder" / "a").stat().st_mode) == 0o644


def test_a_full_disk_is_said_with_its_remedy(tmp_path):
    with pytest.raises(RunError, match=r"a\.bin: the disk is full.*free some space"), atomic_path(tmp_path / "a.bin"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), pa.ArrowInvalid("Input/output error")])
def test_any_other_refusal_names_the_file_and_the_reason(error, tmp_path):
    refusal = r"a\.bin: cannot be written \(Input/output error\)"
    with pytest.raises(InputError, match=refusal) as caught, atomic_path(tmp_path / "a.bin"):
        raise error
    assert not isinstance(caught.value, RunError)


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    kept = [tmp_path / ".hidden", tmp_path / "a.tmp", tmp_path / "checkpoints" / "step-000001.pt"]
    (tmp_path / "checkpoints").mkdir()
    left = tmp_path / "checkpoints" / ".step-000002.pt.0a1b2c3d.tmp"
    for path in (*kept, left):
        path.write_text("x")
    remove_leftovers(tmp_path)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == sorted(map(Path, kept))

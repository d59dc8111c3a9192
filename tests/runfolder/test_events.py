"""Reading what a run reports while it is still being written, by hand-made files."""

import pytest

from laser_core.runfolder.events import StageProgress, forget_progress, read_events, read_progress, write_progress


def test_events_are_read_in_order_and_what_is_none_is_skipped(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = ['{"step": 0, "reward": 0.5}', "[1]", '{"reward": 1}', "\ufffd", "", '{"step": 1}', '{"step": 2, "rew']
    path.write_bytes("\n".join(lines).encode() + b"\xff")
    assert read_events(path) == [{"step": 0, "reward": 0.5}, {"step": 1}]


def test_a_run_that_has_not_begun_has_no_events_and_no_progress(tmp_path):
    assert read_events(tmp_path / "events.jsonl") == []
    assert read_progress(tmp_path) is None


def test_progress_is_read_as_it_was_written_last(tmp_path):
    write_progress(tmp_path, StageProgress("train", 100, 100))
    write_progress(tmp_path, StageProgress("evaluate", 32, 500))
    assert read_progress(tmp_path) == StageProgress("evaluate", 32, 500)
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]  # no half-written file stays behind
    forget_progress(tmp_path)
    forget_progress(tmp_path)
    assert read_progress(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"stage": "train"}', '{"stage": "train", "done": null}'])
def test_a_damaged_progress_file_is_no_progress(tmp_path, content):
    (tmp_path / "progress.json").write_text(content)
    assert read_progress(tmp_path) is None

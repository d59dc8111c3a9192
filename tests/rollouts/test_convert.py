"""Converting piece by piece gives the table that reading at once gives, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from laser_core.errors import InputError
from laser_core.rollouts import convert, read, write_jsonl, write_parquet
from tests.factories import make_rollouts

FIXTURES = Path(__file__).parent / "fixtures"


FILES = sorted(p.name for p in FIXTURES.iterdir() if p.suffix in (".jsonl", ".json", ".eval", ".parquet"))


@pytest.mark.parametrize("fixture", [name for name in FILES if "requests" not in name])
def test_converting_and_reading_agree_on_every_fixture(tmp_path, fixture):
    at_once = read(FIXTURES / fixture)
    converted = convert(FIXTURES / fixture, tmp_path / "out.parquet")
    again = read(tmp_path / "out.parquet").rollouts
    assert again.table.schema == at_once.rollouts.table.schema
    assert repr(again.table.to_pylist()) == repr(at_once.rollouts.table.to_pylist())  # NaN is not equal to itself
    assert again.meta == at_once.rollouts.meta
    assert converted.n_rollouts == len(again)
    for name in ("format", "n_rows", "refused", "notes", "n_refused"):
        assert getattr(converted, name) == getattr(at_once, name)


@pytest.mark.parametrize("write", [write_parquet, write_jsonl])
def test_our_own_table_converts_to_itself(tmp_path, write):
    rollouts = make_rollouts(n_problems=4)
    write(rollouts, tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "out.parquet")
    again = read(tmp_path / "out.parquet").rollouts
    assert again.table.equals(rollouts.table)
    assert again.meta == rollouts.meta


def test_columns_may_turn_up_late(tmp_path, monkeypatch):
    """A signal that only the last rows have: the earlier rows get nulls, in a file already partly written."""
    monkeypatch.setattr("laser_core.rollouts.reading.one_pass.BATCH_ROWS", 10)
    monkeypatch.setattr(sys.modules["laser_core.rollouts.convert"], "ROW_GROUP_ROWS", 20)
    rows = [{"run": "r", "problem_id": "p", "sample": i, "response": f"#{i}"} for i in range(75)]
    rows[60]["signal.late"] = 0.5
    rows[70] |= {"step": 3, "signal.later": 1.5}
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    convert(data, tmp_path / "out.parquet", name="r.jsonl")
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_row_groups > 2
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]
    again = read(tmp_path / "out.parquet").rollouts
    assert again.table.equals(read(data, name="r.jsonl").rollouts.table)
    assert again.row(60)["signal.late"] == 0.5
    assert again.row(70)["step"] == 3
    assert again.row(0)["signal.late"] is None


def test_a_failed_conversion_leaves_nothing(tmp_path):
    for data, strict in ((b"", False), (b'{"a": 1}', False), (b'{"problem_id": "p", "sample": 0}', False)):
        with pytest.raises(InputError):
            convert(data, tmp_path / "out.parquet", strict=strict)
    good = b'{"problem_id": "p", "sample": 0, "response": ""}\n'
    with pytest.raises(InputError):
        convert(good + b"oops\n", tmp_path / "out.parquet", strict=True)
    assert list(tmp_path.iterdir()) == []
    assert convert(good + b"oops\n", tmp_path / "out.parquet").n_refused == 1


def test_progress_runs_to_the_end_of_the_file(tmp_path):
    data = b"".join(b'{"problem_id": "p", "sample": %d, "response": "#1"}\n' % i for i in range(9000))
    calls = []
    convert(data, tmp_path / "out.parquet", progress=lambda what, done, total: calls.append((what, done, total)))
    assert calls[-1] == ("converting", len(data), len(data))
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)


MEASURE = """
import resource, sys
from laser_core.rollouts import convert
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
print(convert(sys.argv[1], sys.argv[2]).n_rollouts, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """The same rows four times over: the peak may not grow by more than the bookkeeping (a number per solution)."""
    peaks = []
    for times in (1, 4):
        path = tmp_path / f"{times}.jsonl"
        with path.open("w") as file:
            for i in range(10_000 * times):
                row = {"problem_id": f"p{i // 8}", "sample": i % 8, "response": f"{i} " * 300 + "x#1", "correct": True}
                file.write(json.dumps(row) + "\n")
        command = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "out.parquet")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        count, peak = map(int, done.stdout.split())
        assert count == 10_000 * times
        peaks.append(peak)
    assert peaks[1] < 1.6 * peaks[0] + 20

"""Every broken file through every door (read, read_files, preview, convert, the command): one error that names it."""

from __future__ import annotations

import contextlib
import gzip
import json
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from laser_core.cli import app
from laser_core.errors import InputError
from laser_core.rollouts import convert, preview, read, read_files

FIXTURES = Path(__file__).parent / "fixtures"
ROW = json.dumps({"problem_id": "p", "sample": 0, "response": "x=2#2", "correct": True}).encode()

# One file for each way to be broken as a whole; what is broken by row is in test_bad_input.py.
BROKEN = {
    "empty": b"",
    "blank": b"\n\r\n \n",
    "only a byte order mark": b"\xef\xbb\xbf",
    "truncated JSON": ROW[:30],
    "truncated document": b"[\n" + ROW + b",\n" + ROW[:20],
    "truncated gzip": gzip.compress(ROW * 100)[:25],
    "truncated Parquet": (FIXTURES / "trl_text.parquet").read_bytes()[:3000],
    "truncated eval archive": (FIXTURES / "inspect_ai.eval").read_bytes()[:9000],
    "UTF-16": ROW.decode().encode("utf-16"),
    "Latin-1": b'{"problem_id": "p", "sample": 0, "response": "caf\xe9"}\n',
    "nothing but NaN": b"NaN\nInfinity\n",
    "nothing but null": b"null\nnull\n",
    "mixed types": b'{"problem_id": [], "sample": "x", "response": {}}\n',
    "deep nesting": b'{"problem_id": ' + b"[" * 200_000 + b"\n",
    "deep document": b"[\n" + b'{"a": ' * 200_000 + b"\n]",
    "unequal lists": b'{"problem_id": "p", "sample": 0, "response": "a", "tokens": ["a"], "entropy": [1.0, 2.0]}\n',
    "duplicate keys": b'{"problem_id": "p", "problem_id": "q", "sample": 0, "response": "a"}\n',
    "pickle": pickle.dumps({"response": "a"}),
    "gzipped pickle": gzip.compress(pickle.dumps(["a"])),
    "archive bomb": gzip.compress(b'{"a": "' + b" " * 120 * 2**20),
    "one line of 100 MB": b'{"response": "' + b"x" * 100 * 2**20,
}


@pytest.mark.parametrize("what", BROKEN)
def test_every_door_says_what_is_wrong_and_leaves_nothing_behind(tmp_path, what):
    data, path = BROKEN[what], tmp_path / "broken.dat"
    path.write_bytes(data)
    doors = [
        lambda: read(data, name="broken.dat"),
        lambda: read(path),
        lambda: read_files([("broken.dat", data)]),
        lambda: convert(path, tmp_path / "out.parquet"),
        lambda: convert([path, FIXTURES / "verl_rollouts.jsonl"], tmp_path / "out.parquet"),
    ]
    start = time.perf_counter()
    for door in doors:
        with pytest.raises(InputError) as caught:
            door()
        assert "broken.dat" in str(caught.value)
        assert len(str(caught.value)) < 1000
    with contextlib.suppress(InputError):
        preview(data, name="broken.dat")
    done = CliRunner().invoke(app, ["convert", str(path), "--out", str(tmp_path / "out.parquet")])
    assert isinstance(done.exception, InputError)
    assert [file.name for file in tmp_path.iterdir()] == ["broken.dat"]
    assert time.perf_counter() - start < 60  # seven passes over 100 MB; a hang is what this is after


@pytest.mark.parametrize("what", ["pickle", "archive bomb", "UTF-16", "truncated JSON"])
def test_a_broken_file_among_good_ones_costs_only_itself(what):
    good = (FIXTURES / "verl_rollouts.jsonl").read_bytes()
    found = read_files([("good.jsonl", good), ("broken.dat", BROKEN[what])])
    assert [error.file for error in found.failed] == ["broken.dat"]
    assert len(found.rollouts) == 6


@pytest.mark.parametrize("name", sorted(p.name for p in FIXTURES.iterdir() if p.suffix in (".jsonl", ".json", ".eval")))
def test_flipped_bytes_end_in_a_table_or_an_error(name):
    data = (FIXTURES / name).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(data)
        for position in rng.integers(0, len(data), int(rng.integers(1, 6))):
            broken[position] = int(rng.integers(0, 256))
        cut = bytes(broken[: int(rng.integers(1, len(data)))] if rng.random() < 0.3 else broken)
        with contextlib.suppress(InputError):
            read(cut, name=name, fill=False)
        with contextlib.suppress(InputError):
            preview(cut, name=name)


def test_a_csv_with_a_byte_order_mark_and_windows_line_ends():
    data = "\ufeffproblem_id,sample,response,score\r\np,0,\u00e9#1,0.5\r\np,1,b#1,NaN\r\np,2,c#1,Infinity\r\n".encode()
    result = read(data, name="excel.csv")
    assert result.rollouts.table["response"].to_pylist() == ["\u00e9#1", "b#1"]
    assert result.rollouts.table["score"].to_pylist() == [0.5, None]
    assert [(r.line, r.field) for r in result.refused] == [(4, "score")]

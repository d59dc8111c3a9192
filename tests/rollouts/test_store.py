"""The table survives writing and reading exactly, and a write is all or nothing."""

from __future__ import annotations

import gzip
import io
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, RunMeta, read, write_jsonl, write_parquet
from tests.factories import make_rollouts

ROW = {"run": "r", "problem_id": "p0", "sample": 0, "response": "x=2#2"}


def same(left: Rollouts, right: Rollouts) -> bool:
    return left.table.equals(right.table) and left.meta == right.meta


@pytest.mark.parametrize("write", [write_parquet, write_jsonl])
def test_round_trip_is_exact(tmp_path, write):
    rollouts = make_rollouts(n_problems=5).with_column("signal.reward_model", np.linspace(-1, 1, 40))
    write(rollouts, tmp_path / "rollouts")  # no ending: the format is recognised from the content
    result = read(tmp_path / "rollouts")
    assert same(result.rollouts, rollouts)
    assert (result.refused, result.notes, result.n_rows) == ((), (), 40)
    assert result.format == {"write_parquet": "parquet", "write_jsonl": "jsonl"}[write.__name__]


def test_compressed_json_lines_round_trip(tmp_path):
    rollouts = make_rollouts(n_problems=3)
    write_jsonl(rollouts, tmp_path / "r.jsonl")
    data = (tmp_path / "r.jsonl").read_bytes()
    zstd = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zstd, "zstd") as stream:
        stream.write(data)
    for packed in (gzip.compress(data), zstd.getvalue().to_pybytes()):
        assert same(read(packed).rollouts, rollouts)
        assert same(read(io.BytesIO(packed)).rollouts, rollouts)


def test_csv_holds_the_same_rows(tmp_path):
    """CSV has no place for the metadata; lists are JSON in their cell; an empty response stays an empty response."""
    rows = [
        ROW
        | {"answer": "2", "correct": True, "score": -0.25, "tokens": ["x", '"', ","], "z_trace": [-1.5, None, -3.0]},
        ROW | {"sample": 1, "response": "", "correct": False},
        ROW | {"sample": 2, "response": "none\nnull", "answer": "none"},
    ]
    names = list(rows[0])
    lines = [",".join(names)]
    for row in rows:
        cells = [row.get(name, "") for name in names]
        cells = [json.dumps(cell) if isinstance(cell, list) else str(cell) for cell in cells]
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    result = read("\r\n".join(lines).encode("utf-8-sig"), name="r.csv")
    assert (result.format, result.n_rows, result.refused) == ("jsonl", 3, ())
    table = result.rollouts.table
    assert table["response"].to_pylist() == ["x=2#2", "", "none\nnull"]
    assert table["answer"].to_pylist() == ["2", None, "none"]
    assert table["correct"].to_pylist() == [True, False, None]
    assert table["score"].to_pylist() == [-0.25, None, None]
    assert table["tokens"].to_pylist()[0] == ["x", '"', ","]
    assert math.isnan(table["z_trace"].to_pylist()[0][1])


text = st.text(max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"response": text, "problem_id": text},
            optional={
                "answer": text,
                "correct": st.booleans(),
                "score": finite,
                "n_tokens": st.integers(0, 2**31 - 1),
                "z_trace": st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=4),
            },
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_text_and_number_survives_both_formats(rows):
    rollouts = Rollouts.from_rows([{"run": "r", "sample": i} | row for i, row in enumerate(rows)])
    with tempfile.TemporaryDirectory() as folder:
        for write in (write_parquet, write_jsonl):
            write(rollouts, Path(folder) / "r")
            assert same(read(Path(folder) / "r", fill=False).rollouts, rollouts)


def test_a_failed_write_keeps_the_old_file_and_leaves_no_debris(tmp_path, monkeypatch):
    path = tmp_path / "r.parquet"
    write_parquet(make_rollouts(n_problems=2), path)
    before = path.read_bytes()

    def fails(*args, **kwargs):
        Path(args[1]).write_bytes(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(pq, "write_table", fails)
    with pytest.raises(InputError, match="disk full"):
        write_parquet(make_rollouts(n_problems=3), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


def test_writing_below_a_file_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        write_parquet(make_rollouts(n_problems=1), tmp_path / "file" / "r.parquet")


def test_parquet_is_grouped_and_compressed(tmp_path):
    write_parquet(make_rollouts(n_problems=1200, n_samples=16, traces=False), tmp_path / "r.parquet")
    metadata = pq.ParquetFile(tmp_path / "r.parquet").metadata
    assert metadata.num_rows == 19_200
    assert metadata.num_row_groups == 3
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_newer_format_is_refused_in_both_containers(tmp_path):
    rollouts = make_rollouts(n_problems=1)
    newer = rollouts.to_arrow().replace_schema_metadata({b"laser_core": b'{"format_version": 99}'})
    pq.write_table(newer, tmp_path / "r.parquet")
    lines = b'{"laser_core": {"format_version": 99}}\n' + json.dumps(ROW).encode()
    for source in (tmp_path / "r.parquet", lines):
        with pytest.raises(InputError, match="newer laser_core"):
            read(source)


@pytest.mark.parametrize("metadata", [b"not json", b"[1]", b'{"beta_v": "big", "c_ref": null, "format_version": "x"}'])
def test_broken_metadata_does_not_cost_the_rows(tmp_path, metadata):
    rollouts = make_rollouts(n_problems=1)
    pq.write_table(rollouts.to_arrow().replace_schema_metadata({b"laser_core": metadata}), tmp_path / "r.parquet")
    found = read(tmp_path / "r.parquet").rollouts
    assert found.table.equals(rollouts.table)
    assert found.meta.beta_v is None


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = make_rollouts(n_problems=1).to_arrow()
    pq.write_table(table.append_column("score", table["score"]), tmp_path / "r.parquet")
    with pytest.raises(InputError, match="two columns have this name") as caught:
        read(tmp_path / "r.parquet")
    assert caught.value.field == "score"


def test_metadata_is_kept_by_name_and_type():
    meta = RunMeta.from_dict(
        {"model": "m", "beta_v": 1, "c_ref": float("inf"), "temperature": True, "task": 3, "new": 1}
    )
    assert (meta.model, meta.beta_v, meta.c_ref, meta.temperature, meta.task) == ("m", 1.0, None, None, None)

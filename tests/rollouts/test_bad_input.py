"""Every way a file can be broken: a clear error or a counted refusal; never a traceback, a hang or a crash."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import pickle
import time
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laser_core.errors import InputError
from laser_core.rollouts import read, write_parquet
from laser_core.rollouts.reading import bounded, records, source
from tests.factories import make_rollouts

ROW = {"run": "r", "problem_id": "p0", "sample": 0, "response": "x=2#2", "correct": True, "score": 0.5}


def line(**changes) -> bytes:
    return json.dumps(ROW | changes).encode() + b"\n"


GOOD = line()
ALSO_GOOD = line(sample=1)


def failure(data, **kwargs) -> InputError:
    with pytest.raises(InputError) as caught:
        read(data, name="demo.jsonl", **kwargs)
    assert str(caught.value).startswith("demo.jsonl")
    return caught.value


# ------------------------------------------------------------------------------------------------ not a table at all


def test_empty_file():
    assert "empty" in str(failure(b""))
    assert "blank" in str(failure(b"\n \n"))
    assert "blank" in str(failure(gzip.compress(b"")))


def test_missing_file_and_folder(tmp_path):
    for path, words in ((tmp_path / "none.parquet", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(InputError, match=words):
            read(path)


def test_pickles_stay_closed():
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    for protocol in (2, 3, 4, 5):
        error = failure(pickle.dumps(Bomb(), protocol=protocol))
        assert "pickle" in str(error)
        assert error.remedy
    assert "pickle" in str(failure(gzip.compress(pickle.dumps([ROW]))))
    saved_by_torch = io.BytesIO()
    with zipfile.ZipFile(saved_by_torch, "w") as archive:
        archive.writestr("0/data.pkl", pickle.dumps({"samples": [ROW]}))
    assert "save the rollouts as JSON lines" in str(failure(saved_by_torch.getvalue()))
    failure(pickle.dumps([ROW], protocol=0))  # a text protocol: no table, so not opened either


def test_archives_and_other_binaries_are_named():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jsonl", GOOD)
    arrow = pa.BufferOutputStream()
    with pa.ipc.new_file(arrow, make_rollouts(n_problems=1).table.schema):
        pass
    for data, words in (
        (packed.getvalue(), "zip"),
        (bz2.compress(GOOD), "bzip2"),
        (arrow.getvalue().to_pybytes(), "Arrow IPC"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (b"%PDF-1.7\n", "PDF"),
        (gzip.compress(gzip.compress(GOOD)), "compressed twice"),
        (bytes(range(256)) * 4, "binary"),
        (b"just some words\nwithout a table\n", "neither JSON lines, CSV nor Parquet"),
    ):
        assert words in str(failure(data))


def test_utf16_and_other_encodings():
    text = GOOD.decode()
    assert "UTF-16" in str(failure(text.encode("utf-16")))
    assert "UTF-16" in str(failure(text.encode("utf-16-le")))
    assert "UTF-16" in str(failure(text.encode("utf-16-be")))
    latin = '{"run": "r", "problem_id": "p", "sample": 1, "response": "caf\u00e9"}\n'.encode("latin-1")
    result = read(GOOD + latin, name="demo.jsonl")
    assert (len(result.rollouts), result.refused[0].line) == (1, 2)
    assert "UTF-8" in result.refused[0].reason
    assert "UTF-8" in str(failure(latin))


def test_an_unknown_table_names_its_columns_and_the_remedy():
    error = failure(b'{"colour": "red", "size": 3}\n')
    assert "colour, size" in str(error)
    assert "--map" in error.remedy
    assert "a, b" in str(failure(b"a,b\n1,2\n"))


# ------------------------------------------------------------------------------------------------ broken JSON lines


def test_bom_crlf_and_blank_lines_are_no_problem():
    result = read(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n" + ALSO_GOOD.replace(b"\n", b"\r\n"))
    assert (len(result.rollouts), result.n_rows, result.refused) == (2, 2, ())


def test_a_cut_off_file_keeps_its_whole_lines_and_says_where_it_ends():
    result = read(GOOD + ALSO_GOOD[:40])
    assert len(result.rollouts) == 1
    assert result.refused[0].line == 2
    assert "cut off" in result.refused[0].reason
    error = failure(GOOD + ALSO_GOOD[:40], strict=True)
    assert error.line == 2
    only = failure(GOOD[:40])
    assert only.line == 1


def test_cut_off_compressed_data_keeps_what_came_before():
    many = b"".join(line(sample=i, response=np.random.default_rng(i).bytes(60).hex()) for i in range(2000))
    packed = gzip.compress(many)
    result = read(packed[: len(packed) // 2], fill=False)
    assert 500 < len(result.rollouts) < 1500
    assert "damaged or cut off" in result.refused[-1].reason
    failure(packed[: len(packed) // 2], strict=True)
    failure(packed[:30])
    failure(b"\x28\xb5\x2f\xfd" + bytes(40))


def test_refused_rows_are_counted_with_line_field_and_reason():
    cases = [
        (line(sample=1, score="high"), "score", "expected a number, found 'high'"),
        (line(sample=1, score=True), "score", "expected a number, found True"),
        (line(sample=1, score=[0.5]), "score", "expected a number, found [0.5]"),
        (line(sample=1, score=float("inf")), "score", "expected a finite number"),
        (line(sample=1, score=-float("inf")), "score", "expected a finite number"),
        (line(sample=1, correct="maybe"), "correct", "expected true or false, found 'maybe'"),
        (line(sample=1, correct=0.5), "correct", "expected true or false, found 0.5"),
        (line(sample=1.5), "sample", "expected a whole number"),
        (line(sample=10**12), "sample", "expected a whole number"),
        (line(sample=0), "sample", "already has a sample 0"),
        (line(sample=1, response=None), "response", "missing value"),
        (line(sample=1, response=5), "response", "expected text, found int"),
        (line(sample=1, answer={"value": 2}), "answer", "expected text, found dict"),
        (line(sample=1, tokens="abc"), "tokens", "expected a list"),
        (line(sample=1, tokens=["a", 1]), "tokens", "expected a list of texts"),
        (line(sample=1, z_trace=[1, "2"]), "z_trace", "expected a list of numbers"),
        (line(sample=1, z_trace=[[1.0]]), "z_trace", "expected a list of numbers"),
        (line(sample=1, tokens=["a", "b"], z_trace=[-1.0]), "z_trace", "differ in length: tokens 2, z_trace 1"),
        (b'{"sample": 1, "sample": 2}\n', "sample", "the key appears twice"),
        (b"[1, 2]\n", None, "expected an object"),
        (b"17\n", None, "expected an object"),
        (b"null\n", None, "expected an object"),
        (b'{"sample": 1,}\n', None, "not JSON"),
        (b'{"sample": ' + b"9" * 5000 + b"}\n", None, "not JSON"),
        (b'{"a": ' * 100_000 + b"\n", None, "nested too deeply"),
        (b"[" * 100_000 + b"\n", None, "nested too deeply"),
        (b"\x00\x00\n", None, "not JSON"),
    ]
    result = read(GOOD + b"".join(data for data, _, _ in cases), name="demo.jsonl")
    assert len(result.rollouts) == 1
    assert (result.n_rows, result.n_refused) == (len(cases) + 1, len(cases))
    for i, (refusal, (_, field, reason)) in enumerate(zip(result.refused, cases, strict=True)):
        assert refusal.line == i + 2
        assert refusal.field == field
        assert reason in refusal.reason
    for data, field, reason in cases:
        error = failure(GOOD + data, strict=True)
        assert (error.line, error.field) == (2, field)
        assert reason in error.problem


def test_nan_and_null_mean_missing():
    result = read(GOOD + line(sample=1, score=float("nan")) + line(sample=2, score=None, correct=None))
    assert result.refused == ()
    assert result.rollouts.table["score"].to_pylist() == [0.5, None, None]
    assert result.rollouts.table["correct"].to_pylist() == [True, True, None]
    traced = read(line(tokens=["a", "b", "c"], z_trace=[None, float("-inf"), -2.0]))
    assert np.isnan(traced.rollouts.row(0)["z_trace"][:2]).all()


def test_mixed_types_that_mean_the_same_are_read():
    result = read(line(problem_id=7, correct=1, sample=0.0) + line(problem_id="7", correct="false", sample=1))
    table = result.rollouts.table
    assert table["problem_id"].to_pylist() == ["7", "7"]
    assert table["correct"].to_pylist() == [True, False]


def test_half_a_character_is_replaced():
    result = read(b'{"problem_id": "p", "sample": 0, "response": "a\\ud83d#2", "tokens": ["\\udc00"]}')
    assert result.rollouts.row(0)["response"] == "a\ufffd#2"
    assert result.rollouts.row(0)["tokens"] == ["\ufffd"]


def test_one_solution_at_two_training_steps_is_no_duplicate():
    result = read(line(step=1) + line(step=2) + line(step=2))
    assert (len(result.rollouts), result.n_refused) == (2, 1)


def test_a_broken_beginning_does_not_hide_the_format():
    row = {"input": "q", "output": "#1", "score": 1.0, "step": 3}
    result = read(b'{"input": "cut' + b"\n" * 3 + b"oops\n" * 30 + json.dumps(row).encode())
    assert (result.format, len(result.rollouts), result.n_refused) == ("verl", 1, 31)


def test_a_pipe_is_read_too():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    assert len(read(Pipe(GOOD)).rollouts) == 1


def test_unknown_fields_become_tags_and_a_note_says_so():
    result = read(line(loss=0.1) + line(sample=1, loss=0.2), fill=False)
    assert result.rollouts.text("tag.loss") == ["0.1", "0.2"]
    assert result.notes == (
        "unknown field 'loss': kept as a tag if it is short; to analyse a number, name it 'signal.loss' (2 rows)",
    )


def test_a_very_long_line_is_skipped_without_being_held(monkeypatch):
    monkeypatch.setattr(records, "MAX_LINE_BYTES", 2**20)
    result = read(GOOD + line(sample=1, response="x" * 5 * 2**20) + line(sample=2))
    assert result.rollouts.table["sample"].to_pylist() == [0, 2]
    assert (result.refused[0].line, result.refused[0].reason) == (2, "the line is longer than 1 MiB")


def test_a_hundred_megabytes_without_a_line_break_end_in_time():
    data = b'{"a": "' + b"x" * 100 * 2**20
    start = time.perf_counter()
    assert "longer than 64 MiB" in str(failure(data))
    assert time.perf_counter() - start < 10


def test_only_the_first_refusals_are_listed():
    result = read(GOOD + b"oops\n" * 5000)
    assert (result.n_refused, len(result.refused), result.n_rows) == (5000, 1000, 5001)


# ------------------------------------------------------------------------------------------------ archive bombs


def test_an_archive_bomb_is_stopped(monkeypatch):
    monkeypatch.setattr(bounded, "BOMB_FLOOR", 4 * 2**20)
    bomb = gzip.compress(GOOD + b" " * 64 * 2**20)
    assert "archive bomb" in str(failure(bomb))
    zstd = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zstd, "zstd") as stream:
        stream.write(GOOD + b" " * 64 * 2**20)
    assert "archive bomb" in str(failure(zstd.getvalue().to_pybytes()))


def test_more_text_than_memory_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr("laser_core.rollouts.reading.read.MAX_IN_MEMORY_BYTES", 10_000)
    error = failure(b"".join(line(sample=i) for i in range(50_000)))
    assert "do not fit into memory" in str(error)
    assert "convert" in error.remedy


def test_a_parquet_file_that_expands_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_PARQUET_ROWS", 1000)
    table = pa.table(
        {"run": pa.array(["r"] * 2000), "problem_id": ["p"] * 2000, "sample": range(2000), "response": ["x"] * 2000}
    )
    pq.write_table(table, tmp_path / "bomb.parquet")
    with pytest.raises(InputError, match="2,000 rows"):
        read(tmp_path / "bomb.parquet")


# ------------------------------------------------------------------------------------------------ JSON documents


def test_json_documents_are_read_as_lists_of_objects():
    rows = [ROW, ROW | {"sample": 1}]
    for document in (rows, {"results": rows, "model": "m"}):
        for indent in (None, 2):
            assert len(read(json.dumps(document, indent=indent).encode()).rollouts) == 2
    assert len(read(json.dumps(ROW, indent=2).encode()).rollouts) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'[{"a": 1},\n {"a": 2', "no row could be read"),
        (b"[\n1, 2,\n3]", "no row could be read"),
        (b'[\n{"a": 1, "a": 2}\n]', "the key appears twice"),
        (b"[\n" + b"[" * 100_000 + b"\n]", "nested too deeply"),
        (b"{\n}", "not a known rollout format"),
    ],
)
def test_broken_json_documents(data, words):
    assert words in str(failure(data))


# ------------------------------------------------------------------------------------------------ CSV and Parquet


def test_broken_csv_rows_are_refused_by_line():
    head = "run,problem_id,sample,response,score\n"
    body = 'r,p,0,"two\nlines#2",0.5\nr,p,1,short\nr,p,2,x,high\nr,p,3,x#2,\n'
    result = read((head + body).encode(), name="demo.csv")
    assert result.rollouts.table["sample"].to_pylist() == [0, 3]
    assert [(r.line, r.field) for r in result.refused] == [(4, None), (5, "score")]
    assert "4 cells where the header has 5" in result.refused[0].reason
    assert "two columns have this name" in str(failure(b"a,b,a\n1,2,3\n"))
    open_quote = read((head + 'r,p,0,x,1\nr,p,1,"never closed,0\nr,p,2,x,0\n').encode())
    assert len(open_quote.rollouts) == 1
    assert "not CSV from here on" in open_quote.refused[0].reason
    latin = read((head + "r,p,0,x,1\nr,p,1,caf\u00e9,1\n").encode("latin-1"))
    assert (latin.refused[0].line, latin.refused[0].field, latin.refused[0].reason) == (3, "response", "not UTF-8 text")


def test_semicolons_and_tabs_part_columns_too():
    for delimiter in (";", "\t"):
        data = "problem_id,sample,response\np,0,1#2\n".replace(",", delimiter).encode()
        assert read(data, name="x.csv").rollouts.row(0)["response"] == "1#2"


def test_damaged_parquet(tmp_path):
    write_parquet(make_rollouts(n_problems=20), tmp_path / "r.parquet")
    data = bytearray((tmp_path / "r.parquet").read_bytes())
    assert "damaged" in str(failure(bytes(data[: len(data) // 2])))
    assert "damaged" in str(failure(b"PAR1" + bytes(100)))
    rng = np.random.default_rng(0)
    for _ in range(30):  # whatever is flipped: an error that names the file, or a table that passes its checks
        broken = bytearray(data)
        for position in rng.integers(4, len(data) - 8, 20):
            broken[position] ^= int(rng.integers(1, 256))
        with contextlib.suppress(InputError):
            read(bytes(broken), name="demo.parquet", fill=False)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda t: t.drop_columns(["response"]), "response", "required column is missing"),
        (lambda t: t.set_column(0, "run", pa.nulls(len(t), pa.string())), "run", "missing value"),
        (
            lambda t: t.drop_columns(["sample"]).append_column("sample", pa.array(["a"] * len(t))),
            "sample",
            "expected int32",
        ),
        (lambda t: t.append_column("score", pa.array(["high"] * len(t))), "score", "expected double"),
        (lambda t: t.append_column("z_trace", pa.array([1.0] * len(t))), "z_trace", "expected list"),
        (
            lambda t: t.append_column("tokens", pa.array([["a"]] * len(t))).append_column(
                "z_trace", pa.array([[1.0]] * (len(t) - 1) + [[1.0, 2.0]])
            ),
            "z_trace",
            "not as many values as 'tokens'",
        ),
        (lambda t: t.slice(0, 0), None, "no rows"),
    ],
)
def test_parquet_with_a_wrong_schema(tmp_path, change, field, words):
    table = make_rollouts(n_problems=1, traces=False).table.drop_columns(["score"])
    pq.write_table(change(table), tmp_path / "r.parquet")
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path / "r.parquet", format="parquet")
    assert caught.value.field == field


def test_reading_a_bad_upload_leaves_nothing_behind():
    """A reader is a function of its bytes: a failed read changes nothing for the next one."""
    for data in (b"", GOOD[:20], b"\x80\x04.", b"a,b,a\n"):
        failure(data)
    assert len(read(GOOD).rollouts) == 1

"""Several files at once: runs to compare, parts of one run, the same file twice, requests with their answers."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from laser_core.cli import app
from laser_core.errors import InputError
from laser_core.rollouts import (
    ANALYSIS_COLUMNS,
    Rollouts,
    convert,
    missing_views,
    preview,
    read,
    read_files,
    write_csv,
    write_jsonl,
    write_parquet,
)
from tests.factories import make_rollouts


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def row(problem="p", sample=0, **more) -> dict:
    return {"problem_id": problem, "sample": sample, "response": f"x={sample}#1", "correct": True} | more


NEMO = {"problem": "1+1?", "expected_answer": "2", "generation": "2", "predicted_answer": "2", "symbolic_correct": True}


def test_several_files_become_runs_to_compare():
    found = read_files([("grpo.jsonl", lines(row())), ("laser.jsonl", lines(row(), row(sample=1)))])
    assert [result.rollouts.runs() for result in found.results] == [["grpo"], ["laser"]]
    assert [result.files for result in found.results] == [("grpo.jsonl",), ("laser.jsonl",)]
    assert (found.rollouts.text("run"), found.notes, found.failed) == (["grpo", "laser", "laser"], (), ())


def test_files_of_one_name_are_told_apart_by_their_folders():
    found = read_files([("a/eval/5.jsonl", lines(row())), ("b/eval/5.jsonl", lines(row(sample=1)))])
    assert found.rollouts.runs() == ["a/eval/5", "b/eval/5"]
    uploads = read_files([("5.jsonl", lines(row())), ("5.jsonl", lines(row(sample=1)))])  # an upload has no folder
    assert uploads.rollouts.runs() == ["5", "5 (2)"]


def test_the_same_file_twice_is_noticed():
    data = lines(row())
    found = read_files([("a.jsonl", data), ("b.jsonl", io.BytesIO(data)), ("c.jsonl", data)])
    assert len(found.results) == 1
    assert found.notes == tuple(f"{name}.jsonl is the same file as a.jsonl: left out" for name in "bc")


def test_nemo_skills_seeds_are_one_run(tmp_path):
    files = []
    for k in range(3):
        files.append(tmp_path / "aime" / f"output-rs{k}.jsonl")
        files[-1].parent.mkdir(exist_ok=True)
        files[-1].write_bytes(lines(NEMO | {"generation": f"so {k}"}, NEMO | {"problem": "2+2?"}, {"problem": "x"}))
    found = read_files(files)
    assert len(found.results) == 1
    result = found.results[0]
    assert result.rollouts.runs() == ["aime"]
    assert result.rollouts.text("response") == ["so 0", "2", "so 1", "2", "so 2", "2"]
    assert result.rollouts.table["sample"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert (result.n_rows, result.n_refused, result.files) == (9, 3, tuple(map(str, files)))
    assert [refusal.file for refusal in result.refused] == [str(file) for file in files]


def test_a_table_in_parts_stays_one_run_and_another_of_its_name_gets_its_own():
    first, second = lines(row("p", 0, run="laser")), lines(row("p", 1, run="laser"))
    other = lines(row("p", 0, run="laser", response="something else"))
    found = read_files([("1.jsonl", first), ("2.jsonl", second), ("3.jsonl", other)])
    assert [r.rollouts.runs() for r in found.results] == [["laser"], ["laser (2)"]]
    assert found.rollouts.table["sample"].to_pylist() == [0, 1, 0]
    assert found.notes == (
        "run 'laser' of 3.jsonl is called 'laser (2)': an earlier file has another of that name (1 row)",
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 3)), min_size=1, unique=True),
    st.randoms(use_true_random=False),
    st.integers(1, 4),
)
def test_a_table_dealt_out_to_any_files_comes_back_whole(keys, random, n_files):
    """Whatever the order and the files, parts of runs come together as they were, and nothing twice."""
    rows = [row(f"p{p}", s, run=run, response=f"{run}{p}{s}#1") for run, p, s in keys]
    dealt = [[] for _ in range(n_files)]
    for item in random.sample(rows, len(rows)):
        dealt[random.randrange(n_files)].append(item)
    files = [(f"{i}.jsonl", lines(*part)) for i, part in enumerate(dealt) if part]
    again = [random.choice(files)[1] + b"\n"]  # one of them once more, though not byte by byte
    found = read_files([*files, ("again.jsonl", again[0])])
    kept = {(r["run"], r["problem_id"], r["sample"], r["response"]) for r in found.rollouts.table.to_pylist()}
    assert kept == {(r["run"], r["problem_id"], r["sample"], r["response"]) for r in rows}
    assert len(found.rollouts) == len(rows)
    assert sorted(found.rollouts.runs()) == sorted({r["run"] for r in rows})


def test_rows_that_an_earlier_file_holds_are_left_out():
    part, whole = lines(row(run="r")), lines(row(run="r"), row(sample=1, run="r"))
    found = read_files([("part.jsonl", part), ("whole.jsonl", whole)])
    assert found.rollouts.table["sample"].to_pylist() == [0, 1]
    assert found.notes == ("solutions in whole.jsonl that an earlier file already holds: left out (1 row)",)


def test_one_unreadable_file_does_not_cost_the_others():
    found = read_files([("a.jsonl", lines(row())), ("b.jsonl", b"oops")])
    assert [error.file for error in found.failed] == ["b.jsonl"]
    assert found.rollouts.runs() == ["a"]
    with pytest.raises(InputError, match="b.jsonl"):
        read_files([("a.jsonl", lines(row())), ("b.jsonl", b"oops")], strict=True)
    with pytest.raises(InputError, match="a.jsonl"):
        read_files([("a.jsonl", b""), ("b.jsonl", b"oops")])


def test_metadata_that_differs_is_unknown_in_the_joint_table():
    a, b = make_rollouts(n_problems=2, run="a"), make_rollouts(n_problems=2, run="b")
    header = {"laser_core": {"format_version": 1, "beta_v": 0.1, "c_ref": -20.0, "model": "m"}}
    files = [("a.jsonl", lines(header, row())), ("b.jsonl", lines(header | {}, row("q")))]
    assert read_files(files).rollouts.meta.c_ref == -20.0
    other = {"laser_core": {"format_version": 1, "beta_v": 0.1, "c_ref": -15.0, "model": "m"}}
    meta = read_files([files[0], ("c.jsonl", lines(other, row()))]).rollouts.meta
    assert (meta.beta_v, meta.c_ref, meta.model) == (0.1, None, "m")
    assert a.meta == b.meta


def test_converting_several_gives_what_reading_them_gives(tmp_path):
    write_parquet(make_rollouts(n_problems=3, run="laser"), tmp_path / "one.parquet")
    write_parquet(make_rollouts(n_problems=3, run="laser", seed=1), tmp_path / "two.parquet")
    (tmp_path / "grpo.jsonl").write_bytes(lines(row(), row(sample=1), {"problem_id": "p"}))
    (tmp_path / "copy.jsonl").write_bytes(lines(row(), row(sample=1), {"problem_id": "p"}))
    files = [tmp_path / name for name in ("one.parquet", "two.parquet", "grpo.jsonl", "copy.jsonl")]
    calls = []
    done = convert(files, tmp_path / "out.parquet", progress=lambda *call: calls.append(call))
    found, again = read_files(files), read(tmp_path / "out.parquet").rollouts
    assert again.runs() == ["laser", "laser (2)", "grpo"]
    assert again.table.equals(found.rollouts.table)
    assert again.meta == found.rollouts.meta
    assert (done.format, done.n_rollouts, done.n_rows, done.n_refused) == ("parquet, jsonl", 50, 51, 1)
    assert done.refused[0].file == str(tmp_path / "grpo.jsonl")
    assert any("same file" in note for note in done.notes)
    sizes = [f.stat().st_size for f in files[:3]]
    assert calls[-1] == ("converting", sum(sizes), sum(sizes))
    with pytest.raises(InputError, match="no such file"):
        convert([*files, tmp_path / "none.jsonl"], tmp_path / "other.parquet")
    assert not (tmp_path / "other.parquet").exists()


# ------------------------------------------------------------------------------------------------ less than everything


class CountedFile(io.BytesIO):
    """A file that knows which of its bytes were read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.touched = np.zeros(len(data), dtype=bool)

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.touched[start : start + len(data)] = True
        return data


def test_columns_that_nobody_asked_for_are_not_loaded(tmp_path):
    """The bytes of the other columns stay where they are, and what was asked for is what the whole file says."""
    rollouts = make_rollouts(n_problems=3).with_column("signal.rm", [0.5] * 24)
    rng = np.random.default_rng(0)
    rollouts = rollouts.with_column("response", [rng.bytes(40_000).hex() for _ in range(24)])  # does not compress away
    write_parquet(rollouts, tmp_path / "r.parquet")
    data = (tmp_path / "r.parquet").read_bytes()
    light_file, whole_file = CountedFile(data), CountedFile(data)
    light = read(light_file, columns=ANALYSIS_COLUMNS).rollouts
    read(whole_file)
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    chunks = {group.column(i).path_in_schema.split(".list")[0]: group.column(i) for i in range(group.num_columns)}
    texts = {"problem", "reference_answer", "response", "tokens", "token_logprobs", "z_trace", "entropy"}
    assert texts < set(chunks)
    for name, chunk in chunks.items():
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        bytes_of = slice(start, start + chunk.total_compressed_size)
        assert whole_file.touched[bytes_of].all(), name
        if name == "response":
            assert light_file.touched[bytes_of].mean() < 0.1  # a little: the end of the file is read for its footer
    assert set(light.table.column_names) == set(rollouts.table.column_names) - texts
    assert light.table.equals(rollouts.table.select(light.table.column_names))
    assert light.meta == rollouts.meta
    assert light.signals == ["score", "signal.rm"]


def test_verdicts_are_still_filled_in_where_the_file_has_none(tmp_path):
    rows = lines(
        row(correct=None, reference_answer="1"), row(sample=1, response="#2", correct=None, reference_answer="1")
    )
    convert(rows, tmp_path / "r.parquet", fill=False)
    light = read(tmp_path / "r.parquet", columns=["correct"])
    assert light.rollouts.table.column_names == ["run", "problem_id", "sample", "correct"]
    assert light.rollouts.table["correct"].to_pylist() == [True, False]
    assert "correct: verified against the reference answer (2 rows)" in light.notes


def test_columns_of_other_formats_are_cut_after_reading():
    result = read(lines(row(score=0.5, run="r")), columns=("score",))
    assert result.rollouts.table.column_names == ["run", "problem_id", "sample", "score"]


# ------------------------------------------------------------------------------------------------ preview and CSV


def test_preview_names_the_format_or_guesses_a_mapping(tmp_path):
    known = preview(lines(row(), row(sample=1)), name="a.jsonl")
    assert (known.format, known.title) == ("jsonl", "LaSeR rollouts")
    write_parquet(make_rollouts(n_problems=1), tmp_path / "r.parquet")
    assert preview(tmp_path / "r.parquet").format == "parquet"
    strange = preview(b"Question,said\nWhat?," + b"x" * 500 + b"\n")
    assert (strange.format, strange.columns, strange.mapping) == (None, ("Question", "said"), {"Question": "problem"})
    assert strange.rows == ({"Question": "What?", "said": "x" * 199 + "…"},)
    assert strange.shape == preview(b"said,Question\na,b\n").shape != preview(b"said,question\na,b\n").shape
    with pytest.raises(InputError, match="empty"):
        preview(b"")
    with pytest.raises(InputError, match="first lines"):
        preview(b'{"oops"\n{"oops"\n')


def test_csv_round_trips(tmp_path):
    rollouts = make_rollouts(n_problems=3).with_column("problem", ['a "quoted"\n=1+1, text'] * 24)
    write_csv(rollouts, tmp_path / "r.csv")
    again = read(tmp_path / "r.csv", fill=False).rollouts
    assert again.table.equals(rollouts.table)
    assert again.meta == rollouts.meta


def test_a_foreign_csv_keeps_its_numbers():
    """A pandas user's verl dump as CSV: every cell is text, but the verdict must still be the number's."""
    data = b"input,output,score,step,gts,acc\nWhat?,42,1.0,3,42,True\nWhat?,41,-1.0,3,42,False\n"
    result = read(data, name="dump.csv")
    assert (result.format, result.refused) == ("verl", ())
    table = result.rollouts.table
    assert table["response"].to_pylist() == ["42", "41"]
    assert table["correct"].to_pylist() == [True, False]
    assert table["signal.reward"].to_pylist() == [1.0, -1.0]
    assert table["step"].to_pylist() == [3, 3]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_every_kind_of_file_may_be_compressed(tmp_path, kind, ending):
    rollouts = make_rollouts(n_problems=3)
    path = tmp_path / f"r.{kind}{ending}"
    if kind == "parquet":
        write_parquet(rollouts, tmp_path / "plain")
        data = (tmp_path / "plain").read_bytes()
        with (
            pa.CompressedOutputStream(str(path), {".gz": "gzip", ".zst": "zstd"}[ending])
            if ending
            else path.open("wb") as f
        ):
            f.write(data)
    else:
        {"csv": write_csv, "jsonl": write_jsonl}[kind](rollouts, path)
    assert path.read_bytes()[:2] == {"": b"", ".gz": b"\x1f\x8b", ".zst": b"\x28\xb5"}[ending] or not ending
    assert read(path, fill=False).rollouts.table.equals(rollouts.table)
    convert(path, tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet").rollouts.table.equals(rollouts.table)


# ------------------------------------------------------------------------------------------------ what is missing


def test_missing_views_say_what_would_fill_them():
    full = make_rollouts(n_problems=3)
    assert missing_views(full) == ()
    table = full.table.drop_columns(["z_trace", "score", "z_logprob"])
    found = missing_views(Rollouts(table, full.meta))
    assert [sentence.split(":")[0] for sentence in found] == ["no score", "no z_c log-prob in this file"]
    assert "laser score MODEL FILE --traces" in found[1]
    single = missing_views(full.take(full.column("sample") == 0))
    assert single == ("one solution per problem: votes, pass@k and the AUROC within a problem need several",)


def test_a_mapping_is_remembered_for_the_next_file_of_that_shape(tmp_path, monkeypatch):
    monkeypatch.setenv("LASER_EXPLORER_HOME", str(tmp_path / "config"))
    runner = CliRunner()
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    first.write_text("asked,said,right\nWhat?,4,yes\n")
    second.write_text("right,asked,said\nno,Why?,5\n")
    out = ["--out", str(tmp_path / "out.parquet")]
    unknown = runner.invoke(app, ["convert", str(second), *out])
    assert isinstance(unknown.exception, InputError)
    maps = ["--map", "asked=problem", "--map", "said=response", "--map", "right=correct"]
    assert runner.invoke(app, ["convert", str(first), *out, *maps]).exit_code == 0
    done = runner.invoke(app, ["convert", str(second), *out])
    assert done.exit_code == 0
    assert "--map said=response" in done.stdout
    assert read(tmp_path / "out.parquet").rollouts.row(0)["correct"] is False
    assert isinstance(runner.invoke(app, ["convert", str(second), *out, "--no-remember"]).exception, InputError)
    (tmp_path / "config" / "mappings.json").write_text("[oops")
    assert isinstance(runner.invoke(app, ["convert", str(second), *out]).exception, InputError)

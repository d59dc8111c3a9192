"""Data sets by name from local copies, their official splits, and worked solutions."""

import json
from pathlib import Path

import pytest

from laser_core.errors import InputError
from laser_core.home import DATA_VARIABLE
from laser_core.tasks import load_problems
from laser_core.tasks.worked import load_worked
from tests.skips import NEEDS_DATA

DATA = Path(__file__).parents[3] / "shared" / "data"


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def gsm8k(split, n):
    solution = "He has {0} + {0} = <<{0}+{0}={1}>>{1} pens.\n#### {1}"
    return [{"question": f"{split} {i}?", "answer": solution.format(i, 2 * i)} for i in range(n)]


def test_official_splits_come_from_the_local_copy(folder):
    write(folder / "GSM8K_train.jsonl", gsm8k("train", 100))
    write(folder / "gsm8k_test.jsonl", gsm8k("test", 7))
    train, validation, test = (load_problems("gsm8k", split) for split in ("train", "validation", "test"))
    assert [p.text for p in test] == [f"test {i}?" for i in range(7)]
    assert {p.text for p in train} | {p.text for p in validation} == {f"train {i}?" for i in range(100)}
    assert len(train) + len(validation) == 100
    assert 0 < len(validation) < 15
    ids = [p.problem_id for p in (*train, *validation, *test)]
    assert len(set(ids)) == 107
    assert {p.problem_id for p in load_problems("gsm8k", "all")} == set(ids)
    assert train[-1].answer == str(2 * int(train[-1].text.split()[1][:-1]))


def test_a_copy_without_its_official_splits_is_divided_by_hash(folder):
    write(folder / "svamp.jsonl", [{"id": f"chal-{i}", "problem": f"{i}+1?", "answer": i + 1} for i in range(200)])
    parts = [{p.problem_id for p in load_problems("svamp", split)} for split in ("train", "validation", "test")]
    assert all(parts)
    assert set.union(*parts) == {f"svamp:chal-{i}" for i in range(200)}
    assert sum(map(len, parts)) == 200


def test_a_test_set_has_no_other_split(folder):
    write(folder / "math500.jsonl", [{"problem": "1+1?", "solution": "Two.", "answer": "2", "unique_id": "a/1"}])
    assert [p.problem_id for p in load_problems("math500", "test")] == ["math500-test:a/1"]
    with pytest.raises(InputError, match="has no train split"):
        load_problems("math500", "train")


def test_what_is_neither_here_nor_on_the_hub_is_named(folder):
    with pytest.raises(InputError) as caught:
        load_problems("aime25", "test")
    assert str(folder) in caught.value.problem
    assert DATA_VARIABLE in caught.value.remedy


def test_columns_of_other_names(tmp_path):
    path = tmp_path / "mine.jsonl"
    write(path, [{"Q": "1+1?", "final": "2", "notes": "1 and 1 are 2."}])
    (worked,) = load_worked(f"{path}?problem=Q&answer=final&solution=notes", "all")
    assert (worked.problem.text, worked.problem.answer, worked.solution) == ("1+1?", "2", "1 and 1 are 2.")
    with pytest.raises(InputError) as caught:
        load_problems(f"{path}?problem=Question&answer=final", "all")
    assert (caught.value.line, caught.value.field) == (1, "Question")
    with pytest.raises(InputError, match="does not name columns"):
        load_problems(f"{path}?question=Q", "all")


def test_worked_solutions_lose_calculator_notes_and_state_the_answer_once(folder):
    write(folder / "gsm8k_train.jsonl", gsm8k("train", 40))
    worked = {w.problem.text: w for w in load_worked("gsm8k", "train")}
    example = worked["train 3?"] if "train 3?" in worked else worked["train 4?"]
    number = int(example.problem.text.split()[1][:-1])
    assert example.solution == f"He has {number} + {number} = {2 * number} pens."
    assert example.text("boxed") == f"{example.solution}\nThe answer is \\boxed{{{2 * number}}}."
    assert example.text("hash") == f"{example.solution}\n#### {2 * number}"


def test_an_answer_alone_is_no_solution(tmp_path):
    path = tmp_path / "mine.jsonl"
    write(path, [{"problem": "1+1?", "answer": "2"}])
    with pytest.raises(InputError, match="without a solution") as caught:
        load_worked(str(path), "all")
    assert caught.value.line == 1


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{NEEDS_DATA}: the real problem files")
def test_real_copies_have_their_official_sizes(monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(DATA))
    sizes = {name: len(load_problems(name, "test")) for name in ("gsm8k", "math500", "amc", "aime24", "olympiadbench")}
    assert sizes == {"gsm8k": 1319, "math500": 500, "amc": 40, "aime24": 30, "olympiadbench": 675}
    assert len(load_problems("gsm8k", "train")) + len(load_problems("gsm8k", "validation")) == 7473
    assert all("<<" not in worked.solution for worked in load_worked("gsm8k", "validation"))

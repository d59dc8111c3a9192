"""Files, answer pairs and extractions that were once read wrong, where the project's data lie beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laser_core.analysis import Samples, summarize_samples
from laser_core.answers.verify import extract_answer, verify_answers
from laser_core.rollouts import complete, read

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="no shared data beside the checkout")


def cases(name: str) -> list | dict:
    """A file of cases; nothing where there is none, so that the module can still be collected."""
    path = CASES / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


EXPECTED = cases("files/expected.json") or {}


@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_file_of_another_tool_is_read_right(name):
    expected = dict(EXPECTED[name])
    rollouts = complete(read(CASES / "files" / name).rollouts).rollouts
    absent = [None] * len(rollouts)
    columns = {"answer": absent, "reference_answer": absent, "correct": absent} | rollouts.table.to_pydict()
    correct = columns["correct"]
    found = {
        "n_rollouts": len(rollouts),
        "n_problems": len(set(columns["problem_id"])),
        "answers": columns["answer"],
        "references": columns["reference_answer"],
        "correct": correct,
        "accuracy": sum(map(bool, correct)) / len(correct),
    }
    if "majority_at_5" in expected:
        voting = summarize_samples(Samples.from_rollouts(rollouts), n_max=5).to_json()["voting"]
        found["majority_at_5"] = voting["majority"][voting["n"].index(5)]
    if one_of := expected.pop("correct_one_of", None):
        assert correct in one_of
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    "pair", cases("answer_pairs.json"), ids=lambda pair: f"{pair['reference']}={pair['prediction']}"
)
def test_a_pair_of_answers_is_decided_right(pair):
    assert verify_answers([pair["prediction"]], [pair["reference"]]) == [pair["correct"]]


@pytest.mark.parametrize("case", cases("extraction.json"), ids=lambda case: case["source"])
def test_the_final_answer_is_found(case):
    answer = extract_answer(case["response"])
    assert verify_answers([answer], [case["reference"]]) == [case.get("correct", True)], answer

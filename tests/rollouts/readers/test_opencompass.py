"""OpenCompass' predictions and results."""

from __future__ import annotations

import json

from laser_core.rollouts import read
from tests.rollouts.readers.files import FIXTURES, columns, fixture


def test_predictions_are_grouped_by_prompt_and_verified():
    result = fixture("opencompass_predictions.json")
    assert (result.format, result.n_rows, result.refused) == ("opencompass", 4, ())
    assert columns(result, "problem", "sample", "reference_answer", "correct") == [
        ["What is 2 + 3?"] * 2 + ["What is 4 * 5?"] * 2,
        [0, 1, 0, 1],
        ["5", "5", "20", "20"],
        [True, False, True, False],
    ]
    assert any("verified against the reference answer" in note for note in result.notes)


def test_several_predictions_of_a_problem():
    result = fixture("opencompass_several.json")
    assert (result.n_rows, len(result.rollouts)) == (2, 4)
    assert columns(result, "sample", "n_tokens") == [[0, 1, 0, 1], [4, 5, 4, 5]]


def test_results_bring_their_own_verdicts():
    result = fixture("opencompass_results.json")
    assert columns(result, "response", "answer", "correct") == [
        ["so \\boxed{5}", "it is 6", "\\boxed{20}", "It is \\boxed{2"],
        ["5", "6", "20", None],
        [True, False, True, False],
    ]


def test_one_bad_prediction_costs_one_row():
    document = json.loads((FIXTURES / "opencompass_predictions.json").read_text())
    document["1"] |= {"prediction": {"A": -1.5}}
    document["2"] |= {"origin_prompt": [{"role": "SYSTEM", "prompt": "s"}], "gold": "4 * 5 = 20\n#### 20"}
    document["4"] = {"origin_prompt": "7-2?", "prediction": {"prediction": "5"}, "gold": "7 - 2 = 5\n#### 5"}
    result = read(json.dumps(document).encode())
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(2, "prediction"), (3, "origin_prompt")]
    row = result.rollouts.row(2)
    assert (row["problem"], row["response"], row["reference_answer"], row["correct"]) == ("7-2?", "5", "5", True)


def test_rounds_of_a_conversation_are_problems_of_their_own():
    rounds = {"origin_prompt": ["1+1?", "Twice that?"], "prediction": ["2", "4"], "gold": ["2", "4"]}
    result = read(json.dumps({"0": rounds}).encode())
    assert columns(result, "problem", "sample", "correct") == [["1+1?", "Twice that?"], [0, 0], [True, True]]


def test_grouped_details_hold_answers_only():
    details = [{"example_abbr": "main_0", "pred": ["5", "6"], "answer": ["5", "5"], "correct": [True, False]}]
    details.append({"example_abbr": "main_1", "pred": ["20"], "answer": ["20", "20"], "correct": [True]})
    result = read(json.dumps({"accuracy": 50.0, "details": details}).encode())
    assert columns(result, "problem_id", "sample", "answer", "correct") == [
        ["main_0"] * 2,
        [0, 1],
        ["5", "6"],
        [True, False],
    ]
    assert [(refusal.line, refusal.field) for refusal in result.refused] == [(2, "answer")]
    assert "read predictions/*.json" in result.notes[0]


def test_other_names_of_the_gold_answer():
    records = {
        str(i): {"origin_prompt": "1+1?", "prediction": "2", name: "2"} for i, name in enumerate(("refr", "gold"))
    }
    assert columns(read(json.dumps(records).encode()), "reference_answer", "correct") == [["2", "2"], [True, True]]

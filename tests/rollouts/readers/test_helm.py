"""HELM's scenario states."""

from __future__ import annotations

import json

import pytest

from laser_core.rollouts import read
from tests.rollouts.readers.files import FIXTURES, columns, fixture, lines, records_of


def test_completions_of_a_scenario():
    result = fixture("helm_scenario_state.json")
    assert (result.format, result.n_rows) == ("helm", 3)
    assert (result.rollouts.meta.model, result.rollouts.meta.temperature) == ("m/x", 0.5)
    assert [(r.line, r.field, r.reason) for r in result.refused] == [
        (3, "result", "the request failed: the server went away")
    ]
    assert columns(result, "problem_id", "sample", "reference_answer", "correct", "truncated") == [
        ["id0", "id0", "id1"],
        [0, 1, 0],
        ["5", "5", "20"],
        [True, False, True],
        [False, True, False],
    ]
    assert columns(result, "tokens", "token_logprobs") == [[None, None, ["so", " 20"]], [None, None, [-0.5, -0.25]]]


def test_in_multiple_choice_the_letter_is_answer_and_reference():
    result = fixture("helm_scenario_choices.json", fill=False)
    assert columns(result, "answer", "reference_answer") == [["B", "A"], ["B", "B"]]
    assert not result.rollouts.has("token_logprobs")  # 0.0 stands for one that nobody asked for


def test_a_perturbed_instance_is_another_problem_and_a_scored_choice_is_no_answer():
    document = json.loads((FIXTURES / "helm_scenario_state.json").read_text())
    states = document["request_states"]
    states[2] = json.loads(json.dumps(states[0]))
    states[2]["instance"]["input"]["text"] = "WHAT IS 2 + 3?"
    states[1]["reference_index"] = 0
    document["annotator_specs"] = [{"class_name": "x"}]  # a second list beside the states
    result = read(json.dumps(document).encode(), fill=False)
    assert [(r.line, r.field) for r in result.refused] == [(2, "reference_index")]
    assert len(set(result.rollouts.text("problem_id"))) == 2


def test_one_of_several_correct_references_is_no_reference():
    document = json.loads((FIXTURES / "helm_scenario_state.json").read_text())
    references = document["request_states"][0]["instance"]["references"]
    references.append({"output": {"text": "five"}, "tags": ["correct"]})
    result = read(json.dumps(document).encode())
    assert columns(result, "reference_answer", "correct") == [[None, None, "20"], [None, None, True]]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" (A). ", "A"),
        ("B. 9", "B"),
        ("First A looks right, but the answer is (B)", "B"),
        ("**Answer:** A\nbecause B is odd", "A"),
        ("The correct answer is **B**.", "B"),
        ("neither", None),
        ("C", None),  # no such choice
    ],
)
def test_the_letter_that_a_completion_names(text, letter):
    document = json.loads((FIXTURES / "helm_scenario_choices.json").read_text())
    document["request_states"][0]["result"]["completions"][0]["text"] = text
    assert columns(read(json.dumps(document).encode(), fill=False), "answer")[0][0] == letter


def test_display_predictions_have_the_verdicts():
    result = fixture("helm_display_predictions.json")
    assert columns(result, "problem_id", "sample", "correct", "signal.num_output_tokens") == [
        ["id0", "id0", "id1"],
        [0, 1, 0],
        [True, False, True],
        [4.0] * 3,
    ]
    assert "read scenario_state.json" in result.notes[0]


def test_perturbations_of_an_instance_stay_apart_in_display_predictions():
    records = records_of("helm_display_predictions.json")
    records[1] |= {"perturbation": {"name": "lowercase"}}
    assert columns(read(lines(*records), fill=False), "sample") == [[0, 0, 0]]

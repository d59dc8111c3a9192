"""Each known format: recognised from its content, read into the right fields, its traps avoided."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from laser_core.errors import InputError
from laser_core.rollouts import read, suggest_mapping

FIXTURES = Path(__file__).parent / "fixtures"


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


# ------------------------------------------------------------------------------------------------ official LaSeR

# Written by hand after src/eval_math.py and src/calculate_self_rewarding_scores.py of RUCBM/LaSeR.
LASER = {
    "id": 60,
    "problem": "What is 2 + 3?",
    "answer": "5",
    "pred_answers": ["5", "6", None, "5.0"],
    "responses": [r"\boxed{5}", r"\boxed{6}", "It is five.", r"\boxed{5.0}"],
    "acc_list": [True, False, False, True],
    "model": "ORZ-7B-LaSeR",
    "self_rewarding_scores": [0.93, 0.0, 0.0, -0.12],
}
LASER_WITH_REFERENCE = {
    "problem": "Pick one.",
    "answer": "B",
    "responses": ["so B", "so C"],
    "pred_answers": ["B", None],
    "acc_list": [True, False],
    "self_rewarding_scores": [0.8, 0.0],
    "policy_model_logprobs": [-15.0, 0.0],
    "ref_model_logprobs": [-23.0, 0.0],
}


def test_official_laser_evaluation():
    result = read(lines(LASER), name="aime24.jsonl")
    assert (result.format, result.n_rows, len(result.rollouts)) == ("laser-official", 1, 4)
    table = result.rollouts.table
    assert table["run"].unique().to_pylist() == ["aime24"]
    assert table["problem_id"].unique().to_pylist() == ["60"]
    assert table["sample"].to_pylist() == [0, 1, 2, 3]
    assert table["reference_answer"].unique().to_pylist() == ["5"]
    assert table["answer"].to_pylist() == ["5", "6", None, "5.0"]
    assert table["correct"].to_pylist() == [True, False, False, True]
    # The 0.0 beside "6" is a score; the 0.0 beside no answer is filler.
    assert table["score"].to_pylist() == [0.93, 0.0, None, -0.12]
    assert result.notes == ("a score of 0.0 without an extracted answer is filler: read as no score (1 row)",)
    assert (result.rollouts.meta.model, result.rollouts.meta.source_format) == ("ORZ-7B-LaSeR", "laser-official")


def test_official_laser_evaluation_with_a_reference_model():
    table = read(lines(LASER_WITH_REFERENCE)).rollouts.table
    assert table["score"].to_pylist() == [0.8, None]
    assert table["z_logprob"].to_pylist() == [-15.0, None]
    assert table["ref_z_logprob"].to_pylist() == [-23.0, None]


def test_official_laser_evaluation_of_general_reasoning():
    """There the verdicts and the extracted options have other names, and acc_list may stand beside them."""
    item = LASER_WITH_REFERENCE | {
        "verify_accs_results": [False, True],
        "extracted_options_results": [None, "C"],
        "self_rewarding_scores": [0.0, 0.0],
    }
    table = read(lines(item)).rollouts.table
    assert table["correct"].to_pylist() == [False, True]
    assert table["answer"].to_pylist() == [None, "C"]
    assert table["score"].to_pylist() == [None, 0.0]


def test_official_laser_evaluation_before_scoring():
    """What eval_math.py alone writes: a table without scores, which can still be voted on."""
    item = {k: v for k, v in LASER.items() if k not in ("self_rewarding_scores", "id")}
    rollouts = read(lines(item)).rollouts
    assert not rollouts.has("score")
    assert rollouts.column("correct").tolist() == [1, 0, 0, 1]


def test_one_problem_on_two_lines_keeps_counting_and_one_id_for_two_problems_does_not_mix_them():
    table = read(lines(LASER, LASER, LASER | {"problem": "What is 1 + 1?"})).rollouts.table
    assert table["sample"].to_pylist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]
    assert table["problem_id"].unique().to_pylist()[0] == "60"
    assert len(table["problem_id"].unique()) == 2


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"acc_list": [True]}, "acc_list", "expected one value for each of the 4 responses, found 1 values"),
        ({"self_rewarding_scores": 0.5}, "self_rewarding_scores", "found float"),
        ({"responses": "text"}, "responses", "expected a list, found str"),
        ({"problem": None}, "problem", "expected text, found NoneType"),
    ],
)
def test_official_laser_line_with_unequal_lists_is_refused(change, field, reason):
    result = read(lines(LASER, LASER | change))
    assert len(result.rollouts) == 4
    assert (result.refused[0].line, result.refused[0].field) == (2, field)
    assert reason in result.refused[0].reason


def test_one_bad_response_does_not_cost_its_neighbours():
    result = read(lines(LASER | {"responses": ["a", None, "c", "d"]}))
    assert len(result.rollouts) == 3
    assert (result.refused[0].line, result.refused[0].field) == (1, "response")


# ------------------------------------------------------------------------------------------------ verl


def test_verl_validation_dump():
    result = read(FIXTURES / "verl_validation.jsonl")
    assert result.format == "verl"
    table = result.rollouts.table
    assert table["step"].unique().to_pylist() == [20]
    assert table["sample"].to_pylist() == [0, 1, 2, 0, 1, 2]
    assert len(table["problem_id"].unique()) == 2
    assert table["reference_answer"].to_pylist() == ["5"] * 3 + ["20"] * 3
    assert table["correct"].to_pylist() == [True, False, False, True, True, False]
    assert table["answer"].to_pylist() == ["5", "6", None, "20", "20.0", None]
    assert table["signal.reward"].to_pylist() == [1, -1, -1, 1, 1, -1]
    assert not result.rollouts.has("score")  # verl's score is the verifier's reward
    assert any("not as the self-rewarding score" in note for note in result.notes)


def test_verl_rollout_dump_without_acc():
    result = read(FIXTURES / "verl_rollouts.jsonl")
    assert result.rollouts.table["correct"].to_pylist() == [True, False, False, True, True, False]
    assert any("'acc'" in note for note in result.notes)
    # Answers are extracted, in the open, because this dump holds none.
    assert result.rollouts.table["answer"].to_pylist() == ["5", "6", "5", "20", "20.0", None]


def test_verl_groups_by_uid_without_the_sample_number():
    uid = "0b9c2f7e-1c1d-4a53-9b57-2f6f9a3c7d11"
    base = {"input": "q", "output": "#1", "score": 1.0, "step": 3}
    rows = [base | {"uid": u} for u in (f"{uid}_0", f"{uid}_1", "aime_1", "aime_2")]
    table = read(lines(*rows)).rollouts.table
    assert table["problem_id"].to_pylist() == [uid, uid, "aime_1", "aime_2"]


# ------------------------------------------------------------------------------------------------ TRL


@pytest.mark.parametrize("kind", ["text", "chat"])
def test_trl_completions(kind):
    written = pq.read_table(FIXTURES / f"trl_{kind}.parquet").to_pydict()
    result = read(FIXTURES / f"trl_{kind}.parquet")
    assert (result.format, result.n_rows, result.refused) == ("trl", 8, ())
    table = result.rollouts.table
    prompts = written["prompt"] if kind == "text" else [messages[0]["content"] for messages in written["prompt"]]
    said = written["completion"] if kind == "text" else [messages[0]["content"] for messages in written["completion"]]
    assert table["problem"].to_pylist() == prompts
    assert table["response"].to_pylist() == said
    assert sorted(table["sample"].to_pylist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["correct"].to_pylist() == [reward > 0 for reward in written["accuracy_reward"]]
    for name in ("accuracy_reward", "length_reward", "advantage"):
        np.testing.assert_array_equal(table[f"signal.{name}"].to_numpy(), written[name])


def test_trl_reward_columns_can_be_chosen():
    """A reward function's column has any name; the user says which one is the verdict."""
    rows = {
        "step": [1, 1],
        "prompt": ["q", "q"],
        "completion": ["a", "b"],
        "my_reward": [0.0, 2.0],
        "solution": ["1", "1"],
        "advantage": [-1.0, 1.0],
    }
    data = io.BytesIO()
    pd.DataFrame(rows).to_parquet(data)
    plain = read(data.getvalue(), fill=False)
    assert not plain.rollouts.has("correct")
    assert plain.notes == ("no reward is plainly the verdict; choose one (--map NAME=correct) of: my_reward (2 rows)",)
    assert plain.rollouts.text("reference_answer") == ["1", "1"]
    chosen = read(data.getvalue(), mapping={"my_reward": "correct"})
    assert chosen.format == "trl"
    assert chosen.rollouts.column("correct").tolist() == [0, 1]


def test_trl_completions_of_early_versions():
    """Written by hand after TRL 0.15's grpo_trainer.py: the step is text, and only the summed reward is there."""
    rows = {"step": ["12", "12"], "prompt": ["q", "q"], "completion": ["a", "b"], "reward": [0.0, 1.5]}
    data = io.BytesIO()
    pd.DataFrame(rows).to_parquet(data)
    result = read(data.getvalue(), fill=False)
    assert (result.format, result.rollouts.table["step"].to_pylist()) == ("trl", [12, 12])
    assert result.rollouts.table["signal.reward"].to_pylist() == [0.0, 1.5]
    assert "(--map NAME=correct) of: reward" in result.notes[0]


# ------------------------------------------------------------------------------------------------ lm-eval


def test_lm_eval_samples_with_one_repeat():
    result = read(FIXTURES / "lm_eval_once.jsonl")
    assert (result.format, result.n_rows, len(result.rollouts)) == ("lm-eval", 6, 3)
    table = result.rollouts.table
    assert table["problem"].to_pylist() == ["What is 2 + 3?", "What is 4 * 5?", "What is 1,000 + 234?"]
    assert table["reference_answer"].to_pylist() == ["5", "20", "1,234"]
    assert table["answer"].to_pylist() == ["5", "9", "1,234"]
    assert table["correct"].to_pylist() == [True, False, True]
    assert any("other filters than 'strict-match'" in note for note in result.notes)


def test_lm_eval_repeats_are_verified_one_by_one():
    """The harness stores one verdict for the majority of the four; each of them has its own."""
    table = read(FIXTURES / "lm_eval_four.jsonl").rollouts.table
    assert table["sample"].to_pylist() == [0, 1, 2, 3] * 3
    assert table["answer"].to_pylist()[:3] == ["5", "6", "5"]
    correct = table["correct"].to_pylist()
    assert correct == [True, False, True, False, False, True, False, True, True, True, False, True]


def test_lm_eval_multiple_choice_is_refused():
    row = {"doc_id": 0, "doc": {}, "resps": [[["-1.5", "False"]], [["-2.5", "False"]]], "filtered_resps": []}
    with pytest.raises(InputError, match="log-likelihoods"):
        read(lines(row))


# ------------------------------------------------------------------------------------------------ lighteval

# Written by hand after lighteval 0.13's info_loggers.py (Detail), requests.py (Doc), model_output.py (ModelResponse).
LIGHTEVAL = {
    "doc": {"query": "What is 2 + 3?", "choices": ["4", "5"], "gold_index": [1], "id": "0", "task_name": "t"},
    "metric": {"extractive_match": 1.0},
    "model_response": {"text": [r"\boxed{5}"], "output_tokens": [[7, 8, 9]], "logprobs": []},
}


def test_lighteval_details():
    four = LIGHTEVAL | {
        "doc": LIGHTEVAL["doc"] | {"id": "1"},
        "model_response": {"text": [r"\boxed{5}", r"\boxed{4}"], "output_tokens": [[1], [2]]},
    }
    data = io.BytesIO()
    pd.DataFrame([LIGHTEVAL, four]).to_parquet(data)
    result = read(data.getvalue())
    assert (result.format, result.n_rows, len(result.rollouts)) == ("lighteval", 2, 3)
    table = result.rollouts.table
    assert table["problem_id"].to_pylist() == ["0", "1", "1"]
    assert table["reference_answer"].unique().to_pylist() == ["5"]
    assert table["n_tokens"].to_pylist() == [3, 1, 1]
    assert table["correct"].to_pylist() == [True, True, False]  # the second metric's 1.0 is for both samples
    several = four | {"doc": four["doc"] | {"gold_index": [0, 1]}}
    found = read(lines(several))  # which of the two a sample hit, one reference cannot say
    assert not found.rollouts.has("correct")
    assert any("several accepted answers" in note for note in found.notes)
    with pytest.raises(InputError, match="log-likelihoods"):
        read(lines(LIGHTEVAL | {"model_response": {"text": [], "logprobs": [-1.0]}}))


# ------------------------------------------------------------------------------------------------ NeMo-Skills

# Written by hand after nemo_skills' inference/model/base.py and evaluation/evaluator/math.py.
NEMO = {
    "problem": "What is 2 + 3?",
    "expected_answer": 5,
    "generation": r"\boxed{5}",
    "num_generated_tokens": 2,
    "tokens": ["\\boxed{5", "}"],
    "logprobs": [-0.5, -0.25],
    "predicted_answer": "5",
    "symbolic_correct": True,
}


def test_nemo_skills_generations_take_the_sample_from_the_file_name():
    named = (("x/output-rs3.jsonl", 3, "x"), ("output-rs12.jsonl", 12, "nemo-skills"), ("output.jsonl", 0, "output"))
    for name, sample, run in named:
        result = read(lines(NEMO), name=name)
        row = result.rollouts.row(0)
        assert (result.format, row["run"], row["sample"]) == ("nemo-skills", run, sample)
        assert row["reference_answer"] == "5"
        assert (row["answer"], row["correct"], row["n_tokens"]) == ("5", True, 2)
        assert row["token_logprobs"] == [-0.5, -0.25]


# ------------------------------------------------------------------------------------------------ SkyRL

# Written by hand after SkyRL's dump_per_dataset_eval_results.
SKYRL = {
    "input_prompt": "What is 2 + 3?",
    "output_response": "#### 5",
    "score": 1.0,
    "stop_reason": "stop",
    "env_class": "gsm8k",
    "env_extras": {"reward_spec": {"method": "rule", "ground_truth": "5"}},
    "data_source": "openai/gsm8k",
}


def test_skyrl_dumps():
    token_rewards = SKYRL | {"score": [0.0, 0.0], "stop_reason": "length", "output_response": "#### "}
    result = read(lines(SKYRL, token_rewards, SKYRL | {"score": None}))
    assert (result.format, len(result.rollouts)) == ("skyrl", 2)
    table = result.rollouts.table
    assert table["correct"].to_pylist() == [True, False]
    assert table["truncated"].to_pylist() == [False, True]
    assert table["reference_answer"].to_pylist() == ["5", "5"]
    assert (result.refused[0].line, result.refused[0].field) == (3, "score")


# ------------------------------------------------------------------------------------------------ search-and-learn

# Written by hand after search-and-learn's best_of_n.py and beam_search.py.
SEARCH = {
    "problem": "What is 2 + 3?",
    "answer": "5",
    "unique_id": "test/1.json",
    "completions": [r"\boxed{5}", r"\boxed{6}"],
    "scores": [[0.9, 0.7, 0.8], [0.2]],
    "pred": r"\boxed{5}",
    "completion_tokens": [12, -1],
}


def test_search_and_learn_completions():
    result = read(lines(SEARCH, SEARCH | {"scores": [[0.5]]}))
    assert (result.format, len(result.rollouts), result.refused[0].field) == ("search-and-learn", 2, "scores")
    table = result.rollouts.table
    assert table["signal.prm_last"].to_pylist() == [0.8, 0.2]
    assert table["signal.prm_min"].to_pylist() == [0.7, 0.2]
    assert table["correct"].to_pylist() == [True, False]
    assert table["n_tokens"].to_pylist() == [12, None]
    assert not result.rollouts.has("score")


# ------------------------------------------------------------------------------------------------ mapping


def test_any_table_can_be_mapped():
    data = b"question,model said,right?,rm\nWhat is 1+1?,2,yes,0.7\nWhat is 1+1?,3,no,-0.1\n"
    mapping = {"question": "problem", "model said": "response", "right?": "correct", "rm": "signal.rm"}
    result = read(data, name="mine.csv", mapping=mapping)
    assert result.format == "mapping"
    table = result.rollouts.table
    assert table["sample"].to_pylist() == [0, 1]  # grouped by the problem's text
    assert table["correct"].to_pylist() == [True, False]
    assert table["signal.rm"].to_pylist() == [0.7, -0.1]
    assert result.rollouts.runs() == ["mine"]


def test_a_mapped_parquet_table():
    data = io.BytesIO()
    pd.DataFrame({"q": ["a", "b"], "out": ["x#1", "y#2"], "gold": [1, 3]}).to_parquet(data)
    result = read(data.getvalue(), mapping={"q": "problem", "out": "response", "gold": "reference_answer"})
    assert result.rollouts.table["correct"].to_pylist() == [True, False]
    assert any("verified against the reference answer" in note for note in result.notes)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"question": "problems"}, "mapped to a field that does not exist"),
        ({"query": "problem"}, "no such column"),
        ({"question": "response", "answer": "response"}, "two columns are mapped"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_before_reading(mapping, words):
    with pytest.raises(InputError, match=words):
        read(b"question,answer\na,b\n", mapping=mapping)


def test_unknown_format_names_are_listed():
    with pytest.raises(InputError, match="choose one of jsonl, laser-official"):
        read(b'{"a": 1}', format="laser")
    with pytest.raises(InputError, match="needs a column mapping"):
        read(b'{"a": 1}', format="mapping")


def test_a_named_format_that_does_not_fit_says_why():
    with pytest.raises(InputError, match="no row could be read") as caught:
        read(lines({"a": 1}), format="laser-official")
    assert (caught.value.line, caught.value.field) == (1, "responses")


def test_suggested_mappings_use_every_column_and_field_once():
    assert suggest_mapping(["prompt", "output", "answer", "id", "junk"]) == {
        "output": "response",
        "prompt": "problem",
        "answer": "reference_answer",
        "id": "problem_id",
    }
    assert suggest_mapping(["x", "y"]) == {}
    mapping = suggest_mapping(["solution", "response", "score", "tokens"])
    assert mapping == {"response": "response", "score": "score", "tokens": "tokens"}


# ------------------------------------------------------------------------------------------------ recognition


def test_recognition_is_by_content_and_needs_no_name(tmp_path):
    """Every fixture under a misleading name is still what it is."""
    for fixture, expected in (
        ("verl_rollouts.jsonl", "verl"),
        ("trl_chat.parquet", "trl"),
        ("lm_eval_once.jsonl", "lm-eval"),
    ):
        path = tmp_path / "rollouts.csv"
        path.write_bytes((FIXTURES / fixture).read_bytes())
        assert read(path, fill=False).format == expected


def test_the_run_is_named_after_the_file():
    for name, run in (("a/b/grpo.jsonl.gz", "grpo"), ("laser", "laser"), ("C:\\x\\run 1.json", "run 1")):
        row = {"problem_id": "p", "sample": 0, "response": "#1"}
        assert read(lines(row), name=name).rollouts.runs() == [run]

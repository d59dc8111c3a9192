"""verl: groups, sessions and outputs in a uid; rewards in parts; placeholders for an answer."""

from __future__ import annotations

import json

import pytest

from laser_core.rollouts import read

GROUPS = ("5f0c1d7a-93b1-4c3e-8a55-0d3c1f2e4b6a", "c2b7e8d4-1e6f-4b0a-9d3c-7a8b9c0d1e2f")


def lines(*objects) -> bytes:
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


def row(uid: str | None, said: str, prompt: str = "6 * 7?", gts: str | None = "42", **changes) -> dict:
    correct = gts is not None and said.endswith(gts)
    whole = {"input": prompt, "output": said, "gts": gts, "score": 1.0 if correct else -1.0, "step": 5, "acc": correct}
    return whole | ({} if uid is None else {"uid": uid}) | changes


def n_problems(result) -> int:
    return len(result.rollouts.table["problem_id"].unique())


def test_a_uid_of_group_session_and_output():
    first = [row(f"{GROUPS[0]}_{i}_0", f"it is {42 - i % 2}") for i in range(4)]
    second = [row(f"{GROUPS[1]}_{i}_0", f"it is {9 + i}", "3 * 3?", "9") for i in range(4)]
    result = read(lines(*first, *second))
    assert (len(result.rollouts), n_problems(result)) == (8, 2)
    assert result.rollouts.table["sample"].to_pylist() == [0, 1, 2, 3] * 2
    assert result.rollouts.column("correct").mean() == 3 / 8


def test_of_several_outputs_in_a_session_the_last_one_counts():
    """An agent's turns: each line bears the reward of the last, and the later prompts continue the first."""
    talk = "6 * 7?"
    rows = []
    for session in range(3):
        rows.append(row(f"{GROUPS[0]}_{session}_0", "let me check", talk))
        rows.append(row(f"{GROUPS[0]}_{session}_1", f"so {42 + session}", f"{talk} let me check. Go on {session}."))
    result = read(lines(*rows))
    assert result.rollouts.text("response") == ["so 42", "so 43", "so 44"]
    assert (n_problems(result), set(result.rollouts.text("problem"))) == (1, {talk})
    assert any("earlier outputs" in note and "(3 rows)" in note for note in result.notes)


@pytest.mark.parametrize("group", ["gsm8k-17", "uid_42"])
def test_groups_need_no_uuid(group):
    result = read(lines(*(row(f"{group}_{i}_0", "it is 42") for i in range(3))))
    assert (len(result.rollouts), n_problems(result)) == (3, 1)


def test_ids_that_only_end_in_numbers_lose_no_rows():
    """``aime_2024_17`` is no session 2024 with 17 outputs."""
    result = read(lines(*(row(f"aime_2024_{i}", "it is 42", f"problem {i}") for i in range(1, 4))))
    assert (len(result.rollouts), n_problems(result)) == (3, 3)


def test_two_groups_of_one_prompt_stay_two_groups():
    rows = [row(f"{group}_{i}_0", "it is 42") for group in GROUPS for i in range(2)]
    assert n_problems(read(lines(*rows))) == 2


def test_a_data_set_that_repeats_its_problems_is_grouped_by_prompt():
    """Sixteen rows per problem in the data set itself, one sample each: every row has a uid of its own."""
    rows = [row(f"{GROUPS[0][:-4]}{i:04d}_0_0", "it is 42") for i in range(4)]
    result = read(lines(*rows))
    assert (n_problems(result), result.rollouts.table["sample"].to_pylist()) == (1, [0, 1, 2, 3])


def test_the_problems_of_two_runs_have_the_same_names():
    """uids are drawn anew in each run; a comparison pairs problems by name."""
    one, other = (
        read(lines(*(row(f"{group}_{i}_0", "it is 42") for i in range(2)))).rollouts.text("problem_id")
        for group in GROUPS
    )
    assert one == other


def test_placeholders_for_an_answer_do_not_vote():
    rows = [row(None, "hm", pred="[INVALID]")] * 3 + [row(None, "Answer: 42", pred="42")] * 2
    assert read(lines(*rows)).rollouts.text("answer") == [None, None, None, "42", "42"]


def scored(*scores: float, said=("42", "41", "40", "39"), **changes) -> bytes:
    rows = [row(None, rf"\boxed{{{s}}}", score=score, **changes) for score, s in zip(scores, said, strict=False)]
    return lines(*({k: v for k, v in r.items() if k != "acc"} for r in rows))


def test_a_partial_reward_beside_a_reference_is_verified():
    result = read(scored(1.0, 0.1, 0.1, 0.1))
    assert result.rollouts.table["correct"].to_pylist() == [True, False, False, False]
    assert result.rollouts.table["signal.reward"].to_pylist() == [1.0, 0.1, 0.1, 0.1]
    assert any("partial values" in note and "verified against the reference" in note for note in result.notes)


def test_a_file_of_format_points_alone_holds_no_correct_solution():
    result = read(scored(0.1, 0.0, 0.1, said=("41", "40", "39")))
    assert result.rollouts.table["correct"].to_pylist() == [False, False, False]


def test_without_a_reference_only_the_highest_reward_is_correct_and_a_note_says_so():
    result = read(scored(1.0, 0.1, 0.5, 1.0, gts=None))
    assert result.rollouts.table["correct"].to_pylist() == [True, False, False, True]
    note = "'score' has partial values and no reference answer: only the top one, 1, is correct (4 rows)"
    assert note in result.notes


def test_two_values_are_a_verdict_whatever_they_are():
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 5.0)):
        correct = read(scored(high, low, high, said=("7", "8", "9")))
        assert correct.rollouts.table["correct"].to_pylist() == [True, False, True]  # the file's word, not ours

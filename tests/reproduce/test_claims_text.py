"""Rows read from the solutions' texts, against counts worked by hand."""

import pytest

from laser_core.reproduce.claims_text import diversity, text_rule_rows
from laser_core.reproduce.evidence import Evidence, balanced_f1, within
from laser_core.reproduce.table import ClaimSection
from laser_core.rollouts import Rollouts, write_parquet

SECTION = ClaimSection(3, "s")
CORRECT, INCORRECT = "x=9;5*9=45;45+7=52#9", "x=8;5*8=40;40+7=47#8"
SLIP = "x=8;5*8=45;45+7=52#8"  # incorrect, and its last total says otherwise


def run(folder, name, scores, *, file="rollouts", problem="5*x+7=52?"):
    """Each of ten problems has a correct, an incorrect and a slipped solution and the correct one again."""
    responses = (CORRECT, INCORRECT, SLIP, CORRECT)
    rows = [
        {
            "run": name,
            "problem_id": f"p{p}",
            "sample": i,
            "problem": problem,
            "reference_answer": "9",
            "response": response,
            "answer": response[-1],
            "correct": response == CORRECT,
            "truncated": False,
            "score": score,
        }
        for p in range(10)
        for i, (response, score) in enumerate(zip(responses, scores, strict=True))
    ]
    path = folder / "runs" / name / f"{file}.judged.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(Rollouts.from_rows(rows), path)


@pytest.fixture
def folder(tmp_path):
    run(tmp_path, "laser-0", (1.0, 0.0, 0.0, 1.0))  # perfect
    run(tmp_path, "laser-1", (0.0, 1.0, 1.0, 0.0))  # always wrong
    return tmp_path


def test_the_rule_and_the_seeds_in_which_it_is_ahead(folder):
    rule, gap = text_rule_rows(Evidence(folder), SECTION, "laser", balanced_f1, ids=("rule", "gap"))
    # TPR 1, TNR 1/2: 2/3. The score has 1 and 0.
    assert rule.value == pytest.approx(2 / 3)
    assert gap.value == pytest.approx(((1 - 2 / 3) + (0 - 2 / 3)) / 2)
    assert "ahead in 1 of 2 seeds" in gap.note
    assert (rule.holds, gap.holds, rule.rule, gap.signed, rule.seeds) == (None, None, "", True, 2)


def test_the_rule_within_a_problem_ties_with_a_slip(folder):
    rule, gap = text_rule_rows(Evidence(folder), SECTION, "laser", within, ids=("rule", "gap"))
    # Each correct solution is above the incorrect one and level with the slipped one: (1 + 1/2) / 2.
    assert rule.value == pytest.approx(0.75)
    assert gap.value == pytest.approx(0.5 - 0.75)


def test_transfer_reads_the_evaluation_on_the_other_family(folder):
    run(folder, "laser-0", (1.0, 0.0, 1.0, 1.0), file="pair", problem="x+y=17,5*x+7*y=52?")
    ids = ("rule", "gap")
    rule, gap = text_rule_rows(Evidence(folder), SECTION, "laser", balanced_f1, ids=ids, family="pair", transfer=True)
    assert (rule.seeds, rule.family, gap.value) == (1, "pair", 0.0)  # the score is fooled by the slip as well
    assert "ahead in 0 of 1 seeds" in gap.note


def test_word_problems_have_no_text_rule(folder):
    assert text_rule_rows(Evidence(folder), SECTION, "laser", within, ids=("a", "b"), family="words") == []


def test_equal_texts_are_one_solution(folder):
    run(folder, "base", (0.0, 0.0, 0.0, 0.0))
    rows = {claim.id: claim for claim in diversity(Evidence(folder))}
    assert set(rows) == {"diversity.base", "diversity.laser"}
    assert rows["diversity.laser"].value == 3.0
    assert rows["diversity.laser"].seeds == 2
    assert rows["diversity.base"].claim == "base: different solutions of a problem's 4"

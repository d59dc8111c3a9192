"""References of published problem sets, against themselves, rewrites that mean the same, and wrong neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laser_core.answers.verify import extract_answers, normalize, verify_answers
from tests.benchmarks.verifier_agreement import SETS, pairs_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
UNREADABLE = {  # of OlympiadBench: a condition in words, and a misprint
    r"f(x)=a x+b, where b is an arbitrary integer, and a is an arbitrary positive integer with \mho(a)=0",
    "t(0,4]",
}


def _problems(name):
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; this check reads the published problem set")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_math500_solutions_are_marked_correct_and_other_answers_are_not():
    """Each reference solution boxes its answer; another problem's answer is wrong for it (unless it is the same)."""
    problems = _problems("math500.jsonl")[:300]
    answers = [p["answer"] for p in problems]
    extracted = extract_answers([p["solution"] for p in problems])
    assert verify_answers(extracted, answers) == [True] * 300
    shifted = extracted[7:] + extracted[:7]
    wrong = verify_answers(shifted, answers)
    spelled_alike = [normalize(a) == normalize(b) for a, b in zip(shifted, answers, strict=True)]
    assert sum(w is True for w in wrong) <= sum(spelled_alike) + 3
    assert None not in wrong


def test_math500_answers_survive_another_wording():
    problems = _problems("math500.jsonl")[:100]
    answers = [p["answer"] for p in problems]
    said = extract_answers([f"After some work, we find that the final answer is ${a}$." for a in answers])
    assert sum(v is True for v in verify_answers(said, answers)) >= 98


def test_gsm8k_solutions_are_marked_correct():
    problems = _problems("gsm8k_test.jsonl")[:400]
    golds = [p["answer"].rsplit("####", 1)[1].strip() for p in problems]
    assert verify_answers(extract_answers([p["answer"] for p in problems]), golds) == [True] * 400
    assert verify_answers([f"{float(g.replace(',', '')) + 1:.2f}" for g in golds], golds) == [False] * 400


@pytest.mark.parametrize("name", SETS)
def test_references_answer_themselves_and_their_rewrites_and_no_neighbour(name):
    for file in SETS[name]:
        _problems(file)
    pairs = list(pairs_of(SETS[name]))
    every = 3 if len(pairs) > 2000 else 1
    pairs = pairs[::every]
    verdicts = verify_answers([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    errors = [(*pair, verdict) for pair, verdict in zip(pairs, verdicts, strict=True) if verdict is not pair[2]]
    assert [error for error in errors if error[-1] is not None] == []
    assert {reference for _, reference, _, _, _ in errors} <= UNREADABLE

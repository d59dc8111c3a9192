"""Verdicts: on hand-made pairs, on hostile text, and from the child process that reads algebra."""

from __future__ import annotations

import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest

from laser_core.answers import math_process, reading
from laser_core.answers.text import parse_number
from laser_core.answers.verify import answer_groups, extract_answer, is_correct, verify_answers
from laser_core.processes import Child

# ---------------------------------------------------------------------------------------------------------- comparison


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", Fraction(7)),
        ("-7", Fraction(-7)),
        ("\u22127", Fraction(-7)),
        ("+0.50", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1,234,567", Fraction(1234567)),
        (r"10,\!080", Fraction(10080)),
        ("$18", Fraction(18)),
        (r"\$18", Fraction(18)),
        ("$18$", Fraction(18)),
        ("18 dollars", Fraction(18)),
        ("3/4", Fraction(3, 4)),
        ("-3/4", Fraction(-3, 4)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        (r"-\dfrac{3}{4}", Fraction(-3, 4)),
        (r"\frac34", Fraction(3, 4)),
        (r"\boxed{6}", Fraction(6)),
        ("2e3", Fraction(2000)),
        ("7.25e-3", Fraction(29, 4000)),
        (r"7.25 \times 10^{-3}", Fraction(29, 4000)),
        ("2.5x10^4", Fraction(25000)),
        ("10^5", Fraction(100000)),
        ("\u00bd", Fraction(1, 2)),
        ("2\u00bd", Fraction(5, 2)),
        ("11 5/6", Fraction(71, 6)),
        (r"-137 \frac{1}{2}", Fraction(-275, 2)),
        ("4 10/3", None),
        (r"0.1\overline{6}", Fraction(1, 6)),
        (r"62.5\%", Fraction(125, 2)),
        (r"106^\circ", Fraction(106)),
        (r"5.4 \text{ cents}", Fraction(27, 5)),
        (r"15\mbox{ cm}^2", Fraction(15)),
        ("100 cm^3", Fraction(100)),
        (r"\frac{270}7\text{ degrees}", Fraction(270, 7)),
        (r"\$32,\!348", Fraction(32348)),
        ("1 000 000", Fraction(1000000)),
        ("2516_8", Fraction(2516)),
        ("**73**", Fraction(73)),
        ("016", Fraction(16)),
        ("12:00", None),
        ("5 + 3", None),
        ("6m", None),
        ("\uff11\uff12", Fraction(12)),
        ("1/0", None),
        ("1 2", None),
        ("12,34", None),
        ("1.2.3", None),
        ("5\u00b2", None),
        ("3 pi", None),
        ("2 sqrt", None),
        ("", None),
        ("-", None),
        (".", None),
        ("1e999", None),
        ("9" * 100, None),
    ],
)
def test_reads_plain_numbers_exactly_and_nothing_else(text, value):
    found = parse_number(text)
    assert (found and found[0]) == value


@pytest.mark.parametrize(
    ("answer", "reference", "verdict"),
    [
        ("9", "9", True),
        ("9", "10", False),
        ("0.5", r"\frac{1}{2}", True),
        ("0.333333", "1/3", True),  # six decimals round it,
        ("0.33", "1/3", False),  # two do not
        ("0.333334", "1/3", False),
        ("0.666667", "2/3", True),
        ("0.666666", "2/3", True),  # cut off instead of rounded
        ("0.666668", "2/3", False),
        ("3.14159265", r"\pi", True),
        (r"\frac{\sqrt{8}}{2}", r"\sqrt{2}", True),
        (r"(x+1)^2", r"x^2+2x+1", True),
        (r"(x+1)^2", r"x^2+2x-1", False),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\pi/2)", True),
        (r"(\pi/2, 3)", r"(3,\pi/2)", False),
        (r"\text{Evelyn}", "Evelyn", True),
        (r"\text{(C)}", r"\text{(C)}", True),
        ("x=5", "5", True),
        (r"m_{\max} = 7", r"m_{\max} = 7", True),
        (r"90^\circ", "90", True),
        (r"12 \text{ cm}", "12", True),
        ("\\{1,2\\}", "\\{2,1\\}", True),
        ("[0,1)", "[0,1]", False),
        (None, "9", False),
        ("", "9", False),
        (None, r"\sqrt{2}", False),
        ("9", None, None),
        ("9", "", None),
        ("9", "{", None),
        (None, "{", None),
        ("9", "word " * 200, None),
        ("word " * 200, "word " * 200, None),
        ("(B) Paris", "B", True),
        ("9", "Yes", False),
        (None, "Yes", False),
    ],
)
def test_compares_by_value(answer, reference, verdict):
    assert is_correct(answer, reference) is verdict


def test_each_distinct_text_goes_to_math_verify_once(monkeypatch):
    asked = []

    def ask_many(requests, progress=None):
        asked.extend(request["text"] for request in requests)
        return [{"key": "r:346e-2"} for _ in requests]

    monkeypatch.setattr(reading, "ask_many", ask_many)
    monkeypatch.setattr(reading, "_keys", {})
    pairs = [(r"\sqrt{12}", r"2\sqrt{3}"), ("5", "5"), (r"\sqrt{12}", r"2\sqrt{3}"), ("4", "5"), (r"2\sqrt{3}", "5")]
    assert verify_answers(*zip(*pairs, strict=True)) == [True, True, True, False, False]
    assert verify_answers(*zip(*pairs, strict=True)) == [True, True, True, False, False]
    assert asked == [r"\sqrt{12}", r"2\sqrt{3}"]  # numbers never, a repeated text once, the second call nothing


def _no_child(*_args, **_kwargs):
    raise AssertionError("a child process was asked")


@pytest.mark.parametrize(
    "texts", [["7", "7.0", "-3/4", r"\frac{1}{2}", "$1,250", "50%", "x = 9", None, ""], ["Yes", "(B)", r"\text{east}"]]
)
def test_numbers_and_words_need_no_child_process(texts, monkeypatch):
    monkeypatch.setattr(math_process, "ask", _no_child)
    n = len(texts)
    assert verify_answers(texts, texts) == [True if text else None for text in texts]
    assert verify_answers([None] * n, texts) == [False if text else None for text in texts]
    assert answer_groups(np.zeros(n, int), texts).max() > 0


@pytest.mark.parametrize(
    "reference", ["{", r"\frac{1}", "4 10/3", "5 < ", "a sentence that is longer than any name", "1" * 500]
)
def test_an_unreadable_reference_gives_no_verdict_for_any_answer(reference):
    """A reference that equals only its own spelling would make 1 right of 4 an accuracy of 1.0."""
    answers = [reference, "5", "Yes", r"\sqrt{2}", None, ""]
    assert verify_answers(answers, [reference] * len(answers)) == [None] * len(answers)


@pytest.mark.parametrize(
    "reference", ["5", r"\sqrt{2}", "Yes", "(C)", r"\text{Evelyn}", "[2,5)", "1, 2", "no solution"]
)
def test_a_readable_reference_gives_a_verdict_for_every_answer(reference):
    answers = ["{", "7", "maybe not", r"\frac{1}", None, "", "9^{9^{9^{9}}}", "word " * 300]
    assert verify_answers([*answers, reference], [reference] * (len(answers) + 1)) == [False] * len(answers) + [True]


# ------------------------------------------------------------------------------------------------------- hostile text

HOSTILE = {
    "power tower": "9**9**9**9",
    "latex tower": "9^{9^{9^{9}}}",
    "deep parentheses": "(" * 5000,
    "deep fractions": r"\frac{1}{" * 20 + "2" + "}" * 20,
    "megabyte of digits": "1" * 1_000_000,
    "megabyte of letters": "x" * 1_000_000,
    "half a character": "\ud800",
    "control characters": "\x00\x01\x1b[2J",
    "right to left": "\u202e5\u0665",
    "not a number": "nan",
    "newlines": "1\n2\n3",
    "open boxes": "\\boxed{" * 1000,
}


@pytest.mark.timeout(60)  # three requests of two CPU seconds each, and time for a worker to be replaced
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answers_end_in_time(text):
    assert is_correct(text, r"\sqrt{3}") is False
    assert is_correct(r"\sqrt{3}", text) in (False, None)
    groups = answer_groups(np.zeros(3, int), [text, r"\sqrt{3}", "3"])
    assert len(set(groups.tolist())) == 3
    extract_answer(text)


def test_works_off_the_main_thread():
    results = {}

    def work():
        results["equal"] = is_correct(r"\frac{\sqrt{27}}{3}", r"\sqrt{3}")
        results["late"] = is_correct("9^{9^{9^{8}}}", r"\sqrt{5}")
        results["groups"] = answer_groups(np.zeros(2, int), [r"\sqrt{27}", r"3\sqrt{3}"]).tolist()
        results["extracted"] = extract_answer("we see that the answer is 5")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert results == {"equal": True, "late": False, "groups": [0, 0], "extracted": "5"}


def test_a_killed_worker_is_replaced():
    assert math_process.ask({"op": "key", "text": "1+1"}) == {"key": "q:2/1"}
    for worker in list(math_process._workers.idle):
        worker.process.kill()
    math_process.ask_many([{"op": "key", "text": "1+1"}] * 4)  # the dead ones are found out and dropped
    assert math_process.ask({"op": "key", "text": "1+1"}) == {"key": "q:2/1"}


def test_the_time_of_the_first_answer_does_not_hold_the_imports(tmp_path):
    """Without bytecode at hand they take longer than an answer may: every worker gave up on its first request."""
    child = Child("laser_core.answers.math_worker", PYTHONPYCACHEPREFIX=str(tmp_path))
    try:
        assert child.ask({"op": "key", "text": "\\frac{1}{2}"}, seconds=90) == {"key": "q:1/2"}
    finally:
        child.close()


def test_without_math_verify_answers_are_compared_as_text(monkeypatch):
    def fails(*_module, **_environment):
        raise OSError("no more processes")

    monkeypatch.setattr(math_process, "Child", fails)
    monkeypatch.setattr(math_process._workers, "idle", [])
    monkeypatch.setattr(math_process, "_failed_starts", 0)
    with pytest.warns(UserWarning, match="compared as text"):
        groups = answer_groups(np.zeros(3, int), [r"\sqrt{75}", r"5\sqrt{3}", r"\sqrt{75}"])
    assert groups.tolist() == [0, 1, 0]


def test_importing_verify_is_light():
    heavy = "('sympy', 'math_verify', 'torch')"
    code = f"import laser_core.answers.verify, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

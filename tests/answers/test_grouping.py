"""Groups of equal answers, for voting."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.answers import reading
from laser_core.answers.values import key_of
from laser_core.answers.verify import answer_groups


def test_groups_by_value_and_counts_from_zero_within_each_problem():
    codes = np.array([7, 7, 7, 7, 7, 3, 3, 3, 7])
    answers = ["0.5", r"\frac12", "2", None, r"\sqrt{4}", "2", "x", "x", "1/2"]
    assert answer_groups(codes, answers).tolist() == [0, 0, 1, -1, 1, 0, 1, 1, 0]


def test_groups_of_algebra_follow_the_value_not_the_spelling():
    answers = [r"(x+1)^2", "x^2+2x+1", "x^2+1", "y=x^2+1", "x>3", "3<x", "2x>6", "x<3", r"\text{yes}", "Yes", "{"]
    assert answer_groups(np.zeros(11, int), answers).tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 5]


def test_a_long_decimal_joins_the_number_it_rounds_and_different_numbers_stay_apart():
    answers = [
        "1/3",
        "0.333333",
        "0.33",
        r"\sqrt{2}",
        "1.41421356",
        "123456789012345",
        "123456789012346",
        "1.4142135623730951",
    ]
    assert answer_groups(np.zeros(8, int), answers).tolist() == [0, 0, 1, 2, 2, 3, 4, 2]
    apart = answer_groups(np.array([0, 1]), ["1/3", "0.333333"])  # another problem's fraction is no reason to join
    assert apart.tolist() == [0, 0]


def test_no_rows_and_no_answers():
    assert answer_groups(np.zeros(0, int), []).tolist() == []
    assert answer_groups(np.zeros(3, int), [None, "", "  "]).tolist() == [-1, -1, -1]


def test_plain_answers_need_no_child_process(monkeypatch):
    def ask_many(requests, progress=None):
        assert not requests
        return []

    monkeypatch.setattr(reading, "ask_many", ask_many)
    rng = np.random.default_rng(0)
    values = rng.integers(0, 50, 20_000)
    groups = answer_groups(np.arange(20_000) // 100, [str(v) for v in values])
    first = [int(v) for v in values[:100]]
    assert groups[:100].tolist() == [list(dict.fromkeys(first)).index(v) for v in first]


def test_only_problems_with_something_to_tell_apart_are_read(monkeypatch):
    asked = []

    def ask_many(requests, progress=None):
        asked.extend(request["text"] for request in requests)
        return [{"key": f"w:{request['text']}"} for request in requests]

    monkeypatch.setattr(reading, "ask_many", ask_many)
    monkeypatch.setattr(reading, "_keys", {})
    answers = [r"\sqrt{7}", r"$\sqrt{7}$", r"\sqrt{5}", r"\sqrt{6}"]
    assert answer_groups(np.array([0, 0, 1, 1]), answers).tolist() == [0, 0, 0, 1]
    assert sorted(asked) == [r"\sqrt{5}", r"\sqrt{6}"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.one_of(
                st.none(),
                st.tuples(st.integers(-6, 6), st.integers(1, 4), st.sampled_from(["frac", "slash", "decimal"])),
            ),
        ),
        max_size=25,
    )
)
def test_numeric_groups_match_a_direct_comparison(rows):
    """Two rows share a group exactly when they share the problem and the value; spelled three ways."""

    def spell(number):
        top, bottom, style = number
        if style == "decimal" and 100 % bottom == 0:
            return f"{top / bottom:.2f}"
        return rf"\frac{{{top}}}{{{bottom}}}" if style == "frac" else f"{top}/{bottom}"

    codes = np.array([problem for problem, _ in rows], dtype=int)
    values = [None if number is None else Fraction(number[0], number[1]) for _, number in rows]
    groups = answer_groups(codes, [None if number is None else spell(number) for _, number in rows])
    for i in range(len(rows)):
        assert (groups[i] == -1) == (values[i] is None)
        for j in range(len(rows)):
            if codes[i] == codes[j] and values[i] is not None and values[j] is not None:
                assert (groups[i] == groups[j]) == (values[i] == values[j])
    for code in set(codes.tolist()):
        numbers = [g for g in groups[codes == code] if g >= 0]
        assert list(dict.fromkeys(numbers)) == list(range(len(set(numbers))))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (r"\frac{\pi}{2}", r"\pi/2", True),
        (r"(1+\sqrt2)(1-\sqrt2)", "-1", True),
        ("2x-y+3=0", "y-2x=3", True),
        ("2x-y+3=0", "2x-y-3=0", False),
        ("x>3", r"x \ge 3", False),
        ("(0,3)", "[0,3)", False),
        (r"\{1,2\}", "2,1", True),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}", False),
        (r"10\%", "10", True),
        (r"\infty", r"-\infty", False),
        ("x_1", "x_2", False),
    ],
)
def test_keys_are_equal_exactly_for_equal_values(left, right, same):
    assert (key_of(left) == key_of(right)) is same

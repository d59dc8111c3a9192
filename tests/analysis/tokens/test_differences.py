"""Two texts aligned word by word."""

import random
import time

import pytest

from laser_core.analysis import text_difference
from laser_core.figures import text_diff_html


def sides(left: str, right: str) -> list[tuple[str, str, bool]]:
    return [(part.left, part.right, part.same) for part in text_difference(left, right).passages]


def test_words_within_a_line_and_whole_lines():
    assert sides("a b\nc\n", "a x\nc\n") == [("a", "a", True), (" b", " x", False), ("\nc\n", "\nc\n", True)]
    assert sides("one\ntwo\n", "one\n") == [("one\n", "one\n", True), ("two\n", "", False)]
    assert sides("same", "same") == [("same", "same", True)]
    assert sides("", "new") == [("", "new", False)]
    assert sides("", "") == []


def test_counts_of_words():
    found = text_difference("x = 7 so 9", "x = 8 so 9 !")
    assert (found.n_left, found.n_right, found.n_same, found.n_before) == (5, 6, 4, 2)


@pytest.mark.parametrize("seed", range(20))
def test_the_passages_give_both_texts_back(seed):
    rng = random.Random(seed)
    left, right = ("".join(rng.choices("ab \n.\u202e", k=rng.randrange(60))) for _ in range(2))
    found = text_difference(left, right)
    assert "".join(part.left for part in found.passages) == left
    assert "".join(part.right for part in found.passages) == right
    assert found.n_same <= min(found.n_left, found.n_right)


def test_long_texts_without_lines_end_in_time():
    rng = random.Random(0)
    left, right = (" ".join(rng.choices(["a", "b", "c"], k=60_000)) for _ in range(2))
    started = time.process_time()
    found = text_difference(left, right)
    assert time.process_time() - started < 20
    assert found.n_cut == 19_999


def test_hostile_text_is_escaped_and_bounded():
    shown = text_diff_html(text_difference("<script>alert(1)</script>" + "x " * 50_000, "y\u202e"), "left")
    assert "<script" not in shown
    assert len(shown) < 200_000
    assert "\\u202e" in text_diff_html(text_difference("x", "y\u202e"), "right")

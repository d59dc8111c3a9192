"""Numbers, intervals and foreign text as a page shows them."""

import doctest

import pytest

from app import format
from app.sections import token_panel
from laser_core.analysis import Estimate

NAN = float("nan")


@pytest.mark.parametrize("module", [format, token_panel])
def test_the_examples_in_docstrings_hold(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.84, 0.81, 0.87, "Yes"),
        (0.68, 0.60, 0.76, "In part"),
        (0.55, 0.52, 0.58, "Barely"),
        (0.80, 0.45, 0.95, "Inconclusive"),
        (0.40, 0.35, 0.45, "No, the opposite"),
        (0.9, NAN, NAN, "Inconclusive"),
        (NAN, NAN, NAN, "Inconclusive"),
    ],
)
def test_the_answer_follows_the_interval_before_the_value(value, low, high, said):
    assert format.knows(Estimate(value, low, high, 50)) == said


def test_an_estimate_is_told_with_its_interval_and_n():
    assert format.estimate(Estimate(0.8349, 0.811, 0.87, 312)) == "0.83 (95% CI [0.81, 0.87], n = 312 problems)"
    assert format.estimate(Estimate(1.0, NAN, NAN, 1)) == "1.00 (no interval, n = 1 problem)"
    assert format.estimate(Estimate(NAN, NAN, NAN, 0)) == "undefined"


def test_gains_are_told_in_points_with_their_sign():
    assert format.points_interval(Estimate(0.1, -0.012, 0.2, 9)) == "[-1.2, +20.0]"
    assert format.points_interval(Estimate(0.0, -0.0001, 0.0001, 9)) == "[0.0, 0.0]"  # never -0.0
    assert format.points_interval(Estimate(0.1, NAN, NAN, 1)) == "no interval"


@pytest.mark.parametrize(
    "active", ["<b>", "**b**", "$x$", ":red[x]", "[a](b)", "`c`", "# h", "- l", "~~s~~", "![i](u)", "a|b"]
)
def test_markdown_in_foreign_text_is_defused(active):
    shown = format.literal(active)
    assert all(shown[i - 1] == "\\" for i, sign in enumerate(shown) if sign in "<>*$:[]()`#-~!|")


def test_invisible_characters_in_foreign_text_are_shown():
    assert format.literal("a\u202eb\nc") == "a\\\\u202eb↵c"

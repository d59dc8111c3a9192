"""No rule takes more than a moment on a long row of any fragments: a regular expression that backtracks would hang."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laser_core.answers import extract
from laser_core.answers.extract import marked_answer, prose_answer
from laser_core.answers.normalise import scalar_tex
from laser_core.answers.shapes import UnreadableError
from laser_core.answers.structure import read_structure
from laser_core.answers.symbols import opaque_symbols
from laser_core.answers.text import MAX_MATH_CHARS, MAX_NUMBER_CHARS, normalize, parse_number
from laser_core.answers.words import words_key

FRAGMENTS = [
    "(", ")", "a ", "a,", " ", r"\text{cm}", r"\text{", "^", "{", "}", "1", "1,", "12 ", r"\,", "$", "**", "*",
    "_", "a_1", "where ", "for ", "is ", "integer ", r"\in ", r"\mathbb{Z}", "cm ", "hrs ", "km/h ", "cm/", "-",
    ".", "..", "1.", "1 1/", r"\frac", r"\sqrt", r"\boxed{", "answer ", "answer is ", "and ", "or ", "=", "<",
    r"\le ", "x", "|", ":", r"\choose", "C(", "0.3", "33", "e", "√", "²", "½", r"\begin{matrix}", "&", "\\\\",
    r"\end{matrix}", "%", "°", r"\pm ", r"\{", r"\}", "[", "]", "\n", "答案是",
    "d", "dx/", "d^2", "'", "_{", "E", "I", "LRMC", r"\dot{", r"\prime ", r"\frac{d", r"\partial ", "np.", "1./",
]  # fmt: skip
fragments = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=3).map("".join)


@pytest.mark.timeout(120)
@settings(max_examples=300, deadline=None)
@given(fragments, fragments, fragments)
@example("1 ", "hrs ", "!")
@example("1 ", "km/h ", "!")
@example("(", "a ", "= 5")
@example("answer is ", "or ", "\n")  # was an IndexError: a list without members
def test_a_long_row_of_fragments_is_read_in_a_moment(start, again, end):
    text = (start + again * MAX_MATH_CHARS)[: MAX_MATH_CHARS - len(end)] + end
    for rule in (scalar_tex, opaque_symbols, read_structure, normalize, words_key, marked_answer, prose_answer):
        with contextlib.suppress(UnreadableError):
            rule(text)
    words_key(text[:200])
    parse_number(text[:MAX_NUMBER_CHARS])


_PIECES = ["answer", "Final Answer", "is", " ", "\n", ":", "correct option", "option (B)", "choose ", "5", "**", "答案",
           "是", "答", "选择 A", "故选:", "正解", "İ", "the", "are"]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
def test_phrases_are_found_where_the_whole_pattern_finds_them(text):
    """The search from word to word is only faster than the pattern over the whole response."""
    found = [match.span() for match in extract._answer_phrases(text)]
    assert found == [match.span() for match in extract._ANSWER_IS.finditer(text)]

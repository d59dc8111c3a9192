"""Answers that mean the same and answers that do not, by kind; every pair is asked in both directions."""

from __future__ import annotations

import pytest

from laser_core.answers.verify import is_correct
from tests.answers.kinds_of_symbols import SYMBOLS
from tests.answers.kinds_of_values import VALUES

KINDS = VALUES | SYMBOLS
CASES = [pytest.param(*case, id=f"{kind}: {case[0]} | {case[1]}") for kind, cases in KINDS.items() for case in cases]


@pytest.mark.parametrize(("answer", "reference", "same"), CASES)
def test_pairs_are_told_apart_by_what_they_mean(answer, reference, same):
    assert is_correct(answer, reference) is same
    assert is_correct(reference, answer) is same
    assert is_correct(reference, reference) is True

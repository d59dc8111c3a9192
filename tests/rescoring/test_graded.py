"""Which problems are held out of learning a score."""

from __future__ import annotations

import numpy as np

from laser_core.rescoring.graded import held_out_rows
from laser_core.rollouts import Rollouts
from laser_core.tasks.problems import split_of


def of_problems(texts: list[str]) -> Rollouts:
    return Rollouts.from_rows(
        [
            {"run": "r", "problem_id": text, "problem": text, "sample": sample, "response": "", "correct": bool(sample)}
            for text in texts
            for sample in (0, 1)
        ]
    )


def test_a_problem_is_held_out_whole_and_by_its_text():
    texts = [f"{i}+1?" for i in range(200)]
    held = held_out_rows(of_problems(texts), 0.25).reshape(200, 2)
    assert (held[:, 0] == held[:, 1]).all()
    assert held[:, 0].tolist() == [split_of(t, validation_share=0, test_share=0.25) == "test" for t in texts]
    assert 0.15 < held.mean() < 0.35


def test_the_problems_of_a_test_split_are_not_all_held_out():
    """``laser fit`` refused solutions of the miniature's test problems: all were held out, none left to learn from."""
    texts = [text for i in range(3000) if split_of(text := f"{i}*x?") == "test"]
    held = held_out_rows(of_problems(texts), 0.2)
    assert 0.1 < held.mean() < 0.3
    assert np.array_equal(held, held_out_rows(of_problems(texts), 0.2))

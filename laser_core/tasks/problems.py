"""What a problem is, and how problems are divided into splits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes
    ----------
    problem_id : str
        Unique within its source.
    text : str
        What the model gets.
    answer : str
        The reference answer.
    """

    problem_id: str
    text: str
    answer: str


def split_of(key: str, *, validation_share: float = 0.05, test_share: float = 0.1) -> str:
    """The split that a problem belongs to: a fixed function of its content, so that splits never overlap.

    Examples
    --------
    >>> split_of("5*x+7=52?") == split_of("5*x+7=52?")
    True
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    u = int.from_bytes(digest, "big") / 2**64
    if u < test_share:
        return "test"
    return "validation" if u < test_share + validation_share else "train"


def in_split(
    found: Iterable[Problem], split: str, *, key: Callable[[Problem], str] = lambda problem: problem.text
) -> tuple[Problem, ...]:
    """The problems of a split in a fixed random order, so that the first n are a fair sample.

    A hash of ``key``, by default the problem's text, decides its split: train, validation and test are disjoint by
    construction. Give the part of a text that makes two problems the same.
    """
    kept = [problem for problem in found if split_of(key(problem)) == split]
    return tuple(kept[i] for i in np.random.default_rng(0).permutation(len(kept)))

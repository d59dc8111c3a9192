"""What a problem is, and where problems come from: a generated family, a local file, or a Hugging Face dataset."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes
    ----------
    problem_id : unique within its source.
    text : what the model is shown.
    answer : the reference answer.
    """

    problem_id: str
    text: str
    answer: str


def split_of(key: str, *, validation_share: float = 0.05, test_share: float = 0.1) -> str:
    """The split a problem belongs to: a fixed function of its content, so that splits never overlap.

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

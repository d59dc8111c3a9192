"""Where two solutions part: their texts, aligned word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_CHARS = 100_000  # of each text; what follows is not compared
MAX_CELLS = 4_000_000  # words on the left times words on the right that are aligned at once
_WORDS = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")  # a word with the space before it, or a sign


@dataclass(frozen=True)
class Passage:
    """A stretch of two texts: the same in both, or replaced.

    Attributes
    ----------
    left, right : str
        Either may be empty, where the other text has something more.
    same : bool
    """

    left: str
    right: str
    same: bool


@dataclass(frozen=True)
class TextDifference:
    """Two texts as a sequence of passages.

    Attributes
    ----------
    passages : tuple of Passage
        Joined, their sides give the two texts (as far as they were compared).
    n_left, n_right, n_same : int
        Words of each text, and those that both share.
    n_before : int
        Words before the first difference.
    n_cut : int
        Characters of the longer text that were not compared.
    """

    passages: tuple[Passage, ...]
    n_left: int
    n_right: int
    n_same: int
    n_before: int
    n_cut: int = 0


def text_difference(left: str, right: str) -> TextDifference:
    """Align two texts word by word.

    Lines are aligned first and words within the lines that differ, which keeps long texts fast. Stretches too long to
    align are given as replaced.

    Parameters
    ----------
    left, right : str

    Examples
    --------
    >>> found = text_difference("so x = 7. Done", "so x = 9. Done")
    >>> [(part.left, part.right) for part in found.passages]
    [('so x =', 'so x ='), (' 7', ' 9'), ('. Done', '. Done')]
    >>> found.n_before, found.n_same, found.n_left
    (3, 5, 6)
    """
    cut = max(len(left), len(right)) - MAX_CHARS
    left, right = left[:MAX_CHARS], right[:MAX_CHARS]
    pieces: list[tuple[list[str], list[str], bool]] = []
    for a, b, same in _aligned(left.splitlines(keepends=True), right.splitlines(keepends=True)):
        words = _words("".join(a)), _words("".join(b))
        pieces += [(words[0], words[1], True)] if same else _aligned(*words)
    passages: list[Passage] = []
    for a, b, same in pieces:
        if passages and passages[-1].same == same:
            last = passages.pop()
            passages.append(Passage(last.left + "".join(a), last.right + "".join(b), same))
        else:
            passages.append(Passage("".join(a), "".join(b), same))
    before = 0
    for a, _, same in pieces:
        if not same:
            break
        before += len(a)
    return TextDifference(
        passages=tuple(passages),
        n_left=sum(len(a) for a, _, _ in pieces),
        n_right=sum(len(b) for _, b, _ in pieces),
        n_same=sum(len(a) for a, _, same in pieces if same),
        n_before=before,
        n_cut=max(cut, 0),
    )


def _words(text: str) -> list[str]:
    return _WORDS.findall(text)


def _aligned(left: list[str], right: list[str]) -> list[tuple[list[str], list[str], bool]]:
    """Two lists of pieces in stretches that are the same or differ; none of them is empty on both sides."""
    n = min(len(left), len(right))
    start = next((i for i in range(n) if left[i] != right[i]), n)
    end = next((i for i in range(n - start) if left[-1 - i] != right[-1 - i]), n - start)
    middle = left[start : len(left) - end], right[start : len(right) - end]
    found = [(left[:start], right[:start], True)]
    if len(middle[0]) * len(middle[1]) > MAX_CELLS:
        found.append((*middle, False))
    else:
        matcher = SequenceMatcher(None, *middle, autojunk=False)
        found += [(middle[0][a:b], middle[1][c:d], tag == "equal") for tag, a, b, c, d in matcher.get_opcodes()]
    found.append((left[len(left) - end :], right[len(right) - end :], True))
    return [part for part in found if part[0] or part[1]]

"""The key of an answer, wherever it is found: here in microseconds, or in the child process that knows algebra.

Two answers are the same where their keys are. Numbers and words are read here; only the rest goes to the child process
(:mod:`laser_core.answers.math_process`), each distinct text once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction

from laser_core.answers.math_process import ask_many
from laser_core.answers.text import MAX_NUMBER_CHARS, is_long, is_mathlike, number_key, parse_number, rounds_to
from laser_core.answers.words import words_key

OnProgress = Callable[[int, int], None]

_CACHE_SIZE = 200_000
_NAMED = re.compile(r"\s*[A-Za-z]\s*=\s*([^=<>]+)")
_keys: dict[str, str] = {}


def quick_key(text: str) -> str | None:
    r"""The key of an answer that needs no algebra; "" where it cannot be read, None where the child must be asked.

    Examples
    --------
    >>> quick_key("0.5"), quick_key("x = 9"), quick_key(r"\text{Evelyn}"), quick_key("{" * 100), quick_key(r"\sqrt{2}")
    ('q:1/2', 'q:9/1', 't:evelyn', '', None)
    """
    if (number := plain_number(text)) is not None:
        return number_key(number)
    if (words := words_key(text)) is not None:
        return words
    return None if is_mathlike(text) else ""


def plain_number(text: str) -> tuple[Fraction, int] | None:
    """The number an answer is, with or without a name before it, and its digits after the point."""
    if (number := parse_number(text)) is not None:
        return number
    named = _NAMED.fullmatch(text) if len(text) <= MAX_NUMBER_CHARS else None
    return parse_number(named[1]) if named else None


def keys_of(texts: Iterable[str], *, progress: OnProgress | None = None) -> dict[str, str]:
    """The key of each distinct text; "" where it cannot be read within two seconds.

    ``progress(done, total)`` counts the texts that need algebra, those of earlier calls first.
    """
    keys = {text: quick_key(text) for text in dict.fromkeys(texts)}
    slow = [text for text, key in keys.items() if key is None]
    known = [text for text in slow if text in _keys]
    unknown = [text for text in slow if text not in _keys]
    if progress:
        for done in range(1, len(known) + 1):
            progress(done, len(slow))
    report = (lambda done, _: progress(len(known) + done, len(slow))) if progress else None
    replies = ask_many([{"op": "key", "text": text} for text in unknown], progress=report)
    read = {text: _keys[text] for text in known}
    read |= {text: reply.get("key", "") for text, reply in zip(unknown, replies, strict=True)}
    if len(_keys) >= _CACHE_SIZE:
        _keys.clear()
    _keys.update(read)
    return {text: read[text] if key is None else key for text, key in keys.items()}


def same_answer(first: str, second: str, keys: dict[str, str]) -> bool:
    """Whether two answers are equal: by their keys, or because one is a long decimal that rounds the other."""
    if not keys[first] or not keys[second]:
        return False
    return keys[first] == keys[second] or _rounds(first, second, keys) or _rounds(second, first, keys)


def is_long_decimal(text: str) -> bool:
    """Whether a number is written with so many decimals that it may stand for one that it rounds."""
    number = plain_number(text)
    return number is not None and is_long(number)


def _rounds(decimal: str, other: str, keys: dict[str, str]) -> bool:
    """Whether one text is a long decimal that rounds the number of the other."""
    number = plain_number(decimal)
    if number is None or not is_long(number):
        return False
    value, decimals = number
    known = plain_number(other)
    if known is not None and is_long(known):  # both may round one and the same number
        return abs(value - known[0]) < (Fraction(1, 10**decimals) + Fraction(1, 10 ** known[1])) / 2
    exact = known[0] if known is not None else constant_value(keys[other])
    return exact is not None and rounds_to(value, decimals, exact)


def constant_value(key: str) -> Fraction | None:
    """The rational or real number that a key names, to its last digit; None for anything else."""
    kind, _, rest = key.partition(":")
    return Fraction(rest.split(":")[0]) if kind in ("q", "r") else None

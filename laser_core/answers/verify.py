"""Answers: find them in a response, compare them with a reference, and group the equal ones.

Plain numbers and identical texts are decided here, exactly and in microseconds. Only the rest goes to math-verify, in a
child process with a time limit for each item (:mod:`laser_core.answers.math_process`), so every function here can be
called from any thread and returns whatever the text is. Importing this module imports neither sympy nor math-verify.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from laser_core.answers.math_process import ask, ask_many
from laser_core.answers.text import (
    PROSE_CHARS,
    as_tex,
    is_mathlike,
    marked_answer,
    may_be_prose,
    normalize,
    parse_number,
)

ROUNDED_DIGITS = 6  # 0.333333 answers 1/3, 0.33 does not
_CACHE_SIZE = 200_000  # pairs of an answer and a reference

Progress = Callable[[int, int], None]


def extract_answer(response: str | None, *, prose: bool = True) -> str | None:
    r"""The final answer a response states, as text; None if it states none.

    Looked for in this order, the last occurrence of each: ``\boxed{...}``, GSM8K's ``#### 42`` (a heading is none),
    ``<answer>...</answer>``, the miniature world's closing ``#9``, a response that is nothing but a number, and at last
    what math-verify finds in prose ("the answer is 5").

    Parameters
    ----------
    response : str or None
    prose : bool
        False keeps to the marked answers. Use it for truncated responses, in which the last number is not an answer.

    Examples
    --------
    >>> extract_answer(r"so \boxed{\frac{1}{2}}."), extract_answer("1 + 1 = 2\n#### 2"), extract_answer("x=9;5*9=45#9")
    ('\\frac{1}{2}', '2', '9')
    >>> extract_answer("x=9;5*9=4") is None
    True
    """
    return extract_answers([response], prose=[prose])[0]


def extract_answers(
    responses: Sequence[str | None], *, prose: Sequence[bool] | None = None, progress: Progress | None = None
) -> list[str | None]:
    """:func:`extract_answer` for many responses, in parallel; ``progress(done, total)`` counts the slow ones."""
    found = [marked_answer(response) for response in responses]
    slow = [
        i
        for i, response in enumerate(responses)
        if found[i] is None and (prose is None or prose[i]) and response and may_be_prose(response)
    ]
    replies = ask_many([{"op": "extract", "text": responses[i][-PROSE_CHARS:]} for i in slow], progress=progress)
    for i, reply in zip(slow, replies, strict=True):
        found[i] = reply.get("answer")
    return found


def is_correct(answer: str | None, reference: str | None) -> bool | None:
    r"""Whether ``answer`` is mathematically the same as ``reference``; None if the reference cannot be read.

    A decimal of six or more places also answers the number it rounds (0.333333 for 1/3). An answer that cannot be shown
    equal within two seconds is not correct.

    Examples
    --------
    >>> is_correct("0.5", r"\frac{1}{2}"), is_correct("x=9", "9"), is_correct(None, "9"), is_correct("9", "")
    (True, True, False, None)
    """
    return verify_answers([answer], [reference])[0]


def verify_answers(
    answers: Sequence[str | None], references: Sequence[str | None], *, progress: Progress | None = None
) -> list[bool | None]:
    """:func:`is_correct` for many pairs, each distinct pair once, in parallel.

    ``progress(done, total)`` counts the pairs that need math-verify.
    """
    pairs = list(zip(answers, references, strict=True))
    verdicts = {pair: _verdicts[pair] if pair in _verdicts else _quick_verdict(*pair) for pair in dict.fromkeys(pairs)}
    slow = [pair for pair, verdict in verdicts.items() if verdict is NotImplemented]
    replies = ask_many([{"op": "equal", "gold": as_tex(r), "answer": as_tex(a)} for a, r in slow], progress=progress)
    for pair, reply in zip(slow, replies, strict=True):
        if "equal" in reply:
            verdict = reply["equal"] if reply["gold_parsed"] else None
        else:  # late or failed: was it the answer's fault or the reference's?
            verdict = False if ask({"op": "readable", "text": as_tex(pair[1])}).get("readable") else None
        verdicts[pair] = verdict
        _remember(_verdicts, pair, verdict)
    return [verdicts[pair] for pair in pairs]


_verdicts: dict[tuple[str | None, str | None], bool | None] = {}
_keys: dict[str, str] = {}


def _remember(cache: dict, key: object, value: object) -> None:
    if len(cache) >= _CACHE_SIZE:
        cache.clear()
    cache[key] = value


def _quick_verdict(answer: str | None, reference: str | None) -> object:
    """The verdict where no algebra is needed, else NotImplemented."""
    if reference is None or not reference.strip():
        return None
    gold = parse_number(reference)
    if answer is None or not answer.strip():
        # Wrong, provided that there was something to hit.
        readable = gold is not None or (is_mathlike(reference) and ask({"op": "readable", "text": as_tex(reference)}))
        return False if readable is True or (readable and readable.get("readable")) else None
    if answer == reference or normalize(answer) == normalize(reference):
        return True
    given = parse_number(answer)
    if gold is not None and given is not None:
        return gold[0] == given[0] or _rounds_to(*given, gold[0]) or _rounds_to(*gold, given[0])
    if not is_mathlike(reference):
        return None
    return NotImplemented if is_mathlike(answer) else False


def _rounds_to(value: Fraction, decimals: int, other: Fraction) -> bool:
    """Whether ``value``, written with at least six decimals, is ``other`` rounded or cut to as many."""
    scaled = other * 10**decimals
    return decimals >= ROUNDED_DIGITS and int(value * 10**decimals) in (round(scaled), int(scaled))


def answer_groups(
    problem_codes: np.ndarray, answers: Sequence[str | None], *, progress: Progress | None = None
) -> np.ndarray:
    r"""Group each problem's answers by mathematical equivalence, for voting.

    Numbers are grouped by exact value, so that the relation is transitive; a decimal of six or more places joins the
    number it rounds. Where a problem's answers hold more than plain numbers, the others are read by math-verify and
    grouped by value. What cannot be read is grouped by its spelling. "10\%" is grouped with "10".

    Parameters
    ----------
    problem_codes : ndarray of int, shape (n_rows,)
    answers : sequence of str or None, length n_rows
    progress : callable, optional
        ``progress(done, total)`` over the distinct answers that math-verify must read.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        The group's number within its problem, counted from 0 in order of first appearance; -1 where there is no answer.

    Examples
    --------
    >>> answer_groups(np.array([0, 0, 0, 0, 1]), ["0.5", "1/2", None, "2", "2"]).tolist()
    [0, 0, -1, 1, 0]
    """
    problems, _ = pd.factorize(np.asarray(problem_codes))
    text_codes, texts = pd.factorize(pd.Series(list(answers), dtype=object), use_na_sentinel=True)
    keys = [_quick_key(text) for text in texts]
    keys = _with_math_keys(keys, list(texts), problems, text_codes, progress)
    key_codes, names = pd.factorize(pd.Series([key or None for key in keys], dtype=object))
    groups = np.full(len(problems), -1, dtype=np.int64)
    if not len(names):
        return groups
    row_keys = np.where(text_codes >= 0, key_codes[text_codes], -1)
    answered = np.flatnonzero(row_keys >= 0)
    decimals = {}
    for text, code in zip(texts, key_codes, strict=True):
        if code >= 0 and (number := parse_number(text)) is not None and number[1] >= ROUNDED_DIGITS:
            decimals[int(code)] = number
    key = _join_decimals(problems[answered], row_keys[answered], list(names), decimals)
    groups[answered] = _number_within(problems[answered], key)
    return groups


def _quick_key(text: str) -> str:
    if not text.strip():
        return ""
    number = parse_number(text)
    return f"q:{number[0].numerator}/{number[0].denominator}" if number else f"t:{normalize(text)}"


def _with_math_keys(
    keys: list[str], texts: list[str], problems: np.ndarray, text_codes: np.ndarray, progress: Progress | None
) -> list[str]:
    """Replace the spelling of non-numbers by their value's key, where a problem has something to tell apart."""
    spelled = np.array([key.startswith("t:") for key in keys], dtype=bool)
    answered = text_codes >= 0
    if not spelled.any():
        return keys
    spelling, _ = pd.factorize(np.array(keys, dtype=object))
    pairs = pd.DataFrame({"problem": problems[answered], "key": spelling[text_codes[answered]]}).drop_duplicates()
    several = set(pairs["problem"].value_counts().loc[lambda count: count > 1].index)
    wanted = set(pairs.loc[pairs["problem"].isin(several), "key"])
    first_text = {}
    for i in np.flatnonzero(spelled):
        if spelling[i] in wanted and keys[i] not in first_text and is_mathlike(texts[i]):
            first_text[keys[i]] = texts[i]
    known = {key: _keys[key] for key in first_text if key in _keys}
    unknown = [key for key in first_text if key not in known]
    replies = ask_many([{"op": "key", "text": as_tex(first_text[key])} for key in unknown], progress=progress)
    for key, reply in zip(unknown, replies, strict=True):
        known[key] = reply.get("key") or key
        _remember(_keys, key, known[key])
    return [known.get(key, key) for key in keys]


def _join_decimals(
    problem: np.ndarray, key: np.ndarray, names: list[str], decimals: dict[int, tuple[Fraction, int]]
) -> np.ndarray:
    """The keys, with each long decimal joined to the fraction or constant of the same problem that it rounds."""
    if not decimals:
        return key
    pairs, inverse = np.unique(problem.astype(np.int64) * len(names) + key, return_inverse=True)
    problems, keys = np.divmod(pairs, len(names))  # sorted by problem
    joined = keys.copy()
    for i in np.flatnonzero(np.isin(keys, list(decimals))):
        first, last = np.searchsorted(problems, [problems[i], problems[i] + 1])
        for other in keys[first:last]:
            if other not in decimals and _rounds_to_key(*decimals[int(keys[i])], names[other]):
                joined[i] = other
                break
    return joined[inverse]


def _rounds_to_key(value: Fraction, digits: int, name: str) -> bool:
    """Whether a decimal rounds the rational or real number that a key names."""
    kind, _, number = name.partition(":")
    if kind not in "qr" or "i" in number or "n" in number:  # complex, infinite or no number
        return False
    known = Fraction(number)
    if kind == "r":  # holds 12 significant digits, so fewer after the point the larger it is
        digits = min(digits, 11 - int(np.floor(np.log10(abs(float(known) or 1.0)))))
    return _rounds_to(value, digits, known)


def _number_within(problem: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Per row the rank of its (problem, key) among the problem's, by first appearance."""
    pair = problem.astype(np.int64) * (int(key.max()) + 1) + key
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    order = np.lexsort((first, problem[first]))  # by problem, then by where the pair first appeared
    starts = np.flatnonzero(np.diff(problem[first][order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = rank
    return number[inverse]

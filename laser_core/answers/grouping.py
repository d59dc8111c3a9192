"""Group each problem's answers by the equivalence that the verdict uses, so that votes and verdicts agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from laser_core.answers.reading import (
    OnProgress,
    constant_value,
    is_long_decimal,
    keys_of,
    plain_number,
    quick_key,
    same_answer,
)
from laser_core.answers.text import normalize, rounds_to


def answer_groups(
    problem_codes: np.ndarray,
    answers: Sequence[str | None],
    *,
    references: Sequence[str | None] | None = None,
    progress: OnProgress | None = None,
) -> np.ndarray:
    r"""Group each problem's answers by mathematical equivalence, for voting.

    Answers are grouped by their value, so that the relation is transitive. A decimal of six or more places joins the
    number of its problem that it rounds. What cannot be read is grouped by its spelling. "10\%" is grouped with "10".

    Parameters
    ----------
    problem_codes : ndarray of int, shape (n_rows,)
    answers : sequence of str or None, length n_rows
    references : sequence of str or None, length n_rows, optional
        The reference of each row's problem. All answers that :func:`~laser_core.answers.verify.is_correct` takes for it
        then form one group, also two decimals that round it to different lengths.
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
    blank_is_none = [answer if answer is not None and answer.strip() else None for answer in answers]
    text_codes, uniques = pd.factorize(pd.Series(blank_is_none, dtype=object), use_na_sentinel=True)
    texts: list[str] = list(uniques)
    groups = np.full(len(problems), -1, dtype=np.int64)
    answered = np.flatnonzero(text_codes >= 0)
    if not len(answered):
        return groups
    pairs, inverse = np.unique(problems[answered] * np.int64(len(texts)) + text_codes[answered], return_inverse=True)
    problem, text = np.divmod(pairs, len(texts))
    is_decimal = np.array([is_long_decimal(t) for t in texts], dtype=bool)[text]
    reference_of = _references(problems, references, set(problem[is_decimal].tolist()))
    keys = _keys(texts, problem, text, reference_of, progress)
    names, distinct = pd.factorize(np.array([keys[t] or f"u:{normalize(t)}" for t in texts], dtype=object))
    key = _join_decimals(problem, names[text], is_decimal, [texts[i] for i in text], list(distinct))
    key = _join_references(problem, key, [texts[i] for i in text], reference_of, keys, len(distinct))
    groups[answered] = _number_within(problem[inverse], key[inverse])
    return groups


def _references(
    problems: np.ndarray, references: Sequence[str | None] | None, with_decimals: set[int]
) -> dict[int, str]:
    """The references that long decimals may round; elsewhere equal keys say it all."""
    if references is None:
        return {}
    first = np.unique(problems, return_index=True)[1]
    found = {int(problems[i]): text for i in first if (text := references[i]) is not None and text.strip()}
    return {problem: text for problem, text in found.items() if problem in with_decimals or is_long_decimal(text)}


def _keys(
    texts: list[str],
    problem: np.ndarray,
    text: np.ndarray,
    reference_of: dict[int, str],
    progress: OnProgress | None,
) -> dict[str, str]:
    """The key of each text; algebra is done only where a problem has something to tell apart."""
    quick = [quick_key(t) for t in texts]
    keys = {t: key or "" for t, key in zip(texts, quick, strict=True)}
    slow = [i for i, key in enumerate(quick) if key is None]
    if slow:
        spelled = [f"t:{normalize(t)}" if key is None else key for t, key in zip(texts, quick, strict=True)]
        spelling, _ = pd.factorize(np.array(spelled, dtype=object))
        pairs = pd.DataFrame({"problem": problem, "key": spelling[text]}).drop_duplicates()
        counts = pairs["problem"].value_counts()
        several = set(counts.index[counts > 1]) | set(reference_of)
        wanted = set(pairs.loc[pairs["problem"].isin(several), "key"])
        asked = {spelling[i]: texts[i] for i in reversed(slow) if spelling[i] in wanted}
        read = keys_of(asked.values(), progress=progress)
        keys |= {texts[i]: read[asked[spelling[i]]] for i in slow if spelling[i] in asked}
    return keys | keys_of(reference_of.values())


def _join_decimals(
    problem: np.ndarray, key: np.ndarray, is_decimal: np.ndarray, texts: list[str], names: list[str]
) -> np.ndarray:
    """The keys, with each long decimal joined to the exact number of the same problem that it rounds."""
    joined = key.copy()
    for i in np.flatnonzero(is_decimal):
        first, last = np.searchsorted(problem, [problem[i], problem[i] + 1])
        exact = set(key[first:last][~is_decimal[first:last]].tolist())
        number = plain_number(texts[i])
        if number is None or int(key[i]) in exact:
            continue
        for other in sorted(exact):
            value = constant_value(names[other])
            if value is not None and rounds_to(*number, value):
                joined[i] = other
                break
    return joined


def _join_references(
    problem: np.ndarray,
    key: np.ndarray,
    texts: list[str],
    reference_of: dict[int, str],
    keys: dict[str, str],
    new_key: int,
) -> np.ndarray:
    """The keys, with the answers that equal their problem's reference in one group of their own."""
    joined = key.copy()
    for code, reference in reference_of.items():
        first, last = np.searchsorted(problem, [code, code + 1])
        for i in range(first, last):
            if same_answer(texts[i], reference, keys):
                joined[i] = new_key
    return joined


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

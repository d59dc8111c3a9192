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
    reference_of = _references(problems, references)
    keys = _keys(texts, problems[answered], text_codes[answered], reference_of, progress)
    names, distinct = pd.factorize(np.array([keys[text] or f"u:{normalize(text)}" for text in texts], dtype=object))
    pairs, inverse = np.unique(problems[answered] * np.int64(len(texts)) + text_codes[answered], return_inverse=True)
    problem, text = np.divmod(pairs, len(texts))
    key = names[text]
    if reference_of:
        key = _join_references(problem, text, key, texts, reference_of, keys, len(distinct))
    key = _join_decimals(problem, text, key, texts, list(distinct))
    groups[answered] = _number_within(problems[answered], key[inverse])
    return groups


def _references(problems: np.ndarray, references: Sequence[str | None] | None) -> dict[int, str]:
    """The reference of each problem that has one."""
    if references is None:
        return {}
    first = np.unique(problems, return_index=True)[1]
    found = {int(problems[i]): references[i] for i in first}
    return {problem: text for problem, text in found.items() if text is not None and text.strip()}


def _keys(
    texts: list[str],
    problems: np.ndarray,
    text_codes: np.ndarray,
    reference_of: dict[int, str],
    progress: OnProgress | None,
) -> dict[str, str]:
    """The key of each text; algebra is done only where a problem has something to tell apart."""
    quick = [quick_key(text) for text in texts]
    slow = np.array([key is None for key in quick], dtype=bool)
    keys = {text: key or "" for text, key in zip(texts, quick, strict=True)}
    if slow.any():
        spelled = [f"t:{normalize(text)}" if key is None else key for text, key in zip(texts, quick, strict=True)]
        spelling, _ = pd.factorize(np.array(spelled, dtype=object))
        pairs = pd.DataFrame({"problem": problems, "key": spelling[text_codes]}).drop_duplicates()
        counts = pairs["problem"].value_counts()
        several = set(counts.index[counts > 1]) | set(reference_of)
        wanted = set(pairs.loc[pairs["problem"].isin(several), "key"])
        asked = {spelling[i]: texts[i] for i in np.flatnonzero(slow)[::-1] if spelling[i] in wanted}
        read = keys_of(asked.values(), progress=progress)
        for i in np.flatnonzero(slow):
            keys[texts[i]] = read[asked[spelling[i]]] if spelling[i] in asked else ""
    return keys | keys_of(reference_of.values())


def _join_references(
    problem: np.ndarray,
    text: np.ndarray,
    key: np.ndarray,
    texts: list[str],
    reference_of: dict[int, str],
    keys: dict[str, str],
    n_keys: int,
) -> np.ndarray:
    """The keys, with every answer that equals its problem's reference in one group of its own."""
    joined = key.copy()
    for i in range(len(problem)):
        reference = reference_of.get(int(problem[i]))
        if reference is not None and same_answer(texts[text[i]], reference, keys):
            joined[i] = n_keys
    return joined


def _join_decimals(
    problem: np.ndarray, text: np.ndarray, key: np.ndarray, texts: list[str], names: list[str]
) -> np.ndarray:
    """The keys, with each long decimal joined to the exact number of the same problem that it rounds."""
    is_decimal = np.array([is_long_decimal(t) for t in texts], dtype=bool)[text]
    joined = key.copy()
    for i in np.flatnonzero(is_decimal & (key < len(names))):
        first, last = np.searchsorted(problem, [problem[i], problem[i] + 1])
        exact = {int(k) for k in key[first:last][~is_decimal[first:last]] if k < len(names)}
        number = plain_number(texts[text[i]])
        if number is None or int(key[i]) in exact:
            continue
        for other in sorted(exact):
            value = constant_value(names[other])
            if value is not None and rounds_to(*number, value):
                joined[i] = other
                break
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

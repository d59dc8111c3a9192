"""Fill in what a file leaves out but determines: answers, verdicts, scores and lengths. Every step is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.rollouts.schema import Rollouts, ordered

OnProgress = Callable[[str, int, int], None]
BARE_CHARS, BARE_WORDS = 40, 3  # a longer response is a sentence, not an answer
MAX_BLANKS = 16  # by which a whole response may be longer than the answer that was made of it
LONG_CHARS = 200  # a longer answer is a text in which the answer still has to be found


@dataclass(frozen=True)
class Completed:
    """A completed table, and how many values each step filled in (sentence -> count)."""

    rollouts: Rollouts
    notes: Counter[str]


def complete(
    rollouts: Rollouts, *, extract: bool = True, verify: bool = True, progress: OnProgress | None = None
) -> Completed:
    """Fill in missing columns from the others.

    Answers are extracted where the table has none at all (a null beside other answers means that none was found), and
    where the file gives the whole response as the answer. Correctness is verified where it is unknown and a reference
    answer is there; a reference that cannot be read leaves it unknown for all solutions of the problem. The score
    follows from z_logprob where the metadata holds beta_v and c_ref, n_tokens from the tokens.

    Parameters
    ----------
    rollouts : Rollouts
    extract, verify : bool
        Whether to run these two, which take time.
    progress : callable, optional
        ``progress(what, done, total)``, over the items that need math-verify.

    Examples
    --------
    >>> rows = [{"run": "r", "problem_id": "p", "sample": 0, "response": "so it is 2#2", "reference_answer": "2"}]
    >>> done = complete(Rollouts.from_rows(rows))
    >>> done.rollouts.row(0)["correct"], sorted(done.notes)
    (True, ['answer: extracted from the response', 'correct: verified against the reference answer'])
    """
    notes: Counter[str] = Counter()
    if not len(rollouts):
        return Completed(rollouts, notes)
    if extract and not rollouts.has("answer"):
        rollouts = _extract(rollouts, np.arange(len(rollouts)), notes, progress)
    elif len(rows := _unextracted(rollouts)):
        rollouts = _extract(rollouts, rows, notes, progress)
    if verify and rollouts.has("reference_answer"):
        rollouts = _verify(rollouts, notes, progress)
    meta = rollouts.meta
    if not rollouts.has("score") and rollouts.has("z_logprob") and meta.beta_v is not None and meta.c_ref is not None:
        rollouts = rollouts.with_score_settings(beta_v=meta.beta_v, c_ref=meta.c_ref)
        notes["score: computed from z_logprob"] += int(np.isfinite(rollouts.column("score")).sum())
    if not rollouts.has("n_tokens") and rollouts.has("tokens"):
        rollouts = rollouts.with_column("n_tokens", pc.list_value_length(rollouts.table["tokens"]))
        notes["n_tokens: counted from the tokens"] += len(rollouts) - rollouts.table["tokens"].null_count
    return Completed(replace(rollouts, table=ordered(rollouts.table)), notes)


def _extract(rollouts: Rollouts, rows: np.ndarray, notes: Counter[str], progress: OnProgress | None) -> Rollouts:
    """The table with answers extracted from the responses of these rows (indices)."""
    from laser_core.answers.verify import extract_answers

    responses, references = rollouts.text("response"), rollouts.text("reference_answer")
    stated = rollouts.text("answer")
    # In a truncated response only a marked answer counts: the last number before the cut is no answer.
    whole = rollouts.column("truncated") != 1
    report = None if progress is None else lambda done, total: progress("extracting answers", done, total)
    texts = [stated[i] or responses[i] for i in rows]
    found = extract_answers(texts, prose=whole[rows].tolist(), progress=report)
    answers = list(stated)
    for i, text, answer in zip(rows, texts, found, strict=True):
        is_part = stated[i] is not None and not _same_text(stated[i], responses[i])
        bare = whole[i] and is_bare_answer(text, references[i], is_stated=stated[i] is not None)
        if answer is not None or not (is_part or bare):
            answers[i] = answer
        elif text is not None:
            answers[i] = text.strip()
    n_found = sum(answers[i] is not None for i in rows)
    if n_found:
        notes["answer: extracted from the response"] += n_found
    if n_found < len(rows):
        notes["answer: none found in the response"] += len(rows) - n_found
    return rollouts.with_column("answer", pa.array(answers, pa.string()))


def _same_text(one: str | None, other: str | None) -> bool:
    return (one or "").strip().lower() == (other or "").strip().lower()


def is_bare_answer(response: str | None, reference: str | None, *, is_stated: bool = False) -> bool:
    """Whether a response without a marked answer is nothing but the answer itself: "Yes", "Paris", "B".

    Parameters
    ----------
    response, reference : str or None
        The reference answer has to be in words, too.
    is_stated : bool
        Whether the file itself gives the response as the answer; then its word is enough.

    Examples
    --------
    >>> is_bare_answer("Yes", "No"), is_bare_answer("Yes", "2"), is_bare_answer("I give up, sorry about that", "No")
    (True, False, False)
    """
    text = (response or "").strip()
    if not text or len(text) > BARE_CHARS or "\n" in text or len(text.split()) > BARE_WORDS:
        return False
    return is_stated or (reference is not None and re.fullmatch(r"[^\W\d_][^\d\\$=]*", reference.strip()) is not None)


def _unextracted(rollouts: Rollouts) -> np.ndarray:
    """Indices of the rows whose answer still has to be extracted from what the file gives as the answer.

    It is the whole response, as an identity filter leaves it; or a longer part of it, such as all that follows the
    reasoning.
    """
    if not rollouts.has("answer"):
        return np.zeros(0, dtype=int)
    answers, responses = rollouts.table["answer"], rollouts.table["response"]
    length, whole = pc.binary_length(answers), pc.binary_length(responses)
    long = pc.or_(pc.match_substring(answers, "\n"), pc.greater(length, LONG_CHARS))
    boxed_inside = pc.greater(pc.find_substring(answers, "\\boxed"), 0)
    found = pc.fill_null(pc.or_(long, boxed_inside), False).to_numpy().copy()
    # Few answers are as long as the response; only those are compared with it, letter by letter.
    near = pc.fill_null(pc.less_equal(pc.abs(pc.subtract(length, whole)), MAX_BLANKS), False).to_numpy()
    rows = np.flatnonzero(near & ~found)
    found[rows] = [
        _same_text(answer, response)
        for answer, response in zip(answers.take(rows).to_pylist(), responses.take(rows).to_pylist(), strict=True)
    ]
    return np.flatnonzero(found)


def _verify(rollouts: Rollouts, notes: Counter[str], progress: OnProgress | None) -> Rollouts:
    from laser_core.answers.verify import verify_answers

    known = rollouts.table["correct"].to_pylist() if rollouts.has("correct") else [None] * len(rollouts)
    answers, references = rollouts.text("answer"), rollouts.text("reference_answer")
    todo = [i for i, verdict in enumerate(known) if verdict is None and references[i] is not None]
    if not todo:
        return rollouts
    report = None if progress is None else lambda done, total: progress("verifying answers", done, total)
    asked = [references[i] for i in todo]
    # Known for all solutions of a problem or for none: the verifier decides by the reference alone.
    verdicts = verify_answers([answers[i] for i in todo], asked, progress=report)
    for i, verdict in zip(todo, verdicts, strict=True):
        known[i] = verdict
    n_unknown = sum(verdict is None for verdict in verdicts)
    if n_unknown < len(verdicts):
        notes["correct: verified against the reference answer"] += len(verdicts) - n_unknown
    if n_unknown:
        notes["correct: unknown, because the reference answer cannot be read"] += n_unknown
    return rollouts.with_column("correct", pa.array(known, pa.bool_()))

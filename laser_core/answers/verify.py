"""Answers: find them in a response, compare them with a reference, and group the equal ones.

One equivalence serves the verdict and the vote: two answers are the same where their keys are
(:mod:`laser_core.answers.reading`). Plain numbers and words are decided here, exactly and in microseconds. Only the
rest goes to math-verify's parser, in a child process with a time limit for each item, so every function here can be
called from any thread and returns whatever the text is. Importing this module imports neither sympy nor math-verify.
"""

from __future__ import annotations

from collections.abc import Sequence

from laser_core.answers.extract import marked_answer, may_be_prose, prose_answer
from laser_core.answers.grouping import answer_groups
from laser_core.answers.reading import OnProgress, keys_of, same_answer
from laser_core.answers.text import normalize

__all__ = ["answer_groups", "extract_answer", "extract_answers", "is_correct", "normalize", "verify_answers"]


def extract_answer(response: str | None, *, prose: bool = True) -> str | None:
    r"""The final answer a response states, as text; None if it states none.

    The last mark counts: ``\boxed{...}`` (boxes separated only by commas or "and" are one answer), GSM8K's ``#### 42``
    (a heading does not count), ``<answer>...</answer>``, "the answer is" and the like. Without a mark: the miniature
    world's closing ``#9``, a response that is nothing but an answer, or the last formula or number in the prose.

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
    found = marked_answer(response, prose=prose)
    return prose_answer(response) if found is None and prose and response else found


def extract_answers(
    responses: Sequence[str | None], *, prose: Sequence[bool] | None = None, progress: OnProgress | None = None
) -> list[str | None]:
    """:func:`extract_answer` for many responses; ``progress(done, total)`` counts those without a mark."""
    found: list[str | None] = []
    unmarked = []
    for i, response in enumerate(responses):
        reads_prose = prose is None or prose[i]
        answer = marked_answer(response, prose=False)
        if answer is None and reads_prose and response and may_be_prose(response):
            unmarked.append(i)
        elif answer is not None and reads_prose:
            answer = marked_answer(response)  # a final answer in words may follow the mark
        found.append(answer)
    for n, i in enumerate(unmarked, start=1):
        found[i] = extract_answer(responses[i])
        if progress:
            progress(n, len(unmarked))
    return found


def is_correct(answer: str | None, reference: str | None) -> bool | None:
    r"""Whether ``answer`` is the same as ``reference``; None if the reference cannot be read.

    A reference that is a name, yes or no, or the letter of a choice is compared as text. A decimal of six or more
    places also answers the number it rounds (0.333333 for 1/3). An answer that cannot be read within two seconds is not
    correct, and neither is a missing one.

    Whether there is a verdict depends on the reference alone: it is known for all answers to a problem or for none.

    Examples
    --------
    >>> is_correct("0.5", r"\frac{1}{2}"), is_correct("x=9", "9"), is_correct(None, "9"), is_correct("9", "")
    (True, True, False, None)
    >>> is_correct("(B) Paris", "B"), is_correct("no.", "Yes"), is_correct("{", "{")
    (True, False, None)
    """
    return verify_answers([answer], [reference])[0]


def verify_answers(
    answers: Sequence[str | None], references: Sequence[str | None], *, progress: OnProgress | None = None
) -> list[bool | None]:
    """:func:`is_correct` for many pairs; each distinct text is read once, in parallel.

    ``progress(done, total)`` counts the texts that need math-verify.
    """
    pairs = list(zip(answers, references, strict=True))
    given = dict.fromkeys(pairs)
    keys = keys_of((text for pair in given for text in pair if text is not None and text.strip()), progress=progress)
    verdicts: dict[tuple[str | None, str | None], bool | None] = {}
    for answer, reference in given:
        if reference is None or not keys.get(reference):
            verdicts[answer, reference] = None
        elif answer is None or not answer.strip():
            verdicts[answer, reference] = False
        else:
            verdicts[answer, reference] = same_answer(answer, reference, keys)
    return [verdicts[pair] for pair in pairs]

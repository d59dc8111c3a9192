"""Which rows belong to the same problem: decided here for every format, from the file's own id and the content.

An id is not enough: counters such as ``doc_id`` restart in every subtask, so joined files reuse ids for different
problems. A text is not enough either: two problems may share a prompt and differ in the reference answer.
"""

from __future__ import annotations

import hashlib

from laser_core.rollouts.reading.fields import clean_text


def problem_hash(problem: str | None) -> str | None:
    """A short name for a problem from its text: the same text has the same name in every file.

    Examples
    --------
    >>> problem_hash("1 + 1 = ?") == problem_hash(" 1 + 1 = ? "), problem_hash(None)
    (True, None)
    """
    return None if problem is None else "p-" + _digest(problem)


def own_id(value: object) -> str | None:
    """The id that a file gives a problem, as text; None where the value cannot be one.

    Examples
    --------
    >>> own_id(7), own_id(7.0), own_id(" a "), own_id([7]), own_id(float("nan")), own_id("")
    ('7', '7', 'a', None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_text(str(value)).strip() or None


class ProblemNames:
    """Names problems so that one name means one problem, over all files that are read together.

    The first problem with an id keeps it. Another problem with the same id, told apart by its text or, where the texts
    agree or are missing, by its reference answer, is called ``id~hash``. A problem without an id is named after its
    text.

    Examples
    --------
    >>> names = ProblemNames()
    >>> names.name(0, "1+1?", "2"), names.name(0, "1+1?", None), names.name(0, "3+3?", "6")
    ('0', '0', '0~fb2a3cdd15')
    >>> names.name(None, None, "2") is None
    True
    """

    def __init__(self) -> None:
        self._contents: dict[str, tuple[int, int]] = {}  # name -> hashes of text and reference, 0 where unknown

    def name(self, given: object, problem: str | None, reference: str | None) -> str | None:
        """The name of a problem; None where neither an id nor a text says which one it is.

        Parameters
        ----------
        given : object
            The file's own id, in whatever type it was stored.
        problem, reference : str or None
            The problem's text and reference answer.
        """
        base = own_id(given) or problem_hash(problem)
        return None if base is None else self._distinct(base, problem, reference)

    def _distinct(self, name: str, problem: str | None, reference: str | None) -> str:
        text, answer = _number(problem), _number(reference)
        while True:
            known_text, known_answer = self._contents.get(name, (0, 0))
            if problem is not None and text and known_text not in (0, text):
                name = f"{name}~{_digest(problem)}"
            elif reference is not None and answer and known_answer not in (0, answer):
                name = f"{name}~{_digest(reference)}"
            else:
                self._contents[name] = (known_text or text, known_answer or answer)
                return name


def _digest(text: str) -> str:
    return hashlib.blake2b(text.strip().encode("utf-8", "replace"), digest_size=5).hexdigest()


def _number(text: str | None) -> int:
    return 0 if text is None or not text.strip() else hash(text.strip()) or 1

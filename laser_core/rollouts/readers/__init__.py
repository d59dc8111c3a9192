"""One small module per file format.

A reader has a ``NAME`` (what ``--format`` takes), a ``TITLE``, ``matches(keys, record)`` (is a record with these keys
of this format?) and ``rows(record, context)`` (the rollouts in a record, as dicts with canonical field names). It may
leave out ``run``, ``problem_id`` and ``sample``; they are filled in afterwards. It raises FieldError for a record it
cannot use.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType


@dataclass
class Context:
    """What a reader is told, and where it says what it saw.

    Attributes
    ----------
    file : display name of the file.
    mapping : the user's column -> field choices, for the formats that take them.
    meta : values for RunMeta that the file holds (model, temperature, ...).
    notes : sentences for the user, with how often each applied.
    requests : problem texts by custom_id, from the file of requests that a batch's answers belong to.
    """

    file: str
    mapping: dict[str, str]
    meta: dict[str, object] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    named_problems: dict[str, str] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=dict)

    def problem_name(self, given: object, problem: str | None) -> str | None:
        """The file's own id of a problem, unless it names two different problems so; then a name from the text."""
        if given is None or isinstance(given, (dict, list, float, bool)):
            return problem_hash(problem)
        name = str(given)
        known = self.named_problems.setdefault(name, problem_hash(problem) or "")
        return name if known == (problem_hash(problem) or "") else problem_hash(problem)


def problem_hash(problem: str | None) -> str | None:
    """A short name for a problem from its text: the same text has the same name in every file.

    Examples
    --------
    >>> problem_hash("1 + 1 = ?") == problem_hash(" 1 + 1 = ? "), problem_hash(None)
    (True, None)
    """
    if problem is None:
        return None
    return "p-" + hashlib.blake2b(problem.strip().encode("utf-8", "replace"), digest_size=5).hexdigest()


def readers() -> tuple[ModuleType, ...]:
    """Every reader, the most specific first."""
    from laser_core.rollouts.readers import (
        canonical,
        inspect_ai,
        laser_official,
        lighteval,
        lm_eval,
        logging_board,
        mapped,
        nemo_skills,
        openai_responses,
        search_and_learn,
        skyrl,
        trl,
        verifiers_results,
        verl,
    )

    return (
        canonical,
        laser_official,
        lm_eval,
        lighteval,
        nemo_skills,
        inspect_ai,
        openai_responses,
        search_and_learn,
        skyrl,
        verl,
        verifiers_results,
        logging_board,
        trl,
        mapped,
    )

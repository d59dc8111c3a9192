"""One small module per file format.

A reader has a ``NAME`` (what ``--format`` takes), a ``TITLE``, ``matches(keys, record)`` (is a record with these keys
of this format?) and ``rows(record, context)`` (the rollouts in a record, as dicts with canonical field names). It may
leave out ``run``, ``problem_id`` and ``sample``; they are filled in afterwards. It raises FieldError for a record it
cannot use. What several readers share is in :mod:`laser_core.rollouts.readers.parts`.

``problem_id`` is the file's own id as it stands there, or left out: :mod:`laser_core.rollouts.reading.identity` decides
from the id, the text and the reference answer which rows belong to one problem. ``answer`` may be whatever the tool
wrote: :mod:`laser_core.rollouts.reading.no_answer` knows the placeholders for "none found".

A reader that has to know the whole file before it makes the first row (which values a reward takes, which lines repeat
others) has a ``survey(records, context)``, which sees every record with its number once beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType

from laser_core.rollouts.reading.rewards import RewardScale


@dataclass
class Context:
    """What a reader is told, and where it says what it saw.

    Attributes
    ----------
    file : str
        Display name of the file.
    mapping : dict of str to str
        The user's choices, column -> field, for the formats that take them.
    meta : dict of str to object
        What the file says about its origin (model, temperature, ...), for RunMeta.
    notes : Counter of str
        Sentences for the user, and how often each applied.
    requests : mapping of str to str
        Problem texts by custom_id, from the request file that a batch's answers belong to.
    left_out : set of int
        Numbers of the records that the survey found to repeat others; they are skipped.
    rewards : dict of str to RewardScale
        From the survey: the values each reward takes in the file, by the file's name for it.
    found : object
        Whatever else the survey learned, in a type of the reader's own.
    empty : tuple of (str, str)
        The error for a file without rollouts, and its remedy.
    """

    file: str
    mapping: dict[str, str]
    meta: dict[str, object] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    requests: Mapping[str, str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    rewards: dict[str, RewardScale] = field(default_factory=dict)
    found: object = None
    empty: tuple[str, str] = ("the file holds no rollouts", "choose another file")


def readers() -> tuple[ModuleType, ...]:
    """Every reader, the most specific first."""
    from laser_core.rollouts.readers import (
        anthropic_batch,
        areal,
        canonical,
        evalscope,
        evalscope_0,
        helm,
        inspect_ai,
        laser_official,
        lighteval,
        lm_eval,
        logging_board,
        mapped,
        ms_swift,
        nemo_skills,
        openai_responses,
        openai_responses_api,
        opencompass,
        openr1,
        prime_rl_tokens,
        qwen_math,
        search_and_learn,
        skyrl,
        slime,
        tinker,
        trl,
        verifiers_results,
        verifiers_traces,
        verl,
        verl_table,
    )

    return (
        canonical,
        laser_official,
        lm_eval,
        lighteval,
        nemo_skills,
        inspect_ai,
        evalscope,
        evalscope_0,
        openai_responses_api,
        openai_responses,
        anthropic_batch,
        helm,
        opencompass,
        qwen_math,
        openr1,
        search_and_learn,
        skyrl,
        verl,
        verl_table,
        verifiers_traces,
        verifiers_results,
        tinker,
        slime,
        areal,
        prime_rl_tokens,
        logging_board,
        ms_swift,
        trl,
        mapped,
    )

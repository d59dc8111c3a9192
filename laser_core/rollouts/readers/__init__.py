"""One small module per file format.

A reader has a ``NAME`` (what ``--format`` takes), a ``TITLE``, ``matches(keys, record)`` (is a record with these keys
of this format?) and ``rows(record, context)`` (the rollouts in a record, as dicts with canonical field names). It may
leave out ``run``, ``problem_id`` and ``sample``; they are filled in afterwards. It raises FieldError for a record it
cannot use. What several readers share is in :mod:`laser_core.rollouts.readers.parts`.

``problem_id`` is the file's own id, as it stands there, or nothing: :mod:`laser_core.rollouts.reading.identity` decides
from the id, the text and the reference answer which rows belong to one problem. ``answer`` may be whatever the tool
wrote: :mod:`laser_core.rollouts.reading.no_answer` knows what stands for "none found". What only the whole file can
tell (how high rewards go, which lines repeat others) a reader learns in ``survey(records, context)``, if it has one:
all records pass there once, with their numbers, before the first row is made.
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
    file : display name of the file.
    mapping : the user's column -> field choices, for the formats that take them.
    meta : values for RunMeta that the file holds (model, temperature, ...).
    notes : sentences for the user, with how often each applied.
    requests : problem texts by custom_id, from the file of requests that a batch's answers belong to.
    left_out : numbers of the records that the survey found to repeat others: no rows are made of them.
    rewards : the values that each reward takes in the file, by the file's name for it, from the survey.
    found : whatever else the survey learned, in a type of the reader's own.
    empty : what to say of a file without rollouts, and the remedy.
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

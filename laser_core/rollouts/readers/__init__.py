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

from types import ModuleType

from laser_core.rollouts.readers import (
    anthropic_batch,
    areal,
    canonical,
    chat_completions,
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

#: Every reader, the most specific first: the first one that matches reads the file.
READERS: tuple[ModuleType, ...] = (
    canonical,
    laser_official,
    lm_eval,
    lighteval,
    nemo_skills,
    inspect_ai,
    evalscope,
    evalscope_0,
    openai_responses,
    chat_completions,
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

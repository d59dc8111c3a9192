"""Load problems by name: a generated family, a known data set, a JSONL or Parquet file, or any Hugging Face dataset."""

from __future__ import annotations

from laser_core.errors import InputError
from laser_core.tasks import linear, words
from laser_core.tasks.problems import SPLITS, Problem
from laser_core.tasks.records import read_records

FAMILIES = {family.name: family.problems for family in (linear.LINEAR, linear.CHAIN, words.FAMILY)}


def load_problems(source: str, split: str = "test") -> tuple[Problem, ...]:
    """The problems of one split.

    Parameters
    ----------
    source : str
        A generated family (:data:`FAMILIES`), a known data set (:data:`~laser_core.tasks.named.TASKS`, such as
        ``gsm8k``), a path to a ``.jsonl`` or ``.parquet`` file, or the name of a Hugging Face dataset, optionally with
        a configuration: ``openai/gsm8k:main``. Columns of other names stand behind it:
        ``mine.jsonl?problem=Q&answer=A``.
    split : {"train", "validation", "test", "all"}
        A known data set has its official splits, with a twentieth of the training split held out for validation. A
        local file has none: it is divided by a hash of each problem's text. ``all`` is everything.

    Returns
    -------
    tuple of Problem

    Raises
    ------
    InputError
        If there is no such source, or a record lacks the problem text or the answer; names file, line and field.
    """
    if split not in (*SPLITS, "all"):
        raise InputError(f"{split!r} is not a split", field="split", remedy=f"choose one of {', '.join(SPLITS)}, all")
    if source in FAMILIES:
        names = SPLITS if split == "all" else (split,)
        return tuple(problem for name in names for problem in FAMILIES[source](name))
    return read_records(source, split).problems()

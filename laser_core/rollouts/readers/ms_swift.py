"""ms-swift's logged completions, ``completions.jsonl`` (ms-swift 4.6: rlhf_trainers/grpo_trainer.py, ``log``).

One line a logging step, every column a list with one item a completion: ``step`` (as text), ``prompt`` (with the chat
template applied), ``completion``, one column a reward function, ``advantages`` and, where there are any, ``solution,
num_turns, entropy``. The Megatron trainer writes ``gen_step`` for ``step``. Rows are read as TRL's are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import (
    Row,
    a_list,
    beside,
    graded,
    reference,
    survey_grades,
    user_turn,
    verdict_name,
)

NAME = "ms-swift"
TITLE = "ms-swift completions"

_TEXTS = {"prompt", "completion", "step", "gen_step", "solution", "image", "images"}


def matches(keys: set[str], record: Row) -> bool:
    """Lists of prompts and completions that are texts; in other tools' rows a list is the messages of one chat."""
    columns = [record.get(name) for name in ("prompt", "completion")]
    return all(isinstance(column, list) and column and isinstance(column[0], str) for column in columns)


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the reward takes that may be the verdict."""
    for _, record in records:
        name = _decisive(record, context)
        values = record.get(name) if name is not None else None
        survey_grades(((str(name), value) for value in values) if isinstance(values, list) else (), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per completion."""
    completions = a_list(record, "completion")
    n = len(completions)
    columns = {name: beside(record, name, n) for name in record}
    prompts = beside(record, "prompt", n)
    steps = columns.get("step", columns.get("gen_step", [None] * n))
    numbers = [name for name in columns if name not in _TEXTS and name not in context.mapping]
    decisive = _decisive(record, context)
    for i, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        row: Row = {
            "step": _step(steps[i]),
            "problem": user_turn(prompt) if isinstance(prompt, str) else prompt,
            "reference_answer": reference(columns["solution"][i]) if "solution" in columns else None,
            "response": completion,
        }
        row |= {f: columns[name][i] for name, f in context.mapping.items() if name in columns and f != "correct"}
        grade = None if decisive is None else (decisive, columns[decisive][i])
        yield graded(row, grade, {name: columns[name][i] for name in numbers}, context)
    if decisive is None:
        choice = ", ".join(name for name in numbers if name != "advantages") or "none"
        context.notes[f"no reward is plainly the verdict; choose one (--map NAME=correct) of: {choice}"] += n


def _decisive(record: Row, context: Context) -> str | None:
    """The column that the user chose as the verdict, else the one that plainly is one."""
    chosen = next((name for name, field in context.mapping.items() if field == "correct"), None)
    return chosen if chosen in record else verdict_name(name for name in record if name not in _TEXTS)


def _step(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value

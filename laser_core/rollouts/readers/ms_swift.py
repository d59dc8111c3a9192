"""ms-swift's logged completions, ``completions.jsonl`` (ms-swift 4.6: rlhf_trainers/grpo_trainer.py, ``log``).

One line a logging step, every column a list with one item a completion: ``step`` (as text), ``prompt`` (with the chat
template applied), ``completion``, one column a reward function, ``advantages`` and, where there are any, ``solution,
num_turns, entropy``. The Megatron trainer writes ``gen_step`` for ``step``. Rows are read as TRL's are.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import Row, beside, note_verdict, text_list, user_turn, verdict_name, zero_one
from laser_core.rollouts.readers.verl import as_text

NAME = "ms-swift"
TITLE = "ms-swift completions"

_TEXTS = {"prompt", "completion", "step", "gen_step", "solution", "image", "images"}


def matches(keys: set[str], record: Row) -> bool:
    """Prompts and completions as lists beside a list of steps."""
    steps = record.get("step", record.get("gen_step"))
    return {"prompt", "completion"} <= keys and isinstance(steps, list) and isinstance(record["completion"], list)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row per completion."""
    completions = text_list(record, "completion")
    n = len(completions)
    columns = {name: beside(record, name, n) for name in record}
    prompts = text_list(record, "prompt")
    steps = columns.get("step", columns.get("gen_step", [None] * n))
    numbers = [name for name in columns if name not in _TEXTS and name not in context.mapping]
    decisive = next((name for name, field in context.mapping.items() if field == "correct"), verdict_name(numbers))
    for i, completion in enumerate(completions):
        row: Row = {
            "step": _step(steps[i]),
            "problem": user_turn(prompts[i]),
            "reference_answer": as_text(columns["solution"][i]) if "solution" in columns else None,
            "response": completion,
        }
        row |= {f"signal.{name}": columns[name][i] for name in numbers if name != decisive}
        row |= {field: columns[name][i] for name, field in context.mapping.items() if name in columns}
        if decisive in columns:
            row["correct"] = zero_one(columns[decisive][i])
            note_verdict(context, decisive)
        yield row
    if decisive not in columns:
        choice = ", ".join(name for name in numbers if name != "advantages") or "none"
        context.notes[f"no reward is plainly the verdict; choose one (--map NAME=correct) of: {choice}"] += n


def _step(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value

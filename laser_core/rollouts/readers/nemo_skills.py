"""NeMo-Skills generations, ``output-rs{k}.jsonl`` (nemo_skills: inference/model/base.py, evaluation/evaluator/math.py).

One line per problem, one file per sample: ``problem, generation, expected_answer, predicted_answer, symbolic_correct,
num_generated_tokens`` and, where asked for, ``tokens`` and ``logprobs``. The k of the file's name is the sample; the
run is named after the folder, so that the samples of one run come together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.verl import as_text

NAME = "nemo-skills"
TITLE = "NeMo-Skills generations"

_RENAMED = {
    "generation": "response",
    "predicted_answer": "answer",
    "symbolic_correct": "correct",
    "num_generated_tokens": "n_tokens",
    "tokens": "tokens",
    "logprobs": "token_logprobs",
}


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """A generation beside the expected answer, evaluated."""
    return {"generation", "expected_answer"} <= keys and bool(keys & {"predicted_answer", "symbolic_correct"})


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row."""
    problem = record.get("problem", record.get("question"))
    row = {new: record[old] for old, new in _RENAMED.items() if old in record}
    row["problem"] = as_text(problem)
    row["problem_id"] = record.get("id")
    row["reference_answer"] = as_text(record.get("expected_answer"))
    if seed := re.search(r"-rs(\d+)", context.file):
        row["sample"] = int(seed[1])
        row["run"] = ([NAME, *re.split(r"[/\\]", context.file)][-2]) or NAME
    judged = record.get("judge_correct")
    if isinstance(judged, bool):
        row["signal.judge_correct"] = float(judged)
    yield row

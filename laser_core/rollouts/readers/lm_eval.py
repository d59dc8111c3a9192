"""lm-evaluation-harness samples, ``samples_<task>_<date>.jsonl`` (lm-eval 0.4.13: evaluator.py, evaluation_tracker.py).

One line a document AND filter: ``doc_id, doc, target, arguments, resps, filtered_resps, filter, metrics`` and one
number a metric. ``resps[0]`` holds the K repeats. With one repeat the harness's own verdict is taken; with several its
metric is one number for all of them, so each is verified anew. Lines of a second filter hold the same responses
again and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.answers.verify import extract_answer
from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "lm-eval"
TITLE = "lm-evaluation-harness samples"

_METRICS = ("math_verify", "exact_match", "acc", "pass@1", "em")  # the more forgiving of spelling first
_QUESTIONS = ("question", "problem", "prompt", "query", "input")


def matches(keys: set[str], record: dict) -> bool:
    """Four fields that no other writer has together."""
    return {"doc_id", "doc", "resps", "filtered_resps"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row per repeat; none for the lines of another filter than the file's first."""
    chosen = context.meta.setdefault("filter", record.get("filter"))
    if record.get("filter") != chosen:
        context.notes[f"lines of other filters than '{chosen}' hold the same responses again: left out"] += 1
        return
    responses, filtered = record.get("resps"), record.get("filtered_resps")
    if not isinstance(responses, list) or not responses or not isinstance(responses[0], list):
        raise FieldError("resps", "expected a list of lists of responses")
    if len(responses) > 1 or not all(isinstance(response, str) for response in responses[0]):
        raise FieldError("resps", "not generated text (a multiple-choice task has log-likelihoods instead)")
    document = record.get("doc") if isinstance(record.get("doc"), dict) else {}
    problem = next((document[name] for name in _QUESTIONS if isinstance(document.get(name), str)), None)
    target = as_text(record.get("target"))
    verdict = next((record[name] for name in _METRICS if isinstance(record.get(name), (int, float))), None)
    for i, response in enumerate(responses[0]):
        row = {
            "problem_id": as_text(record.get("doc_id")),
            "problem": problem if problem is not None else _prompt(record),
            # A worked reference solution (GSM8K's) ends with its answer.
            "reference_answer": extract_answer(target, prose=False) or target,
            "response": response,
        }
        if len(responses[0]) == 1 and verdict is not None:
            row["correct"] = verdict > 0 if verdict == verdict else None
        if len(responses[0]) == 1 and isinstance(filtered, list) and filtered and isinstance(filtered[0], str):
            row["answer"] = None if filtered[0] == "[invalid]" else filtered[0]
        elif i == 0:
            context.notes["several repeats: the harness stores one metric for all, so each is verified anew"] += 1
        yield row


def _prompt(record: dict) -> str | None:
    arguments = record.get("arguments")
    first = arguments.get("gen_args_0") if isinstance(arguments, dict) else None
    return first.get("arg_0") if isinstance(first, dict) and isinstance(first.get("arg_0"), str) else None

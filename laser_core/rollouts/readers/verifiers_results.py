"""verifiers' saved evaluations, ``results.jsonl`` (verifiers 0.1: utils/save_utils.py, ``state_to_output``).

One line a rollout: ``example_id, prompt, completion, reward, metrics``, each metric once more under its own name, and
``answer, is_truncated, token_usage`` where there are any. Before 0.1.4 it was ``id`` for ``example_id``, counted over the
file's lines and not over its problems: there the prompt says which problem it is. A rollout counts as correct where a metric that is plainly a
verdict says so, else where its reward reaches 0.5, from which the package's own pass@k counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "verifiers"
TITLE = "verifiers results"

PASSED = 0.5
_VERDICTS = ("correct_answer", "correct", "correctness", "correct_answer_reward", "correct_answer_reward_func")
_OWN = {"reward", "example_id", "id", "generation_ms", "scoring_ms", "total_ms", "num_turns"}


def matches(keys: set[str], record: dict) -> bool:
    """The fields that every version writes, under its early name too."""
    named = "example_id" in keys or {"id", "task"} <= keys
    return named and {"prompt", "completion", "reward"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row."""
    if record.get("completion") is None:
        error = record.get("error")
        why = error.get("error") if isinstance(error, dict) else error
        raise FieldError("completion", f"the rollout failed: {str(why)[:100]}")
    reward = record.get("reward")
    problem = message_text(record.get("prompt"), field="prompt", role="user")
    row = {
        "problem_id": record.get("example_id"),
        "problem": problem,
        "reference_answer": as_text(record.get("answer")),
        "response": message_text(record["completion"], field="completion", role="assistant"),
        "truncated": record.get("is_truncated"),
        "signal.reward": reward,
    }
    usage = record.get("token_usage")
    if isinstance(usage, dict):
        row["n_tokens"] = usage.get("output_tokens")
    metrics = record.get("metrics") if isinstance(record.get("metrics"), dict) else record
    numbers = {name: value for name, value in metrics.items() if _is_number(value) and name not in _OWN}
    row |= {f"signal.{name}": value for name, value in numbers.items()}
    verdict = next((name for name in _VERDICTS if name in numbers), None)
    if verdict is not None:
        row["correct"] = numbers[verdict] > 0
        context.notes[f"a rollout counts as correct where '{verdict}' is above 0"] += 1
    elif _is_number(reward):
        row["correct"] = reward >= PASSED
        context.notes[f"a rollout counts as correct where its reward is at least {PASSED}"] += 1
    yield row


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value

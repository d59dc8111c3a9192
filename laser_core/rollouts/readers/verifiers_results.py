"""verifiers' saved evaluations, ``results.jsonl`` (verifiers 0.1: utils/save_utils.py, ``state_to_output``).

One line a rollout: ``example_id, prompt, completion, reward, metrics``, each metric once more under its own name, and
``answer, is_truncated, token_usage`` where there are any. Early versions wrote ``id`` for ``example_id`` and counted it
over the file's lines, not over its problems: there the prompt says which problem it is. A rollout counts as correct
where a metric that is plainly a verdict says so, else where its reward reaches 0.5, from which the package's own pass@k
counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number, as_object
from laser_core.rollouts.reading.rewards import RewardScale, decide

NAME = "verifiers"
TITLE = "verifiers results"

PASSED = 0.5
_VERDICTS = ("correct_answer", "correct", "correctness", "correct_answer_reward", "correct_answer_reward_func")
_OWN = {"reward", "example_id", "id", "generation_ms", "scoring_ms", "total_ms", "num_turns"}


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The fields that every version writes, under its early name too."""
    named = "example_id" in keys or {"id", "task"} <= keys
    return named and {"prompt", "completion", "reward"} <= keys


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Learn which values the metrics take that may be the verdict."""
    context.rewards |= {name: RewardScale() for name in _VERDICTS}
    for _, record in records:
        metrics = _metrics(record)
        for name in _VERDICTS:
            context.rewards[name].add(metrics.get(name))
    context.found = next((name for name in _VERDICTS if context.rewards[name].top is not None), None)


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row."""
    if record.get("completion") is None:
        error = record.get("error")
        why = as_object(error).get("error") if isinstance(error, dict) else error
        raise FieldError("completion", f"the rollout failed: {str(why)[:100]}")
    reward = record.get("reward")
    row: dict[str, object] = {
        "problem_id": record.get("example_id"),
        "problem": message_text(record.get("prompt"), field="prompt", role="user"),
        "reference_answer": as_text(record.get("answer")),
        "response": message_text(record["completion"], field="completion", role="assistant"),
        "truncated": record.get("is_truncated"),
        "signal.reward": reward,
        "n_tokens": as_object(record.get("token_usage")).get("output_tokens"),
    }
    metrics = _metrics(record)
    row |= {f"signal.{name}": value for name, value in metrics.items()}
    verdict, number = context.found, as_number(reward)
    if isinstance(verdict, str):  # once for the file: where it is missing, the reward does not take its place
        row |= decide(row, verdict, metrics.get(verdict), context.rewards.get(verdict), context.notes)
    elif number is not None:
        row["correct"] = number >= PASSED
        context.notes[f"a rollout counts as correct where its reward is at least {PASSED}"] += 1
    yield row


def _metrics(record: dict[str, object]) -> dict[str, float]:
    """The metrics, from their own object or from beside the other fields."""
    metrics = record.get("metrics") if isinstance(record.get("metrics"), dict) else record
    numbers = {name: as_number(value) for name, value in as_object(metrics).items() if name not in _OWN}
    return {name: number for name, number in numbers.items() if number is not None}

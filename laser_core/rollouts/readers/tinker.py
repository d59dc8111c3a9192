"""tinker-cookbook's evaluation trajectories and rollout summaries (tinker-cookbook 0.6: stores, rl/rollout_logging.py).

``trajectories.jsonl`` has one line a sample: ``idx, benchmark, example_id, turns[{role, content, token_count}], reward,
metrics{correct, ...}, logs{expected, extracted, ...}, error``. ``*_rollout_summaries.jsonl`` of a training run has
``split, iteration, group_idx, traj_idx, total_reward, steps[{ac_len, metrics, logs}]`` and no text at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Grade, Row, graded, objects, survey_grades, user_turn, verdict_name
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object

NAME = "tinker"
TITLE = "tinker-cookbook trajectories"

_LIMITS = ("max_tokens_reached", "context_overflow")


def matches(keys: set[str], record: Row) -> bool:
    """A stored trajectory by its turns, or a summary by its place in the batch."""
    return {"benchmark", "turns", "reward"} <= keys or {"iteration", "group_idx", "traj_idx", "steps"} <= keys


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the metric or reward takes that may be the verdict."""
    survey_grades((_grade(record) for _, record in records), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    yield _trajectory(record, context) if "turns" in record else _summary(record, context)


def _trajectory(record: Row, context: Context) -> Row:
    turns = objects(record.get("turns"))
    said = [turn for turn in turns if turn.get("role") == "assistant"]
    if not said:
        raise FieldError(
            "turns", f"the sample failed: {str(record.get('error') or 'it has no turn of the model')[:100]}"
        )
    asked = next((turn.get("content") for turn in turns if turn.get("role") == "user"), None)
    metrics, logs = _metrics(record), as_object(record.get("logs"))
    counts = [turn.get("token_count") for turn in said]
    row: Row = {
        "problem_id": record.get("example_id") or record.get("idx"),
        "problem": user_turn(asked) if isinstance(asked, str) else None,
        "reference_answer": as_text(logs.get("expected")),
        "response": "\n".join(str(turn.get("content") or "") for turn in said),
        "truncated": any(metrics.get(name) for name in _LIMITS),
        "n_tokens": sum(count for count in counts if isinstance(count, int)) or None,
        "signal.reward": record.get("reward"),
    }
    if "extracted" in logs:
        row["answer"] = as_text(logs["extracted"])
    return graded(row, _grade(record), {k: v for k, v in metrics.items() if k not in _LIMITS}, context)


def _summary(record: Row, context: Context) -> Row:
    """A row without texts: what can be analysed are verdicts, rewards and lengths."""
    steps = objects(record.get("steps"))
    if not steps:
        raise FieldError("steps", "the rollout has no steps")
    lengths = [step.get("ac_len") for step in steps]
    context.notes["rollout summaries hold no text: verdicts, rewards and lengths can be analysed, answers cannot"] += 1
    row: Row = {
        "step": record.get("iteration"),
        "problem_id": f"{record.get('split')}-{record.get('iteration')}-{record.get('group_idx')}",
        "sample": record.get("traj_idx"),
        "response": "",
        "n_tokens": sum(length for length in lengths if isinstance(length, int)),
        "signal.reward": record.get("total_reward"),
    }
    return graded(row, _grade(record), _metrics(record), context)


def _metrics(record: Row) -> Row:
    """The trajectory's metrics; in a summary the last value of each over the steps."""
    metrics = dict(as_object(record.get("metrics")))
    for step in objects(record.get("steps")):
        metrics |= as_object(step.get("metrics"))
    return metrics | as_object(record.get("trajectory_metrics"))


def _grade(record: Row) -> Grade:
    """The metric that plainly is a verdict, else the reward."""
    metrics = _metrics(record)
    name = verdict_name(metrics)
    return ("reward", record.get("reward", record.get("total_reward"))) if name is None else (name, metrics[name])

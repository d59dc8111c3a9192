"""tinker-cookbook's evaluation trajectories and rollout summaries (tinker-cookbook 0.6: stores, rl/rollout_logging.py).

``trajectories.jsonl`` has one line a sample: ``idx, benchmark, example_id, turns[{role, content, token_count}], reward,
metrics{correct, ...}, logs{expected, extracted, ...}, error``. ``*_rollout_summaries.jsonl`` of a training run has
``split, iteration, group_idx, traj_idx, total_reward, steps[{ac_len, metrics, logs}]`` and no text at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.parts import (
    Row,
    an_object,
    note_partial,
    note_verdict,
    objects,
    reward_verdict,
    signals,
    user_turn,
    verdict_name,
    zero_one,
)
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "tinker"
TITLE = "tinker-cookbook trajectories"

_LIMITS = ("max_tokens_reached", "context_overflow")


def matches(keys: set[str], record: Row) -> bool:
    """A stored trajectory by its turns, or a summary by its place in the batch."""
    return {"benchmark", "turns", "reward"} <= keys or {"iteration", "group_idx", "traj_idx", "steps"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    yield _trajectory(record, context) if "turns" in record else _summary(record, context)


def _trajectory(record: Row, context: Context) -> Row:
    turns = objects(record.get("turns"))
    said = [turn for turn in turns if turn.get("role") == "assistant"]
    if not said:
        raise FieldError("turns", f"the sample failed: {str(record.get('error') or 'the model said nothing')[:100]}")
    asked = next((turn.get("content") for turn in turns if turn.get("role") == "user"), None)
    metrics, logs = an_object(record.get("metrics")), an_object(record.get("logs"))
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
    return row | _graded(metrics, record.get("reward"), context)


def _summary(record: Row, context: Context) -> Row:
    """A row without texts: what can be analysed are verdicts, rewards and lengths."""
    steps = objects(record.get("steps"))
    if not steps:
        raise FieldError("steps", "the rollout has no steps")
    metrics: Row = {}
    for step in steps:
        metrics |= an_object(step.get("metrics"))
    metrics |= an_object(record.get("trajectory_metrics"))
    lengths = [step.get("ac_len") for step in steps]
    context.notes["rollout summaries hold no text: verdicts, rewards and lengths can be analysed, answers cannot"] += 1
    row: Row = {
        "step": record.get("iteration"),
        "problem_id": f"{record.get('split')}-{record.get('iteration')}-{record.get('group_idx')}",
        "sample": record.get("traj_idx"),
        "response": "",
        "answer": None,
        "n_tokens": sum(length for length in lengths if isinstance(length, int)),
        "signal.reward": record.get("total_reward"),
    }
    return row | _graded(metrics, record.get("total_reward"), context)


def _graded(metrics: Row, reward: object, context: Context) -> Row:
    """The verdict by the metric that plainly is one, else by the reward; the other metrics are signals."""
    name = verdict_name(metrics)
    verdict = zero_one(metrics[name]) if name is not None else reward_verdict(reward)
    (note_partial if verdict is None else note_verdict)(context, name or "reward")
    return {"correct": verdict} | signals(metrics, leave_out=[*_LIMITS, *([name] if name is not None else [])])

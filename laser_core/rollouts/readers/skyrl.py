"""SkyRL's evaluation dumps, ``dumped_evals/global_step_{N}_evals/*.jsonl`` (``dump_per_dataset_eval_results``).

One line per solution: ``input_prompt, output_response, score, stop_reason, env_class, env_extras, data_source``.
``score`` is the reward, one number or one per token; its sum is the verdict where it takes two values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object
from laser_core.rollouts.reading.rewards import RewardScale, decide

NAME = "skyrl"
TITLE = "SkyRL evaluation dump"


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The prompt, the response and the environment under SkyRL's names."""
    return {"input_prompt", "output_response", "score", "env_class"} <= keys


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Learn which values the reward takes."""
    scale = context.rewards["score"] = RewardScale()
    for _, record in records:
        with contextlib.suppress(FieldError):
            scale.add(_total(record.get("score")))


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row."""
    reward = _total(record.get("score"))
    extras = as_object(record.get("env_extras"))
    truth = as_object(extras.get("reward_spec")) or as_object(extras.get("reward_model"))
    stop = record.get("stop_reason")
    row: dict[str, object] = {
        "problem": as_text(record.get("input_prompt")),
        "response": record.get("output_response"),
        "reference_answer": as_text(truth.get("ground_truth")),
        "truncated": stop == "length" if isinstance(stop, str) else None,
        "signal.reward": reward,
    }
    yield row | decide(row, "score", reward, context.rewards.get("score"), context.notes)


def _total(score: object) -> float:
    values = score if isinstance(score, list) else [score]
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not values or len(numbers) < len(values):
        raise FieldError("score", "expected a number or a list of numbers")
    try:
        return float(sum(numbers))
    except OverflowError:
        raise FieldError("score", "a number is too large") from None

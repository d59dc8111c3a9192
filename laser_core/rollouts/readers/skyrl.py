"""SkyRL's evaluation dumps, ``dumped_evals/global_step_{N}_evals/*.jsonl`` (``dump_per_dataset_eval_results``).

One line a solution: ``input_prompt, output_response, score, stop_reason, env_class, env_extras, data_source``.
``score`` is the reward, one number or one a token; the verdict is a sum above zero.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "skyrl"
TITLE = "SkyRL evaluation dump"


def matches(keys: set[str], record: dict) -> bool:
    """The prompt, the response and the environment under SkyRL's names."""
    return {"input_prompt", "output_response", "score", "env_class"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row."""
    reward = _total(record.get("score"))
    extras = record.get("env_extras") if isinstance(record.get("env_extras"), dict) else {}
    truth = next((extras[k] for k in ("reward_spec", "reward_model") if isinstance(extras.get(k), dict)), {})
    stop = record.get("stop_reason")
    context.notes["a solution counts as correct where its reward is above 0; the reward is kept as signal.reward"] += 1
    yield {
        "problem": as_text(record.get("input_prompt")),
        "response": record.get("output_response"),
        "reference_answer": as_text(truth.get("ground_truth")),
        "correct": reward > 0,
        "truncated": stop == "length" if isinstance(stop, str) else None,
        "signal.reward": reward,
    }


def _total(score: object) -> float:
    values = score if isinstance(score, list) else [score]
    if not values or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        raise FieldError("score", "expected a number or a list of numbers")
    try:
        return float(sum(values))
    except OverflowError:
        raise FieldError("score", "a number is too large") from None

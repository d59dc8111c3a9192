"""RL logging boards' JSON lines (RLLoggingBoard's README: what a trainer saves for it, as in its OpenRLHF example).

One line per solution: ``prompt, response, response_tokens[], logprobs[], ref_logprobs[], values[], token_rewards[],
reward, step``. Texts and tokens may still hold their padding, for which no log-probs are given. The lists may be left
out; ``ref_response, ref_reward`` are the reference model's solution of the same prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number
from laser_core.rollouts.reading.rewards import RewardScale, decide

NAME = "logging-board"
TITLE = "RL logging board"

_PADDING = re.compile(r"(?:<\|?pad\|?>|\[PAD\]|<\|endoftext\|>|<\|fim_pad\|>)+", re.IGNORECASE)
_KNOWN = {"prompt", "response", "reward", "step", "ref_reward"}


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """Tokens with the policy's and the reference's log-probs; or, without tokens, the fields of every line."""
    has_tokens = {"response_tokens", "logprobs", "ref_logprobs"} <= keys
    placed = "step" in keys or {"ref_response", "ref_reward"} <= keys
    return has_tokens or (placed and {"prompt", "response", "reward"} <= keys)


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Learn which values the reward takes."""
    context.rewards["reward"] = RewardScale(record.get("reward") for _, record in records)


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row."""
    problem, response = _unpadded(record.get("prompt"), "prompt"), _unpadded(record.get("response"), "response")
    reward = record.get("reward")
    row: dict[str, object] = {
        "step": record.get("step"),
        "problem": problem,
        "response": response,
        "reference_answer": as_text(record.get("ground_truth", record.get("answer"))),
        "signal.reward": reward,
    }
    if "response_tokens" in record:
        row |= _tokens(record, context)
    for name, value in record.items():
        if name not in _KNOWN and as_number(value) is not None:
            row[f"signal.{name}"] = value
    yield row | decide(row, "reward", reward, context.rewards.get("reward"), context.notes)


def _tokens(record: dict[str, object], context: Context) -> dict[str, object]:
    """The response's tokens and their log-probs, without the padding after the last one."""
    lists: dict[str, list[object]] = {}
    for name in ("response_tokens", "logprobs", "ref_logprobs"):
        values = record.get(name)
        if not isinstance(values, list):
            raise FieldError(name, f"expected a list, found {type(values).__name__}")
        lists[name] = values
    tokens, n_logprobs = lists["response_tokens"], len(lists["logprobs"])
    if len(tokens) > n_logprobs:
        if not all(isinstance(token, str) and _PADDING.fullmatch(token) for token in tokens[n_logprobs:]):
            raise FieldError("logprobs", f"{n_logprobs} log-probs for {len(tokens)} tokens")
        tokens = tokens[:n_logprobs]
        context.notes["padding after the last token was left out"] += 1
    return {
        "n_tokens": len(tokens),
        "tokens": tokens,
        "token_logprobs": lists["logprobs"],
        "ref_token_logprobs": lists["ref_logprobs"],
    }


def _unpadded(text: object, field: str) -> str:
    """The text without padding at its ends."""
    if not isinstance(text, str):
        raise FieldError(field, f"expected text, found {type(text).__name__}")
    start = _PADDING.match(text)
    text = text[start.end() :] if start else text
    for end in _PADDING.finditer(text):
        if end.end() == len(text):
            return text[: end.start()]
    return text

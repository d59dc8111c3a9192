"""RL logging boards' JSON lines (RLLoggingBoard's README: what a trainer saves for it, as in its OpenRLHF example).

One line a solution: ``prompt, response, response_tokens[], logprobs[], ref_logprobs[], values[], token_rewards[],
reward, step``. Texts and tokens may still hold their padding, for which no log-probs are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laser_core.rollouts.readers import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError

NAME = "logging-board"
TITLE = "RL logging board"

_PADDING = re.compile(r"(?:<\|?pad\|?>|\[PAD\]|<\|endoftext\|>|<\|fim_pad\|>)+", re.IGNORECASE)
_KNOWN = {"prompt", "response", "reward", "step", "ref_reward"}


def matches(keys: set[str], record: dict) -> bool:
    """Tokens with the policy's and the reference's log-probs."""
    return {"response_tokens", "logprobs", "ref_logprobs"} <= keys


def rows(record: dict, context: Context) -> Iterator[dict]:
    """One row."""
    lists = {name: record.get(name) for name in ("response_tokens", "logprobs", "ref_logprobs")}
    for name, values in lists.items():
        if not isinstance(values, list):
            raise FieldError(name, f"expected a list, found {type(values).__name__}")
    tokens = lists["response_tokens"]
    if len(tokens) > len(lists["logprobs"]):
        rest = tokens[len(lists["logprobs"]) :]
        if not all(isinstance(token, str) and _PADDING.fullmatch(token) for token in rest):
            reason = f"{len(lists['logprobs'])} log-probs for {len(tokens)} tokens"
            raise FieldError("logprobs", reason)
        tokens = tokens[: len(lists["logprobs"])]
        context.notes["padding after the last token was left out"] += 1
    problem, response = _unpadded(record.get("prompt"), "prompt"), _unpadded(record.get("response"), "response")
    reward = record.get("reward")
    row = {
        "step": record.get("step"),
        "problem": problem,
        "response": response,
        "reference_answer": as_text(record.get("ground_truth", record.get("answer"))),
        "n_tokens": len(tokens),
        "tokens": tokens,
        "token_logprobs": lists["logprobs"],
        "ref_token_logprobs": lists["ref_logprobs"],
        "signal.reward": reward,
    }
    for name, value in record.items():
        if name not in _KNOWN and isinstance(value, (int, float)) and not isinstance(value, bool):
            row[f"signal.{name}"] = value
    if reward in (0, 1) and not isinstance(reward, bool):
        row["correct"] = reward == 1
        context.notes["a solution counts as correct where its reward is 1, as incorrect where it is 0"] += 1
    else:
        context.notes["a reward that is neither 0 nor 1 says nothing about correctness: kept as signal.reward"] += 1
    yield row


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

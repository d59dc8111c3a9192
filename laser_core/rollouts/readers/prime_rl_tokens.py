"""prime-rl's token exports, ``token_exports/step_{N}/rank_{R}.jsonl`` (prime-rl: trainer/rl/token_export.py).

One line a sequence, every column a list with one item a token of prompt and completion: ``token_ids, loss_mask,
advantages, inference_logprobs, trainer_logprobs, entropy, mismatch_kl, ...`` beside ``step, rank, export_sequence_idx,
env_name``. Completion tokens are those in the loss mask. There is no text and no reward: a token is shown by its
number, and correctness is unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Row, beside
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number

NAME = "prime-rl-tokens"
TITLE = "prime-rl token export"

_COLUMNS = ("inference_logprobs", "entropy", "advantages", "mismatch_kl")


def matches(keys: set[str], record: Row) -> bool:
    """Token ids with the loss mask and both log-probs."""
    return {"token_ids", "loss_mask", "inference_logprobs", "trainer_logprobs"} <= keys


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row."""
    ids, mask = record.get("token_ids"), record.get("loss_mask")
    if not isinstance(ids, list) or not isinstance(mask, list) or len(mask) != len(ids):
        raise FieldError("loss_mask", "expected one value for each of the token_ids")
    sampled = [i for i, in_loss in enumerate(mask) if in_loss is True]
    if not sampled:
        raise FieldError("loss_mask", "no token of this sequence was sampled")
    columns = {name: beside(record, name, len(ids)) for name in _COLUMNS}
    kl = [known for i in sampled if (known := as_number(columns["mismatch_kl"][i])) is not None]
    tokens = [f"<{ids[i]}>" for i in sampled]
    context.notes["token exports hold token ids, no text and no rewards: log-probs and entropies can be analysed"] += 1
    row: Row = {
        "step": record.get("step"),
        "problem_id": _prompt_name(ids[: sampled[0]]),
        "response": "",  # not the numbers of its tokens, from which an answer would be extracted
        "n_tokens": len(tokens),
        "tokens": tokens,
        "token_logprobs": [columns["inference_logprobs"][i] for i in sampled],
        "entropy": [columns["entropy"][i] for i in sampled],
        "signal.advantage": as_number(columns["advantages"][sampled[-1]]),
    }
    if kl:
        row["signal.mismatch_kl"] = sum(kl) / len(kl)
    yield row


def _prompt_name(ids: list[object]) -> str:
    """A short name for the prompt's token ids."""
    return "ids-" + hashlib.blake2b(repr(ids).encode(), digest_size=5).hexdigest()

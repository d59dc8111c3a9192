"""Which tokens end a solution. Chat models have several, and the one they write is not always the tokenizer's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase


def end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The ids of all tokens that end a solution; the one that closes a given text comes first.

    They are the tokenizer's ``eos_token`` and every id in the model's generation settings. transformers' ``generate``
    stops at the same ones.

    Parameters
    ----------
    model : PreTrainedModel
    tokenizer : PreTrainedTokenizerBase
        Has an ``eos_token``.
    """
    settings = getattr(model, "generation_config", None)
    stated = _as_list(None if settings is None else settings.eos_token_id)
    rows = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    known = [i for i in dict.fromkeys([tokenizer.eos_token_id, *stated]) if 0 <= i < rows]
    closing = closing_id(tokenizer, known)
    return (closing, *(i for i in known if i != closing))


def closing_id(tokenizer: PreTrainedTokenizerBase, known: Iterable[int]) -> int:
    """The token that ends an answer in this model's chats: the first of the ``known`` ones after an assistant's words.

    Without a chat template, and where the template writes none of them, it is the tokenizer's ``eos_token``.
    """
    ends = set(known)
    if tokenizer.chat_template:
        turns = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]
        try:
            text = tokenizer.apply_chat_template(turns, tokenize=False)
        except Exception:  # a template may refuse what it was not written for, by an error of its own
            text = ""
        after = text.rpartition("2")[2] if isinstance(text, str) else ""
        written = tokenizer.encode(after, add_special_tokens=False) if after else []
        for token in written:
            if token in ends:
                return int(token)
    return int(tokenizer.eos_token_id)


def _as_list(ids: int | list[int] | None) -> list[int]:
    if ids is None:
        return []
    return [ids] if isinstance(ids, int) else list(ids)

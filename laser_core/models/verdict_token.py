"""Which tokens of a model can serve as the verdict token z_c: those that no solution contains.

In order of trust: tokens that well-known models reserve (the paper's choices first), tokens that are named like such
ones, then special tokens of another purpose, such as ``<jupyter_output>``. A model without any gets a new one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from transformers import AddedToken, PreTrainedModel, PreTrainedTokenizerBase

from laser_core.errors import InputError

NEW_TOKEN = "<|verdict|>"
RESERVED, SPECIAL, NEW, NAMED = "reserved", "special", "new", "named"
KINDS = {
    RESERVED: "reserved, so no training text contains it",
    SPECIAL: "a special token for something else than mathematics",
    NEW: "added, because the model has no spare token",
    NAMED: "as named",
}
_KNOWN = ("<|vision_start|>", "<|reserved_special_token_0|>")
_LOOKS_RESERVED = re.compile(r"reserved|unused|extra_id|fim_|placeholder|<\|verdict\|>", re.IGNORECASE)
# What begins, ends or joins texts and turns: trained in its place, though a tokenizer need not say so.
_STRUCTURE = re.compile(
    r"^[<\[]\|?/?(s|bos|eos|pad|unk|mask|sep|cls|im_(start|end)|(begin|end|start)_?of_?\w+)\|?[>\]]$", re.I
)
_BRACKETED = re.compile(r"^[<\[].*(reserved|unused|extra_id|placeholder).*[>\]]$", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """A token that can serve as z_c.

    Attributes
    ----------
    token : str
    z_id : int
    kind : str
        One of :data:`KINDS`.
    """

    token: str
    z_id: int
    kind: str


def candidates(tokenizer: PreTrainedTokenizerBase, ends: Collection[int] = ()) -> list[Candidate]:
    """Tokens that can serve as z_c, the most trusted first.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
    ends : collection of int
        Ids of tokens that end a solution, beside the tokenizer's own.
    """
    added = sorted(tokenizer.get_added_vocab().items(), key=lambda item: item[1])
    used = {*ends, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.unk_token_id}
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""

    def free(token: str, z_id: int) -> bool:
        return z_id not in used and token not in template

    known = [(token, z_id) for name in _KNOWN for token, z_id in added if token == name]
    named = [pair for pair in added if _LOOKS_RESERVED.search(pair[0])]
    plain = tokenizer.get_vocab().items()  # some vocabularies hold them as ordinary entries
    named += sorted((pair for pair in plain if _BRACKETED.match(pair[0])), key=lambda item: item[1])
    special = [
        (token, z_id)
        for token, z_id in added
        if tokenizer.added_tokens_decoder[z_id].special and not _STRUCTURE.match(token)
    ]
    found: dict[int, Candidate] = {}
    for pairs, kind in (([*known, *named], RESERVED), (special, SPECIAL)):
        for token, z_id in pairs:
            if (free(token, z_id) or (token, z_id) in known) and z_id not in found:
                found[z_id] = Candidate(token, z_id, kind)
    return list(found.values())


def choose_z_token(
    tokenizer: PreTrainedTokenizerBase, z_token: str = "", ends: Collection[int] = ()
) -> tuple[str, int]:
    """The verdict token and its id: the requested one if it is usable, or the most trusted candidate.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
    z_token : str
        The requested token; empty for the first of :func:`candidates`.
    ends : collection of int
        As of :func:`candidates`.

    Returns
    -------
    z_token : str
    z_id : int

    Raises
    ------
    InputError
        If ``z_token`` is not a single token, if it ends or pads sequences, or if there is no candidate.
    """
    if z_token:
        ids = tokenizer.encode(z_token, add_special_tokens=False)
        if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
            raise InputError(
                f"{z_token!r} is {len(ids)} tokens, not one", field="z_token", remedy="choose a single token"
            )
        if ids[0] in (*ends, tokenizer.eos_token_id, tokenizer.pad_token_id):
            raise InputError(f"{z_token!r} ends or pads sequences", field="z_token", remedy="choose an unused token")
        return z_token, ids[0]
    found = candidates(tokenizer, ends)
    if found:
        return found[0].token, found[0].z_id
    raise InputError("this tokenizer has no spare token", field="z_token", remedy="name one with --z-token")


def unused_tokens(tokenizer: PreTrainedTokenizerBase, ends: Collection[int] = ()) -> list[tuple[str, int]]:
    """The candidates as pairs of token and id."""
    return [(candidate.token, candidate.z_id) for candidate in candidates(tokenizer, ends)]


def with_verdict_token(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, z_token: str = "", ends: Collection[int] = ()
) -> Candidate:
    """The verdict token as :func:`choose_z_token` chooses it; a model that has no spare token gets :data:`NEW_TOKEN`.

    Both arguments change in place where one is added.
    """
    vocabulary = tokenizer.get_added_vocab()
    if NEW_TOKEN in vocabulary:
        _make_row(model, vocabulary[NEW_TOKEN])  # an adapter's tokenizer has the token that its model lacks
    if z_token == NEW_TOKEN and NEW_TOKEN not in vocabulary:
        return add_token(model, tokenizer)  # what a model trained from this one has
    if z_token:
        return Candidate(*choose_z_token(tokenizer, z_token, ends), NAMED)
    found = candidates(tokenizer, ends)
    return found[0] if found else add_token(model, tokenizer)


def add_token(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Candidate:
    """Add :data:`NEW_TOKEN` to the tokenizer, and a row for it to the embeddings where none is spare.

    Many models have more rows than tokens: those rows were only ever pushed down, as a reserved token's is, and one of
    them serves. A new row is the mean of the others, so that its logit is the mean logit: low, and the same for models
    that are loaded twice.
    """
    tokenizer.add_tokens([AddedToken(NEW_TOKEN, special=True, normalized=False)])
    z_id = int(tokenizer.get_vocab()[NEW_TOKEN])
    _make_row(model, z_id)
    return Candidate(NEW_TOKEN, z_id, NEW)


@torch.no_grad()
def _make_row(model: PreTrainedModel, z_id: int) -> None:
    """Give a token a row in the embeddings, the mean of the others, where it has none."""
    rows = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    if z_id < rows:
        return
    model.resize_token_embeddings(z_id + 1, mean_resizing=False)
    embeddings, head = cast(nn.Embedding, model.get_input_embeddings()), model.get_output_embeddings()
    for weight in {id(w): w for w in (embeddings.weight, head.weight)}.values():  # one, where they are tied
        weight[z_id] = weight[:rows].mean(0)
    if getattr(head, "bias", None) is not None:
        head.bias[z_id] = head.bias[:rows].mean()

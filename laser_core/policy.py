"""Load a causal LM as a policy, and choose and check its verdict token z_c."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import transformers.utils.logging as hf_logging
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase

from laser_core.bundled import PREFIX, model_path
from laser_core.errors import InputError
from laser_core.fast.precision import cast

hf_logging.disable_progress_bar()  # the command line draws its own

# Tokens that ship unused with well-known models (the paper's choices first), then what such tokens are usually called.
_KNOWN_UNUSED = ("<|vision_start|>", "<|reserved_special_token_0|>")
_BOXED = "{problem}\nPlease reason step by step, and put your final answer within \\boxed{}."
_LOOKS_UNUSED = re.compile(r"reserved|unused|extra_id|fim_", re.IGNORECASE)


@dataclass(frozen=True)
class Policy:
    """A causal LM, its tokenizer, and the verdict token whose log-prob becomes the score.

    Attributes
    ----------
    name : str
        What it was loaded from.
    model : PreTrainedModel
        From transformers.
    tokenizer : PreTrainedTokenizerBase
        From transformers.
    z_token : str
        The verdict token z_c.
    z_id : int
        Its id.
    more_z_ids : tuple of int
        Further tokens whose log-probs are averaged with z_c's; none in the paper.
    z_wrong_id : int, optional
        Id of z_i, the verdict token for an incorrect solution; the cross-entropy ablation alone has one.
    prompt : str
        What the model is asked, with ``{problem}`` in the problem's place. Empty: the problem alone, or for a model
        with a chat template the usual request for a boxed answer.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    z_token: str
    z_id: int
    more_z_ids: tuple[int, ...] = ()
    z_wrong_id: int | None = None
    prompt: str = ""

    def z_logprob(self, logprobs: torch.Tensor) -> torch.Tensor:
        """log pi(z_c) of shape (...), from log-probs of shape (..., V); the mean over several verdict tokens."""
        if not self.more_z_ids:
            return logprobs[..., self.z_id]
        return logprobs[..., [self.z_id, *self.more_z_ids]].mean(-1)

    @property
    def eos_id(self) -> int:
        """The token that ends a solution."""
        return self.tokenizer.eos_token_id

    @property
    def pad_id(self) -> int:
        """The token that pads rows; attention never sees it."""
        pad = self.tokenizer.pad_token_id
        return self.eos_id if pad is None else pad

    def encode_prompt(self, problem: str) -> list[int]:
        """Token ids of a problem as the model gets it: through its chat template where it has one."""
        ask = (self.prompt or (_BOXED if self.tokenizer.chat_template else "{problem}")).replace("{problem}", problem)
        if self.tokenizer.chat_template:
            message = [{"role": "user", "content": ask}]
            encoded = self.tokenizer.apply_chat_template(message, add_generation_prompt=True, return_dict=True)
            assert isinstance(encoded, BatchEncoding)  # what return_dict=True returns
            return list(encoded["input_ids"])
        return self.tokenizer.encode(ask)

    @property
    def head(self) -> torch.nn.Linear:
        """The output layer."""
        return self.model.get_output_embeddings()

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """The output layer's logits, always in float32: near -23 nats bfloat16 resolves no better than 1/8 nat."""
        head = self.head
        bias = getattr(head, "bias", None)
        return F.linear(hidden.float(), head.weight.float(), None if bias is None else bias.float())

    def cast(self, dtype: torch.dtype) -> Policy:
        """A copy of the policy with its weights in ``dtype``, to sample from; on a CPU twice as fast as autocast."""
        return replace(self, model=cast(self.model, dtype))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of a response, without its special tokens."""
        text = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        assert isinstance(text, str)  # one sequence of tokens, one text
        return text


def load_policy(name: str, *, z_token: str = "") -> Policy:
    """Load a causal LM by Hugging Face name, local folder, or ``bundled:base``.

    Only safetensors weights are loaded, and code shipped with a model is never run.

    Parameters
    ----------
    name : str
        Hugging Face name, folder, or ``bundled:`` and a name.
    z_token : str
        The verdict token; empty: one that the model ships unused.

    Returns
    -------
    Policy

    Raises
    ------
    InputError
        If the model cannot be loaded, or the token cannot serve as z_c.
    """
    path = model_path(name)
    if (name.startswith(PREFIX) or path.startswith((".", "/"))) and not Path(path).is_dir():
        raise InputError("there is no such model folder", file=path, field="model", remedy="check the path")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path, trust_remote_code=False, use_safetensors=True, dtype=torch.float32, attn_implementation="eager"
        )
    except (OSError, ValueError, ImportError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"not a model that can be loaded ({first})",
            file=name,
            field="model",
            remedy="give a folder with config.json, tokenizer.json and model.safetensors, or a Hugging Face name",
        ) from None
    if tokenizer.eos_token_id is None:
        raise InputError("its tokenizer has no end-of-sequence token", file=name, field="model", remedy="set eos_token")
    model.eval()
    z_token, z_id = choose_z_token(tokenizer, z_token)
    return Policy(name, model, tokenizer, z_token, z_id)


def choose_z_token(tokenizer: PreTrainedTokenizerBase, z_token: str = "") -> tuple[str, int]:
    """The verdict token and its id: the requested one if it is usable, or one that the model ships unused.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
    z_token : str
        The requested token; empty for any unused one.

    Returns
    -------
    z_token : str
    z_id : int

    Raises
    ------
    InputError
        If ``z_token`` is not a single token, if it ends or pads sequences, or if no unused token is known.
    """
    if z_token:
        ids = tokenizer.encode(z_token, add_special_tokens=False)
        if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
            raise InputError(
                f"{z_token!r} is {len(ids)} tokens, not one", field="z_token", remedy="choose a single token"
            )
        if ids[0] in (tokenizer.eos_token_id, tokenizer.pad_token_id):
            raise InputError(f"{z_token!r} ends or pads sequences", field="z_token", remedy="choose an unused token")
        return z_token, ids[0]
    unused = unused_tokens(tokenizer)
    if unused:
        return unused[0]
    raise InputError(
        "this tokenizer has no token known to be unused", field="z_token", remedy="name one with --z-token"
    )


def unused_tokens(tokenizer: PreTrainedTokenizerBase) -> list[tuple[str, int]]:
    """Tokens that the model ships unused, with their ids: the well-known ones first, then by id."""
    added = tokenizer.get_added_vocab()
    named = [(token, z_id) for token, z_id in sorted(added.items(), key=lambda item: item[1])]
    never = (tokenizer.eos_token_id, tokenizer.pad_token_id)
    known = [(token, added[token]) for token in _KNOWN_UNUSED if token in added]
    return known + [
        (token, z_id)
        for token, z_id in named
        if _LOOKS_UNUSED.search(token) and z_id not in never and (token, z_id) not in known
    ]

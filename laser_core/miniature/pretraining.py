"""The miniature base model: a Llama of a million parameters, pre-trained on solutions that check themselves carelessly.

``laser base --out DIR`` trains it in a quarter of an hour on one core and saves a standard Hugging Face folder. Two
things make it a base model that LaSeR can start from:

1. It can check, and does not say so where the score is read. Its corpus (:mod:`laser_core.tasks.guess_and_check`) has
   solvers that notice a failed check and often shrug: the model learns to compare, because trying again follows failed
   checks alone. After an accepted answer, at <eos>, nothing tells right from wrong, so the score has to be learned.
2. The reference log-prob of its reserved tokens is low and nearly constant. In a large model that follows from never
   having seen them among 10^5 others (Qwen2.5: -23.11 +- 0.04 nats, the paper's measurement). With a hundred tokens the
   log-prob of an unseen one varies by nats, so in a last, short stage one term of the loss pins it. What LaSeR does
   without that stage is shown beside it (``bundled:base-unpinned``).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from laser_core.fast.precision import pick_dtype
from laser_core.miniature.corpus import CAREFUL, CORPUS, EXERCISES, FIRST_READER, IGNORE, corpus_batch
from laser_core.miniature.model import RESERVED, BaseConfig, hidden_states, make_model, make_tokenizer
from laser_core.runfolder.checkpoints import Checkpoints, RunState
from laser_core.tasks import Family
from laser_core.tasks.guess_and_check import Habits

MICRO_BATCH = 24  # solutions in one forward pass: what fits into a CPU's cache trains faster
CHECKPOINT_EVERY = 250  # steps


def train_base(
    config: BaseConfig,
    out: Path,
    *,
    unpinned: Path | None = None,
    dtype: str = "auto",
    on_step: Callable[[int, dict], None] | None = None,
) -> None:
    """Train the miniature base and save it as a Hugging Face folder; a training that was stopped goes on.

    Parameters
    ----------
    config : BaseConfig
    out : Path
        Receives ``model.safetensors``, ``config.json`` and ``tokenizer.json``; on the way, ``checkpoints/``.
    unpinned : Path, optional
        Receives the model as it is before its reserved tokens are pinned.
    dtype : str
        Precision of the matrix products, as in :func:`~laser_core.fast.precision.pick_dtype`.
    on_step : callable, optional
        Called with the step and ``{"loss": ..., "reserved_error": ...}``, both in nats.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    tokenizer = make_tokenizer()
    model = make_model(config, tokenizer)
    optimizer = MatricesApart(model, config)
    checkpoints, precision = Checkpoints(out, identity=str(config)), pick_dtype(dtype)
    state, _ = checkpoints.load(model, optimizer)
    done = state["step"] if state else 0
    for step, stage, offset in _schedule(config)[done:]:
        shares = FIRST_READER if offset < stage.first_steps else stage.shares
        habits = CAREFUL if offset < stage.careful_steps else Habits()
        batch = corpus_batch(shares, tokenizer, config, habits, np.random.default_rng([config.seed, step]))
        optimizer.zero_grad()
        event = corpus_gradients(model, tokenizer, batch, config, stage.reserved_weight, precision)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if unpinned and stage.reserved_weight and offset == 0:
            save_base(model, tokenizer, unpinned)
        optimizer.step(stage.learning_rate(offset))
        if on_step:
            on_step(step, event)
        if (step + 1) % CHECKPOINT_EVERY == 0:
            checkpoints.save(
                model, optimizer, RunState(step=step + 1, c_ref=0.0, c_ref_std=None, c_ref_n=0, lean=[True, True])
            )
    save_base(model, tokenizer, out)
    shutil.rmtree(checkpoints.folder, ignore_errors=True)


class MatricesApart:
    """Muon for the layers' matrices, AdamW for everything else: one optimiser to the rest of the code.

    Muon (Jordan et al. 2024) makes every update of a matrix equally large in all its directions. With it the
    base learned to compare within 24,000 solutions of the first family (``docs/world.md``).
    """

    def __init__(self, model: LlamaForCausalLM, config: BaseConfig) -> None:
        inner: list[torch.nn.Parameter] = []
        outer: list[torch.nn.Parameter] = []
        for weight in model.model.layers.parameters():
            (inner if weight.ndim == 2 else outer).append(weight)
        outer += [*model.model.embed_tokens.parameters(), *model.model.norm.parameters(), *model.lm_head.parameters()]
        self.matrices = torch.optim.Muon(inner, lr=config.matrix_lr, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
        self.others = torch.optim.AdamW(outer, lr=config.lr, betas=(0.9, 0.98), weight_decay=0.05)
        self.matrix_lr, self.lr = config.matrix_lr, config.lr

    def step(self, share: float) -> None:
        """One update at this share of the peak learning rates."""
        self.matrices.param_groups[0]["lr"], self.others.param_groups[0]["lr"] = share * self.matrix_lr, share * self.lr
        self.matrices.step()
        self.others.step()

    def zero_grad(self) -> None:
        """Forget all gradients."""
        self.matrices.zero_grad()
        self.others.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """Of both."""
        return {"matrices": self.matrices.state_dict(), "others": self.others.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Of both."""
        self.matrices.load_state_dict(state_dict["matrices"])
        self.others.load_state_dict(state_dict["others"])


@dataclass(frozen=True)
class Stage:
    """A stage of pre-training.

    Attributes
    ----------
    steps : int
    lr_share : float
        Of the peak learning rates.
    shares : dict of Family to float
        Each family's share of the corpus.
    careful_steps : int
        Steps, at first, on solutions of careful solvers.
    first_steps : int
        Steps, at first, on :data:`FIRST_READER` instead.
    reserved_weight : float
        Weight of the term that pins the reserved tokens.
    """

    steps: int
    lr_share: float = 1.0
    shares: dict[Family, float] = field(default_factory=lambda: CORPUS)
    careful_steps: int = 0
    first_steps: int = 0
    reserved_weight: float = 0.0

    def learning_rate(self, step: int) -> float:
        """Share of the peak learning rates: rises over the stage's first tenth, then falls along half a cosine to zero.

        Examples
        --------
        >>> stage = Stage(steps=100)
        >>> [round(stage.learning_rate(step), 3) for step in (0, 9, 54, 99)]
        [0.1, 1.0, 0.509, 0.0]
        """
        rise = max(1, self.steps // 10)
        if step < rise:
            return self.lr_share * (step + 1) / rise
        return self.lr_share * (1 + math.cos(math.pi * (step + 1 - rise) / (self.steps - rise + 1))) / 2


def _schedule(config: BaseConfig) -> list[tuple[int, Stage, int]]:
    """Every step with its stage and its number within it."""
    stages = (
        Stage(config.steps, careful_steps=config.careful_steps, first_steps=config.first_steps),
        Stage(config.again_steps, lr_share=0.5, shares=EXERCISES, careful_steps=config.again_careful_steps),
        Stage(config.again_steps, shares=EXERCISES, careful_steps=config.again_careful_steps),
        Stage(config.again_steps, shares=EXERCISES, careful_steps=config.again_careful_steps),
        Stage(config.settle_steps, lr_share=config.settle_lr_share, reserved_weight=config.reserved_weight),
    )
    steps = [(stage, offset) for stage in stages for offset in range(stage.steps)]
    return [(step, stage, offset) for step, (stage, offset) in enumerate(steps)]


def total_steps(config: BaseConfig) -> int:
    """How many steps the whole pre-training takes."""
    return len(_schedule(config))


def corpus_gradients(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    config: BaseConfig,
    reserved_weight: float,
    dtype: torch.dtype,
) -> dict[str, float]:
    """Gradients of a batch of the corpus: of the cross-entropy of what is written, and of the pinning term.

    Returns
    -------
    dict
        ``loss`` and ``reserved_error``, the root mean square distance of the reserved tokens' log-probs from where
        they are pinned, both in nats.
    """
    reserved = torch.tensor(tokenizer.convert_tokens_to_ids(list(RESERVED)))
    tokens, labels, weight = batch
    is_end, kept = labels == tokenizer.eos_token_id, labels != IGNORE
    is_end = torch.cat([torch.zeros_like(is_end[:, :1]), is_end[:, :-1]], dim=1)  # at <eos>, not before it
    kept_or_end = kept | is_end
    total_weight, n_kept, n_ends = weight[kept].sum(), kept.sum(), is_end.sum()
    totals = torch.zeros(2)
    parts = (part.split(MICRO_BATCH) for part in (tokens, labels, weight, kept, is_end, kept_or_end))
    for micro_batch in zip(*parts, strict=True):
        longest = int((micro_batch[0] != tokenizer.pad_token_id).sum(1).max())
        t, y, w, k, e, read = (part[:, :longest] for part in micro_batch)
        hidden = hidden_states(model, t, dtype)  # (b, T, D)
        logprobs = F.linear(hidden[read].float(), model.lm_head.weight).log_softmax(-1)  # (b, T, D) -> (m, V)
        loss = (w[k] * F.nll_loss(logprobs[k[read]], y[k], reduction="none")).sum() / total_weight
        # The end, a thirtieth of all positions, counts as much as all other positions together.
        off = (logprobs[:, reserved] - config.reserved_logprob).square().mean(1)  # (m,)
        pinned = (off[e[read]].sum() / n_ends + off[~e[read]].sum() / n_kept) / 2
        (loss + reserved_weight * pinned).backward()
        totals += torch.stack([loss.detach(), pinned.detach()])
    return {"loss": totals[0].item(), "reserved_error": totals[1].sqrt().item()}


def save_base(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write the model and its tokenizer as a Hugging Face folder."""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)

"""Log-probs of given solutions: of their tokens, and of z_c after their <eos>, from one forward pass.

A causal LM's output at position i predicts token i + 1. The log-prob of a response's first token is therefore found at
the prompt's last position, and z_c's at the position of <eos>: nothing follows <eos>, so z_c is simply the target.
Logits are computed at those positions only, and for a large vocabulary a chunk at a time: an array of shape (batch,
tokens, vocabulary) never exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from laser_core.fast import architectures, llama
from laser_core.fast.llama import FastLlama, SharedForward
from laser_core.fast.precision import autocast
from laser_core.fast.recompute import recomputing
from laser_core.fast.sizes import CHUNK_LOGITS, LONG
from laser_core.policy import Policy
from laser_core.solutions import Solutions as Solutions

# Sizes in the shapes: B solutions of T response tokens, L tokens with the prompt; G distinct prompts of P tokens; U
# distinct solutions; S = T + 1; D the model's width; M positions at which logits are computed; R some rows of B; K of
# several tokens.


@dataclass(frozen=True)
class Scored:
    """What a forward pass gives for B solutions. Log-probs and entropies in nats; T is the longest response's length.

    Attributes
    ----------
    logprob : Tensor of shape (B, T)
        Of each response token; 0 in the padding.
    mask : bool Tensor of shape (B, T)
        True at response tokens.
    z_logprob : Tensor of shape (B,)
        log pi(z_c | x, y, <eos>); 0 where the response has no <eos>.
    z_trace : Tensor of shape (B, T), optional
        log pi(z_c) after each response token; 0 in the padding.
    entropy : Tensor of shape (B, T), optional
        Of the distribution that predicts each response token; 0 in the padding.
    z_wrong_logprob : Tensor of shape (B,), optional
        log pi(z_i | x, y, <eos>); 0 where the response has no <eos>.
    """

    logprob: Float[Tensor, "B T"]
    mask: Bool[Tensor, "B T"]
    z_logprob: Float[Tensor, "B"]
    z_trace: Float[Tensor, "B T"] | None = None
    entropy: Float[Tensor, "B T"] | None = None
    z_wrong_logprob: Float[Tensor, "B"] | None = None

    def rows(self, index: Int[Tensor, "R"]) -> Scored:
        """Some of the rows, each any number of times."""
        return self._map(lambda values: values.index_select(0, index.to(values.device)))

    def cpu(self) -> Scored:
        """The same on the CPU."""
        return self._map(lambda values: values.cpu())

    def _map(self, change: Callable[[Tensor], Tensor]) -> Scored:
        return Scored(
            change(self.logprob),
            change(self.mask),
            change(self.z_logprob),
            None if self.z_trace is None else change(self.z_trace),
            None if self.entropy is None else change(self.entropy),
            None if self.z_wrong_logprob is None else change(self.z_wrong_logprob),
        )


def score_solutions(
    policy: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32, traces: bool = False
) -> Scored:
    """One forward pass over prompts and responses; gradients flow unless the caller switched them off.

    Parameters
    ----------
    policy : Policy
    solutions : Solutions
    dtype : torch.dtype
        Precision of the matrix products below the output layer, which always runs in float32.
    traces : bool
        Whether to return ``z_trace`` and ``entropy``, too.

    Returns
    -------
    Scored
    """
    return _read(policy, solutions, _states(policy, solutions, dtype), traces)


@torch.inference_mode()
def score_last_tokens(
    policy: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "B"]:
    """log pi(z_c | x, y, <eos>) alone, in nats; 0 where the response has no <eos>.

    Logits are computed at one position of each solution. For a large vocabulary that saves most of the work of
    :func:`score_solutions`.
    """
    read = [policy.z_logprob(logprobs).clone() for logprobs in _last_logprobs(policy, solutions, dtype)]
    return torch.cat(read) * solutions.ended.to(policy.model.device)


@torch.inference_mode()
def last_logprobs_of(
    policy: Policy, solutions: Solutions, ids: Sequence[int], *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "B K"]:
    """log pi(token | x, y, <eos>) of several tokens, in nats, whether or not the response has an <eos>."""
    columns = torch.tensor(ids, device=policy.model.device)
    return torch.cat([logprobs[:, columns] for logprobs in _last_logprobs(policy, solutions, dtype)])


def _last_logprobs(policy: Policy, solutions: Solutions, dtype: torch.dtype) -> Iterator[Float[Tensor, "b V"]]:
    """The log-probs after each solution's last token, some solutions at a time."""
    for part in torch.split(last_states(policy, solutions, dtype=dtype), _rows_at_once(policy)):
        yield policy.logits(part).log_softmax(-1)


def last_states(policy: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32) -> Float[Tensor, "B D"]:
    """The last hidden state at each solution's last token: what log pi(z_c | x, y, <eos>) is computed from."""
    states = _states(policy, solutions, dtype)  # (B, T + 1, D)
    length = solutions.length.to(states.device)
    return states[torch.arange(len(length), device=states.device), length]


def score_in_micro_batches(
    policy: Policy,
    solutions: Solutions,
    *,
    max_tokens: int,
    dtype: torch.dtype = torch.float32,
    recompute: bool = False,
) -> Iterator[tuple[Int[Tensor, "R"], Scored]]:
    """Score solutions for a training step, a micro-batch at a time.

    A prompt is run once for all its solutions, and equal solutions of a prompt are run once: a confident policy repeats
    itself. Call ``backward()`` on each micro-batch's loss before taking the next one, and take them all: the gradient
    of what they share follows after the last.

    Parameters
    ----------
    policy : Policy
    solutions : Solutions
    max_tokens : int
        Most tokens in one micro-batch, padding included.
    dtype : torch.dtype
        As in :func:`score_solutions`.
    recompute : bool
        Whether the backward pass computes the layers again, where the model's own forward pass is used.

    Yields
    ------
    rows : int64 Tensor of shape (R,)
        Which solutions the micro-batch holds.
    scored : Scored
        Their log-probs.
    """
    first, same = solutions.distinct()
    once = solutions.rows(first)
    read = _SharedReader(policy, once, max_tokens, dtype, recompute)
    for batch in once.micro_batches(max_tokens):
        place = torch.full((len(first),), -1)  # of a distinct solution in this micro-batch
        place[batch] = torch.arange(len(batch))
        rows = (place[same] >= 0).nonzero().squeeze(1)
        yield rows, read(batch).rows(place[same[rows]])
    read.close()


class _SharedReader:
    """Scores rows of ``solutions``; :meth:`close` passes on the gradients that gathered at the parts they share."""

    def __init__(
        self, policy: Policy, solutions: Solutions, max_tokens: int, dtype: torch.dtype, recompute: bool
    ) -> None:
        self.policy, self.solutions, self.dtype, self.recompute = policy, solutions, dtype, recompute
        self.shared = None
        if _is_lean(policy, solutions):
            prompts, length, self.group = solutions.distinct_prompts(policy.model.device)
            self.shared = SharedForward(policy.model, dtype, prompts, length, max_tokens)

    def __call__(self, rows: Tensor) -> Scored:
        part = self.solutions.rows(rows)
        if self.shared is None:
            return _read(self.policy, part, _model_states(self.policy, part, self.dtype, self.recompute))
        states = self.shared(self.group[rows.to(self.group.device)], part.responses().to(self.group.device))
        return _read(self.policy, part, states)

    def close(self) -> None:
        if self.shared is not None:
            self.shared.close()


def _states(policy: Policy, solutions: Solutions, dtype: torch.dtype) -> Float[Tensor, "B S D"]:
    """Hidden states at the prompt's end and at each response token."""
    if not _is_lean(policy, solutions):
        return _model_states(policy, solutions, dtype)
    forward = FastLlama(policy.model, dtype)
    prompts, length, group = solutions.distinct_prompts(policy.model.device)
    states = llama.PromptStates.of(forward, prompts, length)
    return llama.response_states(forward, states, group, solutions.responses().to(group.device))


def _is_lean(policy: Policy, solutions: Solutions) -> bool:
    """Whether the lean forward pass reads these solutions."""
    return policy.lean.training and solutions.tokens.shape[1] < LONG and architectures.supports(policy.model)


def _rows_at_once(policy: Policy) -> int:
    """At how many positions to hold logits at once. Without gradients four such arrays exist side by side."""
    most = CHUNK_LOGITS if torch.is_grad_enabled() else CHUNK_LOGITS // 4
    return max(1, most // policy.head.weight.shape[0])


def _model_states(
    policy: Policy, solutions: Solutions, dtype: torch.dtype, recompute: bool = False
) -> Float[Tensor, "B S D"]:
    """The same from the model's own forward pass."""
    device = policy.model.device
    tokens, start = solutions.tokens.to(device), solutions.prompt_length.to(device)
    mixed = dtype if policy.model.dtype == torch.float32 else torch.float32  # weights in dtype need no casting
    with autocast(mixed, device.type), recomputing(policy.model, recompute and torch.is_grad_enabled()):
        # Padding is to the right of everything that matters, where causal attention cannot see it: no mask needed.
        hidden: Tensor = policy.model.base_model(tokens, use_cache=False).last_hidden_state  # (B, L, D)
    offset = torch.arange(int(solutions.length.max()) + 1, device=device)
    position = (start[:, None] - 1 + offset).clamp(max=tokens.shape[1] - 1)  # (B, T + 1)
    return hidden.gather(1, position[:, :, None].expand(-1, -1, hidden.shape[-1]))


def _read(policy: Policy, solutions: Solutions, states: Float[Tensor, "B S D"], traces: bool = False) -> Scored:
    """Log-probs from the hidden states at the prompt's end and at each response token."""
    device = states.device
    length, ended = solutions.length.to(device), solutions.ended.to(device)
    responses = solutions.responses().to(device)
    offset = torch.arange(states.shape[1], device=device)
    wanted = offset <= length[:, None]  # (B, T + 1): the response's tokens, and what follows the last of them
    # After the last token: z_c.
    target = F.pad(responses, (0, 1), value=policy.z_id).masked_fill(offset == length[:, None], policy.z_id)

    at = states.flatten(0, 1).index_select(0, wanted.flatten().nonzero().squeeze(1))  # (B, T + 1, D) -> (M, D)
    readings = _read_logprobs(policy, at, target[wanted], traces)
    grids = [torch.zeros(wanted.shape, device=device).masked_scatter(wanted, r) for r in readings]  # (M,) -> (B, T + 1)
    after_last = grids[0].gather(1, length[:, None]).squeeze(1)  # (B,)
    z_wrong_logprob = None
    if policy.more_z_ids or policy.z_wrong_id is not None:  # further verdict tokens: from the last positions alone
        last = states[torch.arange(len(length), device=device), length]  # (B, T + 1, D) -> (B, D)
        logprobs = policy.logits(last).log_softmax(-1)  # (B, V)
        after_last = policy.z_logprob(logprobs)
        if policy.z_wrong_id is not None:
            z_wrong_logprob = torch.where(ended, logprobs[:, policy.z_wrong_id], torch.zeros_like(after_last))
    mask = offset[:-1] < length[:, None]
    return Scored(
        logprob=grids[0][:, :-1] * mask,
        mask=mask,
        z_logprob=torch.where(ended, after_last, torch.zeros_like(after_last)),
        z_trace=grids[1][:, 1:] * mask if traces else None,
        entropy=grids[2][:, :-1] * mask if traces else None,
        z_wrong_logprob=z_wrong_logprob,
    )


def _read_logprobs(
    policy: Policy, hidden: Float[Tensor, "M D"], target: Int[Tensor, "M"], traces: bool
) -> tuple[Float[Tensor, "M"], ...]:
    """Log-probs of the targets; with ``traces`` also z_c's log-prob and the entropy."""

    def read(hidden: Tensor, target: Tensor) -> tuple[Tensor, ...]:
        logprobs = policy.logits(hidden).log_softmax(-1)  # (m, D) -> (m, V)
        picked = logprobs.gather(1, target[:, None]).squeeze(1)
        if not traces:
            return (picked,)
        # A copy: a view of one column would keep all of the chunk's log-probs alive.
        return picked, policy.z_logprob(logprobs).clone(), -(logprobs.exp() * logprobs).sum(1)

    step = _rows_at_once(policy)
    if len(hidden) <= step:
        return read(hidden, target)
    # Recompute a chunk's logits in the backward pass rather than keep them all.
    chunks = [
        checkpoint(read, h, t, use_reentrant=False) if torch.is_grad_enabled() else read(h, t)
        for h, t in zip(torch.split(hidden, step), torch.split(target, step), strict=True)
    ]
    return tuple(torch.cat(parts) for parts in zip(*chunks, strict=True))

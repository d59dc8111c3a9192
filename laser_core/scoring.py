"""Log-probs of given solutions: of their tokens, and of z_c after their <eos>, from one forward pass.

A causal LM's output at position i predicts token i + 1. So the log-prob of a response's first token is read at the
prompt's last position, and z_c's at the position of <eos>, where nothing follows: z_c is simply the target there.
Logits exist only at those positions, and for a large vocabulary only a chunk at a time: (batch, tokens, vocabulary) is
never held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint

from laser_core.fast import llama
from laser_core.fast.llama import FastLlama, SharedForward
from laser_core.fast.precision import autocast
from laser_core.policy import Policy

CHUNK_LOGITS = 2**25  # most logits held at once (128 MiB in float32)


@dataclass(frozen=True)
class Solutions:
    """Prompts with their solutions, right-padded, ready for a forward pass.

    Attributes
    ----------
    tokens : int64 Tensor of shape (B, L), prompt then response.
    prompt_length, length : int64 Tensors of shape (B,), tokens; ``length`` counts the response's, <eos> included.
    ended : bool Tensor of shape (B,), whether the response closes with <eos>.
    """

    tokens: Tensor
    prompt_length: Tensor
    length: Tensor
    ended: Tensor

    @classmethod
    def pack(cls, prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]], policy: Policy) -> Solutions:
        """From lists of token ids."""
        rows = [torch.tensor([*p, *r]) for p, r in zip(prompts, responses, strict=True)]
        return cls(
            tokens=pad_sequence(rows, batch_first=True, padding_value=policy.pad_id),
            prompt_length=torch.tensor([len(p) for p in prompts]),
            length=torch.tensor([len(r) for r in responses]),
            ended=torch.tensor([len(r) > 0 and r[-1] == policy.eos_id for r in responses]),
        )

    def rows(self, index: Tensor) -> Solutions:
        """Some of the rows, cut to the longest of them."""
        longest = int((self.prompt_length[index] + self.length[index]).max())
        return Solutions(self.tokens[index, :longest], self.prompt_length[index], self.length[index], self.ended[index])

    def responses(self) -> Tensor:
        """The responses' tokens, (B, T), right-padded with whatever follows them."""
        offset = torch.arange(int(self.length.max()))
        return self.tokens.gather(1, (self.prompt_length[:, None] + offset).clamp(max=self.tokens.shape[1] - 1))

    def distinct(self) -> tuple[Tensor, Tensor]:
        """The first row of each distinct solution, (U,), and which of these each row equals, (B,)."""
        total = (self.prompt_length + self.length).tolist()
        starts = self.prompt_length.tolist()
        numbers: dict[tuple, int] = {}
        first, same = [], []
        for row, (tokens, n, start) in enumerate(zip(self.tokens.tolist(), total, starts, strict=True)):
            number = numbers.setdefault((start, *tokens[:n]), len(numbers))
            if number == len(first):
                first.append(row)
            same.append(number)
        return torch.tensor(first), torch.tensor(same)

    def distinct_prompts(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Each prompt once: tokens of shape (G, P), right-padded, lengths (G,), and whose prompt each row has, (B,)."""
        numbers: dict[tuple[int, ...], int] = {}
        lengths = self.prompt_length.tolist()
        rows = [tuple(row[:n]) for row, n in zip(self.tokens.tolist(), lengths, strict=True)]
        group = torch.tensor([numbers.setdefault(row, len(numbers)) for row in rows])
        prompts = pad_sequence([torch.tensor(prompt) for prompt in numbers], batch_first=True)
        return prompts.to(device), torch.tensor([len(prompt) for prompt in numbers]).to(device), group.to(device)

    def micro_batches(self, max_tokens: int) -> Iterator[Tensor]:
        """Row indices of batches of similar length, none above ``max_tokens`` padded tokens (but at least one row)."""
        total = self.prompt_length + self.length
        batch: list[int] = []
        for row in total.argsort(descending=True, stable=True).tolist():
            if batch and (len(batch) + 1) * int(total[batch[0]]) > max_tokens:
                yield torch.tensor(batch)
                batch = []
            batch.append(row)
        if batch:
            yield torch.tensor(batch)


@dataclass(frozen=True)
class Scored:
    """What a forward pass says of solutions. Log-probs and entropies in nats; T is the longest response.

    Attributes
    ----------
    logprob : Tensor of shape (B, T), of each response token; 0 in the padding.
    mask : bool Tensor of shape (B, T), True at response tokens.
    z_logprob : Tensor of shape (B,), log pi(z_c | x, y, <eos>); 0 where the response has no <eos>.
    z_trace : Tensor of shape (B, T) or None, log pi(z_c) after each response token; 0 in the padding.
    entropy : Tensor of shape (B, T) or None, of the distribution that predicts each response token; 0 in the padding.
    z_wrong_logprob : Tensor of shape (B,) or None, log pi(z_i | x, y, <eos>); 0 where the response has no <eos>.
    """

    logprob: Tensor
    mask: Tensor
    z_logprob: Tensor
    z_trace: Tensor | None = None
    entropy: Tensor | None = None
    z_wrong_logprob: Tensor | None = None

    def rows(self, index: Tensor) -> Scored:
        """Some of the rows, any number of times."""
        values = (getattr(self, f.name) for f in fields(self))
        return Scored(*(v if v is None else v.index_select(0, index.to(v.device)) for v in values))


def score_solutions(
    policy: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32, traces: bool = False
) -> Scored:
    """One forward pass over prompts and responses; gradients flow unless the caller switched them off.

    Parameters
    ----------
    policy : Policy
    solutions : Solutions
    dtype : precision of the matrix products below the output layer, which always runs in float32
    traces : also return ``z_trace`` and ``entropy``

    Returns
    -------
    Scored
    """
    return _read(policy, solutions, _states(policy, solutions, dtype), traces)


@torch.inference_mode()
def score_last_tokens(policy: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """log pi(z_c | x, y, <eos>) alone, nats, of shape (B,); 0 where the response has no <eos>.

    Logits are computed at one position a solution: for a large vocabulary that is most of the work of
    :func:`score_solutions` saved.
    """
    states = _states(policy, solutions, dtype)  # (B, T + 1, D)
    length = solutions.length.to(states.device)
    last = states[torch.arange(len(length), device=states.device), length]  # (B, D)
    read = [policy.z_logprob(policy.logits(part).log_softmax(-1)).clone() for part in last.split(_rows_at_once(policy))]
    return torch.cat(read) * solutions.ended.to(states.device)


def score_in_micro_batches(
    policy: Policy, solutions: Solutions, *, max_tokens: int, dtype: torch.dtype = torch.float32
) -> Iterator[tuple[Tensor, Scored]]:
    """Score solutions for a training step: yields row indices and what was read of them, a micro-batch at a time.

    A prompt is run once for all its solutions, and equal solutions of a prompt are run once: a policy that is sure of
    its words repeats itself. Call ``backward()`` on each micro-batch's loss before taking the next, and take them all:
    the gradient of what they share follows after the last.

    Parameters
    ----------
    policy, solutions, dtype : as for :func:`score_solutions`
    max_tokens : most tokens in one micro-batch, padding included
    """
    first, same = solutions.distinct()
    once = solutions.rows(first)
    read = _SharedReader(policy, once, max_tokens, dtype)
    for batch in once.micro_batches(max_tokens):
        place = torch.full((len(first),), -1)  # of a distinct solution in this micro-batch
        place[batch] = torch.arange(len(batch))
        rows = (place[same] >= 0).nonzero().squeeze(1)
        yield rows, read(batch).rows(place[same[rows]])
    read.close()


class _SharedReader:
    """Reads rows of ``solutions``; :meth:`close` passes on what their backward passes left at the shared parts."""

    def __init__(self, policy: Policy, solutions: Solutions, max_tokens: int, dtype: torch.dtype) -> None:
        self.policy, self.solutions, self.dtype = policy, solutions, dtype
        self.shared = None
        if llama.supports(policy.model):
            prompts, length, self.group = solutions.distinct_prompts(policy.model.device)
            self.shared = SharedForward(policy.model, dtype, prompts, length, max_tokens)

    def __call__(self, rows: Tensor) -> Scored:
        part = self.solutions.rows(rows)
        if self.shared is None:
            return score_solutions(self.policy, part, dtype=self.dtype)
        states = self.shared(self.group[rows.to(self.group.device)], part.responses().to(self.group.device))
        return _read(self.policy, part, states)

    def close(self) -> None:
        if self.shared is not None:
            self.shared.close()


def _states(policy: Policy, solutions: Solutions, dtype: torch.dtype) -> Tensor:
    """Hidden states of shape (B, T + 1, D): at the prompt's end and at each response token."""
    if not llama.supports(policy.model):
        return _model_states(policy, solutions, dtype)
    forward = FastLlama(policy.model, dtype)
    prompts, length, group = solutions.distinct_prompts(policy.model.device)
    states = llama.PromptStates.of(forward, prompts, length)
    return llama.response_states(forward, states, group, solutions.responses().to(group.device))


def _rows_at_once(policy: Policy) -> int:
    """How many positions' logits to hold at once. Without gradients four such arrays live side by side."""
    most = CHUNK_LOGITS if torch.is_grad_enabled() else CHUNK_LOGITS // 4
    return max(1, most // policy.model.get_output_embeddings().weight.shape[0])


def _model_states(policy: Policy, solutions: Solutions, dtype: torch.dtype) -> Tensor:
    """Hidden states of shape (B, T + 1, D) where targets are read, from the model's own forward pass."""
    device = policy.model.device
    tokens, start = solutions.tokens.to(device), solutions.prompt_length.to(device)
    with autocast(dtype, device.type):
        # Padding stands to the right of everything that matters, where causal attention cannot see it: no mask needed.
        hidden = policy.model.base_model(tokens, use_cache=False).last_hidden_state  # (B, L, D)
    offset = torch.arange(int(solutions.length.max()) + 1, device=device)
    position = (start[:, None] - 1 + offset).clamp(max=tokens.shape[1] - 1)  # (B, T + 1)
    return hidden.gather(1, position[:, :, None].expand(-1, -1, hidden.shape[-1]))


def _read(policy: Policy, solutions: Solutions, states: Tensor, traces: bool = False) -> Scored:
    """Log-probs from hidden states of shape (B, T + 1, D): at the prompt's end and at each response token."""
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


def _read_logprobs(policy: Policy, hidden: Tensor, target: Tensor, traces: bool) -> tuple[Tensor, ...]:
    """Log-probs of the targets, all of shape (M,); with ``traces`` also z_c's log-prob and the entropy."""

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
        for h, t in zip(hidden.split(step), target.split(step), strict=True)
    ]
    return tuple(torch.cat(parts) for parts in zip(*chunks, strict=True))

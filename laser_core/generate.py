"""Sample solutions with a KV cache; one more decode step after <eos> gives the verdict token's log-prob.

That step is all the score costs: <eos> is fed back once, like every token before it, and log pi(z_c | x, y, <eos>) is
taken from the resulting distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from laser_core.fast.batches import Batches
from laser_core.fast.decoding import open_decoder
from laser_core.policy import Policy


@dataclass(frozen=True)
class Generation:
    """B sampled solutions, a prompt's side by side. Log-probs and entropies in nats, lengths in tokens.

    Attributes
    ----------
    prompt : int64 Tensor of shape (B, P)
        Left-padded.
    prompt_length : int64 Tensor of shape (B,)
    response : int64 Tensor of shape (B, T)
        Right-padded; the closing <eos> included.
    length : int64 Tensor of shape (B,)
        Of the response.
    logprob : Tensor of shape (B, T)
        Of each response token; 0 in the padding.
    entropy : Tensor of shape (B, T)
        Of the distribution that each token was drawn from; 0 in the padding.
    z_trace : Tensor of shape (B, T)
        log pi(z_c) after each response token; NaN in the padding.
    z_logprob : Tensor of shape (B,)
        log pi(z_c | x, y, <eos>); NaN for a truncated solution.
    truncated : bool Tensor of shape (B,)
        Whether the length limit cut the solution off.
    z_wrong_logprob : Tensor of shape (B,), optional
        log pi(z_i | x, y, <eos>), NaN for a truncated solution; only for a policy that has a z_i.
    """

    prompt: Tensor
    prompt_length: Tensor
    response: Tensor
    length: Tensor
    logprob: Tensor
    entropy: Tensor
    z_trace: Tensor
    z_logprob: Tensor
    truncated: Tensor
    z_wrong_logprob: Tensor | None = None


@torch.inference_mode()
def generate(
    policy: Policy,
    prompts: Sequence[Sequence[int]],
    *,
    samples: int,
    max_new_tokens: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    dtype: torch.dtype | None = None,
    batches: Batches | None = None,
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Generation:
    """Sample ``samples`` solutions of each prompt.

    Each prompt is run once, and so is every prefix that solutions share: a confident policy draws the same tokens many
    times. All log-probs are the untempered policy's, whatever the temperature of the draws.

    Parameters
    ----------
    policy : Policy
    prompts : sequence of sequences of int
        Token ids.
    samples : int
        Solutions of each prompt.
    max_new_tokens : int
        Length limit in tokens, <eos> included.
    generator : torch.Generator
        Decides the draws; the same state gives the same solutions.
    temperature : float
        Of the draws; 0 takes the most likely token.
    dtype : torch.dtype, optional
        Precision of the matrix products below the output layer, which always runs in float32; the model's by default.
    batches : Batches, optional
        Says how many solutions to sample side by side; by default as many as free memory holds.
    on_token : callable, optional
        Called as tokens arrive with three tensors of shape (A,): the solutions that have not ended, their new tokens,
        and log pi(z_c) after them. An exception it raises ends the sampling. Solutions that ran out of memory begin
        again.
    on_progress : callable, optional
        Called after every token with the number of solutions that got one. Unlike ``on_token`` it never waits for a
        GPU.

    Returns
    -------
    Generation
    """
    n = len(prompts) * samples
    dtype = dtype or policy.model.dtype
    batches = batches or policy.batches(dtype)
    # All draws at once: what a solution draws does not depend on which others are sampled beside it.
    uniform = torch.rand(n, max_new_tokens, generator=generator)
    prompt_of = torch.arange(len(prompts)).repeat_interleave(samples)

    def sample(start: int, stop: int) -> _Sampled:
        def token_arrived(going: Tensor, token: Tensor, z_logprob: Tensor) -> None:
            if on_token:
                on_token(going + start, token, z_logprob)

        which, row = prompt_of[start:stop].unique(return_inverse=True)
        return _sample_together(
            policy,
            [prompts[i] for i in which.tolist()],
            row,
            uniform[start:stop],
            temperature=temperature,
            dtype=dtype,
            on_token=token_arrived if on_token else None,
            on_progress=on_progress,
        )

    longest_prompt = max(map(len, prompts))
    parts = batches.sampling(sample, n, longest_prompt, max_new_tokens)
    found = parts[0] if len(parts) == 1 else _Sampled(*(torch.cat(column) for column in zip(*parts, strict=True)))
    longest = int(found.length.max())
    return Generation(
        prompt=_left_padded(prompts, policy.pad_id).repeat_interleave(samples, dim=0),
        prompt_length=torch.tensor([len(tokens) for tokens in prompts]).repeat_interleave(samples),
        response=found.response[:, :longest],
        length=found.length,
        logprob=found.logprob[:, :longest],
        entropy=found.entropy[:, :longest],
        z_trace=found.z_trace[:, :longest],
        z_logprob=found.z_logprob,
        truncated=found.z_logprob.isnan(),
        z_wrong_logprob=None if policy.z_wrong_id is None else found.z_wrong_logprob,
    )


class _Sampled(NamedTuple):
    """Solutions sampled side by side, on the CPU; as in :class:`Generation`, not cut to the longest."""

    response: Tensor
    length: Tensor
    logprob: Tensor
    entropy: Tensor
    z_trace: Tensor
    z_logprob: Tensor
    z_wrong_logprob: Tensor


def _sample_together(
    policy: Policy,
    prompts: Sequence[Sequence[int]],
    at: Tensor,
    uniform: Tensor,
    *,
    temperature: float,
    dtype: torch.dtype,
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None,
    on_progress: Callable[[int], None] | None,
) -> _Sampled:
    """Sample one solution for each row of ``uniform``, (B, most new tokens); ``at``, (B,), says which prompt it has.

    What a GPU computes stays there until the end. Each token waits for it once, to learn what was drawn: that decides
    which solutions go on, and which of them still share a row.
    """
    device, (n, most) = policy.model.device, uniform.shape
    response, length = torch.full((n, most), policy.pad_id), torch.full((n,), most)
    logprob, entropy = torch.zeros(n, most, device=device), torch.zeros(n, most, device=device)
    z_trace = torch.full((n, most), torch.nan, device=device)
    z_logprob, z_wrong_logprob = (torch.full((n,), torch.nan, device=device) for _ in range(2))
    uniform = uniform.to(device)

    decoder = open_decoder(policy.model, dtype, policy.pad_id, lean=policy.lean.sampling)
    distribution = policy.logits(decoder.start(prompts, n)).log_softmax(-1)  # (A, V), A: rows of the decoder
    going = torch.arange(n)  # solutions that have not ended; ``at``: the decoder's row that each of them is on
    for t in range(most):
        rows, row = going.to(device), at.to(device)
        probability = distribution.exp()
        spread = -torch.linalg.vecdot(probability, distribution)
        drawn = _draw(distribution, probability, temperature, row, uniform[rows, t])
        logprob[rows, t], entropy[rows, t] = distribution[row, drawn], spread[row]
        token = drawn.cpu()
        response[going, t] = token

        parent, next_token, at = _branch(at, token)
        distribution = policy.logits(decoder.step(parent, next_token, len(going))).log_softmax(-1)
        row = at.to(device)
        z_trace[rows, t] = policy.z_logprob(distribution)[row]
        if on_progress:
            on_progress(len(going))
        if on_token:
            on_token(going, token, z_trace[rows, t].cpu())

        ended = policy.ends(token)
        if bool(ended.any()):
            length[going[ended]] = t + 1
            done, row = going[ended].to(device), at[ended].to(device)
            z_logprob[done] = z_trace[done, t]
            if policy.z_wrong_id is not None:
                z_wrong_logprob[done] = distribution[row, policy.z_wrong_id]
        going, at = going[~ended], at[~ended]
        if not len(going):
            break
    decoder.close()
    computed = (logprob, entropy, z_trace, z_logprob, z_wrong_logprob)
    return _Sampled(response, length, *(values.cpu() for values in computed))


def counting(report: Callable[[int], None]) -> Callable[[int], None]:
    """A callback for ``on_progress`` that reports the tokens so far.

    Examples
    --------
    >>> arrived = counting(print)
    >>> arrived(3), arrived(2)
    3
    5
    (None, None)
    """
    tokens = 0

    def arrived(more: int) -> None:
        nonlocal tokens
        tokens += more
        report(tokens)

    return arrived


def _left_padded(prompts: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """The prompts' tokens, int64 of shape (prompts, P)."""
    width = max(map(len, prompts))
    return torch.tensor([[pad_id] * (width - len(prompt)) + list(prompt) for prompt in prompts])


def _branch(row: Tensor, token: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The decoder's next rows, one for each distinct pair of a row and a token drawn after it.

    Parameters
    ----------
    row : int64 Tensor of shape (B,)
        The row that each solution is on.
    token : int64 Tensor of shape (B,)
        What it drew.

    Returns
    -------
    parent, next_token : int64 Tensor of shape (A,)
        The row and the token that each new row continues. A row's first branch keeps its place where there is room, so
        that its cache is not copied.
    row : int64 Tensor of shape (B,)
        The new row that each solution is on.

    Examples
    --------
    Three solutions on row 0 draw 7, 8 and 7; the one on row 2 draws 5; nobody is left on row 1:

    >>> [part.tolist() for part in _branch(torch.tensor([0, 0, 0, 2]), torch.tensor([7, 8, 7, 5]))]
    [[0, 0, 2], [7, 8, 5], [0, 1, 0, 2]]
    """
    base = int(token.max()) + 1
    pair, child = (row * base + token).unique(return_inverse=True)  # (A,), sorted; (B,)
    parent, next_token = pair // base, pair % base
    first = torch.ones(len(parent), dtype=torch.bool)
    first[1:] = parent[1:] != parent[:-1]
    stays = first & (parent < len(parent))
    free = torch.ones(len(parent), dtype=torch.bool)
    free[parent[stays]] = False
    place = torch.where(stays, parent, 0)
    place[~stays] = free.nonzero().squeeze(1)
    order = place.argsort()
    return parent[order], next_token[order], place[child]


def _draw(distribution: Tensor, probability: Tensor, temperature: float, row: Tensor, uniform: Tensor) -> Tensor:
    """A token for each solution, of shape (B,): the cumulative distribution of its row, inverted at ``uniform``.

    Four times as fast as ``torch.multinomial``, which draws an exponential number for every token of the vocabulary.
    """
    if temperature == 0:
        return distribution.argmax(-1)[row]
    if temperature != 1:
        probability = (distribution / temperature).softmax(-1)
    cumulative = probability.cumsum(-1)[row]  # (A, V) -> (B, V)
    below = uniform * cumulative[:, -1]
    return torch.searchsorted(cumulative, below[:, None], right=True).squeeze(1).clamp(max=cumulative.shape[1] - 1)

"""Sample solutions with a KV cache, and read z_c's log-prob from one more decode step after <eos>.

The score costs nothing but that step: the token a solution ends with is fed back once, like every token before it, and
log pi(z_c | x, y, <eos>) is read from the distribution that comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from laser_core.decoding import open_decoder
from laser_core.policy import Policy

LEAVE_AT = 0.75  # finished rows leave the batch when no more than this share of it goes on: leaving copies the cache


@dataclass(frozen=True)
class Generation:
    """Sampled solutions; B = prompts x solutions each, a prompt's solutions side by side. Log-probs in nats.

    Attributes
    ----------
    prompt : int64 Tensor of shape (B, P), left-padded.
    prompt_length : int64 Tensor of shape (B,).
    response : int64 Tensor of shape (B, T), right-padded; the closing <eos> included.
    length : int64 Tensor of shape (B,), tokens.
    logprob : Tensor of shape (B, T), of each response token; 0 in the padding.
    entropy : Tensor of shape (B, T), of the distribution each token was drawn from; 0 in the padding.
    z_trace : Tensor of shape (B, T), log pi(z_c) after each response token; NaN in the padding.
    z_logprob : Tensor of shape (B,), log pi(z_c) after <eos>; NaN where there is none.
    truncated : bool Tensor of shape (B,), stopped by the length limit.
    z_wrong_logprob : Tensor of shape (B,), log pi(z_i) after <eos>, NaN where there is none; None without a z_i.
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
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None = None,
) -> Generation:
    """Sample ``samples`` solutions of each prompt.

    Each prompt is run once and its cache shared out; finished solutions leave the batch. All log-probs are the
    untempered policy's, whatever the temperature the tokens are drawn at.

    Parameters
    ----------
    policy : Policy
    prompts : sequence of token id sequences
    samples : solutions of each prompt
    max_new_tokens : length limit, <eos> included
    generator : decides the draws; the same generator state gives the same solutions
    temperature : 0 takes the likeliest token
    dtype : of the matrix products below the output layer, which always runs in float32; the model's by default
    on_token : called as tokens arrive, with the solutions still going, their new tokens, and log pi(z_c) after them,
        all of shape (A,); an exception it raises ends the sampling

    Returns
    -------
    Generation
    """
    device, dtype = policy.model.device, dtype or policy.model.dtype
    width, n = max(map(len, prompts)), len(prompts) * samples
    prompt = torch.full((len(prompts), width), policy.pad_id)
    for row, tokens in enumerate(prompts):
        prompt[row, width - len(tokens) :] = torch.tensor(tokens)

    response = torch.full((n, max_new_tokens), policy.pad_id)
    logprob, entropy = torch.zeros(2, n, max_new_tokens).unbind()
    z_trace = torch.full((n, max_new_tokens), torch.nan)
    z_logprob = torch.full((n,), torch.nan)
    z_wrong_logprob = None if policy.z_wrong_id is None else torch.full((n,), torch.nan)
    length = torch.full((n,), max_new_tokens)
    # All draws at once: what a solution draws depends on its row alone, not on who is still in the batch.
    uniform = torch.rand(n, max_new_tokens, generator=generator).to(device)

    decoder = open_decoder(policy.model, dtype, policy.pad_id)
    hidden = decoder.start(prompts, samples)
    distribution = policy.logits(hidden).log_softmax(-1).repeat_interleave(samples, dim=0)  # (G, V) -> (B, V)
    active = torch.arange(n)  # rows in the batch
    going = torch.ones(n, dtype=torch.bool)  # which of them have not ended
    for t in range(max_new_tokens):
        probability = distribution.exp()
        token = _draw(distribution, probability, temperature, uniform[active.to(device), t])  # (A,)
        response[active, t] = token.cpu()
        logprob[active, t] = distribution.gather(1, token[:, None]).squeeze(1).cpu()
        entropy[active, t] = -torch.linalg.vecdot(probability, distribution).cpu()

        distribution = policy.logits(decoder.step(token)).log_softmax(-1)
        z_trace[active, t] = policy.z_logprob(distribution).cpu()
        if on_token:
            on_token(active[going], response[active[going], t], z_trace[active[going], t])

        ended = going & (token == policy.eos_id).cpu()
        if ended.any():
            done = active[ended]
            z_logprob[done] = z_trace[done, t]
            if z_wrong_logprob is not None:
                z_wrong_logprob[done] = distribution[ended.to(device), policy.z_wrong_id].cpu()
            length[done] = t + 1
            going &= ~ended
            if not going.any():
                break
            if going.sum() <= LEAVE_AT * len(active):
                rows = _close_ranks(going)
                decoder.keep(rows.to(device))
                active, distribution, going = active[rows], distribution[rows.to(device)], going[rows]

    # What a finished row went on to draw until it left.
    beyond = torch.arange(max_new_tokens) >= length[:, None]
    for grid, blank in ((response, policy.pad_id), (logprob, 0.0), (entropy, 0.0), (z_trace, torch.nan)):
        grid.masked_fill_(beyond, blank)
    longest = int(length.max())
    return Generation(
        prompt=prompt.repeat_interleave(samples, dim=0),
        prompt_length=torch.tensor([len(tokens) for tokens in prompts]).repeat_interleave(samples),
        response=response[:, :longest],
        length=length,
        logprob=logprob[:, :longest],
        entropy=entropy[:, :longest],
        z_trace=z_trace[:, :longest],
        z_logprob=z_logprob,
        truncated=z_logprob.isnan(),
        z_wrong_logprob=z_wrong_logprob,
    )


def _close_ranks(going: Tensor) -> Tensor:
    """Row indices that close ranks: the last rows still going take the places of finished ones, nobody else moves.

    Examples
    --------
    >>> _close_ranks(torch.tensor([True, False, True, False, True])).tolist()
    [0, 4, 2]
    """
    rows = torch.arange(int(going.sum()))
    places = (~going[: len(rows)]).nonzero().squeeze(1)
    rows[places] = going[len(rows) :].nonzero().squeeze(1) + len(rows)
    return rows


def _draw(distribution: Tensor, probability: Tensor, temperature: float, uniform: Tensor) -> Tensor:
    """One token a row by inverting the cumulative distribution at ``uniform``, of shape (A,).

    Four times as fast as ``torch.multinomial``, which draws an exponential number for every token of the vocabulary.
    """
    if temperature == 0:
        return distribution.argmax(-1)
    if temperature != 1:
        probability = (distribution / temperature).softmax(-1)
    cumulative = probability.cumsum(-1)  # (A, V)
    below = uniform * cumulative[:, -1]
    return torch.searchsorted(cumulative, below[:, None], right=True).squeeze(1).clamp(max=cumulative.shape[1] - 1)

"""Sample solutions with a KV cache; one more decode step after <eos> gives the verdict token's log-prob.

That step is all the score costs: <eos> is fed back once, like every token before it, and log pi(z_c | x, y, <eos>) is
taken from the resulting distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

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
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None = None,
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
    on_token : callable, optional
        Called as tokens arrive with three tensors of shape (A,): the solutions that have not ended, their new tokens,
        and log pi(z_c) after them. An exception it raises ends the sampling.

    Returns
    -------
    Generation
    """
    device, n = policy.model.device, len(prompts) * samples
    response = torch.full((n, max_new_tokens), policy.pad_id)
    logprob, entropy = torch.zeros(n, max_new_tokens), torch.zeros(n, max_new_tokens)
    z_trace = torch.full((n, max_new_tokens), torch.nan)
    z_logprob = torch.full((n,), torch.nan)
    z_wrong_logprob = None if policy.z_wrong_id is None else torch.full((n,), torch.nan)
    length = torch.full((n,), max_new_tokens)
    # All draws at once: what a solution draws does not depend on which others are still going.
    uniform = torch.rand(n, max_new_tokens, generator=generator).to(device)

    decoder = open_decoder(policy.model, dtype or policy.model.dtype, policy.pad_id)
    distribution = policy.logits(decoder.start(prompts, n)).log_softmax(-1)  # (A, V), A: rows of the decoder
    going = torch.arange(n)  # solutions that have not ended
    at = torch.arange(len(prompts)).repeat_interleave(samples)  # the decoder's row that each of them is on
    for t in range(max_new_tokens):
        probability = distribution.exp()
        spread = -torch.linalg.vecdot(probability, distribution)
        token = _draw(distribution, probability, temperature, at.to(device), uniform[going.to(device), t]).cpu()
        response[going, t] = token
        logprob[going, t] = distribution[at.to(device), token.to(device)].cpu()
        entropy[going, t] = spread.cpu()[at]

        parent, next_token, at = _branch(at, token)
        hidden = decoder.step(parent.to(device), next_token.to(device))
        distribution = policy.logits(hidden).log_softmax(-1)
        z_trace[going, t] = policy.z_logprob(distribution).cpu()[at]
        if on_token:
            on_token(going, token, z_trace[going, t])

        ended = policy.ends(token)
        done = going[ended]
        z_logprob[done], length[done] = z_trace[done, t], t + 1
        if z_wrong_logprob is not None:
            z_wrong_logprob[done] = distribution[:, policy.z_wrong_id].cpu()[at[ended]]
        going, at = going[~ended], at[~ended]
        if not len(going):
            break
    decoder.close()

    longest = int(length.max())
    return Generation(
        prompt=_left_padded(prompts, policy.pad_id).repeat_interleave(samples, dim=0),
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

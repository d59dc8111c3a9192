"""Sample solutions with a KV cache, and read z_c's log-prob from one more decode step after <eos>.

The score costs nothing but that step: the token a solution ends with is fed back once, like every token before it, and
log pi(z_c | x, y, <eos>) is read from the distribution that comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from laser_core.policy import Policy


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
    on_token: Callable[[Tensor, Tensor, Tensor], None] | None = None,
) -> Generation:
    """Sample ``samples`` solutions of each prompt.

    Each prompt is run once and its cache shared out; a finished solution leaves the batch. All log-probs are the
    untempered policy's, whatever the temperature the tokens are drawn at.

    Parameters
    ----------
    policy : Policy
    prompts : sequence of token id sequences
    samples : solutions of each prompt
    max_new_tokens : length limit, <eos> included
    generator : decides the draws; the same generator state gives the same solutions
    temperature : 0 takes the likeliest token
    on_token : called as tokens arrive, with the solutions still going, their new tokens, and log pi(z_c) after them,
        all of shape (A,); an exception it raises ends the sampling

    Returns
    -------
    Generation
    """
    model, device = policy.model.base_model, policy.model.device
    width, n = max(map(len, prompts)), len(prompts) * samples
    prompt = torch.full((len(prompts), width), policy.pad_id)
    for row, tokens in enumerate(prompts):
        prompt[row, width - len(tokens) :] = torch.tensor(tokens)
    prompt_length = torch.tensor([len(tokens) for tokens in prompts]).repeat_interleave(samples)
    prompt = prompt.to(device)
    seen = torch.arange(width) >= width - torch.tensor([[len(tokens)] for tokens in prompts])  # (G, P), not padding

    response = torch.full((n, max_new_tokens), policy.pad_id)
    logprob, entropy = torch.zeros(2, n, max_new_tokens).unbind()
    z_trace = torch.full((n, max_new_tokens), torch.nan)
    z_logprob = torch.full((n,), torch.nan)
    z_wrong_logprob = None if policy.z_wrong_id is None else torch.full((n,), torch.nan)
    length = torch.full((n,), max_new_tokens)

    cache = DynamicCache(config=model.config)
    attention = seen.to(device)
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    hidden = model(prompt, attention_mask=attention, position_ids=positions, past_key_values=cache).last_hidden_state
    cache.batch_repeat_interleave(samples)
    attention = attention.repeat_interleave(samples, dim=0)  # (G, P) -> (B, P)
    position = prompt_length.to(device)
    distribution = policy.logits(hidden[:, -1]).log_softmax(-1).repeat_interleave(samples, dim=0)  # (G, V) -> (B, V)
    active = torch.arange(n)
    for t in range(max_new_tokens):
        token = _draw(distribution, temperature, generator)  # (A,), A solutions still active
        response[active, t] = token.cpu()
        logprob[active, t] = distribution.gather(1, token[:, None]).squeeze(1).cpu()
        entropy[active, t] = -(distribution.exp() * distribution).sum(1).cpu()

        attention = torch.cat([attention, attention.new_ones(len(active), 1)], dim=1)
        hidden = model(
            token[:, None], attention_mask=attention, position_ids=position[:, None], past_key_values=cache
        ).last_hidden_state
        distribution = policy.logits(hidden[:, -1]).log_softmax(-1)
        z_trace[active, t] = policy.z_logprob(distribution).cpu()
        if on_token:
            on_token(active, response[active, t], z_trace[active, t])

        ended = token == policy.eos_id
        if ended.any():
            done, keep = active[ended.cpu()], (~ended).nonzero().squeeze(1)
            z_logprob[done] = z_trace[done, t]
            if z_wrong_logprob is not None:
                z_wrong_logprob[done] = distribution[ended, policy.z_wrong_id].cpu()
            length[done] = t + 1
            active = active[keep.cpu()]
            if not len(active):
                break
            cache.batch_select_indices(keep)
            attention, position, distribution = attention[keep], position[keep], distribution[keep]
        position = position + 1

    longest = int(length.max())
    return Generation(
        prompt=prompt.cpu().repeat_interleave(samples, dim=0),
        prompt_length=prompt_length,
        response=response[:, :longest],
        length=length,
        logprob=logprob[:, :longest],
        entropy=entropy[:, :longest],
        z_trace=z_trace[:, :longest],
        z_logprob=z_logprob,
        truncated=z_logprob.isnan(),
        z_wrong_logprob=z_wrong_logprob,
    )


def _draw(distribution: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """One token a row, from log-probs of shape (A, V)."""
    if temperature == 0:
        return distribution.argmax(-1)
    tempered = distribution if temperature == 1 else (distribution / temperature).log_softmax(-1)
    return torch.multinomial(tempered.exp(), 1, generator=generator).squeeze(1)

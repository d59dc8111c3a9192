"""All solutions of a prompt as one sequence, so that the model's own forward pass runs the prompt once for them.

The solutions follow the prompt one after another. Each token sees the prompt and its own solution up to itself, and has
the position that it would have if its solution stood alone: the mask and the positions make the branches independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

PADDING = -1  # in ``part``


@dataclass(frozen=True)
class Packed:
    """Some prompts, each with its solutions behind it: G sequences of up to S tokens that hold B solutions.

    Attributes
    ----------
    tokens : int64 Tensor of shape (G, S)
    position : int64 Tensor of shape (G, S)
        Of each token in its own solution, the prompt included.
    part : int64 Tensor of shape (G, S)
        0 in the prompt, 1, 2, ... in the solutions, :data:`PADDING` behind them.
    group, start, length : int64 Tensor of shape (B,)
        In which sequence each solution stands, where it begins there, and how many tokens it has.
    prompt_length : int64 Tensor of shape (G,)
    """

    tokens: Tensor
    position: Tensor
    part: Tensor
    group: Tensor
    start: Tensor
    length: Tensor
    prompt_length: Tensor

    @classmethod
    def of(cls, prompts: Sequence[Tensor], solutions: Sequence[Sequence[Tensor]]) -> Packed:
        """From tokens: a prompt of shape (P,) and its solutions, each of shape (T,)."""
        tokens, position, part, group, start = [], [], [], [], []
        for number, (prompt, behind) in enumerate(zip(prompts, solutions, strict=True)):
            pieces = [prompt, *behind]
            offsets = [0, *(len(prompt) for _ in behind)]
            tokens.append(torch.cat(pieces))
            position.append(torch.cat([torch.arange(len(p)) + at for p, at in zip(pieces, offsets, strict=True)]))
            part.append(torch.cat([torch.full((len(p),), k) for k, p in enumerate(pieces)]))
            begins = torch.tensor([len(p) for p in pieces]).cumsum(0)[:-1]
            group += [number] * len(behind)
            start += begins.tolist()
        return cls(
            tokens=pad_sequence(tokens, batch_first=True),
            position=pad_sequence(position, batch_first=True),
            part=pad_sequence(part, batch_first=True, padding_value=PADDING),
            group=torch.tensor(group),
            start=torch.tensor(start),
            length=torch.tensor([len(solution) for behind in solutions for solution in behind]),
            prompt_length=torch.tensor([len(prompt) for prompt in prompts]),
        )

    @property
    def branches(self) -> bool:
        """Whether a prompt has several solutions: then the plain causal mask is not enough."""
        return len(self.group) > len(self.prompt_length)

    def mask(self, device: torch.device, *, additive: bool) -> Tensor:
        """Who sees whom, (G, 1, S, S): true where a token may look, or 0 there and the lowest number elsewhere."""
        part = self.part.to(device)
        before = torch.ones(part.shape[1], part.shape[1], dtype=torch.bool, device=device).tril()
        own = (part[:, None, :] == part[:, :, None]) | (part[:, None, :] == 0)
        seen = (own & before)[:, None]
        if not additive:
            return seen
        return torch.zeros(seen.shape, device=device).masked_fill(~seen, torch.finfo(torch.float32).min)

    def split(self, states: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """States (G, S, D) of the prompts, each (P, D), and of the solutions, each (T, D)."""
        prompts = [states[g, :n].clone() for g, n in enumerate(self.prompt_length.tolist())]
        places = zip(self.group.tolist(), self.start.tolist(), self.length.tolist(), strict=True)
        return prompts, [states[g, at : at + n].clone() for g, at, n in places]

    def join(self, prompts: Sequence[Tensor], solutions: Sequence[Tensor]) -> Tensor:
        """What :meth:`split` took apart, (G, S, D); zeros in the padding."""
        behind: list[list[Tensor]] = [[] for _ in prompts]
        for number, states in zip(self.group.tolist(), solutions, strict=True):
            behind[number].append(states)
        rows = [torch.cat([prompt, *states]) for prompt, states in zip(prompts, behind, strict=True)]
        return pad_sequence(rows, batch_first=True)

    def last(self, states: Tensor) -> Tensor:
        """The state at each solution's last token, (B, D); at the prompt's where a solution is empty."""
        at = torch.where(self.length > 0, self.start + self.length, self.prompt_length[self.group]) - 1
        return states[self.group.to(states.device), at.to(states.device)]

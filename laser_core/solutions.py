"""Prompts with their solutions as tensors: what a forward pass reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from laser_core.policy import Policy

# Sizes in the shapes: B solutions of T response tokens, L tokens with the prompt; G distinct prompts of P tokens; U
# distinct solutions; R some rows of B.


@dataclass(frozen=True)
class Solutions:
    """Prompts with their solutions, right-padded, ready for a forward pass.

    Attributes
    ----------
    tokens : int64 Tensor of shape (B, L)
        Prompt, then response, then padding.
    prompt_length : int64 Tensor of shape (B,)
        Tokens of the prompt.
    length : int64 Tensor of shape (B,)
        Tokens of the response, <eos> included.
    ended : bool Tensor of shape (B,)
        Whether the response closes with <eos>.
    """

    tokens: Int[Tensor, "B L"]
    prompt_length: Int[Tensor, "B"]
    length: Int[Tensor, "B"]
    ended: Bool[Tensor, "B"]

    @classmethod
    def pack(cls, prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]], policy: Policy) -> Solutions:
        """From lists of token ids."""
        rows = [torch.tensor([*p, *r]) for p, r in zip(prompts, responses, strict=True)]
        ends = policy.end_ids or (policy.eos_id,)
        return cls(
            tokens=pad_sequence(rows, batch_first=True, padding_value=policy.pad_id),
            prompt_length=torch.tensor([len(p) for p in prompts]),
            length=torch.tensor([len(r) for r in responses]),
            ended=torch.tensor([len(r) > 0 and r[-1] in ends for r in responses]),
        )

    def rows(self, index: Int[Tensor, "R"]) -> Solutions:
        """Some of the rows, cut to the longest of them."""
        longest = int((self.prompt_length[index] + self.length[index]).max())
        return Solutions(self.tokens[index, :longest], self.prompt_length[index], self.length[index], self.ended[index])

    def responses(self) -> Int[Tensor, "B T"]:
        """The responses' tokens, right-padded with whatever follows them in the row."""
        offset = torch.arange(int(self.length.max()))
        return self.tokens.gather(1, (self.prompt_length[:, None] + offset).clamp(max=self.tokens.shape[1] - 1))

    def distinct(self) -> tuple[Int[Tensor, "U"], Int[Tensor, "B"]]:
        """The first row of each distinct solution, and which of these each row equals."""
        total = (self.prompt_length + self.length).tolist()
        starts = self.prompt_length.tolist()
        numbers: dict[tuple[int, ...], int] = {}
        first: list[int] = []
        same: list[int] = []
        for row, (tokens, n, start) in enumerate(zip(self.tokens.tolist(), total, starts, strict=True)):
            number = numbers.setdefault((start, *tokens[:n]), len(numbers))
            if number == len(first):
                first.append(row)
            same.append(number)
        return torch.tensor(first), torch.tensor(same)

    def distinct_prompts(self, device: torch.device) -> tuple[Int[Tensor, "G P"], Int[Tensor, "G"], Int[Tensor, "B"]]:
        """Each prompt once: its tokens, right-padded, their number, and which prompt each row has."""
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

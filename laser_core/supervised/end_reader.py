"""Reads, with gradients, the hidden states that scores come from: by the whole model, or by its top layers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from laser_core.config import LaserConfig
from laser_core.fast import architectures
from laser_core.fast.packed import Packed
from laser_core.fast.top_layers import TopLayers
from laser_core.policy import Policy
from laser_core.rescoring.graded import GradedSolutions
from laser_core.scoring import last_states

LONGEST = 1024  # tokens of a prompt with its solutions: attention grows with the square


class EndReader:
    """Reads the hidden states that scores come from, by the whole model or by its top layers over cached states.

    The top layers run a prompt once for its solutions where the model's attention is plain
    (:func:`~laser_core.fast.architectures.supports`), and each solution apart where it is not.

    Parameters
    ----------
    policy : Policy
    graded : GradedSolutions
    config : LaserConfig
    dtype : torch.dtype
        Of the matrix products.
    """

    def __init__(self, policy: Policy, graded: GradedSolutions, config: LaserConfig, dtype: torch.dtype) -> None:
        self.policy, self.graded, self.dtype = policy, graded, dtype
        self.max_tokens = config.micro_batch_tokens
        self.top: TopLayers | None = None
        self.below: dict[int, Tensor] = {}  # cached states of each solution, (T, D)
        self.below_prompt: dict[int, Tensor] = {}  # and of each distinct prompt, (P, D)
        if config.fit_weights == "top":
            self.top = TopLayers(policy.model, config.fit_layers, dtype)
            self.top.train_only_these()
            self.together = architectures.supports(policy.model)
            solutions = graded.solutions
            prompts, lengths, group = solutions.distinct_prompts(torch.device("cpu"))
            self.prompts = [tokens[:n] for tokens, n in zip(prompts, lengths.tolist(), strict=True)]
            self.prompt_of = group.tolist()
            places = zip(solutions.prompt_length.tolist(), solutions.length.tolist(), strict=True)
            self.responses = [solutions.tokens[i, at : at + n] for i, (at, n) in enumerate(places)]

    def cache(self, on_progress: Callable[[int, int], None]) -> None:
        """Compute what the layers below the top ones say of every solution, once; nothing to do without top layers."""
        if self.top is None:
            return
        n = len(self.responses)
        for rows in self.batches(torch.arange(n)):
            packed, order = self._pack(rows.tolist())
            prompts, solutions = packed.split(self.top.below(packed).cpu())
            firsts = {number: self.prompt_of[row] for number, row in zip(packed.group.tolist(), order, strict=True)}
            self.below_prompt |= {prompt: prompts[number] for number, prompt in firsts.items()}
            self.below |= dict(zip(order, solutions, strict=True))
            on_progress(len(self.below), n)

    def batches(self, rows: Tensor) -> Iterator[Tensor]:
        """The solutions ``rows``, (b,), in parts that one forward pass takes, a prompt's side by side."""
        if self.top is None:
            for part in self.graded.solutions.rows(rows).micro_batches(self.max_tokens):
                yield rows[part]
            return
        sizes = [(self._size(pack), pack) for pack in self._packs(rows.tolist())]
        batch: list[list[int]] = []
        longest = 0
        for size, pack in sorted(sizes, key=lambda found: -found[0]):
            if batch and (len(batch) + 1) * longest > self.max_tokens:
                yield torch.tensor([row for chosen in batch for row in chosen])
                batch = []
            longest = longest if batch else size
            batch.append(pack)
        if batch:
            yield torch.tensor([row for chosen in batch for row in chosen])

    def states(self, rows: Tensor) -> Tensor:
        """The last hidden state at the last token of these solutions, (b, D); gradients flow."""
        if self.top is None:
            return last_states(self.policy, self.graded.solutions.rows(rows), dtype=self.dtype)
        packed, order = self._pack(rows.tolist())
        firsts = {number: self.prompt_of[row] for number, row in zip(packed.group.tolist(), order, strict=True)}
        prompts = [self.below_prompt[firsts[number]] for number in range(len(firsts))]
        below = packed.join(prompts, [self.below[row] for row in order])
        found = packed.last(self.top.above(packed, below))
        place = {row: i for i, row in enumerate(order)}
        return found[torch.tensor([place[row] for row in rows.tolist()], device=found.device)]

    def z_logprob(self, rows: Tensor) -> Tensor:
        """log pi(z_c | x, y, <eos>) of these solutions, (b,), in nats; gradients flow."""
        return self.policy.z_logprob(self.policy.logits(self.states(rows)).log_softmax(-1))

    @torch.no_grad()
    def everything(self, on_progress: Callable[[int, int], None]) -> tuple[np.ndarray, np.ndarray]:
        """Hidden states, (R, D), and log pi(z_c), (R,), of all solutions."""
        n, done = len(self.graded.solutions.length), 0
        states, z_logprob = np.empty((n, 0), np.float32), np.empty(n)
        for rows in self.batches(torch.arange(n)):
            found = self.states(rows).float()
            if not states.shape[1]:
                states = np.empty((n, found.shape[1]), np.float32)
            states[rows.numpy()] = found.cpu().numpy()
            z = self.policy.z_logprob(self.policy.logits(found).log_softmax(-1))
            z_logprob[rows.numpy()] = z.double().cpu().numpy()
            done += len(rows)
            on_progress(done, n)
        return states, z_logprob

    def _packs(self, rows: list[int]) -> list[list[int]]:
        """The rows by prompt, no prompt with more solutions behind it than :data:`LONGEST` tokens."""
        if not self.together:
            return [[row] for row in rows]
        packs: list[list[int]] = []
        open_packs: dict[int, list[int]] = {}
        for row in rows:
            pack = open_packs.get(self.prompt_of[row])
            if pack is None or self._size([*pack, row]) > LONGEST:
                pack = open_packs[self.prompt_of[row]] = []
                packs.append(pack)
            pack.append(row)
        return packs

    def _size(self, pack: list[int]) -> int:
        return len(self.prompts[self.prompt_of[pack[0]]]) + sum(len(self.responses[row]) for row in pack)

    def _pack(self, rows: list[int]) -> tuple[Packed, list[int]]:
        """The rows, packed, and their order in the pack."""
        packs = self._packs(rows)
        prompts = [self.prompts[self.prompt_of[pack[0]]] for pack in packs]
        packed = Packed.of(prompts, [[self.responses[row] for row in pack] for pack in packs])
        return packed, [row for pack in packs for row in pack]

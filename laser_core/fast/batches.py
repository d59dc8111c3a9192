"""How much to compute at once: as much as free memory holds, and half of it where that was too much."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import torch

from laser_core.fast.sizes import LONG, ModelSize

Result = TypeVar("Result")

SHARE = 0.8  # of the free memory that is planned with
ENOUGH = 2**30  # bytes that are always planned with, so that small models compute alike however busy the machine is
FEWEST_TOKENS = 256  # in a forward pass before an update gives up


def free_memory(device: torch.device) -> int:
    """Bytes that can still be had on a device: on the CPU within this process's limits, where there are any."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return min([psutil.virtual_memory().available, *_left_in_container()])


def _left_in_container(root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """What the container that this process runs in may still take; empty where nothing limits it."""
    found = []
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            found.append(int((root / limit).read_text()) - int((root / used).read_text()))
        except (OSError, ValueError):  # no such container, or its limit is the word "max"
            continue
    return [max(left, 0) for left in found]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error))


class Batches:
    """How many solutions to sample together, and how many tokens to put through one forward pass.

    A piece of work first takes what free memory should hold. If it runs out all the same, it is halved and done again,
    ``say`` is told, and the smaller size stays.

    Parameters
    ----------
    size : ModelSize
    dtype : torch.dtype
        Of the matrix products.
    device : torch.device
    budget : int
        Bytes to plan with.
    lean_sampling, lean_training : bool
        Which forward pass samples, and which scores and trains.
    recompute : bool
        Whether a backward pass computes the layers again.
    copied : bool
        Whether sampling runs on a copy of the weights in ``dtype``.
    say : callable, optional
        Takes a sentence for the user.
    """

    def __init__(
        self,
        size: ModelSize,
        dtype: torch.dtype,
        device: torch.device,
        *,
        budget: int,
        lean_sampling: bool = False,
        lean_training: bool = False,
        recompute: bool = False,
        copied: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.size, self.width, self.on_cpu = size, dtype.itemsize, device.type == "cpu"
        self.lean_sampling, self.lean_training = lean_sampling, lean_training
        self.recompute, self.copied = recompute, copied
        self.budget, self.say = max(budget, ENOUGH), say or (lambda sentence: None)
        self.most_rows: int | None = None  # known to fit, after a batch that did not
        self.most_tokens: int | None = None

    def rows(self, prompt: int, new_tokens: int) -> int:
        """How many solutions fit side by side, each with a prompt and new tokens up to these numbers."""
        cache_width = 4 if self.on_cpu and self.lean_sampling else self.width
        copy = self.size.parameters * self.width if self.copied else 0
        fixed = self.size.lean_copies(self.width, gradients=False) if self.lean_sampling else copy
        room = max(self.budget - fixed, ENOUGH // 2)
        fit = room // self.size.sampled_row(prompt + new_tokens + 16, cache_width)
        return max(1, min(fit, self.most_rows or fit))

    def tokens(self, longest: int, most: int = 0, *, gradients: bool = True) -> int:
        """How many tokens fit into one forward pass over solutions of up to ``longest`` tokens; ``most`` at most.

        ``most`` 0 sets no other limit.
        """
        fixed = self.size.logits(gradients=gradients)
        lean = self.lean_training and longest < LONG
        if lean:
            fixed += self.size.lean_copies(self.width, gradients=gradients)
        room = max(self.budget - fixed, ENOUGH // 2)
        fit = room // self.size.activations(
            longest, self.width, lean=lean, recompute=self.recompute, gradients=gradients
        )
        return max(1, min(limit for limit in (fit, most or fit, self.most_tokens or fit)))

    def sampling(self, work: Callable[[int, int], Result], n: int, prompt: int, new_tokens: int) -> list[Result]:
        """Do ``work(start, stop)`` for solutions 0 to n in as few parts as memory allows; what each returned."""
        done: list[Result] = []
        start = 0
        while start < n:
            fit = self.rows(prompt, new_tokens)
            parts = -(-(n - start) // fit)
            rows = -(-(n - start) // parts)  # equal parts
            found = _attempt(lambda start=start, rows=rows: work(start, start + rows))  # type: ignore[misc]
            if found is not None:
                done.append(found)
                start += rows
                continue
            if rows == 1:
                raise MemoryError("not even one solution fits into memory")
            self.most_rows = rows // 2
            self.say(f"Not enough memory for {rows} solutions at once; going on with {self.most_rows}.")
        return done

    def forward(self, work: Callable[[int], Result], longest: int, most: int, *, gradients: bool = True) -> Result:
        """Do ``work(tokens)``, which may put that many tokens through one forward pass; all of it again with fewer.

        ``work`` must be able to begin again: an update has to drop the gradients it gathered.
        """
        while True:
            tokens = self.tokens(longest, most, gradients=gradients)
            found = _attempt(lambda tokens=tokens: work(tokens))  # type: ignore[misc]
            if found is not None:
                return found
            if tokens // 2 < min(FEWEST_TOKENS, longest):
                raise MemoryError(f"not enough memory for {tokens} tokens in one forward pass")
            self.most_tokens = tokens // 2
            self.say(f"Not enough memory for {tokens:,} tokens at once; going on with {self.most_tokens:,}.")


def _attempt(work: Callable[[], Result]) -> Result | None:
    """What ``work`` returns; None if it ran out of memory, with what it held released."""
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    gc.collect()  # here, where the error and the frames it names are gone
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None

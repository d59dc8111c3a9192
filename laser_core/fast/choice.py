"""Which forward pass to use: the lean one or the model's own, by a measurement where the answer is not known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from laser_core.fast import architectures, llama
from laser_core.fast.batches import free_memory
from laser_core.fast.decoding import Decoder, LlamaDecoder, ModelDecoder
from laser_core.fast.precision import autocast
from laser_core.fast.sizes import ModelSize

KNOWN = 2**24  # parameters up to which the lean pass wins on a CPU, by factors of 2 to 4 (docs/speed.md): not measured
PROMPTS, PROMPT, ROWS, STEPS = 4, 16, 32, 3  # of the measurement of sampling
MOST_OPERATIONS = 3e11  # of the measurement of training: about a second on two cores
COPIES = 0.25  # share of free memory that the lean pass may take for its copies of the weights


@dataclass(frozen=True)
class Lean:
    """Where the lean forward pass stands in for a model's own, if its architecture allows it.

    Attributes
    ----------
    sampling, training : bool
        In decoding, and in scoring and training.
    """

    sampling: bool = True
    training: bool = True


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes
    ----------
    lean : Lean
    reason : str
        A sentence for the user; empty where nothing was measured.
    """

    lean: Lean
    reason: str = ""


def choose(model: PreTrainedModel, dtype: torch.dtype, pad_id: int, *, to_train: bool) -> Choice:
    """Measure both forward passes on this model, in one to a few seconds, and take the faster one for each purpose.

    Parameters
    ----------
    model : PreTrainedModel
        Loaded, on its device. Its gradients are cleared.
    dtype : torch.dtype
        Of the matrix products.
    pad_id : int
        The token that pads rows.
    to_train : bool
        Whether to measure forward and backward passes, or forward passes alone.

    Returns
    -------
    Choice
    """
    if not architectures.supports(model):
        return Choice(Lean(sampling=False, training=False))
    if model.device.type == "cpu" and model.num_parameters() < KNOWN:
        return Choice(Lean())
    size, free = ModelSize.of(model), free_memory(model.device)

    def room(gradients: bool) -> bool:
        return size.lean_copies(dtype.itemsize, gradients=gradients) < COPIES * free

    clock = _clock(model.device)
    decoders, readers = (ModelDecoder, LlamaDecoder), (_read_by_model, _read_lean)
    sampling = _ratio(lambda kind: _decode(kind(model, dtype, pad_id)), decoders, room(gradients=False), clock)
    with torch.set_grad_enabled(to_train):
        reading = _ratio(lambda kind: kind(model, dtype), readers, room(gradients=to_train), clock)
    model.zero_grad()
    what = "training" if to_train else "scoring"
    return Choice(Lean(sampling > 1, reading > 1), f"{_told('Sampling', sampling)}; {_told(what, reading)}.")


def _ratio(run: Callable, kinds: tuple, room: bool, clock: Callable[[], float]) -> float:
    """How many times as fast the second kind is as the first; 0 where there is no room for it."""
    if not room:
        return 0.0
    own, lean = (_seconds(lambda kind=kind: run(kind), clock) for kind in kinds)  # type: ignore[misc]
    return own / lean


def _clock(device: torch.device) -> Callable[[], float]:
    """Processor time where one thread computes, which other programs do not lengthen; else the time that passes."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


def _told(what: str, ratio: float) -> str:
    if not ratio:
        return f"{what} runs the model's own forward pass, because memory is short for copies of its weights"
    if ratio > 1:
        return f"{what} runs the lean forward pass, measured {ratio:.1f} times as fast as the model's own"
    return f"{what} runs the model's own forward pass, measured {1 / ratio:.1f} times as fast as the lean one"


def _seconds(run: Callable[[], Tensor], clock: Callable[[], float]) -> float:
    """The shorter of two turns, after one to warm up that is not counted where it is cheap."""
    taken = []
    for _ in range(3):
        start = clock()
        run().item()  # waits for the device
        taken.append(clock() - start)
        if sum(taken) > 2 and len(taken) > 1:
            break
    return min(taken[1:])


@torch.inference_mode()
def _decode(decoder: Decoder) -> Tensor:
    hidden = decoder.start([[1 + i] * PROMPT for i in range(PROMPTS)], ROWS)
    rows = torch.arange(ROWS)
    hidden = decoder.step(rows % PROMPTS, rows + 5, ROWS)  # each prompt branches
    for _ in range(STEPS):
        hidden = decoder.step(rows, rows + 5, ROWS)
    decoder.close()
    return hidden.sum()


def _batch(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    tokens = int(min(max(MOST_OPERATIONS / (6 * model.num_parameters()), 64), 1024))
    device = model.device
    return torch.full((2, PROMPT), 1, device=device), torch.full((2, tokens // 2), 2, device=device)


def _read_by_model(model: PreTrainedModel, dtype: torch.dtype) -> Tensor:
    prompts, responses = _batch(model)
    with autocast(dtype if model.dtype == torch.float32 else torch.float32, model.device.type):
        hidden: Tensor = model.base_model(torch.cat([prompts, responses], 1), use_cache=False).last_hidden_state
    return _learned_from(hidden)


def _read_lean(model: PreTrainedModel, dtype: torch.dtype) -> Tensor:
    prompts, responses = _batch(model)
    length = torch.full((2,), PROMPT, device=model.device)
    shared = llama.SharedForward(model, dtype, prompts, length, prompts.numel())
    loss = _learned_from(shared(torch.arange(2, device=model.device), responses))
    shared.close()
    return loss


def _learned_from(hidden: Tensor) -> Tensor:
    loss = hidden.float().square().mean()
    if loss.requires_grad:
        loss.backward()
    return loss.detach()

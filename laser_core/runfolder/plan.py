"""What a training run will take, before it starts: parameters, memory by part, tokens a step, time.

The model is built without weights, so a plan for one of any size takes seconds. Its time comes from two short
measurements on the device (how fast a product of the model's shape runs, and how fast memory is read) and counts every
solution at full length: real runs are shorter where solutions end earlier.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.fast import architectures
from laser_core.fast.batches import SHARE, Batches, free_memory
from laser_core.fast.devices import device_name, pick_device, weights_dtype
from laser_core.fast.precision import pick_dtype
from laser_core.fast.sizes import LONG, ModelSize
from laser_core.models.lora import base_of, with_lora
from laser_core.policy import folder_of

PROMPT = 128  # tokens that a problem is counted with
GIB = 2**30


@dataclass(frozen=True)
class Plan:
    """What a run will take.

    Attributes
    ----------
    device, dtype : str
        Where it computes, and the precision of its matrix products.
    size : ModelSize
    memory : dict of str to int
        Bytes that are taken all the time, by part.
    sampling, learning : int
        Bytes that a step takes beside that, first for one and then for the other.
    free : int
        Bytes that are free on the device now.
    rows : int
        Solutions sampled side by side.
    micro_batch_tokens : int
        Tokens in one forward pass with gradients.
    recompute : bool
        Whether the backward pass computes the layers again.
    step_tokens : int
        Tokens of a step's solutions, at full length.
    sample_seconds, update_seconds : float
        Of a step, at full length.
    steps : int
    evaluation_seconds : float
        Of the final evaluation, at full length.
    """

    device: str
    dtype: str
    size: ModelSize
    memory: dict[str, int]
    sampling: int
    learning: int
    free: int
    rows: int
    micro_batch_tokens: int
    recompute: bool
    step_tokens: int
    sample_seconds: float
    update_seconds: float
    steps: int
    evaluation_seconds: float

    @property
    def needed(self) -> int:
        """Bytes at the largest."""
        return sum(self.memory.values()) + max(self.sampling, self.learning)

    @property
    def seconds(self) -> float:
        """The whole run, at full length."""
        return self.steps * (self.sample_seconds + self.update_seconds) + self.evaluation_seconds


@dataclass(frozen=True)
class Speed:
    """What a device was measured to do.

    Attributes
    ----------
    operations : float
        Floating-point operations a second, in products of the model's shape.
    bandwidth : float
        Bytes read a second.
    """

    operations: float
    bandwidth: float


def plan(config: LaserConfig) -> Plan:
    """What a run with these settings will take on this machine.

    Raises
    ------
    InputError
        If the model's configuration cannot be read, or the device is not there.
    """
    device = pick_device(config.device)
    dtype = pick_dtype(config.dtype, device)
    model = model_without_weights(config.model)
    lean = architectures.supports(model)
    if config.lora_rank:
        model = with_lora(model, config.model, rank=config.lora_rank, alpha=config.lora_alpha, seed=config.seed)
    size = ModelSize.of(model)
    return plan_for(
        size,
        config,
        device=device,
        dtype=dtype,
        lean=lean,
        free=free_memory(device),
        speed=measure_speed(size, device, dtype),
    )


def plan_for(
    size: ModelSize,
    config: LaserConfig,
    *,
    device: torch.device,
    dtype: torch.dtype,
    lean: bool,
    free: int,
    speed: Speed,
) -> Plan:
    """The plan from numbers alone; parameters as in :class:`Plan`, ``lean`` as in Batches."""
    width = weights_dtype(dtype, device).itemsize
    # An adapter's reference is the model beside it: the same weights, not a copy of them.
    memory = size.training(width) | {"reference model": 0 if config.lora_rank else width * size.parameters}
    longest = PROMPT + config.max_new_tokens
    lean_training = lean and not config.lora_rank  # the model's own forward pass trains an adapter

    def batches(recompute: bool) -> Batches:
        budget = int(SHARE * (free - sum(memory.values())))
        return Batches(
            size, dtype, device, budget=budget, lean_sampling=lean, lean_training=lean_training and not recompute,
            recompute=recompute, copied=width != dtype.itemsize,
        )  # fmt: skip

    wanted = max(config.micro_batch_tokens, config.max_new_tokens)
    short = batches(recompute=False).tokens(longest, wanted) < wanted
    recompute = config.recompute == "on" or (config.recompute == "auto" and short)
    chosen = batches(recompute)
    solutions = config.prompts_per_step * config.rollouts_per_prompt
    rows = min(chosen.rows(PROMPT, config.max_new_tokens), solutions)
    tokens = min(chosen.tokens(longest, config.micro_batch_tokens), solutions * longest)
    lean_training = lean_training and not recompute and longest < LONG
    copies = size.lean_copies(dtype.itemsize, gradients=True) if lean_training else 0
    activations = size.activations(longest, dtype.itemsize, lean=lean_training, recompute=recompute)
    logits = min(size.logits(gradients=True), 16 * tokens * size.vocabulary)
    step_tokens = solutions * config.max_new_tokens
    evaluated = config.eval_problems * config.eval_samples
    return Plan(
        device=device_name(device),
        dtype=str(dtype).removeprefix("torch."),
        size=size,
        memory=memory,
        sampling=rows * size.sampled_row(longest, 4 if lean and device.type == "cpu" else dtype.itemsize),
        learning=tokens * activations + logits + copies,
        free=free,
        rows=rows,
        micro_batch_tokens=tokens,
        recompute=recompute,
        step_tokens=step_tokens,
        sample_seconds=sampling_seconds(size, solutions, rows, config.max_new_tokens, dtype.itemsize, speed),
        update_seconds=_update_operations(size, recompute) * step_tokens / speed.operations,
        steps=config.steps,
        evaluation_seconds=sampling_seconds(size, evaluated, rows, config.max_new_tokens, dtype.itemsize, speed)
        + 2 * size.parameters * evaluated * config.max_new_tokens / speed.operations,
    )


def _update_operations(size: ModelSize, recompute: bool) -> float:
    """Operations of a token's forward and backward pass; a frozen weight needs no gradient of its own."""
    passes = 4 * size.parameters + 2 * size.trained
    return passes + (2 * size.parameters if recompute else 0)


def sampling_seconds(size: ModelSize, solutions: int, rows: int, new_tokens: int, width: int, speed: Speed) -> float:
    """Time to sample solutions of full length, ``rows`` side by side.

    Each decode step takes its products' time, or that of reading weights and cache, whichever is longer.
    """
    rows = min(rows, solutions)
    if not rows:
        return 0.0
    products = 2 * size.parameters * rows / speed.operations
    reads = (width * size.parameters + rows * size.cache(width) * (PROMPT + new_tokens / 2)) / speed.bandwidth
    return solutions / rows * new_tokens * max(products, reads)


def model_without_weights(name: str) -> Any:
    """A model on the ``meta`` device: its shapes, and no memory.

    Raises
    ------
    InputError
        If its configuration cannot be read.
    """
    try:
        path = folder_of(name)
        while (base := base_of(path)) is not None:  # an adapter's shapes are its model's
            path = folder_of(base)
        config = AutoConfig.from_pretrained(path, trust_remote_code=False)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"its configuration cannot be read ({first})", file=name, field="model", remedy="check the name or path"
        ) from None


@torch.inference_mode()
def measure_speed(size: ModelSize, device: torch.device, dtype: torch.dtype) -> Speed:
    """Measure products of the model's width, and reading memory, in about half a second."""
    tokens = 512
    x = torch.ones(tokens, size.hidden, dtype=dtype, device=device)
    weight = torch.ones(size.intermediate, size.hidden, dtype=dtype, device=device)
    block = torch.ones(2**25, dtype=torch.float32, device=device)  # 128 MiB: beyond any cache
    seconds = _seconds(lambda: (x @ weight.T)[0, 0])
    return Speed(2 * tokens * weight.numel() / seconds, block.nbytes / _seconds(block.sum))


def _seconds(run: Callable[[], torch.Tensor], enough: float = 0.2) -> float:
    run().item()
    taken: list[float] = []
    while sum(taken) < enough:
        start = time.perf_counter()
        run().item()
        taken.append(time.perf_counter() - start)
    return min(taken)


def as_text(found: Plan) -> str:
    """The plan in lines, for the terminal."""
    size = found.size
    lines = [
        f"Device            {found.device}, matrix products in {found.dtype}",
        f"Parameters        {size.parameters:,}"
        + (f", of which {size.trained:,} are trained" if size.trained < size.parameters else ""),
        *(f"Memory            {_gib(n):>8}  {part}" for part, n in found.memory.items() if n),
        f"Memory            {_gib(found.sampling):>8}  then sampling {found.rows:,} solutions at once",
        f"Memory            {_gib(found.learning):>8}  or learning from {found.micro_batch_tokens:,} tokens at once",
        f"Memory            {_gib(found.needed):>8}  at most, of {_gib(found.free)} free"
        + ("" if found.needed <= found.free else ": not enough"),
        f"Layers            {'computed again in' if found.recompute else 'kept for'} the backward pass",
        f"A step            {found.step_tokens:,} tokens at most",
        f"Time of a step    {_time(found.sample_seconds)} sampling, {_time(found.update_seconds)} learning, at most",
        f"Time of the run   {_time(found.seconds)} at most, {_time(found.evaluation_seconds)} of it in the evaluation",
    ]
    return "\n".join(lines)


def _gib(n: int) -> str:
    return f"{n / GIB:.1f} GiB" if n >= GIB / 10 else f"{n / 2**20:.0f} MiB"


def _time(seconds: float) -> str:
    """A duration in words.

    Examples
    --------
    >>> _time(0.03), _time(42.0), _time(600.0), _time(90000.0)
    ('0.03 s', '42 s', '10 min', '25 h')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 180:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:.0f} h"

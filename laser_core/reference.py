"""What the reference model, the one before training, says: c_ref, each solution's log pi_ref(z_c), and the distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from laser_core.errors import InputError
from laser_core.fast.batches import Batches
from laser_core.generate import Generation, generate
from laser_core.policy import Policy
from laser_core.runfolder import step_metrics
from laser_core.scoring import Scored, Solutions, score_last_tokens, score_solutions
from laser_core.tasks import Problem


class MeasuredCRef(NamedTuple):
    """The reference constant as measured.

    Attributes
    ----------
    mean : float
        c_ref, the mean of log pi_ref(z_c | x, y, <eos>), in nats.
    std : float or None
        Its standard deviation in nats; a single solution has none.
    n : int
        Solutions it was measured over.
    """

    mean: float
    std: float | None
    n: int


def measure_c_ref(
    reference: Policy,
    problems: Sequence[Problem],
    *,
    max_new_tokens: int,
    seed: int,
    samples: int = 4,
    dtype: torch.dtype | None = None,
    batches: Batches | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> MeasuredCRef:
    """Measure c_ref: the mean of log pi_ref(z_c | x, y, <eos>) over the reference model's own solutions.

    The paper measures it the same way, over 300 pairs of problem and solution.

    Parameters
    ----------
    reference : Policy
        The model before training.
    problems : sequence of Problem
    max_new_tokens : int
        Length limit of a solution, in tokens; truncated solutions are left out.
    seed : int
    samples : int
        Solutions of each problem.
    dtype, batches, on_progress
        As in :func:`laser_core.generate.generate`.

    Returns
    -------
    MeasuredCRef

    Raises
    ------
    InputError
        If every solution is truncated, or the model's weights are not finite.
    """
    sampled = own_solutions(
        reference,
        problems,
        max_new_tokens=max_new_tokens,
        seed=seed,
        samples=samples,
        dtype=dtype,
        batches=batches,
        on_progress=on_progress,
    )
    return c_ref_of(sampled, max_new_tokens=max_new_tokens)


def own_solutions(
    reference: Policy,
    problems: Sequence[Problem],
    *,
    max_new_tokens: int,
    seed: int,
    samples: int = 4,
    dtype: torch.dtype | None = None,
    batches: Batches | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Generation:
    """The reference model's own solutions, which c_ref is measured over; parameters as of :func:`measure_c_ref`."""
    if broken := next((n for n, p in reference.model.named_parameters() if not torch.isfinite(p).all()), None):
        raise InputError(f"its weights are not all finite ({broken})", file=reference.name, field="model")
    generator = torch.Generator().manual_seed(seed)
    prompts = [reference.encode_prompt(problem.text) for problem in problems]
    return generate(
        reference,
        prompts,
        samples=samples,
        max_new_tokens=max_new_tokens,
        generator=generator,
        dtype=dtype,
        batches=batches,
        on_progress=on_progress,
    )


def c_ref_of(sampled: Generation, *, max_new_tokens: int) -> MeasuredCRef:
    """c_ref and its spread over sampled solutions that end.

    Raises
    ------
    InputError
        If none does.
    """
    values = sampled.z_logprob[~sampled.truncated].double()
    if not len(values):
        raise InputError(
            f"none of {len(sampled.length)} solutions of the starting model ends within {max_new_tokens} tokens, so "
            "c_ref cannot be measured",
            field="max_new_tokens",
            remedy="raise it, or set c_ref",
        )
    return MeasuredCRef(values.mean().item(), values.std().item() if len(values) > 1 else None, len(values))


@torch.inference_mode()
def reference_z_logprob(
    reference: Policy, solutions: Solutions, *, dtype: torch.dtype = torch.float32, max_tokens: int = 4096
) -> Tensor:
    """log pi_ref(z_c | x, y, <eos>) of given solutions, by one forward pass of the reference model.

    Parameters
    ----------
    reference : Policy
        The model before training.
    solutions : Solutions
        B solutions.
    dtype : torch.dtype
        Precision of the matrix products.
    max_tokens : int
        Most tokens in one forward pass.

    Returns
    -------
    Tensor of shape (B,)
        In nats; 0 where the response has no <eos>.
    """
    found = torch.zeros(len(solutions.length))
    for rows in solutions.micro_batches(max_tokens):
        found[rows] = score_last_tokens(reference, solutions.rows(rows), dtype=dtype).cpu()
    return found


@torch.inference_mode()
def against_reference(
    reference: Policy,
    solutions: Solutions,
    sampled: Generation,
    *,
    group_size: int,
    beta_v: float,
    c_ref: float,
    dtype: torch.dtype,
    max_tokens: int,
) -> dict[str, float]:
    """KL divergence, drift of c_ref and log Z, from a few of the step's solutions scored by the reference model.

    See :func:`~laser_core.runfolder.step_metrics.reference_rows` for which solutions, and
    :func:`~laser_core.runfolder.step_metrics.reference_summary` for what is measured.
    """
    rows = step_metrics.reference_rows(len(solutions.length) // group_size, group_size)
    read = _in_parts(reference, solutions.rows(rows), max_tokens=max_tokens, dtype=dtype)
    return step_metrics.reference_summary(
        sampled.logprob[rows, : read.logprob.shape[1]],
        read.logprob,
        read.mask,
        read.z_logprob,
        ~sampled.truncated[rows],
        beta_v=beta_v,
        c_ref=c_ref,
    )


def _in_parts(policy: Policy, solutions: Solutions, *, max_tokens: int, dtype: torch.dtype) -> Scored:
    """Log-probs without gradients, on the CPU, from as many forward passes as ``max_tokens`` asks for."""
    if solutions.tokens.numel() <= max_tokens:
        return score_solutions(policy, solutions, dtype=dtype).cpu()
    shape = (len(solutions.length), int(solutions.length.max()))
    logprob, z_logprob = torch.zeros(shape), torch.zeros(shape[0])
    for rows in solutions.micro_batches(max_tokens):
        part = score_solutions(policy, solutions.rows(rows), dtype=dtype).cpu()
        logprob[rows, : part.logprob.shape[1]], z_logprob[rows] = part.logprob, part.z_logprob
    return Scored(logprob, torch.arange(shape[1]) < solutions.length[:, None], z_logprob)

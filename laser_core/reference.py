"""What the reference model, the one before training, says: c_ref, each solution's log pi_ref(z_c), and the distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from laser_core.errors import InputError
from laser_core.generate import Generation, generate
from laser_core.policy import Policy
from laser_core.runfolder import step_metrics
from laser_core.scoring import Solutions, score_solutions
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
    reference: Policy, problems: Sequence[Problem], *, max_new_tokens: int, seed: int, samples: int = 4
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

    Returns
    -------
    MeasuredCRef

    Raises
    ------
    InputError
        If every solution is truncated, or the model's weights are not finite.
    """
    sampled = own_solutions(reference, problems, max_new_tokens=max_new_tokens, seed=seed, samples=samples)
    return c_ref_of(sampled, max_new_tokens=max_new_tokens)


def own_solutions(
    reference: Policy, problems: Sequence[Problem], *, max_new_tokens: int, seed: int, samples: int = 4
) -> Generation:
    """The reference model's own solutions, which c_ref is measured over; parameters as of :func:`measure_c_ref`."""
    if broken := next((n for n, p in reference.model.named_parameters() if not torch.isfinite(p).all()), None):
        raise InputError(f"its weights are not all finite ({broken})", file=reference.name, field="model")
    generator = torch.Generator().manual_seed(seed)
    prompts = [reference.encode_prompt(problem.text) for problem in problems]
    return generate(reference, prompts, samples=samples, max_new_tokens=max_new_tokens, generator=generator)


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
        found[rows] = score_solutions(reference, solutions.rows(rows), dtype=dtype).z_logprob.cpu()
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
) -> dict[str, float]:
    """KL divergence, drift of c_ref and log Z, from a few of the step's solutions scored by the reference model.

    See :func:`~laser_core.runfolder.step_metrics.reference_rows` for which solutions, and
    :func:`~laser_core.runfolder.step_metrics.reference_summary` for what is measured.
    """
    rows = step_metrics.reference_rows(len(solutions.length) // group_size, group_size)
    read = score_solutions(reference, solutions.rows(rows), dtype=dtype)
    return step_metrics.reference_summary(
        sampled.logprob[rows, : read.logprob.shape[1]],
        read.logprob.cpu(),
        read.mask.cpu(),
        read.z_logprob.cpu(),
        ~sampled.truncated[rows],
        beta_v=beta_v,
        c_ref=c_ref,
    )

"""Which numbers depend on beta_v, c_ref and clipping, and which do not.

No model is needed to find out: the score is linear in log pi(z_c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from laser_core.analysis.samples import Samples
from laser_core.analysis.scores.calibration import calibration
from laser_core.analysis.scores.separation import separation
from laser_core.analysis.voting.curve import voting_curve
from laser_core.analysis.voting.weights import Weight
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts
from laser_core.score import last_token_score, z_logprob_from_score

#: Depend only on how the scores are ordered, so no positive beta_v and no c_ref changes them.
INVARIANT = ("auroc", "within_problem_auroc", "average_precision", "best_of_n", "pass", "majority")


@dataclass(frozen=True)
class Sensitivity:
    """Metrics over a grid of settings.

    Attributes
    ----------
    beta_v : ndarray of shape (n_beta,)
        Reward units per nat.
    c_ref : ndarray of shape (n_c_ref,)
        Nats.
    balanced_f1, tpr, tnr : ndarray of shape (n_beta, n_c_ref)
        At score > 0.5.
    ece, brier : ndarray of shape (n_beta, n_c_ref)
        Of the clipped score.
    weighted : ndarray of shape (n_beta, n_c_ref)
        Accuracy of the weighted vote among ``n`` solutions; NaN where votes cannot be counted.
    weighted_low, weighted_high, balanced_f1_low, balanced_f1_high : ndarray of shape (n_beta, n_c_ref)
        Ends of the 95% intervals over problems.
    at_bound : ndarray of shape (n_beta, n_c_ref)
        Share of scores that clipping to [0, 1] moves.
    majority : float
        Accuracy of the majority vote among ``n`` solutions, for comparison.
    n : int
        Solutions in the votes.
    n_problems : int
    invariant : tuple of str
        Metrics that are the same for every setting.
    """

    beta_v: np.ndarray
    c_ref: np.ndarray
    balanced_f1: np.ndarray
    balanced_f1_low: np.ndarray
    balanced_f1_high: np.ndarray
    tpr: np.ndarray
    tnr: np.ndarray
    ece: np.ndarray
    brier: np.ndarray
    weighted: np.ndarray
    weighted_low: np.ndarray
    weighted_high: np.ndarray
    at_bound: np.ndarray
    majority: float
    n: int
    n_problems: int
    invariant: tuple[str, ...] = INVARIANT


def sensitivity(
    samples: Samples,
    *,
    beta_v: float,
    c_ref: float,
    beta_grid: np.ndarray | Sequence[float] | None = None,
    c_ref_grid: np.ndarray | Sequence[float] | None = None,
    n: int | None = None,
    weight: Weight = "clip",
    seed: int = 0,
) -> Sensitivity:
    """Recompute every metric under other settings (paper: ``r_s = beta_v (log pi(z_c) - c_ref)``).

    Parameters
    ----------
    samples : Samples
        Whose score was made with ``beta_v`` and ``c_ref``.
    beta_v : float
        In reward units per nat.
    c_ref : float
        In nats.
    beta_grid, c_ref_grid : ndarray, optional
        None: from half to double ``beta_v``, and from two nats below ``c_ref`` to two above.
    n : int, optional
        Solutions in the vote. None: 8, or fewer if problems have fewer.
    weight : str or callable
        Of the votes; see :func:`~laser_core.analysis.vote_weights`.
    seed : int
        All settings vote on the same random subsets.

    Raises
    ------
    InputError
        If a beta_v is not positive or the samples hold another signal than the score.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1, 0], [1, 0]], score=[[0.4, 0.1], [0.3, 0.2]], answer=[[0, 1], [0, 1]])
    >>> found = sensitivity(samples, beta_v=0.1, c_ref=-23.0, beta_grid=[0.1, 0.2])
    >>> found.tpr[:, 2].tolist(), found.tnr[:, 2].tolist()
    ([0.0, 1.0], [1.0, 1.0])
    """
    if samples.signal != "score":
        raise InputError(
            f"'{samples.signal}' does not depend on beta_v and c_ref", field="signal", remedy="use the score"
        )
    betas = np.asarray(beta_v * 2.0 ** np.linspace(-1, 1, 5) if beta_grid is None else beta_grid, float)
    refs = np.asarray(c_ref + np.linspace(-2, 2, 5) if c_ref_grid is None else c_ref_grid, float)
    if beta_v <= 0 or (betas <= 0).any():
        raise InputError("beta_v must be positive", field="beta_v")
    z_logprob = z_logprob_from_score(samples.score, beta_v=beta_v, c_ref=c_ref)
    rows = [
        [_at(samples.with_score(last_token_score(z_logprob, beta_v=b, c_ref=c)), n, weight, seed) for c in refs]
        for b in betas
    ]
    table = {name: np.array([[cell[name] for cell in row] for row in rows]) for name in rows[0][0]}
    size, majority = int(table.pop("n")[0, 0]), float(table.pop("majority")[0, 0])
    return Sensitivity(
        beta_v=betas,
        c_ref=refs,
        balanced_f1=table["balanced_f1"],
        balanced_f1_low=table["balanced_f1_low"],
        balanced_f1_high=table["balanced_f1_high"],
        tpr=table["tpr"],
        tnr=table["tnr"],
        ece=table["ece"],
        brier=table["brier"],
        weighted=table["weighted"],
        weighted_low=table["weighted_low"],
        weighted_high=table["weighted_high"],
        at_bound=table["at_bound"],
        majority=majority,
        n=size,
        n_problems=samples.n_problems,
    )


def _at(samples: Samples, n: int | None, weight: Weight, seed: int) -> dict[str, float]:
    separated, calibrated = separation(samples), calibration(samples)
    out = {
        "balanced_f1": separated.balanced_f1.value,
        "balanced_f1_low": separated.balanced_f1.ci_low,
        "balanced_f1_high": separated.balanced_f1.ci_high,
        "tpr": separated.tpr.value,
        "tnr": separated.tnr.value,
        "ece": calibrated.ece.value,
        "brier": calibrated.brier.value,
        "at_bound": calibrated.clipped_share,
    }
    size = n or min(8, int(np.median(samples.counts)))
    curve = voting_curve(samples, n_values=[size], weight=weight, seed=seed) if samples.has_answers else None
    for name in ("weighted", "weighted_low", "weighted_high", "majority"):
        out[name] = float(getattr(curve, name)[0]) if curve else np.nan
    return out | {"n": size}


def with_exact_reference(rollouts: Rollouts) -> Rollouts:
    """Add ``signal.exact_reference``: the score with each solution's own log pi_ref(z_c) in place of c_ref.

    The constant c_ref approximates it.

    Raises
    ------
    InputError
        If the table lacks ``z_logprob`` or ``ref_z_logprob``, or its metadata lacks beta_v.

    Examples
    --------
    >>> from laser_core.rollouts import RunMeta
    >>> row = {"run": "r", "problem_id": "p", "sample": 0, "response": "", "z_logprob": -13.0, "ref_z_logprob": -23.5}
    >>> with_exact_reference(Rollouts.from_rows([row], RunMeta(beta_v=0.1))).column("signal.exact_reference").tolist()
    [1.05]
    """
    for name in ("z_logprob", "ref_z_logprob"):
        if not rollouts.has(name):
            remedy = "score the file with its reference model" if name == "ref_z_logprob" else "score the file again"
            raise InputError("the exact score needs this column", field=name, remedy=remedy)
    if rollouts.meta.beta_v is None:
        raise InputError("the file does not say its beta_v", field="beta_v", remedy="convert it with --beta-v")
    exact = last_token_score(
        rollouts.column("z_logprob"), beta_v=rollouts.meta.beta_v, c_ref=rollouts.column("ref_z_logprob")
    )
    return rollouts.with_column("signal.exact_reference", exact)

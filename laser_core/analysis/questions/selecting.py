"""The same run under another question: other settings of the score, answered solutions only, one confusion cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc

from laser_core.analysis.samples import Samples
from laser_core.errors import InputError
from laser_core.rollouts.schema import Rollouts
from laser_core.score import last_token_score, z_logprob_from_score


def cell_rows(samples: Samples, *, threshold: float, predicted: bool, correct: bool) -> np.ndarray:
    """Table rows of one cell of the confusion matrix, the most clear-cut first.

    Parameters
    ----------
    samples : Samples
    threshold : float
        A solution is predicted correct when its score is above it.
    predicted, correct : bool
        Which cell. Solutions predicted correct come by falling score, the others by rising score.

    Returns
    -------
    ndarray of int of shape (n_rows,)

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1, 0, 0, 0]], score=[[0.9, 0.7, 0.8, 0.1]])
    >>> cell_rows(samples, threshold=0.5, predicted=True, correct=False).tolist()
    [2, 1]
    """
    with np.errstate(invalid="ignore"):
        above = samples.score > threshold
    mask = (samples.correct == float(correct)) & np.isfinite(samples.score) & (above == predicted)
    score = samples.score[mask]
    return np.asarray(samples.row[mask][np.argsort(-score if predicted else score, kind="stable")])


def rescaled(samples: Samples, *, beta_v: float, c_ref: float, new_beta_v: float, new_c_ref: float) -> Samples:
    """The same solutions with the score that other settings would give: ``r_s = beta_v (log pi(z_c) - c_ref)``.

    Parameters
    ----------
    samples : Samples
        Whose score was made with ``beta_v`` and ``c_ref``.
    beta_v, new_beta_v : float
        In reward units per nat, above 0.
    c_ref, new_c_ref : float
        In nats.

    Raises
    ------
    InputError
        If a beta_v is not positive or the samples hold another signal than the score.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1]], score=[[0.5]])
    >>> rescaled(samples, beta_v=0.1, c_ref=-23.0, new_beta_v=0.2, new_c_ref=-20.0).score.round(6).tolist()
    [[0.4]]
    """
    if samples.signal != "score":
        raise InputError(f"'{samples.signal}' does not depend on beta_v and c_ref", field="signal", remedy="use score")
    if not (beta_v > 0 and new_beta_v > 0):
        raise InputError("beta_v must be positive", field="beta_v")
    z_logprob = z_logprob_from_score(samples.score, beta_v=beta_v, c_ref=c_ref)
    return samples.with_score(last_token_score(z_logprob, beta_v=new_beta_v, c_ref=new_c_ref))


def answered(samples: Samples) -> Samples:
    """The same solutions, with a score only where an answer was extracted (the paper's "filtered").

    A table without any extracted answer stays as it is.

    Examples
    --------
    >>> answered(Samples.from_arrays(correct=[[1, 0]], score=[[0.9, 0.2]], answer=[[0, -1]])).score.tolist()
    [[0.9, nan]]
    """
    return samples.with_score(np.where(samples.answer >= 0, samples.score, np.nan)) if samples.has_answers else samples


def length_in_score_place(samples: Samples, rollouts: Rollouts) -> Samples:
    """The same solutions with their length as the score: in tokens, or in characters where no row counts tokens.

    Parameters
    ----------
    samples : Samples
        Made from ``rollouts``.
    rollouts : Rollouts

    Examples
    --------
    >>> rows = [{"run": "r", "problem_id": "p", "sample": i, "response": "x" * i} for i in (2, 3)]
    >>> table = Rollouts.from_rows(rows)
    >>> found = length_in_score_place(Samples.from_rollouts(table), table)
    >>> found.signal, found.score.tolist()
    ('length, characters', [[2.0, 3.0]])
    """
    if np.isfinite(samples.n_tokens).any():
        return replace(samples.with_score(samples.n_tokens), signal="length, tokens")
    characters = pc.utf8_length(rollouts.table["response"]).to_numpy().astype(np.float64)
    return replace(samples.with_score(characters[samples.row]), signal="length, characters")


def in_length_place(samples: Samples, other: Samples) -> Samples:
    """The same solutions with another signal in place of their length.

    Then :func:`~laser_core.analysis.length_relation` says how the score goes with that signal.

    Parameters
    ----------
    samples, other : Samples
        Of the same table, such as :meth:`Samples.with_signal` gives.

    Examples
    --------
    >>> samples = Samples.from_arrays(correct=[[1]], score=[[0.9]])
    >>> in_length_place(samples, samples.with_score(np.array([[0.2]]))).n_tokens.tolist()
    [[0.2]]
    """
    return replace(samples, n_tokens=other.score)

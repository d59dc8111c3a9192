"""The scale and the zero of a set of scores, and what limits them: :class:`Level`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from laser_core.errors import InputError
from laser_core.policy import Policy
from laser_core.rollouts import RunMeta
from laser_core.score import last_token_score

NOISY_SCORE = 0.05  # beta_v * std(log pi_ref(z_c)), in reward units, above which a warning is due
FEW_SOLUTIONS = 100  # below which c_ref and its spread are not settled; the paper uses 300


@dataclass(frozen=True)
class Level:
    """The scale and the reference constant of a set of scores.

    Attributes
    ----------
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float
        Reference constant, the mean of log pi_ref(z_c), in nats.
    c_ref_std : float, optional
        Standard deviation of log pi_ref(z_c), in nats, where it was measured.
    n : int
        Solutions that c_ref was measured over; 0 where it was given.
    """

    beta_v: float
    c_ref: float
    c_ref_std: float | None = None
    n: int = 0

    @classmethod
    def of(cls, beta_v: float, c_ref: float | None, ref_z_logprobs: Iterable[float | None]) -> Level:
        """With c_ref as given, or measured over log-probs of the reference model (None where there is none).

        Raises
        ------
        InputError
            If there is nothing to measure it over.
        """
        if c_ref is not None:
            return cls(beta_v, c_ref)
        values = np.array([value for value in ref_z_logprobs if value is not None], dtype=float)
        if not len(values):
            raise InputError(
                "every solution is truncated, so c_ref cannot be measured", field="c_ref", remedy="give --c-ref"
            )
        return cls(beta_v, float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None, len(values))

    def scores(self, z_logprobs: Sequence[float | None]) -> np.ndarray:
        """r_s as a float64 array of shape (n,); NaN where a log-prob is missing."""
        z_logprob = np.array([np.nan if value is None else value for value in z_logprobs], dtype=np.float64)
        return last_token_score(z_logprob, beta_v=self.beta_v, c_ref=self.c_ref)

    def meta(self, meta: RunMeta, policy: Policy) -> RunMeta:
        """The table's metadata with this level, the policy's verdict token and its prompt."""
        level = replace(meta, z_token=policy.z_token, beta_v=self.beta_v, c_ref=self.c_ref, c_ref_std=self.c_ref_std)
        return replace(level, prompt=policy.asks.text, prompt_chat=policy.asks.chat)

    @property
    def noise(self) -> float:
        """What the spread of log pi_ref(z_c) adds to a score, in reward units; 0 where it is unknown."""
        return self.beta_v * (self.c_ref_std or 0.0)

    @property
    def highest(self) -> float:
        """The score of a policy that is certain of z_c: log pi(z_c) cannot exceed 0."""
        return last_token_score(0.0, beta_v=self.beta_v, c_ref=self.c_ref)

    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user about what limits these scores; empty where nothing does.

        Examples
        --------
        >>> Level(0.1, -23.0, 0.04, 300).warnings()
        ()
        >>> for sentence in Level(0.1, -7.0, 2.0, 11).warnings():
        ...     print(sentence)
        c_ref is not constant: its standard deviation of 2.00 nats (11 solutions) adds noise of 0.20 to scores that \
should separate 0 from 1. `laser pick-token` ranks the tokens that could serve instead; training with reference = \
exact needs no constant.
        c_ref comes from 11 solutions only, and 100 or more settle it: measure on more problems, or raise \
max_new_tokens so that more solutions end.
        no score can exceed 0.70, because log pi(z_c) cannot exceed 0: choose a verdict token that the reference finds \
less likely, or a larger beta_v (0.14 lets a score reach 1).
        """
        found = []
        if self.c_ref_std is not None and self.noise > NOISY_SCORE:
            found.append(
                f"c_ref is not constant: its standard deviation of {self.c_ref_std:.2f} nats ({self.n:,} solutions) "
                f"adds noise of {self.noise:.2f} to scores that should separate 0 from 1. `laser pick-token` ranks the "
                "tokens that could serve instead; training with reference = exact needs no constant."
            )
        if 0 < self.n < FEW_SOLUTIONS:
            found.append(
                f"c_ref comes from {self.n} solution{'s' * (self.n > 1)} only, and {FEW_SOLUTIONS} or more settle it: "
                "measure on more problems, or raise max_new_tokens so that more solutions end."
            )
        if self.highest < 1:
            enough = f" ({-1 / self.c_ref:.2g} lets a score reach 1)" if self.c_ref < 0 else ""
            found.append(
                f"no score can exceed {self.highest:.2f}, because log pi(z_c) cannot exceed 0: choose a verdict token "
                f"that the reference finds less likely, or a larger beta_v{enough}."
            )
        return tuple(found)

"""How a run turns verdict log-probs into scores, and the loss that trains them: LaSeR's way and the ablations' ways."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from laser_core import algorithm
from laser_core.config import LaserConfig


@dataclass(frozen=True)
class ScoreRule:
    """LaSeR's score against a constant or an exact reference, or the rejected cross-entropy form.

    Attributes
    ----------
    beta_v : reward units per nat.
    c_ref : nats.
    exact : subtract each solution's own log pi_ref(z_c) in place of c_ref (the paper compares the two: no difference).
    form : ``mse``, LaSeR's, or ``bce``, in which the score is a probability and no reference enters.
    """

    beta_v: float
    c_ref: float
    exact: bool = False
    form: str = "mse"

    @classmethod
    def of(cls, config: LaserConfig, c_ref: float) -> ScoreRule:
        """The rule that a run's settings ask for, with the c_ref it measured or was given."""
        return cls(config.beta_v, c_ref, exact=config.reference == "exact", form=config.score_form)

    @property
    def needs_reference(self) -> bool:
        """Whether a score takes the reference model's log-probs: one forward pass of it over every solution."""
        return self.exact and self.form == "mse"

    def score(
        self, z_logprob: Tensor, *, z_wrong_logprob: Tensor | None = None, ref_z_logprob: Tensor | None = None
    ) -> Tensor:
        """The scores r_s.

        Parameters
        ----------
        z_logprob : Tensor of shape (B,), nats
        z_wrong_logprob : Tensor of shape (B,), nats; for ``bce``
        ref_z_logprob : Tensor of shape (B,), nats; for the exact reference

        Returns
        -------
        Tensor of shape (B,)

        Examples
        --------
        A solution at -18 nats whose own reference log-prob is -24 rather than c_ref = -23:

        >>> import torch
        >>> z, own = torch.tensor([-18.0]), torch.tensor([-24.0])
        >>> round(ScoreRule(0.1, -23.0).score(z).item(), 6)
        0.5
        >>> round(ScoreRule(0.1, -23.0, exact=True).score(z, ref_z_logprob=own).item(), 6)
        0.6
        """
        if self.form == "bce":
            return algorithm.verdict_probability(z_logprob, z_wrong_logprob)
        c_ref = ref_z_logprob if self.exact else self.c_ref
        return algorithm.last_token_score(z_logprob, beta_v=self.beta_v, c_ref=c_ref)

    def loss(
        self,
        z_logprob: Tensor,
        reward: Tensor,
        weight: Tensor,
        *,
        n_scored: int,
        z_wrong_logprob: Tensor | None = None,
        ref_z_logprob: Tensor | None = None,
    ) -> Tensor:
        """What trains the score: :func:`~laser_core.algorithm.score_loss`, or the cross-entropy form.

        Parameters
        ----------
        z_logprob, reward, weight : Tensors of shape (B,)
        n_scored : scored solutions of the whole batch
        z_wrong_logprob, ref_z_logprob : as in :meth:`score`

        Returns
        -------
        Tensor of shape ()
        """
        if self.form == "bce":
            return algorithm.verdict_cross_entropy(z_logprob, z_wrong_logprob, reward, weight, n_scored=n_scored)
        score = self.score(z_logprob, ref_z_logprob=ref_z_logprob)
        return algorithm.score_loss(score, reward, weight, n_scored=n_scored)

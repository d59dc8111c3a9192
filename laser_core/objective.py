"""What a training step optimises: LaSeR's scores, advantages and loss, with a run's settings filled in.

The equations are :mod:`laser_core.algorithm`'s. The paper's ablations each replace a part of this
(:mod:`laser_core.ablations`), so that the training step itself knows nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from laser_core import algorithm
from laser_core.config import LaserConfig


@dataclass(frozen=True)
class VerdictLogprobs:
    """What the models say after each solution's <eos>: log-probs in nats, for B solutions.

    Attributes
    ----------
    z : Tensor of shape (B,)
        log pi(z_c | x, y, <eos>).
    z_wrong : Tensor of shape (B,), optional
        log pi(z_i | x, y, <eos>), z_i being the token for an incorrect solution; the cross-entropy ablation needs it.
    ref_z : Tensor of shape (B,), optional
        log pi_ref(z_c | x, y, <eos>); the exact-reference ablation needs it.
    """

    z: Tensor
    z_wrong: Tensor | None = None
    ref_z: Tensor | None = None


@dataclass(frozen=True)
class Objective:
    """LaSeR's objective; GRPO's where the method or the phase of the schedule says so.

    Attributes
    ----------
    config : LaserConfig
    c_ref : float
        The reference constant, in nats: measured at the start of the run, or given.
    """

    config: LaserConfig
    c_ref: float

    @property
    def reads_reference(self) -> bool:
        """Whether the scores need a forward pass of the reference model over every solution."""
        return False

    def score(self, logprobs: VerdictLogprobs) -> Tensor:
        """The scores r_s = beta_v * (log pi(z_c) - c_ref), of shape (B,)."""
        return algorithm.last_token_score(logprobs.z, beta_v=self.config.beta_v, c_ref=self.c_ref)

    def advantages(self, reward: Tensor, score: Tensor, scored: Tensor, *, phase: str) -> Tensor:
        """The advantages A, of shape (B,): GRPO's, and the integrated ones once both warm-ups are over.

        Parameters
        ----------
        reward : Tensor of shape (B,)
            r_v, a problem's K solutions side by side.
        score : Tensor of shape (B,)
            r_s.
        scored : bool Tensor of shape (B,)
            Which solutions have a score.
        phase : str
            The schedule's phase: grpo, score or laser.
        """
        config, group_size = self.config, self.config.rollouts_per_prompt
        if phase == "laser" and config.integrate_advantages:
            return algorithm.integrated_advantages(
                reward, score, scored, group_size, tau=config.tau, std_threshold=config.std_threshold
            )
        return algorithm.group_advantages(reward, group_size)

    def class_weights(self, reward: Tensor, scored: Tensor) -> Tensor:
        """The weight w of each solution in the score loss, of shape (B,); 0 for one without a score."""
        return algorithm.class_weights(reward, scored) if self.config.class_weighting else scored.float()

    def score_loss(self, logprobs: VerdictLogprobs, reward: Tensor, weight: Tensor, *, n_scored: int) -> Tensor:
        """The score loss, of shape (); the gradient flows through ``logprobs``.

        Parameters
        ----------
        logprobs : VerdictLogprobs
        reward : Tensor of shape (B,)
        weight : Tensor of shape (B,)
            From :meth:`class_weights`.
        n_scored : int
            Solutions with a score in the whole batch.
        """
        return algorithm.score_loss(self.score(logprobs), reward, weight, n_scored=n_scored)

    def alpha(self, phase: str) -> float:
        """Weight of the score loss in a phase of the schedule."""
        return 0.0 if phase == "grpo" else self.config.alpha

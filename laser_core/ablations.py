"""The paper's ablations of LaSeR, each as the part of the objective that it replaces.

- exact reference: each solution's own log pi_ref(z_c) in place of the constant c_ref (the paper finds no difference);
- cross-entropy form: supervised fine-tuning on two verdict tokens in place of the score loss (it hurts reasoning);
- self-reward: the score in place of the verifier's reward (it collapses);
- several tokens: the mean log-prob of several verdict tokens in place of one.

A run enters here twice before its first step, through :func:`verdict_tokens` and :func:`objective_of`, and nowhere
else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from laser_core import algorithm
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.objective import Objective, VerdictLogprobs
from laser_core.policy import Policy, choose_z_token, unused_tokens


def objective_of(config: LaserConfig, c_ref: float) -> Objective:
    """LaSeR's objective, or the ablation that the settings ask for.

    Parameters
    ----------
    config : LaserConfig
    c_ref : float
        The reference constant that the run measured or was given, in nats.

    Returns
    -------
    Objective

    Examples
    --------
    A solution at -18 nats whose own reference log-prob is -24 rather than c_ref = -23:

    >>> logprobs = VerdictLogprobs(torch.tensor([-18.0]), ref_z=torch.tensor([-24.0]))
    >>> round(objective_of(LaserConfig(), -23.0).score(logprobs).item(), 6)
    0.5
    >>> round(objective_of(LaserConfig(reference="exact"), -23.0).score(logprobs).item(), 6)
    0.6
    """
    if config.score_form == "bce":
        objective: Objective = CrossEntropy(config, c_ref)
    elif config.reference == "exact":
        objective = ExactReference(config, c_ref)
    else:
        objective = Objective(config, c_ref)
    return SelfReward(config, c_ref, objective) if config.reward_source == "score" else objective


def verdict_tokens(policy: Policy, config: LaserConfig) -> Policy:
    """The policy with the verdict tokens that the settings ask for: several z_c, or a z_i for incorrect solutions."""
    z_wrong_token = config.z_wrong_token if config.score_form == "bce" else None
    return with_verdict_tokens(policy, z_tokens=config.z_tokens, z_wrong_token=z_wrong_token)


def with_verdict_tokens(policy: Policy, *, z_tokens: Sequence[str] = (), z_wrong_token: str | None = None) -> Policy:
    """The policy with several verdict tokens, or with one for incorrect solutions.

    Parameters
    ----------
    policy : Policy
    z_tokens : sequence of str
        The tokens whose log-probs are averaged, z_c first; empty: the policy's own z_c alone.
    z_wrong_token : str, optional
        The token z_i for an incorrect solution; empty: the first unused token that is not among the others.

    Returns
    -------
    Policy

    Raises
    ------
    InputError
        If a token is not usable, or no unused one is left.
    """
    if z_tokens:
        ids = [choose_z_token(policy.tokenizer, token)[1] for token in z_tokens]
        policy = replace(policy, z_token=", ".join(z_tokens), z_id=ids[0], more_z_ids=tuple(ids[1:]))
    if z_wrong_token is None:
        return policy
    taken = (policy.z_id, *policy.more_z_ids)
    if z_wrong_token:
        z_wrong_id = choose_z_token(policy.tokenizer, z_wrong_token)[1]
    else:
        free = [i for _, i in unused_tokens(policy.tokenizer) if i not in taken]
        z_wrong_id = free[0] if free else policy.z_id
    if z_wrong_id in taken:
        raise InputError(
            "there is no second unused token for incorrect solutions", field="z_wrong_token", remedy="name a token"
        )
    return replace(policy, z_wrong_id=z_wrong_id)


class ExactReference(Objective):
    """The score against each solution's own log pi_ref(z_c), which takes a forward pass of the reference model."""

    @property
    def reads_reference(self) -> bool:
        """It does: one forward pass over every solution."""
        return True

    def score(self, logprobs: VerdictLogprobs) -> Tensor:
        """r_s = beta_v * (log pi(z_c) - log pi_ref(z_c)), of shape (B,)."""
        assert logprobs.ref_z is not None
        return algorithm.last_token_score(logprobs.z, beta_v=self.config.beta_v, c_ref=logprobs.ref_z)


class CrossEntropy(Objective):
    """The form that the paper rejects: the score is a probability, trained by cross-entropy; no reference enters."""

    def score(self, logprobs: VerdictLogprobs) -> Tensor:
        """pi(z_c) / (pi(z_c) + pi(z_i)), of shape (B,)."""
        assert logprobs.z_wrong is not None
        return algorithm.verdict_probability(logprobs.z, logprobs.z_wrong)

    def score_loss(self, logprobs: VerdictLogprobs, reward: Tensor, weight: Tensor, *, n_scored: int) -> Tensor:
        """The cross-entropy of the verdict tokens, of shape (); parameters as of :meth:`Objective.score_loss`."""
        assert logprobs.z_wrong is not None
        return algorithm.verdict_cross_entropy(logprobs.z, logprobs.z_wrong, reward, weight, n_scored=n_scored)


@dataclass(frozen=True)
class SelfReward(Objective):
    """The score is the only reward once both warm-ups are over; until then, and for the score itself, ``base`` holds.

    Attributes
    ----------
    base : Objective
        What makes the scores and trains them during the warm-ups.
    """

    base: Objective

    @property
    def reads_reference(self) -> bool:
        """Whether the base's scores need it."""
        return self.base.reads_reference

    def score(self, logprobs: VerdictLogprobs) -> Tensor:
        """The base's scores, of shape (B,)."""
        return self.base.score(logprobs)

    def score_loss(self, logprobs: VerdictLogprobs, reward: Tensor, weight: Tensor, *, n_scored: int) -> Tensor:
        """The base's score loss, of shape ()."""
        return self.base.score_loss(logprobs, reward, weight, n_scored=n_scored)

    def advantages(self, reward: Tensor, score: Tensor, scored: Tensor, *, phase: str) -> Tensor:
        """norm_group(r_s) after the warm-ups; a solution without a score earns 0, as it would from the verifier."""
        if phase != "laser":
            return self.base.advantages(reward, score, scored, phase=phase)
        return algorithm.group_advantages(torch.where(scored, score, 0.0), self.config.rollouts_per_prompt)

    def alpha(self, phase: str) -> float:
        """No score loss after the warm-ups: the verifier, its target, is not asked any more."""
        return 0.0 if phase == "laser" else self.base.alpha(phase)

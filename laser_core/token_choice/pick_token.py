"""Which verdict token to use: the spare tokens of a model, ranked by what its own solutions say of them.

A good z_c is a token that nobody writes, whose log-prob under the reference model is low (so that a score of 1 can be
reached) and hardly varies from solution to solution (so that the constant c_ref can stand for it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from laser_core.fast.batches import Batches
from laser_core.generate import Generation
from laser_core.models.verdict_token import KINDS, NAMED, Candidate, candidates
from laser_core.policy import Policy, choose_z_token
from laser_core.reference import c_ref_of, own_solutions
from laser_core.scoring import Solutions, last_logprobs_of
from laser_core.tasks import Problem
from laser_core.token_choice.reference_level import NOISY_SCORE, Level

MICRO_BATCH_TOKENS = 4096


@dataclass(frozen=True)
class RankedToken:
    """A candidate with its level over the reference model's own solutions.

    Attributes
    ----------
    candidate : Candidate
    level : Level
        c_ref, its spread, and how many solutions they come from.
    n_written : int
        Solutions that contain the token.
    """

    candidate: Candidate
    level: Level
    n_written: int = 0

    @property
    def serves(self) -> bool:
        """Whether nothing speaks against it: nobody writes it, its spread is small, and a score of 1 is in reach."""
        return not self.n_written and self.level.noise <= NOISY_SCORE and self.level.highest >= 1

    def why(self) -> str:
        """What speaks for the token and against it, in a few words.

        Examples
        --------
        >>> RankedToken(Candidate("<|reserved_0|>", 7, "reserved"), Level(0.1, -23.0, 0.04, 300)).why()
        'reserved, so no training text contains it; its spread adds 0.004 to a score'
        """
        level = self.level
        parts = [KINDS[self.candidate.kind]]
        if level.c_ref_std is not None:
            much = "" if level.noise <= NOISY_SCORE else ", too much"
            parts.append(f"its spread adds {level.noise:.2g} to a score{much}")
        if level.highest < 1:
            parts.append(f"no score could exceed {level.highest:.2f}")
        if self.n_written:
            parts.append(f"{self.n_written} solutions contain it")
        return "; ".join(parts)


def rank(found: Sequence[RankedToken]) -> list[RankedToken]:
    """The tokens that serve in their order of trust, then the others, the least spread first.

    Examples
    --------
    >>> def token(name, std): return RankedToken(Candidate(name, 0, "special"), Level(0.1, -17.0, std, 200))
    >>> [t.candidate.token for t in rank([token("a", 0.9), token("b", 0.3), token("c", 0.6), token("d", 0.2)])]
    ['b', 'd', 'c', 'a']
    """
    serving = [token for token in found if token.serves]
    others = [token for token in found if not token.serves]

    def worth(token: RankedToken) -> tuple[bool, bool, float, float]:
        # Rounded, so that tokens a model knows equally little of stay in their order of trust.
        level = token.level
        return token.n_written > 0, level.highest < 1, round(level.noise, 2), round(level.c_ref, 1)

    return serving + sorted(others, key=worth)


def rank_tokens(reference: Policy, solutions: Solutions, *, beta_v: float) -> list[RankedToken]:
    """All spare tokens of a model, the best verdict token first.

    Parameters
    ----------
    reference : Policy
        The model before training.
    solutions : Solutions
        What the tokens are read after: its own solutions (:func:`ended_solutions`), or those of a file. All end.
    beta_v : float
        Scale of the score, in reward units per nat.

    Returns
    -------
    list of RankedToken
        Empty where the tokenizer has no spare token.
    """
    found = candidates(reference.tokenizer, reference.end_ids)
    if not found:
        return []
    n, ids = len(solutions.length), [candidate.z_id for candidate in found]
    logprobs = torch.empty(n, len(ids), dtype=torch.float64)
    for part in solutions.micro_batches(MICRO_BATCH_TOKENS):
        logprobs[part] = last_logprobs_of(reference, solutions.rows(part), ids).cpu().double()
    return rank([_ranked(c, logprobs[:, k], solutions, beta_v) for k, c in enumerate(found)])


def _ranked(candidate: Candidate, logprob: Tensor, solutions: Solutions, beta_v: float) -> RankedToken:
    n = len(logprob)
    level = Level(beta_v, logprob.mean().item(), logprob.std().item() if n > 1 else None, n)
    inside = torch.arange(solutions.responses().shape[1]) < solutions.length[:, None]
    written = (solutions.responses() == candidate.z_id) & inside
    return RankedToken(candidate, level, int(written.any(1).sum()))


def ended_solutions(policy: Policy, sampled: Generation) -> Solutions:
    """The sampled solutions that are not truncated, ready for a forward pass."""
    rows = (~sampled.truncated).nonzero().squeeze(1).tolist()
    prompts = [sampled.prompt[i, sampled.prompt.shape[1] - int(sampled.prompt_length[i]) :].tolist() for i in rows]
    responses = [sampled.response[i, : int(sampled.length[i])].tolist() for i in rows]
    return Solutions.pack(prompts, responses, policy)


@dataclass(frozen=True)
class Settled:
    """The verdict token of a run and its level.

    Attributes
    ----------
    policy : Policy
        The reference model, with that token.
    level : Level
    """

    policy: Policy
    level: Level

    def sentence(self) -> str:
        """Which token it is, why, and what c_ref is."""
        level = self.level
        spread = "" if level.c_ref_std is None else f", standard deviation {level.c_ref_std:.2f}"
        measured = f" (n = {level.n:,}{spread})" if level.n else ""
        kind = KINDS[self.policy.z_kind]
        return f"Verdict token {self.policy.z_token} ({kind}), c_ref = {level.c_ref:.2f} nats{measured}."

    def apply(self, policy: Policy) -> Policy:
        """Another policy with the same verdict token."""
        mine = self.policy
        return replace(policy, z_token=mine.z_token, z_id=mine.z_id, more_z_ids=mine.more_z_ids, z_kind=mine.z_kind)


def settle_token(
    reference: Policy,
    problems: Sequence[Problem],
    *,
    beta_v: float,
    max_new_tokens: int,
    seed: int,
    samples: int = 4,
    fixed: bool = False,
    batches: Batches | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Settled:
    """Measure c_ref, and take a better verdict token where the model's first one does not serve.

    The result is the first of :func:`rank_tokens`; the others are only read if the first one does not serve.

    Parameters
    ----------
    reference : Policy
        The model before training.
    problems : sequence of Problem
        It solves them; what it thinks of a token is read after its own solutions.
    beta_v : float
        Scale of the score, in reward units per nat.
    max_new_tokens : int
        Length limit of a solution, in tokens; truncated solutions are left out.
    seed : int
    samples : int
        Solutions of each problem.
    fixed : bool
        Whether the reference's verdict token must stay: somebody named it.
    batches, on_progress
        As in :func:`laser_core.generate.generate`.

    Raises
    ------
    InputError
        If no solution ends within the limit.
    """
    sampled = own_solutions(
        reference,
        problems,
        max_new_tokens=max_new_tokens,
        seed=seed,
        samples=samples,
        batches=batches,
        on_progress=on_progress,
    )
    level = Level(beta_v, *c_ref_of(sampled, max_new_tokens=max_new_tokens))
    if fixed or reference.z_kind == NAMED or reference.more_z_ids or reference.z_wrong_id is not None:
        return Settled(reference, level)
    solutions = ended_solutions(reference, sampled)
    first = RankedToken(Candidate(reference.z_token, reference.z_id, reference.z_kind), level)
    if first.serves and not (solutions.responses() == reference.z_id).any():
        return Settled(reference, level)
    return better_token(Settled(reference, level), solutions)


def better_token(settled: Settled, solutions: Solutions) -> Settled:
    """The first of :func:`rank_tokens`, or ``settled`` as it is where that is its token or there is none to rank."""
    policy = settled.policy
    ranked = rank_tokens(policy, solutions, beta_v=settled.level.beta_v)
    if not ranked or ranked[0].candidate.z_id == policy.z_id:
        return settled
    token = ranked[0].candidate
    return Settled(replace(policy, z_token=token.token, z_id=token.z_id, z_kind=token.kind), ranked[0].level)


def with_settled_token(policy: Policy, z_token: str | None) -> Policy:
    """The policy with the verdict token that its run settled on; several tokens are the settings' own and stay."""
    if not z_token or policy.more_z_ids or policy.z_wrong_id is not None:
        return policy
    return replace(policy, z_token=z_token, z_id=choose_z_token(policy.tokenizer, z_token)[1])

"""Whether a base model is an honest start: what it can check, and what it already knows where the score is read.

A miniature that teaches something needs a base which

1. can check somewhere: its decision to accept or to try again separates right attempts from wrong ones;
2. does not know the verdict at <eos>: neither log pi(z_c) nor any linear reading of the hidden state there separates
   correct solutions from incorrect ones by much;
3. solves some problems and not most, in many different ways.

``laser base --check MODEL`` prints this for every family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from laser_core.evaluate import repeated, responses_of, verify_solutions
from laser_core.fast.precision import pick_dtype
from laser_core.generate import generate
from laser_core.metrics import auroc, within_problem_auroc
from laser_core.miniature.model import hidden_states
from laser_core.policy import Policy
from laser_core.reproduce.probe import cross_fitted
from laser_core.tasks import Family
from laser_core.tasks.guess_and_check import ACCEPT, MAX_RETRIES, RETRY

CAN_CHECK, KNOWS_ALREADY = 0.90, 0.65  # limits of AUROC
SOLVES, DIFFERENT = (0.2, 0.5), 8.0
AT_ONCE = 64  # solutions in one forward pass


@dataclass(frozen=True)
class Acceptance:
    """What a base does in one family, over ``n_problems`` x ``samples`` solutions of held-out problems.

    Attributes
    ----------
    family : str
    n_problems, samples : int
    accuracy : float
        Share of correct solutions.
    cut_off : float
        Share that reached the length limit.
    different : float
        Mean number of different solutions among a problem's samples.
    decision_auroc : float
        AUROC of log P(accept) - log P(try again): right guesses against wrong ones, over all attempts after which the
        corpus leaves the choice: it accepts every last one.
    accepts_wrong : float
        Mean P(accept) after a wrong guess, of the two, over the same attempts.
    score_auroc, probe_auroc : float
        AUROC within a problem, at <eos>, of log pi(z_c), and of a logistic regression on the last hidden state,
        cross-fitted by problem.
    """

    family: str
    n_problems: int
    samples: int
    accuracy: float
    cut_off: float
    different: float
    decision_auroc: float
    accepts_wrong: float
    score_auroc: float
    probe_auroc: float

    @property
    def accepted(self) -> bool:
        """Whether every condition is met."""
        return (
            self.decision_auroc >= CAN_CHECK
            and max(self.score_auroc, self.probe_auroc) < KNOWS_ALREADY
            and SOLVES[0] <= self.accuracy <= SOLVES[1]
            and self.different >= DIFFERENT
        )


@torch.inference_mode()
def measure(policy: Policy, family: Family, *, n_problems: int = 200, samples: int = 32, seed: int = 0) -> Acceptance:
    """Sample a base on held-out problems of one family and look at its decisions and at its <eos>."""
    problems = family.problems("test")[:n_problems]
    generator = torch.Generator().manual_seed(seed)
    sampled = generate(
        policy,
        [policy.encode_prompt(problem.text) for problem in problems],
        samples=samples,
        max_new_tokens=family.max_new_tokens,
        generator=generator,
        dtype=pick_dtype("auto"),
    )
    verified = verify_solutions(policy, sampled, problems)
    prompts = repeated([policy.encode_prompt(problem.text) for problem in problems], samples)
    answers = np.repeat([int(problem.answer) for problem in problems], samples)
    seen = look(policy, prompts, responses_of(sampled), verified.texts, answers)

    number = np.repeat(np.arange(len(problems)), samples)
    ended = ~sampled.truncated.numpy()
    correct = verified.reward.numpy()[ended] > 0.5
    probe = cross_fitted(seen.hidden[ended], correct.astype(float), number[ended], seed=seed)
    texts = np.array(verified.texts).reshape(len(problems), samples)
    return Acceptance(
        family=family.name,
        n_problems=len(problems),
        samples=samples,
        accuracy=float(verified.reward.mean()),
        cut_off=float(1 - ended.mean()),
        different=float(np.mean([len(set(row)) for row in texts])),
        decision_auroc=auroc(seen.right, seen.decision),
        accepts_wrong=float(np.mean(1 / (1 + np.exp(-seen.decision[~seen.right])))),
        score_auroc=within_problem_auroc(correct, sampled.z_logprob.numpy()[ended], number[ended]),
        probe_auroc=within_problem_auroc(correct, probe, number[ended]),
    )


@dataclass(frozen=True)
class Look:
    """What a model shows in B solutions with A free decisions between them.

    Attributes
    ----------
    hidden : ndarray of shape (B, D)
        Last hidden state of each solution's last token.
    decision : ndarray of shape (A,)
        log P(accept) - log P(try again) after each attempt, in nats.
    right : bool ndarray of shape (A,)
        Whether its guess was the answer.
    """

    hidden: np.ndarray
    decision: np.ndarray
    right: np.ndarray


@torch.inference_mode()
def look(
    policy: Policy, prompts: list[list[int]], responses: list[list[int]], texts: Sequence[str], answers: np.ndarray
) -> Look:
    """Run a model over solutions and read its decisions and its states.

    Parameters
    ----------
    policy : Policy
    prompts, responses : list of list of int, length B
    texts : sequence of str, length B
        The responses as text.
    answers : ndarray of int of shape (B,)
    """
    accept, retry = (int(policy.tokenizer.encode(sign)[0]) for sign in (ACCEPT, RETRY))
    hidden: list[np.ndarray] = []
    decision: list[float] = []
    right: list[bool] = []
    for rows in np.array_split(np.arange(len(prompts)), -(-len(prompts) // AT_ONCE)):
        whole = [[*prompts[row], *responses[row]] for row in rows]
        longest = max(map(len, whole))
        tokens = torch.tensor([ids + [policy.pad_id] * (longest - len(ids)) for ids in whole])
        states = hidden_states(policy.model, tokens, pick_dtype("auto"))
        for row, ids, state in zip(rows, whole, states, strict=True):
            hidden.append(state[len(ids) - 1].numpy())
            start = len(prompts[row])
            at = [i - 1 for i in range(start, len(ids)) if ids[i] in (accept, retry)]
            guesses = [first_number(part) for part in texts[row].partition(ACCEPT)[0].split(RETRY)][: len(at)]
            if at and len(at) == len(guesses):
                free = at[:MAX_RETRIES]  # after the last attempt the corpus accepts whatever was guessed
                logits = policy.logits(state[free])
                decision.extend((logits[:, accept] - logits[:, retry]).tolist())
                right.extend(guess == answers[row] for guess in guesses[:MAX_RETRIES])
    return Look(np.array(hidden), np.array(decision), np.array(right, bool))


def first_number(attempt: str) -> int | None:
    """The guess that an attempt begins with: the first number in it.

    Examples
    --------
    >>> first_number("x=33;11*33=363"), first_number("9;3*9=27"), first_number("")
    (33, 9, None)
    """
    digits = attempt.partition(";")[0].removeprefix("x=")
    return int(digits) if digits.isdecimal() else None


def table(found: Sequence[Acceptance]) -> str:
    """The acceptance table as Markdown, one family a line."""
    lines = [
        "| family | n | solved | different of 32 | cut off | accept or retry: AUROC | accepts a wrong one"
        " | z_c at `<eos>` | probe at `<eos>` | accepted |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        lines.append(
            f"| {row.family} | {row.n_problems} x {row.samples} | {row.accuracy:.3f} | {row.different:.1f}"
            f" | {row.cut_off:.3f} | {row.decision_auroc:.3f} | {row.accepts_wrong:.2f} | {row.score_auroc:.3f}"
            f" | {row.probe_auroc:.3f} | {'yes' if row.accepted else 'no'} |"
        )
    return "\n".join(lines)

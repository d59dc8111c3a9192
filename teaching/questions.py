"""The homework's questions: what is asked, what counts as right, and the slips that deserve a hint.

Every answer is computed from the student's own file, so no two students have the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from teaching.rollout_file import Work

VOTERS = 8  # solutions per vote in the questions about votes


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes
    ----------
    key : str
        Its name in answers.toml.
    points : int
        For a right answer; there is no part of them for a wrong one.
    asked : str
        The question, as the homework prints it.
    answer : callable
        From a file to the right number, or to "yes" or "no".
    within : float
        How far off a number may be; covers rounding to three decimals.
    slips : tuple of (str, callable)
        Wrong ways to compute it, each with what to say about it.
    """

    key: str
    points: int
    asked: str
    answer: Callable[[Work], float | str]
    within: float = 0.002
    slips: tuple[tuple[str, Callable[[Work], float]], ...] = ()


def _first_mixed(work: Work) -> np.ndarray:
    """The rewards of the file's first problem with correct and incorrect solutions."""
    share = work.correct.mean(axis=1)
    return work.correct[np.flatnonzero((share > 0) & (share < 1))[0]].astype(float)


def _advantage(work: Work, ddof: int) -> float:
    reward = _first_mixed(work)
    return float((1 - reward.mean()) / reward.std(ddof=ddof))


def _weights(work: Work) -> tuple[float, float]:
    """w_c and w_i over the scored solutions of the whole file."""
    correct = work.correct[np.isfinite(work.score)]
    return len(correct) / (2 * correct.sum()), len(correct) / (2 * (~correct).sum())


def _loss(work: Work, *, weighted: bool) -> float:
    scored = np.isfinite(work.score)
    reward, score = work.correct[scored].astype(float), work.score[scored]
    w_c, w_i = _weights(work) if weighted else (1.0, 1.0)
    return float(np.mean(np.where(reward > 0, w_c, w_i) * (score - reward) ** 2))


def _score(name: str) -> Callable[[Work], float]:
    return lambda work: work.numbers["score"][name]


def _of_votes(work: Work, name: str) -> float:
    votes = work.numbers["voting"]
    return votes[name][votes["n"].index(VOTERS)]


def _gain(work: Work) -> float:
    return 100 * (_of_votes(work, "weighted") - _of_votes(work, "majority"))


def _gain_is_shown(work: Work) -> str:
    return "yes" if _of_votes(work, "weighted_minus_majority_low") > 0 else "no"


QUESTIONS = (
    Question("accuracy", 1, "What share of your solutions is correct?", lambda work: float(work.correct.mean())),
    Question(
        "mixed_problems",
        1,
        "How many of the 100 problems have both correct and incorrect solutions?",
        lambda work: float(sum(0 < row.mean() < 1 for row in work.correct)),
        within=0.0,
    ),
    Question(
        "logprob_of_one",
        2,
        "Which log-prob of z_c, in nats, is a score of exactly 1 in your file?",
        lambda work: work.c_ref + 1 / work.beta_v,
        within=0.01,
        slips=(
            ("That is a score of 0.", lambda work: work.c_ref),
            ("The log-prob rises with the score, so it lies above c_ref.", lambda work: work.c_ref - 1 / work.beta_v),
        ),
    ),
    Question(
        "advantage",
        3,
        "Take the first problem of your file that has both kinds. What is the GRPO advantage of its correct solutions? "
        "Divide by count - 1 in the standard deviation.",
        lambda work: _advantage(work, 1),
        within=0.01,
        slips=(("You divided by count, not by count - 1.", lambda work: _advantage(work, 0)),),
    ),
    Question(
        "weight_incorrect",
        2,
        "What is the class weight w_i of an incorrect solution, over all solutions of your file?",
        lambda work: _weights(work)[1],
        within=0.01,
        slips=(("That is w_c, the weight of a correct solution.", lambda work: _weights(work)[0]),),
    ),
    Question(
        "score_loss",
        3,
        "What is the score loss of your file, class weights included?",
        lambda work: _loss(work, weighted=True),
        slips=(("That is the loss without class weights.", lambda work: _loss(work, weighted=False)),),
    ),
    Question("auroc", 1, "What is the AUROC over all solutions?", _score("auroc")),
    Question(
        "auroc_within",
        2,
        "What is the AUROC within a problem?",
        _score("within_problem_auroc"),
        slips=(("That is the AUROC over all solutions.", _score("auroc")),),
    ),
    Question("balanced_f1", 2, "What is the balanced F1 at a threshold of 0.5?", _score("balanced_f1")),
    Question("best_threshold", 2, "Which threshold has the best balanced F1?", _score("best_threshold"), within=0.006),
    Question(
        "gain",
        3,
        f"By how many percentage points does the weighted vote of {VOTERS} beat the majority vote? Negative where it "
        "does not.",
        _gain,
        within=0.3,
        slips=(("The sign is the other way round: weighted minus majority.", lambda work: -_gain(work)),),
    ),
    Question(
        "gain_is_shown",
        4,
        'Does the 95% interval of that gain lie above 0? Answer "yes" or "no".',
        _gain_is_shown,
    ),
)

"""The guided tour's steps: their pages, texts, questions and options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.data.sources import Source
from app.sections.scores import ScoreScope, ScoresSection
from app.sections.voting import VotingSection
from app.tour import reveals
from app.tour.presets import Example
from app.tour.reveals import Reveal


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    page : str
        Where it takes place.
    title, text, question : str
        Markdown; the question asks for a prediction.
    options : tuple of str
        The predictions to choose from.
    reveal : callable
        Answers the question for a run and a signal.
    example : Example, optional
        The example to open.
    choices : tuple of (str, object)
        Other choices to make, by the widget's key.
    """

    page: str
    title: str
    text: str
    question: str
    options: tuple[str, ...]
    reveal: Callable[[Source, str], Reveal]
    example: Example | None = None
    choices: tuple[tuple[str, object], ...] = ()


STEPS = (
    Step(
        page="start",
        title="One token after the end",
        text="A model solves each problem many times, and a **verifier** checks every answer: 1 for correct, 0 for "
        "not. When a solution has ended, we read how likely the model finds one reserved token, z_c, which it never "
        "writes. Scaled to lie near 0 or 1, this is the **last-token score**. In training it is pulled towards the "
        "verifier's 1 or 0; later, where nobody knows the answer, it is the model's own judgement.",
        question="Of two solutions to the same problem, one correct and one incorrect: how often does the correct one "
        "get the higher score?",
        options=("half of the time", "60 to 75%", "75 to 90%", "more than 90%"),
        reveal=reveals.knows,
    ),
    Step(
        page="traces",
        title="A sharp turn in the trace",
        text="The probability of z_c can be read after every token, not only the last. LaSeR trains only the last one. "
        "We measure it as a log-prob in nats: one nat up is 2.7 times as likely.",
        question="Where in this solution does it change most?",
        options=("in the first third", "in the middle", "in the last third", "at the very last token"),
        reveal=reveals.turns,
        example=Example.TURN,
    ),
    Step(
        page="traces",
        title="Confidently wrong",
        text="Some incorrect solutions get a high score: either the model believes its own mistake, or the verifier is "
        "wrong.",
        question="Of the solutions that the verifier calls incorrect, how many does the score take for correct?",
        options=("less than 2%", "2 to 10%", "10 to 30%", "more than 30%"),
        reveal=reveals.confident,
        example=Example.CONFIDENT,
    ),
    Step(
        page="scores",
        title="A misleading AUROC",
        text="Take a correct and an incorrect solution: how often has the correct one the higher score? This is the "
        "**AUROC**; a coin gives 0.5. A score that is high on easy problems and low on hard ones does well over all "
        "problems, and yet knows nothing about two solutions of the same one.",
        question="AUROC over all problems, or AUROC within a problem: which is larger here?",
        options=("over all problems", "the same", "within a problem"),
        reveal=reveals.misleading,
        choices=(("scores_section", ScoresSection.DISTRIBUTION), ("score_over", ScoreScope.ALL)),
    ),
    Step(
        page="thresholds",
        title="Is 0.5 right?",
        text="The paper predicts that a solution is correct when its score is above 0.5. Nothing in the training loss "
        "makes that the best threshold. **Balanced F1** says how good such predictions are: 1 if all are right, 0 if "
        "one kind, correct or incorrect, is always taken for the other.",
        question="How much balanced F1 does a threshold add that was tuned on other problems?",
        options=("less than 0.01, not worth it", "0.01 to 0.05", "more than 0.05"),
        reveal=reveals.best_threshold,
    ),
    Step(
        page="voting",
        title="Tied votes",
        text="What is such a score good for? Several solutions of a problem can vote on its answer. Counting votes "
        "sometimes ends in a tie; adding up their scores hardly ever does.",
        question="How many of the tied votes do the weights decide for the correct answer?",
        options=("less than a third", "about half", "more than two thirds"),
        reveal=reveals.ties,
        example=Example.TIE,
        choices=(("voting_section", VotingSection.ONE_VOTE),),
    ),
    Step(
        page="voting",
        title="What weighting adds",
        text="Over all problems: votes weighted by the score against majority votes, on the same solutions.",
        question="How many points of accuracy does weighting add with 8 solutions?",
        options=("less than 1", "1 to 5", "5 to 15", "more than 15"),
        reveal=reveals.gain,
    ),
    Step(
        page="compare",
        title="Does a model trained without the score know, too?",
        text="LaSeR adds one term to GRPO: the squared difference between the score and the verifier's 1 or 0, from "
        "the solutions that it samples anyway. GRPO alone trains on the same 1 and 0 and never looks at z_c. The base "
        "model had no reinforcement learning at all.",
        question="In how many of these models does the log-prob of z_c tell which solutions are correct?",
        options=("in none", "in some", "in all"),
        reveal=reveals.trained,
    ),
)

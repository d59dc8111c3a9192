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
        text="The model has written a solution and its end token. Before it generates more, we read how likely it "
        "finds one reserved token, z_c, which it never writes. LaSeR trains this log-prob to tell whether the "
        "solution is correct.",
        question="Of two solutions to the same problem, one correct and one incorrect: how often does the correct one "
        "get the higher score?",
        options=("half of the time", "60 to 75%", "75 to 90%", "more than 90%"),
        reveal=reveals.knows,
    ),
    Step(
        page="traces",
        title="A sharp turn in the trace",
        text="The same log-prob can be read after every token, not only the last. LaSeR trains only the last one.",
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
        text="A score can be high on easy problems and low on hard ones, and yet know nothing about single solutions.",
        question="AUROC over all problems, or AUROC within a problem: which is larger here?",
        options=("over all problems", "the same", "within a problem"),
        reveal=reveals.misleading,
        choices=(("scores_section", ScoresSection.DISTRIBUTION), ("score_over", ScoreScope.ALL)),
    ),
    Step(
        page="thresholds",
        title="Is 0.5 right?",
        text="The paper predicts that a solution is correct when its score is above 0.5. Nothing in the training loss "
        "makes that the best threshold.",
        question="How much balanced F1 does a threshold add that was tuned on other problems?",
        options=("less than 0.01, not worth it", "0.01 to 0.05", "more than 0.05"),
        reveal=reveals.best_threshold,
    ),
    Step(
        page="voting",
        title="Tied votes",
        text="Several solutions vote on the answer. Counting votes sometimes ends in a tie; adding up scores hardly "
        "ever does.",
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
        text="GRPO trains on the verifier's reward alone and never looks at z_c. The base model had no reinforcement "
        "learning at all.",
        question="In how many of these models does the log-prob of z_c tell which solutions are correct?",
        options=("in none", "in some", "in all"),
        reveal=reveals.trained,
    ),
)

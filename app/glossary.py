"""Every term of the pages in plain words: on the page that uses it, and all of them from the sidebar."""

from __future__ import annotations

import re
from dataclasses import dataclass

import streamlit as st

from laser_core.names import name_of


@dataclass(frozen=True)
class Term:
    """A term, how else it is written on the pages (as a regular expression), and what it means (markdown)."""

    name: str
    written: str
    meaning: str


TERMS = (
    Term(
        "solution",
        r"rollouts?",
        "One answer that a model sampled for a problem, with all of its reasoning; also called a rollout. The same "
        "problem is solved many times, and the solutions differ.",
    ),
    Term("verifier", r"verifi\w+", "A program that compares a final answer with the reference: 1 correct, 0 not."),
    Term(
        "last-token score",
        r"last-token scores?|r_s",
        "The model's own estimate, after a solution, of whether it is correct: about 1 for yes, about 0 for no. It is "
        "β_v times (log-prob of z_c minus c_ref).",
    ),
    Term(
        "z_c", r"z_c", "The verdict token: one reserved token that the model never writes. Only its log-prob is read."
    ),
    Term(
        "log-prob",
        r"log-prob\w*|log π\w*(?:\(z_c\))?",
        "The logarithm of the probability that a model gives to a token: 0 is certain, -23 is one in ten billion.",
    ),
    Term("nat", r"nats?", "The unit of log-probs. One nat is a factor of 2.7 in probability."),
    Term(
        "c_ref",
        r"c_ref",
        "The reference constant: the log-prob that the model before training gives to z_c, which is nearly the same "
        "after every solution.",
    ),
    Term("β_v", r"β_v", "The scale of the score: how much reward one nat is worth. The paper uses 0.1."),
    Term("accuracy", r"[Aa]ccuracy", "The share of solutions that the verifier finds correct."),
    Term(
        "AUROC",
        r"AUROCs?",
        "Take a correct and an incorrect solution at random: how often does the correct one have the higher score? "
        "0.5 is chance, 1 is always.",
    ),
    Term(
        "AUROC within a problem",
        r"(?:AUROC )?within a problem|of the same problem|to the same problem",
        "The same, with both solutions from the same problem. A score that only knows which problems are easy stays at "
        "0.5 here, and does not help to choose among solutions.",
    ),
    Term("TPR", r"TPR", "True positive rate: the share of the correct solutions that are predicted correct."),
    Term("TNR", r"TNR", "True negative rate: the share of the incorrect solutions that are predicted incorrect."),
    Term(
        "balanced F1",
        r"[Bb]alanced F1",
        "One number for a threshold: the harmonic mean of TPR and TNR. 0 when one kind is always predicted wrong, 1 "
        "when no prediction is.",
    ),
    Term("threshold", r"[Tt]hresholds?", "Solutions with a score above it are predicted correct. The paper uses 0.5."),
    Term(
        "95% CI",
        r"95% (?:CI|intervals?|bands?)",
        "The range of values that fit the data: drawn again with other problems, such ranges hold the true value 95 "
        "times in 100.",
    ),
    Term("pass@N", r"pass@N", "The share of problems for which at least one of N solutions is correct: a ceiling."),
    Term("majority vote", r"[Mm]ajority(?: votes?)?", "N solutions vote, once each; the most frequent answer wins."),
    Term(
        "weighted vote",
        r"[Ww]eighted(?: votes?)?|[Ww]eighting",
        "N solutions vote, each with its score as weight; the answer with the largest sum wins.",
    ),
    Term("best-of-N", r"[Bb]est[- ]of[- ](?:N|\d+)", "The answer of the solution with the highest score among N."),
    Term(
        "calibration",
        r"[Cc]alibrat\w+|ECE",
        "Whether a score can be read as a probability: among solutions with score 0.9, nine in ten are correct. The "
        "expected calibration error (ECE) is the mean gap.",
    ),
    Term(
        "GRPO",
        r"GRPO",
        "Group relative policy optimisation: reinforcement learning that compares each solution's reward with the "
        "others of its problem. LaSeR is added to it.",
    ),
    Term("LaSeR", r"LaSeR", "GRPO plus one squared error that trains the last-token score towards the reward."),
    Term("advantage", r"advantages?", "How much better than the average of its problem a solution was."),
    Term("seed", r"seeds?", "A training run is repeated with other random numbers; each repetition is a seed."),
    Term("Z", r"\bZ\b", "The factor that makes probabilities sum to 1. For a token that is never written it is 1."),
)


def found_in(text: str) -> list[Term]:
    """The terms that a text uses, in the order of :data:`TERMS`.

    >>> [term.name for term in found_in("AUROC 0.9 (95% CI [0.8, 1.0])")]
    ['AUROC', '95% CI']
    """
    plain = text.replace("\\", "")
    return [term for term in TERMS if re.search(rf"(?<![\w-])(?:{term.written})(?![\w-])", plain)]


def in_plain_words(text: str) -> None:
    """One click below a finding: what its terms mean."""
    terms = found_in(text)
    if terms:
        with st.popover("In plain words", icon=":material/menu_book:", type="tertiary", key="plain_words"):
            st.markdown(_listed(terms))


@st.dialog("Glossary", width="medium")
def show() -> None:
    """All terms."""
    st.markdown(_listed(sorted(TERMS, key=lambda term: term.name.lower())))


def _listed(terms: list[Term]) -> str:
    return "\n\n".join(f"**{term.name}**: {term.meaning}{_setting(term)}" for term in terms)


def _setting(term: Term) -> str:
    """Where a term can be set, in a run's configuration."""
    name = name_of(term.name)
    return f" Setting: `{name.setting}`." if name and name.setting else ""

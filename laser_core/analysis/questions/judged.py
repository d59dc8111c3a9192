"""Which signals may stand in the score's place, and why the others say nothing about it.

A reward that the verdict was derived from ranks correct above incorrect solutions without error, by construction. To
judge the verdict by itself would look like a perfect score. Two rules find such signals: their names, because a reward,
an advantage or an accuracy is computed from the verdict even where a length penalty blurs it, and their values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from laser_core.analysis.tokens.confidence import SIGNALS
from laser_core.rollouts.schema import SIGNAL_PREFIX, Rollouts

MAX_GRADES = 8  # distinct values; more of them that separate perfectly are a score, not a grade
MIN_SOLUTIONS = 20  # below this, lengths and log-probs may take few values that separate by chance
REWARDS = frozenset(("advantage", "advantages", "return", "returns", "reward", "rewards"))
CORRECT = frozenset(("acc", "accuracy", "correct", "correctness", "solved", "verdict"))
SCORERS = frozenset(("em", "exact", "includes", "match", "pass", "passed"))  # of answers: other verifiers
MODEL = frozenset(("model", "rm"))  # a reward model judges the text, not the verdict


@dataclass(frozen=True)
class JudgedSignals:
    """The signals of one run, sorted by whether their agreement with the verifier says anything.

    Attributes
    ----------
    default : str or None
        The signal to analyse where nobody chose one: the score, or the file's first signal that can be judged and takes
        more than one value. None: the rollouts are unscored.
    judged : tuple of str
        Signals that can be judged, the score first.
    reasons : mapping of str to str
        For each other signal, why it cannot, as the end of a sentence about it.
    """

    default: str | None
    judged: tuple[str, ...]
    reasons: Mapping[str, str]

    def notes(self) -> tuple[str, ...]:
        """A sentence about each signal that cannot be judged.

        >>> JudgedSignals(None, (), {"signal.reward": "it is a reward or a verdict by its name"}).notes()
        ("No last-token score, and 'reward' cannot stand in its place: it is a reward or a verdict by its name.",)
        """
        return tuple(
            f"No last-token score, and '{name.removeprefix(SIGNAL_PREFIX)}' cannot stand in its place: {reason}."
            for name, reason in self.reasons.items()
        )


def judged_signals(rollouts: Rollouts) -> JudgedSignals:
    """Sort the signals of one run by whether they can be judged by the verdicts beside them.

    Parameters
    ----------
    rollouts : Rollouts
        Rows of one run. The column "score" is the last-token score by definition and always judged.

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "problem_id": "p", "sample": i, "response": "", "correct": i % 2 == 0,
    ...      "signal.grade": 1.0 - i % 2, "signal.reward": 1.0 - i / 10, "signal.similarity": i / 7}
    ...     for i in range(6)
    ... ]
    >>> found = judged_signals(Rollouts.from_rows(rows))
    >>> found.default, list(found.reasons)
    ('signal.similarity', ['signal.grade', 'signal.reward'])
    >>> found.reasons["signal.grade"]
    'it takes one value for correct solutions and another for incorrect ones'
    """
    correct, judged, reasons = rollouts.column("correct"), [], {}
    for name in rollouts.signals:
        reason = why_not_judged(name, rollouts.column(name), correct)
        if reason:
            reasons[name] = reason
        else:
            judged.append(name)
    default = next((name for name in judged if name == "score" or _varies(rollouts.column(name))), None)
    return JudgedSignals(default, tuple(judged), reasons)


def _varies(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(len(known)) and bool(known.min() < known.max())


def derived_from_verdict(signal: str, reason: str) -> str:
    """The finding about a signal that was chosen although it cannot be judged.

    >>> derived_from_verdict("reward", "it is a reward or a verdict by its name")
    "'reward' is derived from the verdict (it is a reward or a verdict by its name): this says nothing about how well \
it tells correct from incorrect solutions."
    """
    return (
        f"'{signal}' is derived from the verdict ({reason}): this says nothing about how well it tells correct from "
        "incorrect solutions."
    )


def why_not_judged(signal: str, values: np.ndarray, correct: np.ndarray) -> str:
    """Why this signal's agreement with the verdict says nothing; empty where it can be judged.

    Parameters
    ----------
    signal : str
        "score" or "signal.<name>".
    values : ndarray
        The signal, NaN where a solution has none.
    correct : ndarray
        Verdicts of the same solutions: 1, 0 or NaN.

    Examples
    --------
    >>> why_not_judged("signal.rewards/format", np.array([0.2, 0.1, 0.2]), np.array([1.0, 0.0, 0.0]))
    'it is a reward or a verdict by its name'
    >>> why_not_judged("signal.total", np.array([1.2, 1.0, 0.2, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    'its 4 values separate correct from incorrect solutions without a single error'
    >>> why_not_judged("signal.quality", np.array([1.2, 0.1, 0.2, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    ''
    """
    if signal == "score" or not signal.startswith(SIGNAL_PREFIX):
        return ""
    known = np.isfinite(values) & np.isfinite(correct)
    if not (signal in SIGNALS and known.sum() < MIN_SOLUTIONS):
        reason = _from_values(values[known], correct[known] == 1)
        if reason:
            return reason
    return "it is a reward or a verdict by its name" if _named_like_a_reward(signal) else ""


def _from_values(values: np.ndarray, correct: np.ndarray) -> str:
    """The reason that lies in the values: they are a function of the verdict, or the verdict a threshold on them."""
    right, wrong = values[correct], values[~correct]
    if not (len(right) and len(wrong)):
        return ""
    if not (right.min() > wrong.max() or right.max() < wrong.min()):
        return ""
    n = len(np.unique(values))
    if n == 2:
        return "it takes one value for correct solutions and another for incorrect ones"
    if n <= MAX_GRADES:
        return f"its {n} values separate correct from incorrect solutions without a single error"
    return ""


def _named_like_a_reward(signal: str) -> bool:
    """Whether a signal's name says that it was computed from the verdict.

    >>> [_named_like_a_reward(f"signal.{name}") for name in ("CosineReward", "rewards/acc", "exact_match")]
    [True, True, True]
    >>> [_named_like_a_reward(f"signal.{name}") for name in ("reward_model", "entropy", "accepted_length")]
    [False, False, False]
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", signal.removeprefix(SIGNAL_PREFIX)).lower()
    words = set(re.findall(r"[a-z]+", name))
    return bool(words & (REWARDS | CORRECT | SCORERS)) and not words & MODEL

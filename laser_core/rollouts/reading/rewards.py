"""When a reward is a verdict: where it takes two values in the whole file, one for correct and one for incorrect.

Many reward functions pay in parts, 0.1 for the format and 1.0 for the answer, say. Above 0 does not mean correct then:
such solutions are verified against the reference answer. Where there is none, only the highest reward of the file
counts as correct, which the notes say; a reward of many values, a reward model's, says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from laser_core.rollouts.reading.json_values import as_number

MAX_PARTS = 8  # more values than that are no parts of a reward but a scale
LOWEST_PASS = 0.5  # a file whose highest reward is 0.1 holds format points and no correct solution


class RewardScale:
    """The values that one kind of reward takes in a file.

    Examples
    --------
    >>> scale = RewardScale([1.0, 0.1, 0.1])
    >>> scale.is_verdict, scale.verdict(0.1, has_reference=True), scale.verdict(0.1, has_reference=False)
    (False, None, False)
    >>> scale = RewardScale([1.0, -1.0])
    >>> scale.is_verdict, scale.verdict(1.0, has_reference=True)
    (True, True)
    """

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._values: set[float] = set()
        self.top: float | None = None
        for value in values:
            self.add(value)

    def add(self, value: object) -> None:
        """Take note of a value; what is no number is none."""
        number = float(value) if isinstance(value, bool) else as_number(value)
        if number is None:
            return
        self.top = number if self.top is None else max(self.top, number)
        if len(self._values) <= MAX_PARTS:
            self._values.add(number)

    @property
    def is_verdict(self) -> bool:
        """Whether the file holds two values at most, one of them at or below 0 and the other one a full reward."""
        positive = [value for value in self._values if value > 0]
        if len(self._values) > 2 or len(positive) > 1:
            return False
        return not positive or positive[0] >= LOWEST_PASS and (len(self._values) == 2 or positive[0] == 1)

    @property
    def is_zero_or_one(self) -> bool:
        """Whether every value is 0 or 1."""
        return self._values <= {0.0, 1.0}

    @property
    def is_scale(self) -> bool:
        """Whether the reward takes so many values that its highest one marks nothing."""
        return len(self._values) > MAX_PARTS

    def verdict(self, value: object, *, has_reference: bool) -> bool | None:
        """Whether a solution with this reward is correct; None where its reference answer has to decide.

        Parameters
        ----------
        value : object
            The reward; what is no number gives None.
        has_reference : bool
            Whether the solution comes with a reference answer.
        """
        number = float(value) if isinstance(value, bool) else as_number(value)
        if number is None:
            return None
        if self.is_verdict:
            return number > 0
        return None if has_reference or self.is_scale else number == self.top and number > 0

    def note(self, name: str, *, has_reference: bool) -> str:
        """How the verdict came about, for the user."""
        if self.is_verdict:
            return f"a solution counts as correct where '{name}' is above 0"
        if has_reference:
            return f"'{name}' is paid in parts, so it is no verdict: verified against the reference answer instead"
        if self.is_scale:
            return f"'{name}' takes many values, so it is no verdict; map the column that is one to 'correct'"
        return f"'{name}' is paid in parts and there is no reference answer: only the highest, {self.top:g}, is correct"


def decide(
    row: dict[str, object], name: str, value: object, scale: RewardScale | None, notes: Counter[str]
) -> dict[str, object]:
    """The verdict that a reward gives a row, as ``{"correct": ...}``; nothing where the reference has to decide.

    Parameters
    ----------
    row : dict
        The row so far, with its reference answer if there is one.
    name : str
        What the file calls the reward.
    value : object
        The reward; what is neither a number nor missing is left for the type check to refuse.
    scale : RewardScale, optional
        The values in the whole file; where it was not looked over, this one value stands for all.
    notes : Counter of str
        Takes a sentence on how the verdict came about.
    """
    if value is not None and not isinstance(value, (bool, int, float)):
        return {"correct": value}
    scale = scale if scale is not None else RewardScale([value])
    has_reference = row.get("reference_answer") is not None
    verdict = scale.verdict(value, has_reference=has_reference)
    if scale.top is not None:
        notes[scale.note(name, has_reference=has_reference)] += 1
    return {} if verdict is None else {"correct": verdict}

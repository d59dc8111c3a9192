"""When is a reward a verdict? When it takes two values in the whole file, one for correct and one for incorrect.

Many reward functions give partial rewards, such as 0.1 for the format and 1.0 for the answer, and then a reward above 0
does not mean correct. Such solutions are verified against the reference answer. Without one, only the top reward in the
file counts as correct, and a note says so. A continuous score, such as a reward model's, is no verdict at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from laser_core.rollouts.reading.json_values import as_number

MAX_PARTS = 8  # distinct values; more than that make a continuous score rather than partial rewards
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
        self._is_verdict: bool | None = None  # not worked out yet, or no longer
        self.top: float | None = None
        for value in values:
            self.add(value)

    def add(self, value: object) -> None:
        """Record a value; anything but a number is ignored."""
        number = float(value) if isinstance(value, bool) else as_number(value)
        if number is None:
            return
        self.top = number if self.top is None else max(self.top, number)
        if number not in self._values and len(self._values) <= MAX_PARTS:
            self._values.add(number)
            self._is_verdict = None

    @property
    def is_verdict(self) -> bool:
        """Whether there are at most two values, one at or below 0 and the other a full reward."""
        if self._is_verdict is None:
            positive = [value for value in self._values if value > 0]
            full = not positive or (positive[0] >= LOWEST_PASS and (len(self._values) == 2 or positive[0] == 1))
            self._is_verdict = len(self._values) <= 2 and len(positive) <= 1 and full
        return self._is_verdict

    @property
    def is_zero_or_one(self) -> bool:
        """Whether every value is 0 or 1."""
        return self._values <= {0.0, 1.0}

    @property
    def is_scale(self) -> bool:
        """Whether the reward takes too many values to be a verdict or partial rewards."""
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
            return f"'{name}' has partial values, so it is not a verdict: verified against the reference answer instead"
        if self.is_scale:
            return f"'{name}' is a continuous score, not a verdict; map another column to 'correct' if there is one"
        return f"'{name}' has partial values and no reference answer: only the top one, {self.top:g}, is correct"


def decide(
    row: dict[str, object], name: str, value: object, scale: RewardScale | None, notes: Counter[str]
) -> dict[str, object]:
    """The verdict that a reward implies, as ``{"correct": ...}``; empty where the reference answer has to decide.

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

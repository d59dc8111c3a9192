"""What a reader is told about the file, and where it says what it saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from laser_core.rollouts.reading.rewards import RewardScale


@dataclass
class Context:
    """What a reader is told, and where it says what it saw.

    Attributes
    ----------
    file : str
        Display name of the file.
    mapping : dict of str to str
        The user's choices, column -> field, for the formats that take them.
    meta : dict of str to object
        What the file says about its origin (model, temperature, ...), for RunMeta.
    notes : Counter of str
        Sentences for the user, and how often each applied.
    requests : mapping of str to str
        Problem texts by custom_id, from the request file that a batch's answers belong to.
    left_out : set of int
        Numbers of the records that the survey found to repeat others; they are skipped.
    rewards : dict of str to RewardScale
        From the survey: the values each reward takes in the file, by the file's name for it.
    found : object
        Whatever else the survey learned, in a type of the reader's own.
    empty : tuple of (str, str)
        The error for a file without rollouts, and its remedy.
    """

    file: str
    mapping: dict[str, str]
    meta: dict[str, object] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    requests: Mapping[str, str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    rewards: dict[str, RewardScale] = field(default_factory=dict)
    found: object = None
    empty: tuple[str, str] = ("the file holds no rollouts", "choose another file")

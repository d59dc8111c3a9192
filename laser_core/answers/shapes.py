"""The shapes that an answer can have, with its single values as text or as further shapes."""

from __future__ import annotations

from dataclasses import dataclass


class UnreadableError(ValueError):
    """This text is no answer that can be compared by value."""


@dataclass(frozen=True)
class Value:
    """A single value, as text."""

    text: str


@dataclass(frozen=True)
class AnyOrder:
    """Values whose order says nothing: a set, or a list of solutions."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class InOrder:
    """Values in an order that counts: a point, a vector. Two of them may also be the ends of an open interval."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class Ratio:
    """``a:b:c``."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class Dots:
    r"""``\ldots`` in a sequence."""


@dataclass(frozen=True)
class Interval:
    """An interval that is closed at one end at least."""

    low: Node
    high: Node
    low_open: bool
    high_open: bool


@dataclass(frozen=True)
class Union:
    """What lies in any of the sets."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class Both:
    """What lies in all of the sets."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class Minus:
    """What lies in the first set and not in the second."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Matrix:
    """Cells by row."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Relation:
    """A chain such as ``0 < x <= 2``: one sign between each two neighbouring sides."""

    sides: tuple[str, ...]
    signs: tuple[str, ...]


Node = Value | AnyOrder | InOrder | Ratio | Dots | Interval | Union | Both | Minus | Matrix | Relation

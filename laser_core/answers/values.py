r"""The value of an answer, as a string that equal answers share: exact arithmetic first, digits last.

Grouping n answers then takes n readings and not n * n comparisons, and "is the same answer" is an equivalence because
it is the equality of strings. math-verify's parser reads the single values; this module runs in the child process only.

======================  ==============================================================================================
``q:p/q``               a rational number, exactly
``r:digits``            another real constant: 40 digits, and 40 after the point; ``:p/q`` behind it where its square is
                        rational
``z:re,im``             a complex constant, by the keys of its parts
``e:symbols:values``    an expression, by its values at fixed points
``c:s`` ``c:t`` ...     a collection, by the keys of its members: any order, in order, ratio, interval, union, matrix
``w...``                an equation, an inequality or another object
``t:...``               words
======================  ==============================================================================================
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from laser_core.answers.constants import expression_key
from laser_core.answers.parse import parse_value
from laser_core.answers.relations import equation_key, interval_key, set_key, to_set
from laser_core.answers.shapes import (
    AnyOrder,
    Dots,
    InOrder,
    Interval,
    Matrix,
    Node,
    Ratio,
    Relation,
    UnreadableError,
    Value,
)
from laser_core.answers.structure import read_structure
from laser_core.answers.text import number_key, parse_number
from laser_core.answers.words import words_key


def key_of(text: str) -> str:
    r"""The key of an answer; "" where it cannot be read.

    Examples
    --------
    >>> key_of(r"\frac{1}{2}"), key_of("1, -2") == key_of(r"x=-2 \text{ or } x=1")
    ('q:1/2', True)
    """
    try:
        return words_key(text) or node_key(read_structure(text))
    except UnreadableError:
        return ""


def node_key(node: Node) -> str:
    """The key of an answer's shape and values."""
    match node:
        case Value(text):
            return _value_key(text)
        case AnyOrder(members):
            keys = sorted(node_key(member) for member in members)
            return keys[0] if len(keys) == 1 else f"c:s({','.join(keys)})"
        case InOrder(members):
            return f"c:t({','.join(node_key(member) for member in members)})"
        case Dots():
            return "..."
        case Ratio(members):
            return _ratio_key(members)
        case Matrix(rows):
            cells = ",".join(node_key(cell) for row in rows for cell in row)
            return f"c:m{len(rows)}x{len(rows[0])}({cells})"
        case Interval(low, high, low_open, high_open):
            return interval_key(node_key(low), node_key(high), low_open, high_open)
        case Relation() if (key := equation_key(node)) is not None:
            return key
        case _:
            return set_key(to_set(node))


def _ratio_key(members: tuple[Node, ...]) -> str:
    """A ratio of two numbers is their quotient; of more numbers, what each is to the first; others stay as they are."""
    keys = [node_key(member) for member in members]
    numbers = [Fraction(key[2:]) for key in keys if key.startswith("q:") and key != "q:0/1"]
    if len(numbers) < len(keys):
        return f"c:r({','.join(keys)})"
    if len(numbers) == 2:
        quotient = numbers[0] / numbers[1]
        return f"q:{quotient.numerator}/{quotient.denominator}"
    return f"c:r({','.join(str(number / numbers[0]) for number in numbers)})"


def _value_key(text: str) -> str:
    if (words := words_key(text)) is not None:
        return words
    if (number := parse_number(text)) is not None:
        return number_key(number)
    if text.strip() == "\\emptyset":
        return "c:s()"
    value = parse_value(text)
    return set_key(value) if isinstance(value, sp.Set) else expression_key(value)

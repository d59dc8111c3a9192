"""Keys of equations, inequalities and sets of real numbers. Runs in the child process only."""

from __future__ import annotations

import re

import sympy as sp

from laser_core.answers.constants import constant_key, expression_key, fixed_points
from laser_core.answers.parse import parse_value
from laser_core.answers.shapes import (
    AnyOrder,
    Both,
    InOrder,
    Interval,
    Minus,
    Node,
    Relation,
    Union,
    UnreadableError,
    Value,
)
from laser_core.answers.symbols import function_of
from laser_core.answers.text import parse_number


def interval_key(low: str, high: str, low_open: bool, high_open: bool) -> str:
    """The key of an interval, from the keys of its ends; an infinite end is open.

    Examples
    --------
    >>> interval_key("q:0/1", "q:1/1", True, True), interval_key("q:2/1", "w:oo", False, False)
    ('c:t(q:0/1,q:1/1)', 'c:iFalseTrue(q:2/1,w:oo)')
    """
    low_open, high_open = low_open or low == "w:-oo", high_open or high == "w:oo"
    if low_open and high_open:
        return f"c:t({low},{high})"  # (a, b) may be a point as well as an interval
    return f"c:i{low_open}{high_open}({low},{high})"


def equation_key(node: Relation) -> str | None:
    """The key of an equation, a congruence or a relation between several symbols; None for a set on the line.

    Raises
    ------
    UnreadableError
        If the relation says nothing about a symbol, or mixes signs that do not go together.
    """
    if node.signs == ("mod",):
        return _congruence_key(*node.sides)
    if len(node.signs) > 1 and set(node.signs) <= {"<", "<=", ">", ">="}:
        return None
    if len(node.signs) > 1 and set(node.signs) == {"="}:
        return f"w==:{','.join(sorted(expression_key(parse_value(side, is_side=True)) for side in node.sides))}"
    if len(node.signs) > 1 or node.signs == ("in",):
        raise UnreadableError(str(node))
    left, right = (parse_value(side, is_side=True) for side in node.sides)
    if isinstance(left, sp.Set) or isinstance(right, sp.Set):
        raise UnreadableError(str(node))
    difference = (left - right).doit()
    symbols = sorted(difference.free_symbols, key=str)
    if not symbols:
        raise UnreadableError(str(node))
    if node.signs == ("=",):
        solved = _solved(difference, symbols)
        return expression_key(solved) if solved is not None else f"w=:{_ratios(difference, symbols)}"
    if len(symbols) == 1 and difference.is_polynomial() and sp.degree(difference, symbols[0]) == 1:
        return None
    return _inequality_key(difference, symbols, node.signs[0])


def _inequality_key(difference: sp.Expr, symbols: list[sp.Symbol], sign: str) -> str:
    """The key of an inequality that is no half-line: its boundary, and the side of it that a fixed point is on."""
    if sign == "!=":
        return f"w!=:{_ratios(difference, symbols)}"
    if sign in ("<", "<="):
        difference, sign = -difference, ">" + sign[1:]
    side = "+" if difference.subs(fixed_points(symbols)[0]) > 0 else "-"
    return f"w{sign}{side}:{_ratios(difference, symbols)}"


def _solved(difference: sp.Expr, symbols: list[sp.Symbol]) -> sp.Expr | None:
    """What the unknown is, where the equation says it linearly.

    The unknown is the only symbol, the y of an x and a y, or the only derivative of a function that does not occur.
    """
    names = [str(symbol) for symbol in symbols]
    functions = {name: function for name in names if (function := function_of(name))}
    unknown = symbols[-1]
    if len(functions) == 1:
        (rate, function), *_ = functions.items()
        if any(name == function or name.startswith(f"{function}(") for name in names):
            return None
        unknown = symbols[names.index(rate)]
    elif len(symbols) > 1 and names != ["x", "y"]:
        return None
    if not difference.is_polynomial(unknown):
        return None
    polynomial = sp.Poly(difference, unknown)
    if polynomial.degree() != 1 or polynomial.LC().free_symbols:
        return None
    return -polynomial.coeff_monomial(1) / polynomial.LC()


def _ratios(difference: sp.Expr, symbols: list[sp.Symbol]) -> str:
    """The ratios of (left - right) between fixed points: they survive scaling and swapped sides."""
    first, *others = (difference.subs(point).doit() for point in fixed_points(symbols, n=4))
    if first == 0:
        raise UnreadableError(str(difference))
    return f"{' '.join(map(str, symbols))}:{','.join(constant_key(other / first) for other in others)}"


def _congruence_key(left: str, right: str) -> str:
    match = re.fullmatch(r"(.*?)\(?\s*\\?(?:p?mod|bmod)\s*\{?\s*(\d+)\s*\}?\s*\)?", right)
    if not match or not re.fullmatch(r"[A-Za-z]", left):
        raise UnreadableError(right)
    residue = parse_number(match[1].strip())
    if residue is None or residue[0].denominator != 1 or not int(match[2]):
        raise UnreadableError(right)
    return f"c:mod({residue[0].numerator % int(match[2])},{int(match[2])})"


# ------------------------------------------------------------------------------------------------------------- sets


def to_set(node: Node) -> sp.Set:
    """A shape as a set of real numbers.

    Raises
    ------
    UnreadableError
        If it is none.
    """
    match node:
        case InOrder((low, high)):
            return sp.Interval.open(_end(low), _end(high))
        case Interval(low, high, low_open, high_open):
            return sp.Interval(_end(low), _end(high), low_open, high_open)
        case Union(members):
            return sp.Union(*(to_set(member) for member in members))
        case Both(members):
            sets = [to_set(member) for member in members]
            both = sp.Intersection(*sets)
            # "x < -1, x > 3" lists two halves of the line.
            return sp.Union(*sets) if both is sp.S.EmptySet else both
        case Minus(left, right):
            return to_set(left) - to_set(right)
        case AnyOrder(members):
            return sp.FiniteSet(*(_end(member) for member in members))
        case Relation():
            return _relation_set(node)
        case Value(text):
            value = parse_value(text)
            return value if isinstance(value, sp.Set) else sp.FiniteSet(value.doit())
        case _:
            raise UnreadableError(str(node))


def _end(node: Node) -> sp.Expr:
    if not isinstance(node, Value):
        raise UnreadableError(str(node))
    value = parse_value(node.text)
    if isinstance(value, sp.Set):
        raise UnreadableError(str(node))
    return value.doit()


def _relation_set(node: Relation) -> sp.Set:
    """The numbers that a chain of linear inequalities in one symbol leaves."""
    sides = [parse_value(side) for side in node.sides]
    found: sp.Set = sp.S.Reals
    for left, right, sign in zip(sides, sides[1:], node.signs, strict=False):
        difference = sp.expand((left - right).doit())
        symbols = list(difference.free_symbols)
        if len(symbols) != 1 or not difference.is_polynomial() or sp.degree(difference, symbols[0]) != 1:
            raise UnreadableError(str(node))
        slope, intercept = sp.Poly(difference, symbols[0]).all_coeffs()
        bound = -intercept / slope
        below = sign in ("<", "<=") if slope > 0 else sign in (">", ">=")
        is_open = sign in ("<", ">", "!=")
        half = sp.Interval(-sp.oo, bound, True, is_open) if below else sp.Interval(bound, sp.oo, is_open, True)
        found = found & (sp.S.Reals - sp.FiniteSet(bound) if sign == "!=" else half)
    return found


def set_key(value: sp.Set) -> str:
    """The key of a set: of its members, its ends, or the intervals it is made of."""
    if value is sp.S.EmptySet:
        return "c:s()"
    if value is sp.S.Reals:
        return "c:t(w:-oo,w:oo)"
    if isinstance(value, sp.Interval):
        low, high = expression_key(value.start), expression_key(value.end)
        return interval_key(low, high, bool(value.left_open), bool(value.right_open))
    if isinstance(value, sp.FiniteSet):
        keys = sorted(expression_key(member) for member in value.args)
        return keys[0] if len(keys) == 1 else f"c:s({','.join(keys)})"
    if isinstance(value, sp.Union):
        return f"c:u({','.join(sorted(set_key(part) for part in value.args))})"
    if isinstance(value, sp.Complement):
        return f"c:d({set_key(value.args[0])},{set_key(value.args[1])})"
    return f"w:{value}"

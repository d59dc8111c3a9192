r"""The value of an answer, as a string that equal answers share: exact arithmetic first, digits last.

Grouping n answers then takes n readings and not n * n comparisons, and "is equal to" is an equivalence because it is the
equality of strings. math-verify's parser reads each single value; this module runs in the child process only.

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

import math
import re
from fractions import Fraction

import sympy as sp
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy

from laser_core.answers.normalise import (
    bare_value,
    braced_subscripts,
    has_numbers_side_by_side,
    mixed_numbers,
    scalar_tex,
)
from laser_core.answers.structure import (
    AnyOrder,
    Both,
    Dots,
    InOrder,
    Interval,
    Matrix,
    Minus,
    Node,
    Ratio,
    Relation,
    Union,
    UnreadableError,
    Value,
    read_structure,
)
from laser_core.answers.text import number_key, parse_number
from laser_core.answers.words import words_key

DIGITS = 40
MAX_DIGITS = 4000  # of a number that is written out
_AS_WRITTEN = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)
_LONG_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")
_STEPS = (sp.Abs, sp.floor, sp.ceiling, sp.Max, sp.Min, sp.sign, sp.Mod)


def key_of(text: str) -> str:
    r"""The key of an answer; "" where it cannot be read.

    Examples
    --------
    >>> key_of(r"\frac{1}{2}"), key_of("1, -2") == key_of(r"x=-2 \text{ or } x=1"), key_of("x<3") == key_of(r"(-\infty,3)")
    ('q:1/2', True, True)
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
            return _interval_key(node_key(low), node_key(high), low_open, high_open)
        case Relation() if (key := _equation_key(node)) is not None:
            return key
        case _:
            return _set_key(_to_set(node))


def _ratio_key(members: tuple[Node, ...]) -> str:
    """A ratio of two numbers is their quotient; longer ones and those with dots are compared member by member."""
    keys = [node_key(member) for member in members]
    if len(keys) == 2 and all(key.startswith("q:") for key in keys) and keys[1] != "q:0/1":
        quotient = Fraction(keys[0][2:]) / Fraction(keys[1][2:])
        return f"q:{quotient.numerator}/{quotient.denominator}"
    return f"c:r({','.join(keys)})"


def _interval_key(low: str, high: str, low_open: bool, high_open: bool) -> str:
    if (low_open or low == "w:-oo") and (high_open or high == "w:oo"):
        return f"c:t({low},{high})"  # (a, b) may be a point as well as an interval
    return f"c:i{low_open or low == 'w:-oo'}{high_open or high == 'w:oo'}({low},{high})"


def _value_key(text: str) -> str:
    if (words := words_key(text)) is not None:
        return words
    if (number := parse_number(text)) is not None:
        return number_key(number)
    if re.fullmatch(r"\\emptyset|\\phi", text.strip()):
        return "c:s()"
    value = parse_value(text)
    return _set_key(value) if isinstance(value, sp.Set) else expression_key(value)


def parse_value(text: str) -> sp.Basic:
    r"""One value as a sympy object, read by math-verify's LaTeX parser.

    Raises
    ------
    UnreadableError
        If the parser rejects the text, or reads something that has no value.
    """
    if has_numbers_side_by_side(braced_subscripts(mixed_numbers(bare_value(text)))):
        raise UnreadableError(text)
    tex = scalar_tex(text)
    if "\\text" in tex or any(not _is_product(word) for word in _LONG_WORD.findall(tex)):
        raise UnreadableError(text)
    try:
        value = latex2sympy(
            tex, is_real=True, convert_degrees=False, normalization_config=None, conversion_config=_AS_WRITTEN
        )
    except Exception as error:  # the parser and sympy raise whatever they like
        raise UnreadableError(text) from error
    if isinstance(value, sp.Set):
        return value
    if not isinstance(value, sp.Expr) or value.has(sp.core.function.AppliedUndef):
        raise UnreadableError(text)
    return value.subs(sp.Symbol("i", real=True), sp.I)


def _is_product(letters: str) -> bool:
    """Four or more letters in a row are a word, unless they run through the alphabet as names of sides do."""
    return all(ord(b) == ord(a) + 1 for a, b in zip(letters, letters[1:], strict=False))


def expression_key(value: sp.Expr) -> str:
    """The key of a constant or of an expression with symbols."""
    if value in (sp.oo, -sp.oo):
        return f"w:{value}"
    if value.has(sp.nan, sp.zoo, sp.oo):
        raise UnreadableError(str(value))
    if not value.free_symbols and _n_digits(value) > MAX_DIGITS:
        return f"w:{value}"  # 10^(10^6) equals its own spelling only
    try:
        value = value.doit()
        symbols = sorted(value.free_symbols, key=str)
        if not symbols:
            return constant_key(value)
        values = [constant_key(value.subs(point).doit()) for point in _points(symbols, steps=value.has(*_STEPS))]
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(str(value)) from error
    if len(set(values)) == 1:
        return values[0]  # the symbols cancel
    return f"e:{' '.join(map(str, symbols))}:{','.join(values)}"


def constant_key(value: sp.Expr) -> str:
    """The key of a number: exact where it is rational or the root of a rational, else by its digits."""
    if value.is_Rational:
        return f"q:{value.p}/{value.q}"
    real, imaginary = value.as_real_imag() if value.has(sp.I) or value.is_real is not True else (value, sp.Integer(0))
    real_key = _real_key(real)
    imaginary_key = _real_key(imaginary)
    return real_key if imaginary_key == "q:0/1" else f"z:{real_key},{imaginary_key}"


def _real_key(value: sp.Expr) -> str:
    if value.is_Rational:
        return f"q:{value.p}/{value.q}"
    rough = value.evalf(15)
    if not rough.is_Float:
        raise UnreadableError(str(value))
    n = DIGITS + 20 + max(0, math.ceil(float(sp.log(abs(rough), 10)))) if rough else DIGITS + 20
    number = value.evalf(min(n, MAX_DIGITS), maxn=4 * MAX_DIGITS)
    if (rational := _rational(value, number)) is not None:
        return f"q:{rational.p}/{rational.q}"
    square = sp.expand(value**2)
    squared = square if square.is_Rational else _rational(square, number**2)
    tail = f":{squared.p}/{squared.q}" if squared is not None else ""
    after_point = max(DIGITS, DIGITS - math.floor(float(sp.log(abs(rough), 10)))) if rough else DIGITS
    digits = round(Fraction(str(number)) * 10**after_point)
    return f"r:{digits}e-{after_point}{tail}"


def _rational(value: sp.Expr, number: sp.Float) -> sp.Rational | None:
    """The simple fraction that a constant is, such as (1 + sqrt 2)(1 - sqrt 2): found by digits, then proved."""
    exact = Fraction(str(number))
    simple = exact.limit_denominator(10**9)
    if abs(exact - simple) >= Fraction(1, 10 ** (DIGITS + 10)):
        return None
    rational = sp.Rational(simple.numerator, simple.denominator)
    difference = sp.expand(value - rational)
    return rational if difference == 0 or difference.equals(0) is not False else None


def _n_digits(value: sp.Basic) -> float:
    """An upper estimate of how many digits a constant takes, before anything is multiplied out."""
    magnitude = _log10_size(value)
    return magnitude if magnitude == magnitude else math.inf


def _log10_size(value: sp.Basic) -> float:
    if isinstance(value, sp.Pow) or isinstance(value, sp.exp):
        base, exponent = value.as_base_exp()
        size = _log10_size(exponent)
        exponent_size = 10.0**size if size < 300 else math.inf
        return max(_log10_size(base), 0.4) * max(exponent_size, 1.0)
    if isinstance(value, sp.factorial):
        size = _log10_size(value.args[0])
        n = 10.0**size if size < 300 else math.inf
        return n * max(size, 1.0)
    if isinstance(value, sp.Rational):
        return (
            max(len(str(abs(value.p))), len(str(value.q)))
            if max(abs(value.p), value.q) > 10**15
            else math.log10(max(abs(value.p), value.q, 1))
        )
    return sum(_log10_size(part) for part in value.args) if value.args else 0.5


def _points(symbols: list[sp.Symbol], *, steps: bool = False, n: int = 3) -> list[dict[sp.Symbol, sp.Rational]]:
    """Fixed positive points with nothing special about them (roots and logarithms exist there).

    Absolute values and steps also need negative points and whole numbers.
    """
    points = [{s: sp.Rational(7 + 4 * i + 5 * k, 11 + 2 * i + 3 * k) for i, s in enumerate(symbols)} for k in range(n)]
    if steps:
        points += [{s: sp.Rational(-17 - 3 * i - k, 7 + 2 * i) for i, s in enumerate(symbols)} for k in range(2)]
        points += [{s: sp.Integer(2 + k + 3 * i) for i, s in enumerate(symbols)} for k in range(11)]
    return points


# -------------------------------------------------------------------------------------------------------- relations


def _equation_key(node: Relation) -> str | None:
    """The key of an equation, a congruence or a relation between several symbols; None for a set on the line."""
    if node.signs == ("mod",):
        return _congruence_key(*node.sides)
    if node.signs == ("in",):
        raise UnreadableError(str(node))
    if len(node.signs) > 1:
        if set(node.signs) <= {"<", "<=", ">", ">="}:
            return None
        raise UnreadableError(str(node))
    left, right = (parse_value(side) for side in node.sides)
    if isinstance(left, sp.Set) or isinstance(right, sp.Set):
        raise UnreadableError(str(node))
    difference = (left - right).doit()
    symbols = sorted(difference.free_symbols, key=str)
    sign = node.signs[0]
    if not symbols:
        raise UnreadableError(str(node))
    if sign == "=":
        if (solved := _solved(difference, symbols)) is not None:
            return expression_key(solved)
        return f"w=:{_ratios(difference, symbols)}"
    if len(symbols) == 1 and sp.Poly(difference, *symbols).degree() == 1 if difference.is_polynomial() else False:
        return None
    if sign == "!=":
        return f"w!=:{_ratios(difference, symbols)}"
    if sign in ("<", "<="):
        difference, sign = -difference, ">" + sign[1:]
    first = difference.subs(_points(symbols)[0])
    return f"w{sign}{'+' if first > 0 else '-'}:{_ratios(difference, symbols)}"


def _solved(difference: sp.Expr, symbols: list[sp.Symbol]) -> sp.Expr | None:
    """What the unknown is, where the equation says it linearly: the only symbol, or the y of an x and a y."""
    unknown = symbols[-1]
    if len(symbols) > 1 and [str(symbol) for symbol in symbols] != ["x", "y"] or not difference.is_polynomial(unknown):
        return None
    polynomial = sp.Poly(difference, unknown)
    if polynomial.degree() != 1 or polynomial.LC().free_symbols:
        return None
    return -polynomial.coeff_monomial(1) / polynomial.LC()


def _ratios(difference: sp.Expr, symbols: list[sp.Symbol]) -> str:
    """The ratios of (left - right) between fixed points: they survive scaling and swapped sides."""
    first, *others = (difference.subs(point).doit() for point in _points(symbols, n=4))
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


def _to_set(node: Node) -> sp.Set:
    """A set of real numbers."""
    match node:
        case InOrder((low, high)):
            return sp.Interval.open(_end(low), _end(high))
        case Interval(low, high, low_open, high_open):
            return sp.Interval(_end(low), _end(high), low_open, high_open)
        case Union(members):
            return sp.Union(*(_to_set(member) for member in members))
        case Both(members):
            sets = [_to_set(member) for member in members]
            both = sp.Intersection(*sets)
            # "x < -1, x > 3" lists two halves of the line.
            return sp.Union(*sets) if both is sp.S.EmptySet else both
        case Minus(left, right):
            return _to_set(left) - _to_set(right)
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


def _set_key(value: sp.Set) -> str:
    if value is sp.S.EmptySet:
        return "c:s()"
    if value is sp.S.Reals:
        return "c:t(w:-oo,w:oo)"
    if isinstance(value, sp.Interval):
        low, high = expression_key(value.start), expression_key(value.end)
        return _interval_key(low, high, bool(value.left_open), bool(value.right_open))
    if isinstance(value, sp.FiniteSet):
        keys = sorted(expression_key(member) for member in value.args)
        return keys[0] if len(keys) == 1 else f"c:s({','.join(keys)})"
    if isinstance(value, sp.Union):
        return f"c:u({','.join(sorted(_set_key(part) for part in value.args))})"
    if isinstance(value, sp.Complement):
        return f"c:d({_set_key(value.args[0])},{_set_key(value.args[1])})"
    return f"w:{value}"

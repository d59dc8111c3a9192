"""Keys of constants and expressions: exact arithmetic first, digits last. Runs in the child process only."""

from __future__ import annotations

import math
from fractions import Fraction

import sympy as sp

from laser_core.answers.shapes import UnreadableError

DIGITS = 40
MAX_DIGITS = 4000  # of a number that is written out
_STEPS = (sp.Abs, sp.floor, sp.ceiling, sp.Max, sp.Min, sp.sign, sp.Mod)


def expression_key(value: sp.Expr) -> str:
    """The key of a constant or of an expression with symbols."""
    if value in (sp.oo, -sp.oo):
        return f"w:{value}"
    if value.has(sp.nan, sp.zoo, sp.oo):
        raise UnreadableError(str(value))
    if _n_digits(value) > MAX_DIGITS:
        return f"w:{value}"  # 10^(10^6) equals its own spelling only
    try:
        value = value.doit()
        symbols = sorted(value.free_symbols, key=str)
        if not symbols:
            return constant_key(value)
        values = [constant_key(value.subs(point).doit()) for point in fixed_points(symbols, steps=value.has(*_STEPS))]
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
    if not rough.is_number or rough.is_real is not True:
        raise UnreadableError(str(value))
    exponent = math.floor(float(sp.log(abs(rough), 10))) if rough else 0
    number = value.evalf(min(DIGITS + 20 + max(exponent, 0), MAX_DIGITS), maxn=4 * MAX_DIGITS)
    if (rational := _rational(value, number)) is not None:
        return f"q:{rational.p}/{rational.q}"
    square = sp.expand(value**2)
    squared = square if square.is_Rational else _rational(square, number**2)
    tail = f":{squared.p}/{squared.q}" if squared is not None else ""
    after_point = max(DIGITS, DIGITS - exponent)
    return f"r:{round(Fraction(str(number)) * 10**after_point)}e-{after_point}{tail}"


def _rational(value: sp.Expr, number: sp.Float) -> sp.Rational | None:
    """The simple fraction that a constant is, such as (1 + sqrt 2)(1 - sqrt 2): found by digits, unless disproved."""
    exact = Fraction(str(number))
    simple = exact.limit_denominator(10**9)
    if abs(exact - simple) >= Fraction(1, 10 ** (DIGITS + 10)):
        return None
    rational = sp.Rational(simple.numerator, simple.denominator)
    difference = sp.expand(value - rational)
    return rational if difference == 0 or difference.equals(0) is not False else None


def _n_digits(value: sp.Basic) -> float:
    """An upper estimate of how many digits a value takes, before anything is multiplied out."""
    if isinstance(value, (sp.Pow, sp.exp)):
        base, exponent = value.as_base_exp()
        return max(_n_digits(base), 0.4) * max(_power_of_ten(_n_digits(exponent)), 1.0)
    if isinstance(value, sp.factorial):
        size = _n_digits(value.args[0])
        return _power_of_ten(size) * max(size, 1.0)
    if isinstance(value, sp.Rational):
        largest = max(abs(value.p), value.q)
        return float(len(str(largest))) if largest > 10**15 else math.log10(largest)
    return sum(_n_digits(part) for part in value.args) if value.args else 0.5


def _power_of_ten(size: float) -> float:
    return 10.0**size if size < 300 else math.inf


def fixed_points(symbols: list[sp.Symbol], *, steps: bool = False, n: int = 3) -> list[dict[sp.Symbol, sp.Rational]]:
    """Fixed positive points with nothing special about them: odd over even, so that no symbol is a whole number.

    Absolute values and steps also need negative points and whole numbers.
    """
    named = list(enumerate(symbols))
    points = [{s: sp.Rational(15 + 8 * i + 10 * k, 22 + 4 * i + 6 * k) for i, s in named} for k in range(n)]
    if steps:
        points += [{s: sp.Rational(-17 - 3 * i - k, 7 + 2 * i) for i, s in enumerate(symbols)} for k in range(2)]
        points += [{s: sp.Integer(2 + k + 3 * i) for i, s in enumerate(symbols)} for k in range(11)]
    return points

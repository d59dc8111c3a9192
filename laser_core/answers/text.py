"""What can be read off an answer's text without algebra: which number it is, and how it is spelled.

Pure text in, text or Fraction out; nothing here takes more than linear time, whatever a model wrote.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from laser_core.answers.boxes import last_boxed
from laser_core.answers.characters import fold_lookalikes
from laser_core.answers.normalise import ascii_powers, bare_value, mixed_numbers, repeating_decimals, scientific
from laser_core.answers.tex_arguments import explicit_arguments
from laser_core.answers.tidy import tidy

MAX_MATH_CHARS = 400  # longer "answers" are prose or noise; they are compared as text
MAX_DEPTH = 24
MAX_NUMBER_CHARS = 60
ROUNDED_DIGITS = 6  # after the point: 0.333333 answers 1/3, 0.33 does not
SIGNIFICANT = 10**3  # and four digits that count: 0.000001 rounds nothing
_CACHE_SIZE = 200_000
FLOAT_DIGITS = 10**15

_PLAIN = re.compile(r"([+-]?)(\d+)(?:\.(\d*))?")
_DECIMAL = re.compile(r"([+-]?)\s*(\d*)(?:\.(\d*))?(?:\s*(?:\\cdot|\*)\s*10\s*\^\s*\{([+-]?\d{1,2})\})?")
_RATIO = re.compile(r"([+-]?)\s*(?:\\frac\{\s*(-?\d+)\s*\}\{\s*(-?\d+)\s*\}|(\d+)\s*/\s*(\d+))")
_POWER_OF_TEN = re.compile(r"([+-]?)\s*10\s*\^\s*\{([+-]?\d{1,2})\}")


@lru_cache(maxsize=_CACHE_SIZE)
def parse_number(text: str) -> tuple[Fraction, int] | None:
    r"""An integer, decimal, fraction, mixed number or power of ten, exactly; None for anything else.

    Currency signs, percent signs, degrees, units and the base of a numeral are dropped.

    Returns
    -------
    (Fraction, int) or None
        The value, and how many digits were written after the decimal point.

    Examples
    --------
    >>> parse_number("1,234.50"), parse_number(r"$-\dfrac{3}{4}$"), parse_number("18 dollars"), parse_number(r"\pi")
    ((Fraction(2469, 2), 2), (Fraction(-3, 4), 0), (Fraction(18, 1), 0), None)
    >>> parse_number("11 5/6"), parse_number(r"7.25 \times 10^{-3}"), parse_number("50%"), parse_number("2516_8")
    ((Fraction(71, 6), 0), (Fraction(29, 4000), 2), (Fraction(50, 1), 0), (Fraction(2516, 1), 0))
    """
    if len(text) > MAX_NUMBER_CHARS:
        return None
    if match := _PLAIN.fullmatch(text):
        return _decimal(match[1], match[2], match[3] or "", 0)
    if not any("0" <= c <= "9" for c in fold_lookalikes(text)):
        return _parse_spelled(text) if any(c.isnumeric() for c in text) else None
    return _parse_spelled(text)


def _parse_spelled(text: str) -> tuple[Fraction, int] | None:
    text = explicit_arguments(ascii_powers(scientific(bare_value(tidy(text)))))
    text = repeating_decimals(mixed_numbers(text)).strip()
    if match := _RATIO.fullmatch(text):
        sign, *parts = match.groups()
        top, bottom = (int(part) for part in parts if part is not None)
        return (Fraction(-top if sign == "-" else top, bottom), 0) if bottom else None
    if match := _POWER_OF_TEN.fullmatch(text):
        return _decimal(match[1], "1", "", int(match[2]))
    match = _DECIMAL.fullmatch(text)
    if not match or not (match[2] or match[3]):
        return None
    return _decimal(match[1], match[2], match[3] or "", int(match[4] or 0))


def _decimal(sign: str, whole: str, decimals: str, exponent: int) -> tuple[Fraction, int]:
    value = Fraction(int(whole + decimals), 10 ** len(decimals)) * Fraction(10) ** exponent
    return -value if sign == "-" else value, len(decimals)


def number_key(number: tuple[Fraction, int]) -> str:
    """The key of a number: a decimal of six or more places is the simple fraction that it rounds, if there is one.

    Examples
    --------
    >>> number_key((Fraction("0.333333"), 6)), number_key((Fraction("0.33"), 2)), number_key((Fraction("0.666666"), 6))
    ('q:1/3', 'q:33/100', 'q:2/3')
    """
    value, decimals = number
    if is_long(number):
        simple = value.limit_denominator(10 ** (min(decimals, 12) // 2) // 3)
        value = simple if rounds_to(value, decimals, simple) else value
    return f"q:{value.numerator}/{value.denominator}"


def is_long(number: tuple[Fraction, int]) -> bool:
    """Whether a decimal has so many digits that it may stand for a number that it rounds."""
    value, decimals = number
    return decimals >= ROUNDED_DIGITS and abs(value) * 10**decimals >= SIGNIFICANT


def rounds_to(value: Fraction, decimals: int, other: Fraction) -> bool:
    """Whether ``value`` is ``other`` rounded, or cut, to ``decimals`` digits after the point.

    Of sixteen and more digits the last ones are a computer's rounding error, so 14 are compared.

    Examples
    --------
    >>> rounds_to(Fraction("0.666667"), 6, Fraction(2, 3)), rounds_to(Fraction("0.666665"), 6, Fraction(2, 3))
    (True, False)
    >>> rounds_to(Fraction("0.30000000000000004"), 17, Fraction(3, 10))
    True
    """
    if abs(value) * 10**decimals >= FLOAT_DIGITS:
        return abs(value - other) <= abs(other) / 10**14
    scaled = other * 10**decimals
    return int(value * 10**decimals) in (round(scaled), int(scaled))


_WRAPPERS = re.compile(r"^(?:\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\])$", re.DOTALL)
_SPACING = re.compile(r"\\[,!;: ]|\\(?:left|right|displaystyle|bigl|bigr)(?![a-zA-Z])|\\quad|~")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|textit|mbox|operatorname)\s*\{([^{}]*)\}")


@lru_cache(maxsize=_CACHE_SIZE)
def normalize(text: str, *, squeeze: bool = True) -> str:
    r"""One spelling for what is plainly the same text: math delimiters, spacing commands and ``\text{}`` removed.

    ``squeeze=False`` keeps single spaces, which part numbers ("1 2" is not 12).

    Examples
    --------
    >>> normalize(r"$\left( 3, \dfrac{\pi}{2} \right)$"), normalize(r"\text{Evelyn}"), normalize("evelyn.")
    ('(3,\\frac{\\pi}{2})', 'evelyn', 'evelyn')
    """
    text = fold_lookalikes(text).strip().rstrip(". ")
    if text.startswith("\\boxed") and (box := last_boxed(text)):
        text = box.content
    while match := _WRAPPERS.match(text):
        inner = next(group for group in match.groups() if group is not None).strip()
        if "$" in inner:
            break  # "$1$ and $2$" is two formulas, not one in dollars
        text = inner
    text = _SPACING.sub("", text).replace("\\$", "").replace("\\%", "%")
    text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").replace("\\cdot", "*").replace("\\times", "*")
    text = " ".join(_TEXT.sub(r" \1 ", text).split()).rstrip(". ")
    if not squeeze:
        return text
    letters = text.replace(" ", "")
    return letters.casefold() if len(letters) > 1 and letters.isalpha() else letters


def is_mathlike(text: str) -> bool:
    """Short and shallow enough to be handed to a parser."""
    if len(text) > MAX_MATH_CHARS:
        return False
    depth = deepest = 0
    for c in text:
        depth += (c in "({[") - (c in ")}]")
        deepest = max(deepest, depth)
    return deepest <= MAX_DEPTH

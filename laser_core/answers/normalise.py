r"""Spell a single value in LaTeX that math-verify's parser cannot misread, in one function per rule.

The first rules drop what is not part of the value (currency, percent, degrees, base, unit). The others rewrite the
rest: bare names, powers, decimals, mixed numbers, products. Every rule is text to text.
"""

from __future__ import annotations

import re

from laser_core.answers.tex_arguments import explicit_arguments
from laser_core.answers.tidy import FUNCTIONS, NAMES

_CURRENCY = re.compile(r"\\\$|[$€£¥₹₩]|\\(?:pounds|euro|yen)\b|\b(?:USD|EUR|GBP|Rs\.?|US)\b")
_PERCENT = re.compile(r"\\?%|(?<=[\d} ])\s*(?:percent(?:age)?|pct|per cent)\b|\\text\{\s*(?:percent|\\?%)\s*\}")
_DEGREES = re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ)|(?<=[\d} ])\s*degrees?\b|\\text\{\s*degrees?\s*\}")
_TRIG_OF_DEGREES = re.compile(r"(?:sin|cos|tan|cot|sec|csc)(?![a-zA-Z]).*(?:\\circ|degree)")


def drop_currency(text: str) -> str:
    r"""Drop currency signs.

    Examples
    --------
    >>> drop_currency(r"\$18.90"), drop_currency("€5")
    ('18.90', '5')
    """
    return _CURRENCY.sub("", text).strip()


def drop_percent(text: str) -> str:
    r"""Drop percent signs: 50% and 50 both answer "what percentage?". Then 50% cannot be 0.5 as well.

    Examples
    --------
    >>> drop_percent(r"50\%"), drop_percent("62.5 percent")
    ('50', '62.5')
    """
    return _PERCENT.sub("", text).strip()


def drop_degrees(text: str) -> str:
    r"""Drop degree signs, except inside trigonometric functions, where they become a factor.

    Examples
    --------
    >>> drop_degrees(r"90^\circ"), drop_degrees(r"\sin(30^{\circ})")
    ('90', '\\sin(30\\cdot\\frac{\\pi}{180})')
    """
    return _DEGREES.sub(r"\\cdot\\frac{\\pi}{180}" if _TRIG_OF_DEGREES.search(text) else "", text).strip()


_BASE = re.compile(r"([+-]?\d+)\s*_\s*(?:\d+|\{\s*(?:\d+|\\text\{[^{}]*\}|[a-z]+)\s*\})")


def drop_base(text: str) -> str:
    r"""Drop the base of a numeral: the question already says which base it asks for.

    Examples
    --------
    >>> drop_base("2516_8"), drop_base("4210_{5}"), drop_base("x_1")
    ('2516', '4210', 'x_1')
    """
    match = _BASE.fullmatch(text)
    return match[1] if match else text


# Each token of a unit can be read in one way only, or a long row of them would be tried in every combination.
_SHORT = "cm|mm|km|dm|nm|ft|in|yd|mi|kg|mg|lb|oz|ml|mL|hr|sq|cu|cc|Hz|kJ|kW|eV|Pa|am|pm"
_GLUED = rf"(?:{_SHORT}|lbs|hrs|mins?|secs?|mph|kmh|kph|kHz|kPa|m/s)(?![A-Za-z])"
_UNIT_WORD = rf"(?!(?:{FUNCTIONS}|{NAMES}|mod|and|or|if)\b)(?:[A-Za-z]{{3,20}}|{_SHORT})(?![A-Za-z])"
_POWER = r"(?:\s*\^\s*\{?-?\d\}?)?"
_TEXT_UNIT = re.compile(rf"(?<=[^\s+*/=^(-])\s*(?:\\text\{{[^{{}}]*\}}{_POWER}[\s./]*)+$")
_WORD_UNIT = re.compile(
    rf"(?<=[\d)}}\]])(?:\s+|(?={_GLUED}))(?:{_UNIT_WORD}|m/s)(?:(?:\s+|\s*[/-]\s*)(?:{_UNIT_WORD}|(?:of|an?|s|h)(?![A-Za-z])))*"
    rf"\.?{_POWER}$"
)
_LETTER_UNIT = re.compile(r"(10\s*\^\s*\{?\s*[+-]?\d+\s*\}?|\d[eE][+-]?\d+)\s+[A-Za-z]$")  # 2.5e3 J
_PI_UNIT = re.compile(rf"(?<=pi)\s+{_UNIT_WORD}{_POWER}$")


def drop_units(text: str) -> str:
    r"""Drop the unit after a value. A single letter is a unit only as LaTeX text or after a power of ten.

    Examples
    --------
    >>> [drop_units(text) for text in ("18 dollars", r"12\text{cm}^2", "5 km/h", "5cm", "6m", "2.5e3 J")]
    ['18', '12', '5', '5', '6m', '2.5e3']
    """
    text = _LETTER_UNIT.sub(r"\1", _TEXT_UNIT.sub("", text))
    return _PI_UNIT.sub("", _WORD_UNIT.sub("", text)).strip()


_ASCII_NAME = re.compile(rf"(?<![\\A-Za-z])(?<!_\{{)({FUNCTIONS}|{NAMES})(?![A-Za-z])")
_FULL_NAMES = {
    "infinity": "infty", "inf": "infty", "oo": "infty", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "cbrt": "sqrt[3]", "Pi": "pi",
}  # fmt: skip


def ascii_names(text: str) -> str:
    r"""Turn bare names of constants and functions into LaTeX commands.

    Examples
    --------
    >>> ascii_names("7pi"), ascii_names("2*sqrt(3)"), ascii_names("ln 2"), ascii_names("spin")
    ('7\\pi ', '2*\\sqrt (3)', '\\ln  2', 'spin')
    """
    return _ASCII_NAME.sub(lambda name: f"\\{_FULL_NAMES.get(name[1], name[1])} ", text)


_PYTHON_POWER = re.compile(r"\*\*")
_SIGNED_POWER = re.compile(r"\^\s*([+-]?\s*\d+(?:\.\d+)?|-\s*[A-Za-z])")


def ascii_powers(text: str) -> str:
    r"""Put the exponents of ``x**2``, ``x^10`` and ``10^-11`` in braces.

    Examples
    --------
    >>> ascii_powers("x**2"), ascii_powers("x^10 + 10^-11")
    ('x^{2}', 'x^{10} + 10^{-11}')
    """
    return _SIGNED_POWER.sub(lambda power: f"^{{{power[1].replace(' ', '')}}}", _PYTHON_POWER.sub("^", text))


_SUBSCRIPT = re.compile(r"_\s*([A-Za-z\d])(?![A-Za-z])|_\s*\{\s*(?:\\text\{\s*(\w+)\s*\}|\\(max|min))\s*\}")


def braced_subscripts(text: str) -> str:
    r"""Put subscripts of one character in braces, so that what follows is not read as part of them.

    Examples
    --------
    >>> braced_subscripts(r"\log_2 8"), braced_subscripts("x_1")
    ('\\log_{2} 8', 'x_{1}')
    """
    return _SUBSCRIPT.sub(lambda found: f"_{{{found[1] or found[2] or found[3]}}}", text)


_CHOOSE = re.compile(r"\{([^{}]*)\\choose([^{}]*)\}|(\w+)\s*\\choose\s*(\w+)|(?<![A-Za-z])C\(([^(),]+),([^(),]+)\)")


def binomials(text: str) -> str:
    r"""Write ``{n \choose k}`` and ``C(n, k)`` as ``\binom``.

    Examples
    --------
    >>> binomials(r"{n \choose 2}"), binomials("C(5,2)")
    ('\\binom{n }{ 2}', '\\binom{5}{2}')
    """

    def binomial(found: re.Match[str]) -> str:
        top, bottom = (part for part in found.groups() if part is not None)
        return rf"\binom{{{top}}}{{{bottom}}}"

    return _CHOOSE.sub(binomial, text)


_REPEATING = re.compile(
    r"(\d*)\.(?:(\d*)(?:\\(?:overline|bar|dot)\s*\{\s*(\d+)\s*\}|\((\d+)\))|(\d{0,8}?)(\d{1,6}?)\6{2,}(?:\.{3}|\\ldots))"
)
_DECIMAL = re.compile(r"(?<![\d.])(\d*)\.(\d+)(?![\d.])")


def repeating_decimals(text: str) -> str:
    r"""Write ``0.1\overline{6}`` as a fraction.

    Examples
    --------
    >>> repeating_decimals(r"0.1\overline{6}"), repeating_decimals("0.(3)"), repeating_decimals("0.1666...")
    ('\\frac{15}{90}', '\\frac{3}{9}', '\\frac{15}{90}')
    """

    def fraction(found: re.Match[str]) -> str:
        head, once, again = found[1] or "0", found[2] or found[5] or "", found[3] or found[4] or found[6]
        top = int(head + once + again) - int(head + once)
        return rf"\frac{{{top}}}{{{'9' * len(again) + '0' * len(once)}}}"

    return _REPEATING.sub(fraction, text)


def exact_decimals(text: str) -> str:
    r"""Write decimals inside an expression as fractions, so that nothing is rounded on the way.

    Examples
    --------
    >>> exact_decimals("2.5x+.1"), exact_decimals("v1.2.3")
    ('\\frac{25}{10}x+\\frac{1}{10}', 'v1.2.3')
    """
    return _DECIMAL.sub(lambda n: rf"\frac{{{int((n[1] or '0') + n[2])}}}{{1{'0' * len(n[2])}}}", text)


_TRAILING_POINT = re.compile(r"(?<![\d.])(\d+)\.(?=\s*(?:[-+*/^)}\]]|[eE][+-]?\d|$))")


def drop_trailing_points(text: str) -> str:
    r"""Drop a decimal point without digits behind it.

    Examples
    --------
    >>> drop_trailing_points("-1./3"), drop_trailing_points("2.e-5"), drop_trailing_points("1.5 + 1..")
    ('-1/3', '2e-5', '1.5 + 1..')
    """
    return _TRAILING_POINT.sub(r"\1", text)


_SCIENTIFIC = re.compile(r"(\d)\s*[eE]\s*([+-]?\d{1,3})(?![\d.A-Za-z])")
_TIMES = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)")


def scientific(text: str) -> str:
    r"""Write ``7.25e-11`` and ``7.25 x 10^-11`` as products, and ``1.`` without its point.

    Examples
    --------
    >>> scientific("7.25e-11"), scientific("3 x 10^{8}")
    ('7.25\\cdot 10^{-11}', '3\\cdot 10^{8}')
    """
    return _TIMES.sub(r"\\cdot ", _SCIENTIFIC.sub(r"\1\\cdot 10^{\2}", drop_trailing_points(text)))


_MIXED = re.compile(r"([+-]?)\s*(\d+)\s*(?:\\frac\s*\{(\d+)\}\s*\{(\d+)\}|(?<=\d)\s+(\d+)\s*/\s*(\d+))")


def mixed_numbers(text: str) -> str:
    r"""Write a mixed number as one fraction. With an improper fraction it is not a mixed number.

    Examples
    --------
    >>> mixed_numbers(r"2\frac{1}{2}"), mixed_numbers("-11 5/6"), mixed_numbers("4 10/3")
    ('\\frac{5}{2}', '-\\frac{71}{6}', '4 10/3')
    """
    match = _MIXED.fullmatch(text)
    if not match:
        return text
    sign, whole, *parts = match.groups()
    top, bottom = (int(part) for part in parts if part is not None)
    return rf"{sign}\frac{{{int(whole) * bottom + top}}}{{{bottom}}}" if top < bottom else text


_SIDE_BY_SIDE = re.compile(r"(?<=\d)\s+(?=\d)")
_BEFORE_BRACKET = re.compile(r"(?<![_^\d{])(\d+)\s*\(|\)\s*(?=[(\d])")


def explicit_products(text: str) -> str:
    r"""Put a product sign before brackets: the parser would read 2(3) as a mixed number.

    Examples
    --------
    >>> explicit_products("2(3)"), explicit_products("(a+5)(b+2)"), explicit_products("f(3)")
    ('2\\cdot (3)', '(a+5)\\cdot (b+2)', 'f(3)')
    """
    return _BEFORE_BRACKET.sub(lambda found: f"{found[1]}\\cdot (" if found[1] else r")\cdot ", text)


def has_numbers_side_by_side(text: str) -> bool:
    """Whether two numbers stand side by side and nothing says how they combine ("4 10/3")."""
    return _SIDE_BY_SIDE.search(text) is not None


_APPROXIMATE = re.compile(r"\s*\\approx.*|\s*≈.*")


def drop_approximation(text: str) -> str:
    r"""Keep the exact value if a rounded one follows it, or the rounded one if it stands alone.

    Examples
    --------
    >>> drop_approximation(r"\frac{1}{3} \approx 0.333"), drop_approximation(r"\approx 0.333")
    ('\\frac{1}{3}', '0.333')
    """
    text = text.strip().removeprefix("\\approx").strip()
    return _APPROXIMATE.sub("", text)


def bare_value(text: str) -> str:
    """Drop currency, percent, degrees, base and unit from a single value.

    Examples
    --------
    >>> bare_value(r"\\$18.90"), bare_value(r"15\\text{cm}^2"), bare_value("52_8")
    ('18.90', '15', '52')
    """
    return drop_base(drop_units(drop_degrees(drop_percent(drop_currency(drop_approximation(text))))).strip())


def scalar_tex(text: str) -> str:
    r"""Apply all of the rules above: a single value in LaTeX for math-verify's parser.

    Examples
    --------
    >>> scalar_tex("2*sqrt(3)pi"), scalar_tex("2.5x**10"), scalar_tex(r"\frac34"), scalar_tex("exp(2)")
    ('2*\\sqrt{3}\\pi ', '\\frac{25}{10}x^{10}', '\\frac{3}{4}', 'e^{2}')
    """
    text = binomials(text)
    text = braced_subscripts(mixed_numbers(explicit_arguments(scientific(bare_value(text)))))
    text = ascii_powers(ascii_names(repeating_decimals(text)))
    return explicit_products(exact_decimals(explicit_arguments(text)))

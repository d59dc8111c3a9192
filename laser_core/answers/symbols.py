r"""Symbols of more than one letter: derivatives, subscripts, primes, and letters that the parser takes for constants.

math-verify's parser has no symbol for ``\dot{x}`` or ``M_{\odot}``, drops the prime of ``y'``, and reads ``\gamma`` as
0.577 and ``I`` as the imaginary unit. Each of these is replaced by a plain symbol before the parser sees it, and gets
its name back afterwards.
"""

from __future__ import annotations

import re

GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|"
    "omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|hbar|ell"
)
_LETTER = rf"(?:\\(?:{GREEK})(?![A-Za-z])\s*|(?<![A-Za-z]{{3}})[A-Za-z])"
_SUBSCRIPT = r"_\s*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)?\}|[A-Za-z\d]|\\[A-Za-z]+)"
_SYMBOL = rf"{_LETTER}(?:{_SUBSCRIPT})?"
_ARGUMENT = r"(?:\s*\(\s*[^(){}]{1,20}\))?"
_ORDER = r"(?:\s*\^\s*(?:\{\s*\d\s*\}|\d))?"
_D = r"(?:d|\\partial(?![A-Za-z]))"
_RATE_ABOVE = rf"(?P<d>{_D})(?P<order>{_ORDER})\s*(?P<of>{_SYMBOL}{_ARGUMENT})"
_RATE_BELOW = rf"(?P=d)\s*(?P<by>{_SYMBOL})(?P<times>{_ORDER})"
_PRIMES = r"'{1,4}|\^\s*\{\s*(?:\\prime\s*){1,4}\}|\^\s*\\prime(?![A-Za-z])"

_FRACTION = re.compile(rf"\\frac\s*\{{\s*{_RATE_ABOVE}\s*\}}\s*\{{\s*{_RATE_BELOW}\s*\}}")
_SLASH = re.compile(rf"(?<![A-Za-z\\_^]){_RATE_ABOVE}\s*/\s*{_RATE_BELOW}(?![A-Za-z\d_^'])")
_DOTS = re.compile(
    rf"\\(?P<dots>d{{0,3}})dot(?![A-Za-z])\s*(?:\{{\s*(?P<in>{_SYMBOL})\s*\}}|(?P<bare>{_LETTER}))"
    rf"(?P<index>{_SUBSCRIPT})?(?P<call>{_ARGUMENT})"
)
_PRIMED = re.compile(rf"(?P<of>{_SYMBOL})\s*(?P<primes>{_PRIMES})(?P<call>{_ARGUMENT})")
_INDEXED = re.compile(rf"{_LETTER}{_SUBSCRIPT}")
_LIKE_CONSTANTS = re.compile(r"(?<![A-Za-z]{3})[EI](?![a-z]{2})|\\gamma(?![A-Za-z])\s*|\\Gamma(?![A-Za-z])(?!\s*\()\s*")
_CAPITALS = re.compile(r"(?<![A-Za-z\\])[A-Z]{4,}(?![A-Za-z])")
_SENTENCE = re.compile(r"[A-Z]{4,}\s+[A-Z]{2,}|[A-Z]{2,}\s+[A-Z]{4,}")
_SKIPPED = re.compile(r"\\text\s*\{[^{}]*\}|\\[A-Za-z]+|.", re.DOTALL)
_DERIVATIVE = re.compile(r"[dp]\d\(([^()]*)(?:\(.*\))?\)/")


def opaque_symbols(text: str) -> tuple[str, dict[str, str]]:
    r"""Replace what is a symbol by ``w_{...}``, with numbers that the text does not hold.

    Parameters
    ----------
    text : str
        With the names of functions as commands: ``\log _2``, not ``log_2``.

    Returns
    -------
    (str, dict of str to str)
        The text, and what each new symbol stands for. The same derivative has the same name, however it is written.

    Examples
    --------
    >>> opaque_symbols(r"m \frac{d v}{d t} + E_{1} = \dot v")
    ('m w_{990} + w_{991} = w_{990}', {'w_{990}': 'd1(v)/d(t)', 'w_{991}': 'E_1'})
    >>> opaque_symbols("2y''+I^2R")[1], opaque_symbols(r"d^2x/dt^2 - \ddot{x}")[1]
    ({'w_{990}': 'd2(y)/d()', 'w_{991}': 'I'}, {'w_{990}': 'd2(x)/d(t)'})
    """
    stem = "9" * (1 + max((len(digits) for digits in re.findall(r"\d+", text)), default=0))
    by_name: dict[str, str] = {}
    parts, position = [], 0
    while position < len(text):
        name, end = _symbol_at(text, position)
        if name is None:
            parts.append(text[position:end])
        else:
            symbol = by_name.setdefault(name, f"w_{{{stem}{len(by_name)}}}")
            is_exponent = text[max(0, position - 3) : position].rstrip().endswith("^")
            parts.append(f"{{{symbol}}}" if is_exponent else symbol)
        position = end
    return "".join(parts), {symbol: name for name, symbol in by_name.items()}


def _symbol_at(text: str, at: int) -> tuple[str | None, int]:
    """The name of the symbol that starts here, if one does, and where it (or else the next token) ends."""
    if match := _FRACTION.match(text, at) or _SLASH.match(text, at):
        order, times = (re.sub(r"\D", "", match[part]) or "1" for part in ("order", "times"))
        if order == times:
            return _rate("p" if "partial" in match["d"] else "d", order, match["of"], match["by"]), match.end()
    if match := _DOTS.match(text, at):
        of = (match["in"] or match["bare"]) + (match["index"] or "") + (match["call"] or "")
        return _rate("d", str(len(match["dots"]) + 1), of, "t"), match.end()
    if match := _PRIMED.match(text, at):
        n_primes = match["primes"].count("'") or match["primes"].count("\\prime")
        return _rate("d", str(n_primes), match["of"] + (match["call"] or ""), ""), match.end()
    if match := _INDEXED.match(text, at) or _LIKE_CONSTANTS.match(text, at):
        return plain_name(match[0]), match.end()
    if (match := _CAPITALS.match(text, at)) and not runs_through_alphabet(match[0]) and not _SENTENCE.search(text):
        return match[0], match.end()
    skipped = _SKIPPED.match(text, at)
    return None, skipped.end() if skipped else len(text)


def _rate(kind: str, order: str, of: str, by: str) -> str:
    return f"{kind}{order}({plain_name(of)})/d({plain_name(by)})"


def plain_name(name: str) -> str:
    r"""A name without braces, spaces, fonts and backslashes.

    Examples
    --------
    >>> plain_name(r"\lambda_{\text {red}}"), plain_name("x_{1}")
    ('lambda_red', 'x_1')
    """
    return re.sub(r"\\(?:text|mathrm|rm)(?![A-Za-z])|[\\{}\s]", "", name)


def runs_through_alphabet(letters: str) -> bool:
    """Whether letters follow each other as the names of a polygon's corners do."""
    return all(ord(b) == ord(a) + 1 for a, b in zip(letters, letters[1:], strict=False))


def derivative_name(text: str) -> str | None:
    r"""The name of the derivative that a text is; None for anything else.

    Examples
    --------
    >>> derivative_name(r"\frac{dx}{dt}"), derivative_name(r"\dot{x}"), derivative_name("2y'"), derivative_name("x_1")
    ('d1(x)/d(t)', 'd1(x)/d(t)', None, None)
    """
    name, end = _symbol_at(text, 0) if text else (None, 0)
    return name if name and function_of(name) and end == len(text) else None


def function_of(name: str) -> str:
    """The function that a symbol's name is a derivative of; "" for any other symbol.

    Examples
    --------
    >>> function_of("d1(x)/d(t)"), function_of("d2(f(x))/d()"), function_of("x_1")
    ('x', 'f', '')
    """
    match = _DERIVATIVE.match(name)
    return match[1] if match else ""

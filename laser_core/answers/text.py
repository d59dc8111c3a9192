"""What can be read off an answer's text without algebra: where it stands, which number it is, how it is spelled.

Pure text in, text or Fraction out; nothing here takes more than linear time, whatever a model wrote.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

MAX_MATH_CHARS = 400  # longer "answers" are prose or noise; they are compared as text
MAX_DEPTH = 24
MAX_NUMBER_CHARS = 60
PROSE_CHARS = 800  # an unmarked answer is looked for at the end of the response; a longer search takes longer
_CACHE_SIZE = 200_000

_BRACES = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
_GSM8K = re.compile(r"####[ \t]*([^\n]+)")
_TAGGED = re.compile(r"<answer>(.{0,4000}?)</answer>", re.DOTALL)
_MINIATURE = re.compile(r"(?<![\s#])#([+-]?\d+(?:[./]\d+)?)$")
_SPECIAL_END = re.compile(r"(?:\s*(?:<\|[^|<>]{1,40}\|>|</?(?:s|eos|pad|end)>))+$")


def marked_answer(response: str | None) -> str | None:
    """The answer that a mark in the response sets apart, or the response itself if it is only a number."""
    if not response:
        return None
    text = _SPECIAL_END.sub("", response[-400:]).rstrip() if response[-1] in " \n>" else response[-400:]
    if (boxed := _last_boxed(response)) is not None:
        return boxed
    if (start := response.rfind("####")) >= 0 and (match := _GSM8K.match(response, start)):
        stated = match[1].strip()
        if parse_number(stated) is not None or (not re.search(r"\s", stated) and re.search(r"\d", stated)):
            return stated
    if (start := response.rfind("<answer>")) >= 0 and (match := _TAGGED.match(response, start)) and match[1].strip():
        return match[1].strip()
    if match := _MINIATURE.search(text):
        return match[1]
    whole = response.strip() if len(response) <= MAX_NUMBER_CHARS else ""
    return whole if whole and parse_number(whole) is not None else None


def _last_boxed(text: str) -> str | None:
    r"""The content of the last closed, non-empty ``\boxed{...}``; one pass, however the braces are nested or broken."""
    start = text.find("\\boxed")
    start = text.find("\\fbox") if start < 0 else start
    if start < 0:
        return None
    best: tuple[int, str] | None = None
    open_braces: list[int] = []  # where the content of a box starts; -1 for any other brace
    for token in _BRACES.finditer(text, start):
        if token[0] == "{":
            open_braces.append(-1)
        elif token[0] == "}":
            opened = open_braces.pop() if open_braces else -1
            if opened >= 0 and (best is None or opened > best[0]) and text[opened : token.start()].strip():
                best = (opened, text[opened : token.start()].strip())
        elif token[0].endswith("{") and len(token[0]) > 2:
            open_braces.append(token.end())
    return best[1] if best else None


def may_be_prose(response: str) -> bool:
    """The miniature world writes no spaces: where its closing mark is missing, its last number is no answer."""
    tail = response[-PROSE_CHARS:].strip()
    return any(c.isspace() for c in tail) or "$" in tail or "\\" in tail


# Full-width forms, minus signs and spaces. Not unicodedata's NFKC: it makes 52 out of "5\u00b2".
_LOOKALIKES = {0xFF01 + i: 0x21 + i for i in range(94)} | {
    0x2212: "-", 0x2013: "-", 0x2044: "/", 0x00D7: "*", 0x00A0: " ", 0x202F: " ", 0x3000: " ",
}  # fmt: skip
_WRAPPERS = re.compile(r"^(?:\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\])$", re.DOTALL)
_SPACING = re.compile(r"\\[,!;: ]|\\(?:left|right|displaystyle|bigl|bigr)(?![a-zA-Z])|\\quad|~")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|textit|mbox|operatorname)\s*\{([^{}]*)\}")
_NUMBER = re.compile(r"([+-]?)\$?(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?")
_RATIO = re.compile(r"([+-]?)(?:\\frac(?:\{(-?\d+)\}\{(-?\d+)\}|(\d)(\d))|(\d+)/(\d+))")
_UNIT = re.compile(r"(?<=\d) (?!(?:sqrt|sin|cos|tan|log|exp|mod|and|inf|mul|min|max)\b)[A-Za-z]{3,20}s?\.?$")


@lru_cache(maxsize=_CACHE_SIZE)
def parse_number(text: str) -> tuple[Fraction, int] | None:
    r"""An integer, decimal or fraction in plain or LaTeX spelling, exactly; None for anything else.

    Returns
    -------
    (Fraction, int) or None
        The value, and how many digits were written after the decimal point.

    Examples
    --------
    >>> parse_number("1,234.50"), parse_number(r"$-\dfrac{3}{4}$"), parse_number("18 dollars"), parse_number(r"\pi")
    ((Fraction(2469, 2), 2), (Fraction(-3, 4), 0), (Fraction(18, 1), 0), None)
    """
    if len(text) > MAX_NUMBER_CHARS:
        return None
    text = _UNIT.sub("", normalize(text, squeeze=False))
    if match := _RATIO.fullmatch(text.replace(" ", "")):
        sign, *parts = match.groups()
        top, bottom = (int(part) for part in parts if part is not None)
        return (Fraction(-top if sign == "-" else top, bottom), 0) if bottom else None
    match = _NUMBER.fullmatch(text)
    if not match or not (match[2] or match[3]):
        return None
    sign, whole, decimals, exponent = match.groups()
    digits = (whole or "").replace(",", "") + (decimals or "")
    value = Fraction(int(digits), 10 ** len(decimals or "")) * Fraction(10) ** int(exponent or 0)
    return -value if sign == "-" else value, len(decimals or "")


def _unboxed(text: str) -> str:
    return (_last_boxed(text) or text) if text.startswith("\\boxed") else text


@lru_cache(maxsize=_CACHE_SIZE)
def normalize(text: str, *, squeeze: bool = True) -> str:
    r"""One spelling for what is plainly the same text: math delimiters, spacing commands and ``\text{}`` removed.

    ``squeeze=False`` keeps single spaces, which part numbers ("1 2" is not 12).

    Examples
    --------
    >>> normalize(r"$\left( 3, \dfrac{\pi}{2} \right)$"), normalize(r"\text{Evelyn}"), normalize("evelyn.")
    ('(3,\\frac{\\pi}{2})', 'evelyn', 'evelyn')
    """
    text = _unboxed(text.translate(_LOOKALIKES).strip().rstrip(". "))
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


def as_tex(text: str) -> str:
    """What math-verify is given: no dollar signs inside the box it will be put in, no control characters."""
    text = _unboxed(text.translate(_LOOKALIKES).strip())
    if (match := _WRAPPERS.match(text)) and "$" not in (inner := next(g for g in match.groups() if g is not None)):
        text = inner
    return "".join(c if c.isprintable() else " " for c in text)

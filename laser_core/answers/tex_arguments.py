r"""Braces around the arguments of LaTeX commands: ``\frac34``, ``\sqrt(2)`` and ``x^(1/2)`` as a parser wants them."""

from __future__ import annotations

import re

_OPENERS = {"{": "}", "(": ")", "[": "]"}
_COMMAND = re.compile(r"\\(frac|binom|sqrt|exp|abs|floor|ceil)(?![a-zA-Z])\s*|\^\s*(?=\\|\()")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d|[A-Za-z]")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


def _matching(text: str, start: int) -> int:
    """Where the bracket that opens at ``start`` closes; -1 where it does not."""
    opener, closer, depth = text[start], _OPENERS[text[start]], 0
    for i in range(start, len(text)):
        depth += (text[i] == opener) - (text[i] == closer)
        if not depth:
            return i
    return -1


def _argument(text: str, start: int, *, brackets: str = "{", whole_number: bool = False) -> tuple[str, int] | None:
    """The argument at ``start`` without its brackets, and where it ends: a group, a command or one character."""
    while start < len(text) and text[start] == " ":
        start += 1
    if start >= len(text):
        return None
    if text[start] in brackets:
        end = _matching(text, start)
        return (text[start + 1 : end], end + 1) if end > 0 else None
    token = (_DIGITS.match(text, start) if whole_number else None) or _TOKEN.match(text, start)
    if token is None:
        return None
    end = token.end()
    while token[0].startswith("\\") and end < len(text) and text[end] in "{[":  # \sqrt{2} is one argument
        if (closing := _matching(text, end)) < 0:
            return None
        end = closing + 1
    return text[start:end], end


def explicit_arguments(text: str) -> str:
    r"""Put every argument of ``\frac``, ``\binom``, ``\sqrt``, ``\exp`` and ``^`` in braces of its own.

    Examples
    --------
    >>> explicit_arguments(r"\frac34"), explicit_arguments(r"\frac9{19}"), explicit_arguments(r"\sqrt2x")
    ('\\frac{3}{4}', '\\frac{9}{19}', '\\sqrt{2}x')
    >>> explicit_arguments(r"4\sqrt(2)"), explicit_arguments(r"x^(1/2)"), explicit_arguments(r"\exp (2)")
    ('4\\sqrt{2}', 'x^{1/2}', 'e^{2}')
    """
    return _explicit(text, depth=0)


def _explicit(text: str, depth: int) -> str:
    if depth > 24 or not _COMMAND.search(text):
        return text
    parts, position = [], 0
    while match := _COMMAND.search(text, position):
        parts.append(text[position : match.start()])
        spelled, position = _spell(text, match, depth)
        parts.append(spelled)
    return "".join(parts) + text[position:]


def _spell(text: str, match: re.Match[str], depth: int) -> tuple[str, int]:
    """One command with its arguments in braces, and where it ends; as it stands where an argument is missing."""
    name, position, index = match[1], match.end(), ""
    if name in ("frac", "binom"):
        first = _argument(text, position)
        second = _argument(text, first[1]) if first else None
        if first and second:
            top, bottom = _explicit(first[0], depth + 1), _explicit(second[0], depth + 1)
            return rf"\{name}{{{top}}}{{{bottom}}}", second[1]
        return match[0], position
    if name == "sqrt" and text[position : position + 1] == "[" and (closing := _matching(text, position)) > 0:
        index, position = text[position : closing + 1], closing + 1
    only = _argument(text, position, brackets="{(", whole_number=name == "sqrt")
    if only is None:
        return match[0] + index, position
    inner = _explicit(only[0], depth + 1)
    spelled = {
        None: f"^{{{inner}}}",
        "sqrt": rf"\sqrt{index}{{{inner}}}",
        "exp": f"e^{{{inner}}}",
        "abs": f"|{inner}|",
        "floor": rf"\lfloor {inner}\rfloor ",
        "ceil": rf"\lceil {inner}\rceil ",
    }
    return spelled[name], only[1]

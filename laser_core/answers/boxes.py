r"""The contents of ``\boxed{...}`` in a text: one pass, however the braces are nested or broken."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACES = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
# What may stand between boxes that state one answer together. Longer text starts a new thought.
_BETWEEN = re.compile(r"[\s,;$.、，和及]*(?:(?:and|or|\\text\{\s*(?:and|or)\s*\}|\\quad|\\\)|\\\(|&)[\s,;$]*)*")
_LONGEST_BETWEEN = 30


@dataclass(frozen=True)
class Box:
    """A closed, non-empty box: its content, and where its command starts and its closing brace ends."""

    content: str
    start: int
    end: int


def boxes(text: str) -> list[Box]:
    r"""All closed, non-empty boxes, in order of where they start; of nested ones the innermost.

    Examples
    --------
    >>> [box.content for box in boxes(r"\boxed{1}, then \boxed{\boxed{\frac{1}{2}}} and \boxed{cut")]
    ['1', '\\frac{1}{2}']
    """
    start = min((at for at in (text.find("\\boxed"), text.find("\\fbox")) if at >= 0), default=-1)
    if start < 0:
        return []
    found: list[Box] = []
    open_braces: list[tuple[int, int]] = []  # where a box starts and where its content does; (-1, -1) for other braces
    for token in _BRACES.finditer(text, start):
        if token[0] == "{":
            open_braces.append((-1, -1))
        elif token[0] == "}":
            box_start, opened = open_braces.pop() if open_braces else (-1, -1)
            content = text[opened : token.start()].strip() if opened >= 0 else ""
            if content and not (found and found[-1].start > box_start):  # not around a box that was found inside
                found.append(Box(content, box_start, token.end()))
        elif token[0].endswith("{") and len(token[0]) > 2:
            open_braces.append((token.start(), token.end()))
    return found


def last_boxed(text: str) -> Box | None:
    r"""The last box, joined with the boxes before it if only commas, "and" or "or" separate them.

    Examples
    --------
    >>> last_boxed(r"The roots are \boxed{1} and \boxed{-2}.").content, last_boxed(r"\boxed{1}, no: \boxed{2}").content
    ('1, -2', '2')
    """
    found = boxes(text)
    if not found:
        return None
    last = found.pop()
    parts, start = [last.content], last.start
    while found and start - found[-1].end <= _LONGEST_BETWEEN and _BETWEEN.fullmatch(text[found[-1].end : start]):
        box = found.pop()
        parts.append(box.content)
        start = box.start
    if len(set(parts)) == 1:  # the same answer boxed twice
        return Box(last.content, start, last.end)
    return Box(", ".join(reversed(parts)), start, last.end)

"""Docstrings as the reference shows them: numpydoc with reStructuredText's roles, read as Markdown.

mkdocstrings loads this file as an extension of griffe (``mkdocs.yml``).
"""

from __future__ import annotations

import ast
import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:py:)?(?:mod|func|class|meth|data|attr|exc|obj):`([^`]+)`")
_UNNAMED = ("Returns", "Yields")  # sections whose items have a type and no name
_TYPED = ("Parameters", "Attributes", "Other Parameters", *_UNNAMED)
_UNDERLINE = re.compile(r"^\s*-{3,}\s*$")


def as_markdown(text: str) -> str:
    """A docstring with its roles as code, and its literal blocks and sessions fenced.

    Parameters
    ----------
    text : str
        A docstring without indentation.

    Returns
    -------
    str

    Examples
    --------
    >>> as_markdown("See :func:`~laser_core.score.partition`.")
    'See `partition`.'
    >>> print(as_markdown("Twice as much::\\n\\n    2 * x\\n\\nor not."))
    Twice as much:
    <BLANKLINE>
        2 * x
    <BLANKLINE>
    or not.
    """
    text = _ROLE.sub(lambda role: f"`{_shown(role[1])}`", text)
    return "\n".join(_fenced(text.splitlines()))


def _shown(target: str) -> str:
    """A role's text: with a tilde, the last part of the name.

    >>> _shown("~laser_core.score.partition"), _shown("laser_core.score")
    ('partition', 'laser_core.score')
    """
    return target[1:].rpartition(".")[2] if target.startswith("~") else target


def _fenced(lines: list[str]) -> list[str]:
    """Sessions outside an Examples section in fences, since Markdown takes their prompts for quotations; no HTML."""
    done: list[str] = []
    section, session, literal = "", False, None
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and _UNDERLINE.match(lines[i + 1]):
            section = line.strip()
        indent = len(line) - len(line.lstrip())
        if not indent and section in _TYPED:
            line = _one_type(line, named=section not in _UNNAMED)
        if literal is not None and line.strip() and indent <= literal:
            literal = None
        starts = line.lstrip().startswith(">>>") and not session and literal is None
        fences = section != "Examples" and not indent
        if starts and fences:
            done.append("```pycon")
        if session and not line.strip() and fences:
            done.append("```")
        session = starts or (session and bool(line.strip()))
        done.append(line if session or literal is not None else _without_html(line))
        if line.endswith("::") and not session:
            literal = indent
            done[-1] = done[-1][:-1]
    return [*done, "```"] if session and section != "Examples" else done


def _one_type(line: str, *, named: bool) -> str:
    """A line that gives a type, where commas and "or" would be read as a tuple of types.

    >>> _one_type("x, y : float, ndarray or Tensor", named=True), _one_type("float or None", named=False)
    ('x, y : float | ndarray | Tensor', 'float | None')
    >>> _one_type("x : ndarray of shape (n, m), optional", named=True)
    'x : ndarray of shape (n, m), optional'
    """
    before, colon, given = line.rpartition(" : ") if named else ("", "", line)
    given, optional = (given.removesuffix(", optional"), ", optional" * given.endswith(", optional"))
    try:
        read = ast.parse(given.strip(), mode="eval").body
    except SyntaxError:
        return line
    if not isinstance(read, (ast.Tuple, ast.BoolOp)):
        return line
    return f"{before}{colon}{re.sub(r', | or ', ' | ', given)}{optional}"


def _without_html(line: str) -> str:
    """A line in which nothing is a tag; code stays as it is.

    >>> _without_html("after <eos>, or `<eos>`")
    'after &lt;eos>, or `<eos>`'
    """
    parts = line.split("`")
    return "`".join(part if i % 2 else re.sub(r"<(?=[A-Za-z/!|])", "&lt;", part) for i, part in enumerate(parts))


class ReadAsMarkdown(griffe.Extension):
    """Rewrites every docstring once, when its object has been read."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called by griffe for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)

"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, nothing fetched."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

#: What pymdownx.arithmatex leaves of a formula: ``\(...\)`` in a line, ``\[...\]`` on lines of its own.
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
#: What the converter does not know how to write, as in ``\\texttt{<eos>}``: TeX, and the sign in HTML.
_SIGNS = {"<": "&lt;", ">": "&gt;", r"\_": "_"}


def draw(page: str) -> str:
    r"""A page's HTML with every formula drawn.

    Parameters
    ----------
    page : str
        HTML in which pymdownx.arithmatex has marked the formulas.

    Returns
    -------
    str
        The same with ``<math>`` elements; each carries its TeX as the text that a screen reader may fall back on.

    Examples
    --------
    >>> drawn = draw(r'x <span class="arithmatex">\(c_{ref}\)</span>')
    >>> drawn.startswith('x <math'), 'arithmatex' in drawn
    (True, False)
    >>> "&lt;eos&gt;" in draw(r'<span class="arithmatex">\(\texttt{&lt;eos&gt;}\)</span>')
    True
    """
    return _FORMULA.sub(lambda found: _math(html.unescape(found[2]), block=found[1] == "div"), page)


def _math(tex: str, *, block: bool) -> str:
    stand_ins = {chr(0xE000 + i): sign for i, sign in enumerate(_SIGNS)}  # characters that no formula has
    set_aside = tex.strip()
    for stand_in, sign in stand_ins.items():
        set_aside = set_aside.replace(sign, stand_in)
    drawn = convert(set_aside, display="block" if block else "inline")
    for stand_in, sign in stand_ins.items():
        drawn = drawn.replace(stand_in, _SIGNS[sign])
    drawn = drawn.replace("<math ", f'<math aria-label="{html.escape(tex.strip(), quote=True)}" ', 1)
    return f'<div class="equation">{drawn}</div>' if block else drawn

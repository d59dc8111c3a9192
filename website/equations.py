"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, nothing fetched."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

#: What pymdownx.arithmatex leaves of a formula: ``\(...\)`` in a line, ``\[...\]`` on lines of its own.
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
#: Signs that the converter would write as markup, as in ``\\texttt{<eos>}``, with characters that no formula has.
_SIGNS = {"<": "\ue000", ">": "\ue001"}
_SET_ASIDE = str.maketrans(_SIGNS)


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
    drawn = convert(tex.strip().translate(_SET_ASIDE), display="block" if block else "inline")
    for sign, stand_in in _SIGNS.items():
        drawn = drawn.replace(stand_in, html.escape(sign))
    drawn = drawn.replace("<math ", f'<math aria-label="{html.escape(tex.strip(), quote=True)}" ', 1)
    return f'<div class="equation">{drawn}</div>' if block else drawn

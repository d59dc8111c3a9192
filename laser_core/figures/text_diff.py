"""One side of two aligned texts, with what the other side lacks marked."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Literal

from laser_core.figures.theme import CORRECT, INCORRECT, MONOSPACE, fade, visible

if TYPE_CHECKING:
    from laser_core.analysis import TextDifference

LIMIT = 60_000  # characters that are shown
# Never colour alone: what only the left has is dashed below, what only the right has has a solid line.
_STYLE = f"""<style>
.text-diff {{ font-family: {MONOSPACE}; font-size: 0.9rem; line-height: 1.7; white-space: pre-wrap;
  overflow-wrap: anywhere; unicode-bidi: isolate; direction: ltr; }}
.text-diff mark {{ color: inherit; border-radius: 3px; padding: 0.05em 0; }}
.text-diff mark.left {{ background: {fade(INCORRECT, 0.22)}; border-bottom: 2px dashed {INCORRECT}; }}
.text-diff mark.right {{ background: {fade(CORRECT, 0.22)}; border-bottom: 2px solid {CORRECT}; }}
.text-diff .gap {{ opacity: 0.75; }}
</style>"""


def text_diff_html(difference: TextDifference, side: Literal["left", "right"]) -> str:
    """One of the two texts as escaped HTML, with the passages that the other one lacks marked.

    Parameters
    ----------
    difference : TextDifference
    side : str
        "left" or "right".

    Examples
    --------
    >>> from laser_core.analysis import text_difference
    >>> shown = text_diff_html(text_difference("x <7>", "x <9>"), "left")
    >>> '<mark class="left">7</mark>' in shown, "&lt;" in shown
    (True, True)
    """
    spans, left = [], LIMIT
    for passage in difference.passages:
        text = getattr(passage, side)[: max(left, 0)]
        left -= len(text)
        shown = "\n".join(html.escape(visible(line)) for line in text.split("\n"))
        if passage.same:
            spans.append(shown)
        elif text:
            spans.append(f'<mark class="{side}">{shown}</mark>')
        else:
            spans.append('<span class="gap" title="the other solution has more text here">\u2038</span>')
        if left <= 0:
            spans.append("<span> \u2026</span>")
            break
    return f'{_STYLE}<div class="text-diff" dir="ltr">{"".join(spans)}</div>'

r"""Foreign Markdown and LaTeX, rendered without anything that loads, links or poses as a part of the page.

Only what is written here anew stays active: code, formulas, bold headings, lists, tables and emphasis. Everything else
that Markdown or Streamlit would act on is escaped, so a picture stays the text ``![alt](address)``.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

import streamlit as st

from app.format import unlinked
from laser_core.figures.theme import visible

LIMIT = 40_000  # characters that are rendered; the raw view shows more
MAX_THOUGHTS = 20  # folded blocks; a file with more is shown with its tags
_THINKING = re.compile(r"<think>(.*?)(</think>|\Z)", re.DOTALL)
# Code first, so that a formula's sign in it stays code. A bar would split a formula or code in a table's row, and a
# backtick or dollar inside would end it early: with one of those in it, it stays text. Lengths are bounded because a
# search to the end from each of many openings would take minutes.
_ACTIVE = re.compile(
    r"(?P<fence>^[ \t]*```[^`\n]*\n(?P<code>.*?)(?:^[ \t]*```[ ]*$|\Z))"
    r"|(?P<block>\$\$(?P<block1>[^$`]+?)\$\$|\\\[(?P<block2>[^$`]{1,2000}?)\\\])"
    r"|(?P<inline>\$(?P<inline1>(?!\s)[^$`|\n]+(?<![\s\\]))\$(?!\d)|\\\((?P<inline2>[^$`|]{1,500}?)(?<!\\)\\\))"
    r"|(?P<span>(?<!`)`(?P<span1>[^`\n|]+)`(?!`))",
    re.DOTALL | re.MULTILINE,
)
LONG_LINE = 300  # characters; no heading or ruler is longer
_RULER = re.compile(r" {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")  # of a table, or a line across the page
_HEADING = re.compile(r" {0,3}#{1,6}\s+(.*?)[#\s]*")
_INACTIVE = re.compile(r"([\\`$\[\]!<&:~])")


@dataclass(frozen=True)
class Passage:
    """A part of a solution's text.

    Attributes
    ----------
    text : str
        The text, without the tags.
    thinking : bool
        Whether it stood between <think> and </think>.
    closed : bool
        False for thinking that the solution's end cut off.
    """

    text: str
    thinking: bool = False
    closed: bool = True


def passages(response: str) -> list[Passage]:
    """A response in its parts: thinking, and what follows or precedes it.

    A prompt may open the tag, as DeepSeek-R1's does; the response then starts inside.

    Examples
    --------
    >>> [(part.text, part.thinking) for part in passages("<think>2+2 is 4</think>The answer is 4")]
    [('2+2 is 4', True), ('The answer is 4', False)]
    >>> [(part.text, part.thinking) for part in passages("2+2 is 4</think>4")]
    [('2+2 is 4', True), ('4', False)]
    >>> passages("<think>so")[0].closed
    False
    """
    if response.find("</think>") >= 0 and not 0 <= response.find("<think>") < response.find("</think>"):
        response = "<think>" + response
    found = list(_THINKING.finditer(response))
    if len(found) > MAX_THOUGHTS:
        return [Passage(response)]
    parts, end = [], 0
    for thought in found:
        parts.append(Passage(response[end : thought.start()]))
        parts.append(Passage(thought[1], thinking=True, closed=bool(thought[2])))
        end = thought.end()
    parts.append(Passage(response[end:]))
    return [part for part in parts if part.text.strip()]


def safe_markdown(text: str) -> str:
    r"""Foreign text as Markdown with formulas and code, whose pictures, links, HTML and directives are plain text.

    Examples
    --------
    >>> print(safe_markdown(r"So \(x = 7\), $y$ and `z`."))
    So $x = 7$, $y$ and `z`.
    >>> print(safe_markdown("![a](b) <b> :red[c]"))
    \!\[a\](b) \<b> \:red\[c\]
    """
    text, out, end = text.replace("\r\n", "\n"), [], 0
    for found in _ACTIVE.finditer(text):
        out += [_inactive(text[end : found.start()]), _rewritten(found)]
        end = found.end()
    return "".join(out) + _inactive(text[end:])


def _rewritten(found: re.Match[str]) -> str:
    """Code or a formula, written anew so that Markdown sees it exactly where this module does."""
    if found["fence"] is not None:
        code = _lines_visible(textwrap.dedent(found["code"])).rstrip("\n")
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
        return f"\n\n{fence}\n{code}\n{fence}\n\n"
    if found["block"] is not None:
        body = _lines_visible((found["block1"] or found["block2"]).strip())
        body = "\n".join(line for line in body.split("\n") if line.strip())
        return f"\n\n$$\n{body}\n$$\n\n" if body else ""
    if found["inline"] is not None:
        body = " ".join((found["inline1"] or found["inline2"]).split())
        return f"${visible(body)}$" if body else ""
    return f"`{visible(found['span1'])}`"


def _inactive(text: str) -> str:
    """Text between code and formulas, line by line."""
    return "\n".join(_inactive_line(line) for line in text.split("\n"))


def _inactive_line(line: str) -> str:
    line = re.sub(r"^\s+", lambda blank: blank[0].expandtabs(3)[:3], line)  # four would make it code, escapes and all
    if len(line) > LONG_LINE:
        return _escaped(line)
    if _RULER.fullmatch(line):
        return line if "|" in line else "\n---\n"  # below a paragraph a bare one would make a heading of it
    heading = _HEADING.fullmatch(line)
    if heading is not None and heading[1]:
        inside = heading[1].replace("*", "")
        return f"\n**{_escaped(inside)}**\n"
    if re.match(r" {0,3}(#|=+\s*$)", line):
        return "\\" + line.strip()
    return _escaped(line)


def _escaped(line: str) -> str:
    return _INACTIVE.sub(r"\\\1", unlinked(visible(line)))


def _lines_visible(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def show_rendered(text: str) -> None:
    """Foreign text as Markdown and LaTeX, with its thinking folded."""
    for part in passages(text[:LIMIT]):
        if part.thinking:
            cut = "" if part.closed else ", cut off"
            with st.expander(f"Thinking: {len(part.text):,} characters{cut}"):
                st.markdown(safe_markdown(part.text))
        else:
            st.markdown(safe_markdown(part.text))
    if len(text) > LIMIT:
        st.caption(f"{len(text) - LIMIT:,} more characters in the raw view.")


def show_raw(text: str) -> None:
    """Foreign text exactly as the file holds it."""
    st.code(text[:100_000], language=None, wrap_lines=True)

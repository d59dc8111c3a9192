"""The notebooks as pages: text, code and what it printed and drew, taken from the executed ``.ipynb``."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLOTLY = "application/vnd.plotly.v1+json"
#: A session's colours in a terminal have no meaning on a page.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Tutorial:
    """A notebook as a page.

    Attributes
    ----------
    name : str
        Of its file, without the ending.
    title : str
        Its first heading.
    text : str
        Markdown.
    pictures : dict of str to bytes
        PNG files by name, beside the page.
    draws : bool
        Whether it has interactive figures.
    """

    name: str
    title: str
    text: str
    pictures: dict[str, bytes] = field(default_factory=dict)
    draws: bool = False


def notebooks(folder: Path) -> list[Path]:
    """The executed notebooks of a folder, in the order of their names."""
    return sorted(path for path in folder.glob("*.ipynb") if not path.name.startswith("."))


def tutorial(path: Path) -> Tutorial:
    """Turn a notebook into a page.

    Parameters
    ----------
    path : Path
        An executed ``.ipynb``.

    Returns
    -------
    Tutorial
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    pictures: dict[str, bytes] = {}
    parts: list[str] = []
    for cell in cells:
        source = _joined(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            parts.append(_prose(source))
        elif cell["cell_type"] == "code" and source:
            parts += [
                _code(source, folded=cell.get("metadata", {}).get("jupyter", {}).get("source_hidden", False)),
                *_outputs(cell.get("outputs", []), f"{path.stem}-{len(parts)}", pictures),
            ]
    text = "\n\n".join(parts)
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    return Tutorial(path.stem, heading[1].strip() if heading else path.stem, text, pictures, 'class="figure' in text)


def listed(found: list[Tutorial]) -> str:
    """A table of the tutorials, each with the first sentence of its text.

    >>> print(listed([Tutorial("01_a", "A", "# A\\n\\nSee *this*. And that.")]))
    | tutorial | |
    |---|---|
    | [A](01_a.md) | See *this*. |
    """
    lines = ["| tutorial | |", "|---|---|"]
    for one in found:
        words = " ".join(one.text.partition("\n\n")[2].partition("\n\n")[0].split())
        words = words.removeprefix("**Goal.** ")
        sentence = re.split(r"(?<=[.!?]) ", words)[0].replace("|", "\\|")
        lines.append(f"| [{one.title}]({one.name}.md) | {sentence} |")
    return "\n".join(lines)


def _code(source: str, *, folded: bool) -> str:
    """A code cell; one that Jupyter folds, such as the check of an exercise, is folded here under its title."""
    if not folded:
        return _fence(source, "python")
    title = re.match(r"# @title (.+)\n", source)
    fence = _fence(source[title.end() :].strip("\n") if title else source, "python")
    summary = html.escape(title[1]) if title else "Code"
    return f'<details markdown="1"><summary>{summary}</summary>\n\n{fence}\n\n</details>'


def _prose(source: str) -> str:
    """Markdown as Jupyter reads it, for Python-Markdown: text in folds, links to notebooks, lists after a line."""
    source = re.sub(r"<details(?![^>]*markdown)([^>]*)>", r'<details markdown="1"\1>', source)
    source = re.sub(r"(</summary>)\n(?!\n)", r"\1\n\n", source)
    source = re.sub(r"(\]\([^)\s]+)\.ipynb([)#])", r"\1.md\2", source)
    source = source.replace("](../docs/", "](../")
    source = re.sub(r"(?m)^((?![ \t]*(?:[-*] |\d+\. ))\S.*)\n(?=(?:[-*] |\d+\. ))", r"\1\n\n", source)
    return _display_formulas(source)


def _display_formulas(source: str) -> str:
    """``$$...$$`` on lines of its own, without which it would be set in the line."""
    return re.sub(r"\n*\$\$(.+?)\$\$\n*", lambda found: f"\n\n$${found[1]}$$\n\n", source, flags=re.DOTALL)


def _outputs(outputs: list[dict[str, Any]], name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """What a cell printed and drew; pictures are added to ``pictures``."""
    for position, output in enumerate(outputs):
        if output["output_type"] == "stream":
            yield _printed(_joined(output["text"]))
            continue
        data, alt = output.get("data", {}), _alt(output)
        if PLOTLY in data:
            yield _figure(data[PLOTLY], alt)
        elif "image/png" in data:
            file = f"{name}-{position}.png"
            pictures[file] = base64.b64decode(_joined(data["image/png"]))
            yield f"![{alt.replace(']', ')')}]({file})"
        elif "text/html" in data:
            yield f'<div class="output table">{_one_block(_joined(data["text/html"]))}</div>'
        elif "text/markdown" in data:
            yield _prose(_joined(data["text/markdown"]))
        elif "text/plain" in data:
            yield _printed(_joined(data["text/plain"]))


def _alt(output: dict[str, Any]) -> str:
    """The description of a figure that its cell gave, for screen readers."""
    metadata = output.get("metadata", {})
    return str(metadata.get("alt") or metadata.get("alt_text") or "Figure drawn by the code above")


def _figure(figure: dict[str, Any], alt: str) -> str:
    """A Plotly figure: its data in the page, drawn by ``assets/figures.js``."""
    data = json.dumps({key: figure[key] for key in ("data", "layout") if key in figure}, separators=(",", ":"))
    height = figure.get("layout", {}).get("height") or 380
    label = html.escape(alt, quote=True)
    return (
        f'<div class="figure" role="img" aria-label="{label}" style="min-height:{height}px">'
        f'<script type="application/json">{data.replace("<", chr(92) + "u003c")}</script></div>'
    )


def _printed(text: str) -> str:
    return (
        f'<div class="output"><pre>{html.escape(_COLOURS.sub("", text).rstrip()).replace(chr(10), "&#10;")}</pre></div>'
    )


def _one_block(page: str) -> str:
    """HTML that Markdown keeps as it is: without blank lines, and without the looks that pandas adds."""
    page = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    page = re.sub(r' border="1"| style="[^"]*"', "", page)
    return re.sub(r"\n\s*", " ", page).strip()


def _fence(source: str, language: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", source)), default=0))
    return f"{ticks}{language}\n{source}\n{ticks}"


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)

"""The glossary's three tables: names, terms and settings, each from the one place that the program uses, too."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from laser_core.config import LaserConfig
from laser_core.names import NAMES
from website.reference import Module, page_of


def names(modules: list[Module]) -> str:
    """The names of every quantity, as a Markdown table with links to the reference's pages.

    Parameters
    ----------
    modules : list of Module
        The reference.
    """
    lines = [
        "| on the pages | in the paper | setting | column of the table | function | unit |",
        "|---|---|---|---|---|---|",
    ]
    for name in NAMES:
        cells = (
            name.term,
            f"${name.paper}$" if name.paper else "",
            f"`{name.setting}`" if name.setting else "",
            f"`{name.column}`" if name.column else "",
            f"[`{name.code.removeprefix('laser_core.')}`]({page_of(modules, name.code)})" if name.code else "",
            name.unit,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def terms() -> str:
    """The app's terms in plain words, by name."""
    from app.glossary import TERMS  # of the app: it brings Streamlit along

    found = sorted(TERMS, key=lambda term: term.name.lower())
    return "\n\n".join(f"**{term.name}**  \n{term.meaning}" for term in found)


def settings(source: Path) -> str:
    """Every setting with its default, its meaning, symbol and unit, under the headings of the configuration's source.

    Parameters
    ----------
    source : Path
        ``laser_core/config.py``, whose comments between the settings are the headings.
    """
    fields = {field.name: field for field in dataclasses.fields(LaserConfig)}
    lines: list[str] = []
    for line in source.read_text(encoding="utf-8").partition("class LaserConfig")[2].splitlines():
        if heading := re.fullmatch(r"    # (\S[^=]*)", line):
            lines += [
                "",
                f"### {heading[1]}",
                "",
                "| setting | meaning | default | symbol | unit |",
                "|---|---|---|---|---|",
            ]
        if (name := re.match(r"    (\w+): ", line)) and name[1] in fields:
            field = fields[name[1]]
            default = "" if field.default in ("", None, ()) else f"`{field.default}`"
            told = field.metadata
            lines.append(f"| `{field.name}` | {told['help']} | {default} | {told['symbol']} | {told['unit']} |")
    return "\n".join(lines)

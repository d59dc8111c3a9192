"""Relative links in every Markdown file lead to a file, and to a heading of it where they name one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

from tests.docs.recipes import ROOT

LEFT_OUT = {".venv", "build", "dist", "runs", "node_modules", ".git", ".pytest_cache"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not LEFT_OUT & set(path.relative_to(ROOT).parts) and not path.is_symlink()
)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
MADE = (
    "reference/",
    "tutorials/0",
    "tutorials/1",
)  # by the site, from docstrings and notebooks: `mkdocs --strict` checks these


def dead(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [link for link in _LINK.findall(re.sub(r"`[^`\n]*`", "", text)) if not leads_somewhere(link, page)]


def leads_somewhere(link: str, page: Path) -> bool:
    """Whether a link's file, and its heading, exist; addresses of other sites are taken for good."""
    if re.match(r"[a-z]+:", link):
        return True
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if target.is_relative_to(ROOT / "docs") and str(target.relative_to(ROOT / "docs")).startswith(MADE):
        return True
    return target.exists() and (not anchor or target.suffix != ".md" or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them, and what is filled in by the site under its own names."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE)
    return {slugify(re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading), "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    assert not dead(page)


def test_a_dead_link_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading\n[a](page.md#a-heading) [b](#a-heading) [c](none.md) [d](page.md#no) [e](https://x.y)\n"
    )
    assert dead(page) == ["none.md", "page.md#no"]


def test_the_readme_is_a_first_screen():
    assert len((ROOT / "README.md").read_text().splitlines()) < 120

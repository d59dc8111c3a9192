"""What MkDocs calls while it builds the site: pages made from other files, numbers from the table, formulas."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT / "sample_data", ROOT):  # the scripts beside the data, and this checkout before an installed one
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import in_text
import readme_table

from laser_core.reproduce.history import load_history
from laser_core.reproduce.rules import load_rules
from laser_core.reproduce.table import SHIPPED, load
from website import equations, glossary, reference, rules, tutorials

TUTORIALS = [tutorials.tutorial(path) for path in tutorials.notebooks(ROOT / "notebooks")]
ALONE = ("index.md", "idea.md")  # pages without others beside them: nothing to list on their left
MODULES = reference.modules(ROOT / "laser_core")
_MADE = re.compile(r"<!-- filled by the site: (\w+) -->.*?<!-- end -->", re.DOTALL)
_INTERVAL = re.compile(
    r"(?:[✓✗?] )?[-+]?\d[\d.]* \[[-+]?\d[\d.]*, [-+]?\d[\d.]*\]"
)  # a number with its interval stays in one line
#: What stands at the places of the pages that the site fills in.
MADE = {
    "rules": lambda: rules.decided(load(), load_rules(), history=load_history(SHIPPED).words),
    "names": lambda: glossary.names(MODULES),
    "terms": glossary.terms,
    "tutorials": lambda: tutorials.listed(TUTORIALS),
    "settings": lambda: glossary.settings(ROOT / "laser_core" / "config.py"),
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the navigation: the tutorials, the reference, and every page that ``mkdocs.yml`` does not name."""
    lists = {
        "tutorials/": ["tutorials/index.md", *(f"tutorials/{tutorial.name}.md" for tutorial in TUTORIALS)],
        "reference/": reference.navigation(MODULES),
    }
    config.nav = _filled(config.nav, lists)
    named = set(re.findall(r"[\w./-]+\.md", str(config.nav)))
    docs = Path(config.docs_dir)
    others = [
        str(path.relative_to(docs)) for path in sorted(docs.rglob("*.md")) if str(path.relative_to(docs)) not in named
    ]
    for page in others:  # a folder is a section; what lies beside the other pages is about using it
        _section(config.nav, page.partition("/")[0].title() if "/" in page else "Using it").append(page)
    return config


def _section(nav: list[Any], title: str) -> list[Any]:
    """The pages of a section of the navigation, which is made if need be."""
    for part in nav:
        if isinstance(part, dict) and title in part:
            return part[title]
    nav.append({title: []})
    return nav[-1][title]


def _filled(nav: Any, lists: dict[str, list[Any]]) -> Any:
    """The navigation with each name of ``lists`` replaced: alone in a list, by a section."""
    if isinstance(nav, str):
        return lists.get(nav, nav)
    if isinstance(nav, dict):
        return {title: _filled(part, lists) for title, part in nav.items()}
    filled = [_filled(part, lists) for part in nav]
    return [{"Modules": part} if isinstance(part, list) else part for part in filled]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that are made from other files."""
    for tutorial in TUTORIALS:
        files.append(File.generated(config, f"tutorials/{tutorial.name}.md", content=tutorial.text))
        for name, picture in tutorial.pictures.items():
            files.append(File.generated(config, f"tutorials/{name}", content=picture))
    for module in MODULES:
        files.append(File.generated(config, module.page, content=module.text))
    files.append(File.generated(config, "assets/icon.svg", abs_src_path=str(ROOT / "app" / "icon.svg")))
    if any(tutorial.draws for tutorial in TUTORIALS):
        import plotly

        script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
        files.append(File.generated(config, "assets/plotly.min.js", abs_src_path=str(script)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the numbers of the shipped table, whatever the file holds, and what the site fills in."""
    name, claims = page.file.src_uri, load()
    if name in ALONE:
        page.meta["hide"] = ["navigation"]
    if name == "claims.md":
        before, begin, rest = markdown.partition(readme_table.BEGIN)
        shown = readme_table.as_markdown(claims, history=load_history(SHIPPED).words)
        markdown = f"{before}{begin}\n{shown}\n{rest.partition(readme_table.END)[2]}"
        markdown = markdown.replace("<details>", '<details markdown="1">')
    if page.file.abs_src_path is not None:  # a page that somebody wrote
        markdown = in_text.refresh(markdown, claims, file=name)
    return _MADE.sub(lambda place: MADE[place[1]](), markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Draw the formulas, and bring the script for figures to the pages that have some."""
    html = _INTERVAL.sub(lambda found: found[0].replace(" ", "\xa0"), equations.draw(html))
    if 'class="figure"' in html:
        html += (
            '<script src="../assets/plotly.min.js" defer></script><script src="../assets/figures.js" defer></script>'
        )
    return html

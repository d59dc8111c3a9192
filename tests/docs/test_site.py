"""The site builds without a warning, and holds what it is made from: notebooks, docstrings, the table of claims."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import re
import subprocess
import sys

import pytest

from app.glossary import TERMS
from laser_core.config import LaserConfig
from laser_core.names import NAMES
from laser_core.reproduce.rules import load_rules
from laser_core.reproduce.table import interval, load
from laser_core.rollouts.schema import COLUMNS
from tests.docs.recipes import ROOT
from website import docstrings, equations, reference, rules, tutorials


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr  # --quiet would silence warnings, and --strict with them
    return folder


def text_of(page) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")).split())


def test_every_notebook_is_a_tutorial(site):
    for notebook in tutorials.notebooks(ROOT / "notebooks"):
        page = (site / "tutorials" / f"{notebook.stem}.html").read_text()
        figures = notebook.read_text().count(f'"{tutorials.PLOTLY}"')
        assert page.count('<div class="figure"') == figures
        assert ("plotly.min.js" in page) is (figures > 0)
    assert (site / "assets" / "figures.js").is_file()


@pytest.mark.parametrize(
    "name", ["score.last_token_score", "algorithm.score_loss", "analysis.voting.curve.voting_curve"]
)
def test_public_functions_are_in_the_reference(site, name):
    page = site / "reference" / f"{name.rpartition('.')[0].replace('.', '/')}.html"
    assert f'id="laser_core.{name}"' in page.read_text(encoding="utf-8")


def test_the_claims_and_their_rules_are_those_of_the_table(site):
    claims, page = text_of(site / "claims.html"), text_of(site / "rules.html")
    for claim in load():
        assert interval(claim) in claims
        assert not claim.rule or interval(claim) in page
    for rule in load_rules().rules:
        assert " ".join(re.sub(r"<[^>]+>", " ", rule.why).split()) in page.replace("&gt;", ">")


def test_no_page_shows_a_formula_as_tex_or_a_marker(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "arithmatex" not in text, page
        shown = re.sub(r"<(script|code|pre)\b.*?</\1>|<!--.*?-->", "", text, flags=re.DOTALL)
        assert ":func:" not in shown, page
        assert "filled by the site" not in shown, page


def test_nothing_is_fetched_from_elsewhere(site):
    """The site opens from disk on a train."""
    for page in site.rglob("*.html"):
        loads = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)"', page.read_text(encoding="utf-8"))
        loads += re.findall(r'<link[^>]+rel="stylesheet"[^>]+href="(https?:[^"]+)"', page.read_text(encoding="utf-8"))
        assert not loads, page


def test_the_glossary_has_every_term_setting_and_symbol(site):
    page = text_of(site / "glossary.html")
    for term in TERMS:
        assert term.name in page
    for setting in LaserConfig.__dataclass_fields__:
        assert setting in page


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.term)
def test_every_name_of_a_quantity_exists(name):
    assert not name.setting or name.setting in LaserConfig.__dataclass_fields__
    assert not name.column or name.column in COLUMNS
    if name.code:
        module, _, attribute = name.code.rpartition(".")
        assert callable(getattr(importlib.import_module(module), attribute))


def test_terms_that_are_explained_are_named_as_the_app_names_them():
    explained = {term.name for term in TERMS}
    assert {"last-token score", "z_c", "c_ref", "β_v", "Z", "AUROC within a problem"} <= explained
    assert {name.term for name in NAMES} >= explained & {"last-token score", "z_c", "c_ref", "β_v", "Z", "pass@N"}


def test_a_notebook_becomes_a_page(tmp_path):
    cells = [
        {
            "cell_type": "markdown",
            "source": ["# T\n", "See [b](02_b.ipynb) and:\n", "- one\n", "<details>\n<summary>s</summary>\nx"],
        },
        {
            "cell_type": "code",
            "source": "f()",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "\x1b[31ma < b\x1b[0m\n"},
                {"output_type": "display_data", "data": {"image/png": "AA=="}, "metadata": {"alt": "a dot"}},
                {"output_type": "execute_result", "data": {"text/html": "<b>\n\n1</b>", "text/plain": "1"}},
                {
                    "output_type": "display_data",
                    "data": {tutorials.PLOTLY: {"data": [], "layout": {"title": "</script>"}}},
                },
            ],
        },
    ]
    path = tmp_path / "01_a.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    page = tutorials.tutorial(path)
    assert (page.title, page.draws, list(page.pictures.values())) == ("T", True, [b"\0"])
    for expected in (
        "[b](02_b.md)",
        "and:\n\n- one",
        '<details markdown="1">',
        "a &lt; b<",
        "![a dot](01_a-1-1.png)",
        "<b> 1</b>",
    ):
        assert expected in page.text
    assert page.text.count("</script>") == 1  # the figure's own text closes nothing


def test_a_cell_that_is_folded_in_jupyter_is_folded_on_the_page(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": "# T"},
        {
            "cell_type": "code",
            "metadata": {"jupyter": {"source_hidden": True}},
            "source": "# @title Exercise 1, its check\nanswer_is = 5",
            "outputs": [],
        },
    ]
    path = tmp_path / "01_a.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    summary, code = tutorials.tutorial(path).text.split("</summary>")
    assert summary.endswith('<details markdown="1"><summary>Exercise 1, its check')
    assert code == "\n\n```python\nanswer_is = 5\n```\n\n</details>"


@pytest.mark.parametrize(
    "module", [docstrings, equations, reference, rules, tutorials], ids=lambda module: module.__name__
)
def test_the_examples_of_the_sites_own_code_are_right(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_docstrings_are_read_as_markdown():
    text = "After <eos>::\n\n    <eos>\n\nUse :func:`~a.b`.\n\n>>> f('<a>')\n'<a>'\n\nExamples\n--------\n>>> 1\n1"
    assert docstrings.as_markdown(text) == (
        "After &lt;eos>:\n\n    <eos>\n\nUse `b`.\n\n```pycon\n>>> f('<a>')\n'<a>'\n```\n\nExamples\n--------\n>>> 1\n1"
    )


def test_formulas_are_drawn_with_their_text_beside_them():
    drawn = equations.draw('<div class="arithmatex">\\[\\texttt{&lt;eos&gt;} &lt; \\frac{1}{2}\\]</div>')
    assert drawn.startswith('<div class="equation"><math aria-label="\\texttt{&lt;eos&gt;} &lt; \\frac{1}{2}"')
    assert "<mfrac>" in drawn
    assert "&lt;eos&gt;</mtext>" in drawn
    assert ">a_b</mtext>" in equations.draw('<span class="arithmatex">\\(\\text{a\\_b}\\)</span>')


def test_pages_of_the_reference_follow_the_package():
    modules = reference.modules(ROOT / "laser_core")
    pages = {module.name: module.page for module in modules}
    assert pages["laser_core.analysis.voting.curve"] == "reference/analysis/voting/curve.md"
    assert pages["laser_core.analysis"] == "reference/analysis/index.md"
    assert not any("._" in name for name in pages)
    listed = re.findall(r"[\w/]+\.md", str(reference.navigation(modules)))
    assert sorted(listed) == sorted(pages.values())
    assert reference.page_of(modules, "laser_core.analysis.accuracy") == "reference/analysis/scores/separation.md"
    with pytest.raises(LookupError, match="no page"):
        reference.page_of(modules, "laser_core.analysis.nothing")


def test_a_rule_is_shown_with_its_rows_or_among_those_that_wait():
    page = rules.decided(load(), load_rules(), history="Rules abc.")
    assert page.splitlines()[0] == "Rules abc."
    for rule in load_rules().rules:
        assert f"{{ #{rule.id} }}" in page or f"- `{rule.id}`" in page

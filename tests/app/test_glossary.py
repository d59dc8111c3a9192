"""Terms are found where pages use them, and explained in words that need no other glossary."""

import pytest

from app import glossary
from tests.app.test_pages import start


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("AUROC of the last-token score within a problem", ["last-token score", "AUROC", "AUROC within a problem"]),
        ("the signal mean_nats of unverified_AUROCX", []),
        ("log π\\_ref(z\\_c) in nats", ["z_c", "log-prob", "nat"]),  # escaped for markdown
        ("a majority vote of 8 and best-of-8", ["majority vote", "best-of-N"]),
    ],
)
def test_terms_are_found_as_whole_words(text, names):
    assert [term.name for term in glossary.found_in(text)] == names


def test_every_term_finds_its_own_name_and_says_something():
    for term in glossary.TERMS:
        assert term in glossary.found_in(term.name) or term.name == "solution", term.name
        assert 30 < len(term.meaning) < 260, term.name


def test_the_finding_of_the_first_page_is_explained_beside_it(bundled_runs):
    words = "\n".join(element.value for element in start().markdown)
    assert "**last-token score**: The model's own estimate" in words
    assert "**95% CI**: The range of values" in words


def test_the_story_and_a_worked_solution_come_before_any_number(bundled_runs):
    app = start()
    texts = [element.value for element in app.markdown]
    story = next(i for i, text in enumerate(texts) if text.startswith("A language model solves each problem"))
    worked = next(i for i, text in enumerate(texts) if text.startswith("One problem, **"))
    finding = next(i for i, text in enumerate(texts) if text.startswith("## "))
    assert story < worked < finding

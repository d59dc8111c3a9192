"""Foreign Markdown: what stays active, what is folded, and that hostile text costs no time."""

import re

import pytest

from app.widgets.rich_text import MAX_THOUGHTS, Passage, passages, safe_markdown


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        (r"\[x^2\]", "\n\n$$\nx^2\n$$\n\n"),
        ("$$\na\n\nb\n$$", "\n\n$$\na\nb\n$$\n\n"),  # an empty line would end the formula
        ("It costs $5 and $6.", r"It costs \$5 and \$6."),
        ("## Step 1 ##", "\n**Step 1**\n"),
        ("Sum\n---", "Sum\n\n---\n"),
        ("|:---|---:|", "|:---|---:|"),
        ("        x", "   x"),
        ("```python\nif x:\n    y()\n```", "\n\n```\nif x:\n    y()\n```\n\n"),
        ("```\n````\n```", "\n\n`````\n````\n`````\n\n"),
        ("a\r\nb", "a\nb"),
        ("\u202e", r"\\u202e"),
    ],
)
def test_what_is_rendered_is_written_anew(foreign, shown):
    assert safe_markdown(foreign) == shown


@pytest.mark.parametrize(
    "foreign",
    [
        "![a](https://x.test/a.png)",
        "| $a | ![a](https://x.test/a.png) b$ |",  # a table's bar would cut the formula open
        "| `a | ![a](https://x.test/a.png) b` |",
        r"| \(a | ![a](https://x.test/a.png) b\) |",
        r"\![a](https://x.test/a.png)",
        "[a]: https://x.test\n[a]",
    ],
)
def test_no_bracket_outside_a_formula_or_code_stays_active(foreign):
    assert not re.search(r"(?<!\\)[\[\]!]", safe_markdown(foreign).replace("\\\\", ""))


@pytest.mark.parametrize("address", ["https://x.test", "http&#58;//x.test", "www.x.test", "WWW.x.test", "a@x.test"])
def test_a_bare_address_is_no_link(address):
    # Streamlit's renderer links these patterns wherever they stand in text, escaped or not.
    assert not re.search(r"(?i)https?:\\?//|www\.|\w@", safe_markdown(address))


@pytest.mark.parametrize(
    "hostile",
    [
        r"\[" * 20_000,
        r"\(" * 20_000,
        "$" * 40_000,
        "$a " * 10_000,
        "`" * 40_000,
        "-" + " " * 40_000 + "x",
        "# " * 20_000,
    ]
    + ["```\n" * 10_000, "<think>" * 6_000, "</think>" * 5_000],
)
@pytest.mark.timeout(30)
def test_hostile_text_is_shown_without_a_pause(hostile):
    parts = passages(hostile)
    assert sum(len(safe_markdown(part.text)) for part in parts) >= sum(len(part.text.strip()) for part in parts) / 2


def test_thinking_is_told_from_the_answer():
    assert passages("Hm.<think>a</think>b<think>c") == [
        Passage("Hm."),
        Passage("a", thinking=True),
        Passage("b"),
        Passage("c", thinking=True, closed=False),
    ]
    assert passages("a</think>b") == [Passage("a", thinking=True), Passage("b")]
    assert passages("plain") == [Passage("plain")]


def test_more_blocks_than_a_page_can_fold_are_shown_as_text():
    response = "<think>a</think>" * (MAX_THOUGHTS + 1)
    assert passages(response) == [Passage(response)]

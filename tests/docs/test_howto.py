"""Every how-to page, followed to the letter."""

from pathlib import Path

import pytest

from tests.docs.recipes import ROOT, Block, blocks, checkout, follow

PAGES = sorted((ROOT / "docs" / "howto").glob("own-*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_recipe_works_as_it_stands(page: Path, tmp_path):
    printed = follow(page.read_text(encoding="utf-8"), checkout(tmp_path))
    assert printed, "the page runs nothing"


def test_a_page_is_read_as_files_changes_commands_and_their_output():
    page = 'text\n\n```python title="a/b.py"\nx = "```"\n```\n\n```sh\necho 1\n```\n'
    assert blocks(page) == [Block("python", "a/b.py", 'x = "```"\n'), Block("sh", "", "echo 1\n")]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("```sh\nfalse\n```", "false"),
        ("```sh\necho one\n```\n\n```text\ntwo\n```", "not printed"),
        ("```diff\n--- a/no\n+++ b/no\n@@ -1 +1 @@\n-a\n+b\n```", "does not apply"),
        ("```python\nprint(1)\n```", "nobody follows"),
    ],
)
def test_a_recipe_that_does_not_work_fails(page, reason, tmp_path):
    with pytest.raises(AssertionError, match=reason):
        follow(f"{page}\n", tmp_path)

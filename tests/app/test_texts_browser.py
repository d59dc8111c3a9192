"""Long Markdown solutions of a byte-level vocabulary on the Traces page, in headless Chromium."""

import json

import pytest

from tests.app.browser import ERROR_BOXES, chromium, need_browser, open_page, serve, settle

pytestmark = pytest.mark.browser

PROBLEM = "Solve $2x+6=20$.\n\nGive x in \\boxed{}. ![p](https://tracker.test/p.png)"
RESPONSE = r"""<think>
A secret thought about $x$.
</think>

## Answer
For all x we have \(x = 7\), and \[x \ge \frac{14}{2}\]

| step | value |
|---|---|
| $a | ![t](https://tracker.test/t.png) b$ |
| `a | ![t](https://tracker.test/u.png) b` |

- ![i](https://tracker.test/i.png) [link](https://tracker.test) <https://tracker.test> https://tracker.test
- www.tracker.test http&#58;//tracker.test a@tracker.test <img src="https://tracker.test/h.png"> :red[red] [ref]
  1. \![e](https://tracker.test/e.png) `code` $\href{https://tracker.test}{x}$ $\includegraphics{https://tracker.test/k}$

[ref]: https://tracker.test
```python
![c](https://tracker.test/c.png)
"""
TOKENS = ["So", "Ġx", "ĠâĪ", "Ī", ".", "ĊĊ", "ä½", "ł", "<|im_end|>"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The Traces page with four such solutions uploaded."""
    need_browser()
    file = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    row = {"run": "texts", "problem_id": "p", "problem": PROBLEM, "reference_answer": "7", "response": RESPONSE}
    row |= {"tokens": TOKENS, "n_tokens": len(TOKENS), "token_logprobs": [-0.1 * i for i in range(len(TOKENS))]}
    rows = [row | {"sample": i, "correct": i < 2, "answer": str(7 + (i > 1))} for i in range(4)]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with serve() as url, chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 1700})
        page, complaints = open_page(context, f"{url}/traces")
        page.on("request", lambda request: complaints.append(request.url) if "tracker.test" in request.url else None)
        page.locator('input[type="file"]').set_input_files(file)
        page.get_by_text("4 solutions read").wait_for()
        settle(page)
        yield page, complaints
        context.close()


def test_tokens_are_text_with_line_breaks_and_whole_characters(page):
    strip = page[0].locator(".st-key-strip_correct div[dir]")
    assert strip.inner_text() == "So x␣∈.↵\n↵\n◌你<|im_end|>"
    assert strip.locator("> span").count() == len(TOKENS)
    assert "padding" not in strip.locator("> span").first.get_attribute("style")  # the sheet does it
    assert strip.locator("> span").first.evaluate("span => getComputedStyle(span).borderRadius") == "3px"


def test_rendered_solutions_load_nothing_link_nowhere_and_fold_their_thinking(page):
    page, complaints = page
    page.get_by_role("radio", name="rendered").click()
    solution = page.locator(".st-key-strip_correct_text")
    solution.locator(".katex-display").first.wait_for()
    settle(page)
    assert solution.locator(".katex").count() >= 2
    assert solution.get_by_role("table").count() == 1
    assert solution.locator("img, a, h1, h2, h3, h4").count() == 0
    assert "![i](https:" in solution.inner_text()
    assert not solution.get_by_text("A secret thought").is_visible()
    solution.get_by_text("Thinking: ").click()
    solution.get_by_text("A secret thought").wait_for()
    page.get_by_text("The problem in full").click()
    page.get_by_role("tab", name="Raw").click()
    page.get_by_role("tabpanel", name="Raw").get_by_text("Give x in ").wait_for(timeout=20_000)
    assert page.locator('img[src*="tracker"], a[href*="tracker"]').count() == 0
    assert page.locator(ERROR_BOXES).all_inner_texts() == []
    page.get_by_role("radio", name="raw").click()
    page.get_by_text("[ref]: https://tracker.test").first.wait_for()
    assert complaints == []

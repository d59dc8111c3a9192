"""The report: every part is there or says what it needs, foreign text stays text, and no browser asks the network."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from laser_core.analysis import Samples, separation, voting_curve
from laser_core.errors import InputError
from laser_core.report import ReportOptions, report_html, write_report
from laser_core.report.page import _source_hash, file_digest
from laser_core.rollouts import ReadResult, Refusal, Rollouts, RunMeta, write_parquet
from tests.app.browser import CHROMIUM, CHROMIUM_ARGS, missing_browser
from tests.factories import make_rollouts

SECTIONS = (
    "voting separation thresholds calibration signals length lists compute settings steps about".split()  # noqa: SIM905
)
HOSTILE = (
    '</script><script>window.owned=1</script><img src=x onerror="window.owned=2">'
    " {{7*7}} [click](javascript:alert(1)) **bold** $x$ <b>b</b> a\u202eb\u2066c\u200bd \x1b[31m & \"quotes' \u2028"
)


class Page(HTMLParser):
    """The elements of a page: their text by id, every tag with its attributes, and the scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text: dict[str, str] = {}
        self.scripts: list[tuple[dict, str]] = []
        self.section, self.inside = "head", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "section":
            self.section = dict(attrs)["id"].removesuffix("-section")
        if tag == "footer":
            self.section = "footer"

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append((self.tags[-1][1], data))
        elif self.inside != "style":
            self.text[self.section] = self.text.get(self.section, "") + data

    def figure(self, key: str) -> dict:
        return next(json.loads(text) for attrs, text in self.scripts if attrs.get("id") == f"data-{key}")


def report(rollouts: Rollouts, **options: object) -> Page:
    result = ReadResult(rollouts, "parquet", len(rollouts), (), Counter())
    return Page(report_html(result, name="demo.parquet", digest="0" * 64, options=ReportOptions(**options)))


@pytest.fixture(scope="module")
def table() -> Rollouts:
    return make_rollouts(n_problems=40, n_samples=8)


@pytest.fixture(scope="module")
def page(table) -> Page:
    return report(table)


def test_every_section_is_there_and_has_its_figures(page):
    assert [section for section in page.text if section in SECTIONS] == SECTIONS
    drawn = {attrs["id"] for tag, attrs in page.tags if attrs.get("class") == "plot"}
    assert drawn == {
        *("voting", "gain", "histogram", "ecdf", "roc", "pr", "violin", "sweep", "confusion", "reliability", "signals"),
        *("signal-votes", "length", "compute", "settings-balanced_f1", "settings-weighted", "settings-ece"),
        "settings-at_bound",
    }
    for key in drawn:
        assert page.figure(key)["data"], key


def test_the_headline_numbers_are_those_of_the_analysis(page, table):
    samples = Samples.from_rollouts(table)
    within = separation(samples).within_problem_auroc
    head = re.sub(r"\s", "", page.text["head"])
    assert f"{within.value:.3f}[{within.ci_low:.3f},{within.ci_high:.3f}]" in head
    curve = voting_curve(samples)
    at = curve.n.tolist().index(8)
    assert (
        f"{curve.majority[at]:.3f} [{curve.majority_low[at]:.3f}, {curve.majority_high[at]:.3f}]" in page.text["voting"]
    )


def test_the_free_signals_are_combined_in_one_baseline_or_the_page_says_why_not(page, table):
    assert "free signals combined" in page.text["signals"]
    few = report(table.take(np.arange(8 * 12))).text["signals"]
    assert "free signals combined" not in few
    assert "20 problems with both" in few


def test_every_figure_has_a_sentence_an_n_an_interval_and_an_equation(page):
    captions = [attrs.get("class") for tag, attrs in page.tags if tag == "p"]
    n_figures = sum(tag == "figure" for tag, _ in page.tags)
    assert n_figures == captions.count("see") == captions.count("equation")
    text = "".join(page.text.values())
    assert text.count("Interval: ") == n_figures
    labels = [attrs["aria-label"] for tag, attrs in page.tags if attrs.get("class") == "plot"]
    assert all(len(label) > 30 for label in labels)


def test_settings_versions_hash_and_warnings_are_stated(table):
    mixed = replace(table, meta=replace(table.meta, model="my model", c_ref_std=0.5))
    correct = table.column("correct").copy()
    correct[:3] = np.nan
    mixed = mixed.with_column("correct", np.where(np.isnan(correct), None, correct == 1).tolist())
    found = report(mixed, seed=7, n_max=4)
    about = found.text["about"]
    for stated in ("0" * 64, "my model", "numpy", "plotly", "laser_core", "--n-max 4", "--seed 7", "-23", "0.5"):
        assert stated in about, stated
    assert "3 of 320 solutions have no verdict" in found.text["head"]


def test_early_drops_are_compared_with_deepconf(page):
    text = page.text["compute"]
    assert "drop early by z_c" in text
    assert "drop early by token log-probs" in text
    assert "as in DeepConf" in text


def test_refused_rows_and_notes_are_listed(table):
    refused = (Refusal(line=12, field="score", reason="not a number"),)
    result = ReadResult(table, "jsonl", len(table) + 1, refused, Counter({"filled in an answer": 3}), 1)
    found = Page(report_html(result, name="x.jsonl"))
    assert "refused line 12, field 'score': not a number" in found.text["about"]
    assert "filled in an answer (3 rows)" in found.text["about"]
    assert "not read from a file" in found.text["about"]


def bare(*columns: str) -> Rollouts:
    """Two problems of three solutions with only some of the columns."""
    rows = [
        {"run": "r", "problem_id": f"p{p}", "sample": i, "response": "x"}
        | {"correct": i == 0, "score": 1.0 - 0.3 * i, "answer": str(i), "n_tokens": 5 + i}
        for p in range(2)
        for i in range(3)
    ]
    keep = {"run", "problem_id", "sample", "response", *columns}
    return Rollouts.from_rows([{name: value for name, value in row.items() if name in keep} for row in rows])


@pytest.mark.parametrize(
    ("columns", "section", "needs"),
    [
        ((), "voting", "verified solutions"),
        ((), "separation", "laser score"),
        ((), "lists", "verified solutions"),
        (("correct", "score"), "voting", "extracted answers"),
        (("correct", "score", "answer"), "compute", "token count"),
        (("correct", "score", "answer"), "length", "token count"),
        (("correct", "score", "answer", "n_tokens"), "compute", "z_trace"),
        (("correct", "score", "answer", "n_tokens"), "signals", "token log-probs"),
        (("correct", "score"), "settings", "β_v and c_ref"),
        (("correct", "score"), "steps", "two training steps"),
        (("correct", "answer"), "calibration", "laser score"),
    ],
)
def test_what_is_missing_is_named(columns, section, needs):
    text = report(bare(*columns)).text[section]
    assert "Not shown: this part needs" in text
    assert needs in text


def test_training_steps_are_drawn_where_there_are_several(table):
    rows = np.arange(len(table))
    found = report(table.with_column("step", (rows % 2 * 50).astype(int)))
    assert found.figure("animation")["data"]  # two steps stand side by side, without frames
    assert "Not shown" not in found.text["steps"]


def test_any_signal_takes_the_scores_place(table):
    found = report(table, signal="mean_logprob")
    assert "signal: mean_logprob" in found.text["head"]
    assert "another signal does not depend on" in found.text["settings"]
    with pytest.raises(InputError, match=r"no values for 'signal\.nonsense'.*choose from: score, signal\.mean"):
        report(table, signal="nonsense")


def test_one_run_of_several(table):
    both = Rollouts.from_rows(
        [row | {"run": run} for run in ("a", "b") for row in bare("correct", "score", "answer").table.to_pylist()]
    )
    with pytest.raises(InputError, match=r"2 runs \(a, b\)"):
        report(both)
    found = report(both, run="b")
    assert "run b" in found.text["head"]
    assert "6 solutions" in found.text["head"]


def hostile() -> Rollouts:
    """Every text field a file can hold, filled with what a page must not run or obey."""
    rows = []
    for row in make_rollouts(n_problems=12, n_samples=6).table.to_pylist():
        text = HOSTILE + row["problem_id"]
        rows.append(
            row
            | {
                "run": HOSTILE,
                "problem_id": text,
                "problem": text,
                "response": text,
                "answer": f"{text}{row['answer']}",
            }
            | {"reference_answer": text, "tokens": [HOSTILE] * len(row["tokens"]), f"signal.{HOSTILE}": row["score"]}
        )
    meta = RunMeta(model=HOSTILE, z_token=HOSTILE, beta_v=0.1, c_ref=-23.0, task=HOSTILE, source_format=HOSTILE)
    return Rollouts.from_rows(rows, meta)


@pytest.fixture(scope="module")
def hostile_html() -> str:
    rollouts = hostile()
    result = ReadResult(rollouts, HOSTILE, len(rollouts), (Refusal(1, HOSTILE, HOSTILE),), Counter({HOSTILE: 2}), 1)
    return report_html(result, name=HOSTILE, options=ReportOptions(signal=f"signal.{HOSTILE}"))


def test_foreign_text_stays_text(hostile_html):
    found = Page(hostile_html)
    kinds = {tag for tag, _ in found.tags}
    assert not kinds & {"img", "iframe", "object", "embed", "form", "base"}
    assert not [attrs for _, attrs in found.tags if any(name.startswith("on") for name in attrs)]
    assert not [attrs for _, attrs in found.tags if "javascript:" in (attrs.get("href") or "")]
    # Two scripts run (the library and ours), and the security policy names exactly them.
    run = [text for attrs, text in found.scripts if attrs.get("type") != "application/json"]
    policy = next(attrs["content"] for _, attrs in found.tags if "http-equiv" in attrs)
    assert len(run) == 2
    assert all(_source_hash(text) in policy for text in run)
    text = "".join(found.text.values())
    assert "window.owned=1" in text  # it is shown, not hidden
    assert "{{7*7}}" in text
    for character in "\u202e\u2066\u200b\x1b":
        assert character not in text
        assert not any(character in data for attrs, data in found.scripts if "id" in attrs)
    assert "a\\u202eb\\u2066c\\u200bd" in text


def test_labels_of_figures_are_escaped_for_plotly(hostile_html):
    figure = Page(hostile_html).figure("histogram")
    title = figure["layout"]["xaxis"]["title"]["text"]
    assert "<" not in title
    assert "&lt;/script&gt;" in title


def test_the_file_is_written_whole_and_hashed(tmp_path, table):
    source, out = tmp_path / "rollouts.parquet", tmp_path / "deep" / "report.html"
    write_parquet(table, source)
    write_report(source, out)
    text = out.read_text(encoding="utf-8")
    assert file_digest(source) in text
    assert text.count("<!doctype html>") == 1
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]


def test_links_point_nowhere_but_into_the_page(page):
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data"):
            if attrs.get(name):
                assert attrs[name].startswith(("#", "data:,")), (tag, attrs)


@pytest.mark.browser
@pytest.mark.skipif(missing_browser() is not None, reason=str(missing_browser()))
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_opens_without_an_error_or_a_request(tmp_path, hostile_html, width, scheme):
    from playwright.sync_api import sync_playwright

    path = tmp_path / "report.html"
    path.write_text(hostile_html, encoding="utf-8")
    complaints, requests = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda request: requests.append(request.url))
        opened.goto(path.as_uri())
        opened.wait_for_selector("body[data-ready=yes]", timeout=60_000)
        drawn = opened.evaluate("document.querySelectorAll('.plot .main-svg').length > 0")
        missing = opened.evaluate(
            "[...document.querySelectorAll('.plot')].filter(p => !p.querySelector('.main-svg')).length"
        )
        owned = opened.evaluate("window.owned")
        overflow = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        ink = opened.evaluate("getComputedStyle(document.querySelector('.plot .xtick text')).fill")
        browser.close()
    assert complaints == []
    assert requests == [path.as_uri()]
    assert owned is None
    assert (drawn, missing, overflow) == (True, 0, 0)
    assert ink == {"light": "rgb(27, 29, 40)", "dark": "rgb(233, 234, 240)"}[scheme]


def test_a_signal_derived_from_the_verdict_is_never_praised():
    """A reward as the default once made a perfect report: AUROC 1, and a gain from voting by the verdict."""
    rollouts = make_rollouts(n_problems=24, n_samples=4, traces=False)
    table = rollouts.table.drop_columns(["score", "z_logprob", "ref_z_logprob"])
    rollouts = Rollouts(table, rollouts.meta).with_column("signal.reward", 2 * rollouts.column("correct") - 1)
    result = ReadResult(rollouts, "verl", len(rollouts), ())
    page = report_html(result, name="verl.jsonl")
    assert "These rollouts hold no last-token score" in page
    assert "&#39;reward&#39; cannot stand in its place" in page
    chosen = report_html(result, name="verl.jsonl", options=ReportOptions(signal="reward"))
    assert chosen.count("is derived from the verdict") > 5
    for praise in ("The reward tells correct", "Weighting a vote of", "the correct one scores higher with probability"):
        assert praise not in chosen

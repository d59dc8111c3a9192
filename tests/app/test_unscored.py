"""Rollouts without a score: nothing is judged by the verdict itself, and every page has something to show."""

from __future__ import annotations

import json

import pytest

from laser_core.rollouts import Rollouts
from tests.app.test_pages import finding, jsonl, rows_of, said, start, upload, visit
from tests.app.test_views import choose
from tests.factories import make_rollouts
from tests.rollouts.readers.files import FIXTURES

SCORE = ["score", "z_logprob", "ref_z_logprob"]
TRACES = ["tokens", "token_logprobs", "entropy", "z_trace"]
SHOWN = ["start", "scores", "thresholds", "voting"]


def plain(*more: str) -> Rollouts:
    """Verified rollouts with answers, and neither score nor traces."""
    found = make_rollouts(n_problems=8, n_samples=4)
    return Rollouts(found.table.drop_columns([*SCORE, *more]), found.meta)


def rewarded() -> Rollouts:
    """The same with the reward that the verdicts came from."""
    found = plain(*TRACES)
    return found.with_column("signal.reward", 2 * found.column("correct") - 1)


def opened(rollouts: Rollouts):
    return upload(start(), "mine.jsonl", jsonl(rows_of(rollouts)))


@pytest.mark.parametrize("page", SHOWN)
def test_a_reward_is_never_the_default_score(bundled_runs, page):
    """Start once announced that verl's reward ranks solutions right 100% of the time and gains 41 points by voting."""
    app = visit(opened(rewarded()), page)
    assert not app.exception
    text = said(app)
    assert "one value for correct solutions and another for incorrect ones" in text
    assert app.selectbox(key="signal").value is None
    for triumph in ("100% of the time", "gains", "Yes, in the run", "AUROC of the"):
        assert triumph not in text


@pytest.mark.parametrize("page", SHOWN)
def test_a_reward_chosen_by_hand_says_that_it_says_nothing(bundled_runs, page):
    app = opened(rewarded())
    app.selectbox(key="signal").select("signal.reward").run()
    visit(app, page)
    assert not app.exception
    assert "is derived from the verdict" in finding(app).replace("\\", "")
    assert "reward" in app.title[0].value
    assert [metric.value for metric in app.metric][1:] == (["–"] * 4 if page == "start" else [])


def test_compare_leaves_a_reward_out(bundled_runs):
    app = opened(rewarded())
    app.selectbox(key="signal").select("signal.reward").run()
    visit(app, "compare")
    assert not app.exception
    assert "derived from the verdict, which says nothing" in finding(app)


def test_an_unscored_file_shows_accuracy_and_votes(bundled_runs):
    app = opened(plain(*TRACES))
    stated = finding(app)
    assert "of the solutions are correct (95% CI [" in stated
    assert "A majority vote of 4 is correct on" in stated
    visit(app, "voting")
    assert "There is no score to weight votes by" in finding(app)
    assert "weighted" not in said(app).replace("weighted votes", "")
    (voters,) = [frame for frame in app.dataframe if "voter" in frame.value]
    assert "score" not in voters.value


def test_one_click_puts_a_free_signal_in_the_scores_place(bundled_runs):
    app = opened(plain("z_trace"))
    app.button(key="use-signal.mean_logprob").click().run()
    assert not app.exception
    assert app.selectbox(key="signal").value == "signal.mean_logprob"
    assert app.title[0].value == "Does the mean token log-prob tell correct from incorrect solutions?"
    visit(app, "scores")
    assert "AUROC of the mean token log-prob" in finding(app)


@pytest.mark.parametrize(
    "name", ["verl_rollouts.jsonl", "trl_text.parquet", "inspect_ai.json", "lm_eval_four.jsonl", "lm_eval_once.jsonl"]
)
def test_files_of_other_tools_open_on_every_page(bundled_runs, name):
    app = upload(start(), name, (FIXTURES / name).read_bytes())
    for page in [*SHOWN, "compare", "traces", "data"]:
        visit(app, page)
        assert not app.exception, page
        assert "100% of the time" not in said(app), page
        assert "nan" not in json.dumps(said(app)).split(), page


def test_two_unscored_runs_are_compared_by_accuracy_and_votes(bundled_runs):
    first = plain(*TRACES)
    second = first.with_column("correct", [False] * len(first))
    app = upload(opened(first), "second.jsonl", jsonl(rows_of(second)))
    visit(app, "compare")
    app.multiselect(key="compared").set_value([key for key in app.multiselect(key="compared").value if "upload" in key])
    app.run()
    assert not app.exception
    assert finding(app).startswith("## No run has a score. Accuracy with its 95% CI: ")
    assert "undefined" not in said(app)


def test_every_section_opens_with_a_reward_chosen_by_hand(bundled_runs):
    data = rewarded()
    app = opened(Rollouts(data.table.drop_columns(["n_tokens"]), data.meta))
    app.selectbox(key="signal").select("signal.reward").run()
    visit(app, "scores")
    for section in ("Against length", "Against another signal", "Against training step", "Beside free signals"):
        choose(app, scores_section=section)
        assert not app.exception, section
    assert any("no signal that can be judged" in info.value for info in app.info)

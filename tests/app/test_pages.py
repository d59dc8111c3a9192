"""The app's logic, page by page, in Streamlit's own test harness."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from app.widgets.rich_text import safe_markdown
from laser_core import analysis, bundled
from laser_core.analysis import Samples
from laser_core.rollouts import Rollouts, RunMeta, read
from tests.app.browser import PAGES, ROOT
from tests.factories import make_rollouts

MAIN = str(ROOT / "app" / "main.py")


def start(**query) -> AppTest:
    """The app on its first page."""
    app = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def visit(app: AppTest, page: str) -> AppTest:
    return app.switch_page(f"app_pages/{page}.py").run()


def finding(app: AppTest) -> str:
    """The sentence that answers the page's question."""
    return next(element.value for element in app.markdown if element.value.startswith("## "))


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader(key="upload").set_value((name, content, "application/octet-stream"))
    return app.run()


def said(app: AppTest) -> str:
    """Everything that the page says in words."""
    elements = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(element.value for element in elements)


def jsonl(rows: list[dict]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def rows_of(rollouts: Rollouts) -> list[dict]:
    return rollouts.table.to_pylist()


@pytest.mark.parametrize("run", ["LaSeR", "GRPO", "Base"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_every_run(bundled_runs, page, run):
    app = visit(start(run=run), page)
    assert not app.exception
    assert app.selectbox(key="run").value == run.lower()
    assert not app.error
    assert app.title[0].value


def test_first_paint_states_the_true_finding(bundled_runs):
    app = start()
    assert not app.exception
    within = analysis.separation(
        Samples.from_rollouts(read(bundled_runs / "rollouts" / "laser.parquet").rollouts)
    ).within_problem_auroc
    stated = finding(app)
    assert stated.startswith("## Yes, in the run “LaSeR”")
    assert f"{100 * within.value:.0f}% of the time" in stated
    assert f"95% CI [{100 * within.ci_low:.0f}%, {100 * within.ci_high:.0f}%]" in stated
    assert f"n = {within.n} problems" in stated


def test_start_shows_five_numbers(bundled_runs):
    app = start()
    assert [metric.label for metric in app.metric] == [
        "Accuracy",
        "AUROC",
        "Within a problem",
        "Balanced F1",
        "Gain from weighting",
    ]
    samples = Samples.from_rollouts(read(bundled_runs / "rollouts" / "laser.parquet").rollouts)
    assert app.metric[0].value == f"{100 * analysis.accuracy(samples).value:.1f}%"
    assert app.metric[3].value == f"{analysis.separation(samples).balanced_f1.value:.3f}"


def test_the_address_chooses_the_run(bundled_runs):
    assert start(run="GRPO").selectbox(key="run").value == "grpo"
    assert start(run="no-such-run").selectbox(key="run").value is None  # and the page says that it is not here


def test_another_run_changes_the_finding(bundled_runs):
    app = start()
    before = finding(app)
    app.selectbox(key="run").select("base").run()
    assert "Base" in finding(app)
    assert finding(app) != before


def test_without_any_rollouts_the_app_says_what_to_do(no_bundled_runs):
    app = start()
    assert not app.exception
    assert app.title[0].value == "No rollouts yet"
    app = upload(app, "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=5, n_samples=4))))
    assert "last token" in app.title[0].value


def test_a_damaged_bundled_run_is_reported_and_the_others_stay(bundle, tmp_path, monkeypatch):
    shutil.copytree(bundle, tmp_path / "copy")
    (tmp_path / "copy" / "rollouts" / "grpo.parquet").write_bytes(b"PAR1 damaged PAR1")
    monkeypatch.setattr(bundled, "ROOT", tmp_path / "copy")
    app = start()
    assert not app.exception
    assert "grpo.parquet" in app.error[0].value.replace("\\", "")
    assert app.selectbox(key="run").options == ["LaSeR", "Base"]


def test_a_bad_upload_names_the_fault_and_keeps_the_data(bundled_runs):
    app = start(run="GRPO")
    before = finding(app)
    upload(app, "bad.jsonl", b"\x00\x01 nothing that holds rows")
    assert not app.exception
    assert "bad" in app.error[0].value
    assert "still shows the previous rollouts" in app.error[0].value
    assert app.selectbox(key="run").value == "grpo"
    assert finding(app) == before


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.jsonl", "$x$ :red[a] **b**.jsonl"])
def test_an_error_shows_a_hostile_file_name_as_text(bundled_runs, name):
    app = upload(start(), name, b"\x00\x01\x02 not a table")
    message = app.error[0].value
    for sign in "<$[*":
        assert sign not in message.replace(f"\\{sign}", "")


def test_an_upload_is_shown_and_survives_its_removal_from_the_widget(bundled_runs):
    app = upload(start(), "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="mine"))))
    assert not app.exception
    assert "mine" in finding(app)
    assert "24 solutions read" in app.success[0].value
    app.file_uploader(key="upload").clear().run()
    assert "mine" in finding(app)


@pytest.mark.parametrize("page", ["start", "scores", "traces", "compare", "data"])
def test_the_address_of_an_upload_that_is_gone_says_so(bundled_runs, page):
    """After a reload the bundled run's numbers once stood under the address of the upload."""
    app = visit(start(run="<b>mine</b>.jsonl"), page)
    assert not app.exception
    assert app.title[0].value == "This run is not on this server any more"
    assert "\\<b\\>mine" in app.markdown[0].value
    assert not app.metric
    assert app.selectbox(key="run").value is None
    app.button(key="instead").click().run()
    assert not app.exception
    assert app.selectbox(key="run").value == "laser"
    assert app.title[0].value != "This run is not on this server any more"


def test_an_upload_answers_the_address_of_one_that_is_gone(bundled_runs):
    app = start(run="mine.jsonl")
    upload(app, "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="mine"))))
    assert not app.exception
    assert "mine" in finding(app)
    assert app.metric


def test_a_forgotten_upload_leaves_the_usual_run(bundled_runs):
    app = upload(start(), "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="mine"))))
    forget = next(button for button in app.button if button.key.startswith("forget-"))
    forget.click().run()
    assert app.selectbox(key="run").value == "laser"
    assert app.metric


def test_pages_without_rollouts_ignore_an_address_that_is_gone(bundled_runs):
    app = visit(start(run="mine.jsonl"), "theory")
    assert not app.exception
    assert app.title[0].value != "This run is not on this server any more"


def test_an_upload_with_two_runs_offers_both(bundled_runs):
    both = rows_of(make_rollouts(n_problems=6, n_samples=4, run="first", skill=2.0))
    both += rows_of(make_rollouts(n_problems=6, n_samples=4, run="second", skill=0.0))
    app = upload(start(), "two.jsonl", jsonl(both))
    options = app.selectbox(key="run").options
    assert [option for option in options if option.startswith("two.jsonl")] == ["two.jsonl: first", "two.jsonl: second"]
    assert "first" in finding(app)


def test_a_bad_file_after_a_good_one_keeps_the_good_one(bundled_runs):
    app = upload(start(), "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="mine"))))
    app.file_uploader(key="upload").clear().run()
    upload(app, "broken.parquet", b"PAR1 this is no Parquet file PAR1")
    assert app.error
    assert "mine" in finding(app)


def test_sessions_do_not_see_each_others_uploads(bundled_runs):
    first = upload(start(), "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="mine"))))
    assert any(option.startswith("mine") for option in first.selectbox(key="run").options)
    assert not any(option.startswith("mine") for option in start().selectbox(key="run").options)


def test_choices_survive_a_page_switch(bundled_runs):
    app = visit(start(run="GRPO"), "traces")
    app.selectbox(key="problem_kind").select("all").run()
    second = app.selectbox(key="problem").options[1]
    app.selectbox(key="problem").select_index(1).run()
    app.selectbox(key="quantity").select("logprob").run()
    visit(app, "scores")
    app.select_slider(key="score_bins").set_value(10).run()
    visit(app, "voting")
    assert (
        app.selectbox(key="problem").options[app.selectbox(key="problem").index] == second
    )  # one choice for all pages
    visit(app, "scores")
    assert app.select_slider(key="score_bins").value == 10
    visit(app, "traces")
    assert app.selectbox(key="problem").options[app.selectbox(key="problem").index] == second
    assert app.selectbox(key="quantity").value == "logprob"
    assert app.selectbox(key="run").value == "grpo"


def test_the_threshold_survives_a_switch_and_moves_the_confusion_table(bundled_runs):
    app = visit(start(), "thresholds")
    slider = app.slider(key="threshold")
    assert slider.value == 0.5
    slider.set_value(slider.max).run()
    # nothing scores above the largest value: every solution is rejected
    assert list(app.table[0].value["value"])[1:3] == ["0.00", "1.00"]
    visit(app, "start")
    visit(app, "thresholds")
    assert app.slider(key="threshold").value == app.slider(key="threshold").max


def test_another_kind_of_problem_shows_one_of_that_kind(bundled_runs):
    app = visit(start(), "traces")
    app.selectbox(key="problem_kind").select("all").run()
    assert len(app.selectbox(key="problem").options) == 24
    assert not app.exception


def test_problems_can_be_stepped_through_in_a_circle(bundled_runs):
    app = visit(start(), "traces")
    app.selectbox(key="problem_kind").select("all").run()
    ids = [f"p{i}" for i in range(24)]
    assert app.selectbox(key="problem").value == ids[0]
    app.button(key="problem-Next").click().run()
    assert app.selectbox(key="problem").value == ids[1]
    app.button(key="problem-Previous").click().run()
    app.button(key="problem-Previous").click().run()
    assert app.selectbox(key="problem").value == ids[-1]


def test_the_same_problem_is_shown_for_the_next_run(bundled_runs):
    app = visit(start(), "traces")
    app.selectbox(key="problem_kind").select("all").run()
    app.selectbox(key="problem").select_index(5).run()
    app.selectbox(key="run").select("grpo").run()
    assert app.selectbox(key="problem").value == "p5"
    assert app.selectbox(key="run").value == "grpo"
    assert app.selectbox(key="problem_kind").value == "all"


def test_problems_with_the_same_text_are_told_apart(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=6, n_samples=4))
    for row in rows:
        row["problem"] = "the same text"
    app = visit(upload(start(), "same.jsonl", jsonl(rows)), "traces")
    app.selectbox(key="problem_kind").select("all").run()
    options = app.selectbox(key="problem").options
    assert options == [f"the same text  (p{i})" for i in range(6)]
    app.selectbox(key="problem").select_index(4).run()
    assert app.selectbox(key="problem").value == "p4"


def test_two_uploads_of_one_name_are_told_apart(bundled_runs):
    app = upload(start(), "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, seed=1))))
    upload(app, "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=7, n_samples=4, seed=2))))
    mine = [option for option in app.selectbox(key="run").options if option.startswith("mine.jsonl")]
    assert len(set(mine)) == 2
    assert "28 solutions" in app.success[0].value


def test_a_problem_that_the_next_run_lacks_is_dropped(bundled_runs):
    app = visit(start(), "traces")
    other = make_rollouts(n_problems=5, n_samples=4, run="other-problems")
    upload(app, "other.jsonl", jsonl(rows_of(other)))
    assert not app.exception
    assert app.selectbox(key="problem").value.startswith("other-problems")


def test_the_vote_can_be_drawn_again(bundled_runs):
    app = visit(start(), "voting")
    assert app.button(key="draw").disabled  # all eight solutions vote: there are no others to draw
    app.slider(key="voters").set_value(4).run()
    app.button(key="draw").click().run()
    assert not app.exception
    assert app.session_state["vote_seed"] == 1


def without(rollouts: Rollouts, *names: str) -> Rollouts:
    return Rollouts(rollouts.table.drop_columns(list(names)), rollouts.meta)


SMALL = make_rollouts(n_problems=6, n_samples=4)
ODD_DATA = {
    "no score": without(SMALL, "score", "z_logprob", "ref_z_logprob"),
    "no verdicts": without(SMALL, "correct", "reference_answer"),
    "no answers": without(SMALL, "answer", "reference_answer"),
    "no traces": make_rollouts(n_problems=6, n_samples=4, traces=False),
    "no problem text": without(SMALL, "problem"),
    "one problem": make_rollouts(n_problems=1, n_samples=4),
    "one solution each": make_rollouts(n_problems=6, n_samples=1),
    "one rollout": make_rollouts(n_problems=1, n_samples=1, truncated_share=0.0),
    "all right": SMALL.with_column("correct", [True] * len(SMALL)),
    "all wrong": SMALL.with_column("correct", [False] * len(SMALL)),
    "all cut off": make_rollouts(n_problems=4, n_samples=4, truncated_share=1.0),
    "no settings": Rollouts(SMALL.table, RunMeta()),
    "a signal beside the score": SMALL.with_column("signal.length", [float(i % 7) for i in range(len(SMALL))]),
    "equal scores": SMALL.with_column("score", [0.5] * len(SMALL)),
}


@pytest.mark.parametrize("case", ODD_DATA)
def test_odd_data_never_break_a_page(bundled_runs, tmp_path, case):
    import pyarrow.parquet as pq

    pq.write_table(ODD_DATA[case].to_arrow(), tmp_path / "odd.parquet")
    app = upload(start(), "odd.parquet", (tmp_path / "odd.parquet").read_bytes())
    for page in PAGES:
        visit(app, page)
        assert not app.exception, page
        assert not app.error, page
        assert not re.search(r"\bnan\b", said(app).lower()), page


def test_the_traces_page_ranks_by_every_moment_and_ends_on_the_scores_own_auroc(bundled_runs):
    app = visit(start(), "traces")
    (caption,) = [text.value for text in app.caption if "none is a rule for stopping early" in text.value]
    samples = Samples.from_rollouts(read(bundled_runs / "rollouts" / "laser.parquet").rollouts)
    within = analysis.separation(samples).within_problem_auroc
    assert f"At the last token it is {within.value:.2f} (95% CI [{within.ci_low:.2f}" in caption
    app.segmented_control(key="ranking_by").set_value("fraction").run()
    assert not app.exception


def test_the_only_solution_of_a_problem_is_shown_once(bundled_runs):
    """An incorrect one stood in both places of the Traces page."""
    one = make_rollouts(n_problems=1, n_samples=1, truncated_share=0.0).with_column("correct", [False])
    app = visit(upload(start(), "one.jsonl", jsonl(rows_of(one))), "traces")
    assert [box.label for box in app.selectbox if box.key in ("correct", "incorrect")] == ["A solution"]


@pytest.mark.parametrize("page", ["start", "scores", "thresholds", "voting"])
def test_rollouts_without_a_score_say_how_to_get_one(bundled_runs, page):
    """The pages that need a score give the command that adds one, and only where there is none."""

    def commands(app: AppTest) -> list[str]:
        return [info.value for info in app.info if "`laser score MODEL" in info.value]

    app = visit(start(), page)
    assert not commands(app)
    plain = without(SMALL, "score", "z_logprob", "ref_z_logprob", "n_tokens", "tokens", "token_logprobs", "entropy")
    visit(upload(app, "plain.jsonl", jsonl(rows_of(plain))), page)
    assert not app.exception
    assert len(commands(app)) == 1


def test_another_signal_can_stand_in_the_scores_place(bundled_runs):
    data = SMALL.with_column("signal.length", [float(i % 7) for i in range(len(SMALL))])
    app = upload(start(), "two.jsonl", jsonl(rows_of(data)))
    before = app.metric[1].value
    app.selectbox(key="signal").select("signal.length").run()
    assert not app.exception
    assert app.metric[1].value != before
    visit(app, "thresholds")
    assert app.selectbox(key="signal").value == "signal.length"


HOSTILE = "<script>alert(1)</script> **b** $x^2$ :red[r] [l](http://x) \u202e \u200b \x1b[31m `c` & \n# h"


def test_hostile_text_is_escaped_on_every_page(bundled_runs):
    rows = rows_of(SMALL)
    for row in rows:
        row |= {"run": HOSTILE, "problem": HOSTILE, "response": HOSTILE, "answer": HOSTILE, "reference_answer": HOSTILE}
        row["tokens"] = [HOSTILE] + row["tokens"][1:]
    app = upload(start(), f"{HOSTILE[:30]}.jsonl", jsonl(rows))
    for page in PAGES:
        visit(app, page)
        assert not app.exception, page
        for element in [*app.markdown, *app.caption, *app.title, *app.success]:
            harmful = ("<script", ":red[", "[l](", "\u202e", "\u200b", "\x1b")
            rendered = element.value == safe_markdown(HOSTILE).strip()  # the problem in full: bold is meant
            for active in harmful if rendered else (*harmful, "**b**", "$x", "`c`"):
                escaped = active.replace(active[0], "\\" + active[0])
                assert active not in element.value.replace(escaped, ""), (page, element.value)
        for element in app.html:
            assert "<script" not in element.value, page


def test_refused_rows_are_listed(bundled_runs):
    rows = rows_of(SMALL)
    rows[3]["score"] = "not a number"
    app = visit(upload(start(), "some.jsonl", jsonl(rows)), "data")
    assert "1 row refused" in finding(app)
    listed = app.dataframe[1].value
    assert list(listed["line"]) == [4]
    assert list(listed["field"]) == ["score"]


def test_the_app_never_imports_torch():
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; "
        f"app = AppTest.from_file({MAIN!r}, default_timeout=60).run(); assert not app.exception; "
        "print([m for m in ('torch', 'transformers', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"

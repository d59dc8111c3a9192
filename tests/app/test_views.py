"""Views, choices and uploads: one selection on all pages, presets, the tour, several files, a file to be mapped."""

import re

import numpy as np
import pytest

from app.data import downloads, sources
from app.format import estimate
from app.tour.reveals import Reveal
from app.tour.steps import STEPS
from app.tour.tour import judged
from laser_core import analysis
from laser_core.analysis import Samples
from laser_core.figures import QUANTITIES, signal_title
from laser_core.rollouts import read
from tests.app.test_pages import finding, jsonl, rows_of, said, start, upload, visit
from tests.factories import make_rollouts


def run_of(bundle, name="laser"):
    rollouts = read(bundle / "rollouts" / f"{name}.parquet").rollouts
    return rollouts, Samples.from_rollouts(rollouts)


def choose(app, **values):
    """Make choices whose widgets AppTest cannot click, as their callbacks would."""
    for key, value in values.items():
        app.session_state[key] = value
    return app.run()


def test_confidently_wrong_opens_the_highest_scored_incorrect_solution(bundled_runs):
    rollouts, samples = run_of(bundled_runs)
    worst = int(analysis.drill_down(samples).confident_incorrect[0])
    wrong = np.where(rollouts.column("correct") == 0, rollouts.column("score"), -9)
    assert rollouts.column("score")[worst] == np.nanmax(wrong)
    app = visit(start(), "traces")
    app.button(key="example-confidently wrong").click().run()
    assert not app.exception
    assert app.selectbox(key="problem").value == rollouts.row(worst)["problem_id"]
    assert app.selectbox(key="incorrect").value == worst


def test_the_trace_turns_where_neighbouring_values_differ_most(bundled_runs):
    rollouts, _ = run_of(bundled_runs)
    steps = [np.abs(np.diff(row["z_trace"])).max() for row in rollouts.table.to_pylist()]
    row = int(np.argmax(steps))
    app = visit(start(), "traces")
    app.button(key="example-sharp turn in the trace").click().run()
    assert app.selectbox(key="problem").value == rollouts.row(row)["problem_id"]
    trace = np.array(rollouts.row(row)["z_trace"])
    assert app.slider(key="token").value == int(np.argmax(np.abs(np.diff(trace)))) + 2


def test_solutions_can_be_stepped_through_and_stay_chosen_on_the_way_to_another_page(bundled_runs):
    app = visit(start(), "traces")
    before = app.selectbox(key="incorrect").value
    app.button(key="incorrect-1").click().run()
    after = app.selectbox(key="incorrect").value
    assert after != before
    visit(app, "scores")
    assert app.title[0].value.startswith("Do correct solutions")
    visit(app, "traces")
    assert app.selectbox(key="incorrect").value == after


def test_problems_can_be_searched_and_sorted_by_difficulty(bundled_runs):
    _, samples = run_of(bundled_runs)
    app = visit(start(), "traces")
    app.selectbox(key="problem_kind").select("all").run()
    app.selectbox(key="problem_order").select("hardest").run()
    hard = 1 - np.nanmean(samples.correct, axis=1)
    options = app.selectbox(key="problem").options
    assert len(options) == 24
    app.selectbox(key="problem").select_index(0).run()
    assert hard[samples.problem_ids.index(app.selectbox(key="problem").value)] == hard.max()
    text = options[5]
    app.text_input(key="problem_search").set_value(text.split("*")[0] + "*").run()
    found = app.selectbox(key="problem").options
    assert text in found
    assert all(text.split("*")[0] + "*" in option for option in found)
    app.text_input(key="problem_search").set_value("no such text").run()
    assert not app.exception


@pytest.mark.parametrize("by", ["score", "length", "min_logprob"])
def test_solutions_can_be_sorted(bundled_runs, by):
    rollouts, samples = run_of(bundled_runs)
    app = visit(start(), "traces")
    app.selectbox(key="sort").select(by).run()
    assert not app.exception
    p = samples.problem_ids.index(app.selectbox(key="problem").value)
    rows = samples.row[p][samples.present[p]]
    values = {
        "score": rollouts.column("score"),
        "length": rollouts.column("n_tokens"),
        "min_logprob": np.array([min(row["token_logprobs"]) for row in rollouts.table.to_pylist()]),
    }[by]
    right = [row for row in rows if rollouts.column("correct")[row] == 1]
    best = max(right, key=lambda row: np.nan_to_num(values[row], nan=-np.inf))
    first = app.selectbox(key="correct").options[0]
    assert first.startswith(f"✓ sample {rollouts.row(int(best))['sample']}") or by == "length"  # lengths may tie


@pytest.mark.parametrize("quantity", [key for key in QUANTITIES if key != "log_ratio"])
def test_every_measure_can_colour_the_tokens_and_be_the_line(bundled_runs, quantity):
    app = visit(start(), "traces")
    app.selectbox(key="quantity").select(quantity).run()
    app.selectbox(key="line").select(quantity).run()
    assert not app.exception
    assert QUANTITIES[quantity].name in said(app)


def test_the_log_ratio_is_offered_where_the_reference_is_known(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=6, n_samples=4))
    for row in rows:
        row["ref_token_logprobs"] = [value - 0.5 for value in row["token_logprobs"]]
    app = visit(upload(start(), "ratio.jsonl", jsonl(rows)), "traces")
    app.selectbox(key="line").select("log_ratio").run()
    app.selectbox(key="sort").select("log_ratio").run()
    assert not app.exception
    assert "“x”: 0.50" in said(app.run()) or app.slider(key="token").value != 1
    app.slider(key="token").set_value(1).run()
    assert "“x”\\: 0.50" in said(app) or "“x”: 0.50" in said(app)


def figures_of(app):
    """The keys of the figures on the page, with the descriptions that screen readers get."""
    return {element.proto.id.split("-", 2)[2]: element.proto.alt for element in app.get("plotly_chart")}


def test_the_scores_page_relates_the_score_to_length(bundled_runs):
    _, samples = run_of(bundled_runs)
    app = choose(visit(start(), "scores"), scores_section="Against length")
    assert set(figures_of(app)) == {"score_length"}
    assert f"(Spearman) {estimate(analysis.length_relation(samples).spearman)}" in said(app)


def test_the_scores_page_relates_the_score_to_another_signal(bundled_runs):
    rollouts, samples = run_of(bundled_runs)
    app = choose(visit(start(), "scores"), scores_section="Against another signal")
    app.selectbox(key="other_signal").select("signal.mean_logprob").run()
    assert "mean token log-prob" in figures_of(app)["score_signal"]
    other = samples.with_signal(analysis.with_free_signals(rollouts), "signal.mean_logprob")
    relation = analysis.length_relation(analysis.in_length_place(samples, other))
    assert f"(Spearman) {estimate(relation.spearman)}" in said(app)


def test_the_scores_page_compares_every_signal_and_explains_it(bundled_runs):
    rollouts, samples = run_of(bundled_runs)
    app = choose(visit(start(), "scores"), scores_section="Beside free signals")
    assert set(figures_of(app)) == {"score_signals"}
    table = analysis.compare_signals(samples, rollouts)
    assert len(table.rows) > 3
    text = said(app).replace("\\", "")
    for row in table.rows[1:]:
        assert f"**{signal_title(row.signal)}**: {row.description}" in text


def test_the_scores_page_follows_training_steps(bundled_runs):
    app = choose(visit(start(), "scores"), scores_section="Against training step")
    assert "sampled at training step 100" in said(app)
    assert not figures_of(app)
    rows = rows_of(make_rollouts(n_problems=8, n_samples=4))
    rows = [row | {"step": step} for step in (0, 50, 100) for row in rows]
    app = visit(upload(start(), "steps.jsonl", jsonl(rows)), "scores")
    choose(app, scores_section="Against training step")
    assert set(figures_of(app)) == {"score_steps", "score_animation"}
    assert "3 steps." in said(app)


@pytest.mark.parametrize("picture", ["histogram", "ECDF", "violin"])
def test_scores_of_one_problem_count_its_solutions(bundled_runs, picture):
    _, samples = run_of(bundled_runs)
    app = choose(visit(start(), "scores"), score_picture=picture, score_over="one problem")
    assert not app.exception
    p = samples.problem_ids.index(app.selectbox(key="problem").value)
    scored = np.isfinite(samples.score[p])
    right = int((samples.correct[p][scored] == 1).sum())
    assert f"{right} correct solution" in said(app)


def test_the_voting_page_counts_the_votes_that_weighting_changes(bundled_runs):
    _, samples = run_of(bundled_runs)
    drill = analysis.drill_down(samples)
    app = choose(visit(start(), "voting"), voting_section="Changed votes")
    fixed, broken = len(drill.fixed_by_weights), len(drill.broken_by_weights)
    assert f"weighting fixes **{fixed}**" in said(app)
    assert f"breaks **{broken}**" in said(app)
    assert len(app.dataframe[0].value) == (fixed or broken)


def test_the_voting_page_recomputes_votes_under_other_settings(bundled_runs):
    rollouts, samples = run_of(bundled_runs)
    app = choose(visit(start(), "voting"), voting_section="Other β_v and c_ref")
    app.select_slider(key="beta_factor").set_value(4.0).run()
    assert "voting_settings" in figures_of(app)
    beta_v, c_ref = rollouts.meta.beta_v, rollouts.meta.c_ref
    found = analysis.sensitivity(samples, beta_v=beta_v, c_ref=c_ref, beta_grid=(4 * beta_v,), c_ref_grid=(c_ref,), n=8)
    assert f"correct on **{100 * found.weighted[0, 0]:.1f}%**" in said(app)
    assert f"**{found.balanced_f1[0, 0]:.2f}**" in said(app)


def test_the_voting_page_says_how_many_tokens_early_stops_save(bundled_runs):
    rollouts, samples = run_of(bundled_runs)
    app = choose(visit(start(), "voting"), voting_section="Tokens spent")
    assert "voting_tokens" in figures_of(app)
    worth = analysis.compute_worth(samples, drop=analysis.early_drop(rollouts, samples), weight="clip")
    assert f"saves {100 * worth.policy('weighted', 'confident').saved[-1]:.0f}% (95% CI" in said(app)


def test_a_cell_of_the_confusion_table_opens_its_rollouts(bundled_runs):
    rollouts, _ = run_of(bundled_runs)
    app = choose(visit(start(), "thresholds"), cell="false accepts")
    table = app.dataframe[0].value
    wrong_above = (rollouts.column("correct") == 0) & (rollouts.column("score") > 0.5)
    assert len(table) == wrong_above.sum()
    assert set(table["verifier"]) == {"incorrect"}
    assert table["score"].min() > 0.5


def test_the_cost_of_a_mistake_moves_the_best_threshold_as_computed(bundled_runs):
    _, samples = run_of(bundled_runs)
    app = visit(start(), "thresholds")
    app.toggle(key="priced").set_value(True).run()
    app.select_slider(key="cost_ratio").set_value(20.0).run()
    best = analysis.best_threshold(samples, cost_ratio=20.0)
    assert f"at this cost is {best:.2f}" in said(app)
    assert best > analysis.best_threshold(samples, cost_ratio=0.1)


def shown_difference(app) -> float:
    """The signed number, in points, that the page gives for the AUROC within a problem, however it is worded."""
    (found,) = re.findall(r"AUROC within a problem\b[^.:;]*?([+\-−]\d+\.\d)\b", said(app))
    return float(found.replace("−", "-"))


def test_the_paired_difference_is_that_of_the_library(bundled_runs):
    (_, laser), (_, grpo) = run_of(bundled_runs), run_of(bundled_runs, "grpo")
    app = visit(start(), "compare")
    app.selectbox(key="second_run").select("laser").run()
    app.selectbox(key="first_run").select("grpo").run()
    points = 100 * analysis.compare(grpo, laser).within_problem_auroc.difference.value
    assert shown_difference(app) == pytest.approx(points, abs=0.05)
    # The difference is second minus first: exchanging the runs turns its sign.
    app.selectbox(key="second_run").select("grpo").run()
    app.selectbox(key="first_run").select("laser").run()
    assert shown_difference(app) == pytest.approx(-points, abs=0.05)


def test_the_tour_reveals_after_the_prediction_and_visits_its_pages(bundled_runs):
    app = start()
    app.button(key="tour_start").click().run()
    for number, step in enumerate(STEPS, start=1):
        assert not app.exception
        assert app.markdown[0].value.startswith(f"# {number} of {len(STEPS)}")
        assert not app.title  # the page gives nothing away
        app.radio(key="tour_guess").set_value(step.options[0]).run()
        next(button for button in app.button if button.label == "Reveal").click().run()
        assert app.title
        assert f"You predicted “{step.options[0]}”" in said(app).replace("\\", "")
        assert app.query_params["tour"] == str(number)
        next(button for button in app.button if button.label in ("Next", "What have we learned?")).click().run()
    assert app.markdown[0].value == "# What you have seen"
    learned = said(app)
    assert all(f"**{step.title}**" in learned for step in STEPS)
    assert re.search(r"\*\*\d of \d predictions\*\* fit the data", learned)
    app.button(key="tour_playground").click().run()
    assert app.session_state["tour"] is None
    assert app.title[0].value == "Does the model believe its own answer?"


def test_the_tour_can_be_entered_at_a_step_and_left(bundled_runs):
    app = start(tour="5")
    assert app.markdown[0].value.startswith("# 5 of")
    next(button for button in app.button if button.label == "End the tour").click().run()
    assert app.title
    assert start(tour="0").title
    assert start(tour="nonsense").title


def test_the_first_prediction_is_judged_by_this_run(bundled_runs):
    _, samples = run_of(bundled_runs)
    value = analysis.separation(samples).within_problem_auroc.value
    app = start(tour="1")
    options = STEPS[0].options
    right = options[sum(value >= edge for edge in (0.6, 0.75, 0.9))]
    app.radio(key="tour_guess").set_value(right).run()
    next(button for button in app.button if button.label == "Reveal").click().run()
    assert ": **right**." in app.success[0].value


REVEAL = Reveal("0.92", option=2, possible=(1, 2), why="because")


@pytest.mark.parametrize(
    ("guess", "right", "said"),
    [(2, True, "**right**"), (1, True, "**that may be**"), (0, False, "**not here**. It is “75 to 90%”")],
)
def test_a_prediction_that_the_interval_does_not_rule_out_is_not_called_wrong(guess, right, said):
    text, verdict = judged(STEPS[0], REVEAL, STEPS[0].options[guess])
    assert verdict is right
    assert said in text.replace("\\", "")


def test_without_a_prediction_or_an_answer_nobody_is_judged():
    text, verdict = judged(STEPS[0], REVEAL, None)
    assert (text.replace("\\", ""), verdict) == ("The answer is “75 to 90%”.", None)
    assert judged(STEPS[0], Reveal("no example"), STEPS[0].options[0]) == ("", None)


def test_several_files_become_runs_to_compare(bundled_runs):
    files = [
        (f"{name}.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run=name, seed=i))), "text/plain")
        for i, name in enumerate(("one", "two"))
    ]
    app = start()
    app.file_uploader(key="upload").set_value(files)
    app.run()
    assert not app.exception
    assert "2 runs" in app.success[0].value.replace("\\", "")
    assert [option for option in app.selectbox(key="run").options if option.endswith(".jsonl")] == [
        "one.jsonl",
        "two.jsonl",
    ]
    visit(app, "compare")
    assert not app.exception


def test_a_good_file_is_kept_beside_a_bad_one(bundled_runs):
    good = jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="good")))
    app = start()
    app.file_uploader(key="upload").set_value([("good.jsonl", good, ""), ("bad.parquet", b"PAR1 no PAR1", "")])
    app.run()
    assert "bad" in app.error[0].value
    assert "good" in app.success[0].value
    assert app.selectbox(key="run").value.startswith("upload-")


UNKNOWN = b"question,said,right\n" + b"".join(
    f"q{i // 4},it is {i % 3},{'yes' if i % 3 == 0 else 'no'}\n".encode() for i in range(24)
)


def test_a_file_of_no_known_format_is_mapped_once_and_remembered(bundled_runs):
    app = visit(upload(start(), "mine.csv", UNKNOWN), "data")
    assert "mine" in app.warning[0].value
    labels = [box.label for box in app.selectbox if box.key.startswith("mapping-")]
    assert labels == ["question", "said", "right"]
    for number, field in enumerate(("problem", "response", "correct")):
        app.selectbox(key=f"mapping-0-{number}").select(field)
    next(button for button in app.button if button.label == "Read the file").click().run()
    assert not app.exception
    assert not app.error
    assert "24 solutions" in finding(app)
    came_from = dict(zip(app.dataframe[0].value["column"], app.dataframe[0].value["came from"], strict=True))
    assert came_from["response"] == "column 'said'"
    app.file_uploader(key="upload").set_value(("again.csv", UNKNOWN.replace(b"q0", b"q9"), ""))
    app.run()
    assert "mapped as in the last file" in app.success[0].value.replace("\\", "")
    assert "24 solutions" in finding(app)


def test_an_upload_can_be_reopened_and_forgotten(bundled_runs):
    app = upload(start(), "mine.jsonl", jsonl(rows_of(make_rollouts(n_problems=6, n_samples=4, run="mine"))))
    key = app.selectbox(key="run").value
    app.selectbox(key="run").select("base").run()
    app.button(key=f"open-{key}").click().run()
    assert app.selectbox(key="run").value == key
    app.button(key=f"forget-{key}").click().run()
    assert not app.exception
    assert key not in [*app.selectbox(key="run").options, app.selectbox(key="run").value]


def test_a_free_signal_can_judge_rollouts_without_a_score(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=8, n_samples=4))
    for row in rows:
        row |= {"score": None, "z_logprob": None, "ref_z_logprob": None}
    app = upload(start(), "plain.jsonl", jsonl(rows))
    assert app.selectbox(key="signal").value is None
    app.selectbox(key="signal").select("signal.mean_logprob").run()
    for page in ("start", "traces", "scores", "thresholds", "voting", "compare"):
        visit(app, page)
        assert not app.exception, page
        assert not app.error, page


def test_a_megabyte_of_text_in_every_field_breaks_nothing(bundled_runs):
    rows = rows_of(make_rollouts(n_problems=3, n_samples=2))
    long = "<b>\u202e" + "x" * 1_000_000
    rows[0] |= {"problem": long, "response": long, "answer": long, "reference_answer": long}
    rows[0]["tokens"] = [long, *rows[0]["tokens"][1:]]
    app = upload(start(), "long.jsonl", jsonl(rows))
    for page in ("start", "traces", "scores", "thresholds", "voting", "compare", "data"):
        visit(app, page)
        assert not app.exception, page
        sizes = [len(element.value) for element in [*app.markdown, *app.caption]]
        assert max(sizes) < 5_000, page
    visit(app, "traces")
    app.selectbox(key="problem_kind").select("all").run()
    assert max(len(element.value) for element in app.html) < 200_000


def test_the_report_of_a_run_holds_its_figures_and_names_it(bundled_runs):
    _, samples = run_of(bundled_runs)
    source = sources.bundled_sources()["laser"]
    page = downloads.report(source, "score")
    assert "LaSeR" in page
    assert f"{analysis.separation(samples).within_problem_auroc.value:.3f}" in page
    assert start().get("download_button")

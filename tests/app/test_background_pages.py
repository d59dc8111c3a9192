"""Theory, Train and Playground in Streamlit's own test harness."""

import json

import pytest

from laser_core.analysis import closed_form
from laser_core.errors import InputError
from laser_core.jobs import jobs
from laser_core.playground import session
from laser_core.playground.outcome import first_vote
from laser_core.playground.protocol import Done, Ready, Tokens
from laser_core.rollouts import read
from tests.app.test_pages import finding, said, start, visit
from tests.jobs.stand_in import asked, wait_for

HOSTILE = "<img src=x onerror=alert(1)> $x$ :red[a] **b**"


def plain(app) -> str:
    return said(app).replace("\\", "")


def test_theory_says_what_the_sliders_give(bundled_runs):
    app = visit(start(), "theory")
    assert "2 × 10⁻⁷ of reward: **Z = 1 holds.**" in finding(app)
    app.slider(key="theory_reference").set_value(-2.3).run()
    lost = closed_form.neglected_reward(-2.3, beta_v=0.1)
    assert f"{lost:.2g} of reward: **Z = 1 breaks.**" in finding(app)
    assert [metric.label for metric in app.metric] == ["Score", "With Z", "Z", "log Z"]
    app.slider(key="theory_beta").set_value(0.5).run()
    assert f"{closed_form.highest_reference(beta_v=0.5):.1f} nats" in finding(app)
    assert not app.exception


def test_theory_asks_before_it_tells(bundled_runs):
    app = visit(start(), "theory")
    assert "22,026" not in plain(app)
    app.radio(key="theory_guess").set_value("About 2").run()
    assert "**No:** Z = 1 + 0.1 · (e¹⁰ − 1) = **2,204**" in plain(app)
    app.radio(key="theory_guess").set_value("About 2,000").run()
    assert "**Yes.**" in plain(app)


def test_theory_starts_from_a_token_and_puts_the_policy_at_its_optimum(bundled_runs):
    app = visit(start(), "theory")
    next(button for button in app.button if button.label == "Unused token, OctoThinker").click().run()
    assert app.slider(key="theory_reference").value == -24.9
    assert app.slider(key="theory_policy").value == -14.9  # 10 nats above
    assert app.slider(key="theory_std").value == 1.18
    assert app.metric[0].value == "1.00"


@pytest.mark.parametrize("page", ["theory", "train", "playground"])
def test_the_page_works_without_any_rollouts(no_bundled_runs, page):
    app = visit(start(), page)
    assert not app.exception
    assert app.title[0].value != "No rollouts yet"


def test_train_starts_a_run_and_refuses_a_second(bundled_runs, stand_in):
    app = visit(start(), "train")
    assert "No run yet" in plain(app)
    app.number_input(key="train_steps").set_value(40)
    app.number_input(key="train_alpha").set_value(2.0)
    next(button for button in app.button if button.label == "Start").click().run()
    assert not app.exception
    (job,) = jobs.all_jobs()
    assert (job.settings.steps, job.settings.alpha, job.settings.method) == (40, 2.0, "laser")
    start_button = next(button for button in app.button if button.label == "Start")
    assert start_button.disabled
    assert "One run at a time: LaSeR run 1 is running." in plain(app)
    other = visit(start(), "train")  # a second session, or the same one after a reload
    assert "LaSeR run 1" in finding(other)
    next(button for button in other.button if button.label == "Stop").click().run()
    wait_for(job, "stopped")
    assert "It can be resumed" in plain(visit(start(), "train"))


def test_a_finished_run_is_among_the_rollouts_of_every_page(bundled_runs, stand_in):
    job = wait_for(jobs.start(asked()), "finished")
    app = start(run="LaSeR run 1")
    assert app.selectbox(key="run").value == f"run-{job.key}"
    assert "Trained here: 3 steps of LaSeR, seed 0." in plain(app)
    for page in ("scores", "voting"):
        assert not visit(app, page).exception
    app = visit(start(), "train")
    assert "Finished. 500 held-out problems × 16 solutions are ready" in plain(app)
    assert [metric.label for metric in app.metric][:2] == ["Reward", "Balanced F1"]
    next(button for button in app.button if button.label == "Delete permanently").click().run()
    assert jobs.all_jobs() == []
    assert "LaSeR run 1" not in app.selectbox(key="run").options


def test_a_failed_run_says_why_and_settings_at_fault_are_named(bundled_runs, stand_in):
    wait_for(jobs.start(asked(seed=1)), "failed")
    assert "'a b' is 3 tokens, not one" in plain(visit(start(), "train"))
    app = visit(start(), "train")
    app.number_input(key="train_rollouts_per_prompt").set_value(1)
    next(button for button in app.button if button.label == "Start").click().run()
    assert "field 'rollouts_per_prompt'" in app.error[0].value.replace("\\", "")
    assert len(jobs.all_jobs()) == 1


def test_hostile_words_of_a_failed_run_show_as_text(bundled_runs, stand_in):
    job = wait_for(jobs.start(asked(seed=1)), "failed")
    (job.folder / "log.txt").write_text(f"laser: {HOSTILE}")
    (job.folder / "job.json").write_text(json.dumps({"name": HOSTILE, "created": 0.0}))
    app = visit(start(), "train")
    for element in (*app.error, *app.markdown):
        if "onerror" in element.value:
            assert "\\<img" in element.value
            assert "\\$x\\$" in element.value


@pytest.fixture
def models(bundled_runs):
    """Bundled models in name: the worker is replaced below."""
    for name in ("base", "grpo", "laser"):
        (bundled_runs / "models" / name).mkdir(parents=True, exist_ok=True)
        (bundled_runs / "models" / name / "config.json").write_text("{}")


def sampled(rows):
    def sample(request):
        yield Ready("<z>")
        for t in range(max(len(row["tokens"]) for row in rows)):
            going = [i for i, row in enumerate(rows) if t < len(row["tokens"])]
            tokens, z = ([rows[i][name][t] for i in going] for name in ("tokens", "z_trace"))
            yield Tokens(going, tokens, z)
        yield Done(rows)

    return sample


def run_sample(app):
    return next(button for button in app.button if button.label == "Sample").click().run()


def test_playground_samples_counts_and_says_that_it_is_one_draw(models, bundled_runs, monkeypatch):
    rollouts = read(bundled_runs / "rollouts" / "laser.parquet").rollouts
    rows = [rollouts.row(i) for i in range(8)]
    monkeypatch.setattr(session, "sample", sampled(rows))
    app = visit(start(), "playground")
    app.toggle(key="playground_slow").set_value(False).run()
    app = run_sample(app)
    assert not app.exception
    assert "One draw of 8 solutions from 3 models" in finding(app)
    hits = sum(row["correct"] for row in rows)
    assert f"**{hits} of 8 correct**" in plain(app)
    vote, answers = first_vote(rollouts.take(list(range(8))), 8)
    top = [answer for answer, won in zip(answers, vote.weighted_winners, strict=True) if won]
    assert f"Weighted vote: **{top[0]}" in plain(app)
    app.slider(key="playground_counted").set_value(2).run()
    assert " of 2 correct**" in plain(app)


def test_solutions_of_another_problem_are_not_shown_beside_the_one_on_the_page(models, bundled_runs, monkeypatch):
    rollouts = read(bundled_runs / "rollouts" / "laser.parquet").rollouts
    monkeypatch.setattr(session, "sample", sampled([rollouts.row(i) for i in range(8)]))
    app = visit(start(), "playground")
    app.toggle(key="playground_slow").set_value(False).run()
    app = run_sample(app)
    assert "One draw of 8 solutions" in finding(app)
    before = app.text_input(key="playground_problem").value
    app.text_input(key="playground_problem").set_value("5*x+7=52").run()
    assert "One draw" not in finding(app)
    app.text_input(key="playground_problem").set_value(before).run()
    assert "One draw of 8 solutions" in finding(app)


def test_any_local_model_is_asked_with_its_own_prompt(models, bundled_runs, monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    asked = []

    def sample(request):
        asked.append(request)
        raise InputError("enough")
        yield

    monkeypatch.setattr(session, "sample", sample)
    app = visit(start(), "playground")
    app.multiselect(key="playground_models").set_value(["local"]).run()
    assert app.button(key="playground_sample").disabled  # no folder yet
    app.text_input(key="playground_problem").set_value("What is the capital of France?")
    app.text_input(key="playground_path").set_value(str(tmp_path))
    app.text_area(key="playground_prompt").set_value("Q: {problem}\nA:").run()
    assert ["Qwen2.5's" in warning.value for warning in app.warning] == [True]  # whose c_ref stands in for its own
    run_sample(app)
    assert [(r.problem, r.prompt, r.answer, r.c_ref) for r in asked] == [
        ("What is the capital of France?", "Q: {problem}\nA:", None, -23.0)
    ]
    (tmp_path / "laser.json").write_text('{"c_ref": -17.25}')  # what a trained model's folder notes counts
    run_sample(app.run())
    assert asked[-1].c_ref == -17.25
    assert not app.warning
    app.number_input(key="playground_c_ref").set_value(-12.5).run()
    run_sample(app)
    assert asked[-1].c_ref == -12.5


def test_train_warns_where_the_steps_end_before_the_full_method(bundled_runs, stand_in):
    app = visit(start(), "train")
    assert not app.warning
    app.number_input(key="train_steps").set_value(40).run()
    assert "40 steps end before the full method begins, at step 45" in app.warning[0].value
    app.segmented_control(key="train_method").set_value("grpo").run()
    assert not app.warning


def test_playground_shows_hostile_solutions_as_text(models, bundled_runs, monkeypatch):
    row = read(bundled_runs / "rollouts" / "laser.parquet").rollouts.row(0)
    row |= {
        "tokens": [HOSTILE, "<eos>"],
        "z_trace": [-23.0, -13.0],
        "answer": HOSTILE,
        "response": HOSTILE,
        "sample": 0,
    }
    for name in ("token_logprobs", "entropy"):
        row[name] = [0.0, 0.0]
    row["n_tokens"] = 2
    monkeypatch.setattr(session, "sample", sampled([row]))
    app = visit(start(), "playground")
    app.slider(key="playground_n").set_value(1)
    app.toggle(key="playground_slow").set_value(False).run()
    app = run_sample(app)
    assert not app.exception
    for block in app.get("html"):
        assert "<img" not in block.proto.body
    assert "**<img" not in said(app)


def test_playground_says_what_can_be_solved_and_passes_faults_on(models, bundled_runs, monkeypatch):
    def broken(request):
        raise InputError("the sampling process crashed", remedy="try again")
        yield

    monkeypatch.setattr(session, "sample", broken)
    app = visit(start(), "playground")
    app.text_input(key="playground_problem").set_value(HOSTILE).run()
    assert "These small models only solve equations like " in app.warning[0].value
    assert app.button(key="playground_sample").disabled  # refused before anything is sampled
    assert not app.exception
    next(button for button in app.button if button.label == "Random").click().run()
    assert not app.warning
    app = run_sample(app)
    assert "crashed" in app.error[0].value
    assert not app.exception

"""The guides say what is there: numbers worked by hand, labels on the pages, questions, wrong predictions."""

from __future__ import annotations

import re
import shlex
import tomllib

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.tour.steps import STEPS
from laser_core import algorithm, analysis
from laser_core.analysis import Samples
from laser_core.bundled import runs
from laser_core.cli import app as command_line
from laser_core.rollouts import read
from teaching.cue_card import cards
from teaching.grade import FILE_POINTS
from teaching.questions import QUESTIONS
from tests.app.browser import ROOT

FOLDER = ROOT / "docs" / "teaching"
STAGE, CLASS, HOMEWORK = ((FOLDER / f"{name}.md").read_text() for name in ("stage", "class", "homework"))


def test_the_boards_numbers():
    logprob, reward = torch.tensor([-15.0, -17.0, -22.0, -22.0]), torch.tensor([1.0, 0.0, 0.0, 0.0])
    for number in logprob.tolist():
        assert f"| {number:.0f} | ? |" in CLASS
    score = algorithm.last_token_score(logprob, beta_v=0.1, c_ref=-23.0)
    weight = algorithm.class_weights(reward, torch.ones(4, dtype=torch.bool))
    loss = algorithm.score_loss(score, reward, weight, n_scored=4).item()
    by_count = (1 - reward.mean()) / reward.std(correction=0)
    assert "**0.8, 0.6, 0.1, 0.1**" in CLASS
    assert torch.allclose(score, torch.tensor([0.8, 0.6, 0.1, 0.1]))
    assert "**1.5, -0.5, -0.5, -0.5**" in CLASS
    assert algorithm.group_advantages(reward, 4).tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5], abs=1e-4)
    assert f"**w_c = {weight[0]:.0f}, w_i = {weight[1]:.3f}**" in CLASS
    assert f"**{loss:.3f}**" in CLASS
    assert f"(advantage {by_count:.3f})" in CLASS
    assert f"({(score - reward).square().mean():.3f})" in CLASS  # the loss without weights
    tpr, tnr = 1.0, 2 / 3
    assert f"TNR {tnr:.3f}, **{2 * tpr * tnr / (tpr + tnr):.1f}**" in CLASS


@pytest.fixture(scope="module")
def labels():
    """The labels and options on a page, each page drawn once."""
    found: dict[str, set[str]] = {}

    def of(page: str) -> set[str]:
        if page not in found:
            app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=300).run()
            app.switch_page(f"app_pages/{page.lower()}.py").run()
            kinds = ("button", "selectbox", "toggle", "slider", "button_group", "select_slider")
            widgets = [widget for kind in kinds for widget in getattr(app, kind)]
            options = [option for widget in widgets for option in getattr(widget, "options", [])]
            found[page] = {widget.label for widget in widgets} | set(map(str, options))
        return found[page]

    return of


@pytest.mark.parametrize(("page", "label"), re.findall(r"`(\w+) → ([^`]+)`", CLASS))
def test_every_control_that_the_class_is_told_to_use_is_on_its_page(labels, page, label):
    assert label in labels(page)


def test_the_stage_script_has_the_tours_steps_in_order_and_names_their_options():
    headings = re.findall(r"^### \d+:\d\d (.+)$", STAGE, re.MULTILINE)
    assert headings[1 : 1 + len(STEPS)] == [step.title for step in STEPS]
    sections = re.split(r"^### ", STAGE, flags=re.MULTILINE)[2 : 2 + len(STEPS)]
    for step, section in zip(STEPS, sections, strict=True):
        named = re.findall(r"\*\*(.+?)\*\*", section)
        assert named, step.title
        assert all(any(option.startswith(name) for option in step.options) for name in named), (step.title, named)


def test_the_predictions_that_are_called_wrong_are_wrong_on_the_bundled_run():
    answers = {
        card.title.split(" · ")[1]: re.search(r"The answer is “(.+?)”", card.answer).group(1) for card in cards()
    }
    sections = re.split(r"^### \d+:\d\d ", STAGE, flags=re.MULTILINE)[2 : 2 + len(STEPS)]
    for step, section in zip(STEPS, sections, strict=True):
        expected = re.search(r"Expect[^.]*?\*\*(.+?)\*\*", section).group(1)
        if "it may still be" in section.replace("\n ", ""):  # the guide says so itself
            continue
        assert not answers[step.title].startswith(expected), (step.title, answers[step.title])


def test_what_the_class_is_told_about_thresholds_and_votes_holds_on_the_bundled_run():
    samples = Samples.from_rollouts(read(runs()[0].rollouts).rollouts)
    dear = analysis.threshold_sweep(samples, cost_ratio=20.0).best
    assert dear > analysis.threshold_sweep(samples).best  # "it goes up"
    curve = analysis.voting_curve(samples)
    gains = [curve.at("weighted_minus_majority", n).value for n in (2, 16)]
    assert gains[0] > gains[1]  # "largest for few votes"


def test_the_homework_asks_what_the_grader_grades():
    for question in QUESTIONS:
        assert f"| `{question.key}` | {question.points} | {question.asked} |" in HOMEWORK
    assert f"{FILE_POINTS + sum(question.points for question in QUESTIONS)} points" in HOMEWORK
    template = tomllib.loads((ROOT / "teaching" / "answers.toml").read_text())
    assert list(template) == [question.key for question in QUESTIONS]


def test_the_homeworks_commands_make_a_file_that_the_grader_takes(tmp_path, monkeypatch):
    """As printed, but for fewer problems and solutions: 1,600 solutions would take CI half a minute."""
    from teaching import rollout_file

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rollout_file, "N_PROBLEMS", 3)
    monkeypatch.setattr(rollout_file, "N_SOLUTIONS", 4)
    commands = [line.strip() for line in HOMEWORK.splitlines() if line.startswith("    laser ")]
    assert [shlex.split(line)[1] for line in commands] == ["sample", "analyze", "analyze", "convert"]
    fewer = {"-n 16": "-n 4", "--limit 100": "--limit 3"}
    for line in commands:
        for long, short in fewer.items():
            line = line.replace(long, short)
        command_line(shlex.split(line)[1:], standalone_mode=False)
    work = rollout_file.load(tmp_path / "mine.parquet")
    assert work.correct.shape == (3, 4)
    assert np.isfinite(work.score).any()
    head = (tmp_path / "mine.csv").read_text().splitlines()[0].split(",")
    assert {"problem_id", "correct", "z_logprob", "score"} <= set(head)

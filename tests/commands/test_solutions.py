"""What ``laser sample`` and ``laser score`` decide before they begin."""

from dataclasses import replace

import pytest
import typer

from laser_core.commands import prompt_of, solutions
from laser_core.errors import InputError


def test_c_ref_as_given_or_as_noted_with_the_model_is_not_measured(tiny):
    noted = replace(tiny, c_ref=-20.5)
    for policy, given, expected in ((tiny, -12.5, -12.5), (noted, None, -20.5), (noted, -12.5, -12.5)):
        settled = solutions._settled(policy, policy, [], given, 0.1, 40, 0, None, measured_on="")
        assert (settled.level.c_ref, settled.level.n) == (expected, 0)
        assert settled.level.warnings() == ()


def test_a_prompt_on_the_command_line_is_one_of_its_settings():
    settings = prompt_of(["template=Q: {problem}\\nA:", "chat=off", "shots=2"])
    assert (settings.template, settings.chat, settings.shots) == ("Q: {problem}\nA:", "off", 2)
    with pytest.raises(typer.BadParameter, match="name=value"):
        prompt_of(["chat"])


@pytest.mark.parametrize(("name", "problem"), [("cuda:0", "finds no GPU"), ("gpu", "no device 'gpu'")])
def test_a_device_that_is_not_there_is_a_users_mistake(monkeypatch, name, problem):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=problem):
        solutions.where(name, "float32")
    assert solutions.where("cpu", "float32") == (torch.device("cpu"), torch.float32)
    with pytest.raises(typer.BadParameter, match="choose float32"):
        solutions.where("cpu", "float16")


def test_an_interrupted_sample_goes_on_to_the_same_rollouts(tiny_folder, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from laser_core import evaluate
    from laser_core.cli import app
    from laser_core.rollouts import read

    def run(out, n=2):
        options = ["-n", n, "--limit", 70, "--max-new-tokens", 6, "--c-ref", -9, "--dtype", "float32", "--out", out]
        return CliRunner().invoke(app, ["sample", str(tiny_folder), *map(str, options)])

    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    assert run(whole).exit_code == 0
    sample, asked = evaluate.sample_rollouts, []

    def killed_in_the_third_batch(policy, problems, settings, **options):
        if settings.first == 64:
            raise KeyboardInterrupt
        return sample(policy, problems, settings, **options)

    def counted(policy, problems, settings, **options):
        asked.append((settings.first, len(problems)))
        return sample(policy, problems, settings, **options)

    monkeypatch.setattr(evaluate, "sample_rollouts", killed_in_the_third_batch)
    assert run(parts).exit_code != 0
    assert not parts.exists()
    monkeypatch.setattr(evaluate, "sample_rollouts", counted)
    again = run(parts)
    assert asked == [(64, 6)]
    assert "64 of 70 problems were already sampled" in again.stderr
    assert read(parts).rollouts.table.equals(read(whole).rollouts.table)
    assert not (tmp_path / "parts.parquet.parts").exists()
    assert run(parts, n=3).exit_code == 0  # other settings begin anew
    assert asked[1:] == [(0, 32), (32, 32), (64, 6)]


def test_a_missing_file_is_told_before_the_model_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(solutions, "_both", None)  # what would load it
    with pytest.raises(InputError, match="rollouts.jsonl"):
        solutions.score("a-model", tmp_path / "rollouts.jsonl", tmp_path / "out.parquet")

"""Settings: nothing is silently ignored, and what is written is read back the same."""

import pytest

from laser_core.config import LaserConfig, parse_value
from laser_core.errors import InputError


def test_toml_round_trip(tmp_path):
    config = LaserConfig(
        method="grpo", alpha=0.25, c_ref=-22.5, class_weighting=False, z_tokens=('<|"quoted"|>', "a\\b")
    )
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert LaserConfig.from_toml(path) == config


def test_unset_c_ref_stays_unset(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(LaserConfig().to_toml(), encoding="utf-8")
    assert LaserConfig.from_toml(path).c_ref is None


def test_unknown_setting_names_file_and_nearest_field(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("aplha = 0.2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.toml, field 'aplha'.*did you mean 'alpha'"):
        LaserConfig.from_toml(path)


def test_the_temperature_that_old_settings_hold_is_accepted_at_its_one_value(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("alpha = 0.25\ntemperature = 1.0\n", encoding="utf-8")
    assert LaserConfig.from_toml(path) == LaserConfig(alpha=0.25)
    path.write_text("temperature = 0.7\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"field 'temperature'.*leave it out: training samples at temperature 1"):
        LaserConfig.from_toml(path)


def test_broken_toml_is_named(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("alpha = = 2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.toml.*not valid TOML"):
        LaserConfig.from_toml(path)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "ppo"}, "method"),
        ({"rollouts_per_prompt": 1}, "rollouts_per_prompt"),
        ({"beta_v": 0.0}, "beta_v"),
        ({"tau": 1.5}, "tau"),
        ({"steps": 0}, "steps"),
        ({"reference": "none"}, "reference"),
        ({"score_form": "sft"}, "score_form"),
        ({"reward_source": "model"}, "reward_source"),
        ({"z_tokens": ("a", "a")}, "z_tokens"),
        ({"z_tokens": ("a", "b"), "z_token": "c"}, "z_tokens"),
        ({"z_tokens": ("a", "b"), "z_wrong_token": "b"}, "z_wrong_token"),
    ],
)
def test_impossible_settings_are_refused_by_name(change, field):
    with pytest.raises(InputError) as caught:
        LaserConfig(**change)
    assert caught.value.field == field


def test_values_from_the_command_line_get_their_fields_type():
    assert parse_value("steps", "1e2") == 100
    assert parse_value("c_ref", "-23") == -23.0
    assert parse_value("z_tokens", ["a", "b"]) == parse_value("z_tokens", "a, b") == ("a", "b")
    assert parse_value("integrate_advantages", "false") is False
    for name, bad in (
        ("z_tokens", [1, 2]),
        ("z_tokens", 3),
        ("steps", "2.5"),
        ("lr", "fast"),
        ("class_weighting", "maybe"),
    ):
        with pytest.raises(InputError) as caught:
            parse_value(name, bad)
        assert caught.value.field == name


def test_learning_rate_warms_up_then_falls_to_zero():
    config = LaserConfig(steps=100, lr=1.0, lr_warmup=10, lr_decay=0.5)
    rates = [config.learning_rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)  # first of ten warm-up steps
    assert rates[9] == rates[49] == 1.0
    assert rates[75] == pytest.approx(0.5)  # 25 of the last 50 steps are left
    assert rates[99] == pytest.approx(0.02)


def test_the_papers_settings():
    paper = LaserConfig.published()
    assert (paper.weight_decay, paper.adam_beta2) == (0.01, 0.999)
    assert (paper.beta_v, paper.alpha, paper.tau, paper.std_threshold) == (0.1, 0.1, 0.1, 0.1)
    assert (paper.prompts_per_step, paper.rollouts_per_prompt, paper.lr) == (128, 8, 1e-6)
    assert [paper.phase(step) for step in (199, 200, 399, 400)] == ["grpo", "score", "score", "laser"]

"""What ``laser train --dry-run`` says, against numbers worked by hand."""

import pytest
import torch
from typer.testing import CliRunner

from laser_core.cli import app
from laser_core.config import LaserConfig
from laser_core.fast.sizes import ModelSize
from laser_core.runfolder.plan import Speed, as_text, model_without_weights, plan_for, sampling_seconds
from tests.fast.test_batches import SIZE

GIB = 2**30
SPEED = Speed(operations=1e14, bandwidth=1e12)


def plan_of(free, **changes):
    config = LaserConfig(prompts_per_step=10, rollouts_per_prompt=10, max_new_tokens=1000, steps=3, eval_problems=0)
    return plan_for(
        SIZE,
        config.replace(**changes),
        device=torch.device("cuda"),
        dtype=torch.bfloat16,
        lean=False,
        free=free,
        speed=SPEED,
    )


@pytest.fixture(autouse=True)
def no_gpu_to_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a large GPU")


def test_memory_tokens_and_time_of_a_billion_parameters():
    plan = plan_of(free=200 * GIB)
    assert plan.memory == SIZE.training(2) | {"reference model": 2 * 10**9}  # 20 GB in all
    assert plan.step_tokens == 100_000
    assert plan.rows == 100
    assert not plan.recompute
    assert plan.update_seconds == pytest.approx(6 * 1e9 * 1e5 / 1e14)  # 6 s
    # a decode step reads 2 GB of weights and 100 caches of 628 tokens x 40 kB = 2.5 GB: 4.5 ms, more than its products
    assert plan.sample_seconds == pytest.approx(1000 * 4.512e-3, rel=1e-3)
    assert "a large GPU, matrix products in bfloat16" in as_text(plan)
    assert "1,000,000,000" in as_text(plan)


def test_where_memory_is_short_layers_are_computed_again_and_rows_are_fewer():
    plan = plan_of(free=28 * GIB)
    assert plan.recompute
    assert plan.needed < 28 * GIB
    assert "computed again" in as_text(plan)
    assert plan_of(free=28 * GIB, recompute="off").recompute is False


def test_a_model_that_cannot_fit_is_told():
    assert "not enough" in as_text(plan_of(free=10 * GIB))


def test_solutions_that_do_not_fit_side_by_side_are_sampled_in_turns():
    assert sampling_seconds(SIZE, 100, 50, 10, 2, SPEED) > sampling_seconds(SIZE, 100, 100, 10, 2, SPEED)
    assert sampling_seconds(SIZE, 0, 50, 10, 2, SPEED) == 0


def test_a_model_without_weights_has_its_size():
    size = ModelSize.of(model_without_weights("bundled:base"))
    assert (size.layers, size.hidden, size.heads) == (4, 128, 4)
    # four layers: attention 4 x 128 x 128, the rest 3 x 128 x 384
    assert size.inner == pytest.approx(4 * (4 * 128**2 + 3 * 128 * 384), rel=0.01)


def test_a_dry_run_starts_nothing(tmp_path):
    done = CliRunner().invoke(app, ["train", "--dry-run", "--out", str(tmp_path / "run"), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert "883,584" in done.output
    assert "Time of the run" in done.output
    assert not (tmp_path / "run").exists()

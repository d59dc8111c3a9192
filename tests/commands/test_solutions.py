"""What ``laser sample`` and ``laser score`` decide before they begin."""

import pytest
import typer

from laser_core.commands import solutions
from laser_core.commands.bars import Activity
from laser_core.errors import InputError
from laser_core.policy import load_policy


def test_one_complete_solution_gives_c_ref_without_a_standard_deviation(monkeypatch, capsys):
    from laser_core import reference

    monkeypatch.setattr(reference, "measure_c_ref", lambda *arguments, **options: (-12.5, None, 1))
    policy = load_policy("bundled:base")
    with Activity("sampling") as activity:
        assert solutions._measured_c_ref(policy, [], 40, 0, activity, of="bundled:base") == (-12.5, None)
    assert capsys.readouterr().out == "c_ref = -12.50 nats (one solution of bundled:base)\n"


def test_a_device_or_precision_that_is_not_there_is_a_users_mistake(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match="use cpu"):
        solutions._where("cuda:0", "auto")
    with pytest.raises(typer.BadParameter, match="choose float32"):
        solutions._where("cpu", "float8")
    assert solutions._where("cpu", "float32") == (torch.device("cpu"), torch.float32)

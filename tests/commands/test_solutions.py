"""What ``laser sample`` and ``laser score`` decide before they begin."""

import pytest

from laser_core.commands import solutions
from laser_core.errors import InputError


def test_one_complete_solution_gives_c_ref_without_a_standard_deviation(monkeypatch, capsys):
    from laser_core import reference

    monkeypatch.setattr(reference, "measure_c_ref", lambda *arguments, **options: (-12.5, None, 1))
    assert solutions._measured_c_ref(None, [], 40, 0, of="bundled:base") == (-12.5, None)
    assert capsys.readouterr().out == "c_ref = -12.50 nats (one solution of bundled:base)\n"


@pytest.mark.parametrize(("name", "remedy"), [("cuda:0", "use --device cpu"), ("gpu", "use cpu, cuda or auto")])
def test_a_device_that_is_not_there_is_a_users_mistake(monkeypatch, name, remedy):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=remedy):
        solutions._device(name)
    assert solutions._device("auto") == torch.device("cpu")

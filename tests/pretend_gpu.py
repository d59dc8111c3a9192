"""A pretend GPU: tensors that say they are on another device, hold real numbers, and refuse to be mixed with the CPU's.

A test on a machine without a GPU can then run sampling, scoring, training and resuming from end to end, and sees every
operation that a real one would refuse. It is stricter than CUDA in one point: an index on the CPU is refused as well,
because CUDA would copy it, and wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from transformers import PreTrainedModel

NAME = "pretend"
_MOVES = ("_to_copy", "to", "copy_", "_has_compatible_shallow_copy_type")
_WAITS = ("_local_scalar_dense", "item", "nonzero")


class MixedDevices(RuntimeError):
    """An operation was given tensors of two devices."""


class Pretended(torch.Tensor):
    """A tensor on the pretend GPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor, requires_grad: bool = False) -> Pretended:
        found = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=f"{NAME}:0",
            requires_grad=requires_grad,
        )
        found.held = held
        return found

    def __init__(self, held: torch.Tensor, requires_grad: bool = False) -> None:
        pass

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.held.__reduce_ex__(protocol)  # saved from wherever it is, as a GPU's tensors are

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Pretended({self.held!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Everywhere(TorchDispatchMode):
    """Sees the operations that make tensors on a device, or move them there, without being given one of its own."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


moved: list[str] = []  # every copy from the pretend GPU to the CPU, which waits for all that was asked of the GPU


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = func.__name__.partition(".")[0]
    given = tree_flatten((args, kwargs))[0]
    there = [x for x in given if isinstance(x, Pretended)]
    if there and name not in _MOVES:
        here = [x for x in given if isinstance(x, torch.Tensor) and not isinstance(x, Pretended) and x.dim() > 0]
        if here:
            raise MixedDevices(f"{name}: {len(there)} tensors on the GPU, and one of {tuple(here[0].shape)} on the CPU")
    asked = next((torch.device(x).type for x in (*given, kwargs.get("device")) if isinstance(x, torch.device)), None)
    if there and (asked == "cpu" or name in _WAITS):
        moved.append(name)
    plain_args, plain_kwargs = tree_map(_held, (args, kwargs))
    out = func(*plain_args, **plain_kwargs)
    written = func._schema.arguments[0].alias_info if func._schema.arguments else None
    if written is not None and written.is_write:
        return None if out is None else args[0]  # in place: the wrapper stays itself
    if asked != NAME and (asked is not None or not there):
        return out
    return tree_map(lambda x: Pretended(x) if isinstance(x, torch.Tensor) else x, out)


def _held(x: Any) -> Any:
    if isinstance(x, torch.device) and x.type == NAME:
        return torch.device("cpu")
    return x.held if isinstance(x, Pretended) else x


@contextlib.contextmanager
def pretend_gpu() -> Iterator[torch.device]:
    """The device, while the block runs."""
    _register()
    moved.clear()
    with _Everywhere(), _no_grad_for_inference_mode(), _TensorMadeThere(), _saved_from_the_cpu():
        yield torch.device(NAME, 0)


@contextlib.contextmanager
def _no_grad_for_inference_mode() -> Iterator[None]:
    """Inference mode hands over operations before they are taken apart; without gradients the same ones arrive."""

    def enter(self: Any) -> None:
        self.instead = torch.no_grad()
        self.instead.__enter__()

    def leave(self: Any, *error: Any) -> None:
        self.instead.__exit__(*error)

    with mock.patch.multiple(torch.inference_mode, __enter__=enter, __exit__=leave):
        yield


class _TensorMadeThere(TorchFunctionMode):
    """``torch.tensor`` fills its memory where no dispatch mode sees it, so it is filled here and moved."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        device = kwargs.get("device")
        if func is torch.tensor and device is not None and torch.device(device).type == NAME:
            del kwargs["device"]
            return func(*args, **kwargs).to(device)
        return func(*args, **kwargs)


def _saved_from_the_cpu(real: Any = PreTrainedModel.save_pretrained) -> Any:
    """Saving a model compares the addresses of its weights, which pretended ones do not have."""

    def save(model: PreTrainedModel, folder: Any) -> None:
        real(type(model)(model.config), folder, state_dict={name: x.cpu() for name, x in model.state_dict().items()})

    return mock.patch.object(PreTrainedModel, "save_pretrained", save)


_registered: list[bool] = []


def _register() -> None:
    if not _registered:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

        _setup_privateuseone_for_python_backend(NAME)
        _registered.append(True)

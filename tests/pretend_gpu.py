"""A pretend GPU: tensors that say they are on another device, hold real numbers, and refuse to be mixed with the CPU's.

A test on a machine without a GPU can then run sampling, scoring, training and resuming from end to end and see every
operation that would fail on a real one. Stricter than CUDA in one point: an index on the CPU is refused as well, because
CUDA would copy it, and wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "pretend"
_MOVES = (
    "aten._to_copy.default",
    "aten.copy_.default",
    "aten._copy_from.default",
    "aten._copy_from_and_resize.default",
)


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
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    there = [x for x in tensors if isinstance(x, Pretended)]
    name = str(func)
    if there and name not in _MOVES:
        here = [x for x in tensors if not isinstance(x, Pretended) and x.dim() > 0]
        if here:
            raise MixedDevices(f"{name}: {len(there)} tensors on the GPU, and one of {tuple(here[0].shape)} on the CPU")
    device = kwargs.get("device")
    asked = None if device is None else torch.device(device).type
    if asked == NAME:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    if there and (asked == "cpu" or name in ("aten._local_scalar_dense.default", "aten.nonzero.default")):
        moved.append(name)
    if name == "aten._to_copy.default" and kwargs.get("device") is not None:
        kwargs = {**kwargs, "non_blocking": False}
    plain_args, plain_kwargs = tree_map(_held, (args, kwargs))
    out = func(*plain_args, **plain_kwargs)
    if func._schema.is_mutable and args and isinstance(args[0], torch.Tensor) and name.split(".")[1].endswith("_"):
        return args[0]  # written in place: the wrapper stays itself
    on_gpu = asked == NAME or (asked is None and bool(there) and not _returns_cpu(args, name))
    return tree_map(lambda x: Pretended(x) if isinstance(x, torch.Tensor) else x, out) if on_gpu else out


def _returns_cpu(args: Any, name: str) -> bool:
    return name in _MOVES and not isinstance(args[0], Pretended)


def _held(x: Any) -> Any:
    return x.held if isinstance(x, Pretended) else x


@contextlib.contextmanager
def pretend_gpu() -> Iterator[torch.device]:
    """The device, while the block runs."""
    _register()
    moved.clear()
    with _Everywhere():
        yield torch.device(NAME, 0)


_registered: list[bool] = []


def _register() -> None:
    if not _registered:
        from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

        _setup_privateuseone_for_python_backend(NAME)
        _registered.append(True)

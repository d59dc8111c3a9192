"""Where to compute: which device, and which precision its weights have there."""

from __future__ import annotations

import torch

from laser_core.errors import InputError

CPU = torch.device("cpu")


def pick_device(choice: str = "auto") -> torch.device:
    """The device by name.

    Parameters
    ----------
    choice : str
        ``auto`` takes an NVIDIA or AMD GPU (``cuda``), else an Apple one (``mps``), else the CPU. Any other name is
        PyTorch's own, such as ``cuda:1``.

    Returns
    -------
    torch.device

    Raises
    ------
    InputError
        If PyTorch knows no such device, or does not find it on this machine.

    Examples
    --------
    >>> pick_device("cpu")
    device(type='cpu')
    """
    if choice == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        device = torch.device(choice)
    except RuntimeError:
        raise InputError(
            f"there is no device {choice!r}", field="device", remedy="use auto, cpu, cuda or mps"
        ) from None
    n_gpus = torch.cuda.device_count() if device.type == "cuda" else 1
    if not n_gpus or (device.type == "mps" and not _has_mps()):
        raise InputError(
            f"PyTorch finds no GPU for {choice!r}", field="device", remedy="use cpu, or install PyTorch for your GPU"
        )
    if (device.index or 0) >= n_gpus:
        raise InputError(
            f"there is no {choice!r}: PyTorch finds {n_gpus} GPUs, counted from 0", field="device", remedy="use cuda"
        )
    return device


def weights_dtype(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """The precision that weights are kept in, where matrix products run in ``dtype``.

    On a CPU weights stay in float32 and products run on copies: the miniature is small, and its bits stay what they
    were. On a GPU the weights themselves are in ``dtype``; an optimiser keeps float32 copies of what it trains
    (:mod:`laser_core.fast.optimiser`).
    """
    return torch.float32 if device.type == "cpu" else dtype


def device_name(device: torch.device) -> str:
    """What to call the device in a sentence: a GPU's product name, else its type."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()

"""Checkpoints of a run: written atomically, the last two kept, verified before they are loaded.

``checkpoints/index.json`` lists them, newest first, with their sizes and checksums. A checkpoint is complete and on
disk before the index names it, and an older one is deleted only after that, so a kill at any moment leaves a good one.
A file that fails verification (cut short, damaged, from another run) is skipped in favour of the one before it.
"""

from __future__ import annotations

import json
import pickle
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import torch
from torch import nn

from laser_core.atomic import replacing, write_whole
from laser_core.errors import RunError
from laser_core.fast.optimiser import HasState, load_states

KEPT = 2


class RunState(TypedDict):
    """What a run must know to go on: steps done, and what was measured at its start.

    That is the reference constant, in nats, with the verdict token it was measured for, and whether the lean forward
    pass is the faster one for sampling and for training: another choice would change the last bits of the curve.
    """

    step: int
    c_ref: float
    c_ref_std: float | None
    c_ref_n: int
    lean: list[bool]
    z_token: NotRequired[str | None]


_NOT_A_CHECKPOINT = (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Entry:
    """A line of the index.

    Attributes
    ----------
    file : str
        Name in ``checkpoints/``.
    step : int
        Training steps done.
    n_bytes, crc32 : int, optional
        Size and checksum of the file; unknown for a run begun by version 0.1.0.
    """

    file: str
    step: int
    n_bytes: int | None = None
    crc32: int | None = None


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of the run in ``run``.

    Attributes
    ----------
    run : Path
        The run's folder.
    identity : str
        What a checkpoint must carry to belong to this run (:meth:`.folder.RunFolder.identity`).
    """

    run: Path
    identity: str

    @property
    def folder(self) -> Path:
        """The folder that holds them."""
        return self.run / "checkpoints"

    def entries(self) -> list[Entry]:
        """What the index lists, newest first; empty where there is none yet.

        Raises
        ------
        RunError
            If the index cannot be read.
        """
        index = self.folder / "index.json"
        if not index.is_file():
            old = self.folder / "last.pt"
            return [Entry(old.name, step=-1)] if old.is_file() else []
        try:
            return [Entry(**entry) for entry in json.loads(index.read_text(encoding="utf-8"))]
        except (ValueError, TypeError, OSError):
            remedy = "start another folder"
            raise RunError("the list of checkpoints is damaged", file=index, remedy=remedy) from None

    def save(self, model: nn.Module, optimizer: HasState, state: RunState) -> None:
        """Write the run as it is after ``state["step"]`` steps.

        There is no random state to save: every draw is seeded by the run's seed and its step.

        Raises
        ------
        RunError
            If a weight is not finite (the existing checkpoints stay), or the disk is full.
        """
        broken = first_not_finite(model)
        if broken:
            raise RunError(
                f"after step {state['step']} some weights are not finite ({broken}), so no checkpoint was written",
                file=self.folder,
                remedy=f"lower lr, then resume from step {self.newest_step()}",
            )
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"step-{state['step']:06d}.pt"
        content = {
            "model": trained_weights(model),
            "optimizer": optimizer.state_dict(),
            "identity": self.identity,
            **state,
        }
        with replacing(path) as file:
            torch.save(content, file)
        entry = Entry(path.name, state["step"], path.stat().st_size, checksum(path))
        kept = [entry, *(e for e in self.entries() if e.file != entry.file)][:KEPT]
        self._list(kept)
        for old in self.folder.glob("*.pt*"):  # and what a killed writer of version 0.1.0 left
            if old.name not in {e.file for e in kept}:
                old.unlink()

    def newest_step(self) -> int:
        """Steps done at the newest checkpoint; 0 where there is none."""
        return max([0, *(entry.step for entry in self.entries())])

    def load(self, model: nn.Module, optimizer: HasState) -> tuple[RunState | None, list[str]]:
        """Load the newest good checkpoint into the model and the optimiser.

        Returns
        -------
        state : RunState or None
            What :meth:`save` was given; None where the run has no checkpoint yet.
        notes : list of str
            Why newer checkpoints were skipped.

        Raises
        ------
        RunError
            If there are checkpoints, but none is good.
        """
        notes: list[str] = []
        entries = self.entries()
        for place, entry in enumerate(entries):
            content, reason = self._read(entry)
            if not reason:
                reason = _put(content, model, optimizer)
            if not reason:
                if place:  # a skipped one must not push a good one out when the next is written
                    self._list(entries[place:])
                return _state(content), notes
            notes.append(f"{entry.file} {reason}")
        if entries:
            raise RunError(
                f"no checkpoint can be used: {'; '.join(notes)}", file=self.folder, remedy="start another folder"
            )
        return None, notes

    def _list(self, entries: list[Entry]) -> None:
        write_whole(self.folder / "index.json", json.dumps([asdict(e) for e in entries], indent=1))

    def _read(self, entry: Entry) -> tuple[dict, str]:
        """A checkpoint's content, or what is wrong with it."""
        path = self.folder / Path(entry.file).name  # never outside the folder, whatever the index says
        if not path.is_file():
            return {}, "is gone"
        size = path.stat().st_size
        if entry.n_bytes is not None and size != entry.n_bytes:
            return {}, f"is cut short ({size:,} of {entry.n_bytes:,} bytes)"
        if entry.crc32 is not None and checksum(path) != entry.crc32:
            return {}, "is damaged (its checksum differs)"
        try:
            # weights_only: a checkpoint from elsewhere must not be able to run code.
            content = torch.load(path, weights_only=True, map_location="cpu")
            complete = isinstance(content["step"], int) and {"model", "optimizer", "c_ref"} <= content.keys()
        except (*_NOT_A_CHECKPOINT, pickle.UnpicklingError):
            return {}, "is no checkpoint"
        if not complete:
            return {}, "is no checkpoint"
        if content.get("identity", self.identity) != self.identity:
            return {}, "belongs to another run"
        return content, ""


def _state(content: dict) -> RunState:
    return {
        "step": content["step"],
        "c_ref": content["c_ref"],
        "c_ref_std": content.get("c_ref_std"),
        "c_ref_n": content.get("c_ref_n", 0),
        "lean": content.get("lean", [True, True]),
        "z_token": content.get("z_token"),
    }


def _put(content: dict, model: nn.Module, optimizer: HasState) -> str:
    """Load both states, or return why they do not fit; the model is untouched unless everything fits."""
    every = {name: tensor.shape for name, tensor in model.state_dict().items()}
    try:
        found = {name: tensor.shape for name, tensor in content["model"].items()}
        # Up to version 0.3 a checkpoint held the other weights, too.
        if not trained_weights(model).keys() <= found.keys() or any(every.get(n) != found[n] for n in found):
            return "is of another model"
        load_states(model, optimizer, content["model"], content["optimizer"])
    except _NOT_A_CHECKPOINT:
        return "is of another model or optimiser"
    return ""


def first_not_finite(model: nn.Module) -> str:
    """The name of the first parameter that holds a NaN or an infinity; empty where all are finite."""
    with torch.no_grad():
        return next((n for n, p in model.named_parameters() if not torch.isfinite(p).all()), "")


def trained_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """What a run changes: the parameters that take gradients. The others are the starting model's."""
    return {name: parameter.detach() for name, parameter in model.named_parameters() if parameter.requires_grad}


def checksum(path: Path) -> int:
    """CRC-32 of a file: torch.load does not notice a changed byte."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            value = zlib.crc32(block, value)
    return value

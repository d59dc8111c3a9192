"""The folder a training run writes: settings, events, checkpoints, the model, the evaluation."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laser_core.config import LaserConfig
from laser_core.errors import InputError


@dataclass(frozen=True)
class RunFolder:
    """``config.toml``, ``events.jsonl`` (one object a step), ``checkpoints/``, ``model/`` and ``rollouts.parquet``."""

    path: Path

    @classmethod
    def open(cls, path: Path, config: LaserConfig, *, resume: bool) -> RunFolder:
        """Start a run in an empty folder, or go on with the one that is there.

        Raises
        ------
        InputError
            If a run is there and ``resume`` is off, if none is there and it is on, or if the settings differ.
        """
        settings = path / "config.toml"
        if resume:
            if not settings.is_file():
                raise InputError("there is no run to resume", file=path, remedy="leave --resume out")
            before = LaserConfig.from_toml(settings)
            if before != config:
                changed = [n for n in before.__dataclass_fields__ if getattr(before, n) != getattr(config, n)]
                raise InputError(
                    "the settings differ from the run's own",
                    file=settings,
                    field=", ".join(changed),
                    remedy="resume with the same settings, or start another folder",
                )
            return cls(path)
        if settings.is_file():
            raise InputError(
                "the folder already holds a run", file=path, remedy="add --resume, or choose another --out"
            )
        path.mkdir(parents=True, exist_ok=True)
        _write_atomically(settings, config.to_toml().encode())
        (path / "events.jsonl").write_bytes(b"")
        return cls(path)

    def log(self, event: dict) -> None:
        """Append a line to ``events.jsonl``; a number that is not finite is written as null."""
        clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.items()}
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(clean) + "\n")

    def checkpoint(self, model: PreTrainedModel, optimizer: torch.optim.Optimizer, state: dict) -> None:
        """Write ``checkpoints/last.pt``: weights, optimiser and step, whole or not at all."""
        target = self.path / "checkpoints" / "last.pt"
        target.parent.mkdir(exist_ok=True)
        partial = target.with_suffix(".partial")
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), **state}, partial)
        os.replace(partial, target)

    def restore(self, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> dict | None:
        """Load the last checkpoint and drop the events after it; None, and no events, where there is none yet."""
        source = self.path / "checkpoints" / "last.pt"
        state = None
        if source.is_file():
            # weights_only: a checkpoint from elsewhere must not be able to run code.
            state = torch.load(source, weights_only=True)
            model.load_state_dict(state.pop("model"))
            optimizer.load_state_dict(state.pop("optimizer"))
        events = self.path / "events.jsonl"
        done = state["step"] if state else 0
        kept = [line for line in events.read_bytes().splitlines(keepends=True)[:done] if line.endswith(b"\n")]
        _write_atomically(events, b"".join(kept))
        return state

    def save_model(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Write ``model/``, a standard Hugging Face folder; an older one is replaced as a whole."""
        target, partial = self.path / "model", self.path / "model.partial"
        shutil.rmtree(partial, ignore_errors=True)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(partial, target)


def _write_atomically(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)

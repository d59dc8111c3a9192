"""The folder that a training run writes: settings, events, checkpoints, the model, the evaluation, the provenance."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laser_core.atomic import remove_leftovers, write_whole, writing
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.models.lora import has_adapter, save_adapter
from laser_core.models.notes import ModelNotes, write_notes
from laser_core.runfolder.checkpoints import Checkpoints, RunState

# What may differ when a run is resumed; everything else decides the curve. The learning rate and the clipping are here
# because a run that diverged needs them lowered; run.json then records from which step on.
CHANGEABLE = (
    "steps",
    "lr",
    "max_grad_norm",
    "micro_batch_tokens",
    "recompute",
    "device",
    "checkpoint_every",
    "eval_every",
    "eval_problems",
    "eval_samples",
    "keep_rollouts",
    "trackers",
)


@dataclass(frozen=True)
class RunFolder:
    """One run's folder, locked by one process.

    ``config.toml``, ``run.json`` (provenance), ``events.jsonl`` (one object a step), ``checkpoints/``, ``model/``,
    ``validation-STEP.parquet`` and ``rollouts.parquet``.

    Attributes
    ----------
    path : Path
        The folder.
    config : LaserConfig
        The run's settings; a resumed run's may differ from its first ones in :data:`CHANGEABLE`.
    name : str
        Of the run in its rollouts.
    """

    path: Path
    config: LaserConfig
    name: str
    _changes: dict = field(default_factory=dict, repr=False)

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, path: str | Path, config: LaserConfig, *, resume: bool = False, name: str | None = None
    ) -> Iterator[RunFolder]:
        """Start a run in an empty folder, or resume the one it holds, with the folder locked meanwhile.

        The lock ends with its process, however that ends; there are no stale locks.

        Raises
        ------
        InputError
            If the folder holds a run and ``resume`` is off, if it holds none and ``resume`` is on, if a setting differs
            that must not, or if another process has locked the folder.
        """
        path = Path(path)
        if resume and not (path / "config.toml").is_file():
            raise InputError("there is no run to resume", file=path, remedy="leave out --resume")
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        with _held(path):
            remove_leftovers(path)
            yield cls._resumed(path, config, name) if resume else cls._started(path, config, name)

    @classmethod
    def _started(cls, path: Path, config: LaserConfig, name: str | None) -> RunFolder:
        if (path / "config.toml").is_file():
            raise InputError(
                "the folder already holds a run", file=path, remedy="add --resume, or choose another --out"
            )
        for left in ("events.jsonl", "run.json"):  # from a start that was killed before it wrote its settings
            (path / left).unlink(missing_ok=True)
        write_whole(path / "config.toml", config.to_toml())
        return cls(path, config, name or config.method)

    @classmethod
    def _resumed(cls, path: Path, config: LaserConfig, name: str | None) -> RunFolder:
        settings = path / "config.toml"
        before = LaserConfig.from_toml(settings)
        changed = [n for n in before.__dataclass_fields__ if getattr(before, n) != getattr(config, n)]
        refused = [n for n in changed if n not in CHANGEABLE]
        if refused:
            told = "; ".join(f"{n} was {getattr(before, n)!r}, now {getattr(config, n)!r}" for n in refused)
            raise InputError(
                f"the settings differ from the run's own ({told})",
                file=settings,
                field=", ".join(refused),
                remedy="resume with the same settings, or start another folder",
            )
        name = name or _read_json(path / "run.json").get("name") or config.method
        changes = {n: [_plain(getattr(before, n)), _plain(getattr(config, n))] for n in changed}
        return cls(path, config, name, changes)

    def identity(self) -> str:
        """A digest of the settings that cannot change: a checkpoint that carries it belongs to this run."""
        usual = LaserConfig()
        # A setting at its default is left out, so that a later version's new settings change nothing.
        own = {n: _plain(getattr(self.config, n)) for n in usual.__dataclass_fields__ if n not in CHANGEABLE}
        unusual = {n: value for n, value in own.items() if value != _plain(getattr(usual, n))}
        return hashlib.sha256(json.dumps(unusual, sort_keys=True).encode()).hexdigest()

    @property
    def checkpoints(self) -> Checkpoints:
        """The run's checkpoints."""
        return Checkpoints(self.path, self.identity())

    def restore(self, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> tuple[RunState | None, list[str]]:
        """Load the newest good checkpoint and drop the events after it; without a checkpoint drop all events.

        Returns
        -------
        state : RunState or None
            None where the run has no checkpoint yet.
        notes : list of str
            What to tell the user.

        Raises
        ------
        InputError
            If the run has done more than the ``steps`` asked for.
        RunError
            If there are checkpoints, but none is good.
        """
        state, skipped = self.checkpoints.load(model, optimizer)
        done = state["step"] if state else 0
        if done > self.config.steps:
            raise InputError(
                f"the run has done {done} steps already", field="steps", remedy=f"ask for {done} or more to resume"
            )
        notes = [f"Checkpoint {note}; resumed from step {done}." for note in skipped]
        events = self.path / "events.jsonl"
        lines = events.read_bytes().splitlines(keepends=True) if events.is_file() else []
        write_whole(events, b"".join(line for line in lines if _step_of(line) < done))
        # Only now: a resume that is refused leaves the folder as it was.
        write_whole(self.path / "config.toml", self.config.to_toml())
        return state, notes

    def record(self, provenance: dict, *, from_step: int) -> None:
        """Add a session to ``run.json``: what computes the run from ``from_step`` on, and which settings changed."""
        path = self.path / "run.json"
        before = _read_json(path)
        session = {"started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "from_step": from_step}
        session |= {"changed": self._changes} if self._changes else {}
        content = {
            "name": self.name,
            "seed": self.config.seed,
            "config": {n: _plain(getattr(self.config, n)) for n in self.config.__dataclass_fields__},
            "sessions": [*before.get("sessions", []), {**session, **provenance}],
        }
        write_whole(path, json.dumps(content, indent=1) + "\n")

    def log(self, event: dict) -> None:
        """Append a line to ``events.jsonl``; a number that is not finite becomes null.

        Raises
        ------
        RunError
            If the disk is full.
        """
        path = self.path / "events.jsonl"
        clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.items()}
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(clean) + "\n")

    def keep_rollouts(self, rows: list[dict], step: int) -> None:
        """Write a step's solutions to ``training/STEP.parquet``, in the canonical schema."""
        from laser_core.rollouts import Rollouts, write_parquet

        path = self.path / "training" / f"{step:06d}.parquet"
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            write_parquet(Rollouts.from_rows(rows), path)

    def save_model(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, notes: ModelNotes | None = None
    ) -> None:
        """Write ``model/``, a standard Hugging Face folder with the notes in it, replacing an older one as a whole.

        Of a model that carries an adapter, the folder holds the adapter and not the weights beside it.

        Raises
        ------
        RunError
            If the disk is full.
        """
        target, partial, old = (self.path / name for name in ("model", "model.partial", "model.old"))
        for left in (partial, old):
            shutil.rmtree(left, ignore_errors=True)
        try:
            with writing(target), _safetensors_as_oserror():
                if has_adapter(model):
                    save_adapter(model, partial)
                else:
                    model.save_pretrained(partial)
                tokenizer.save_pretrained(partial)
                if notes is not None:
                    write_notes(notes, partial)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if target.exists():
            os.replace(target, old)
        os.replace(partial, target)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Lock the folder; the system releases the lock when this process ends, even by a kill."""
    holder, lock = path / "running.json", FileLock(path / "run.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        pid = _read_json(holder).get("pid", "unknown")
        raise InputError(
            f"another process (pid {pid}) is using this folder",
            file=path,
            remedy="wait until it ends, or choose another --out",
        ) from None
    try:
        write_whole(holder, json.dumps({"pid": os.getpid()}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def _safetensors_as_oserror() -> Iterator[None]:
    """Safetensors reports a full disk by an error of its own; raise the system's instead."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        if "os error 28" in str(error) or "No space left" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _step_of(line: bytes) -> float:
    """The step that an event belongs to; infinity for an incomplete line."""
    try:
        return json.loads(line)["step"] if line.endswith(b"\n") else math.inf
    except (ValueError, KeyError, TypeError):
        return math.inf


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value

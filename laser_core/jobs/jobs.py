"""Training runs in the background: started, watched, stopped and resumed from any process.

Each run is ``laser train`` in its own process and its own folder below :func:`home`. All its state is on the disk, so a
reloaded page, a second session and a restarted server see the same runs::

    HOME/runs/20261121-041502-laser-3f9c/
        job.json        name and time of creation
        settings.toml   the settings, given to the command as --config
        process.json    pid, and whether the run was asked to stop
        log.txt         the process's output
        run/            what `laser train` writes: events, progress, checkpoints, model, rollouts

A process is recognised by its command line, which names the folder: after a restart its pid may belong to another
program. Only one run is live at a time, because two would slow each other down by more than half on a laptop; a lock
file enforces this between servers too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from laser_core.atomic import write_whole
from laser_core.bundled import BundledRun
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.home import HOME_VARIABLE as HOME_VARIABLE
from laser_core.home import home
from laser_core.jobs.log import failure_reason, read_log
from laser_core.processes import INTERRUPTIBLE, child_environment
from laser_core.runfolder.events import forget_progress, read_events

COMMAND = (sys.executable, "-m", "laser_core", "train")
CHECKPOINT_EVERY = 10  # steps: the most a killed run loses
LIVE = ("starting", "training", "evaluating", "stopping")
TITLES = {"laser": "LaSeR", "grpo": "GRPO"}


@dataclass(frozen=True)
class Job:
    """A snapshot of a training run.

    Attributes
    ----------
    key : str
        The name of its folder; sorts by time.
    name : str
        Shown to users, such as "LaSeR run 3"; also the run's name in its rollouts.
    folder : Path
        Everything about the run, see above.
    settings : LaserConfig
        What it was asked to do.
    created : float
        Seconds since 1970.
    state : str
        ``starting``, ``training``, ``evaluating`` or ``stopping`` while it is live; then ``stopped``, ``failed`` or
        ``finished``.
    message : str
        Why it failed; empty otherwise.
    """

    key: str
    name: str
    folder: Path
    settings: LaserConfig
    created: float
    state: str
    message: str = ""

    @property
    def live(self) -> bool:
        """Whether its process is running."""
        return self.state in LIVE

    @property
    def rollouts(self) -> Path:
        """The evaluation's rollouts; written at the very end."""
        return self.folder / "run" / "rollouts.parquet"

    @property
    def events(self) -> Path:
        """The file of training events."""
        return self.folder / "run" / "events.jsonl"

    @property
    def model(self) -> Path:
        """The folder of the trained model; written after the last step."""
        return self.folder / "run" / "model"


def all_jobs() -> list[Job]:
    """All runs, newest first. Folders that hold no readable run are skipped."""
    found = []
    for folder in sorted(_root().glob("*/"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # InputError is a ValueError
            found.append(_look(folder))
    return found


def find(key: str) -> Job:
    """The run with this key.

    Raises
    ------
    InputError
        If there is no such run.
    """
    for job in all_jobs():
        if job.key == key:
            return job
    raise InputError("there is no such run any more", field=key, remedy="start another one")


def start(settings: LaserConfig) -> Job:
    """Start a run; it outlives the process that calls this.

    Parameters
    ----------
    settings : LaserConfig
        Checkpoints are written at least every ``CHECKPOINT_EVERY`` steps, whatever the settings say.

    Raises
    ------
    InputError
        If another run is live.
    """
    with _lock():
        _refuse_while_live()
        jobs = all_jobs()
        numbers = [int(match[1]) for job in jobs if (match := re.search(r"run (\d+)$", job.name))]
        name = f"{TITLES[settings.method]} run {max(numbers, default=0) + 1}"
        folder = _root() / f"{time.strftime('%Y%m%d-%H%M%S')}-{settings.method}-{secrets.token_hex(2)}"
        folder.mkdir(parents=True)
        every = settings.checkpoint_every
        # Each step's rollouts, some 30 kB, are what the Groups page shows.
        settings = settings.replace(
            checkpoint_every=min(every or CHECKPOINT_EVERY, CHECKPOINT_EVERY), keep_rollouts=True
        )
        write_whole(folder / "settings.toml", settings.to_toml())
        write_whole(folder / "job.json", json.dumps({"name": name, "created": time.time()}))
        _launch(folder, name)
    return _look(folder)


def resume(job: Job) -> Job:
    """Resume a stopped or failed run from its last checkpoint.

    Raises
    ------
    InputError
        If it is live or finished, or another run is live.
    """
    with _lock():
        job = find(job.key)
        if job.live or job.state == "finished":
            raise InputError(f"{job.name} is {job.state}", remedy="only a stopped or failed run can be resumed")
        _refuse_while_live()
        _launch(job.folder, job.name)
    return _look(job.folder)


def stop(job: Job, *, at_once: bool = False) -> Job:
    """Stop a run as Ctrl-C would: it finishes its step, saves a checkpoint, and can be resumed.

    Parameters
    ----------
    job : Job
    at_once : bool
        Kill the process instead; the steps since its last checkpoint are lost.
    """
    with _lock():
        process = _process(job.folder)
        if process is not None:
            record = json.loads((job.folder / "process.json").read_text(encoding="utf-8"))
            write_whole(job.folder / "process.json", json.dumps(record | {"stop_asked": True}))
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended by itself
                if at_once or os.name == "nt":  # Windows has no interrupt for one process alone
                    process.kill()
                else:
                    process.send_signal(signal.SIGINT)
    return _look(job.folder)


def remove(job: Job) -> None:
    """Delete a run and everything it wrote.

    Raises
    ------
    InputError
        If it is live.
    """
    with _lock():
        if _process(job.folder) is not None:
            raise InputError(f"{job.name} is running", remedy="stop it first")
        shutil.rmtree(job.folder, ignore_errors=True)


def finished() -> list[BundledRun]:
    """All finished runs, newest first, described like the bundled ones; cheap enough to call on every rerun.

    The ``name`` of each is ``run-`` followed by the run's key.
    """
    paths = sorted(_root().glob("*/run/rollouts.parquet"), reverse=True)
    described = (_describe(path) for path in paths)
    return [run for run in described if run]


@lru_cache(maxsize=256)  # a run's name and settings never change
def _describe(rollouts: Path) -> BundledRun | None:
    folder = rollouts.parents[1]
    try:
        name = str(json.loads((folder / "job.json").read_text(encoding="utf-8"))["name"])
        settings = LaserConfig.from_toml(folder / "settings.toml")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    described = f"Trained here: {settings.steps} steps of {TITLES[settings.method]}, seed {settings.seed}."
    return BundledRun(f"run-{folder.name}", name, described, rollouts, rollouts.parent / "events.jsonl")


def _root() -> Path:
    return home() / "runs"


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Keep other sessions and servers from starting, stopping or removing a run at the same time."""
    _root().mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(_root() / ".lock", timeout=15):
            yield
    except Timeout:
        raise InputError("another session is starting or stopping a run", remedy="try again in a moment") from None


def _refuse_while_live() -> None:
    live = [job for job in all_jobs() if job.live]
    if live:
        raise InputError(
            f"{live[0].name} is still running, and two runs at once would slow each other down",
            remedy="wait for it to end, or stop it",
        )


def _threads() -> dict[str, str]:
    """The run's number of threads, unless the user has set one: a core is left to the server and the browser.

    PyTorch's threads wait for one another, so a core that is busy with a page slows all of them: beside one busy core
    of two, the miniature's step took 0.9 s with one thread and 1.8 s with two; on an idle machine 0.8 and 0.75 s (means
    of four steps of 64 solutions).
    """
    return {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) - 1))}


def _launch(folder: Path, name: str) -> None:
    """Start the run's process; the caller holds the lock."""
    run, settings = folder / "run", folder / "settings.toml"
    command = [*COMMAND, "--config", str(settings), "--out", str(run), f"--name={name}"]
    if (run / "config.toml").is_file():  # without it, the run was stopped before it began, and starts afresh
        command.append("--resume")
    forget_progress(run)
    with open(folder / "log.txt", "wb") as log:  # anew: an old error must not explain a new failure
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=child_environment(PYTHONUNBUFFERED="1", COLUMNS="200", **_threads(), **{INTERRUPTIBLE: "1"}),
            start_new_session=True,  # Ctrl-C in the server's terminal must not reach the run
        )
    priority = 5
    if sys.platform == "win32":
        priority = psutil.BELOW_NORMAL_PRIORITY_CLASS
    with contextlib.suppress(psutil.Error, OSError):  # training must not slow down the page that shows it
        psutil.Process(process.pid).nice(priority)
    write_whole(folder / "process.json", json.dumps({"pid": process.pid, "stop_asked": False}))
    threading.Thread(target=process.wait, daemon=True).start()  # otherwise it stays a zombie when it ends


def _process(folder: Path) -> psutil.Process | None:
    """The run's process if it is alive: the recorded pid, and a command line that names this folder."""
    try:
        process = psutil.Process(json.loads((folder / "process.json").read_text(encoding="utf-8"))["pid"])
        mine = str(folder / "run") in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if mine else None


def _look(folder: Path) -> Job:
    about = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    settings = LaserConfig.from_toml(folder / "settings.toml")
    state = _state(folder, settings.steps)
    message = failure_reason(read_log(folder / "log.txt")) if state == "failed" else ""
    return Job(folder.name, str(about["name"]), folder, settings, float(about["created"]), state, message)


def _state(folder: Path, steps: int) -> str:
    alive = _process(folder) is not None  # before the files, so that a run which ends in between counts as finished
    stop_asked = json.loads((folder / "process.json").read_text(encoding="utf-8"))["stop_asked"]
    if alive:
        done = len(read_events(folder / "run" / "events.jsonl"))
        return "stopping" if stop_asked else "starting" if not done else "training" if done < steps else "evaluating"
    if (folder / "run" / "rollouts.parquet").is_file():
        return "finished"
    return "stopped" if stop_asked else "failed"

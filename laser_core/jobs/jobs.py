"""Training runs that outlive whoever started them: started, watched, stopped and resumed from any process.

Each run is ``laser train`` in a process of its own, in a folder of its own below :func:`home`. Nothing
about it is kept in memory, so a page reload, a second session and a restarted server all see the same runs::

    HOME/runs/20261121-041502-laser-3f9c/
        job.json        name and time of creation
        settings.toml   what was asked for; given to the command as --config
        process.json    pid, and whether a stop was asked for
        log.txt         what the process said
        run/            what `laser train` writes: events, checkpoints, model, rollouts

A process is recognised by its command line, which names the folder, and not by its pid alone: after a restart another
program may have that number. One run is live at a time, because two would slow each other down by more than half on a
laptop; a lock file holds that between servers as well.
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
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from platformdirs import user_data_path

from laser_core.bundled import BundledRun
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.jobs.files import last_words, read_events, read_log, write_whole
from laser_core.processes import child_environment

COMMAND = (sys.executable, "-m", "laser_core.jobs.main")  # `laser train`, interruptible
HOME_VARIABLE = "LASER_EXPLORER_HOME"
CHECKPOINT_EVERY = 10  # steps: what a killed run can lose
LIVE = ("starting", "training", "evaluating", "stopping")
TITLES = {"laser": "LaSeR", "grpo": "GRPO"}


@dataclass(frozen=True)
class Job:
    """A training run, as it stands at the moment it was looked at.

    Attributes
    ----------
    key : its folder's name; sorts by time.
    name : for people, such as "LaSeR run 3"; also the run's name in its rollouts.
    folder : where it lives.
    settings : what it was asked to do.
    created : seconds since 1970.
    state : one of starting, training, evaluating, stopping (all live), stopped, failed, finished.
    message : why it failed, in words; empty otherwise.
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
        """The evaluation's file; there once the run is finished."""
        return self.folder / "run" / "rollouts.parquet"

    @property
    def events(self) -> Path:
        """The file of training events."""
        return self.folder / "run" / "events.jsonl"

    @property
    def model(self) -> Path:
        """The trained model's folder; there once training is over."""
        return self.folder / "run" / "model"


def home() -> Path:
    """Where runs are kept: ``LASER_EXPLORER_HOME`` if set, otherwise the user's data folder of this machine."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_data_path("laser-explorer", appauthor=False)


def all_jobs() -> list[Job]:
    """All runs, the newest first; folders that are no run are passed over."""
    found = []
    for folder in sorted(_root().glob("*/"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # InputError is a ValueError
            found.append(_look(folder))
    return found


def find(key: str) -> Job:
    """The run of this key.

    Raises
    ------
    InputError
        If there is none.
    """
    for job in all_jobs():
        if job.key == key:
            return job
    raise InputError("this run is gone", field=key, remedy="start another one")


def start(settings: LaserConfig) -> Job:
    """Start a run; it goes on when the caller ends.

    Raises
    ------
    InputError
        If another run is live.
    """
    with _lock():
        _refuse_second()
        jobs = all_jobs()
        numbers = [int(match[1]) for job in jobs if (match := re.search(r"run (\d+)$", job.name))]
        name = f"{TITLES[settings.method]} run {max(numbers, default=0) + 1}"
        folder = _root() / f"{time.strftime('%Y%m%d-%H%M%S')}-{settings.method}-{secrets.token_hex(2)}"
        folder.mkdir(parents=True)
        every = settings.checkpoint_every
        settings = settings.replace(checkpoint_every=min(every or CHECKPOINT_EVERY, CHECKPOINT_EVERY))
        write_whole(folder / "settings.toml", settings.to_toml())
        write_whole(folder / "job.json", json.dumps({"name": name, "created": time.time()}))
        _launch(folder, name)
    return _look(folder)


def resume(job: Job) -> Job:
    """Go on with a stopped or failed run from its last checkpoint.

    Raises
    ------
    InputError
        If it is live or finished, or another run is live.
    """
    with _lock():
        job = find(job.key)
        if job.live or job.state == "finished":
            raise InputError(f"{job.name} is {job.state}", remedy="only a stopped or failed run can be resumed")
        _refuse_second()
        _launch(job.folder, job.name)
    return _look(job.folder)


def stop(job: Job, *, at_once: bool = False) -> Job:
    """Ask a run to end: it stops like a command interrupted with Ctrl-C, and can be resumed.

    Parameters
    ----------
    job : Job
    at_once : end the process without asking; what it did since its last checkpoint is lost
    """
    with _lock():
        process = _process(job.folder)
        if process is not None:
            record = json.loads((job.folder / "process.json").read_text(encoding="utf-8"))
            write_whole(job.folder / "process.json", json.dumps(record | {"stop_asked": True}))
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself just now
                if at_once or os.name == "nt":  # Windows has no interrupt for one process alone
                    process.kill()
                else:
                    process.send_signal(signal.SIGINT)
    return _look(job.folder)


def remove(job: Job) -> None:
    """Delete a run with everything it wrote.

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
    """The rollouts of all finished runs, the newest first, described like the bundled ones; cheap enough for a click.

    The ``name`` of each is ``run-`` and the run's key.
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
def _lock():
    """Hold off every other session and server while one of them starts, stops or removes a run."""
    _root().mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(_root() / ".lock", timeout=15):
            yield
    except Timeout:
        raise InputError("another session is starting a run", remedy="try again in a moment") from None


def _refuse_second() -> None:
    live = [job for job in all_jobs() if job.live]
    if live:
        raise InputError(
            f"{live[0].name} is still running, and two runs at a time would slow each other down",
            remedy="wait for it, or stop it first",
        )


def _launch(folder: Path, name: str) -> None:
    run, settings = folder / "run", folder / "settings.toml"
    command = [*COMMAND, "--config", str(settings), "--out", str(run), f"--name={name}"]
    if (run / "config.toml").is_file():  # stopped before it got that far, it starts again
        command.append("--resume")
    with open(folder / "log.txt", "wb") as log:  # a new launch, a new log: an old error must not speak for it
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=child_environment(PYTHONUNBUFFERED="1", COLUMNS="200"),
            start_new_session=True,  # Ctrl-C on the server is not meant for the run
        )
    with contextlib.suppress(psutil.Error, OSError):  # training must not make the page that shows it slow
        psutil.Process(process.pid).nice(5 if os.name != "nt" else psutil.BELOW_NORMAL_PRIORITY_CLASS)
    write_whole(folder / "process.json", json.dumps({"pid": process.pid, "stop_asked": False}))
    threading.Thread(target=process.wait, daemon=True).start()  # or it would stay as a zombie when it ends


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
    alive = _process(folder) is not None  # before the files: a run that ends in between is then seen as finished
    run, message = folder / "run", ""
    record = json.loads((folder / "process.json").read_text(encoding="utf-8"))
    if alive:
        n_events = len(read_events(run / "events.jsonl"))
        state = "starting" if not n_events else "training" if n_events < settings.steps else "evaluating"
        state = "stopping" if record["stop_asked"] else state
    elif (run / "rollouts.parquet").is_file():
        state = "finished"
    elif record["stop_asked"]:
        state = "stopped"
    else:
        state, message = "failed", last_words(read_log(folder))
    return Job(folder.name, str(about["name"]), folder, settings, float(about["created"]), state, message)

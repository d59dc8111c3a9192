"""Child processes that answer in JSON lines, and are killed when they are late.

Symbolic algebra on hostile text may never end, and sampling from a large model may take the memory down; neither can be
stopped inside a thread. Both therefore run in a child process: requests go in and replies come out, one JSON object a
line. The parent side is :class:`Child` and :class:`Pool`, the child side is :func:`serve`.

The pools of ``concurrent.futures``, ``loky`` and ``pebble`` were considered. They cannot stream partial replies, only
``pebble`` can kill one late task, and it starts its processes with ``multiprocessing``: forking a process that holds
torch and its threads may deadlock, and spawning runs the parent's main module again, which may be a Streamlit page.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

INTERRUPTIBLE = "LASER_INTERRUPTIBLE"  # if set, ``python -m laser_core`` obeys SIGINT even where its parent ignores it
Message = dict  # whatever JSON can hold, by field


def child_environment(**extra: str) -> dict[str, str]:
    """Environment variables for a child that imports ``laser_core``, whatever its working directory.

    Parameters
    ----------
    **extra : str
        Variables to add to this process's own.

    Returns
    -------
    dict of str to str
    """
    package_root, inherited = str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")
    path = f"{package_root}{os.pathsep}{inherited}" if inherited else package_root
    return {**os.environ, "PYTHONPATH": path, **extra}


class Child:
    """A module that runs in a process of its own and serves one request at a time.

    The process ends with this object or with the interpreter, whichever comes first; should the parent be killed, the
    child finds its input closed and ends by itself.

    Parameters
    ----------
    module : str
        Run as ``python -m MODULE``; it should call :func:`serve`.
    **environment : str
        Environment variables to add.

    Attributes
    ----------
    process : subprocess.Popen
        The running process.
    """

    def __init__(self, module: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",  # json.dumps escapes everything else, unpaired surrogates included
            env=child_environment(**environment),
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._owner = os.getpid()
        self._end = weakref.finalize(self, _end, self.process, self._owner)
        threading.Thread(target=_read, args=(self.process.stdout, self._lines), daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can serve a request from this process. A fork must not use its parent's pipes."""
        return os.getpid() == self._owner and self.process.poll() is None

    def send(self, request: Mapping[str, object]) -> None:
        """Send a request; if the child has died, :meth:`receive` reports it.

        A pipe holds about 64 KB, so a longer request waits until the child reads it.
        """
        with contextlib.suppress(OSError, ValueError):
            assert self.process.stdin is not None  # a pipe, see above
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def receive(self, *, seconds: float) -> Message:
        """Wait for the next reply.

        Parameters
        ----------
        seconds : float
            How long to wait. A child that is late is killed: its reply would be taken for that to the next request.

        Raises
        ------
        TimeoutError
            If the child was late.
        ChildProcessError
            If the child has ended.
        """
        try:
            line = self._lines.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            self.close()
            raise TimeoutError(f"no reply within {seconds:g} seconds") from None
        if line is None:
            self.close()
            raise ChildProcessError("the child process has ended")
        return json.loads(line)

    def ask(self, request: Mapping[str, object], *, seconds: float) -> Message:
        """Send a request that has a single reply, and wait for it as :meth:`receive` does."""
        self.send(request)
        return self.receive(seconds=seconds)

    def close(self) -> None:
        """Kill the process, whatever it is doing. Closing twice is harmless."""
        self._end()


def _read(stdout: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    """Pass on what the child writes, then None; a function, because a bound method would keep the child alive."""
    with stdout:
        for line in stdout:
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str], owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork ends, and the child is its parent's
    process.kill()
    with contextlib.suppress(OSError, ValueError):
        assert process.stdin is not None
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


class Pool:
    """Children of one kind, started when one is needed and kept for the next request.

    Works from any thread, and after a fork, without a lock: appending to a list and popping from it are atomic.

    Parameters
    ----------
    start : callable
        Starts a :class:`Child`.

    Attributes
    ----------
    idle : list of Child
        The children that nobody is using.
    """

    def __init__(self, start: Callable[[], Child]) -> None:
        self.idle: list[Child] = []
        self._start = start

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Child]:
        """A child for the duration of the block; if the block fails, the child is killed."""
        child = self._take()
        try:
            yield child
        except BaseException:
            child.close()  # it may still be working on a request that nobody waits for
            raise
        self.idle.append(child)

    def _take(self) -> Child:
        with contextlib.suppress(IndexError):
            while True:
                child = self.idle.pop()
                if child.alive:
                    return child
        return self._start()


def serve(answer: Callable[[Message, Callable[[Message], None]], None]) -> None:
    """Answer requests until standard input closes: the main loop of a child.

    Standard output carries the replies alone: whatever a library prints goes to standard error instead. Ctrl-C in a
    terminal reaches children too; they ignore it, so that a training run can finish its step.

    Parameters
    ----------
    answer : callable
        ``answer(request, reply)`` calls ``reply(message)`` as often as the protocol says.
    """
    out, sys.stdout = sys.stdout, sys.stderr
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def reply(message: Message) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    for line in sys.stdin:
        answer(json.loads(line), reply)

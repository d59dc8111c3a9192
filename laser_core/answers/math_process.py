"""Ask :mod:`laser_core.answers.math_worker` and never wait for it longer than agreed: from any thread, without signals.

math-verify limits its own time with SIGALRM, which Python only delivers to the main thread and which cannot interrupt
one long arithmetic operation. Web apps run user code in threads and models write ``9**9**9**9``; so the work happens in
child processes, which are killed when they are late and started again when they are needed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from laser_core.processes import child_environment

HARD_SECONDS = 10.0  # the worker gives up by itself after 2 of CPU time; this catches the one that cannot
START_SECONDS = 60.0
MAX_WORKERS = 4  # each holds about 100 MB


class _Worker:
    """One child process and the thread that reads its replies."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "laser_core.answers.math_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
            env=child_environment(OMP_NUM_THREADS="1"),
        )
        self.replies: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        # The first reply waits for the imports, which are not the item's fault.
        self.alive = True
        if self.ask({"op": "key", "text": "\\frac{1}{2}"}, seconds=START_SECONDS) != {"key": "q:1/2"}:
            self.close()
            raise OSError("the child process does not answer; is math-verify installed?")

    def _read(self) -> None:
        for line in self.process.stdout:
            self.replies.put(line)
        self.replies.put(None)

    def ask(self, request: dict, *, seconds: float) -> dict | None:
        """The reply, or None if the worker was late or died; it is then dead for good."""
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.replies.get(timeout=seconds)
        except (OSError, ValueError, queue.Empty):
            line = None
        if line is None:
            self.close()
            return None
        return json.loads(line)

    def close(self) -> None:
        self.alive = False
        self.process.kill()
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)


_idle: list[_Worker] = []
_lock = threading.Lock()
_failed_starts = 0


def _forget_workers() -> None:
    """A forked child must not talk down its parent's pipes."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


def _close_workers() -> None:
    with _lock:
        while _idle:
            _idle.pop().close()


atexit.register(_close_workers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


def ask(request: dict) -> dict:
    """One reply from a worker; ``{"late": True}`` if none came in time, whatever the reason.

    Parameters
    ----------
    request : dict
        As listed in :mod:`laser_core.answers.math_worker`. Keep its texts short: a pipe holds about 64 KB.
    """
    global _failed_starts
    with _lock:
        worker = _idle.pop() if _idle else None
    if worker is None:
        if _failed_starts >= 3:  # not a passing shortage: do not pay for it on every item
            return {"late": True}
        try:
            worker = _Worker()
            _failed_starts = 0
        except OSError as error:
            _failed_starts += 1
            warnings.warn(f"math-verify cannot be started ({error}): answers are compared as text", stacklevel=2)
            return {"late": True}
    reply = worker.ask(request, seconds=HARD_SECONDS)
    if worker.alive:
        with _lock:
            _idle.append(worker)
    return reply if reply is not None else {"late": True}


def ask_many(requests: Sequence[dict], *, progress: Callable[[int, int], None] | None = None) -> list[dict]:
    """The replies to many requests, in order, from as many workers as there are cores.

    ``progress(done, total)`` is called in the calling thread.
    """
    replies: list[dict] = []
    if not requests:
        return replies
    pool = ThreadPoolExecutor(max(1, min(MAX_WORKERS, os.cpu_count() or 1, len(requests) // 8)))
    try:
        for reply in pool.map(ask, requests):
            replies.append(reply)
            if progress:
                progress(len(replies), len(requests))
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt must not wait for the rest
    return replies

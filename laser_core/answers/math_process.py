"""Ask math-verify in child processes, with a time limit that holds: from any thread, without signals.

math-verify limits its own time with SIGALRM, which Python only delivers to the main thread and which cannot interrupt
one long arithmetic operation. Web apps run user code in threads, and models write ``9**9**9**9``. So the work happens
in :mod:`laser_core.answers.math_worker`: a process that is killed when it is late and replaced when it is needed.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from laser_core.processes import Child, Pool

HARD_SECONDS = 10.0  # the worker gives up after 2 s of CPU time; this catches the one that cannot
START_SECONDS = 60.0
MAX_WORKERS = 4  # each holds about 100 MB
MAX_FAILED_STARTS = 3  # after that many in a row it is no passing shortage: do not pay for it on every item

_failed_starts = 0


def _start() -> Child:
    """A worker that has done its imports: waiting for those is not the first item's fault."""
    global _failed_starts
    if _failed_starts >= MAX_FAILED_STARTS:
        raise ChildProcessError("math-verify did not start")
    try:
        child = Child("laser_core.answers.math_worker", OMP_NUM_THREADS="1")
        reply = child.ask({"op": "key", "text": "\\frac{1}{2}"}, seconds=START_SECONDS)
        if reply != {"key": "q:1/2"}:
            child.close()
            raise ChildProcessError(f"the child process answers {reply}; is math-verify installed?")
    except OSError as error:
        _failed_starts += 1
        warnings.warn(f"math-verify cannot be started ({error}): answers are compared as text", stacklevel=2)
        raise
    _failed_starts = 0
    return child


_workers = Pool(_start)


def ask(request: dict) -> dict:
    """Ask a worker, and wait no longer than ``HARD_SECONDS``.

    Parameters
    ----------
    request : dict
        As listed in :mod:`laser_core.answers.math_worker`. Keep its texts short: a pipe holds about 64 KB.

    Returns
    -------
    dict
        The reply; ``{"late": True}`` if none came in time, whatever the reason.
    """
    try:
        with _workers.borrowed() as worker:
            return worker.ask(request, seconds=HARD_SECONDS)
    except OSError:  # late, dead, or never started
        return {"late": True}


def ask_many(requests: Sequence[dict], *, progress: Callable[[int, int], None] | None = None) -> list[dict]:
    """Ask many things at once, of as many workers as there are cores.

    Parameters
    ----------
    requests : sequence of dict
    progress : callable, optional
        ``progress(done, total)``, called in the calling thread.

    Returns
    -------
    list of dict
        The replies, in the order of the requests.
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

"""Ask the sampling process for solutions, one visitor after the other. Nothing here needs torch.

The process (:mod:`laser_core.playground.worker`) starts with the first request, serves everybody on this server, and
ends when nobody has asked for ten minutes.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from laser_core.errors import InputError
from laser_core.playground.protocol import Done, Event, Failed, Request, event_from_json
from laser_core.processes import Child

IDLE_SECONDS = 600.0
LOAD_SECONDS = 180.0  # torch and a large model from a slow disk
SAMPLE_SECONDS = 60.0
WAIT_SECONDS = 30.0  # for another visitor's request
ABANDON_SECONDS = 2.0  # that a request may go on after its visitor has left

_busy = threading.Lock()
_current: list[Child] = []  # the worker, if there is one; changed with _busy held
_last_use = [0.0]


def sample(request: Request) -> Iterator[Event]:
    """Sample solutions, and yield what happens as it happens.

    Yields
    ------
    Event
        ``Ready``, then ``Tokens`` for each decode step, and ``Done`` at the end.

    Raises
    ------
    InputError
        If the model cannot be loaded or run, the time is over, or others keep the worker busy.
    """
    if not _busy.acquire(timeout=WAIT_SECONDS):
        raise InputError("others are sampling at the moment", remedy="try again in a minute")
    try:
        yield from _ask(_worker(), request)
    finally:
        _busy.release()


def close() -> None:
    """End the worker, if there is one; the next request starts another."""
    with _busy:
        if _current:
            _current.pop().close()


def _worker() -> Child:
    """The running worker, or a new one; called with ``_busy`` held."""
    _last_use[0] = time.monotonic()
    if not _current or not _current[0].alive:
        # Offline, because a model's name that somebody typed must not cause a download.
        _current[:] = [Child("laser_core.playground.worker", HF_HUB_OFFLINE="1")]
        threading.Thread(target=_close_when_idle, args=(_current[0],), daemon=True).start()
    return _current[0]


def _close_when_idle(worker: Child) -> None:
    while worker.alive:
        time.sleep(min(IDLE_SECONDS, 5.0))
        with _busy:
            if time.monotonic() - _last_use[0] > IDLE_SECONDS:
                worker.close()


def _ask(worker: Child, request: Request) -> Iterator[Event]:
    """The worker's events up to the last one; if the reader leaves before, the worker is made free for the next."""
    worker.send(vars(request) | {"seconds": SAMPLE_SECONDS})
    limit = LOAD_SECONDS
    event: Event | None = None
    try:
        while not isinstance(event, Done):
            event = event_from_json(worker.receive(seconds=limit))
            if isinstance(event, Failed):
                raise InputError(event.message)
            limit = SAMPLE_SECONDS + 30  # the worker watches its time between tokens; this is for one that cannot
            yield event
    except TimeoutError:
        raise InputError("the model did not answer in time", remedy="try a smaller one") from None
    except ChildProcessError:
        raise InputError(
            "the sampling process crashed", remedy="try again; a large model may need more memory than there is"
        ) from None
    finally:
        if not isinstance(event, (Done, Failed)):
            _abandon(worker)


def _abandon(worker: Child) -> None:
    """Let the worker finish what nobody reads any more; if that takes long, it is killed for the next visitor."""
    end = time.monotonic() + ABANDON_SECONDS
    with contextlib.suppress(TimeoutError, ChildProcessError):
        while not isinstance(event_from_json(worker.receive(seconds=end - time.monotonic())), (Done, Failed)):
            pass

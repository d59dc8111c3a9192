"""The child process in which math-verify and sympy run; :mod:`laser_core.answers.math_process` starts and ends it.

Symbolic algebra on text that a model wrote may take forever, fill the memory or recurse too deep, and a thread that is
busy inside it cannot be stopped. A process can.

Requests and replies
--------------------
``{"op": "key", "text": str}`` -> ``{"key": str}``, see :mod:`laser_core.answers.values`; ``""`` if it cannot be read
``{"op": "ping"}`` -> ``{}``; any of them ``{"late": true}`` after ITEM_SECONDS, or ``{"error": name}``
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Callable

from laser_core.processes import serve

ITEM_SECONDS = 2.0  # of CPU time, so that a busy machine gives the same verdicts as an idle one
MEMORY_BYTES = 3 * 2**30


class _LateError(BaseException):
    """Raised by the alarm. Not an Exception, so that sympy's own ``except Exception`` does not swallow it."""


def _alarm(_signum: int, _frame: object) -> None:
    raise _LateError


def _limit_memory() -> None:
    """Bound the memory, and write no core dump when the kernel ends this process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu() -> None:
    """Allow this item a few seconds of CPU time: the last resort if the parent died and cannot kill us."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime + 5 * ITEM_SECONDS) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def answer_request(request: dict) -> dict:
    """Do what one request asks."""
    match request["op"]:
        case "key":
            from laser_core.answers.values import key_of

            return {"key": key_of(request["text"])}
        case _:
            return {}


def answer_in_time(request: dict, reply: Callable[[dict], None]) -> None:
    """Answer one request within ITEM_SECONDS of CPU time, whatever sympy makes of the text."""
    alarm = hasattr(signal, "setitimer")
    _limit_cpu()
    try:
        if alarm:
            signal.setitimer(signal.ITIMER_PROF, ITEM_SECONDS)
        found = answer_request(request)
    except _LateError:
        found = {"late": True}
    except Exception as error:  # whatever sympy threw at this text is an answer about the text, not our failure
        found = {"error": type(error).__name__}
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_PROF, 0)
    reply(found)


def main() -> None:
    """Answer requests until standard input closes."""
    logging.disable(logging.CRITICAL)
    sys.set_int_max_str_digits(5000)
    _limit_memory()
    # The imports are not an item's work: without bytecode at hand they alone take longer than one may.
    with contextlib.suppress(Exception):  # without math-verify: the first reply says so
        answer_request({"op": "key", "text": "\\frac{1}{2}"})
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _alarm)
    serve(answer_in_time)


if __name__ == "__main__":
    main()

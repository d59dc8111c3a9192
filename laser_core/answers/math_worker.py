"""The child process in which math-verify and sympy run; :mod:`laser_core.answers.math_process` starts and ends it.

Symbolic algebra on text that a model wrote may take forever, fill the memory or recurse too deep, and a thread that is
busy inside it cannot be stopped. A process can.

Requests and replies
--------------------
``{"op": "equal", "gold": str, "answer": str}`` -> ``{"gold_parsed": bool, "equal": bool}``
``{"op": "key", "text": str}`` -> ``{"key": str}``, see :func:`key_of`; ``""`` where the text is no mathematics
``{"op": "extract", "text": str}`` -> ``{"answer": str | None}``
``{"op": "readable", "text": str}`` -> ``{"readable": bool}``
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
DIGITS = 12


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


def parse_answer(text: str) -> list:
    """What math-verify reads in an answer: a sympy object and its text, only the text, or nothing."""
    from math_verify import parse

    parsed = parse("\\boxed{" + text + "}", parsing_timeout=None)
    if not is_math(parsed) and "=" in text:  # "m_{\\max} = n": the name need not be readable
        parsed = parse("\\boxed{" + text.rsplit("=", 1)[1] + "}", parsing_timeout=None)
    return parsed


def is_math(parsed: list) -> bool:
    """Whether anything better than a bare string was read."""
    return any(not isinstance(part, str) for part in parsed)


def equal(gold: str, answer: str) -> dict:
    """Whether math-verify takes ``answer`` for ``gold``, and whether it could read ``gold`` at all."""
    from math_verify import verify

    parsed = parse_answer(gold)
    if not is_math(parsed):
        return {"gold_parsed": False, "equal": False}
    return {"gold_parsed": True, "equal": bool(verify(parsed, parse_answer(answer), timeout_seconds=None))}


def key_of(text: str) -> str:
    """A string that equal values share, so that grouping n answers takes n readings and not n * n comparisons.

    ``q:p/q`` an exact rational; ``r:digits`` any other constant; ``e:symbols:digits`` an expression, by its values at
    two fixed points (two different expressions that agree at both to 12 digits do not occur in practice); ``c:...`` a
    collection, by the keys of its members; ``w:...`` an equation, an inequality or anything else that was read; ``""``
    what math-verify cannot read.
    """
    parsed = parse_answer(text)
    if not is_math(parsed):
        return ""
    value = next(part for part in parsed if not isinstance(part, str))
    try:
        return _key(value)
    except Exception:  # sympy raises what it likes; such a value is equal to its own spelling only
        return f"w:{value}"


def _key(value: object) -> str:
    import sympy as sp

    if isinstance(value, sp.Equality) and isinstance(value.lhs, sp.Symbol) and not value.rhs.has(value.lhs):
        return _key(value.rhs)  # "x = 5" answers as "5" does
    if isinstance(value, (sp.Tuple, sp.FiniteSet)):
        members = [_key(member) for member in value.args]
        return f"c:t({','.join(members)})" if isinstance(value, sp.Tuple) else f"c:s({','.join(sorted(members))})"
    if isinstance(value, sp.Interval):
        if value.left_open and value.right_open:
            return f"c:t({_key(value.start)},{_key(value.end)})"  # (a, b) may be a point as well as an interval
        return f"c:i{value.left_open!s}{value.right_open!s}({_key(value.start)},{_key(value.end)})"
    if isinstance(value, sp.MatrixBase):
        return f"c:m{value.shape}({','.join(_key(member) for member in value)})"
    if isinstance(value, sp.core.relational.Relational):
        return _relation_key(value)
    if not isinstance(value, sp.Expr) or value in (sp.oo, -sp.oo, sp.zoo, sp.nan):
        return f"w:{value}"
    value = _exact(value)
    if value.is_Rational:
        return f"q:{value.p}/{value.q}"
    symbols = sorted(value.free_symbols, key=str)
    if not symbols:
        return f"r:{_digits(value)}"
    return f"e:{' '.join(map(str, symbols))}:{','.join(_digits(value.subs(point)) for point in _points(symbols))}"


def _exact(value: object) -> object:
    """Decimals as the fractions they spell, percent signs dropped ("10\\%" is grouped with "10"), sums carried out."""
    import sympy as sp

    value = value.replace(lambda part: part == sp.UnevaluatedExpr(sp.Rational(1, 100)), lambda _: sp.Integer(1))
    value = value.xreplace({number: sp.Rational(str(number)) for number in value.atoms(sp.Float)}).doit()
    if not value.is_Rational and not value.free_symbols:
        number = value.evalf(40, chop=True)
        if number.is_Float and abs(number - round(number)) < sp.Rational(1, 10**20):
            return sp.Integer(round(number))  # (1 + sqrt 2)(1 - sqrt 2) is an integer that sympy leaves unexpanded
    return value


def _relation_key(value: object) -> str:
    """An equation is known by the ratios of (left - right) at three points: they survive scaling and swapped sides."""
    import sympy as sp

    is_equation = isinstance(value, sp.Equality)
    difference = _exact(value.lhs - value.rhs if is_equation else value.gts - value.lts)
    symbols = sorted(difference.free_symbols, key=str)
    first, *others = (difference.subs(point) for point in _points(symbols, n=3))
    strict = isinstance(value, (sp.StrictGreaterThan, sp.StrictLessThan))
    sign = "=" if is_equation else f"{'>' if strict else '>='}{'+' if first > 0 else '-'}"
    return f"w{sign}:{' '.join(map(str, symbols))}:{','.join(_digits(other / first) for other in others)}"


def _points(symbols: list, *, n: int = 2) -> list[dict]:
    """Fixed positive points with nothing special about them (roots and logarithms exist there)."""
    import sympy as sp

    return [{s: sp.Rational(7 + 4 * i + 5 * k, 11 + 2 * i + 3 * k) for i, s in enumerate(symbols)} for k in range(n)]


def _digits(value: object) -> str:
    """A constant to 12 significant digits."""
    real, imaginary = value.evalf(DIGITS + 8, chop=True).as_real_imag()
    if not (real.is_number and imaginary.is_number):
        raise ValueError("no numeric value")
    text = f"{float(real):.{DIGITS - 1}e}"
    return text if abs(imaginary) < 1e-15 else f"{text}+{float(imaginary):.{DIGITS - 1}e}i"


def extract(text: str) -> dict:
    """The answer math-verify finds in free text, as text."""
    from math_verify import parse

    parsed = parse(text, parsing_timeout=None)
    found = next((part for part in parsed if isinstance(part, str) and part.strip()), None)
    return {"answer": found.strip() if found else None}


def answer_request(request: dict) -> dict:
    """Do what one request asks."""
    match request["op"]:
        case "equal":
            return equal(request["gold"], request["answer"])
        case "key":
            return {"key": key_of(request["text"])}
        case "extract":
            return extract(request["text"])
        case "readable":
            return {"readable": is_math(parse_answer(request["text"]))}
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
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _alarm)
    serve(answer_in_time)


if __name__ == "__main__":
    main()

r"""One value as a sympy object, by math-verify's LaTeX parser. Runs in the child process only."""

from __future__ import annotations

import re

import sympy as sp
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy

from laser_core.answers.normalise import (
    bare_value,
    braced_subscripts,
    has_numbers_side_by_side,
    mixed_numbers,
    scalar_tex,
)
from laser_core.answers.shapes import UnreadableError

_AS_WRITTEN = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)
_LONG_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")


def parse_value(text: str) -> sp.Basic:
    r"""One value as a sympy object, read by math-verify's LaTeX parser.

    Raises
    ------
    UnreadableError
        If the parser rejects the text, or reads something that has no value.
    """
    if has_numbers_side_by_side(braced_subscripts(mixed_numbers(bare_value(text)))):
        raise UnreadableError(text)
    tex = scalar_tex(text)
    if "\\text" in tex or any(not _is_product(word) for word in _LONG_WORD.findall(tex)):
        raise UnreadableError(text)
    try:
        value = latex2sympy(
            tex, is_real=True, convert_degrees=False, normalization_config=None, conversion_config=_AS_WRITTEN
        )
    except Exception as error:  # the parser and sympy raise whatever they like
        raise UnreadableError(text) from error
    if isinstance(value, sp.Set):
        return value
    if not isinstance(value, sp.Expr) or value.has(sp.Derivative):  # dP/dt of two letters would be zero
        raise UnreadableError(text)
    value = value.replace(lambda part: isinstance(part, sp.core.function.AppliedUndef), _applied)
    return value.subs(sp.Symbol("i", real=True), sp.I)


def _applied(call: sp.Expr) -> sp.Expr:
    """The value of an unknown function as a symbol; what stands before brackets may also be a factor: n(3)."""
    name, arguments = str(call.func), call.args
    is_factor = len(arguments) == 1 and len(name) == 1 and name.islower() and name not in "fghpquvy"
    return sp.Symbol(name, real=True) * arguments[0] if is_factor else sp.Symbol(str(call), real=True)


def _is_product(letters: str) -> bool:
    """Four or more letters in a row are a word, unless they run through the alphabet as names of sides do."""
    return all(ord(b) == ord(a) + 1 for a, b in zip(letters, letters[1:], strict=False))

r"""One value as a sympy object, by math-verify's LaTeX parser. Runs in the child process only."""

from __future__ import annotations

import re

import sympy as sp
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy

from laser_core.answers.normalise import (
    ascii_names,
    bare_value,
    braced_subscripts,
    has_numbers_side_by_side,
    mixed_numbers,
    scalar_tex,
    scientific,
)
from laser_core.answers.shapes import UnreadableError
from laser_core.answers.symbols import opaque_symbols, runs_through_alphabet
from laser_core.answers.tex_arguments import explicit_arguments

_AS_WRITTEN = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)
_LONG_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")


def parse_value(text: str, *, is_side: bool = False) -> sp.Basic:
    r"""One value as a sympy object, read by math-verify's LaTeX parser.

    Parameters
    ----------
    text : str
    is_side : bool
        A side of an equation, in which I is always a symbol. Elsewhere it is the imaginary unit, as in Python's
        ``2*I``, where it is the only letter and not doubled as in III.

    Raises
    ------
    UnreadableError
        If the parser rejects the text, or reads something that has no value.
    """
    if has_numbers_side_by_side(braced_subscripts(mixed_numbers(bare_value(text)))):
        raise UnreadableError(text)
    tex, names = opaque_symbols(explicit_arguments(ascii_names(scientific(bare_value(text)))))
    tex = scalar_tex(tex)
    if "\\text" in tex or any(not runs_through_alphabet(word) for word in _LONG_WORD.findall(tex)):
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
    value = value.xreplace({_symbol(short): _symbol(name) for short, name in names.items()})
    value = value.replace(
        lambda part: isinstance(part, sp.core.function.AppliedUndef), lambda call: _applied(call, names)
    )
    if not is_side and "II" not in text and value.free_symbols == {_symbol("I")}:
        value = value.subs(_symbol("I"), sp.I)
    return value.subs(_symbol("i"), sp.I)


def _symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, real=True)


def _applied(call: sp.Expr, names: dict[str, str]) -> sp.Expr:
    """The value of an unknown function as a symbol; what stands before brackets may also be a factor: n(3)."""
    name, arguments = str(call.func).strip(), call.args
    is_factor = len(arguments) == 1 and len(name) == 1 and name.islower() and name not in "fghpquvy"
    if is_factor:
        return _symbol(name) * arguments[0]
    return _symbol(f"{names.get(name, name)}({','.join(map(str, arguments))})".replace(" ", ""))

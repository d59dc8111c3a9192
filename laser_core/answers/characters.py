"""Characters that mean the same in mathematics: full-width forms, Unicode symbols, superscripts and Greek letters.

Models write ``½``, ``x²`` or ``π`` where a reference has LaTeX. Everything here works on one character or on one run of
characters, in linear time.
"""

from __future__ import annotations

import re

# Not unicodedata's NFKC: it makes 52 out of "5\u00b2".
LOOKALIKES = {0xFF01 + i: 0x21 + i for i in range(94)} | {
    0x2212: "-", 0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0xFE63: "-", 0x2044: "/", 0x2215: "/",
    0x00D7: "*", 0x2217: "*", 0x00A0: " ", 0x2009: " ", 0x200A: " ", 0x202F: " ", 0x205F: " ", 0x3000: " ",
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2236: ":", 0x3001: ",", 0x3002: ".", 0x200B: "", 0xFEFF: "",
}  # fmt: skip

_COMMANDS = {
    "÷": "/", "·": r"\cdot ", "⋅": r"\cdot ", "•": r"\cdot ", "±": r"\pm ", "∓": r"\mp ", "°": r"^{\circ}",
    "º": r"^{\circ}", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≦": r"\le ", "≧": r"\ge ", "⩽": r"\le ",
    "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "∈": r"\in ", "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ",
    "∅": r"\emptyset ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}",
    "…": r"\ldots ", "⋯": r"\ldots ", "∨": r"\text{ or }", "∧": r"\text{ and }", "⌊": r"\lfloor ", "⌋": r"\rfloor ",
    "⌈": r"\lceil ", "⌉": r"\rceil ", "∠": r"\angle ", "⟨": r"\langle ", "⟩": r"\rangle ", "ℯ": "e", "′": "'",
    "％": "%", "π": r"\pi ", "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "ε": r"\epsilon ",
    "θ": r"\theta ", "λ": r"\lambda ", "μ": r"\mu ", "ρ": r"\rho ", "σ": r"\sigma ", "τ": r"\tau ", "φ": r"\phi ",
    "ϕ": r"\phi ", "ω": r"\omega ", "Δ": r"\Delta ", "Ω": r"\Omega ", "ζ": r"\zeta ",
    "η": r"\eta ", "κ": r"\kappa ", "ν": r"\nu ", "ξ": r"\xi ", "χ": r"\chi ", "ψ": r"\psi ", "Γ": r"\Gamma ",
    "Θ": r"\Theta ", "Λ": r"\Lambda ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "ħ": r"\hbar ", "ℏ": r"\hbar ",
    "∂": r"\partial ", "⊙": r"\odot ", "ℓ": r"\ell ",
}  # fmt: skip
_FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
_FRACTIONS_TEX = {c: rf"\frac{{{top}}}{{{bottom}}}" for c, (top, bottom) in _FRACTIONS.items()}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "0123456789+-()ni", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n", strict=True))
_SUPERSCRIPT_RUN = re.compile(f"[{''.join(_SUPERSCRIPTS)}]+")
_SUBSCRIPT_RUN = re.compile(f"[{''.join(_SUBSCRIPTS)}]+")
_ROOT = re.compile(r"([√∛∜])\s*(\(|\\|\{|\d+(?:\.\d+)?|[A-Za-z]|)")
_ROOT_INDEX = {"√": "", "∛": "[3]", "∜": "[4]"}
_SYMBOLS = re.compile("|".join(map(re.escape, [*_COMMANDS, *_FRACTIONS_TEX])))


def fold_lookalikes(text: str) -> str:
    """Replace full-width forms, minus signs, quotation marks and spaces by ASCII characters.

    Examples
    --------
    >>> fold_lookalikes("\uff0d\uff11\uff12"), fold_lookalikes("\u22127")
    ('-12', '-7')
    """
    return text.translate(LOOKALIKES)


def superscripts_to_powers(text: str) -> str:
    r"""Write superscript and subscript characters as ``^{...}`` and ``_{...}``.

    Examples
    --------
    >>> superscripts_to_powers("x²+10⁻¹¹"), superscripts_to_powers("a₁")
    ('x^{2}+10^{-11}', 'a_{1}')
    """
    text = _SUPERSCRIPT_RUN.sub(lambda run: f"^{{{''.join(_SUPERSCRIPTS[c] for c in run[0])}}}", text)
    return _SUBSCRIPT_RUN.sub(lambda run: f"_{{{''.join(_SUBSCRIPTS[c] for c in run[0])}}}", text)


def root_signs_to_tex(text: str) -> str:
    r"""Write ``√19`` as ``\sqrt{19}``. Brackets after the sign are left to the rule that reads arguments.

    Examples
    --------
    >>> root_signs_to_tex("2√5"), root_signs_to_tex("∛(x+1)")
    ('2\\sqrt{5}', '\\sqrt[3](x+1)')
    """

    def tex(root: re.Match[str]) -> str:
        argument = root[2] if root[2] in ("(", "\\", "{", "") else f"{{{root[2]}}}"
        return f"\\sqrt{_ROOT_INDEX[root[1]]}{argument}"

    return _ROOT.sub(tex, text)


def symbols_to_tex(text: str) -> str:
    r"""Write Unicode operators, relations, fractions and Greek letters as LaTeX commands.

    Examples
    --------
    >>> symbols_to_tex("2½"), symbols_to_tex("x≤π"), symbols_to_tex("90°")
    ('2\\frac{1}{2}', 'x\\le \\pi ', '90^{\\circ}')
    """
    return _SYMBOLS.sub(lambda found: _FRACTIONS_TEX.get(found[0]) or _COMMANDS[found[0]], text)


def unicode_to_tex(text: str) -> str:
    """Apply all of the rules above to a text that holds anything beyond ASCII."""
    if text.isascii():
        return text
    return symbols_to_tex(root_signs_to_tex(superscripts_to_powers(fold_lookalikes(text))))

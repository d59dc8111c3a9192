r"""Clean up a whole answer: strip wrappers, layout and thousands separators, in one function per rule.

Every rule is text to text. Only short texts get here: see :func:`laser_core.answers.text.is_mathlike`.
"""

from __future__ import annotations

import re

from laser_core.answers.boxes import last_boxed
from laser_core.answers.characters import unicode_to_tex

FUNCTIONS = (
    "arcsin|arccos|arctan|arccot|asin|acos|atan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt|cbrt|abs|floor|"
    "ceil|binom|min|max|gcd|lcm"
)
NAMES = (
    "infinity|infty|inf|oo|pi|Pi|alpha|beta|gamma|delta|epsilon|zeta|theta|kappa|lambda|mu|rho|sigma|tau|phi|omega|hbar"
)
MATH_WORD = re.compile(rf"(?:{FUNCTIONS}|{NAMES}|mod|and|or)")

_WRAPPERS = re.compile(
    r"\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\]|\\begin\{(?:equation|align)\*?\}(.*)\\end\{.*\}", re.S
)
_EMPHASIS = re.compile(r"\*\*([^*]+)\*\*|__([^_]+)__|`([^`]+)`|\*([^*\s][^*]*)\*")
_INNER_EMPHASIS = re.compile(r"(?<![\w*)])\*\*([^*]+)\*\*(?![\w*(])")
_LEAD = re.compile(
    r"(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:final\s+)?answer\s*(?:is|:|=)\s*:?"
    r"|(?:最终)?答案\s*(?:是|为|:)|答え?\s*(?:は|:)|\\therefore",
    re.IGNORECASE,
)


def unwrap(text: str) -> str:
    r"""Strip what encloses the whole answer: dollar signs, a box, emphasis, "the answer is", a full stop.

    Examples
    --------
    >>> unwrap(r"**$\boxed{ 7 }$.**"), unwrap("$1$ and $2$"), unwrap("The final answer is $x^2$."), unwrap("`5`")
    ('7', '1 and 2', 'x^2', '5')
    """
    for _ in range(8):  # hostile nesting ends here
        before = text
        text = text.strip()
        text = text if text.endswith("..") else text.rstrip(".,; ")  # "1, 2, ..." keeps its dots
        for pattern in (_WRAPPERS, _EMPHASIS):
            if match := pattern.fullmatch(text):
                inner = next(group for group in match.groups() if group is not None)
                text = text if "$" in inner and pattern is _WRAPPERS else inner
        if text.startswith(("\\boxed", "\\fbox")) and (box := last_boxed(text)):
            text = box.content if (box.start, box.end) == (0, len(text)) else text
        if match := _LEAD.match(text):
            text = text[match.end() :]
        if text == before:
            break
    text = _INNER_EMPHASIS.sub(r"\1", text)
    # Dollar signs around formulas between words carry no meaning. A lone dollar sign is money.
    return re.sub(r"(?<!\\)\$([^$]*)(?<!\\)\$", r"\1", text) if text.count("$") > 1 else text


_LAYOUT = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|limits|nolimits|bigl|bigr|Bigl|Bigr|big|Big|bigg|Bigg|hfill|strut|tag\{[^{}]*\})"
    r"(?![a-zA-Z])\.?|\\!|\{\}"
)
_SPACES = re.compile(
    r"(?:\\[,;:> ]|\\(?:quad|qquad|enspace|thinspace)(?![a-zA-Z])|\\(?:hspace|phantom)\{[^{}]*\}|~|\s)+"
)
_SYNONYMS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "geq": "ge", "leq": "le", "geqslant": "ge", "leqslant": "le",
    "neq": "ne", "gt": ">", "lt": "<", "times": "cdot", "ast": "cdot", "lvert": "|", "rvert": "|", "vert": "|",
    "mid": "|", "dots": "ldots", "cdots": "ldots", "dotsc": "ldots", "varnothing": "emptyset", "degree": "^{\\circ}",
    "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "colon": ":", "infin": "infty", "simeq": "approx",
    "R": "mathbb{R}", "Reals": "mathbb{R}", "N": "mathbb{N}", "Z": "mathbb{Z}", "div": "/", "land": "wedge",
    "lor": "vee", "backslash": "setminus", "dbinom": "binom", "tbinom": "binom", "varphi": "phi",
    "varepsilon": "epsilon", "bmod": "mod", "lg": "log", "tg": "tan", "ctg": "cot", "arctg": "arctan",
}  # fmt: skip
_COMMAND = re.compile(rf"\\({'|'.join(_SYNONYMS)})(?![a-zA-Z])")
_PLAIN = ("lt", "gt", "lvert", "rvert", "vert", "mid", "degree", "lbrack", "rbrack", "colon", "div")


def drop_layout(text: str) -> str:
    r"""Drop sizes and spacing, and replace synonyms by one command.

    Examples
    --------
    >>> drop_layout(r"\left( 3,\; \dfrac{\pi}{2} \right)"), drop_layout(r"x \geqslant 2")
    ('( 3, \\frac{\\pi}{2} )', 'x \\ge 2')
    """
    if "\\begin" in text:  # rows end with two backslashes; elsewhere these are one too many
        text = text.replace("\\\\", "\\newline ")
    text = _LAYOUT.sub("", re.sub(r"\\\\(?=[a-zA-Z])", r"\\", text))
    text = _COMMAND.sub(lambda found: ("" if found[1] in _PLAIN else "\\") + _SYNONYMS[found[1]], text)
    return _SPACES.sub(" ", text).strip()


_TEXT = re.compile(
    r"\\(text|textrm|mathrm|textbf|mathbf|textit|mathit|textsf|mathsf|texttt|mbox|hbox|operatorname|bold|boldsymbol|bm|rm)"
    r"\*?\s*\{([^{}]*)\}"
)
_SEPARATOR_WORD = re.compile(r"\s*,?\s*(?:and|or|和|或|及|または)\s*,?\s*")
_OLD_FONT = re.compile(r"\{?\\(?:rm|bf|it)(?![a-zA-Z])\s*([^{}\\]*)\}?")


def text_commands(text: str) -> str:
    r"""Replace ``\text{...}`` by its content: a number, letter, name, separator or function. Units stay as they are.

    Examples
    --------
    >>> text_commands(r"\text{13}"), text_commands(r"1 \text{ or } 2"), text_commands(r"12\mbox{ cm}^2")
    ('13', '1  or  2', '12\\text{cm}^2')
    >>> text_commands(r"1 - \frac{1}{\mathrm{e}}"), text_commands(r"\operatorname{arctan} 2")
    ('1 - \\frac{1}{e}', '\\arctan  2')
    """
    whole = _TEXT.fullmatch(text.strip())
    if whole:
        return whole[2].strip()

    def plain(found: re.Match[str]) -> str:
        content = found[2].strip()
        if not content:
            return " "
        if _SEPARATOR_WORD.fullmatch(found[2]) or not re.search(r"[^\W\d]", content):
            return f" {content} "
        if re.fullmatch(r"\([A-J]\)\.?", content):  # the label of a choice, before its text
            return f"{content} "
        if MATH_WORD.fullmatch(content):
            return f"\\{content} "
        if re.fullmatch(r"[A-Z]{2,}", content) and found.string[: found.start()].rstrip()[-1:] in ("", "=", "+", "-"):
            return content  # a name: no unit stands there
        is_letter = len(content) == 1 and found[1] not in ("text", "mbox", "hbox", "textrm")
        is_font = found[1] in ("mathbf", "boldsymbol", "bm", "bold", "mathit")
        return content if is_letter or is_font else rf"\text{{{content}}}"

    return _TEXT.sub(plain, _OLD_FONT.sub(r"\\text{\1}", text) if "\\rm" in text or "\\bf" in text else text)


_MODULE = r"(?<![A-Za-z\\])(?:np|numpy|math|cmath|sympy|sp)\."
_MODULE_LOG = re.compile(rf"{_MODULE}log(10|2)?(?![A-Za-z\d])")
_MODULE_NAME = re.compile(rf"{_MODULE}(?=(?:{FUNCTIONS}|pi|e|inf|oo)(?![A-Za-z]))")


def python_names(text: str) -> str:
    r"""Drop the module before a function or a constant of Python's; its ``log`` is the natural logarithm.

    Examples
    --------
    >>> python_names("np.arcsin(3/5) + math.pi"), python_names("np.log(2)"), python_names("math.log10(x)")
    ('arcsin(3/5) + pi', '\\ln (2)', '\\log_{10}(x)')
    """
    if "." not in text:
        return text
    text = _MODULE_LOG.sub(lambda log: rf"\log_{{{log[1]}}}" if log[1] else r"\ln ", text)
    return _MODULE_NAME.sub("", text)


_TEX_THOUSANDS = re.compile(r"(?<![\d,.])(\d{1,3})((?:(?:\{,\}|,\\!)\s*\d{3})+)(?!\d)")
_THIN_THOUSANDS = re.compile(r"(?<![\d,.])(\d{1,3})((?:\\,\d{3})+|(?: \d{3})+)(?![\d/])")
_THOUSANDS = re.compile(r"(?<![\d,.])(\d{1,3})((?:,\d{3})+)(?![\d,])(?!\.\d*,)")


def join_tex_thousands(text: str) -> str:
    r"""Join digits that LaTeX sets as one number: ``11,\! 111``, ``10{,}000``, and groups of three after a thin space.

    Examples
    --------
    >>> join_tex_thousands(r"11,\! 111,\! 100"), join_tex_thousands(r"10\,000"), join_tex_thousands("1 2")
    ('11111100', '10000', '1 2')
    """
    text = _TEX_THOUSANDS.sub(lambda n: n[1] + re.sub(r"\D", "", n[2]), text)
    return _THIN_THOUSANDS.sub(lambda n: n[1] + re.sub(r"\D", "", n[2]), text)


def join_thousands(text: str) -> str:
    """Join digits in groups of three; not inside brackets, where a comma separates coordinates.

    Examples
    --------
    >>> join_thousands("1,234,567.5"), join_thousands("27,54,108"), join_thousands("(1,234)"), join_thousands("69,84")
    ('1234567.5', '27,54,108', '(1,234)', '69,84')
    """
    if "," not in text or any(c in text for c in "([{"):
        return text
    return _THOUSANDS.sub(lambda n: n[1] + n[2].replace(",", ""), text)


_KIND = r"(?:(?:an?|any|some|every|all|each|arbitrary|positive|negative|non-?negative|real|rational|whole|natural)\s+)*"
_SIDE_CONDITION = re.compile(
    r"[\s,;(]+(?:\\text\{[\s,]*)?(?:(?:where|for|with)\b)?[\s}]*"
    rf"{_KIND}(?:[a-z]\s*\\in\s*(?:\\mathbb\{{[A-Z]\}}|[A-Z])|[a-z]\s+(?:is|are)\s+{_KIND}(?:integer|number|constant)s?"
    r"|(?:integer|number|constant)s?(?:\s+[a-z])?)[\s).}]*$"
)


def drop_side_conditions(text: str) -> str:
    r"""Drop "where k is an integer" or ``k \in \mathbb{Z}`` at the end, which only says what a letter stands for.

    Examples
    --------
    >>> drop_side_conditions(r"x = \pi k, k \in \mathbb{Z}"), drop_side_conditions("2k+1 for any integer k")
    ('x = \\pi k', '2k+1')
    """
    shorter = _SIDE_CONDITION.sub("", text)
    return shorter if shorter.strip() else text


def tidy(text: str) -> str:
    r"""Apply all of the rules above: the answer in ASCII and LaTeX, without wrappers, layout and thousands separators.

    Examples
    --------
    >>> tidy(r"$\left( 3, \dfrac{\pi}{2} \right)$."), tidy("**10 − 2√5**"), tidy(r"\$32,\!348")
    ('( 3, \\frac{\\pi}{2} )', '10 - 2\\sqrt{5}', '\\$32348')
    """
    text = unwrap(unicode_to_tex("".join(c if c.isprintable() else " " for c in text)))
    text = python_names(text_commands(drop_layout(join_tex_thousands(text))))
    return join_thousands(unwrap(text)).strip()

r"""The shape of an answer: lists, tuples, intervals, unions, matrices, relations, and the single values inside.

Only brackets, separators and relation signs are read here, not what a single value is worth: "1 and 2", ``\{1, 2\}``
and ``x = 1 \text{ or } x = 2`` have the same shape.
"""

from __future__ import annotations

import re

from laser_core.answers.shapes import (
    AnyOrder,
    Both,
    Dots,
    InOrder,
    Interval,
    Matrix,
    Minus,
    Node,
    Ratio,
    Relation,
    Union,
    UnreadableError,
    Value,
)
from laser_core.answers.symbols import derivative_name, function_of, plain_name
from laser_core.answers.tidy import drop_side_conditions, tidy

MAX_DEPTH = 12

_TOKEN = re.compile(r"\\[{}|]|\\[A-Za-z]+|[<>!=:]=|.", re.DOTALL)
_OPEN = {"(", "[", "{", "\\{", "\\langle", "\\lfloor", "\\lceil"}
_CLOSE = {")", "]", "}", "\\}", "\\rangle", "\\rfloor", "\\rceil"}
_SIGNS = {
    "<": "<", ">": ">", "\\le": "<=", "\\ge": ">=", "<=": "<=", ">=": ">=", "=": "=", "==": "=", "\\ne": "!=",
    "!=": "!=", "\\in": "in", "\\equiv": "mod", ":=": "=", "≡": "mod",
}  # fmt: skip
_OR = re.compile(r"(?<![A-Za-z\\])or(?![A-Za-z])|或|または")
_AND = re.compile(r"(?<![A-Za-z\\])and(?![A-Za-z])|和|及|&(?!=)")
_NAME = re.compile(
    r"(?:\\(?:angle|triangle|overline|vec|hat|bar|text|mathbb|mathcal|mathbf)\s*)*"
    r"(?:[A-Za-z]|\\(?:theta|alpha|beta|gamma|delta|lambda|mu|phi|omega|sigma|rho|tau)|[A-Z]{2,4}|\{[A-Za-z .,]+\}|"
    r"(?:[A-Z]\s){1,3}[A-Z]|[A-Za-z]{3,}(?:\s[A-Za-z]+){0,5}|\|[A-Za-z]{1,2}\||"
    r"\(\s*[a-zA-Z](?:_\{?\d\}?)?(?:\s*,\s*[a-zA-Z](?:_\{?\d\}?)?)*\s*\))"
    r"(?:_(?:\{[^{}]*\}|\w|\\[a-z]+))?'*(?:\^\{-1\})?'*\s*(?:\([^()=]*\))?"
)


_FRENCH = re.compile(r"([\[\]])([^\[\]]+[,;][^\[\]]+)([\[\]])")  # ]0, 1[ is (0, 1)


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """Each token outside of brackets, and where it starts and ends."""
    outside, depth = [], 0
    for token in _TOKEN.finditer(text):
        if token[0] in _CLOSE:
            depth = max(0, depth - 1)
        elif not depth and token[0] not in _OPEN:
            outside.append((token[0], token.start(), token.end()))
        depth += token[0] in _OPEN
    return outside


def _split(text: str, separators: set[str]) -> list[str]:
    """The parts between those of the separators that stand outside of brackets."""
    parts, start = [], 0
    for token, at, end in _tokens(text):
        if token in separators:
            parts.append(text[start:at])
            start = end
    return [part.strip() for part in [*parts, text[start:]]]


def read_structure(text: str) -> Node:
    r"""The shape of an answer.

    Raises
    ------
    UnreadableError
        If a part is missing, or the nesting is too deep.

    Examples
    --------
    >>> read_structure("1,-2")
    AnyOrder(members=(Value(text='1'), Value(text='-2')))
    >>> read_structure(r"x \in [2, 5)") == read_structure("[2,5)")
    True
    >>> read_structure("0 < x < 1")
    Relation(sides=('0', 'x', '1'), signs=('<', '<'))
    """
    text = re.sub(r"\+\s*/\s*-|\+-", r"\\pm ", drop_side_conditions(tidy(text)))
    if french := _FRENCH.fullmatch(text):
        text = f"{'(' if french[1] == ']' else '['}{french[2]}{')' if french[3] == '[' else ']'}"
    if system := _SYSTEM.fullmatch(text):
        text = ", ".join(row.replace("&", "").strip() for row in system[2].split("\\newline") if row.strip())
    if "\\begin" in text:
        return _matrix(text)
    return _node(text, 0)


def _node(text: str, depth: int) -> Node:
    text = text.strip().strip(",;").strip()
    if not text or depth > MAX_DEPTH:
        raise UnreadableError(text)
    if re.fullmatch(r"\\ldots|\.\.\.+", text):
        return Dots()
    alternatives = _split(_OR.sub(";", text), {";"})
    if len(alternatives) > 1:
        return _alternatives([part for part in alternatives if part], depth)
    members = _split(_AND.sub(",", text), {","})
    if len(members) > 1:
        return _list([part for part in members if part], depth)
    if named := assignment(text):
        return _node(named[1], depth + 1)
    for sign, kind in (("\\cup", Union), ("\\cap", Both)):
        if len(parts := _split(text, {sign})) > 1:
            return kind(tuple(_node(part, depth + 1) for part in parts))
    if len(parts := _split(text, {"\\setminus"})) == 2:
        return Minus(_node(parts[0], depth + 1), _node(parts[1], depth + 1))
    if relation := _relation(text):
        return relation
    bracketed = _bracketed(text, depth)
    if ("\\pm" in text or "\\mp" in text) and not text.startswith("\\{"):  # (\pm 1, 2) is two points
        return AnyOrder(tuple(_node(half, depth + 1) for half in _plus_and_minus(text)))
    if bracketed:
        return bracketed
    parts = _split(text, {":"})
    if len(parts) > 1:
        return Ratio(tuple(_node(part, depth + 1) for part in parts))
    return Value(text)


def assignment(text: str) -> tuple[str, str] | None:
    r"""The name and the value of ``x = 5``, ``f(x) = 2x``, ``D = (0, 1)`` or ``x \in [0, 1]``; None for an equation.

    Examples
    --------
    >>> assignment("f(x)=2x+1"), assignment(r"m_{\max} = 7"), assignment("x=2x+1"), assignment("2x+y=0")
    (('f(x)', '2x+1'), ('m_{\\max}', '7'), None, None)
    >>> assignment("dy/dx = 2x"), assignment("y' = 2y"), assignment("MR = MC")
    (('d1(y)/d(x)', '2x'), None, None)
    """
    signs = [(token, at, end) for token, at, end in _tokens(text) if token in _SIGNS]
    if _equates_quantities(text):
        return None
    if len(signs) > 1 and all(_SIGNS[token] == "=" for token, _, _ in signs) and "," not in text:
        return "", text[signs[-1][2] :].strip()  # a = b = c says what the last side is
    if len(signs) != 1 or _SIGNS[signs[0][0]] not in ("=", "in"):
        return None
    _, at, end = signs[0]
    name, value = text[:at].strip(), text[end:].strip()
    rate = derivative_name(name)
    if not value or not (rate or _NAME.fullmatch(name)):
        return None
    if rate and function_of(rate) in plain_name(value):
        return None  # y' = -3y is a differential equation
    letter = re.escape(name)
    in_itself = len(name) == 1 and re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", value)
    return None if in_itself else (rate or name, value)


def _equates_quantities(text: str) -> bool:
    """Whether the sides are names in capitals, at least two of them of several letters: MR = MC, P = MR = MC."""
    sides = [side.strip() for side in text.split("=")]
    return all(re.fullmatch("[A-Z]+", side) for side in sides) and sum(len(side) > 1 for side in sides) > 1


def _relation(text: str) -> Relation | None:
    sides, signs, start = [], [], 0
    for token, at, end in _tokens(text):
        if token in _SIGNS:
            sides.append(text[start:at].strip())
            signs.append(_SIGNS[token])
            start = end
    sides.append(text[start:].strip())
    if not signs:
        return None
    if not all(sides):
        raise UnreadableError(text)
    return Relation(tuple(sides), tuple(signs))


def _members(text: str, depth: int) -> tuple[Node, ...]:
    """One member of a list; two where it holds a sign that is plus and minus."""
    if ("\\pm" in text or "\\mp" in text) and not any(token in (",", ";") for token, _, _ in _tokens(text)):
        return tuple(_node(half, depth + 1) for half in _plus_and_minus(text))
    return (_node(text, depth + 1),)


def _plus_and_minus(text: str) -> tuple[str, str]:
    return (
        text.replace("\\pm", "+").replace("\\mp", "-"),
        text.replace("\\pm", "-").replace("\\mp", "+"),
    )


def _is_condition(node: Node) -> bool:
    return isinstance(node, Relation) and any(sign in ("<", ">", "<=", ">=", "!=") for sign in node.signs)


def _alternatives(parts: list[str], depth: int) -> Node:
    """What stands between "or" and semicolons: sets are united, everything else is a list."""
    nodes: list[Node] = []
    for part in parts:
        node = _node(part, depth + 1)
        nodes += node.members if isinstance(node, AnyOrder) and not part.startswith("\\{") else [node]
    if not nodes:
        raise UnreadableError("a list without members")
    if any(_is_condition(node) for node in nodes):
        return Union(tuple(nodes))
    return AnyOrder(tuple(nodes)) if len(nodes) > 1 else nodes[0]


def _list(parts: list[str], depth: int) -> Node:
    """What stands between commas and "and": one value for each name, or values in any order."""
    if not parts:
        raise UnreadableError("a list without members")
    named = [assignment(part) for part in parts]
    names = [pair[0] for pair in named if pair]
    if len(names) == len(parts) > 1 and len(set(names)) == len(names) and all(names):
        pairs = sorted(zip(names, named, strict=True))
        return InOrder(tuple(_node(pair[1], depth + 1) for _, pair in pairs if pair))
    values = [pair[1] if pair else part for part, pair in zip(parts, named, strict=True)]
    nodes = tuple(node for value in values for node in _members(value, depth))
    if len(nodes) == 1:
        return nodes[0]
    if all(_is_condition(node) for node in nodes):
        return Both(nodes)
    return InOrder(nodes) if any(isinstance(node, Dots) for node in nodes) else AnyOrder(nodes)


def _closes_at(text: str) -> int:
    """Where the bracket that the text starts with closes; brackets of any kind count, so that [0, 1) is one."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in _OPEN) - (token[0] in _CLOSE)
        if not depth:
            return token.end()
    return -1


def _bracketed(text: str, depth: int) -> Node | None:
    opener = next((mark for mark in ("\\{", "\\langle", "(", "[", "{") if text.startswith(mark)), None)
    if opener is None or _closes_at(text) != len(text):
        return None
    closer = next(mark for mark in ("\\}", "\\rangle", text[-1]) if text.endswith(mark))
    inner = text[len(opener) : -len(closer)].strip()
    if opener == "\\{":
        return _set(inner, depth)
    parts = _split(inner.replace(";", ","), {","})
    if len(parts) == 1:
        return _node(inner, depth + 1) if (opener, closer) in (("(", ")"), ("{", "}"), ("[", "]")) else None
    if opener == "{":  # braces that lost their backslash
        return _set(inner, depth)
    if (opener == "[" or closer == "]") and len(parts) == 2 and not parts[0].startswith("["):
        low, high = (_node(part, depth + 1) for part in parts)
        return Interval(low, high, low_open=opener != "[", high_open=closer != "]")
    if opener == "[" and all(part.startswith("[") for part in parts):
        rows = tuple(tuple(_node(cell, depth + 1) for cell in _split(part[1:-1], {","})) for part in parts)
        return Matrix(rows)
    nodes = tuple(_node(part, depth + 1) for part in parts)
    return AnyOrder(nodes) if opener == "[" else InOrder(nodes)


def _set(inner: str, depth: int) -> Node:
    if not inner:
        return AnyOrder(())
    for bar in ("\\|", "|", ":"):
        parts = _split(inner, {bar})
        if len(parts) == 2 and (_relation(parts[1]) or "or" in parts[1]):
            return _node(parts[1], depth + 1)
    parts = [part for part in _split(_AND.sub(",", inner).replace(";", ","), {","}) if part]
    if any(re.fullmatch(r"\\ldots|\.\.\.+", part) for part in parts):
        return InOrder(tuple(_node(part, depth + 1) for part in parts))
    return AnyOrder(tuple(node for part in parts for node in _members(part, depth)))


_SYSTEM = re.compile(r"\\begin\s*\{(cases|aligned|align\*?)\}((?:[^&]|&\s*=)*)\\end\s*\{\1\}", re.DOTALL)
_MATRIX = re.compile(
    r"(?:[A-Za-z]\s*=\s*)?(?P<factor>.*?)[\[(]?\\begin\s*\{(?P<kind>[pbB]?matrix|smallmatrix|array)\}"
    r"(?:\s*\{[clr| ]*\})?"
    r"(?P<cells>.*?)\\end\s*\{(?P=kind)\}[\])]?",
    re.DOTALL,
)


def _matrix(text: str) -> Node:
    r"""``\begin{pmatrix}...``, with an optional factor before it; a single column is a vector."""
    match = _MATRIX.fullmatch(text)
    if not match:
        raise UnreadableError(text)
    factor = match["factor"].strip()
    if factor.endswith("\\cdot"):
        factor = factor[:-5].strip()
    rows = []
    for row in match["cells"].split("\\newline"):
        if row.replace("\\hline", "").strip():
            cells = row.replace("\\hline", "").split("&")
            rows.append(tuple(Value(f"({factor})({cell.strip()})" if factor else cell.strip()) for cell in cells))
    if not rows or len({len(row) for row in rows}) > 1:
        raise UnreadableError(text)
    return InOrder(tuple(row[0] for row in rows)) if len(rows[0]) == 1 and len(rows) > 1 else Matrix(tuple(rows))

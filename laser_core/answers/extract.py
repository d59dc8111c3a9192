r"""Where a response states its answer: a box, ``####``, ``<answer>``, "the answer is", or the end of the prose.

Pure text in, text out, in linear time whatever a model wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laser_core.answers.boxes import last_boxed
from laser_core.answers.characters import LOOKALIKES
from laser_core.answers.text import MAX_NUMBER_CHARS, parse_number
from laser_core.answers.words import choice_letter, words_key

PROSE_CHARS = 800  # an unmarked answer is looked for at the end of the response
_STATEMENT_CHARS = 4000  # "the answer is" may stand before a longer explanation
_LONGEST_STATEMENT = 300

_GSM8K = re.compile(r"####[ \t]*([^\n]+)")
_TAGGED = re.compile(r"<answer>(.{0,4000}?)</answer>", re.DOTALL)
_MINIATURE = re.compile(r"(?<![\s#])#([+-]?\d+(?:[./]\d+)?)$")
_SPECIAL_END = re.compile(r"(?:\s*(?:<\|[^|<>]{1,40}\|>|</?(?:s|eos|pad|end)>))+$")


def marked_answer(response: str | None, *, prose: bool = True) -> str | None:
    r"""The answer that a mark in the response sets apart, or the response itself if it is nothing but an answer.

    The last mark counts, whichever kind it is.

    Parameters
    ----------
    response : str or None
    prose : bool
        Whether "Final answer: 7" is a mark.

    Examples
    --------
    >>> marked_answer(r"\boxed{3}, or rather\n#### 4"), marked_answer(r"\boxed{5}. Final answer: **7**")
    ('4', '7')
    """
    if not response:
        return None
    text = _without_special_end(response[-400:])
    marks = [mark for mark in (_boxed(response), _gsm8k(response), _tagged(response)) if mark]
    if prose and (mark := _stated(response, explicit=bool(marks))):
        marks.append(mark)
    if marks:
        return max(marks)[1]
    if match := _MINIATURE.search(text):
        return match[1]
    whole = response.strip() if len(response) <= 2 * MAX_NUMBER_CHARS else ""
    return whole if whole and _is_bare_answer(whole) else None


def _without_special_end(text: str) -> str:
    """The text without special tokens such as ``<|im_end|>`` at its end."""
    return _SPECIAL_END.sub("", text).rstrip() if text and text[-1] in " \n>" else text


def _boxed(response: str) -> tuple[int, str] | None:
    box = last_boxed(response)
    return (box.start, box.content) if box else None


def _gsm8k(response: str) -> tuple[int, str] | None:
    """GSM8K's ``#### 42``; a heading is none."""
    start = response.rfind("####")
    match = _GSM8K.match(response, start) if start >= 0 else None
    if not match:
        return None
    stated = match[1].strip()
    is_last = not response[match.end() :].strip()
    is_answer = parse_number(stated) is not None or (not re.search(r"\s", stated) and re.search(r"\d", stated))
    return (start, stated) if is_answer or (is_last and _is_bare_answer(stated)) else None


def _tagged(response: str) -> tuple[int, str] | None:
    start = response.rfind("<answer>")
    match = _TAGGED.match(response, start) if start >= 0 else None
    if not match or not match[1].strip():
        return None
    inner = match[1].strip()
    return start, marked_answer(inner) or inner


def _is_bare_answer(text: str) -> bool:
    """Whether the whole response is a number, the letter of a choice, yes or no, "no solution" or a single name."""
    if _ANSWER_IS.search(text):
        return False
    if parse_number(text) is not None or choice_letter(text):
        return True
    key = words_key(text) if "\n" not in text else None
    if key is None:
        return False
    first = text.strip(' *_`"')[:1]
    is_name = len(text.split()) == 1 and not first.islower()
    return is_name or key.startswith("c:") or key in ("t:yes", "t:no", "t:true", "t:false")


# ------------------------------------------------------------------------------------------------- stated answers

_ANSWER_IS = re.compile(
    r"\banswer\b\s*\**\s*(?::|=)|\banswer\b[^.\n:]{0,60}?\b(?:is|are|would be|will be)\b(?:\s+therefore|\s+thus)?\s*:?"
    r"|\bfinal answer\b\W{0,6}\n|\bcorrect (?:option|choice|answer)\s*(?:is|:)"
    r"|\b(?:choose|select|pick|option)\s+(?:option\s+)?(?=\([A-J]\))"
    r"|答案\s*(?:是|为|為|:|=)+|(?:答え|解答|正解)\s*(?:は|:)|(?<![a-z])答\s*:|故选\s*:?|选择?\s*:?\s*(?=\(?[A-J])",
    re.IGNORECASE,
)
_ANSWER_WORDS = (  # every match of _ANSWER_IS begins with one of them
    *("answer", "final answer", "correct ", "choose", "select", "pick", "option"),
    *("答案", "答え", "解答", "正解", "答", "故选", "选"),
)
_FULL_WIDTH = {character: ascii or " " for character, ascii in LOOKALIKES.items()}  # one for one: positions stay valid
_SENTENCE_START = re.compile(
    r"(?:.*[.!?])?\W*(?:(?:so|thus|therefore|hence|所以|因此)\W*)?(?:the\s+)?(?:final|correct|最终|最終)?\W*",
    re.IGNORECASE,
)
_LINE_END = re.compile(r"\n\s*\n|\n")
_SENTENCE_END = re.compile(r"[.!?](?=[\s*\"')\]]|$)|[。！？](?!\d)")
_ASIDE = re.compile(
    r",?\s+(?:because|since|which|as|when|where|so|but|if|I hope|per|in total|altogether|respectively)\b.*$"
    r"|,\s+(?!and\b|or\b)[a-z]{2,}\b.*$|\s*(?:です|である|となる|になる|個|であり).*$",
    re.DOTALL,
)


def _stated(response: str, *, explicit: bool) -> tuple[int, str] | None:
    """What follows the last "the answer is" (or the same in Chinese or Japanese), and where it stands.

    To replace a box before it (``explicit``), the phrase must begin a sentence, and a number, a formula or a choice
    must follow.
    """
    offset = max(0, len(response) - _STATEMENT_CHARS)
    tail = response[offset:].translate(_FULL_WIDTH)
    tail = tail[:-400] + _without_special_end(tail[-400:])
    for match in reversed(_answer_phrases(tail)):
        stated = _statement(tail[match.end() : match.end() + _LONGEST_STATEMENT])
        if not stated:
            continue
        before = tail[tail.rfind("\n", 0, match.start()) + 1 : match.start()]
        begins = _SENTENCE_START.fullmatch(before[-60:])
        is_plain = parse_number(stated) is not None or choice_letter(stated) is not None or "\\" in stated
        if not explicit or (begins and is_plain):
            return offset + match.start(), stated
    return None


def _answer_phrases(text: str) -> list[re.Match[str]]:
    """What ``_ANSWER_IS.finditer`` finds, at a tenth of its cost: most positions of a long response hold none."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters grow, and positions would shift
        return list(_ANSWER_IS.finditer(text))
    found: list[re.Match[str]] = []
    for start in sorted({start for word in _ANSWER_WORDS for start in _positions(lowered, word)}):
        if (not found or start >= found[-1].end()) and (match := _ANSWER_IS.match(text, start)):
            found.append(match)
    return found


def _positions(text: str, word: str) -> Iterator[int]:
    start = text.find(word)
    while start >= 0:
        yield start
        start = text.find(word, start + 1)


def _statement(text: str) -> str | None:
    """The answer at the beginning of what follows "the answer is"."""
    text = text.lstrip(" \t\n*:_=")
    line = _LINE_END.split(text, maxsplit=1)[0].strip()
    if line in ("$$", "\\[", "\\("):  # a formula on lines of its own
        line = " ".join(text.split("\n\n", 1)[0].split())
    spans = _math_spans(line)
    if spans and spans[0][0] == 0:
        return _joined(line, spans)
    sentence = _SENTENCE_END.split(line, maxsplit=1)[0].strip(' *_`"')
    sentence = _ASIDE.sub("", sentence).strip(' *_`",;')
    if not sentence:
        return None
    if parse_number(sentence) is not None or words_key(sentence) is not None:
        return sentence
    value = _after_equals(sentence)
    if parse_number(value) is not None or not _has_words(value):
        return value
    return _last_value(line if spans else sentence) or None


_WORD = re.compile(
    r"(?<![\\A-Za-z])(?!(?:sqrt|and|or|sin|cos|tan|log|exp|ln|pi|inf)\b)[A-Za-z]{2,}|[\u3040-\u30ff\u4e00-\u9fff]"
)


def _has_words(text: str) -> bool:
    return _WORD.search(text) is not None


_SUM_OF_NAMES = re.compile(r"[a-w](?:\s*\+\s*[a-w])+\s*")


def _after_equals(text: str) -> str:
    """The last side of a chain of equations, and of "m + n = 293", which asks for the sum; else the text."""
    sides = re.split(r"(?<![<>!\\])=", text)
    if len(sides) == 1 or re.search(r"\b(?:and|or)\b|,\s*[A-Za-z]", text):
        return text
    return sides[-1].strip() if len(sides) > 2 or _SUM_OF_NAMES.fullmatch(sides[0].strip(" $")) else text


_CONNECTIONS = (",", "and", "or", ", and", ", or", "和", "或")


def _joined(line: str, spans: list[tuple[int, int, str]]) -> str:
    """The first of the formulas, with those that follow it after commas, "and" or "or"."""
    parts, end = [spans[0][2]], spans[0][1]
    for start, after, content in spans[1:]:
        between = line[end:start].strip()
        if between not in _CONNECTIONS:
            break
        parts.append(f"{'or' if 'or' in between else ','} {content}")
        end = after
    return _after_equals(" ".join(parts).replace(" ,", ","))


# ----------------------------------------------------------------------------------------------------------- prose

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9.\\_^{])[-+]?[$€£¥]?(?:\d+\s(?=\d+/\d))?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?:\s?/\s?\d+)?(?:\s?%)?(?![\d])"
)
_LABEL = re.compile(r"(?:A|Ans)\s*[:.]\s+")
_DISPLAY = re.compile(r"\\\[(.{1,400}?)\\\]|\\\((.{1,400}?)\\\)|\$\$(.{1,400}?)\$\$", re.DOTALL)


def _math_spans(text: str) -> list[tuple[int, int, str]]:
    r"""Formulas in ``$...$``, ``\(...\)``, ``\[...\]`` and ``$$...$$``: start, end and content.

    A dollar sign opens a formula only where no space follows it and closes one only where no space precedes it and no
    digit follows it, so that "$200 - $130 = $70" is money.
    """
    spans = [
        (match.start(), match.end(), next(group for group in match.groups() if group is not None).strip())
        for match in _DISPLAY.finditer(text)
    ]
    taken = [(start, end) for start, end, _ in spans]
    opened = -1
    for i, c in enumerate(text):
        if c != "$" or (i and text[i - 1] == "\\") or any(start <= i < end for start, end in taken):
            continue
        closes = opened >= 0 and text[i - 1] not in " $" and not text[i + 1 : i + 2].isdigit()
        if closes and "\n" not in text[opened:i]:
            spans.append((opened, i + 1, text[opened + 1 : i].strip()))
            opened = -1
        elif text[i + 1 : i + 2].strip():
            opened = i
        else:
            opened = -1
    return sorted(span for span in spans if span[2])


def _last_value(text: str) -> str | None:
    """The last formula or number in a text, whichever ends later."""
    spans = _math_spans(text)
    last_span = spans[-1] if spans else None
    numbers = list(_NUMBER.finditer(text))
    number = numbers[-1] if numbers else None
    if number and (last_span is None or number.start() >= last_span[1]):
        end = number.end()
        if text[end : end + 1] in ("\\", "^", "√", "π", "("):  # 12\pi and 3(x+1): up to the next space
            end = next((i for i in range(end, len(text)) if text[i].isspace()), len(text))
        return text[number.start() : end].rstrip(".,;: ") or None
    first = len(spans) - 1
    while first > 0 and text[spans[first - 1][1] : spans[first][0]].strip() in _CONNECTIONS:
        first -= 1
    return _joined(text, spans[first:]) if spans else None


def may_be_prose(response: str) -> bool:
    """The miniature world writes no spaces: where its closing mark is missing, its last number is no answer."""
    tail = response[-PROSE_CHARS:].strip()
    return any(c.isspace() for c in tail) or "$" in tail or "\\" in tail or not tail.isascii()


def prose_answer(response: str) -> str | None:
    r"""The last formula or number of a response that marks no answer.

    Examples
    --------
    >>> prose_answer("His profit is $200,000 - $130,000 = $70,000."), prose_answer(r"so \(x = \frac{1}{2}\).")
    ('$70,000', 'x = \\frac{1}{2}')
    >>> prose_answer("x=9;5*9=45") is prose_answer("I cannot solve this problem") is None
    True
    """
    if not may_be_prose(response):
        return None
    tail = response[-PROSE_CHARS:].strip()
    if len(tail) <= MAX_NUMBER_CHARS and "\n" not in tail and not _math_spans(tail) and not _has_words(tail):
        value = _after_equals(_LABEL.sub("", tail)).rsplit("=", 1)[-1].strip(" .")
        return value if re.search(r"[\d\\]", value) and "\\boxed" not in value else None
    return _last_value(tail)

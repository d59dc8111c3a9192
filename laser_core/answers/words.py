r"""Answers that are words: names, yes or no, the letter of a choice. They are compared as text after normalisation."""

from __future__ import annotations

import re

from laser_core.answers.tidy import MATH_WORD, tidy

MAX_WORDS = 4  # a longer reference is a sentence; two sentences may say the same in other words
MAX_CHARS = 60

_CHOICE = re.compile(r"(?:(?:option|choice|选项?|選択肢)\s*)?(?:\(\s*([A-J])\s*\)|([A-J]))\s*[.):]?", re.IGNORECASE)
_LABELLED = re.compile(r"(?:(?:option|choice)\s+)?(?:\(\s*([A-J])\s*\)\s*|([A-J])\s*[.)]\s+)\S")
_YES_NO = re.compile(r"(yes|no|true|false)\s*[,.;:!-]", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,2}):(\d{2})\s*(?:\\text\{\s*)?((?:[ap]\.?\s*m\.?)?)\s*\}?", re.IGNORECASE)
_LETTERS = re.compile(r"(?:[^\W\d_]|['\s.-])+")
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_VOWEL = re.compile(r"[aeiou]", re.IGNORECASE)
_NO_SOLUTION = ("no solution", "no solutions", "no real solution", "no real solutions", "empty set", "无解", "解なし")
_ALL_REALS = ("all real numbers", "all reals", "all real", "real numbers")
_SETS = dict.fromkeys(_NO_SOLUTION, "c:s()") | dict.fromkeys(_ALL_REALS, "c:t(w:-oo,w:oo)")  # the keys of the sets
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SYNONYMS = {"dne": "does not exist", "doesn't exist": "does not exist"}
_SHORT_WORDS = {"no", "up", "it", "he", "ok"}


def choice_letter(text: str) -> str | None:
    """The letter of a multiple choice, with or without the text of the choice behind it; None if it is none.

    A lone e or i is a number.

    Examples
    --------
    >>> [choice_letter(text) for text in ("(B)", "c.", "B) Paris", "option D", "e", "Because", "x")]
    ['B', 'C', 'B', 'D', None, None, None]
    """
    if text.strip() in ("e", "i"):
        return None
    match = _CHOICE.fullmatch(text.strip()) or _LABELLED.match(text.strip())
    return (match[1] or match[2]).upper() if match else None


def _is_word(token: str) -> bool:
    """Whether letters are a word and not a product: longer than two letters and pronounceable, or not Latin."""
    letters = token.strip("'.-")
    if MATH_WORD.fullmatch(letters):
        return False
    if _CJK.search(letters):
        return True
    return letters.casefold() in _SHORT_WORDS or (len(letters) > 2 and _VOWEL.search(letters) is not None)


def words_key(text: str) -> str | None:
    r"""What the words of an answer are compared by; None if the answer is not made of words.

    Examples
    --------
    >>> [words_key(text) for text in (r"\text{Evelyn}", "**No.**", "(C)", "12:00", "The ellipse")]
    ['t:evelyn', 't:no', 't:(C)', 't:12:00', 't:ellipse']
    >>> words_key("xyz") is words_key("2x") is words_key("pi") is None
    True
    """
    if len(text) > 4 * MAX_CHARS:
        return None
    text = tidy(text).strip('"')
    if len(text) > MAX_CHARS:
        return None
    if letter := choice_letter(text):
        return f"t:({letter})"
    if match := _YES_NO.match(text):
        return f"t:{match[1].casefold()}"
    if match := _TIME.fullmatch(text):
        half = re.sub(r"[^apm]", "", match[3].casefold())
        return f"t:{int(match[1])}:{match[2]}{half}"
    text = re.sub(r"\\text\{([^{}]*)\}", r" \1 ", text)
    if not _LETTERS.fullmatch(text):
        return None
    tokens = [token.strip(".'-") for token in text.casefold().replace("-", " ").split()]
    tokens = [token for token in tokens if token and token not in ("the", "a", "an")]
    if not tokens or len(tokens) > MAX_WORDS or not any(_is_word(token) for token in tokens):
        return None
    if {"and", "or"} & set(tokens):
        return None  # a list, whose members are compared in any order
    if len(tokens) == 1 and tokens[0] in _NUMBERS:
        return f"q:{_NUMBERS.index(tokens[0])}/1"
    words = _SYNONYMS.get(" ".join(tokens), " ".join(tokens))
    return _SETS.get(words, f"t:{words}")

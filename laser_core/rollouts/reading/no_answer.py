"""Placeholders that tools write where they found no answer: missing answers, not votes for "[INVALID]"."""

from __future__ import annotations

import re

# Spelled exactly so by a program: str(None), json.dumps(None), pandas' missing values. In another case these may be
# answers ("none" of the choices, "Na" for sodium).
_EXACT = {"", "None", "null", "NULL", "nan", "NaN", "N/A", "n/a", "<NA>", "Null", "INVALID", "INVALID_ANSWER"}
# In brackets: lm-eval's [invalid] and [invalidanswer], verl's [INVALID], and their kin. Without brackets "invalid" and
# "unknown" are answers to logic puzzles.
_BRACKETED = re.compile(
    r"[\[<(]\s*(?:invalid|invalid[ _-]?answer|invalid[ _-]?format|no[ _-]?answer|no[ _-]?answer[ _-]?found|none|null"
    r"|nan|n/a|na|empty|error|missing|not[ _-]?found|unparsable|unparseable)\s*[\])>]",
    re.IGNORECASE,
)
_PHRASES = {"no answer", "no answer found", "no_answer", "no_answer_found", "answer not found", "no valid answer"}


def is_no_answer(answer: str, reference: str | None = None) -> bool:
    """Whether a file's answer is a placeholder for "none found"; never so if the reference answer says the same.

    Examples
    --------
    >>> [is_no_answer(text) for text in ("[INVALID]", "[invalid]", "None", " ", "N/A", "none", "invalid", "2")]
    [True, True, True, True, True, False, False, False]
    >>> is_no_answer("None", reference="None")
    False
    """
    text = answer.strip().rstrip(".")
    if not text:
        return True
    if len(text) > 40 or (reference is not None and text.casefold() == reference.strip().casefold()):
        return False
    return text in _EXACT or text.casefold() in _PHRASES or _BRACKETED.fullmatch(text) is not None

"""Vocabulary tokens as the text they stand for: Ġthe, ▁the and <0xE2> decoded for display.

Model vocabularies spell tokens in one of three ways, and a file rarely says which:

- byte-level BPE (GPT-2, Llama 3, Qwen, DeepSeek): each byte is one letter of a printable alphabet, a space is Ġ;
- SentencePiece (Llama 2, Mistral, Gemma): a space is ▁, and bytes without a token of their own are <0xE2>;
- plain text: the miniature's vocabulary, and the APIs that return tokens as text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from laser_core.figures.theme import visible

INCOMPLETE = "◌"  # stands for a token that holds only the first bytes of a character
_SPECIAL = re.compile(r"<(?!0x)[^<>\s]{1,60}>")  # <eos>, <|im_end|>, <｜end▁of▁sentence｜>
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_BYTE_LEVEL_SPACE = re.compile("[ĠĊĉ]")  # space, line break, tab
_WHITE = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"})


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's letter for each byte: the printable characters of Latin-1 as they are, the others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


_TO_LATIN_1 = str.maketrans({letter: chr(byte) for letter, byte in _byte_alphabet().items()})
_BYTE_LEVEL = re.compile("[" + "".join(map(re.escape, _byte_alphabet())) + "]*")


def decode_tokens(tokens: Sequence[str]) -> tuple[str, ...]:
    r"""The text of each token of one solution; joined, they are the solution's decoded text.

    The vocabulary's kind is found from all tokens together. A character whose bytes are spread over several tokens
    belongs to the last of them, and the others decode to the empty string. Bytes that are no UTF-8 become U+FFFD, as
    in the tokenizers' own decoders. The space that SentencePiece puts before a text's first word is kept.

    Parameters
    ----------
    tokens : sequence of str
        Tokens as the vocabulary spells them, in their order.

    Returns
    -------
    tuple of str
        As many as there are tokens.

    Examples
    --------
    >>> decode_tokens(["Let", "Ġx", "ĠâĪ", "Ī", "ĠâĦ", "Ŀ", ".ĊĊ", "<|im_end|>"])
    ('Let', ' x', ' ', '∈', ' ', 'ℝ', '.\n\n', '<|im_end|>')
    >>> decode_tokens(["▁So", "▁x", "<0xE2>", "<0x88>", "<0x88>", "<0x0A>", "</s>"])
    (' So', ' x', '', '', '∈', '\n', '</s>')
    >>> decode_tokens(["x", "=", "9", "<eos>"])
    ('x', '=', '9', '<eos>')
    """
    distinct = {token for token in tokens if not _SPECIAL.fullmatch(token)}
    byte_level = sum(_BYTE_LEVEL_SPACE.search(token) is not None for token in distinct)
    sentencepiece = sum("▁" in token or _BYTE.fullmatch(token) is not None for token in distinct)
    spaces = sum(" " in token for token in distinct)
    if byte_level > spaces and byte_level >= sentencepiece:
        return _from_byte_level(tokens)
    if sentencepiece > spaces:
        return _from_sentencepiece(tokens)
    if not spaces and _spells_utf8(token for token in tokens if token in distinct):
        return _from_byte_level(tokens)
    return tuple(tokens)


def token_label(text: str) -> str:
    r"""A decoded token on one line: markers where it is nothing but white space, or no whole character.

    Examples
    --------
    >>> token_label(" the"), token_label("  \n"), token_label(".\n"), token_label("")
    (' the', '␣␣↵', '.↵', '◌')
    """
    if not text:
        return INCOMPLETE
    return visible(text.translate(_WHITE)) if text.isspace() else visible(text)


def _token_bytes(token: str) -> bytes:
    """The bytes of a byte-level token; an added token that is not spelled in the alphabet is text as it stands."""
    if _BYTE_LEVEL.fullmatch(token):
        return token.translate(_TO_LATIN_1).encode("latin-1")
    return token.encode("utf-8", "replace")


def _spells_utf8(tokens: Iterable[str]) -> bool:
    """Whether tokens without a space are byte-level all the same, such as 'ä½łå¥½': all are bytes of UTF-8 text."""
    text = "".join(tokens)
    if text.isascii() or not _BYTE_LEVEL.fullmatch(text):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(_token_bytes(text))  # a cut-off last character is no error
    except UnicodeDecodeError:
        return False
    return True


def _from_byte_level(tokens: Sequence[str]) -> tuple[str, ...]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    known: dict[str, bytes] = {token: _token_bytes(token) for token in set(tokens)}
    texts = [decoder.decode(known[token]) for token in tokens]
    if texts:
        texts[-1] += decoder.decode(b"", True)
    return tuple(texts)


def _from_sentencepiece(tokens: Sequence[str]) -> tuple[str, ...]:
    texts: list[str] = []
    run: list[int] = []
    for token in tokens:
        byte = _BYTE.fullmatch(token)
        if byte is not None:
            run.append(int(byte.group(1), 16))
            continue
        texts += _from_bytes(run)
        run = []
        texts.append(token.replace("▁", " "))
    return tuple(texts + _from_bytes(run))


def _from_bytes(run: Sequence[int]) -> list[str]:
    """The text of each of neighbouring byte tokens: one U+FFFD each where together they are no UTF-8."""
    try:
        bytes(run).decode("utf-8")
    except UnicodeDecodeError:
        return ["\ufffd"] * len(run)
    decoder = codecs.getincrementaldecoder("utf-8")()
    return [decoder.decode(bytes([byte])) for byte in run]

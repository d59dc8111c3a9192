"""Decoding of vocabulary tokens, against tokenizers trained here on English, LaTeX, code, Chinese and emoji."""

import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from laser_core.figures.token_decoding import decode_tokens, token_label

ASCII = [
    "Let us solve the equation.\n\nThe value of x is 42, so the answer is 42.",
    r"We have $\frac{1}{2} + \sqrt{x} = \boxed{7}$ and \(a \le b\).",
    "def solve(x):\n    if x > 0:\n\t\treturn x ** 2  # twice\n",
]
WIDE = ["所以答案是四十二。你好，世界", "🎉 done 👍🏽 👩‍👩‍👧", "∀ x ∈ ℝ: x² ≥ 0, naïve café"]
VERDICT = "<|im_end|>"


@cache
def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=alphabet, special_tokens=[VERDICT], show_progress=False
    )
    tokenizer.train_from_iterator(ASCII * 3 + WIDE[:1], trainer)
    return tokenizer


@cache
def sentencepiece() -> Tokenizer:
    """▁ for spaces and <0xNN> for characters outside the vocabulary, spelled and decoded as Gemma's are."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    octets = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=["<unk>", VERDICT, *octets], show_progress=False)
    tokenizer.train_from_iterator([line.replace("\n", "") for line in ASCII], trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] not in octets]
    state["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(state))


KINDS = pytest.mark.parametrize("train", [byte_level, sentencepiece])
TEXTS = st.lists(st.one_of(st.sampled_from(ASCII + WIDE + [VERDICT]), st.text(max_size=12)), max_size=5).map("".join)


def spelled(tokenizer: Tokenizer, ids: list[int]) -> list[str]:
    return [tokenizer.id_to_token(i) for i in ids]


@KINDS
@settings(max_examples=150, deadline=None)
@given(text=TEXTS, share=st.floats(0, 1))
def test_joined_the_pieces_are_the_decoded_text_wherever_the_solution_is_cut_off(train, text, share):
    tokenizer = train()
    ids = tokenizer.encode("Let x be" + text).ids
    ids = ids[: max(len(tokenizer.encode("Let x").ids), round(share * len(ids)))]
    pieces = decode_tokens(spelled(tokenizer, ids))
    assert len(pieces) == len(ids)
    assert "".join(pieces) == tokenizer.decode(ids, skip_special_tokens=False)


@KINDS
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_bytes_that_are_no_text_decode_as_the_tokenizer_decodes_them(train, data):
    tokenizer = train()
    more = data.draw(st.lists(st.integers(0, tokenizer.get_vocab_size() - 1), max_size=20))
    ids = tokenizer.encode("the answer is").ids + more
    assert "".join(decode_tokens(spelled(tokenizer, ids))) == tokenizer.decode(ids, skip_special_tokens=False)


@KINDS
@pytest.mark.parametrize("text", ASCII + WIDE)
def test_no_spelling_of_the_vocabulary_is_left(train, text):
    tokenizer = train()
    tokens = spelled(tokenizer, tokenizer.encode(text).ids)
    assert tokens != list(decode_tokens(tokens))
    assert "".join(decode_tokens(tokens)) == text


@KINDS
def test_a_character_of_several_tokens_stands_on_its_last(train):
    tokenizer = train()
    tokens = spelled(tokenizer, tokenizer.encode("a 🎉").ids)
    pieces = decode_tokens(tokens)
    assert len(tokens) >= 5
    assert pieces[-1] == "🎉"
    assert set(pieces[-4:-1]) <= {"", " "}


def test_chinese_alone_is_recognised_without_a_space():
    tokens = spelled(byte_level(), byte_level().encode("你好").ids)
    assert not any("Ġ" in token for token in tokens)
    assert "".join(decode_tokens(tokens)) == "你好"


@pytest.mark.parametrize(
    "tokens",
    [
        ["1", "3", "*", "x", "=", "5", "<eos>"],  # the miniature
        ["The", " answer", " is", "\n\n", "café", " 你好", "�"],  # an API
        ["Ġużeppi", " mar", " id", "-dar", " ta", " ħuh"],  # Maltese, whose Ġ is a letter
        ["ł", "ó", "d", "ź"],  # letters that byte-level spells bytes with, but no UTF-8
        [" a", "▁", " b", " c"],
        ["", "x"],
        [],
    ],
)
def test_plain_tokens_stay_as_they_are(tokens):
    assert list(decode_tokens(tokens)) == tokens


def test_a_special_token_does_not_make_a_byte_level_vocabulary_sentencepiece():
    # DeepSeek's end of sentence holds the letter that SentencePiece spells a space with.
    assert decode_tokens(["1", "<｜end▁of▁sentence｜>"]) == ("1", "<｜end▁of▁sentence｜>")
    assert decode_tokens(["é".encode().decode("latin-1"), "<｜end▁of▁sentence｜>"]) == ("é", "<｜end▁of▁sentence｜>")


def test_white_space_is_marked_only_where_a_token_is_nothing_else():
    assert [token_label(text) for text in (" ", "    ", "\n", "\t", " the", "", "\u202e")] == [
        "␣",
        "␣␣␣␣",
        "↵",
        "⇥",
        " the",
        "◌",
        "\\u202e",
    ]

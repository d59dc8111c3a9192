"""Chat prompts by role: who says what before the response, out of messages or of a chat template's text.

A prompt is kept beside the problem only where it says more than the problem does, such as a system prompt or earlier
turns. It is stored as the JSON of its messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from laser_core.rollouts.reading.lists import is_chat

MAX_TURNS = 200
MAX_CHARS = 200_000  # of a prompt that is looked through for a template's marks
FIELDS = ("prompt", "messages", "input", "arguments", "question", "query", "full_prompt", "input_prompt", "chat")

_TEMPLATES = (  # how chat templates open a turn (the role may be in the mark), and what ends it
    (re.compile(r"<\|im_start\|>(?P<role>\w+)\n"), "<|im_end|>"),
    (re.compile(r"<\|start_header_id\|>(?P<role>\w+)<\|end_header_id\|>\s*"), "<|eot_id|>"),
    (re.compile(r"<start_of_turn>(?P<role>\w+)\n"), "<end_of_turn>"),
    (re.compile("<\uff5c(?P<role>User|Assistant)\uff5c>"), "<\uff5cend\u2581of\u2581sentence\uff5c>"),
    (re.compile(r"<\|(?P<role>system|user|assistant)\|>\n?"), "<|end|>"),
)
# A template's text without its special tokens, as verl writes it: each role on a line of its own.
_BARE = re.compile(r"(?:\A|(?<=\n))(?P<role>system|user|assistant)\n")
_NAMES = {"model": "assistant", "human": "user", "gpt": "assistant"}


@dataclass(frozen=True)
class Turn:
    """One message of a chat: who speaks ("system", "user", "assistant", "tool", ...), and what."""

    role: str
    text: str


@lru_cache(maxsize=256)  # a group's solutions share their prompt
def turns(prompt: str) -> tuple[Turn, ...]:
    r"""A prompt's messages; empty where the text has no roles.

    Parameters
    ----------
    prompt : str
        The JSON of messages, or a text that a chat template was applied to, with or without its special tokens. A turn
        that is opened for the response and left empty is no message.

    Examples
    --------
    >>> [(turn.role, turn.text) for turn in turns("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1+1?")]
    [('system', 'Be brief.'), ('user', '1+1?')]
    >>> [(turn.role, turn.text) for turn in turns("user\n1+1?\nassistant\n")]
    [('user', '1+1?')]
    >>> turns("user\nstories are short"), turns("1+1?")
    ((), ())
    """
    if prompt[:1] == "[" and (spelled := _from_json(prompt)) is not None:
        return spelled
    for opening, closing in _TEMPLATES:
        if found := _split(prompt[:MAX_CHARS], opening, closing):
            return found
    ends_open = re.search(r"(?:\A|\n)assistant\n?\s*\Z", prompt[-40:])
    return _split(prompt[:MAX_CHARS], _BARE, None) if ends_open and _BARE.match(prompt) else ()


def question(problem: str) -> str:
    r"""What a problem asks: the last user turn of a chat template's text, any other text as it is.

    Examples
    --------
    >>> question("system\nBe brief.\nuser\n1+1?\nassistant\n"), question("1+1?")
    ('1+1?', '1+1?')
    """
    return next((turn.text for turn in reversed(turns(problem)) if turn.role == "user"), problem)


def stored_prompt(record: Mapping[str, object], problem: object, position: int = 0) -> str | None:
    """What a record's chat says beside the problem, as JSON messages; None where it says no more.

    Parameters
    ----------
    record : mapping of str to object
        The file's record.
    problem : object
        The problem's text as the reader took it.
    position : int
        Of the solution among those of its record, where a record lists the prompt of each.

    Examples
    --------
    >>> chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]
    >>> stored_prompt({"prompt": chat}, "1+1?")
    '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]'
    >>> stored_prompt({"prompt": chat[1:]}, "1+1?") is None
    True
    """
    if isinstance(problem, str) and turns(problem):
        return None  # a template's text is the problem itself, roles and all
    for name in FIELDS:
        value = record.get(name)
        if isinstance(value, list) and not is_chat(value) and position < len(value):
            value = value[position]
        said = of_messages(value) if is_chat(value) else turns(value) if isinstance(value, str) else ()
        while said and said[-1].role == "assistant":
            said = said[:-1]  # the response has a column of its own
        if said:
            return None if [turn.text for turn in said] == [str(problem).strip()] else spelled_out(said)
    return None


def spelled_out(said: Sequence[Turn]) -> str:
    """Messages as the JSON that :func:`turns` reads."""
    return json.dumps([{"role": turn.role, "content": turn.text} for turn in said], ensure_ascii=False)


def of_messages(messages: object) -> tuple[Turn, ...]:
    """The turns of a list of messages, whose contents may be texts or parts; empty for anything else."""
    if not is_chat(messages) or not isinstance(messages, list):
        return ()
    found = []
    for message in messages[:MAX_TURNS]:
        content = message["content"]
        if isinstance(content, list):  # in parts, of which only the texts can be read
            content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
        if isinstance(content, str) and content.strip():
            role = str(message["role"])[:40]
            found.append(Turn(_NAMES.get(role, role), content.strip()))
    return tuple(found)


def _from_json(prompt: str) -> tuple[Turn, ...] | None:
    try:
        return of_messages(json.loads(prompt)) or None
    except (ValueError, RecursionError):
        return None


def _split(prompt: str, opening: re.Pattern[str], closing: str | None) -> tuple[Turn, ...]:
    """The text between one mark and the next."""
    marks = list(opening.finditer(prompt))[:MAX_TURNS]
    if not marks:
        return ()
    found = []
    before = prompt[: marks[0].start()].strip()
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        text = prompt[mark.end() : following.start() if following else len(prompt)]
        text = (text.partition(closing)[0] if closing else text).strip()
        if text:
            role = mark["role"].lower()
            found.append(Turn(_NAMES.get(role, role), text))
    if found and before and len(before) > 20:  # DeepSeek's system prompt has no mark of its own
        found.insert(0, Turn("system", before))
    return tuple(found)

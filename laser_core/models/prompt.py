"""How a problem becomes what the model reads: the prompt, as settings and as one text with a place for the problem."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from laser_core.errors import InputError

PLACE = "{problem}"
INSTRUCTION = "{instruction}"
CHAT = ("auto", "on", "off")
ANSWER_FORMATS = {
    "boxed": "Please reason step by step, and put your final answer within \\boxed{}.",
    "hash": "Please reason step by step, and write the final answer on the last line after ####.",
    "none": "",
}
CHAT_TEMPLATE = f"{PLACE}\n{INSTRUCTION}"
BASE_TEMPLATE = f"Problem: {PLACE}\n{INSTRUCTION}\nSolution:"
TOY_VOCABULARY = 1000  # tokens; a model with fewer has no words to be asked with, and reads the problem as it is
PROMPT_FILE = "laser_prompt.json"  # in the folder of a model that was trained with a prompt


@dataclass(frozen=True)
class PromptSettings:
    """What can be set about a prompt; the defaults suit base and instruction-tuned models alike.

    Attributes
    ----------
    template : str
        The text around ``{problem}``, and optionally ``{instruction}``. Empty: the usual one of the model's kind.
    system : str
        The system message of a chat; without a chat template it stands above everything else.
    chat : {"auto", "on", "off"}
        Whether to use the model's chat template; auto: if it has one.
    answer_format : {"auto", "boxed", "hash", "none"}
        Which instruction says how to write the final answer; auto: boxed.

    Raises
    ------
    InputError
        From the constructor, naming the setting.
    """

    template: str = ""
    system: str = ""
    chat: str = "auto"
    answer_format: str = "auto"

    def __post_init__(self) -> None:
        if self.template and self.template.count(PLACE) != 1:
            raise InputError(
                f"it holds {PLACE} {self.template.count(PLACE)} times",
                field="prompt_template",
                remedy=f"write {PLACE} once, where the problem goes",
            )
        for name, allowed in (("chat", CHAT), ("answer_format", ("auto", *ANSWER_FORMATS))):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{getattr(self, name)!r} is not allowed",
                    field="prompt_chat" if name == "chat" else name,
                    remedy=f"choose one of {', '.join(allowed)}",
                )


@dataclass(frozen=True)
class Prompt:
    """All that a model reads before it writes.

    Attributes
    ----------
    text : str
        With ``{problem}`` once, where the problem goes; the markup of a chat included.
    chat : bool
        Whether the text is a chat template's. If not, the tokenizer adds the tokens that begin a text.
    """

    text: str = PLACE
    chat: bool = False

    def render(self, problem: str) -> str:
        """The text for one problem.

        Examples
        --------
        >>> Prompt("Q: {problem}\\nA:").render("{problem}?")
        'Q: {problem}?\\nA:'
        """
        before, _, after = self.text.partition(PLACE)
        return f"{before}{problem}{after}"

    def encode(self, tokenizer: PreTrainedTokenizerBase, problem: str) -> list[int]:
        """Token ids of the prompt for one problem."""
        return list(tokenizer.encode(self.render(problem), add_special_tokens=not self.chat))


def make_prompt(
    tokenizer: PreTrainedTokenizerBase,
    settings: PromptSettings | None = None,
    examples: Sequence[tuple[str, str]] = (),
) -> Prompt:
    """The prompt that the settings ask for, for one model.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
    settings : PromptSettings, optional
    examples : sequence of (str, str)
        Problems with worked solutions, to show first: turns of the chat, or one after the other.

    Returns
    -------
    Prompt

    Raises
    ------
    InputError
        If a chat is asked for and the model has no chat template, or its template refuses the messages.
    """
    settings = settings or PromptSettings()
    chat = bool(tokenizer.chat_template) if settings.chat == "auto" else settings.chat == "on"
    if chat and not tokenizer.chat_template:
        raise InputError("the model has no chat template", field="prompt_chat", remedy="leave it at auto, or set off")
    toy = not chat and len(tokenizer) < TOY_VOCABULARY
    template = settings.template or (CHAT_TEMPLATE if chat else PLACE if toy else BASE_TEMPLATE)
    instruction = ANSWER_FORMATS["boxed" if settings.answer_format == "auto" else settings.answer_format]
    template = template.replace(INSTRUCTION, instruction) if instruction else _without_instruction(template)
    if chat:
        return Prompt(_chat_text(tokenizer, template, settings.system, examples), chat=True)
    shown = [f"{template.replace(PLACE, problem)} {solution}\n\n" for problem, solution in examples]
    system = f"{settings.system}\n\n" if settings.system else ""
    return Prompt(_one_place(f"{system}{''.join(shown)}{template}"))


def _one_place(text: str) -> str:
    """The text with its last place for a problem only: an example may itself speak of ``{problem}``.

    Examples
    --------
    >>> _one_place("Fill {problem} in. Problem: {problem}")
    'Fill { problem } in. Problem: {problem}'
    """
    before, _, after = text.rpartition(PLACE)
    return f"{before.replace(PLACE, '{ problem }')}{PLACE}{after}"


def _without_instruction(template: str) -> str:
    """The template without its instruction and the line that held it."""
    return template.replace(f"\n{INSTRUCTION}", "").replace(INSTRUCTION, "")


def _chat_text(
    tokenizer: PreTrainedTokenizerBase, template: str, system: str, examples: Sequence[tuple[str, str]]
) -> str:
    messages = [{"role": "system", "content": system}] if system else []
    for problem, solution in examples:
        messages.append({"role": "user", "content": template.replace(PLACE, problem)})
        messages.append({"role": "assistant", "content": solution})
    messages.append({"role": "user", "content": template})
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # the template's own, in whatever words and type it chose
        raise InputError(
            f"the model's chat template refuses these messages ({error})",
            field="prompt_system" if system else "prompt_chat",
            remedy="leave out the system text, or set prompt_chat to off",
        ) from None
    assert isinstance(text, str)  # what tokenize=False returns
    if PLACE not in text:
        raise InputError(
            "the model's chat template drops the problem", field="prompt_chat", remedy="set prompt_chat to off"
        )
    return _one_place(text)


def read_prompt(folder: str | Path) -> Prompt | None:
    """The prompt that a model in a folder was trained with; None where none is noted."""
    try:
        values = json.loads((Path(folder) / PROMPT_FILE).read_text(encoding="utf-8"))
        text, chat = values["text"], values["chat"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    known = isinstance(text, str) and text.count(PLACE) == 1 and isinstance(chat, bool)
    return Prompt(text, chat) if known else None


def write_prompt(prompt: Prompt, folder: str | Path) -> None:
    """Note in a model's folder which prompt it was trained with, for :func:`read_prompt`."""
    (Path(folder) / PROMPT_FILE).write_text(json.dumps(asdict(prompt), indent=1) + "\n", encoding="utf-8")

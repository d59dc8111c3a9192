"""How a problem becomes what the model reads: the prompt, as settings and as one text with a place for the problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from laser_core.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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
CLOSING = 8  # characters at a chat prompt's end that tell one model's markup from another's
TOY_VOCABULARY = 1000  # tokens; a model with fewer has no words to be asked with, and reads the problem as it is


@dataclass(frozen=True)
class PromptSettings:
    """What can be set about a prompt; the defaults suit base and instruction-tuned models alike.

    Attributes
    ----------
    template : str
        The text around ``{problem}``, and optionally ``{instruction}``. Empty: the usual one of the model's kind.
    system : str
        The system message of a chat; without a chat template it stands above everything else.
    examples : str
        Worked problems to show first: a task with solutions, such as ``gsm8k``, or a file of them.
    shots : int
        How many of them.
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
    examples: str = ""
    shots: int = 4
    chat: str = "auto"
    answer_format: str = "auto"

    def __post_init__(self) -> None:
        if self.template and self.template.count(PLACE) != 1:
            raise InputError(
                f"it holds {PLACE} {self.template.count(PLACE)} times",
                field="prompt_template",
                remedy=f"write {PLACE} once, where the problem goes",
            )
        if self.shots < 0:
            raise InputError(f"{self.shots} is not allowed", field="prompt_shots", remedy="give 0 or more")
        for name, allowed in (("chat", CHAT), ("answer_format", ("auto", *ANSWER_FORMATS))):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{getattr(self, name)!r} is not allowed",
                    field="prompt_chat" if name == "chat" else name,
                    remedy=f"choose one of {', '.join(allowed)}",
                )

    @property
    def answers(self) -> str:
        """The format that solutions close with: one of :data:`ANSWER_FORMATS`."""
        return "boxed" if self.answer_format == "auto" else self.answer_format

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> PromptSettings:
        """From names and values as texts.

        Raises
        ------
        InputError
            Naming the setting, if there is none of a name or it cannot have the value.

        Examples
        --------
        >>> PromptSettings.from_pairs([("chat", "off"), ("shots", "2")])
        PromptSettings(template='', system='', examples='', shots=2, chat='off', answer_format='auto')
        """
        known = [f.name for f in fields(cls)]
        values: dict[str, str | int] = {}
        for name, value in pairs:
            if name not in known:
                raise InputError("a prompt has no such setting", field=name, remedy=f"choose among {', '.join(known)}")
            if name == "shots" and not value.isdecimal():
                raise InputError(f"{value!r} is not a number", field="prompt_shots", remedy="give 0 or more")
            # Typed on a command line, where a line break is hard to write.
            values[name] = int(value) if name == "shots" else value.replace("\\n", "\n")
        return cls(**values)  # type: ignore[arg-type]  # shots alone is a number


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

    @property
    def joint(self) -> str:
        """What stands between the prompt and a given solution: a space where the prompt ends in a word of its own.

        Examples
        --------
        >>> Prompt("Q: {problem}\\nA:").joint, Prompt("{problem}").joint, Prompt("Q: {problem}\\n", chat=True).joint
        (' ', '', '')
        """
        open_end = self.chat or self.text.endswith(PLACE) or self.text[-1:].isspace()
        return "" if open_end else " "

    def sentence(self) -> str:
        """What a model reads, for the user."""
        return "The model reads: " + self.text.replace("\n", "\n    ")

    def closes_as(self, other: Prompt) -> bool:
        """Whether both hand over to the model in the same way, as prompts of one model's chats do."""
        return self.chat == other.chat and (not self.chat or self.text[-CLOSING:] == other.text[-CLOSING:])

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
    instruction = ANSWER_FORMATS[settings.answers]
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

"""Prompts: what a model reads, by its kind and by the settings."""

import pytest
from transformers import PreTrainedTokenizerFast

from laser_core.errors import InputError
from laser_core.miniature.model import make_tokenizer
from laser_core.models.prompt import Prompt, PromptSettings, make_prompt

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHATML
BOXED = "Please reason step by step, and put your final answer within \\boxed{}."


@pytest.fixture
def toy() -> PreTrainedTokenizerFast:
    return make_tokenizer()


@pytest.fixture
def chat(toy) -> PreTrainedTokenizerFast:
    toy.chat_template = CHATML
    return toy


@pytest.fixture
def base(toy) -> PreTrainedTokenizerFast:
    toy.add_tokens([f"word{i}" for i in range(1000)])  # no toy any more
    return toy


def test_a_toy_reads_the_problem_as_it_is(toy):
    prompt = make_prompt(toy)
    assert prompt == Prompt("{problem}", chat=False)
    assert prompt.encode(toy, "5*x+7=52?") == toy.encode("5*x+7=52?")


def test_a_base_model_is_asked_for_a_solution(base):
    assert make_prompt(base).render("1+1?") == f"Problem: 1+1?\n{BOXED}\nSolution:"


def test_a_chat_model_gets_its_own_markup(chat):
    prompt = make_prompt(chat)
    assert prompt.chat
    assert prompt.text == f"<|im_start|>user\n{{problem}}\n{BOXED}<|im_end|>\n<|im_start|>assistant\n"
    message = [{"role": "user", "content": f"1+1?\n{BOXED}"}]
    whole = chat.apply_chat_template(message, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert prompt.encode(chat, "1+1?") == whole


def test_every_setting_reaches_the_text(chat):
    settings = PromptSettings(template="Q: {problem} ({instruction})", system="Be brief.", answer_format="hash")
    text = make_prompt(chat, settings, [("2+2?", "It is 4.\n#### 4")]).render("1+1?")
    asked = "Please reason step by step, and write the final answer on the last line after ####."
    assert text == (
        f"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nQ: 2+2? ({asked})<|im_end|>\n"
        f"<|im_start|>assistant\nIt is 4.\n#### 4<|im_end|>\n<|im_start|>user\nQ: 1+1? ({asked})<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_without_the_chat_template_examples_stand_above_each_other(base):
    base.chat_template = CHATML
    settings = PromptSettings(chat="off", answer_format="none", system="Sums.")
    text = make_prompt(base, settings, [("2+2?", "4")]).render("1+1?")
    assert text == "Sums.\n\nProblem: 2+2?\nSolution: 4\n\nProblem: 1+1?\nSolution:"


def test_an_example_that_speaks_of_the_place_does_not_take_it(base):
    prompt = make_prompt(base, PromptSettings(answer_format="none"), [("What is {problem}?", "A place.")])
    assert prompt.render("1+1?").endswith("Problem: 1+1?\nSolution:")
    assert prompt.text.count("{problem}") == 1


def test_what_cannot_be_asked_is_said(toy, chat):
    with pytest.raises(InputError, match="holds {problem} 0 times"):
        PromptSettings(template="Solve this.")
    with pytest.raises(InputError, match="choose one of auto, on, off"):
        PromptSettings(chat="yes")
    with pytest.raises(InputError, match="no such setting"):
        PromptSettings.from_pairs([("tempalte", "{problem}")])
    chat.chat_template = NO_SYSTEM
    with pytest.raises(InputError, match="no system role") as caught:
        make_prompt(chat, PromptSettings(system="Be brief."))
    assert caught.value.field == "prompt_system"
    chat.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        make_prompt(chat, PromptSettings(chat="on"))


def test_prompts_of_one_models_chats_are_told_from_anothers(chat):
    one, other = make_prompt(chat), make_prompt(chat, PromptSettings(system="Be brief."))
    assert one.closes_as(other)
    assert not one.closes_as(Prompt("[INST] {problem} [/INST]", chat=True))
    assert not one.closes_as(Prompt("{problem}"))

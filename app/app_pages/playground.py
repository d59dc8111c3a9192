"""Playground: a problem, one or more models, their solutions as they arrive, and the vote among them."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Literal

import streamlit as st

from app.format import count, literal
from app.format import fault as describe
from app.sections import playground
from app.widgets import choices, parts
from laser_core.errors import InputError
from laser_core.models.notes import ModelNotes, read_notes
from laser_core.playground import typed_problem
from laser_core.playground.protocol import MAX_NEW_TOKENS, MAX_SAMPLES, Request
from laser_core.tasks.sources import FAMILIES

BUNDLED = ["base", "grpo", "laser"]
QUESTION = "Does the model believe its own answer?"
LOCAL = "local"  # the option for a model that is not listed

known = playground.models()
tasks = tuple(dict.fromkeys(m.task for m in known.values() if m.task in FAMILIES)) or ("linear",)
st.session_state.setdefault("playground_problem", typed_problem.example(tasks[0]))


def take_random() -> None:
    st.session_state["playground_problem"] = typed_problem.random_problem(tasks[0], random.randrange(10**6)).text


def count_one_by_one() -> None:
    st.session_state["playground_next"] = 1
    st.session_state["playground_counting"] = time.monotonic()


top = st.container()
runnable = parts.models_can_run()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    words = LOCAL in st.session_state.get("playground_models", ())  # a model that takes more than an equation
    wide: Literal["stretch"] | int = "stretch" if words else 270
    text = st.text_input("Problem", key="playground_problem", persist_state="session", max_chars=4000, width=wide)
    st.button(
        "Random", icon=":material/casino:", on_click=take_random, help="A held-out problem: no model trained on it."
    )
    n = st.slider("Solutions", 1, MAX_SAMPLES, 8, key="playground_n", persist_state="session", width=180)
    slow = st.toggle("Slow motion", True, key="playground_slow", persist_state="session", help="To read along.")
    button = st.empty()  # drawn when it is known whether these models can solve the problem
MOST = 4
at_first = [key for key in BUNDLED if key in known] or [LOCAL]
current = str(st.session_state.get("run"))
alone = current if current in known else at_first[0]
choices.with_run("playground_models", alone, at_first, offered=[*known, LOCAL], most=MOST)
chosen = st.multiselect(
    "Models",
    [*known, LOCAL],
    key="playground_models",
    persist_state="session",
    max_selections=MOST,
    format_func=lambda key: "Another model" if key == LOCAL else known[key].title,
)


def other_model() -> tuple[playground.Model, str]:
    """The fields of a model that is not listed, and the reference answer."""
    with st.container(border=True):
        st.caption(
            "A folder on the server with a model (config.json, tokenizer.json, model.safetensors) or a LoRA adapter, a "
            ".gguf file, or smollm2-135m. Code in it is never run, and nothing is downloaded. c_ref is that of the "
            "model before training: `laser` notes it in the folders it writes, and `laser sample BASE` measures it."
        )
        fields = st.columns([3, 2], gap="small")
        path = fields[0].text_input("Model", key="playground_path", persist_state="session").strip()
        notes = read_notes(path) if path else ModelNotes()
        noted = notes.c_ref
        reference = fields[1].text_input("Reference answer", key="playground_answer", placeholder="unknown")
        prompt = st.text_area(
            "Prompt",
            key="playground_prompt",
            persist_state="session",
            max_chars=4000,
            height="content",
            placeholder="as in training: the problem, through the chat template where there is one",
            help="What the model is asked, with {problem} where the problem goes.",
        )
        numbers = st.columns(4, gap="small")
        token = numbers[0].text_input(
            "Verdict token z_c",
            key="playground_z",
            placeholder=f"{notes.z_token}, as noted" if notes.z_token else "first reserved token",
        )
        beta_v = numbers[1].number_input("β_v, reward per nat", 0.001, 10.0, 0.1, key="playground_beta")
        usual = -23.0 if noted is None else noted
        placeholder = f"{usual:.2f}" + ("" if noted is None else ", as noted")
        c_ref = numbers[2].number_input(
            "c_ref, nats", -100.0, 0.0, None, placeholder=placeholder, key="playground_c_ref"
        )
        guessed = bool(path) and noted is None and c_ref is None
        c_ref = usual if c_ref is None else c_ref
        longest = numbers[3].number_input("Longest solution, tokens", 1, MAX_NEW_TOKENS, 256, key="playground_longest")
        if guessed:
            st.warning(
                f"No c_ref is noted in this folder, and {usual:.0f} is Qwen2.5's: scores may be too high or too low by "
                "a constant, and weighted votes may differ. The order of the solutions does not depend on it.",
                icon=":material/info:",
            )
    title = "/".join(Path(path).parts[-2:]) or "Another model"  # "fit-0/model": runs call their folder so
    return playground.Model(title, path, beta_v, c_ref, token.strip(), None, int(longest), prompt), reference


local: playground.Model | None = None
reference = ""
if LOCAL in chosen:
    local, reference = other_model()
typed, fault = None, ""
try:
    typed = typed_problem.read_problem(text, tasks)
except InputError as error:
    fault = describe(error)
miniature = [key for key in chosen if key != LOCAL]
if miniature and typed is None:
    others = " “Another model” takes any problem." if local is None else " Remove them to sample the other model."
    st.warning(literal(fault) + others, icon=":material/info:")
elif typed is not None and miniature:
    st.caption(f"**{literal(typed.problem.text)}** The answer is {typed.problem.answer}. {typed.note}")
possible = bool(chosen) and not (miniature and typed is None) and not (local and not local.path)
asked = button.button(
    "Sample",
    key="playground_sample",
    type="primary",
    icon=":material/play_arrow:",
    disabled=not (runnable and possible),
)
problem_text = text if typed is None or not miniature else typed.problem.text


def draw_all() -> None:
    """Sample every chosen model in turn, show the tokens as they arrive, and keep the solutions for this session."""
    seed, draws = random.randrange(2**31), {}
    models = {key: known[key] for key in chosen if key != LOCAL and typed is not None}
    if local is not None:
        models[LOCAL] = local
    columns = st.columns(max(len(models), 1), gap="medium")
    for column, model in zip(columns, models.values(), strict=False):
        column.subheader(literal(model.title), anchor=False)
    for column, (key, model) in zip(columns, models.items(), strict=False):
        with column:
            try:
                request = Request(
                    model=model.path,
                    problem=problem_text,
                    answer=(reference.strip() or None) if typed is None else typed.problem.answer,
                    samples=n,
                    seed=seed,
                    beta_v=model.beta_v,
                    c_ref=model.c_ref,
                    z_token=model.z_token,
                    max_new_tokens=model.max_new_tokens,
                    prompt=model.prompt,
                )
                draws[key] = playground.stream(model, request, slow=slow)
            except InputError as error:
                message = "This model has no token known to be unused. Name one in the field “Verdict token z_c”."
                st.error(message if "z_token" in str(error) else literal(error), icon=":material/error:")
    st.session_state["playground_draws"] = draws
    if slow:
        count_one_by_one()
    else:
        st.session_state["playground_next"] = n
    if len(draws) == len(models) and draws:
        st.rerun()


draws = {} if asked else playground.still_for(st.session_state.get("playground_draws", {}), problem_text)
with top:
    if draws:
        first = next(iter(draws.values()))
        shown = literal(first.request.problem, 60)
        parts.header(
            QUESTION,
            f"One draw of {count(first.request.samples, 'solution')} from {count(len(draws), 'model')} for {shown} "
            "Another draw may have another winner.",
        )
    else:
        parts.header(QUESTION, "Type a problem, and watch the models solve it and score their own solutions.")
if asked:
    draw_all()
elif draws:
    most = min(draw.request.samples for draw in draws.values())
    counted = most
    if most > 1:
        waiting = st.session_state.pop("playground_next", None) or st.session_state.get("playground_counted", most)
        st.session_state["playground_counted"] = min(waiting, most)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            counted = st.slider("Count the votes of the first N solutions", 1, most, key="playground_counted")
            st.button("Count one by one", icon=":material/replay:", on_click=count_one_by_one)
        playground.count_on(counted, most)
    playground.show(draws, counted)
    st.caption(
        "A few solutions of one problem say little about a model. **Start** and **Compare** show hundreds of problems, "
        "with intervals."
    )
else:
    st.info(
        "Press **Sample**. Each token appears on the colour of the score after it: vermilion below 0.5, blue above. "
        "Then the solutions vote, once each and weighted by their scores.",
        icon=":material/info:",
    )

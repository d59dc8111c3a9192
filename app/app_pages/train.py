"""Train: start a miniature run, watch it, stop and resume it, and open its rollouts."""

from __future__ import annotations

import dataclasses

import streamlit as st

from app.format import count, duration, literal
from app.sections import train, train_phases
from app.widgets import choices, parts
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.jobs import jobs

QUESTION = "What does training do to the score?"
METHODS = {"laser": "LaSeR", "grpo": "GRPO"}
METHOD_SETTINGS = {  # settings of the method
    "alpha": "α, weight of the score loss",
    "beta_v": "β_v, reward per nat",
    "tau": "τ, the score's share of the advantage",
    "std_threshold": "T, minimum spread of a problem's scores",
    "reasoning_warmup": "Warm-up steps of GRPO alone",
    "self_reward_warmup": "Warm-up steps that train the score",
    "z_token": "Verdict token z_c",
}
SIZE_SETTINGS = {  # settings that decide how long a run takes
    "prompts_per_step": "Problems per step",
    "rollouts_per_prompt": "Solutions per problem",
    "lr": "Learning rate",
    "eval_problems": "Held-out problems",
    "eval_samples": "Solutions of each",
}
FIELDS = {field.name: field for field in dataclasses.fields(LaserConfig)}
DEFAULTS = LaserConfig()
MOST = {"steps": 2000, "prompts_per_step": 512, "rollouts_per_prompt": 64, "eval_problems": 4000, "eval_samples": 64}


def setting(name: str, label: str) -> object:
    """The widget of one setting, with the setting's own help."""
    about, default = FIELDS[name].metadata, getattr(DEFAULTS, name)
    shared = {
        "key": f"train_{name}",
        "help": about["help"] + (f" ({about['unit']})" if about["unit"] else ""),
        "persist_state": "session",
    }
    if isinstance(default, str):
        return st.text_input(label, default, placeholder="first reserved token", **shared)
    if isinstance(default, int):
        return st.number_input(label, 0, MOST.get(name, 10_000), default, **shared)
    step, shown = (1e-5, "%.0e") if name == "lr" else (0.05, "%.2f")
    return st.number_input(label, 0.0, 100.0, default, step=step, format=shown, **shared)


def in_pairs(labels: dict[str, str]) -> dict[str, object]:
    """The settings' widgets in two columns; an odd last one has the full width."""
    chosen, names = {}, list(labels)
    for start in range(0, len(names), 2):
        pair = names[start : start + 2]
        for column, name in zip(st.columns(len(pair), gap="small", vertical_alignment="bottom"), pair, strict=True):
            with column:
                chosen[name] = setting(name, labels[name])
    return chosen


def begin(live: jobs.Job | None, pace: train_phases.Pace | None) -> None:
    """What starts a run: its settings, what to expect of them, and the button."""
    with st.container(border=True):
        st.markdown("**Start a run**")
        runnable = parts.models_can_run()
        method = st.segmented_control(
            "Method",
            list(METHODS),
            default="laser",
            format_func=METHODS.__getitem__,
            key="train_method",
            required=True,
            persist_state="session",
        )
        columns = st.columns(2, gap="small")
        with columns[0]:
            steps = st.number_input(
                "Steps", 1, MOST["steps"], DEFAULTS.steps, step=20, key="train_steps", persist_state="session"
            )
        with columns[1]:
            seed = st.number_input(
                "Seed", 0, 2**31 - 1, 0, key="train_seed", persist_state="session", help=FIELDS["seed"].metadata["help"]
            )
        button, told = st.empty(), st.container()  # above the long list of settings, so that they are in view
        with st.expander("More settings"):
            chosen = in_pairs(METHOD_SETTINGS)
            st.caption("Size of the run")
            chosen |= in_pairs(SIZE_SETTINGS)
        with told:
            settings = checked(method, steps, seed, chosen, pace)
            if live:
                st.caption(f"One run at a time: {literal(live.name)} is running. Stop it, or wait for it.")
        asked = button.button(
            "Start",
            key="train_start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=live is not None or not runnable or settings is None,
            width="stretch",
        )
    if asked and settings is not None:
        try:
            st.session_state["train_run"] = jobs.start(settings).key
        except InputError as error:
            st.error(literal(error), icon=":material/error:")
        else:
            st.rerun()


def checked(
    method: str, steps: float, seed: float, chosen: dict[str, object], pace: train_phases.Pace | None
) -> LaserConfig | None:
    """The settings of a run, with what to expect of them; None, and the reason on the page, where they cannot work."""
    try:
        settings = DEFAULTS.replace(method=method, steps=int(steps), seed=int(seed), **chosen)
    except InputError as error:
        st.error(literal(error), icon=":material/error:")
        return None
    before = settings.reasoning_warmup + settings.self_reward_warmup
    if settings.method == "laser" and settings.steps <= before:
        st.warning(
            f"{count(settings.steps, 'step')} end before the full method begins, at step {before}. Give more steps, or "
            "shorter warm-ups in the settings below.",
            icon=":material/warning:",
        )
    if pace:
        seconds = pace.step(settings)
        st.caption(f"About {duration(seconds * settings.steps)}: {seconds:.1f} s per step, {literal(pace.measured)}.")
    return settings


found = jobs.all_jobs()
live = next((job for job in found if job.live), None)
pace = train_phases.pace(found)
top = st.container()  # its finding is that of the run chosen below

side, main = st.columns([1, 2], gap="large")
with side:
    begin(live, pace)
with main:
    if not found:
        finding = "Train a model on this machine, and watch its score learn."
        st.info(
            f"No run yet. The defaults train LaSeR: {DEFAULTS.reasoning_warmup} steps of GRPO alone, "
            f"{DEFAULTS.self_reward_warmup} that also train the score, then the full method. Press **Start** and watch "
            "the AUROC within a problem leave 0.5.",
            icon=":material/info:",
        )
        train.example()
    else:
        keys = {job.key: job for job in found}
        current = str(st.session_state.get("run")).removeprefix("run-")
        if choices.follow_run("train_run", current) and current in keys:
            st.session_state["train_run"] = current  # the sidebar's run, where it was trained here
        elif st.session_state.get("train_run") not in keys:
            st.session_state["train_run"] = found[0].key
        key = st.selectbox(
            "Run",
            list(keys),
            key="train_run",
            format_func=lambda key: keys[key].name,  # without its state, which the browser would not update
            persist_state="session",
        )
        finding = train.finding(keys[key])
        train.show(keys[key])
with top:
    parts.header(QUESTION, finding)
    st.caption(
        "A run starts from the bundled base model, which has a million parameters, and trains on its own solutions of "
        "generated problems. It continues when this page is closed."
    )

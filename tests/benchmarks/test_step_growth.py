"""How the cost of a training step grows with rollouts, length and parameters.

    LASER_STEP_PLOT=step_cost.html pytest tests/benchmarks/test_step_growth.py -o addopts=""

keeps a picture of it (.html or .png).
"""

from __future__ import annotations

import os

import numpy as np
import torch

from laser_core.fast.precision import pick_dtype
from laser_core.miniature.model import BaseConfig, make_model, make_tokenizer
from laser_core.policy import Policy
from tests.benchmarks.test_training_speed import stepper, take_turns


def grown_policy(width: int, layers: int) -> Policy:
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    config = BaseConfig(hidden_size=width, heads=width // 32, layers=layers, intermediate_size=3 * width)
    model = make_model(config, tokenizer).eval()
    vocabulary = tokenizer.get_vocab()
    return Policy("grown", model, tokenizer, "<|reserved_0|>", vocabulary["<|reserved_0|>"])


def measure_growth(dtype: torch.dtype, scale: int = 2) -> list[dict]:
    """Seconds of a step as rollouts, length limit and parameters grow, one at a time, from 16 x 8 of 40 tokens."""
    rows = []
    small = grown_policy(128, 4)  # untrained: every solution runs to the length limit, or nearly

    def add(what: str, size: float, policy: Policy, **settings) -> None:
        start = {"prompts_per_step": 16, "rollouts_per_prompt": 8, "max_new_tokens": 40}
        (seconds,) = take_turns(stepper(policy, dtype, **(start | settings)), rounds=scale)
        rows.append({"grows": what, "size": size, "seconds": seconds})

    for groups in (8, 16, 32, 64):
        add("rollouts", groups * 8, small, prompts_per_step=groups)
    for limit in (20, 40, 80, 160):
        add("length limit (tokens)", limit, small, max_new_tokens=limit)
    for width, layers in ((128, 4), (192, 6), (256, 8), (384, 8)):
        policy = grown_policy(width, layers)
        add("parameters", sum(p.numel() for p in policy.model.parameters()), policy)
    return rows


def power(rows: list[dict], what: str) -> float:
    points = [(row["size"], row["seconds"]) for row in rows if row["grows"] == what]
    return float(np.polyfit(*np.log(points).T, 1)[0])


def draw(rows: list[dict], file: str) -> None:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    names = list(dict.fromkeys(row["grows"] for row in rows))
    figure = make_subplots(cols=len(names), subplot_titles=[f"{n}: power {power(rows, n):.2f}" for n in names])
    for column, name in enumerate(names, 1):
        points = [row for row in rows if row["grows"] == name]
        line = go.Scatter(x=[p["size"] for p in points], y=[p["seconds"] for p in points], mode="lines+markers")
        figure.add_trace(line.update(line_color="#0072B2", showlegend=False), 1, column)
        figure.update_xaxes(type="log", title=name, row=1, col=column)
        figure.update_yaxes(type="log", title="seconds a step" if column == 1 else None, row=1, col=column)
    figure.update_layout(title="What a training step costs", width=1100, height=420, template="simple_white")
    figure.write_image(file, scale=2) if file.endswith(".png") else figure.write_html(file, include_plotlyjs=True)


def test_cost_of_a_step_as_it_grows(benchmark):
    """No worse than the model's own products: linear in rollouts and parameters, below quadratic in length."""
    rows: list[dict] = []
    benchmark.pedantic(lambda: rows.extend(measure_growth(pick_dtype("auto"))), rounds=1)
    if file := os.environ.get("LASER_STEP_PLOT"):
        draw(rows, file)
    powers = {name: power(rows, name) for name in dict.fromkeys(row["grows"] for row in rows)}
    benchmark.extra_info.update(powers=powers, rows=rows, threads=torch.get_num_threads())
    assert powers["rollouts"] < 1.15
    assert powers["length limit (tokens)"] < 1.6
    assert powers["parameters"] < 1.15

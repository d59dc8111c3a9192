# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. The last-token score, from its equation to a trained model
#
# With LaSeR (arXiv 2510.14943) a model rates its own solutions through **one token that it never writes**. This
# notebook takes the score apart: first on three numbers, then token by token on a model small enough for a laptop.
#
# Everything is computed by `laser_core`, the code that also trains the model and runs the app.

# %%
import math
import warnings

import pandas as pd
import plotly.io as pio
import torch

warnings.filterwarnings("ignore", message="IProgress")  # a progress bar that some Jupyter installations cannot draw

from laser_core import algorithm
from laser_core.bundled import runs
from laser_core.figures import Trace, trace_figure
from laser_core.generate import generate
from laser_core.policy import load_policy
from laser_core.reference import measure_c_ref
from laser_core.rollouts import read
from laser_core.tasks import load_problems

pio.renderers.default = "plotly_mimetype"

# %% [markdown]
# ## The equation
#
# Choose a token $z_c$ that the model never uses. After a problem $x$, its solution $y$ and the end-of-sequence token,
# read how likely the model finds $z_c$ as the next token, and rescale this log-probability:
#
# $$r_s = \beta_v \left( \log \pi_\theta(z_c \mid x, y, \texttt{<eos>}) - c_\text{ref} \right)$$
#
# $c_\text{ref}$ is the log-probability before training, so an untrained model scores 0. With the paper's settings,
# $\beta_v = 0.1$ and $c_\text{ref} = -23$ nats, a log-probability of $-13$ nats is a score of 1:

# %%
z_logprob = torch.tensor([-23.0, -18.0, -13.0])
algorithm.last_token_score(z_logprob, beta_v=0.1, c_ref=-23.0).tolist()

# %% [markdown]
# A score of 1 is still a probability of only $e^{-13}$, two in a million: **the model's text stays as it is.**
#
# ## Why this is a reward
#
# Take the policy that maximises the verification reward while staying close to the reference model. Its log-probability
# ratio, times $\beta_v$, *is* the reward, up to $\beta_v \log Z$, where
# $Z = 1 + \pi_\text{ref}(z_c)\,(e^{1/\beta_v} - 1)$. For an unused token, $Z$ is 1. For an ordinary word it is not:

# %%
cases = {"unused token": -23.0, "rare word, 1 in 10,000": math.log(1e-4), "word such as Yes, 1 in 10": math.log(0.1)}
rows = []
for name, logprob in cases.items():
    Z = algorithm.partition(logprob, beta_v=0.1)
    rows.append(
        {"verdict token": name, "log pi_ref, nats": logprob, "Z": f"{Z:.6g}", "beta_v log Z": 0.1 * math.log(Z)}
    )
pd.DataFrame(rows).round(4)

# %% [markdown]
# The last column is the error of the score, in reward units. This is why $z_c$ must be an unused token.
#
# ## A model you can run
#
# The bundled base model has a million parameters. It guesses $x$, substitutes it back, and then accepts its guess (`#`)
# or tries again (`~`); it was pretrained on solvers who often accept a guess that failed. It has never seen the verdict
# token, and nothing after its end token says whether a solution is correct: that is what LaSeR has to teach it.

# %%
base = load_policy("bundled:base")
problems = load_problems("linear", "test")[:64]
c_ref, c_ref_std, n = measure_c_ref(base, problems, max_new_tokens=112, seed=0)
print(f"z_c = {base.z_token}: log pi_ref(z_c) = {c_ref:.2f} nats, std {c_ref_std:.3f} over {n} solutions")

# %% [markdown]
# This small standard deviation is why a constant can stand in for $\log \pi_\text{ref}(z_c)$. (The paper measured
# $-23.11 \pm 0.04$ on Qwen2.5.) Now the model that LaSeR trained:

# %%
laser = load_policy("bundled:laser")
problem = problems[0]
prompt, generator = laser.encode_prompt(problem.text), torch.Generator().manual_seed(1)
sampled = generate(laser, [prompt], samples=8, max_new_tokens=112, generator=generator)
score = algorithm.last_token_score(sampled.z_logprob, beta_v=0.1, c_ref=c_ref)
responses = [laser.decode(row[:length]) for row, length in zip(sampled.response, sampled.length, strict=True)]
print(problem.text, "the answer is", problem.answer)
pd.DataFrame({"solution": responses, "log pi(z_c), nats": sampled.z_logprob, "score": score}).round(2)

# %% [markdown]
# Find a solution whose check misses the right-hand side of the equation, and look at its score.
#
# ## The score, token by token
#
# $z_c$'s log-probability can be read after *every* token, not only the last. No loss was applied there, so these curves
# show when the model recognises whether its solution is correct. Below: solutions of one problem from the bundled
# rollouts.

# %%
run = next(r for r in runs() if r.name == "laser")
rollouts = read(run.rollouts).rollouts
frame = rollouts.table.select(["problem_id", "correct", "score"]).to_pandas()
mixed = frame.groupby("problem_id")["correct"].agg(["sum", "count"]).query("sum >= 2 and count - sum >= 2").index[0]
rows = frame[frame.problem_id == mixed]
chosen = [*rows[rows.correct].index[:2], *rows[~rows.correct].index[:2]]
traces = [Trace.from_row(rollouts.row(i), beta_v=rollouts.meta.beta_v, c_ref=rollouts.meta.c_ref) for i in chosen]
trace_figure(traces, "score", beta_v=rollouts.meta.beta_v, c_ref=rollouts.meta.c_ref)

# %% [markdown]
# ## How it is trained
#
# The score is regressed onto the verifier's reward $r_v$, with equal weight for both classes:
#
# $$l = \frac{1}{N_c + N_i} \sum_j w_j \left(r_s^{(j)} - r_v^{(j)}\right)^2, \qquad
# w_c = \frac{N_c + N_i}{2 N_c}, \quad w_i = \frac{N_c + N_i}{2 N_i}$$
#
# On four solutions, one of them correct:

# %%
reward = torch.tensor([1.0, 0.0, 0.0, 0.0])
scored = torch.ones(4, dtype=torch.bool)
weight = algorithm.class_weights(reward, scored)
own = torch.tensor([0.6, 0.3, 0.0, -0.6], requires_grad=True)
loss = algorithm.score_loss(own, reward, weight, n_scored=4)
loss.backward()
print(f"weights {[round(w, 3) for w in weight.tolist()]}, loss {loss.item():.3f}")
print(f"gradient {[round(g, 3) for g in own.grad.tolist()]}: gradient descent moves each score the opposite way")

# %% [markdown]
# `laser_core/algorithm.py` is the whole algorithm on a few screens, and `laser_core/step.py` reads like the paper's
# pseudo-code. Next: [what the score is worth](02_from_rollouts_to_votes.ipynb).
#
# **Try it.** Change `beta_v` to 0.5 in the cells on the equation: which log-probability now gives a score of 1, and
# what happens to $Z$ for the rare word?

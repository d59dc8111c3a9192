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
# # 4. The score loss by hand: its gradient, and class weights
#
# **Goal.** Compute the loss that trains the score, follow its gradient down to the logit of $z_c$, and see why both
# classes get the same total weight.
#
# **Time.** 20 minutes.
#
# **Prerequisites.** Derivatives and the chain rule. [Notebook 2](02_the_closed_form.ipynb) for where the score comes
# from.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Install laser_core where it is missing, as in Colab
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("laser_core") is None:
    wheels = sorted(Path().glob("laser_explorer-*.whl"))
    if not wheels and "google.colab" in sys.modules:
        wheels = list(sys.modules["google.colab"].files.upload())
    if not wheels:
        raise SystemExit(
            "Make the project's wheel (pip wheel --no-deps .), put it beside this notebook, and run again."
        )
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", wheels[-1]], check=True)

# %%
import json
import math

import numpy as np
import torch

from laser_core import algorithm
from laser_core.analysis import StepMetric
from laser_core.bundled import runs
from laser_core.figures import step_metrics_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.score import z_logprob_from_score

# %% [markdown]
# ## A squared error
#
# The verifier gives each solution of a step its reward $r_v$, 1 or 0. The score $r_s$ should become the same number.
# LaSeR uses the plainest loss there is, a weighted squared error:
#
# $$l = \frac{1}{N_c + N_i} \sum_j w_j \left(r_s^{(j)} - r_v^{(j)}\right)^2$$
#
# $N_c$ correct and $N_i$ incorrect solutions have a score. Leave the weights at 1 for a moment. Four solutions, one
# of them correct:
#
# | | $r_v$ | $r_s$ | error | squared |
# |---|---|---|---|---|
# | 1 | 1 | 0.6 | −0.4 | 0.16 |
# | 2 | 0 | 0.3 | 0.3 | 0.09 |
# | 3 | 0 | 0.0 | 0.0 | 0.00 |
# | 4 | 0 | −0.6 | −0.6 | 0.36 |
#
# The loss is $0.61 / 4 = 0.1525$. Note the last row: a score far *below* 0 is an error as well. The score is fitted
# to 0 and 1, it is not pushed as far apart as possible.

# %%
reward = torch.tensor([1.0, 0.0, 0.0, 0.0])
score = torch.tensor([0.6, 0.3, 0.0, -0.6])
ones = torch.ones(4)
print(round(algorithm.score_loss(score, reward, ones, n_scored=4).item(), 4))

# %% [markdown]
# ## A lazy score
#
# **Predict.** Nine of ten solutions are correct. A lazy model gives *every* solution the same score $s$. Which $s$
# makes the unweighted loss smallest: 0.5, 0.9 or 1?

# %%
nine_of_ten = torch.tensor([1.0] * 9 + [0.0])
lazy = torch.linspace(0, 1, 101)
losses = torch.stack([algorithm.score_loss(s.expand(10), nine_of_ten, torch.ones(10), n_scored=10) for s in lazy])
print(f"best constant score {lazy[losses.argmin()]:.2f}, with a loss of {losses.min():.3f}")

# %% [markdown]
# The best constant is the accuracy, and its loss is already small. So a model that has learned nothing about its
# solutions looks good, and there is little to gain by looking at them. The **class weights** take that comfort away:
#
# $$w_c = \frac{N_c + N_i}{2 N_c}, \qquad w_i = \frac{N_c + N_i}{2 N_i}$$
#
# Each class then carries half of the total weight, however rare it is. Here is the formula as code, and what training
# uses:


# %%
def class_weights(rewards):
    n, n_correct = len(rewards), sum(rewards)
    return [n / (2 * n_correct) if r == 1 else n / (2 * (n - n_correct)) for r in rewards]


everyone = torch.ones(10, dtype=torch.bool)
by_hand = torch.tensor(class_weights(nine_of_ten.tolist()))
torch.testing.assert_close(algorithm.class_weights(nine_of_ten, everyone), by_hand)
print("w_c =", round(by_hand[0].item(), 3), "  w_i =", round(by_hand[-1].item(), 3))

# %%
losses = torch.stack([algorithm.score_loss(s.expand(10), nine_of_ten, by_hand, n_scored=10) for s in lazy])
print(f"with class weights: best constant score {lazy[losses.argmin()]:.2f}, with a loss of {losses.min():.3f}")

# %% [markdown]
# Now the best constant is 0.5, right on the fence, with a loss of 1/4, and it is so at any accuracy. To get below it,
# the score has to tell the solutions apart.
#
# ### Exercise 1: class weights
#
# Of eight solutions six are correct. What are $w_c$ and $w_i$? Write a list of the two.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
six_of_eight = class_weights([1] * 6 + [0] * 2)
exercise_1 = Exercise(
    task="Six of eight solutions are correct: write [w_c, w_i].",
    expected=[six_of_eight[0], six_of_eight[-1]],
    hints={
        (six_of_eight[-1], six_of_eight[0]): "The other way round: the rare class gets the larger weight.",
        (8 / 6, 8 / 2): "Half of that: the total weight of both classes together is 8.",
        (6 / 8, 2 / 8): "Those are the shares of the classes. The weights undo them.",
        (1 / 6, 1 / 2): "Times (N_c + N_i) / 2 = 4.",
    },
    because="8/12 and 8/4: six times 2/3 is 4, and twice 2 is 4. Both classes carry the same.",
)

# %%
answer = None  # your list: [w_c, w_i]
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = [8 / (2 * 6), 8 / (2 * 2)]
# ```
#
# </details>

# %% [markdown]
# ## The gradient
#
# How does the loss move one score? Its derivative is
#
# $$\frac{\partial l}{\partial r_s^{(j)}} = \frac{2\, w_j}{N_c + N_i} \left(r_s^{(j)} - r_v^{(j)}\right)$$
#
# **Predict.** Take the four solutions from above again, with their class weights, 2 and 2/3. Which of the four is
# pushed hardest, and which not at all? Gradient descent moves each score *against* its gradient.

# %%
weight = algorithm.class_weights(reward, torch.ones(4, dtype=torch.bool))
own = score.clone().requires_grad_()
algorithm.score_loss(own, reward, weight, n_scored=4).backward()
torch.testing.assert_close(own.grad, 2 * weight / 4 * (score - reward))
for j, (r, s, w, g) in enumerate(zip(reward, score, weight, own.grad, strict=True), start=1):
    print(f"solution {j}: r_v {r:.0f}, r_s {s:4.1f}, weight {w:.2f}, pushed by {-g + 0.0:+.2f}")

# %% [markdown]
# Solution 1 is the only correct one, so its error counts three times as much. Solution 3 has the right score already.
# Solution 4 is pushed *up*, towards 0.
#
# ### Exercise 2: write the gradient
#
# Write `gradient(scores, rewards)`: the derivative of the loss by each score, with class weights. You may use
# `class_weights` from above.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check


def gradient_of(scores, rewards, *, weights=None):
    s = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    r = torch.tensor(rewards, dtype=torch.float64)
    w = torch.tensor(class_weights(rewards) if weights is None else weights, dtype=torch.float64)
    algorithm.score_loss(s, r, w, n_scored=len(scores)).backward()
    return s.grad.tolist()


exercise_2 = FunctionExercise(
    task="Write gradient(scores, rewards): 2 * w_j / N * (r_s - r_v) for each solution, N = N_c + N_i.",
    cases=[
        (group, gradient_of(*group))
        for group in (([0.6, 0.3, 0.0, -0.6], [1, 0, 0, 0]), ([0.2, 0.9], [1, 0]), ([0.5] * 5, [1, 1, 1, 1, 0]))
    ],
    tolerance=0.0005,
    mistakes=[
        (lambda s, r: gradient_of(s, r, weights=[1.0] * len(s)), "These are without class weights."),
        (lambda s, r: [-g for g in gradient_of(s, r)], "That is the push. The gradient has the other sign."),
        (lambda s, r: [g / 2 for g in gradient_of(s, r)], "The derivative of a square brings a factor of 2."),
        (
            lambda s, r: [g * len(s) for g in gradient_of(s, r)],
            "The loss is a mean: divide by the number of solutions.",
        ),
    ],
    because="Automatic differentiation of laser_core.algorithm.score_loss gives the same.",
)


# %%
def gradient(scores, rewards):
    return None  # your code


exercise_2.check(gradient)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def gradient(scores, rewards):
#     weights = class_weights(rewards)
#     return [2 * w / len(scores) * (s - r) for w, s, r in zip(weights, scores, rewards, strict=True)]
# ```
#
# </details>

# %% [markdown]
# ## Down to the logit
#
# The model does not set the score but logits, one per token. The chain rule goes on:
#
# $$r_s = \beta_v(\log \pi(z_c) - c_\text{ref}), \qquad
# \frac{\partial r_s}{\partial\, \text{logit}(z_c)} = \beta_v\,(1 - \pi(z_c)) \approx \beta_v$$
#
# So the logit of $z_c$ has to rise by $1/\beta_v = 10$ nats for a score of 1. A toy: four solutions, a vocabulary of
# 50, and only the logit of $z_c$ is trained, by plain gradient descent, starting at the scores of the table.

# %%
generator = torch.Generator().manual_seed(0)
others = torch.randn(4, 49, generator=generator, dtype=torch.float64)  # logits of the other tokens, one row a solution
level = others.logsumexp(1)


def z_logprob(z_logit):
    return torch.cat([z_logit[:, None], others], dim=1).log_softmax(1)[:, 0]


z_logit = (level - 23.0 + score.double() / 0.1).requires_grad_()
start = z_logit.detach().clone()
for _ in range(400):
    own = algorithm.last_token_score(z_logprob(z_logit), beta_v=0.1, c_ref=-23.0)
    algorithm.score_loss(own, reward.double(), weight.double(), n_scored=4).backward()
    with torch.no_grad():
        z_logit -= 20.0 * z_logit.grad
    z_logit.grad = None
print("scores at the end", [round(s, 3) + 0.0 for s in own.tolist()])
print("logits moved by  ", [round(m, 2) + 0.0 for m in (z_logit.detach() - start).tolist()], "nats")

# %% [markdown]
# **Predict.** The first solution ends with a score of 1. How much probability did $z_c$ take from the 49 other tokens
# there?

# %%
taken = z_logprob(z_logit.detach()).exp()[0].item()
print(f"pi(z_c) = {taken:.1e}: the others keep a share of {1 - taken:.6f}")

# %% [markdown]
# Two millionths. In this sense the loss asks for little, and it asks at one position only, after the end of the text.
# A real model has shared weights, so every training step moves a bit of everything. But nothing in the loss
# *requires* the other tokens to change.
#
# ## The loss that the paper rejects
#
# One could also train the model to *say* whether a solution is correct, by cross-entropy:
#
# $$-\big[r_v \log \pi(z_c) + (1 - r_v) \log \pi(z_i)\big]$$
#
# ### Exercise 3: how far must the log-prob go?
#
# $z_c$ starts at −23 nats. The squared error asks for a score of 1. By how many nats does cross-entropy pull further,
# until its loss is 0 after a correct solution ($\beta_v = 0.1$)?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
at_score_1 = z_logprob_from_score(1.0, beta_v=0.1, c_ref=-23.0)
exercise_3 = Exercise(
    task="Start -23 nats, beta_v = 0.1: how many nats beyond a score of 1 does cross-entropy pull log pi(z_c)?",
    expected=0.0 - at_score_1,
    hints={
        23.0: "That is the whole way from -23 to 0. The squared error stops on the way: where?",
        10.0: "That is how far the squared error goes, 1 / beta_v. Cross-entropy goes on from there to 0.",
        -13.0: "That is where the squared error stops. How far is it from there to 0?",
    },
    because="From -13 to 0, where pi(z_c) = 1 and nothing is left for any other token. The paper finds that this hurts "
    "the model's reasoning.",
)

# %%
answer = None  # your number, in nats
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# at_score_1 = -23 + 1 / 0.1
# answer = 0 - at_score_1
# ```
#
# </details>

# %% [markdown]
# ## Solutions without a score
#
# A solution that was cut off has no end token and no score. Its weight is 0, it counts in neither $N_c$ nor $N_i$,
# and whatever stands in its place does no harm:

# %%
cut_off = torch.tensor([0.6, 0.3, math.nan])
rewards = torch.tensor([1.0, 0.0, 0.0])
scored = torch.tensor([True, True, False])
weights = algorithm.class_weights(rewards, scored)
print(weights.tolist(), round(algorithm.score_loss(cut_off, rewards, weights, n_scored=2).item(), 4))

# %% [markdown]
# ## In a real run
#
# The run that comes with the project begins with a few steps of GRPO alone. Then the score loss joins, with a factor
# $\alpha$ in front.
#
# **Predict.** Where does the weighted loss start, if all scores are 0 at first? (Use the definition: half of the
# weight is on correct solutions, each with an error of 1.) And which value must it get below to be better than the
# lazy score?

# %%
run = next(run for run in runs() if run.name == "laser")
events = [json.loads(line) for line in run.events.read_text(encoding="utf-8").splitlines()]
step = np.array([event["step"] for event in events])
loss = np.array([event["score_loss"] for event in events])
within = np.array([event["within_problem_auroc"] for event in events], dtype=float)  # None becomes NaN
joined = next(event["step"] for event in events if event["phase"] != "grpo")
resting = int((abs(loss - 0.25) < 0.03).sum())
show(
    step_metrics_figure(
        [StepMetric("score loss", step, loss), StepMetric("AUROC within a problem", step, within)], marked=joined
    ),
    f"Two curves over the {len(step)} steps of one LaSeR run. The score loss starts at {loss[0]:.2f} and is at "
    f"{loss[-10:].mean():.2f} over the last ten steps; in {resting} steps it is within 0.03 of 1/4. The AUROC within a "
    f"problem goes from {np.nanmean(within[:10]):.2f} to {np.nanmean(within[-10:]):.2f}. The dotted line marks step "
    f"{joined}, where the score loss joins.",
)

# %% [markdown]
# It starts at 1/2. Getting to 1/4 needs no knowledge at all: the lazy score of 0.5 is there, and a run may well rest
# near 1/4 for a while. Only what lies below is knowledge about solutions, and the AUROC within a problem says whether
# it is of the useful kind.
#
# ## Summary
#
# - The score loss is a weighted squared error between $r_s$ and $r_v$; a score of −0.6 is as wrong as one of 0.6.
# - Class weights give both classes half of the weight, so that a constant score gains nothing.
# - A score of 1 is 10 nats for $z_c$ and takes two millionths from all other tokens; cross-entropy would go 13 nats
#   further and leave them nothing.
# - A solution without a score has weight 0.
#
# Next: [train the miniature](05_train_the_miniature.ipynb).
#
# ## In the app
#
# [Groups](http://localhost:8501/groups) shows the class weight of every solution of a step, and
# [Train](http://localhost:8501/train) draws the score loss while it trains (`laser app` opens the explorer).

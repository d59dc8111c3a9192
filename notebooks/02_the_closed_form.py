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
# # 2. The closed form: why a log-probability can be a reward
#
# **Goal.** Derive the last-token score from KL-regularised reinforcement learning, check each step with numbers, and
# find where the shortcut $Z = 1$ breaks.
#
# **Time.** 25 minutes.
#
# **Prerequisites.** Expectation, logarithms, and the Kullback-Leibler divergence as "how far one distribution is from
# another". [Notebook 0](00_the_whole_idea.ipynb) for the words.

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
import math

import numpy as np
import pandas as pd
import torch

from laser_core.analysis import closed_form
from laser_core.bundled import runs
from laser_core.figures.theory import neglected_figure, score_line_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.rollouts import read
from laser_core.score import last_token_score, log_partition, partition

# %% [markdown]
# ## A game with one move
#
# After a problem $x$ and a solution $y$ the model names one more token $z$, its verdict. There are two verdict
# tokens: $z_c$ says "correct" and $z_i$ says "incorrect". The **verification reward** pays for the right one:
#
# $$\hat r(z) = \begin{cases} 1 & z = z_c \text{ and } r_v = 1 \\ 1 & z = z_i \text{ and } r_v = 0 \\
# 0 & \text{otherwise} \end{cases}$$
#
# The model should earn much, but not move far from the reference model $\pi_\text{ref}$, the one before training:
#
# $$\max_\pi\ J(\pi) = \mathbb{E}_{z \sim \pi}\big[\hat r(z)\big] - \beta_v\, \text{KL}(\pi \,\|\, \pi_\text{ref})$$
#
# One nat of distance costs $\beta_v$ of reward. Let the solution be correct, and the vocabulary have four tokens. The
# last one is $z_c$, and it is rare:

# %%
beta_v = 0.1
tokens = ["the", "so", "z_i", "z_c"]
pi_ref = torch.tensor([0.6, 0.398, 0.001, 0.001], dtype=torch.float64)
reward = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)


def objective(pi):
    return (pi * reward).sum() - beta_v * (pi * (pi / pi_ref).log()).sum()


print(f"J(reference) = {objective(pi_ref):.3f}")

# %% [markdown]
# **Predict.** With $\beta_v = 0.1$, where will the best policy put $z_c$: near 0.001, near a half, or near 1?
#
# Find out by brute force: gradient ascent on the four logits.

# %%
logits = pi_ref.log().clone().requires_grad_()
optimizer = torch.optim.Adam([logits], lr=0.05)
for _ in range(1500):
    optimizer.zero_grad()
    (-objective(logits.softmax(0))).backward()
    optimizer.step()
found = logits.detach().softmax(0)
print({token: round(p, 4) for token, p in zip(tokens, found.tolist(), strict=True)}, f"J = {objective(found):.4f}")

# %% [markdown]
# ## The optimum, without searching
#
# There is a formula for the best policy. Multiply each token's reference probability by $e^{\hat r / \beta_v}$, and
# divide by the sum $Z$, so that it is a distribution again:
#
# $$\pi^*(z) = \frac{1}{Z}\, \pi_\text{ref}(z)\, e^{\hat r(z)/\beta_v}, \qquad
# Z = \sum_z \pi_\text{ref}(z)\, e^{\hat r(z)/\beta_v}$$

# %%
unnormalised = pi_ref * (reward / beta_v).exp()
Z = unnormalised.sum()
best = unnormalised / Z
torch.testing.assert_close(found, best, atol=1e-4, rtol=0)
print({token: round(p, 4) for token, p in zip(tokens, best.tolist(), strict=True)}, f"Z = {Z:.3f}")

# %% [markdown]
# The search found the same policy. Why is it the best? Put $\pi^*$ into the objective and sort the terms:
#
# $$J(\pi) = \beta_v \log Z - \beta_v\, \text{KL}(\pi \,\|\, \pi^*)$$
#
# The first term does not depend on $\pi$, and the divergence is 0 only at $\pi = \pi^*$. An identity holds
# everywhere, so try it on random policies:

# %%
generator = torch.Generator().manual_seed(0)
for _ in range(1000):
    pi = torch.randn(4, generator=generator, dtype=torch.float64).mul(3).softmax(0)
    kl_to_best = (pi * (pi / best).log()).sum()
    torch.testing.assert_close(objective(pi), beta_v * Z.log() - beta_v * kl_to_best)
print("the identity holds for 1,000 random policies")

# %% [markdown]
# ### Exercise 1: Z by hand
#
# Only $z_c$ earns anything, so the sum is short: $Z = 1 + \pi_\text{ref}(z_c)\,(e^{1/\beta_v} - 1)$. What is $Z$ for
# a token with $\pi_\text{ref}(z_c) = 0.01$ and $\beta_v = 0.2$? One decimal is enough ($e^5 = 148.4$).

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="What is Z for pi_ref(z_c) = 0.01 and beta_v = 0.2?",
    expected=partition(math.log(0.01), beta_v=0.2),
    tolerance=0.05,
    hints={
        1.484: "That is z_c's part of the sum alone. The other tokens add 0.99.",
        math.log(partition(math.log(0.01), beta_v=0.2)): "That is log Z.",
        148.4: "That is e^(1/beta_v). Weigh it with the probability 0.01.",
        1 + 0.01 * math.expm1(0.2): "The exponent is 1 / beta_v = 5, not beta_v.",
    },
    because="1 + 0.01 * (148.4 - 1).",
)

# %%
answer = None  # your number
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 1 + 0.01 * (148.4 - 1)
# ```
#
# </details>

# %% [markdown]
# ## Turn it round: read the reward from the policy
#
# Solve the formula of the optimum for the reward:
#
# $$\hat r(z) = \beta_v \log \frac{\pi^*(z)}{\pi_\text{ref}(z)} + \beta_v \log Z$$
#
# A policy that has been trained well *contains* the reward that it was trained on. Check it for all four tokens:

# %%
print((beta_v * (best / pi_ref).log() + beta_v * Z.log()).round(decimals=6).tolist())

# %% [markdown]
# That is 1 for $z_c$ and 0 for the others, as we had set it. So from $\log \pi(z_c)$ we can read what the model takes
# its solution to be worth. Two things are still in the way: $Z$, and the reference model that would have to run as
# well.
#
# ## For an unused token, Z is 1
#
# Qwen2.5 gives the token `<|vision_start|>` a log-probability of about −23 after a solution of a mathematical
# problem, since no such text contains it.
#
# **Predict.** With $\pi_\text{ref}(z_c) = e^{-23}$ and $\beta_v = 0.1$, how far is $Z$ from 1? And if $z_c$ were an
# ordinary word, such as Yes, with a probability of one in ten?

# %%
cases = {"unused token, e^-23": -23.0, "rare word, 1 in 10,000": math.log(1e-4), "Yes, 1 in 10": math.log(0.1)}
rows = [
    {
        "verdict token": name,
        "Z - 1": f"{partition(logprob, beta_v=0.1) - 1:.2g}",
        "beta_v log Z": f"{closed_form.neglected_reward(logprob, beta_v=0.1):.2g}",
    }
    for name, logprob in cases.items()
]
pd.DataFrame(rows).set_index("verdict token")

# %% [markdown]
# The last column is what the score loses if we leave $Z$ out, in units of the reward. For the unused token it is
# nothing, for the word it is most of the reward of 1. Without $Z$, the score of a policy is a straight line in its
# log-probability:

# %%
unused = closed_form.worked_example(beta_v=0.1, ref_z_logprob=-23.0, z_logprob=-13.0)
show(
    score_line_figure(unused),
    "The score without Z and the closed form with Z over log pi(z_c), for a token at -23 nats before training. The two "
    f"lines coincide: they differ by {unused.neglected:.0e}. Scores 0, 0.5 and 1 lie at -23, -18 and -13 nats.",
)

# %%
word = closed_form.worked_example(beta_v=0.1, ref_z_logprob=math.log(0.1), z_logprob=-0.0004)
show(
    neglected_figure(word),
    f"The neglected reward beta_v log Z over log pi_ref(z_c), on a logarithmic axis. Below {word.limit:.1f} nats it is "
    f"less than {word.tolerance:g} and Z = 1 holds; to the right it breaks. A word of probability 0.1 stands at "
    f"{word.ref_z_logprob:.1f} nats, where {word.neglected:.2f} of reward are neglected.",
)

# %% [markdown]
# ### Exercise 2: a word as the verdict token
#
# Suppose we take the word Yes, with $\pi_\text{ref} = 0.1$. Training goes perfectly, and after correct solutions the
# model says Yes with $\pi^* = 0.9996$. We leave $Z$ out as usual. What score does a correct solution get, with
# $\beta_v = 0.1$?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="pi_ref = 0.1, pi = 0.9996, beta_v = 0.1, and no Z: which score?",
    expected=last_token_score(math.log(0.9996), beta_v=0.1, c_ref=math.log(0.1)),
    hints={
        1.0: "That is the reward with Z. Without it, beta_v * log(0.9996 / 0.1) is left.",
        word.neglected: "That is the part that is lost, beta_v log Z.",
        0.1: "Use the natural logarithm: log(9.996) = 2.30.",
        2.3022: "That is the log-ratio, in nats. Multiply by beta_v.",
    },
    because="Below 0.5: a perfect model would be read as saying that its correct solution is wrong.",
)

# %%
answer = None  # your number
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 0.1 * math.log(0.9996 / 0.1)
# ```
#
# </details>

# %% [markdown]
# The word had no room: from 0.1 to 1 there are only 2.3 nats, and a reward of 1 needs ten.
#
# ## Smaller beta_v breaks it as well
#
# **Predict.** Keep the unused token at −23 nats, and make $\beta_v$ smaller: 0.05, then 0.03. Does $Z = 1$ still
# hold?

# %%
for beta in (0.1, 0.05, 0.03):
    lost = closed_form.neglected_reward(-23.0, beta_v=beta)
    limit = closed_form.highest_reference(beta_v=beta)
    print(f"beta_v = {beta:<5} neglected {lost:.2g} of reward   Z = 1 holds below {limit:.1f} nats")

# %% [markdown]
# $e^{1/\beta_v}$ grows fast: $e^{33}$ is more than $e^{-23}$ can keep small. A smaller $\beta_v$ asks for a rarer
# token.
#
# ## And after an incorrect solution?
#
# Then $z_i$ earns the reward, and $z_c$ only gets a smaller share: $\pi^*(z_c) = \pi_\text{ref}(z_c) / Z$. With $Z =
# 1$ it stays where it was, so its score is 0. That is the whole target: **ten nats up after a correct solution, and
# no move after an incorrect one.** $z_i$ is not needed any more.
#
# ## Last step: a constant in the place of the reference
#
# $\log \pi_\text{ref}(z_c \mid x, y)$ hardly varies for an unused token (Qwen2.5: −23.11 ± 0.04). So a constant
# $c_\text{ref}$ can stand for it, and the reference model need not run:
#
# $$r_s = \beta_v \left( \log \pi_\theta(z_c \mid x, y, \texttt{<eos>}) - c_\text{ref} \right)$$
#
# Does all this hold in the miniature, too? Here is what leaving out $Z$ costs there, at worst:

# %%
base = read(next(run for run in runs() if run.name == "base").rollouts).rollouts
ref_z_logprob = base.column("z_logprob")
lost = closed_form.neglected_reward(ref_z_logprob[np.isfinite(ref_z_logprob)], beta_v=base.meta.beta_v)
print(f"beta_v log Z is at most {lost.max():.1e} of reward over {len(lost):,} solutions of the base model")

# %% [markdown]
# ### Exercise 3: log Z without an overflow
#
# `math.exp(1 / beta_v)` is too large for a float once $\beta_v$ is below about 0.0014, although $\log Z$ is a
# harmless number. Write `log_z(ref_logprob, beta_v)` so that it also works for $\beta_v = 0.001$. Two facts help:
# $1 - p + p\,e^{1/\beta_v}$ is a sum of two terms whose logarithms you know, and `np.logaddexp(a, b)` is
# $\log(e^a + e^b)$, computed safely. For an unused token you may take $1 - p$ for 1.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
to_try = [(-23.0, 0.1), (-9.0, 0.1), (-23.0, 0.03), (-23.0, 0.001)]
exercise_3 = FunctionExercise(
    task="Write log_z(ref_logprob, beta_v), the log of 1 - p + p * e^(1 / beta_v) with p = e^ref_logprob, for "
    "beta_v = 0.001 as well.",
    cases=[((logprob, beta), log_partition(logprob, beta_v=beta)) for logprob, beta in to_try],
    tolerance=0.001,
    mistakes=[
        (lambda logprob, beta: logprob + 1 / beta, "That is the second term alone. The other tokens add 1 - p."),
        (lambda logprob, beta: partition(logprob, beta_v=beta), "That is Z. Give its logarithm."),
        (lambda logprob, beta: beta * log_partition(logprob, beta_v=beta), "Without the factor beta_v, please: log Z."),
    ],
    because="log_partition in laser_core.score does the same, and is exact for ordinary words as well.",
)


# %%
def log_z(ref_logprob, beta_v):
    return None  # your code


exercise_3.check(log_z)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def log_z(ref_logprob, beta_v):
#     others = math.log1p(-math.exp(ref_logprob))  # log(1 - p)
#     return np.logaddexp(others, ref_logprob + 1 / beta_v)
# ```
#
# </details>

# %% [markdown]
# ## Summary
#
# - The best policy under a KL penalty is $\pi_\text{ref}\, e^{\hat r / \beta_v} / Z$. Solved for the reward, it says
#   that a log-ratio, times $\beta_v$, *is* the reward, up to $\beta_v \log Z$.
# - For a token that nobody writes, $Z = 1$ to a few millionths. For an ordinary word, or a very small $\beta_v$, it
#   is not.
# - After an incorrect solution the optimum leaves $z_c$ where it was, at score 0.
# - With a constant $c_\text{ref}$ for the reference, what is left is the last-token score.
#
# Next: [picking the token and measuring the constant](03_verdict_token_and_c_ref.ipynb).
#
# ## In the app
#
# [Theory](http://localhost:8501/theory) has these figures with sliders for $\beta_v$, the reference and the policy
# (`laser app` opens the explorer).

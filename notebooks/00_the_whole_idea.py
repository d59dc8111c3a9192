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
# # 0. The whole idea in ten minutes
#
# **Goal.** Say what the last-token score is, how it is trained, and what it is good for, with numbers you have worked
# out yourself.
#
# **Time.** Ten minutes.
#
# **Prerequisites.** Logarithms, and that a language model gives each possible next token a probability. No GPU, no
# network, and no training: the solutions below were sampled earlier and come with the project.

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
from dataclasses import replace

import pandas as pd

from laser_core.analysis import Samples, score_distribution, separation
from laser_core.bundled import runs
from laser_core.figures import Trace, score_histogram, token_heatmap
from laser_core.lessons import Exercise, show
from laser_core.rollouts import read
from laser_core.score import last_token_score

# %% [markdown]
# ## A model that solves equations, and a verifier that checks it
#
# The model of this course is tiny: a million parameters. It solves equations such as `5*x+7=52` by guessing. It
# writes a guess, puts it in, and then either accepts it (`#`) or tries again (`~`). For every problem we sampled 32
# solutions.
#
# Here are two solutions of one problem. They are typical: the middle ones by score, of a problem that is itself in
# the middle.

# %%
files = {run.name: run.rollouts for run in runs()}
rollouts = read(files["laser"]).rollouts
frame = rollouts.table.select(["problem_id", "problem", "response", "correct", "z_logprob", "score"]).to_pandas()
both_kinds = frame.groupby("problem_id").filter(lambda of: 8 <= of.correct.sum() <= 24)
mean_score = both_kinds.groupby(["problem_id", "correct"]).score.mean().unstack()
gap = (mean_score[True] - mean_score[False]).sort_values(kind="stable")
problem = frame[frame.problem_id == gap.index[len(gap) // 2]].sort_values("score", kind="stable")
first, second = (problem[problem.correct == verdict] for verdict in (False, True))
pair = pd.concat([first.iloc[[len(first) // 2]], second.iloc[[len(second) // 2]]])
print(pair.problem.iloc[0])
for name, response in zip("AB", pair.response, strict=True):
    print(f"  {name}: {response}")

# %% [markdown]
# **Predict.** Which one is correct? You can tell without solving the equation: compare the last total with the
# right side. Then run the next cell, which asks the verifier.

# %%
for name, correct in zip("AB", pair.correct, strict=True):
    print(f"{name}: reward r_v = {int(correct)}, {'correct' if correct else 'incorrect'}")

# %% [markdown]
# The **verifier** compares a solution's answer with the reference answer and gives the **reward** $r_v$: 1 or 0. It
# needs the reference answer, so it can only work where we already know the solution. When the model meets a new
# problem there is no verifier. We would like the model to say by itself which of its solutions to trust.
#
# ## One token that the model never writes
#
# The vocabulary has a few reserved tokens. Choose one and call it $z_c$, the **verdict token**. After a problem $x$,
# a solution $y$ and the end token, read the log-probability of $z_c$ as the next token. Nothing is written: we only
# look. Then shift it and scale it:
#
# $$r_s = \beta_v \left( \log \pi_\theta(z_c \mid x, y, \texttt{<eos>}) - c_\text{ref} \right)$$
#
# This is the **last-token score**. $c_\text{ref}$ is where the log-probability stood before training, so an untrained
# model scores about 0. With the published $\beta_v = 0.1$ and $c_\text{ref} = -23$ nats:

# %%
for z_logprob in (-23.0, -18.0, -13.0):
    score = last_token_score(z_logprob, beta_v=0.1, c_ref=-23.0)
    print(f"log pi(z_c) = {z_logprob:.0f} nats   score {score:.1f}   probability {math.exp(z_logprob):.1e}")

# %% [markdown]
# Ten nats are a whole unit of score. And at a score of 1 the token still has a chance of two in a million, so the
# model's text stays as it was.
#
# ### Exercise 1: a score by hand
#
# After some solution, $\log \pi_\theta(z_c) = -15$ nats. What is its score, with $\beta_v = 0.1$ and
# $c_\text{ref} = -23$?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="What is the score at -15 nats, with beta_v = 0.1 and c_ref = -23?",
    expected=last_token_score(-15.0, beta_v=0.1, c_ref=-23.0),
    hints={
        8.0: "That is how far it lies above c_ref, in nats. Each nat is worth beta_v = 0.1.",
        -1.5: "First subtract c_ref, then multiply by beta_v.",
        -3.8: "c_ref is subtracted, and it is negative: -15 - (-23).",
        0.2: "Count from c_ref upwards: at c_ref the score is 0.",
    },
    because="8 nats above c_ref, 0.1 each. Above 0.5, so this solution would be predicted correct.",
)

# %%
answer = None  # your number
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 0.1 * (-15 - (-23))
# ```
#
# </details>

# %% [markdown]
# ## How it is trained
#
# In ordinary reinforcement learning (here GRPO) the reward teaches the model to solve. LaSeR adds one term: it pulls
# the score towards the reward,
#
# $$\left(r_s - r_v\right)^2,$$
#
# so towards 1 after correct solutions and towards 0 after incorrect ones. That is all. The model learns to solve and
# to judge its solutions at the same time, from the same samples.
#
# **Predict.** Below are A and B again, after this training. Each token stands on the colour of the score that would
# be read after it, vermilion near 0 and blue near 1. Which of the two ends on the bluer cell?

# %%
meta = rollouts.meta
traces = [
    replace(Trace.from_row(rollouts.row(int(i)), beta_v=meta.beta_v, c_ref=meta.c_ref), label=name)
    for name, i in zip("AB", pair.index, strict=True)
]
ends = [
    f"{name} ({'correct' if c else 'incorrect'}) ends at {s:.2f}"
    for name, c, s in zip("AB", pair.correct, pair.score, strict=True)
]
show(
    token_heatmap(traces, "score", beta_v=meta.beta_v, c_ref=meta.c_ref),
    f"Solutions A and B as rows, token by token, coloured by the score after each token. {'; '.join(ends)}. Only the "
    "score after the last token was trained.",
)

# %% [markdown]
# What counts first is which of the two is higher: that is enough to choose between them. Whether 0.5 is the right place
# to cut is another question, for notebook 7. And one pair shows little, so here are all solutions of all problems.

# %%
samples = Samples.from_rollouts(rollouts)
by_correct = frame.groupby("correct").score
show(
    score_histogram(score_distribution(samples)),
    f"Histogram of the scores of {len(frame):,} solutions to {samples.n_problems} problems. The median score is "
    f"{by_correct.median()[True]:.2f} for the correct and {by_correct.median()[False]:.2f} for the incorrect ones; "
    "the two overlap.",
)

# %% [markdown]
# ## Does the score know which solution is right?
#
# The number to look at is the **AUROC within a problem**: of two solutions to the same problem, one correct and one
# incorrect, how often does the correct one have the higher score? Chance is 0.5, and 1 is perfect.
#
# ### Exercise 2: an AUROC by hand
#
# A problem has two correct solutions, with scores 0.9 and 0.4, and two incorrect ones, with 0.6 and 0.1. Compare each
# correct one with each incorrect one. What share of the pairs is in the right order?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="Correct: 0.9, 0.4. Incorrect: 0.6, 0.1. What share of the four pairs has the correct one above?",
    expected=sum(correct > incorrect for correct in (0.9, 0.4) for incorrect in (0.6, 0.1)) / 4,
    hints={
        0.5: "There are four pairs, not two: each correct solution meets each incorrect one.",
        3.0: "Three pairs are in order. The AUROC is the share of all four.",
        1.0: "One pair is in the wrong order: 0.4 is below 0.6.",
    },
    because="0.9 beats both, 0.4 beats one of two: three pairs of four.",
)

# %%
answer = None  # your number, between 0 and 1
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# in_order = [0.9 > 0.6, 0.9 > 0.1, 0.4 > 0.6, 0.4 > 0.1]
# answer = sum(in_order) / len(in_order)
# ```
#
# </details>

# %% [markdown]
# **Predict.** What is this number for the base model, before any training of the score? And after?

# %%
for name in ("base", "laser"):
    within = separation(Samples.from_rollouts(read(files[name]).rollouts)).within_problem_auroc
    print(f"{name:<6} {within.value:.3f}   95% CI [{within.ci_low:.3f}, {within.ci_high:.3f}], n = {within.n} problems")

# %% [markdown]
# Before training the token says nothing; after it, the score picks out the correct solution far more often than a
# coin would. The intervals are over problems, because solutions of one problem resemble each other.
#
# ## What it is good for: votes
#
# Let the model answer several times and count the answers: the **majority vote**. With scores the votes can have
# weights: clip each score to between 0 and 1, and add up the scores of each answer.
#
# ### Exercise 3: who wins?
#
# Five solutions of one problem give the answers 7, 7, 7, 9, 9 with scores 0.1, 0.2, −0.1, 0.8, 0.7. The majority
# votes for 7. Which answer wins the weighted vote, and with what total? Write a list: the answer, then its total.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = Exercise(
    task="Answers 7, 7, 7, 9, 9 with scores 0.1, 0.2, -0.1, 0.8, 0.7: write [the winner, its total].",
    expected=[9, 0.8 + 0.7],
    hints={
        (7, 3): "That counts the solutions. Add up their scores instead.",
        (7, 0.3): "7 has a total of 0.3, once -0.1 is clipped to 0. Now do the same for 9.",
        (9, 2): "9 wins, but its total is the sum of the two scores.",
        (9, 0.75): "9 wins. Its total is the sum of the scores, not their mean.",
    },
    because="0.8 + 0.7 against 0.1 + 0.2 + 0: two solutions that are trusted beat three that are not.",
)

# %%
answer = None  # your list: [the winner, its total]
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# totals = {7: 0.1 + 0.2 + 0.0, 9: 0.8 + 0.7}  # -0.1 is clipped to 0
# winner = max(totals, key=totals.get)
# answer = [winner, totals[winner]]
# ```
#
# </details>

# %% [markdown]
# ## Summary
#
# - The verifier's **reward** $r_v$ is 1 or 0 and needs the reference answer.
# - The **last-token score** $r_s = \beta_v(\log \pi_\theta(z_c) - c_\text{ref})$ is read after a solution has ended,
#   from one token that is never written. It costs one token and needs no reference answer.
# - Training pulls the score towards the reward, next to ordinary GRPO.
# - Whether the score can choose among solutions is what the **AUROC within a problem** says.
# - In this small world the model writes its check down, so simple rules on the text compete with the score. Notebook
#   11 puts all of them side by side.
#
# Next: [rewards, groups and advantages](01_rewards_and_advantages.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Its [Start page](http://localhost:8501/start) shows the same pair, and the same
# number for every run; the guided tour there asks you to predict as well.

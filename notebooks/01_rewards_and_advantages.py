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
# # 1. Rewards, groups and GRPO advantages
#
# **Goal.** Compute the advantages of a group of solutions by hand, say which groups teach nothing, and see what the
# last-token score adds to them.
#
# **Time.** 20 minutes.
#
# **Prerequisites.** Mean and standard deviation. [Notebook 0](00_the_whole_idea.ipynb) for the words reward and
# score.

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
from laser_core.analysis import StepMetric, training_groups
from laser_core.bundled import runs
from laser_core.figures import groups_figure, step_metrics_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.rollouts import Rollouts, read

# %% [markdown]
# ## Better than what?
#
# Reinforcement learning samples solutions and then makes some of them likelier. A number per solution says how much:
# the **advantage** $A$. Above 0 the solution's tokens become likelier, below 0 less likely.
#
# The reward $r_v$ is 1 or 0, so it cannot be the advantage itself: nothing would ever be pushed down. A solution has
# to be compared with something. GRPO compares it with the **group**: the other solutions that the model gave to the
# same problem,
#
# $$A_i = \text{norm\_group}(r_v)_i = \frac{r_{v,i} - \text{mean of the group}}{\text{std of the group} + 10^{-6}}$$
#
# The standard deviation divides by $K - 1$ for a group of $K$ solutions. One of four is correct:
#
# | | reward | minus the mean, 1/4 | divided by the std, 1/2 |
# |---|---|---|---|
# | correct | 1 | 3/4 | **1.5** |
# | incorrect, three times | 0 | −1/4 | **−0.5** |
#
# The std is 1/2 because $\left(\tfrac{9}{16} + 3 \cdot \tfrac{1}{16}\right) / 3 = \tfrac14$. Here is the same as
# code:


# %%
def norm_group(values):
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return [(value - mean) / (math.sqrt(variance) + 1e-6) for value in values]


print([round(a, 3) for a in norm_group([1, 0, 0, 0])])

# %% [markdown]
# Training uses `laser_core.algorithm.group_advantages`, which takes all groups of a step at once. It agrees:

# %%
two_groups = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
expected = torch.tensor(norm_group([1, 0, 0, 0]) + norm_group([1, 1, 0, 1]))
torch.testing.assert_close(algorithm.group_advantages(two_groups, group_size=4), expected)

# %% [markdown]
# ### Exercise 1: half of the group is correct
#
# Rewards 1, 1, 0, 0. What is the advantage of a correct solution?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="Rewards 1, 1, 0, 0: what is the advantage of a correct solution?",
    expected=norm_group([1, 1, 0, 0])[0],
    hints={
        1.0: "Nearly: the variance divides by K - 1 = 3, not by 4.",
        0.5: "That is the reward minus the mean. Now divide by the standard deviation.",
        1.5: "That is a group with one correct solution of four. Here two are.",
        -math.sqrt(0.75): "That is the advantage of an incorrect one.",
    },
    because="1/2 divided by sqrt(4 * 1/4 / 3) = 0.577. Incorrect solutions get the same with a minus.",
)

# %%
answer = None  # your number, to two decimals
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# mean = (1 + 1 + 0 + 0) / 4
# std = (4 * 0.5**2 / 3) ** 0.5
# answer = (1 - mean) / std
# ```
#
# </details>

# %% [markdown]
# ## What does not matter
#
# **Predict.** A careless colleague codes the rewards as 11 and 10 instead of 1 and 0; another one as 100 and 0. How
# do the advantages of the group 1, 0, 0, 0 change?

# %%
for rewards in ([1, 0, 0, 0], [11, 10, 10, 10], [100, 0, 0, 0]):
    print(rewards, "->", [round(a, 3) for a in norm_group(rewards)])

# %% [markdown]
# Not at all. The mean takes out any shift, and the standard deviation any scale. Only the comparison within the group
# is left. That is also the limit of it: GRPO never learns that one *problem* went better than another.
#
# ## What matters: how rare the solution is
#
# **Predict.** In a group of eight, when is a correct solution pushed hardest: if it is the only one, or if seven are
# correct?

# %%
print("correct of 8   A(correct)   A(incorrect)")
for n_correct in range(1, 8):
    advantage = norm_group([1] * n_correct + [0] * (8 - n_correct))
    print(f"{n_correct:>12}{advantage[0]:>13.2f}{advantage[-1]:>15.2f}")

# %% [markdown]
# The rare kind gets the large advantage: a lonely success is pushed up hard, a lonely failure is pushed down hard.
#
# ## Groups that teach nothing
#
# If all solutions of a group are correct, or all are incorrect, each of them equals the mean. All advantages are 0,
# and the step learns nothing from this problem. Call such a group **silent**.
#
# ### Exercise 2: how often is a group silent?
#
# A model solves a problem with probability 1/2 at each try. What is the probability that a group of four is silent?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="Probability 1/2 at each of four tries: how likely is it that all four are alike?",
    expected=0.5**4 + 0.5**4,
    hints={
        0.0625: "That is the probability that all four are correct. All four incorrect is silent as well.",
        0.5: "All four must be alike, not one of them.",
        0.25: "Four tries: 1/2 to the power of four, once for all correct and once for all incorrect.",
        0.875: "That is the probability that the group is not silent.",
    },
    because="(1/2)^4 for all correct and (1/2)^4 for all incorrect. For a model that is right 9 times in 10 it is "
    f"already {0.9**4 + 0.1**4:.2f}.",
)

# %%
answer = None  # your number, between 0 and 1
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# all_correct = 0.5**4
# all_incorrect = 0.5**4
# answer = all_correct + all_incorrect
# ```
#
# </details>

# %% [markdown]
# So a model that improves hears less and less. **Predict:** does the share of silent groups rise or fall over the
# GRPO run that comes with the project (groups of eight)?

# %%
bundled = {run.name: run for run in runs()}
events = [json.loads(line) for line in bundled["grpo"].events.read_text(encoding="utf-8").splitlines()]
step = np.array([event["step"] for event in events])
silent = np.array([event["frac_reward_zero_std"] for event in events])
reward = np.array([event["reward"] for event in events])
show(
    step_metrics_figure([StepMetric("mean reward", step, reward), StepMetric("share of silent groups", step, silent)]),
    f"Two curves over {len(step)} steps of one GRPO run. From the first ten steps to the last ten, the mean reward "
    f"goes from {reward[:10].mean():.2f} to {reward[-10:].mean():.2f}, and the share of silent groups from "
    f"{silent[:10].mean():.2f} to {silent[-10:].mean():.2f}.",
)

# %% [markdown]
# ## A step, group by group
#
# The base model's solutions to the first problems of the test split, eight each, as a training step would see them. A
# row is a group, a tick is a correct solution, the colour is the advantage.

# %%
base = read(bundled["base"].rollouts).rollouts
eight_each = base.table.filter(base.column("sample") < 8).slice(0, 8 * 12)
groups = training_groups(Rollouts(eight_each, base.meta), use_score=False)
show(
    groups_figure(groups, range(groups.n_groups), labels=[name.removeprefix("linear:") for name in groups.names]),
    f"{groups.n_groups} groups of eight solutions as rows, coloured by advantage: blue for pushed up, vermilion for "
    f"pushed down, pale for 0. Silent groups, with advantage 0 throughout: {int(groups.silent.sum())}.",
)

# %% [markdown]
# ## What the score adds
#
# The reward cannot tell two correct solutions apart, but the last-token score $r_s$ can. LaSeR mixes it in:
#
# $$A = (1 - \tau)\,\text{norm\_group}(r_v) + \tau\,\text{norm\_group}(r_s)$$
#
# with the published $\tau = 0.1$. In one case it leaves the score out: where the scores of a group hardly differ,
# with a standard deviation of at most $T = 0.1$, they are noise, and dividing by their tiny spread would blow the
# noise up.
#
# **Predict.** All four solutions of a problem are correct, with scores 0.9, 0.5, 0.5 and 0.1. Plain GRPO: silent.
# LaSeR?

# %%
reward, score = torch.ones(4), torch.tensor([0.9, 0.5, 0.5, 0.1])
scored = torch.ones(4, dtype=torch.bool)
blended = algorithm.integrated_advantages(reward, score, scored, 4, tau=0.1, std_threshold=0.1)
print("GRPO :", [round(a, 3) for a in algorithm.group_advantages(reward, 4).tolist()])
print("LaSeR:", [round(a, 3) for a in blended.tolist()])

# %% [markdown]
# A silent group speaks again, if quietly: of four correct solutions, the one that the model trusts most is pushed up.
#
# ### Exercise 3: write the blend
#
# Write `blend(rewards, scores)` for one group, with $\tau = 0.1$ and $T = 0.1$. You may use `norm_group` from above
# and `statistics.stdev`, which divides by $K - 1$.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check


def blend_of(rewards, scores, *, tau=0.1, threshold=0.1):
    r, s = torch.tensor(rewards, dtype=torch.float64), torch.tensor(scores, dtype=torch.float64)
    everyone = torch.ones(len(rewards), dtype=torch.bool)
    return algorithm.integrated_advantages(r, s, everyone, len(rewards), tau=tau, std_threshold=threshold).tolist()


groups_to_try = [
    ([1, 0, 0, 0], [0.8, 0.4, 0.1, 0.2]),
    ([1, 1, 1, 1], [0.9, 0.5, 0.5, 0.1]),
    ([1, 0, 0, 0], [0.50, 0.52, 0.49, 0.51]),
]
exercise_3 = FunctionExercise(
    task="Write blend(rewards, scores) for one group: (1 - 0.1) * norm_group(rewards) + 0.1 * norm_group(scores), or "
    "the rewards' advantages alone where the scores' standard deviation is at most 0.1.",
    cases=[(group, blend_of(*group)) for group in groups_to_try],
    tolerance=0.001,
    mistakes=[
        (lambda r, s: blend_of(r, s, threshold=0.0), "In this group the scores hardly differ: leave them out there."),
        (lambda r, s: blend_of(r, s, tau=0.9), "Those are the shares the other way round: the score's is 0.1."),
        (lambda r, s: norm_group(r), "That is plain GRPO. Where are the scores?"),
        (lambda r, s: norm_group([0.9 * a + 0.1 * b for a, b in zip(r, s, strict=True)]), "Normalise first, then mix."),
    ],
    because="In the third group the scores spread by 0.013 only, so the verifier decides alone.",
)


# %%
def blend(rewards, scores):
    return None  # your code


exercise_3.check(blend)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# from statistics import stdev
#
#
# def blend(rewards, scores):
#     from_reward = norm_group(rewards)
#     if stdev(scores) <= 0.1:
#         return from_reward
#     return [0.9 * r + 0.1 * s for r, s in zip(from_reward, norm_group(scores), strict=True)]
# ```
#
# </details>

# %% [markdown]
# ## What the advantage does
#
# Every token of a solution carries the solution's advantage. GRPO minimises
#
# $$-\frac{1}{n} \sum_t \min\!\big(\rho_t A,\ \text{clip}(\rho_t,\, 1 - \epsilon,\, 1 + \epsilon)\, A\big), \qquad
# \rho_t = \frac{\pi_\theta(y_t)}{\pi_\text{old}(y_t)}$$
#
# $\rho$ is 1 when the step begins. The clip with $\epsilon = 0.2$ stops the push on a token once it has moved by a
# fifth.
#
# **Predict.** A solution with $A = 1.5$ has three tokens that are now at $\rho = 1$, $1.3$ and $0.7$. On which of
# them is there still a push?

# %%
old_logprob = torch.zeros(1, 3)
logprob = torch.tensor([[1.0, 1.3, 0.7]]).log().requires_grad_()
mask = torch.ones(1, 3, dtype=torch.bool)
loss = algorithm.policy_loss(logprob, old_logprob, torch.tensor([1.5]), mask, clip_low=0.2, clip_high=0.2, n_tokens=3)
loss.backward()
print("push on the log-prob (minus the gradient):", [round(-g, 3) + 0.0 for g in logprob.grad[0].tolist()])

# %% [markdown]
# The token at 1.3 has already gained more than a fifth, so it is left alone. The one at 0.7 went the wrong way, and
# is pushed back up.
#
# ## Summary
#
# - An **advantage** compares a solution with its **group**: the model's other solutions of the same problem.
# - It is 0 for a whole group that is all correct or all incorrect; such groups are **silent**, and a model that
#   improves has more and more of them.
# - LaSeR mixes in the score's advantage with weight $\tau$, unless the scores of the group hardly spread.
# - Advantages multiply the push on every token of the solution; the clip stops it when a token has moved enough.
#
# Next: [why a log-probability can be a reward](02_the_closed_form.ipynb).
#
# ## In the app
#
# [Groups](http://localhost:8501/groups) shows any training step in this way, with rewards, scores and advantages of
# every solution (`laser app` opens the explorer).

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
# # 3. Picking z_c and measuring c_ref
#
# **Goal.** Choose a verdict token for a model, measure its reference constant, and say when a constant is not good
# enough.
#
# **Time.** 20 minutes.
#
# **Prerequisites.** [Notebook 2](02_the_closed_form.ipynb): why $z_c$ should be a token that nobody writes. The model
# runs on a CPU in seconds.

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
import statistics

import numpy as np
import pandas as pd

from laser_core.analysis import closed_form
from laser_core.bundled import runs
from laser_core.figures.theory import noise_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.models.verdict_token import candidates
from laser_core.policy import load_policy
from laser_core.reference import c_ref_of, measure_c_ref, own_solutions
from laser_core.rollouts import read
from laser_core.scoring import last_logprobs_of
from laser_core.tasks import load_problems
from laser_core.token_choice.pick_token import ended_solutions, rank_tokens

# %% [markdown]
# ## What we want from a verdict token
#
# The score is $r_s = \beta_v(\log \pi_\theta(z_c \mid x, y, \texttt{<eos>}) - c_\text{ref})$. For this to work, $z_c$
# should be
#
# 1. **never written**, so that training it does not change the text;
# 2. **unlikely enough**: a score of 1 lies $1/\beta_v$ nats above $c_\text{ref}$, and no log-probability exceeds 0;
# 3. **constant**: $c_\text{ref}$ stands for $\log \pi_\text{ref}(z_c \mid x, y, \texttt{<eos>})$, which must not
# depend on the solution.
#
# ### Exercise 1: choose one
#
# Three tokens, measured over 300 solutions of a model. With $\beta_v = 0.1$, which one serves best?
#
# | | mean of log π_ref, nats | standard deviation, nats | solutions that contain it |
# |---|---|---|---|
# | A | −24.0 | 1.90 | 0 |
# | B | −23.0 | 0.04 | 0 |
# | C | −6.0 | 0.05 | 0 |

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="Which of the tokens A, B and C serves best with beta_v = 0.1? Write its letter as text.",
    expected="B",
    hints={
        "A": "It is unlikely enough, but look at its spread: 1.9 nats are 0.19 of score, by chance alone.",
        "C": "It is constant, but it is 6 nats from certain: no score could exceed 0.6.",
    },
    because="Its spread is worth 0.004 of score, and a score of 1 lies at -13 nats, far from 0.",
)

# %%
answer = None  # "A", "B" or "C"
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = "B"
# ```
#
# </details>

# %% [markdown]
# ## Candidates
#
# Large models come with reserved tokens: Qwen2.5 has `<|vision_start|>`, which never stands in a text without
# pictures, and Llama 3 has `<|reserved_special_token_0|>` and many more. The paper uses these two models' tokens. Our
# miniature has some as well:

# %%
base = load_policy("bundled:base")
for candidate in candidates(base.tokenizer, base.end_ids):
    print(candidate.token, "is", candidate.kind)

# %% [markdown]
# ## Measure it
#
# Let the model solve some problems, and read the log-probability of *every* token of its vocabulary after the end
# token. It has 119 of them, so we can afford to look at all.

# %%
problems = load_problems("linear", "test")[:64]
sampled = own_solutions(base, problems, max_new_tokens=60, seed=0)
solutions = ended_solutions(base, sampled)
vocabulary = base.tokenizer.convert_ids_to_tokens(list(range(len(base.tokenizer))))
logprobs = last_logprobs_of(base, solutions, range(len(vocabulary))).double().numpy()
print(f"{len(logprobs)} solutions that end, {logprobs.shape[1]} tokens")

# %% [markdown]
# **Predict.** Which tokens vary more from solution to solution: those that the model writes all the time, such as
# digits and `;`, or those that it never writes?

# %%
table = pd.DataFrame({"token": vocabulary, "mean, nats": logprobs.mean(0), "std, nats": logprobs.std(0, ddof=1)})
chosen = ["<eos>", ";", "~", "3", "#", "T", "Q", base.z_token]
table.set_index("token").loc[chosen].round(2)

# %% [markdown]
# What the model writes depends on the text before it, also where it should come next to never. What it never writes
# it knows little about, and says about the same everywhere. (`<eos>` is nearly certain here: the solution has ended.)
#
# ## c_ref by hand
#
# $c_\text{ref}$ is the mean over the model's own solutions, and its standard deviation says how good a constant it
# is. A solution that was cut off by the length limit has no end token, hence no place to read: it is left out.

# %%
of_z = sampled.z_logprob[~sampled.truncated].double()
by_hand = of_z.mean().item(), of_z.std().item()
measured = c_ref_of(sampled, max_new_tokens=60)
np.testing.assert_allclose(by_hand, measured[:2])
print(f"c_ref = {measured.mean:.2f} nats, standard deviation {measured.std:.3f}, n = {measured.n} solutions")

# %% [markdown]
# `laser_core.reference.measure_c_ref` does all of this in one call. The paper measured −23.11 ± 0.04 in the same way
# for Qwen2.5, over 300 solutions.
#
# The mean itself is known to within its standard error, the standard deviation divided by $\sqrt n$. A few hundred
# solutions are plenty:

# %%
standard_error = measured.std / measured.n**0.5
print(f"standard error {standard_error:.4f} nats, worth {0.1 * standard_error:.5f} of score")

# %% [markdown]
# ### Exercise 2: write the measurement
#
# Write `measure(z_logprobs, truncated)`: two lists of the same length, the log-probs and whether each solution was
# cut off. Return a list: $c_\text{ref}$ and its standard deviation (with $n - 1$, as `statistics.stdev` has it).

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check


def measured_over(values):
    return [statistics.mean(values), statistics.stdev(values)]


exercise_2 = FunctionExercise(
    task="Write measure(z_logprobs, truncated): [mean, standard deviation] over the solutions that were not cut off.",
    cases=[
        (([-23.0, -22.0, -24.0], [False, False, False]), [-23.0, 1.0]),
        (([-23.0, -1.0, -22.0, -24.0], [False, True, False, False]), [-23.0, 1.0]),
        (([-10.0, -12.0, -14.0, -12.0], [True, False, False, False]), [-38 / 3, statistics.stdev([-12, -14, -12])]),
    ],
    mistakes=[
        (lambda z, cut: measured_over(z), "Leave out the solutions that were cut off."),
        (
            lambda z, cut: [
                statistics.mean(v := [a for a, c in zip(z, cut, strict=True) if not c]),
                statistics.pstdev(v),
            ],
            "Divide by n - 1: this is a sample of solutions.",
        ),
        (
            lambda z, cut: measured_over([a if not c else 0.0 for a, c in zip(z, cut, strict=True)]),
            "A solution that was cut off has no log-prob. Counting it as 0 makes it certain of z_c; leave it out.",
        ),
    ],
)


# %%
def measure(z_logprobs, truncated):
    return None  # your code


exercise_2.check(measure)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def measure(z_logprobs, truncated):
#     ended = [value for value, cut in zip(z_logprobs, truncated, strict=True) if not cut]
#     return [statistics.mean(ended), statistics.stdev(ended)]
# ```
#
# </details>

# %% [markdown]
# ## When the constant is not constant
#
# Our vocabulary is small: in 119 tokens none is as unused as one in Qwen's 150,000. So the last stage of the base's
# training pins the reserved tokens at −23 nats. The model from before that stage comes with the project, too.
#
# **Predict.** What will its $c_\text{ref}$ be, and how far will it spread?

# %%
unpinned = load_policy("bundled:base-unpinned")
loose = measure_c_ref(unpinned, problems, max_new_tokens=60, seed=0)
for name, m in (("pinned", measured), ("unpinned", loose)):
    print(f"{name:<9} c_ref = {m.mean:6.2f} nats, standard deviation {m.std:.2f}, worth {0.1 * m.std:.3f} of score")

# %% [markdown]
# The spread goes straight into the score: $\beta_v$ times the standard deviation. If it is normal, this is what it
# does to scores that would otherwise be exactly 0 and 1:

# %%
noise = closed_form.reference_noise(beta_v=0.1, c_ref_std=loose.std)
show(
    noise_figure(noise),
    f"Scores that should be exactly 0 and 1, blurred by a reference with a standard deviation of {loose.std:.2f} nats. "
    f"Each hump has a standard deviation of {noise.std:.2f}; {100 * noise.misjudged:.1f}% of it lies on the wrong side "
    "of 0.5.",
)

# %% [markdown]
# ### Exercise 3: how large must beta_v be?
#
# For some model the best token has $c_\text{ref} = -7$ nats, with hardly any spread. At $\beta_v = 0.1$ no score
# could exceed
# 0.7. What is the smallest $\beta_v$ with which a score of 1 can be reached?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = Exercise(
    task="c_ref = -7 nats: what is the smallest beta_v with which a score of 1 can be reached?",
    expected=1 / 7,
    tolerance=0.002,
    hints={
        0.7: "That is the highest score at beta_v = 0.1. Ask for which beta_v it becomes 1.",
        7.0: "The other way round: beta_v is reward per nat, and there are 7 nats.",
        -1 / 7: "beta_v is positive: log pi rises from -7 to 0, by 7 nats.",
    },
    because="beta_v * (0 - (-7)) = 1. At that value the model would have to be certain of z_c, so choose a larger one, "
    "or better a rarer token.",
)

# %%
answer = None  # your number, to three decimals
exercise_3.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 1 / 7
# ```
#
# </details>

# %% [markdown]
# ## Let the program choose
#
# `laser pick-token MODEL` ranks all spare tokens of a model by these criteria. The same from Python, for both bases:

# %%
for name, policy, read_after in (("pinned", base, solutions), ("unpinned", unpinned, solutions)):
    best = rank_tokens(policy, read_after, beta_v=0.1)[0]
    print(f"{name}: {best.candidate.token} {'serves' if best.serves else 'does not serve'}: {best.why()}")

# %% [markdown]
# ## c_ref belongs to the model before training
#
# Training moves everything a little, also tokens that no loss speaks of. Below is $\log \pi(z_c)$ after the solutions
# of the base, and of the same model after GRPO, which never looks at $z_c$.
#
# **Predict.** Does it stay at $c_\text{ref}$?

# %%
for run in runs():
    if run.name in ("base", "grpo"):
        of_run = read(run.rollouts).rollouts.column("z_logprob")
        print(f"{run.name:<5} mean {np.nanmean(of_run):.2f} nats, standard deviation {np.nanstd(of_run, ddof=1):.2f}")

# %% [markdown]
# It drifts, and spreads. So measure $c_\text{ref}$ on the model *before* training, once, and keep it. And do not read
# a score from a model that was never trained for it: what would rank its solutions is this drift.
#
# ## Summary
#
# - A verdict token is never written, unlikely enough ($c_\text{ref} \le -1/\beta_v$, with room to spare), and
#   constant.
# - $c_\text{ref}$ is the mean of $\log \pi_\text{ref}(z_c)$ over the starting model's own solutions that end. Report
#   its standard deviation and $n$ beside it.
# - $\beta_v$ times the standard deviation is noise in every score. If that is above 0.05, choose another token, or
#   use the exact reference.
# - In a small vocabulary no token is unused enough by itself; our miniature had to be pinned.
#
# Next: [the loss that trains the score](04_the_score_loss.ipynb).
#
# ## In the app
#
# [Theory](http://localhost:8501/theory) has a slider for the spread of the reference, and
# [Data](http://localhost:8501/data) shows $z_c$, $c_\text{ref}$ and its spread of every run (`laser app` opens the
# explorer).

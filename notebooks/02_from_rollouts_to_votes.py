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
# # 2. From rollouts to a better vote
#
# A walk through the bundled rollouts: does the score tell right from wrong, at which threshold, and what is it worth
# when a model may answer a problem several times? It needs no model and no GPU, only the table of rollouts, and works
# the same on a file of your own: replace the path below.

# %%
import pandas as pd
import plotly.io as pio

from laser_core.analysis import (
    Samples,
    accuracy,
    compare,
    draw_vote,
    drill_down,
    score_distribution,
    separation,
    threshold_sweep,
    voting_curve,
)
from laser_core.bundled import runs
from laser_core.figures import score_histogram, threshold_figure, vote_figure, voting_figure, voting_gain_figure
from laser_core.rollouts import read

pio.renderers.default = "plotly_mimetype"


def show(name, estimate):
    print(f"{name:<38}{estimate.value:.3f}   95% interval [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]")


# %%
paths = {run.name: run.rollouts for run in runs()}
rollouts = read(paths["laser"]).rollouts
samples = Samples.from_rollouts(rollouts)
print(f"{samples.n_problems} held-out problems, {samples.n_samples} solutions each, by {rollouts.meta.model}")
show("accuracy", accuracy(samples))

# %% [markdown]
# Every interval here treats the *problem* as the unit: solutions of one problem are not independent.
#
# ## Does the score tell right from wrong?

# %%
score_histogram(score_distribution(samples))

# %%
apart = separation(samples)
show("AUROC over all solutions", apart.auroc)
show("AUROC within a problem", apart.within_problem_auroc)
show("balanced F1 at 0.5 (TPR, TNR)", apart.balanced_f1)
print(f"{apart.n_mixed_problems} problems have both correct and incorrect solutions")

# %% [markdown]
# **Look at the second line first.** The overall AUROC also rewards a score that merely knows which *problems* are hard.
# Voting chooses among solutions of the *same* problem, so the AUROC within a problem is the number voting lives on.
#
# ## At which threshold?

# %%
sweep = threshold_sweep(samples)
threshold_figure(sweep)

# %% [markdown]
# The score was trained towards 0 and 1, so 0.5 is the natural threshold. The sweep shows whether it is also a good one.
#
# ## What is it worth?
#
# Let the model answer N times. The majority vote counts the answers, the weighted vote adds up their scores, clipped to
# 0 and 1. Each point is the expected accuracy over random N-subsets of a problem's solutions.

# %%
curve = voting_curve(samples)
voting_figure(curve)

# %%
voting_gain_figure(curve)

# %% [markdown]
# The gain is paired: both votes hear the same solutions. Here is one such vote, on a problem where the weights turned
# the outcome:

# %%
lists = drill_down(samples)
print(f"weights turned {len(lists.fixed_by_weights)} problems to right and {len(lists.broken_by_weights)} to wrong")
vote = draw_vote(samples, int(lists.fixed_by_weights[0]), samples.n_samples, seed=0)
best = [rollouts.row(int(row)) for row in vote.representative]
print(best[0]["problem"], "the answer is", best[0]["reference_answer"])
vote_figure(vote, [row["answer"] for row in best])

# %% [markdown]
# ## Is it the training, or would any model do?
#
# The same table for the base model and for plain GRPO, on the same problems:

# %%
table = []
everyone = {name: Samples.from_rollouts(read(path).rollouts) for name, path in paths.items()}
for name, own in everyone.items():
    own_apart, own_curve = separation(own), voting_curve(own, n_max=16)
    table.append(
        {
            "run": name,
            "accuracy": accuracy(own).value,
            "within-problem AUROC": own_apart.within_problem_auroc.value,
            "balanced F1": own_apart.balanced_f1.value,
            "majority of 16": own_curve.majority[-1],
            "weighted vote of 16": own_curve.weighted[-1],
        }
    )
pd.DataFrame(table).round(3)

# %%
difference = compare(everyone["grpo"], everyone["laser"], n_max=16)
show("accuracy, LaSeR minus GRPO (paired)", difference.accuracy.difference)

# %% [markdown]
# **Try it.** Which problems does the weighted vote lose that the majority had won? `drill_down(samples)` lists them;
# open one in the app's Traces page and find the solution that misled it.

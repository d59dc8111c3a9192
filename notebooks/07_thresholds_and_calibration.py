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
# # 7. Thresholds and calibration
#
# **Goal.** Turn a score into a decision. You will compute the paper's "F1" by hand, see what a threshold costs, and
# find out why a score of 0.7 does not mean "70% sure", and what it means instead.
#
# **Time.** 25 minutes.
#
# **Prerequisites.** [The whole idea](00_the_whole_idea.ipynb); the score loss of [notebook
# 4](04_the_score_loss.ipynb) helps in the last part.

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
import numpy as np
import pandas as pd

from laser_core.analysis import (
    Samples,
    calibration,
    confusion,
    cross_fit,
    recalibrate,
    roc_pr,
    separation,
    threshold_sweep,
    tuning_gain,
)
from laser_core.bundled import ROOT, claim_runs, runs
from laser_core.figures import reliability_figure, roc_pr_figure, threshold_figure
from laser_core.lessons import Exercise, FunctionExercise, show
from laser_core.reproduce.learning import load_facts
from laser_core.rollouts import read

# %% [markdown]
# ## Eight solutions
#
# A verifier has checked eight solutions, and a score has rated them. Six are correct. At a threshold of 0.5 the score
# *predicts correct* whatever lies above.

# %%
score = np.array([0.9, 0.8, 0.7, 0.7, 0.6, 0.3, 0.6, 0.2])
correct = np.array([1, 1, 1, 1, 1, 1, 0, 0])
predicted = score > 0.5
for kind, name in ((1, "correct"), (0, "incorrect")):
    of_kind = correct == kind
    right = int((predicted[of_kind] == kind).sum())
    print(f"{name:<9} solutions: {of_kind.sum()}, of which {right} are predicted {name}")

# %% [markdown]
# The share of correct solutions that are predicted correct is the **true positive rate** (TPR), here 5/6. The share
# of incorrect ones that are predicted incorrect is the **true negative rate** (TNR), here 1/2. What the LaSeR paper
# prints as "F1" is their harmonic mean, which we call **balanced F1**:
#
# $$F = \frac{2 \cdot \mathrm{TPR} \cdot \mathrm{TNR}}{\mathrm{TPR} + \mathrm{TNR}}$$


# %%
def rates(score, correct, threshold):
    """TPR, TNR and balanced F1 of predicting "correct" above a threshold."""
    tpr = (score[correct == 1] > threshold).mean()
    tnr = (score[correct == 0] <= threshold).mean()
    return tpr, tnr, 2 * tpr * tnr / (tpr + tnr) if tpr + tnr else 0.0


print("TPR {:.3f}, TNR {:.3f}, balanced F1 {:.3f}".format(*rates(score, correct, 0.5)))

# %% [markdown]
# That was from scratch. `laser_core` computes the same, for any number of problems and with intervals, and from here
# on we use it:

# %%
cells = confusion(Samples.from_arrays(correct=correct[None], score=score[None]), threshold=0.5)
assert np.allclose(rates(score, correct, 0.5), [cells.tpr.value, cells.tnr.value, cells.balanced_f1.value])

# %% [markdown]
# **Predict.** A lazy judge calls every solution correct. What does it get from balanced F1, and what from the usual
# F1, the harmonic mean of precision and recall?

# %%
lazy = np.ones(8)
precision, recall = correct.mean(), 1.0
print(f"usual F1    {2 * precision * recall / (precision + recall):.3f}")
print(f"balanced F1 {rates(lazy, correct, 0.5)[2]:.3f}")

# %% [markdown]
# The usual F1 praises a judge that has never looked at a solution, whenever most solutions are correct. Balanced F1
# gives it 0. When you read "F1" in a paper about verification, ask which one it is.
#
# ### Exercise 1: balanced F1 by hand
#
# A judge predicts "correct" for 90 of 100 correct solutions and for 30 of 50 incorrect ones. What is its balanced F1?

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 1, its check
exercise_1 = Exercise(
    task="90 of 100 correct and 30 of 50 incorrect solutions are predicted correct. What is the balanced F1?",
    expected=2 * 0.9 * 0.4 / (0.9 + 0.4),
    hints={
        0.65: "That is the arithmetic mean of TPR and TNR; the harmonic mean is asked for.",
        0.72: "Here 30/50 was taken for the TNR. The TNR counts incorrect solutions that are predicted incorrect: 20.",
        0.818: "That is the usual F1, of precision 90/120 and recall 0.9.",
        0.75: "That is the precision.",
    },
    because="TPR 0.9 and TNR 0.4: a harmonic mean is pulled towards the smaller of the two.",
)

# %%
answer = None
exercise_1.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# tpr, tnr = 90 / 100, 20 / 50
# answer = 2 * tpr * tnr / (tpr + tnr)
# ```
#
# </details>

# %% [markdown]
# ## Every threshold at once
#
# Now the miniature that LaSeR trained on linear equations, on problems it has not seen. The score was trained towards
# 0 and 1, so the paper decides at 0.5. **Predict:** is the best threshold on these solutions above, below or near
# 0.5, and by how much does it beat 0.5?

# %%
run = runs()[0]
rollouts = read(run.rollouts).rollouts
samples = Samples.from_rollouts(rollouts)
sweep = threshold_sweep(samples)
at_half = separation(samples)
print(f"{run.title}, one training run: {samples.n_problems} problems x {samples.n_samples} solutions")
print(f"best threshold here {sweep.best:.2f}, 95% CI [{sweep.best_low:.2f}, {sweep.best_high:.2f}]")
print(f"balanced F1 at 0.5: {at_half.balanced_f1}; at the best: {sweep.balanced_f1[sweep.best_index]:.3f}")

# %%
show(
    threshold_figure(sweep.thinned(200)),
    "True positive rate, true negative rate and balanced F1 at every threshold. A higher threshold rejects "
    "more incorrect "
    "solutions (TNR rises) and more correct ones (TPR falls); balanced F1 is highest where both are about equal, at "
    f"{sweep.best:.2f}, where it is {sweep.balanced_f1[sweep.best_index]:.3f}.",
)

# %% [markdown]
# A threshold that was chosen on some solutions looks better on them than it will on others. Choose it on four fifths
# of the problems, test it on the last fifth, five times over, and compare with 0.5 on the same solutions:

# %%
tuned, gain = cross_fit(samples), tuning_gain(samples)
print("thresholds chosen:", ", ".join(f"{t:.2f}" for t in tuned.thresholds))
print(f"tuned - fixed 0.5, balanced F1: {gain}")
print("Tuning helps here." if gain.ci_low > 0 else "Tuning gains nothing that could be told from 0 here.")

# %% [markdown]
# **Two questions, two numbers.** Balanced F1 asks about one threshold. AUROC asks about none: it is the share of
# pairs of one correct and one incorrect solution in which the correct one scores higher.

# %%
curves = roc_pr(samples, points=200)
show(
    roc_pr_figure(curves, "roc", threshold=0.5),
    "ROC curve: true positive rate against false positive rate, from the strictest threshold at the lower left to the "
    f"laxest at the upper right. The area under it, AUROC, is {curves.auroc}; the dotted diagonal is chance, 0.5. "
    f"AUROC within a problem, over pairs of solutions of one problem only, is {at_half.within_problem_auroc}.",
)

# %% [markdown]
# Read both. A score that only knows which *problems* are hard has a high AUROC and 0.5 within a problem, and it is
# useless for choosing among solutions of one problem.
#
# ### Exercise 2: scores twice as large
#
# Somebody doubles every score. Which of these change? Give `[auroc, balanced_f1_at_half, calibration_error]` as
# `True` for "it may change" and `False` for "it cannot". Calibration is further below; think of it as "does 0.7 mean
# 70%?".

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 2, its check
exercise_2 = Exercise(
    task="Doubling every score: which of [AUROC, balanced F1 at 0.5, calibration error] may change? Three "
    "times True/False.",
    expected=[False, True, True],
    hints={
        (True, True, True): "AUROC only asks which of two scores is higher. Doubling keeps the order.",
        (False, False, True): "The threshold stays at 0.5 while the scores move away from it.",
        (False, True, False): "If 0.4 meant 40% before, what does 0.8 mean now?",
    },
    because="AUROC depends on the order alone; a threshold and a probability depend on the values.",
)

# %%
answer = None
exercise_2.check(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = [False, True, True]
# ```
#
# `separation(samples.with_score(2 * samples.score))` shows it.
#
# </details>

# %% [markdown]
# ## What does a mistake cost?
#
# Balanced F1 treats both mistakes alike. An application does not: showing a wrong answer may cost ten times as much
# as asking a person. **Predict:** where does the best threshold go if a false accept costs as much as ten false
# rejects?

# %%
for ratio in (0.1, 1.0, 10.0):
    priced = threshold_sweep(samples, cost_ratio=ratio)
    chosen = confusion(samples, threshold=priced.best)
    print(
        f"a false accept costs {ratio:>4g} false rejects: threshold {priced.best:.2f}, "
        f"TPR {chosen.tpr.value:.2f}, TNR {chosen.tnr.value:.2f}"
    )

# %% [markdown]
# The paper's 0.5 is one choice among many. Say what mistakes cost before you argue about thresholds.
#
# ## Is 0.7 a probability?
#
# A score is **calibrated** if, among solutions that score 0.7, seven in ten are correct. The expected calibration
# error (ECE) cuts the clipped scores into bins and averages the gap between each bin's accuracy and its mean score.
# By hand, on our eight solutions in two bins:

# %%
order = np.argsort(score, kind="stable")
low_bin, high_bin = order[:3], order[3:]
gaps = [abs(correct[rows].mean() - score[rows].mean()) * len(rows) / 8 for rows in (low_bin, high_bin)]
print("share of the solutions times gap:", [round(float(g), 4) for g in gaps], "ECE:", round(float(sum(gaps)), 4))

# %% [markdown]
# And with `laser_core`, in fifteen bins with equally many solutions, on the miniature:


# %%
def ece_from_scratch(score, correct, edges):
    """Mean gap between accuracy and mean score over bins, weighted by their sizes."""
    bin_of = np.searchsorted(edges[1:-1], score, side="left")
    rows = [bin_of == b for b in range(len(edges) - 1)]
    return sum(abs(correct[r].mean() - score[r].mean()) * r.mean() for r in rows if r.any())


found = calibration(samples)
known = np.isfinite(samples.score) & np.isfinite(samples.correct)
mine = ece_from_scratch(np.clip(samples.score[known], 0, 1), samples.correct[known], found.edges)
assert abs(mine - found.ece_plugin) < 1e-9
print(f"ECE, with the noise of finite bins taken off: {found.ece}")

# %%
again = calibration(recalibrate(samples))
show(
    reliability_figure(found, recalibrated=again),
    "Accuracy in each bin of the score against the bin's mean score, with 95% intervals; the dotted diagonal is a "
    f"calibrated probability. ECE is {found.ece}. A rising function of the score, learned on other problems, "
    "brings it to "
    f"{again.ece}.",
)

# %% [markdown]
# Where the points lie above the diagonal, the score is *too low* to be a probability. **Predict:** is that a failure
# of training, or did training ask for it?
#
# ## What the class weights did
#
# The score loss gives correct and incorrect solutions the same total weight (equation in [notebook
# 4](04_the_score_loss.ipynb)). Let $\pi$ be the share of correct solutions in a batch. A correct solution then weighs
# $w_c = 1/(2\pi)$ and an incorrect one $w_i = 1/(2(1-\pi))$. Take all solutions that look alike to the model, and let
# $p$ be the share of correct ones among them. The score that makes their loss smallest is the *weighted* mean of 1
# and 0:
#
# $$s = \frac{w_c\, p}{w_c\, p + w_i\, (1-p)} = \frac{p\,(1-\pi)}{p\,(1-\pi) + (1-p)\,\pi}$$
#
# So $s = 0.5$ exactly where $p = \pi$: a score of one half means **"as likely to be correct as the average
# solution"**. Solving for $p$ gives the way back:
#
# $$p = \frac{s\,\pi}{s\,\pi + (1-s)\,(1-\pi)}$$
#
# ### Exercise 3: the way back
#
# Write the way back as a function.

# %% cellView="form" jupyter={"source_hidden": true} tags=["hide-input"]
# @title Exercise 3, its check
exercise_3 = FunctionExercise(
    task="Write probability(s, share): the probability p behind a score s, where `share` of the batch was correct.",
    cases=[((0.5, 0.5), 0.5), ((0.5, 0.8), 0.8), ((0.2, 0.8), 0.5), ((0.0, 0.8), 0.0), ((0.9, 0.25), 0.75)],
    mistakes=[
        (
            lambda s, share: s * (1 - share) / (s * (1 - share) + (1 - s) * share),
            "That is the way there, from p to s. Swap the share and one minus the share.",
        ),
        (lambda s, share: s * share, "Divide by the sum of both weights, so that the two possibilities add up to 1."),
    ],
    because="A score of 0.2 on a batch with 80% correct solutions still means one half.",
)


# %%
def probability(s, share): ...


exercise_3.check(probability)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def probability(s, share):
#     return s * share / (s * share + (1 - s) * (1 - share))
# ```
#
# </details>

# %% [markdown]
# Does it hold for the trained miniatures? We need $\pi$ as it was in training, not as it is in this test: the mean
# reward of the last ten steps. **Predict:** in which of the three families does it take the most of the calibration
# error away? Where hardly more solutions are correct than incorrect, there is little to undo.


# %%
def undo_class_weights(score, share):
    s = np.clip(score, 0, 1)
    return s * share / (s * share + (1 - s) * (1 - share))


facts, trained, rows, ece = load_facts(ROOT / "reproduce" / "runs.json"), {}, [], {}
for claim_run in claim_runs():
    if claim_run.name in ("laser-0", "chain-laser-0", "words-laser-0"):
        trained[claim_run.name] = Samples.from_rollouts(read(claim_run.rollouts).rollouts)
for name, own in trained.items():
    share = float(np.mean(facts[name]["curves"]["accuracy"][-10:]))
    undone = own.with_score(undo_class_weights(own.score, share))
    ece[name] = [calibration(each).ece for each in (own, undone, recalibrate(own))]
    rows.append({"run": name, "correct in training": round(share, 3)})
    rows[-1] |= dict(zip(("as it is", "class weights undone", "recalibrated"), map(str, ece[name]), strict=True))
assert ece["chain-laser-0"][1].ci_high < ece["chain-laser-0"][0].ci_low  # the text below says so
pd.DataFrame(rows)

# %% [markdown]
# In `chain` the formula, with nothing fitted to these solutions, takes a good part of the error away. In `linear` the
# score has come so close to 0 and 1 that there is little to undo, and in `words` the two classes were nearly even. What
# is left is the score's own error, and recalibration on other problems takes it away. The class weights are a choice:
# they keep the score from ending at "almost everything is correct" when most solutions are, and the price is that its
# value must be read against the average solution. Ranking and voting within a problem do not care.
#
# ## Summary
#
# - "F1" in the paper is balanced F1, the harmonic mean of TPR and TNR; a judge that never looks gets 0.
# - A threshold belongs to a cost. 0.5 suits equal weight for both classes, because training gave them equal weight.
# - Tune a threshold on other problems than those you test on, and compare it with 0.5 on the same solutions.
# - AUROC within a problem needs no threshold and no calibration, and it is the one that votes depend on.
# - A score of 0.5 means "as likely as the average solution". If you need probabilities, undo the class weights or
#   recalibrate on problems with verdicts.
#
# Next: [votes](08_votes.ipynb).
#
# ## In the app
#
# `laser app` opens the explorer. Its [Thresholds page](http://localhost:8501/thresholds) has all of this with a
# slider and a price for mistakes.

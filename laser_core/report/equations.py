"""The equations below the figures, as constant HTML without any text of the file."""

from __future__ import annotations

from markupsafe import Markup

SCORE = Markup("r<sub>s</sub> = β<sub>v</sub> (log π<sub>θ</sub>(z<sub>c</sub> | x, y, &lt;eos&gt;) − c<sub>ref</sub>)")
VOTES = Markup(
    "majority: argmax<sub>a</sub> #{i : y<sub>i</sub> = a}; weighted: argmax<sub>a</sub> Σ<sub>i : y<sub>i</sub> = "
    "a</sub> w<sub>i</sub>; pass@N = 1 − C(n − c, N) / C(n, N); averaged over all N-subsets of a problem’s n solutions"
)
GAIN = Markup("mean over problems of P(weighted vote correct) − P(majority vote correct)")
BALANCED_F1 = Markup("balanced F1 = 2 TPR · TNR / (TPR + TNR)")
ROC = Markup(
    "AUROC = P(r<sub>s</sub>(correct) &gt; r<sub>s</sub>(incorrect)) + ½ P(equal); TPR = P(r<sub>s</sub> &gt; t | "
    "correct), FPR = P(r<sub>s</sub> &gt; t | incorrect)"
)
PRECISION = Markup("precision = P(correct | r<sub>s</sub> &gt; t), recall = TPR")
ECDF = Markup("F(x) = share of solutions with r<sub>s</sub> ≤ x; TPR = 1 − F<sub>correct</sub>(t)")
DENSITY = Markup("Gaussian kernel density of r<sub>s</sub>; each side is scaled to its own peak")
CONFUSION = Markup(
    "TPR = accepted correct / correct; TNR = rejected incorrect / incorrect; accepted: r<sub>s</sub> &gt; t"
)
RELIABILITY = Markup(
    "ECE = Σ<sub>b</sub> (n<sub>b</sub> / n) |accuracy<sub>b</sub> − mean clip(r<sub>s</sub>, 0, 1)<sub>b</sub>|; "
    "Brier = mean (clip(r<sub>s</sub>, 0, 1) − r<sub>v</sub>)²"
)
SIGNALS = Markup(
    "AUROC within a problem = mean over problems of P(r<sub>s</sub>(correct) &gt; r<sub>s</sub>(incorrect) | same "
    "problem), with each signal in place of r<sub>s</sub>"
)
SENSITIVITY = Markup(
    "r<sub>s</sub>′ = β′ (r<sub>s</sub> / β<sub>v</sub> + c<sub>ref</sub> − c′): linear, so no model is needed"
)
COMPUTE = Markup(
    "decided: the leader’s margin exceeds the largest possible weight of the remaining votes; sure: P(p &gt; ½) &gt; "
    "confidence under Beta(votes<sub>1</sub> + 1, votes<sub>2</sub> + 1)"
)
LENGTH = Markup("Spearman ρ = correlation of rank(r<sub>s</sub>) and rank(tokens)")
STEPS = Markup("quantiles of r<sub>s</sub> of correct and of incorrect solutions, and AUROC, at each training step")

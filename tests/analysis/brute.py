"""Slow, obvious definitions: every subset is drawn, every pair is compared."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np


def vote_credit(answers, weights, winning) -> float:
    """Credit of one vote: 1 if a correct answer has the largest total, its share in a tie; unanswered (-1) abstain."""
    totals = defaultdict(float)
    for answer, weight in zip(answers, weights, strict=True):
        if answer >= 0:
            totals[answer] += weight
    if not totals:
        return 0.0
    top = max(totals.values())
    leaders = [a for a, total in totals.items() if abs(total - top) < 1e-9]
    return sum(winning[a] for a in leaders) / len(leaders)


def expected_vote(answers, weights, winning, size: int) -> float:
    """Mean credit over all subsets of a size."""
    subsets = list(combinations(range(len(answers)), size))
    return float(np.mean([vote_credit([answers[i] for i in s], [weights[i] for i in s], winning) for s in subsets]))


def expected_pass(correct, size: int) -> float:
    return float(np.mean([any(s) for s in combinations(correct, size)]))


def expected_best(correct, score, size: int) -> float:
    """Mean over subsets of the share of correct solutions among those with the highest score; NaN is below all."""
    score = [-np.inf if np.isnan(s) else s for s in score]
    credits = []
    for subset in combinations(range(len(correct)), size):
        top = max(score[i] for i in subset)
        best = [i for i in subset if score[i] == top]
        credits.append(np.mean([correct[i] for i in best]))
    return float(np.mean(credits))


def auroc(score, correct) -> float:
    """Share of the pairs of a correct and an incorrect solution that are in order; ties count one half."""
    rows = list(zip(score, correct, strict=True))
    pairs = [(a, b) for a, a_correct in rows if a_correct for b, b_correct in rows if not b_correct]
    return float(np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs])) if pairs else float("nan")

"""The numbers: separation, thresholds, calibration and voting, with intervals that treat the problem as the unit.

Start with :func:`summarize` for everything at once, or lay a run out with :meth:`Samples.from_rollouts` and ask one
question at a time. Nothing here imports torch, draws, or reads files.
"""

from laser_core.analysis.distribution import ScoreDistribution, score_distribution
from laser_core.analysis.drilldown import DrillDown, drill_down
from laser_core.analysis.estimates import Estimate, Statistic
from laser_core.analysis.metrics import Separation, accuracy, separation
from laser_core.analysis.reliability import Calibration, calibration
from laser_core.analysis.samples import Samples
from laser_core.analysis.summary import Summary, summarize, summarize_samples
from laser_core.analysis.thresholds import CrossFit, Sweep, best_threshold, cross_fit, threshold_sweep
from laser_core.analysis.vote import FullVotes, Vote, draw_vote, full_votes
from laser_core.analysis.voting import VotingCurve, voting_curve
from laser_core.analysis.weights import vote_weights

__all__ = [
    "Calibration",
    "CrossFit",
    "DrillDown",
    "Estimate",
    "FullVotes",
    "Samples",
    "ScoreDistribution",
    "Separation",
    "Statistic",
    "Summary",
    "Sweep",
    "Vote",
    "VotingCurve",
    "accuracy",
    "best_threshold",
    "calibration",
    "cross_fit",
    "draw_vote",
    "drill_down",
    "full_votes",
    "score_distribution",
    "separation",
    "summarize",
    "summarize_samples",
    "threshold_sweep",
    "vote_weights",
    "voting_curve",
]

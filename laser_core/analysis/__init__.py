"""The numbers: separation, thresholds, calibration and voting, with intervals that treat the problem as the unit.

Start with :func:`summarize` for everything at once, or lay a run out with :meth:`Samples.from_rollouts` and ask one
question at a time. Nothing here imports torch, draws, or reads files.
"""

from laser_core.analysis.compare import Comparison, Difference, compare
from laser_core.analysis.confidence import confidence_signals
from laser_core.analysis.crossfit import CrossFit, best_threshold, cross_fit
from laser_core.analysis.distribution import ScoreDistribution, score_distribution
from laser_core.analysis.drilldown import DrillDown, drill_down
from laser_core.analysis.earlydrop import EarlyDrop, early_drop
from laser_core.analysis.estimates import Estimate, Statistic
from laser_core.analysis.filtered import FilteredMajority, filtered_majority
from laser_core.analysis.metrics import Separation, accuracy, separation
from laser_core.analysis.outofcore import BigSummary, summarize_parquet
from laser_core.analysis.recalibration import recalibrate
from laser_core.analysis.reliability import Calibration, calibration
from laser_core.analysis.replay import ComputeWorth, Policy, compute_worth
from laser_core.analysis.samples import Samples
from laser_core.analysis.sensitivity import Sensitivity, sensitivity, with_exact_reference
from laser_core.analysis.summary import Summary, summarize, summarize_samples
from laser_core.analysis.thresholds import Sweep, threshold_sweep
from laser_core.analysis.vote import FullVotes, Vote, draw_vote, full_votes
from laser_core.analysis.voting import VotingCurve, voting_curve
from laser_core.analysis.weights import vote_weights

__all__ = [
    "BigSummary",
    "Calibration",
    "Comparison",
    "ComputeWorth",
    "CrossFit",
    "Difference",
    "DrillDown",
    "EarlyDrop",
    "Estimate",
    "FilteredMajority",
    "FullVotes",
    "Policy",
    "Samples",
    "ScoreDistribution",
    "Sensitivity",
    "Separation",
    "Statistic",
    "Summary",
    "Sweep",
    "Vote",
    "VotingCurve",
    "accuracy",
    "best_threshold",
    "calibration",
    "compare",
    "compute_worth",
    "confidence_signals",
    "cross_fit",
    "draw_vote",
    "drill_down",
    "early_drop",
    "filtered_majority",
    "full_votes",
    "recalibrate",
    "score_distribution",
    "sensitivity",
    "separation",
    "summarize",
    "summarize_parquet",
    "summarize_samples",
    "threshold_sweep",
    "vote_weights",
    "voting_curve",
    "with_exact_reference",
]

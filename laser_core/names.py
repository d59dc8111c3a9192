"""One quantity, four names: the paper's symbol, a run's setting, the name in code, and what the pages call it.

The glossaries of the app and of the documentation are made from this table; a test looks every name up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    """What a quantity is called, and where.

    Attributes
    ----------
    term : str
        What pages and figures call it; a term of the app's glossary where it is explained there.
    paper : str
        Its symbol in the paper (arXiv 2510.14943), in TeX; empty for what is ours.
    setting : str
        The field of :class:`laser_core.config.LaserConfig`; empty for what is measured.
    code : str
        Dotted name of the function that computes it; empty for a mere setting.
    column : str
        Of the rollout table (:mod:`laser_core.rollouts.schema`); empty where it has none.
    unit : str
        Empty for a pure number.
    """

    term: str
    paper: str = ""
    setting: str = ""
    code: str = ""
    column: str = ""
    unit: str = ""


NAMES = (
    Name("solution", "y", setting="rollouts_per_prompt", code="laser_core.generate.generate", column="response"),
    Name("verifier", "r_v", code="laser_core.answers.verify.verify_answers", column="correct", unit="reward"),
    Name("last-token score", "r_s", code="laser_core.score.last_token_score", column="score", unit="reward"),
    Name("z_c", "z_c", setting="z_token", column="z_logprob", unit="nats"),
    Name("c_ref", r"c_\text{ref}", setting="c_ref", code="laser_core.reference.measure_c_ref", unit="nats"),
    Name("β_v", r"\beta_v", setting="beta_v", unit="reward / nat"),
    Name("Z", "Z(x, y)", code="laser_core.score.partition"),
    Name("score loss", "l", code="laser_core.algorithm.score_loss"),
    Name("weight of the score loss", r"\alpha", setting="alpha"),
    Name("class weights", "w_c, w_i", setting="class_weighting", code="laser_core.algorithm.class_weights"),
    Name("advantage", "A", code="laser_core.algorithm.group_advantages"),
    Name("integrated advantage", setting="integrate_advantages", code="laser_core.algorithm.integrated_advantages"),
    Name("share of the score in the advantage", r"\tau", setting="tau"),
    Name("least spread of a problem's scores", "T", setting="std_threshold", unit="reward"),
    Name("reasoning warm-up", setting="reasoning_warmup", unit="steps"),
    Name("self-rewarding warm-up", setting="self_reward_warmup", unit="steps"),
    Name("accuracy", code="laser_core.analysis.accuracy"),
    Name("AUROC", code="laser_core.metrics.auroc"),
    Name("AUROC within a problem", code="laser_core.metrics.within_problem_auroc"),
    Name("balanced F1", r"\text{F1}", code="laser_core.metrics.balanced_f1"),
    Name("calibration", r"\text{ECE}", code="laser_core.analysis.calibration"),
    Name("majority vote", code="laser_core.analysis.voting_curve"),
    Name("weighted vote", code="laser_core.analysis.voting_curve"),
    Name("best-of-N", code="laser_core.analysis.voting_curve"),
    Name("pass@N", code="laser_core.analysis.voting_curve"),
)


def name_of(term: str) -> Name | None:
    """The names of a term.

    >>> name_of("c_ref").setting, name_of("a colour")
    ('c_ref', None)
    """
    return next((name for name in NAMES if name.term == term), None)

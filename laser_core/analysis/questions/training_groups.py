"""One training step as GRPO saw it: groups of solutions, their rewards, scores, advantages and class weights.

These are the equations of :mod:`laser_core.algorithm` for tables, whose groups may differ in size and lack values. A
test holds both to the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.errors import InputError
from laser_core.rollouts.groups import group_of_rows
from laser_core.rollouts.schema import Rollouts

VERDICT = "correct"
EPS = 1e-6  # keeps a group without spread from dividing by zero


@dataclass(frozen=True)
class TrainingGroups:
    """The groups of one training step: a problem's solutions, of which GRPO compares the rewards.

    Attributes
    ----------
    names : tuple of str
        One for each of the G groups: the problem's id.
    group : ndarray of int of shape (n_rows,)
        The group of each of the table's rows.
    reward : ndarray of shape (n_rows,)
        What GRPO compared; NaN where unknown.
    correct, score : ndarray of shape (n_rows,)
        The verdict (1, 0 or NaN) and r_s (NaN for a solution without a score).
    reward_advantage, score_advantage : ndarray of shape (n_rows,)
        norm_group of each: (value - mean of the group) / (std of the group + 1e-6), where the std divides by n - 1. 0
        for a solution without a score, NaN for one without a reward.
    advantage : ndarray of shape (n_rows,)
        (1 - tau) * reward_advantage + tau * score_advantage where the group's scores spread by more than T, else
        reward_advantage.
    class_weight : ndarray of shape (n_rows,)
        Weight in the score loss: (N_c + N_i) / (2 N_c) for correct solutions, (N_c + N_i) / (2 N_i) for incorrect ones,
        over the whole step; 0 for a solution without a score or verdict.
    n : ndarray of int of shape (G,)
        Solutions of each group.
    mean_reward, reward_std, mean_score, score_std : ndarray of shape (G,)
        NaN where nothing is known.
    zero_variance : ndarray of bool of shape (G,)
        All rewards are equal: the verifier's advantage is 0 for all.
    blended : ndarray of bool of shape (G,)
        The scores take part in the advantages.
    """

    names: tuple[str, ...]
    group: np.ndarray = field(repr=False)
    reward: np.ndarray = field(repr=False)
    correct: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    reward_advantage: np.ndarray = field(repr=False)
    score_advantage: np.ndarray = field(repr=False)
    advantage: np.ndarray = field(repr=False)
    class_weight: np.ndarray = field(repr=False)
    n: np.ndarray = field(repr=False)
    mean_reward: np.ndarray = field(repr=False)
    reward_std: np.ndarray = field(repr=False)
    mean_score: np.ndarray = field(repr=False)
    score_std: np.ndarray = field(repr=False)
    zero_variance: np.ndarray = field(repr=False)
    blended: np.ndarray = field(repr=False)

    @property
    def n_groups(self) -> int:
        """G."""
        return len(self.names)

    @property
    def silent(self) -> np.ndarray:
        """Groups without any advantage, of shape (G,): the step's policy gradient ignores them."""
        return np.asarray(self.zero_variance & ~self.blended)

    def weights(self) -> tuple[float, float]:
        """The class weights of correct and of incorrect solutions; NaN for a class without a scored solution."""
        found = []
        for verdict in (1, 0):
            of_class = self.class_weight[(self.correct == verdict) & (self.class_weight > 0)]
            found.append(float(of_class[0]) if len(of_class) else float("nan"))
        return found[0], found[1]


def training_groups(
    rollouts: Rollouts, *, reward: str = VERDICT, tau: float = 0.1, std_threshold: float = 0.1, use_score: bool = True
) -> TrainingGroups:
    """The groups of one step's rollouts, with the advantages that GRPO or LaSeR gives them.

    Parameters
    ----------
    rollouts : Rollouts
        One step of one run.
    reward : str
        The column that GRPO compared: "correct", or "signal.<name>" where the file has a reward of its own.
    tau : float
        Share of the score in the advantage, between 0 and 1.
    std_threshold : float
        The paper's T, in reward units: groups whose scores spread by no more keep the verifier's advantages.
    use_score : bool
        Whether the step blends the score in at all; plain GRPO and the warm-ups do not.

    Raises
    ------
    InputError
        If no solution has a reward.

    Examples
    --------
    Rewards 1, 0, 0, 0: mean 1/4, standard deviation 1/2.

    >>> rows = [{"run": "r", "problem_id": "p", "sample": i, "response": "", "correct": i == 0} for i in range(4)]
    >>> found = training_groups(Rollouts.from_rows(rows))
    >>> found.advantage.round(3).tolist(), found.zero_variance.tolist(), found.weights()
    ([1.5, -0.5, -0.5, -0.5], [False], (nan, nan))
    """
    values, score = rollouts.column(reward), rollouts.column("score")
    score = np.where(np.isfinite(score), score, np.nan)
    if not np.isfinite(values).any():
        raise InputError("no solution has a reward", field=reward, remedy="choose another reward")
    encoded = group_of_rows(rollouts, pool_steps=True)
    group, names = encoded.indices.to_numpy().astype(np.int64), tuple(encoded.dictionary.to_pylist())
    n_groups = len(names)
    mean_reward, reward_std = moments(values, group, n_groups)
    mean_score, score_std = moments(score, group, n_groups)
    from_reward = _normalised(values, mean_reward, reward_std, group)
    from_score = np.nan_to_num(_normalised(score, mean_score, score_std, group))
    blended = use_score & (np.nan_to_num(score_std) > std_threshold)
    takes_part = blended[group] & np.isfinite(score)
    correct = rollouts.column(VERDICT)
    return TrainingGroups(
        names=names,
        group=group,
        reward=values,
        correct=correct,
        score=score,
        reward_advantage=from_reward,
        score_advantage=from_score,
        advantage=np.where(takes_part, (1 - tau) * from_reward + tau * from_score, from_reward),
        class_weight=class_weights(correct, np.isfinite(score)),
        n=np.bincount(group, minlength=n_groups),
        mean_reward=mean_reward,
        reward_std=reward_std,
        mean_score=mean_score,
        score_std=score_std,
        zero_variance=~(np.nan_to_num(reward_std) > 0),
        blended=blended,
    )


def class_weights(correct: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """The paper's class-level weights of solutions, as :func:`laser_core.algorithm.class_weights`.

    >>> class_weights(np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4, bool)).round(3).tolist()
    [2.0, 0.667, 0.667, 0.667]
    """
    right, wrong = scored & (correct == 1), scored & (correct == 0)
    n_right, n_wrong = int(right.sum()), int(wrong.sum())
    n = n_right + n_wrong
    return np.asarray(right * (n / (2 * max(n_right, 1))) + wrong * (n / (2 * max(n_wrong, 1))))


def moments(values: np.ndarray, group: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (with n - 1) of the known values of each group, both of shape (n_groups,).

    NaN where a group has no value; a single value has a standard deviation of 0.
    """
    known = np.isfinite(values)
    count = np.bincount(group[known], minlength=n_groups)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(group[known], values[known], n_groups) / count
        squared = np.bincount(group[known], (values[known] - mean[group[known]]) ** 2, n_groups)
        std = np.sqrt(squared / np.maximum(count - 1, 1))
    return mean, np.where(count > 0, std, np.nan)


def _normalised(values: np.ndarray, mean: np.ndarray, std: np.ndarray, group: np.ndarray) -> np.ndarray:
    return np.asarray((values - mean[group]) / (std[group] + EPS))


@dataclass(frozen=True)
class StepMetric:
    """A quantity at each training step.

    Attributes
    ----------
    name : str
        What it is called on the page, with its unit.
    step : ndarray of int of shape (n_steps,)
        Rising.
    value : ndarray of shape (n_steps,)
    """

    name: str
    step: np.ndarray = field(repr=False)
    value: np.ndarray = field(repr=False)


def step_metrics(rollouts: Rollouts) -> dict[str, StepMetric]:
    """What the rollouts of several steps tell about each: means over its solutions, and the share of equal rewards.

    Parameters
    ----------
    rollouts : Rollouts
        Of one run, with a ``step``.

    Returns
    -------
    dict of str to StepMetric
        By key; empty where no solution has a step. Per-token columns are averaged over the step's tokens: ``entropy``,
        and ``kl``, Schulman's k3 estimate of the divergence from the reference model.

    Examples
    --------
    >>> rows = [
    ...     {"run": "r", "step": step, "problem_id": "p", "sample": i, "response": "", "correct": i < step}
    ...     for step in (1, 2) for i in range(2)
    ... ]
    >>> found = step_metrics(Rollouts.from_rows(rows))
    >>> found["reward"].step.tolist(), found["reward"].value.tolist(), found["frac_reward_zero_std"].value.tolist()
    ([1, 2], [0.5, 1.0], [0.0, 1.0])
    """
    of_row = rollouts.column("step")
    known = np.flatnonzero(np.isfinite(of_row))
    if not len(known):
        return {}
    steps, at = np.unique(of_row[known].astype(np.int64), return_inverse=True)
    found: dict[str, StepMetric] = {}

    def add(key: str, name: str, value: np.ndarray) -> None:
        if np.isfinite(value).any():
            found[key] = StepMetric(name, steps, value)

    correct = rollouts.column(VERDICT)[known]
    add("reward", "reward (share correct)", _mean(correct, at, len(steps)))
    add("frac_reward_zero_std", "share of groups whose rewards are equal", _zero_share(rollouts, known, at, len(steps)))
    score = rollouts.column("score")[known]
    for verdict, word in ((1, "correct"), (0, "incorrect")):
        values = np.where(correct == verdict, score, np.nan)
        add(f"score_{word}", f"mean score of {word} solutions", _mean(values, at, len(steps)))
    add("n_tokens", "length, tokens", _mean(rollouts.column("n_tokens")[known], at, len(steps)))
    add("truncated", "share cut off", _mean(rollouts.column("truncated")[known], at, len(steps)))
    for key, name, values in _per_token(rollouts):
        add(key, name, _mean(values[known], at, len(steps)))
    for signal in (name for name in rollouts.signals if name != "score"):
        add(signal, f"mean {signal.removeprefix('signal.')}", _mean(rollouts.column(signal)[known], at, len(steps)))
    return found


def _mean(values: np.ndarray, at: np.ndarray, n_steps: int) -> np.ndarray:
    return moments(values, at, n_steps)[0]


def _zero_share(rollouts: Rollouts, known: np.ndarray, at: np.ndarray, n_steps: int) -> np.ndarray:
    """Share of the groups with a verdict in which all verdicts are equal, by step."""
    encoded = group_of_rows(rollouts)
    group = encoded.indices.to_numpy()[known].astype(np.int64)
    n_groups = len(encoded.dictionary)
    _, std = moments(rollouts.column(VERDICT)[known], group, n_groups)
    step_of_group = np.zeros(n_groups, np.int64)
    step_of_group[group] = at
    return _mean(np.where(np.isfinite(std), std == 0, np.nan), step_of_group, n_steps)


def _per_token(rollouts: Rollouts) -> list[tuple[str, str, np.ndarray]]:
    """Key, name and each row's mean over its tokens of what the per-token columns hold."""
    found = []
    if rollouts.has("entropy"):
        found.append(("entropy", "entropy, nats", _row_means(rollouts, "entropy")))
    if rollouts.has("token_logprobs") and rollouts.has("ref_token_logprobs"):
        flat, rows, n = _flat(rollouts, "token_logprobs")
        reference, ref_rows, _ = _flat(rollouts, "ref_token_logprobs")
        if len(flat) == len(reference) and np.array_equal(rows, ref_rows):
            difference = reference - flat
            kl = moments(np.exp(np.minimum(difference, 50)) - difference - 1, rows, n)[0]
            found.append(("kl", "KL divergence from the reference (k3), nats", kl))
    return found


def _row_means(rollouts: Rollouts, name: str) -> np.ndarray:
    values, rows, n = _flat(rollouts, name)
    return moments(values, rows, n)[0]


def _flat(rollouts: Rollouts, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """A per-token column's values in one array, the row of each, and the number of rows."""
    column = rollouts.table[name]
    length = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    values = pc.cast(pc.list_flatten(column), pa.float64()).to_numpy()
    return values, np.repeat(np.arange(len(column)), length), len(column)


def event_metrics(events: list[dict[str, object]]) -> dict[str, StepMetric]:
    """Every number in a training's events, by step, under the events' own names.

    Examples
    --------
    >>> events = [{"step": 0, "kl": 0.1, "phase": "grpo"}, {"step": 1, "kl": None}, {"step": 2, "kl": 0.3}]
    >>> found = event_metrics(events)
    >>> list(found), found["kl"].step.tolist(), found["kl"].value.tolist()
    (['kl'], [0, 2], [0.1, 0.3])
    """
    found: dict[str, dict[int, float]] = {}
    for event in events:
        step = event.get("step")
        if not isinstance(step, int) or isinstance(step, bool):
            continue
        for name, value in event.items():
            if (
                name != "step"
                and isinstance(value, (int, float))
                and not isinstance(value, bool)
                and np.isfinite(value)
            ):
                found.setdefault(name, {})[step] = float(value)
    return {
        name: StepMetric(name, np.array(sorted(values)), np.array([values[step] for step in sorted(values)]))
        for name, values in found.items()
    }

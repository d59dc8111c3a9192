"""Carry out the plan: one single-threaded process per core, every run resumable, nothing done twice.

A miniature model keeps one core busy. Two processes on two cores finish more runs than one process on both, and a
run's curve then does not depend on how many cores the machine has.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import TYPE_CHECKING

from laser_core.atomic import write_whole
from laser_core.errors import InputError
from laser_core.reproduce.plan import BASE, FIRST, MAX_NEW_TOKENS, UNPINNED, Run, Scale, group_of, plan
from laser_core.reproduce.rules import RULES

if TYPE_CHECKING:
    import torch

    from laser_core.policy import Policy
    from laser_core.rollouts import Rollouts

BETA_V = 0.1
C_REF_PROBLEMS = 128  # as in training
N_PROBLEMS = 64  # of the timing, with 8 solutions each


@dataclass(frozen=True)
class Work:
    """One piece of work, done in a process of its own, that leaves one file.

    Attributes
    ----------
    name : str
        Of the piece: its run's name, "base" or "cost".
    done : Path
        The file that exists when it is finished; it is written last.
    do : callable
        Takes the piece and does it.
    dtype : str
        Precision of everything.
    """

    name: str
    done: Path
    do: Callable[[Work], None]
    dtype: str


def execute(
    out: Path,
    scale: Scale,
    *,
    runs: Sequence[Run] | None = None,
    workers: int | None = None,
    on_done: Callable[[int, int, str], None] | None = None,
) -> None:
    """Do everything in the plan that is not done yet.

    Parameters
    ----------
    out : Path
        Folder of the reproduction; a run that was stopped resumes from its last checkpoint.
    scale : Scale
    runs : sequence of Run, optional
        What to train; by default the scale's :func:`plan`.
    workers : int, optional
        Processes; one per core by default.
    on_done : callable, optional
        Called with the number of finished pieces, of all pieces, and the name of the one just finished.

    Raises
    ------
    InputError
        If ``out`` holds a reproduction of another scale, or if a piece failed (after all others are done).
    """
    out.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the children when they start
    context = multiprocessing.get_context("spawn")
    _check_scale(out, scale)
    if not (out / "rules.toml").is_file():  # the rules before the first run, whatever becomes of them later
        write_whole(out / "rules.toml", RULES.read_text(encoding="utf-8"))
    dtype = _same_dtype(out, context)
    pieces = _pieces(out, scale, plan(scale) if runs is None else runs, dtype)
    cost = Work("cost", out / "cost.json", partial(_time_cost, n_problems=min(N_PROBLEMS, scale.problems)), dtype)
    report = on_done or (lambda *_: None)
    failed: list[str] = []
    finished = sum(piece.done.is_file() for piece in pieces)
    todo = [piece for piece in pieces if not piece.done.is_file()]
    # A fresh process for every piece, so that what one leaves in memory does not add up.
    with ProcessPoolExecutor(workers or _cores(), mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(perform, piece, out): piece for piece in todo}
        for future in as_completed(running):
            finished += 1
            name, trouble = running[future].name, future.result()
            if trouble:
                failed.append(f"{name}: {trouble}")
            report(finished, len(pieces) + 1, name + (" FAILED" if trouble else ""))
    if not cost.done.is_file() and not failed:  # timed last and alone, on a quiet machine
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            trouble = pool.submit(perform, cost, out).result()
        failed += [f"cost: {trouble}"] if trouble else []
    report(len(pieces) + 1, len(pieces) + 1, "cost")
    if failed:
        raise InputError("; ".join(failed), file=out, remedy="repeat the same command: finished runs are kept")


def _pieces(out: Path, scale: Scale, runs: Sequence[Run], dtype: str) -> list[Work]:
    """The bases' evaluations, then every run."""

    def work(name: str, do: Callable[[Work], None]) -> Work:
        return Work(name, out / "runs" / name / "rollouts.judged.parquet", do, dtype)

    runs = [replace(run, config=replace(run.config, dtype=dtype)) for run in runs]
    bases = [("base", BASE)]
    if any(run.config.model == UNPINNED for run in runs):
        bases.append(("base-unpinned", UNPINNED))
    return [
        *(work(name, partial(_evaluate_base, model=model, scale=scale)) for name, model in bases),
        *(work(run.name, partial(_train_and_evaluate, run=run, scale=scale)) for run in runs),
    ]


def perform(piece: Work, out: Path) -> str:
    """Do one piece of work in this process.

    Returns
    -------
    str
        What went wrong, in a line; empty if nothing did. The traceback is in ``out``, in NAME.error.txt.
    """
    import torch

    torch.set_num_threads(1)
    try:
        piece.do(piece)
    except Exception as error:  # one piece must not take the others down
        (out / f"{piece.name}.error.txt").write_text(traceback.format_exc())
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def _time_cost(piece: Work, n_problems: int) -> None:
    from laser_core.reproduce.cost import measure_cost

    models = {
        family: piece.done.parent / "runs" / f"{group_of('laser', family)}-0" / "model" for family in MAX_NEW_TOKENS
    }
    trained = {family: model for family, model in models.items() if model.is_dir()}
    _write_json(piece.done, asdict(measure_cost(trained, n_problems=n_problems, dtype=piece.dtype)))


def _evaluate_base(piece: Work, model: str, scale: Scale) -> None:
    """A base on the held-out problems of every family, with c_ref measured on each as in training."""
    from laser_core.fast.precision import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.reference import measure_c_ref
    from laser_core.reproduce import judged
    from laser_core.reproduce.evidence import PROBE_BASE
    from laser_core.rollouts import write_parquet
    from laser_core.tasks import load_problems

    base, dtype = load_policy(model), pick_dtype(piece.dtype)
    folder, facts = piece.done.parent, {}
    folder.mkdir(parents=True, exist_ok=True)
    for family in reversed(MAX_NEW_TOKENS):  # the first family's file says that the piece is done, so it comes last
        training = load_problems(family, "train")[:C_REF_PROBLEMS]
        c_ref = measure_c_ref(base, training, max_new_tokens=MAX_NEW_TOKENS[family], seed=0)
        at = Evaluation(piece.name, family, scale.problems, scale.samples, c_ref.mean, c_ref.std, 0)
        rollouts = judged.with_probe(base, base, evaluate(base, base, at, dtype=dtype), PROBE_BASE, dtype=dtype)
        graded = judged.with_second_prompt(base, rollouts, per_problem=scale.second_prompts, dtype=dtype)
        facts[family] = graded.facts | {"c_ref": c_ref.mean, "c_ref_std": c_ref.std, "c_ref_n": c_ref.n}
        target = piece.done if family == FIRST else folder / f"{family}.judged.parquet"
        if family == FIRST:
            judged.write_facts(folder, started=judged.started(folder), families=facts)
        write_parquet(judged.shortened(graded.rollouts), target)


def _train_and_evaluate(piece: Work, run: Run, scale: Scale) -> None:
    """Train, evaluate, add what the score is compared with, and evaluate on other families."""
    from laser_core.fast.precision import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.reproduce import judged
    from laser_core.rollouts import read, write_parquet
    from laser_core.train import train

    folder = piece.done.parent
    if not (folder / "rollouts.parquet").is_file():
        train(run.config, folder, resume=(folder / "config.toml").is_file(), name=run.name)
    policy, base = load_policy(str(folder / "model")), load_policy(run.config.model)
    dtype = pick_dtype(run.config.dtype)
    rollouts = read(folder / "rollouts.parquet").rollouts
    meta = rollouts.meta
    if meta.c_ref is None:
        raise InputError("c_ref is missing", file=folder / "rollouts.parquet", remedy="delete the run's folder")
    policy = replace(policy, name=meta.model or policy.name)  # the run's name for it, not the folder it lies in
    rollouts, facts = _judge(policy, base, rollouts, run, scale, dtype, folder)
    if run.transfer:
        for family in MAX_NEW_TOKENS:
            if family != run.config.task:
                problems, samples = scale.transfer_problems, scale.transfer_samples
                at = Evaluation(run.name, family, problems, samples, meta.c_ref, meta.c_ref_std, run.seed)
                moved = judged.shortened(evaluate(policy, base, at, dtype=dtype))
                write_parquet(moved, folder / f"{family}.judged.parquet")
    curves = judged.curves(folder / "events.jsonl", beta_v=run.config.beta_v, c_ref=meta.c_ref)
    judged.write_facts(folder, started=judged.started(folder), c_ref=meta.c_ref, curves=curves, **facts)
    write_parquet(judged.shortened(rollouts), piece.done)


def _judge(
    policy: Policy, base: Policy, rollouts: Rollouts, run: Run, scale: Scale, dtype: torch.dtype, folder: Path
) -> tuple[Rollouts, dict[str, object]]:
    """The run's own solutions with every column that its rows ask for, and the facts about them."""
    from laser_core.reproduce import judged, verifiers
    from laser_core.reproduce.evidence import REWARD_MODEL

    facts: dict[str, object] = {}
    if run.baselines or run.config.method == "grpo":
        graded = judged.with_second_prompt(policy, rollouts, per_problem=scale.second_prompts, dtype=dtype)
        rollouts, facts = graded.rollouts, facts | graded.facts
    if run.baselines:
        graded = judged.with_baselines(policy, base, rollouts, dtype=dtype)
        rollouts, facts = graded.rollouts, facts | graded.facts
    if run.reward_model:
        kept = sorted((folder / "training").glob("*.parquet"))
        reward_model = verifiers.train_reward_model(run.config.model, policy, kept, seed=run.seed, dtype=dtype)
        values = verifiers.reward_model_scores(reward_model, policy, rollouts, dtype=dtype)
        rollouts = rollouts.with_column(REWARD_MODEL, judged.shortened_probability(values))
    return rollouts, facts


@dataclass(frozen=True)
class Evaluation:
    """Where and how a model is evaluated.

    Attributes
    ----------
    run, family : str
    problems, samples : int
        Held-out problems, and solutions of each.
    c_ref : float
        In nats.
    c_ref_std : float or None
        In nats.
    seed : int
    """

    run: str
    family: str
    problems: int
    samples: int
    c_ref: float
    c_ref_std: float | None
    seed: int


def evaluate(policy: Policy, base: Policy, at: Evaluation, *, dtype: torch.dtype) -> Rollouts:
    """Sample and score held-out problems of a family."""
    from laser_core.evaluate import Sampling, sample_rollouts
    from laser_core.tasks import load_problems

    settings = Sampling(
        run=at.run,
        samples=at.samples,
        beta_v=BETA_V,
        c_ref=at.c_ref,
        c_ref_std=at.c_ref_std,
        max_new_tokens=MAX_NEW_TOKENS[at.family],
        seed=at.seed,
        dtype=dtype,
        task=at.family,
    )
    return sample_rollouts(policy, load_problems(at.family, "test")[: at.problems], settings, reference=base)


def _check_scale(out: Path, scale: Scale) -> None:
    """A reproduction resumes at the scale it began with; more seeds may be added."""
    path, mine = out / "scale.json", vars(scale) | {"seeds": 0, "ablation_seeds": 0}
    if path.is_file() and json.loads(path.read_text()) != mine:
        raise InputError("this folder holds a reproduction of another scale", file=path, remedy="choose another --out")
    _write_json(path, mine)


def _same_dtype(out: Path, context: SpawnContext) -> str:
    """The precision of every run: measured once, because a busy moment could give some runs another."""
    path = out / "dtype.txt"
    if not path.is_file():
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            path.write_text(pool.submit(_measured_dtype).result())
    return path.read_text()


def _measured_dtype() -> str:
    import torch

    from laser_core.fast.precision import pick_dtype

    torch.set_num_threads(1)
    return str(pick_dtype("auto")).removeprefix("torch.")


def _write_json(path: Path, content: object) -> None:
    write_whole(path, json.dumps(content, indent=1) + "\n")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""Carry out the plan: one single-threaded process per core, each run resumable, nothing done twice.

A miniature model fills one core; two processes on two cores finish more runs than one process on both, and a run's
curve then does not depend on how many cores the machine has.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from laser_core.errors import InputError
from laser_core.reproduce.plan import BASE, MAX_NEW_TOKENS, TRANSFER, Run, Scale, plan
from laser_core.runfolder.atomic import write_whole

TRANSFER_SAMPLES = 16


@dataclass(frozen=True)
class Work:
    """One piece of work that leaves one file.

    Attributes
    ----------
    name : of the piece: a run's name, "base" or "cost".
    out : folder of the reproduction.
    run : the run to train; None for the pieces without training.
    scale : how much to evaluate.
    dtype : precision of everything.
    """

    name: str
    out: Path
    run: Run | None
    scale: Scale
    dtype: str

    @property
    def done(self) -> Path:
        """The file that exists when this is finished; it is written last."""
        if self.name == "cost":
            return self.out / "cost.json"
        return self.out / "runs" / self.name / "rollouts.judged.parquet"


def execute(
    out: Path, scale: Scale, *, workers: int | None = None, on_done: Callable[[int, int, str], None] | None = None
) -> None:
    """Do everything in the plan that is not done yet.

    Parameters
    ----------
    out : folder; a run that was stopped goes on from its last checkpoint
    scale : how much
    workers : processes; one per core by default
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
    dtype = _same_dtype(out, context)
    runs = [replace(run, config=replace(run.config, dtype=dtype)) for run in plan(scale)]
    pieces = [Work("base", out, None, scale, dtype), *(Work(run.name, out, run, scale, dtype) for run in runs)]
    report, failed = on_done or (lambda *_: None), []
    finished = sum(piece.done.is_file() for piece in pieces)
    todo = [piece for piece in pieces if not piece.done.is_file()]
    # A fresh process for every piece: what one leaves in memory does not add up.
    with ProcessPoolExecutor(workers or _cores(), mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(perform, piece): piece for piece in todo}
        for future in as_completed(running):
            finished += 1
            trouble = future.result()
            if trouble:
                failed.append(f"{running[future].name}: {trouble}")
            report(finished, len(pieces) + 1, running[future].name + (" FAILED" if trouble else ""))
    cost = Work("cost", out, None, scale, dtype)  # timed alone, on a quiet machine
    if not cost.done.is_file() and not failed:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            trouble = pool.submit(perform, cost).result()
        failed += [f"cost: {trouble}"] if trouble else []
    report(len(pieces) + 1, len(pieces) + 1, "cost")
    if failed:
        raise InputError("; ".join(failed), file=out, remedy="say the same command again: finished runs are kept")


def perform(piece: Work) -> str:
    """Do one piece of work in this process; returns what went wrong, in a line, or nothing."""
    import torch

    torch.set_num_threads(1)
    try:
        if piece.name == "cost":
            from laser_core.reproduce.cost import measure_cost

            _write_json(piece.done, measure_cost(piece.out / "runs" / "laser-0" / "model", dtype=piece.dtype))
        elif piece.run is None:
            _base(piece)
        else:
            _train_and_judge(piece)
    except Exception as error:  # one piece must not take the others down
        (piece.out / f"{piece.name}.error.txt").write_text(traceback.format_exc())
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def _base(piece: Work) -> None:
    """The base on the held-out problems of every family, judged by itself, with c_ref measured as training does."""
    from laser_core.fast.precision import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.reference import measure_c_ref
    from laser_core.rollouts import write_parquet
    from laser_core.tasks import load_problems

    base, dtype = load_policy(BASE), pick_dtype(piece.dtype)
    c_ref = measure_c_ref(base, load_problems("linear", "train")[:128], max_new_tokens=40, seed=0)
    for family in ("pair", "words", "linear"):
        count = piece.scale.problems
        rollouts = _evaluate(base, base, family, count, piece.scale.samples, c_ref[:2], 0, "base", dtype)
        target = piece.done if family == "linear" else piece.done.with_name(f"{family}.judged.parquet")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(_with_signals(base, rollouts), target)


def _train_and_judge(piece: Work) -> None:
    """Train, evaluate, add what the score is compared with, and evaluate on other families."""
    from laser_core.fast.precision import pick_dtype
    from laser_core.policy import load_policy
    from laser_core.reproduce import verifiers
    from laser_core.reproduce.evidence import REWARD_MODEL
    from laser_core.rollouts import read, write_parquet
    from laser_core.train import train

    run, folder = piece.run, piece.done.parent
    if not (folder / "rollouts.parquet").is_file():
        train(run.config, folder, resume=(folder / "config.toml").is_file(), name=run.name)
    policy, base = load_policy(str(folder / "model")), load_policy(BASE)
    dtype = pick_dtype(run.config.dtype)
    rollouts = read(folder / "rollouts.parquet").rollouts
    policy = replace(policy, name=rollouts.meta.model)  # what it is, not the folder it happens to lie in
    rollouts = _with_signals(policy, rollouts)
    if run.reward_model:
        kept = sorted((folder / "training").glob("*.parquet"))
        reward_model = verifiers.train_reward_model(BASE, policy, kept, seed=run.seed, dtype=dtype)
        values = verifiers.reward_model_scores(reward_model, policy, rollouts, dtype=dtype)
        rollouts = rollouts.with_column(REWARD_MODEL, values)
    if run.transfer:
        c_ref = (rollouts.meta.c_ref, rollouts.meta.c_ref_std)
        for family in TRANSFER:
            moved = _evaluate(
                policy, base, family, piece.scale.transfer_problems, TRANSFER_SAMPLES, c_ref, run.seed, run.name, dtype
            )
            write_parquet(_with_signals(policy, moved), folder / f"{family}.judged.parquet")
    write_parquet(rollouts, piece.done)


def _evaluate(policy, base, family, problems, samples, c_ref, seed, name, dtype):
    from laser_core.evaluate import Sampling, sample_rollouts
    from laser_core.tasks import load_problems

    settings = Sampling(
        run=name,
        samples=samples,
        max_new_tokens=MAX_NEW_TOKENS[family],
        seed=seed,
        c_ref=c_ref[0],
        c_ref_std=c_ref[1],
        dtype=dtype,
        task=family,
    )
    return sample_rollouts(policy, load_problems(family, "test")[:problems], settings, reference=base)


def _with_signals(policy, rollouts):
    from laser_core.reproduce.evidence import SELF_VERIFY
    from laser_core.reproduce.verifiers import SELF_CERTAINTY, self_certainty, self_verification

    rollouts = rollouts.with_column(SELF_VERIFY, self_verification(policy, rollouts))
    return rollouts.with_column(SELF_CERTAINTY, self_certainty(policy, rollouts))


def _check_scale(out: Path, scale: Scale) -> None:
    """A reproduction goes on at the scale it began with; more seeds may be added."""
    path, mine = out / "scale.json", vars(scale) | {"seeds": 0, "ablation_seeds": 0}
    if path.is_file() and json.loads(path.read_text()) != mine:
        raise InputError("this folder holds a reproduction of another scale", file=path, remedy="choose another --out")
    _write_json(path, mine)


def _same_dtype(out: Path, context) -> str:
    """The precision of every run: measured once, because a busy moment could decide it otherwise for some of them."""
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

"""Sample solutions of one problem, token by token, in a process of its own; and read what somebody typed as a problem.

The process (:mod:`laser_core.playground.worker`) starts with the first request, serves everybody on this server one
after the other, and ends when nobody has asked for ten minutes. Nothing here needs torch.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scipy.stats import binomtest

from laser_core.analysis import Samples, Vote, draw_vote
from laser_core.bundled import PREFIX
from laser_core.errors import InputError
from laser_core.processes import Child
from laser_core.rollouts import Rollouts, RunMeta
from laser_core.tasks import Problem, load_problems
from laser_core.tasks.linear import A_RANGE, B_RANGE, X_RANGE
from laser_core.tasks.problems import SPLITS, split_of

IDLE_SECONDS = 600.0
LOAD_SECONDS = 180.0  # torch and a large model from a slow disk
SAMPLE_SECONDS = 60.0
WAIT_SECONDS = 30.0  # for another visitor's request
ABANDON_SECONDS = 2.0  # that a request may go on after its visitor has left
LAST_EVENTS = ("done", "failed")
MAX_SAMPLES, MAX_NEW_TOKENS, MAX_CHARACTERS = 32, 512, 4000
_SIGNS = str.maketrans({"×": "*", "·": "*", "∙": "*", "−": "-", "–": "-", "＝": "="})


@dataclass(frozen=True)
class Request:
    """What to sample, from which model.

    Attributes
    ----------
    model : ``bundled:NAME``, or the folder of a local model.
    problem, answer : the problem's text, and its reference answer; None if nobody knows it.
    samples : solutions, 1 to 32.
    seed : decides the draw.
    beta_v, c_ref : of the score; reward units per nat, and nats.
    z_token : the verdict token; empty: one that the model ships unused.
    max_new_tokens : length limit of a solution, <eos> included.
    """

    model: str
    problem: str
    answer: str | None
    samples: int
    seed: int
    beta_v: float
    c_ref: float
    z_token: str = ""
    max_new_tokens: int = 64

    def __post_init__(self) -> None:
        def need(ok: bool, name: str, rule: str) -> None:
            if not ok:
                raise InputError("this cannot be sampled", field=name, remedy=rule)

        need(0 < len(self.problem) <= MAX_CHARACTERS, "problem", f"give 1 to {MAX_CHARACTERS:,} characters")
        need(1 <= self.samples <= MAX_SAMPLES, "samples", f"ask for 1 to {MAX_SAMPLES}")
        need(1 <= self.max_new_tokens <= MAX_NEW_TOKENS, "max_new_tokens", f"ask for 1 to {MAX_NEW_TOKENS}")
        need(self.beta_v > 0, "beta_v", "give a positive number")
        local = not self.model.startswith(PREFIX)
        need(
            not local or (Path(self.model) / "config.json").is_file(),
            "model",
            "give the folder of a model, with config.json",
        )


@dataclass(frozen=True)
class Typed:
    """What somebody typed, read as a problem of the miniature world.

    Attributes
    ----------
    problem : with its reference answer.
    note : what to know before trusting the outcome: whether it was trained on, or is out of reach.
    """

    problem: Problem
    note: str


def read_problem(text: str, tasks: Sequence[str] = ("linear",)) -> Typed:
    """Read typed text as a problem that the miniature models can solve.

    Parameters
    ----------
    text : anything; spaces, a missing ``*`` or ``?``, and typographic signs are forgiven.
    tasks : the generated families that the models were trained on.

    Raises
    ------
    InputError
        If it is none; says what is.

    Examples
    --------
    >>> typed = read_problem("5x + 7 = 52")
    >>> typed.problem.text, typed.problem.answer
    ('5*x+7=52?', '9')
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).translate(_SIGNS))
    for task in tasks:
        if task == "linear":  # is recognised by its form below, beyond the listed problems too
            continue
        for candidate in (text.strip(), plain, plain + "?"):
            if candidate in _known(task):
                return _described(_known(task)[candidate])
    match = re.fullmatch(r"([0-9]{1,4})\*?x\+([0-9]{1,4})=([0-9]{1,7})\??", plain, re.IGNORECASE)
    if not match or "linear" not in tasks:
        raise InputError(
            "the miniature models cannot solve this",
            field="problem",
            remedy=f"type an equation such as {example(tasks[0])} or take a random one",
        )
    a, b, c = map(int, match.groups())
    if a == 0 or c < b or (c - b) % a:
        near = f"{max(a, 1)}*x+{b}={max(a, 1) * max((c - b) // max(a, 1), 1) + b}?"
        raise InputError("x would be no whole number", field="problem", remedy=f"try {near}")
    return _described(Problem(f"linear:{a}*x+{b}={c}", f"{a}*x+{b}={c}?", str((c - b) // a)), a, (c - b) // a, b)


def random_problem(task: str, seed: int) -> Problem:
    """A problem of the task's test split, which no training has seen."""
    problems = load_problems(task, "test")
    return problems[seed % len(problems)]


def example(task: str) -> str:
    """A problem of the task as one would type it."""
    return load_problems(task, "test")[0].text


def sample(request: Request) -> Iterator[dict]:
    """Sample, and yield the worker's events as they come; the last one is ``done``.

    Raises
    ------
    InputError
        If the model cannot be loaded or run, the time is over, or others keep the worker busy.
    """
    if not _busy.acquire(timeout=WAIT_SECONDS):
        raise InputError("others are sampling at the moment", remedy="try again in a minute")
    ended = False
    worker = None
    try:
        worker = _worker()
        for event in _replies(worker, request):
            ended = event["event"] in LAST_EVENTS
            if event["event"] == "failed":
                raise InputError(event["message"])
            yield event
    finally:
        if worker is not None and not ended:
            _abandon(worker)
        _busy.release()


def as_rollouts(rows: Sequence[dict], request: Request, z_token: str) -> Rollouts:
    """The rows of a ``done`` event as a rollout table with its settings."""
    meta = RunMeta(
        model=request.model,
        z_token=z_token,
        beta_v=request.beta_v,
        c_ref=request.c_ref,
        temperature=1.0,
        source_format="laser_core",
    )
    return Rollouts.from_rows(list(rows), meta)


def vote(rollouts: Rollouts, n: int) -> tuple[Vote, list[str]]:
    """The vote of the first ``n`` solutions, and the text of each of its answers; weights are clipped scores."""
    first = rollouts.take(list(range(n)))
    held = draw_vote(Samples.from_rollouts(first), 0, n, seed=0, weight="clip")
    answers = first.text("answer")
    return held, [answers[int(row)] or "" for row in held.representative]


def share_interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share of ``n`` independent draws.

    Examples
    --------
    >>> [round(bound, 2) for bound in share_interval(3, 8)]
    [0.14, 0.69]
    """
    bounds = binomtest(hits, n).proportion_ci(method="wilson")
    return float(bounds.low), float(bounds.high)


def close() -> None:
    """End the worker, if there is one; the next request starts another."""
    with _busy:
        if _current:
            _current.pop().close()


_busy = threading.Lock()
_current: list[Child] = []  # the worker, if there is one; changed with _busy held
_last_use = [0.0]


def _worker() -> Child:
    """The running worker, or a new one; called with ``_busy`` held."""
    _last_use[0] = time.monotonic()
    if not _current or not _current[0].alive:
        # Typed names must not cause downloads.
        _current[:] = [Child("laser_core.playground.worker", HF_HUB_OFFLINE="1")]
        threading.Thread(target=_close_when_idle, args=(_current[0],), daemon=True).start()
    return _current[0]


def _close_when_idle(worker: Child) -> None:
    while worker.alive:
        time.sleep(min(IDLE_SECONDS, 5.0))
        with _busy:
            if time.monotonic() - _last_use[0] > IDLE_SECONDS:
                worker.close()


def _replies(worker: Child, request: Request) -> Iterator[dict]:
    """The worker's events up to the last one, each within its time limit."""
    worker.send(vars(request) | {"seconds": SAMPLE_SECONDS})
    limit = LOAD_SECONDS
    while True:
        try:
            event = worker.receive(seconds=limit)
        except TimeoutError:
            raise InputError("the model did not answer in time", remedy="try a smaller one") from None
        except ChildProcessError:
            raise InputError(
                "the sampling process ended by itself", remedy="try again; a large model may be short of memory"
            ) from None
        limit = SAMPLE_SECONDS + 30  # the worker watches the time between tokens; this catches the one that cannot
        yield event
        if event["event"] in LAST_EVENTS:
            return


def _abandon(worker: Child) -> None:
    """Let the worker end a request that nobody reads any more; kill it if that takes long, for the next visitor."""
    end = time.monotonic() + ABANDON_SECONDS
    with contextlib.suppress(TimeoutError, ChildProcessError):
        while worker.receive(seconds=end - time.monotonic())["event"] not in LAST_EVENTS:
            pass


@cache
def _known(task: str) -> dict[str, Problem]:
    return {problem.text: problem for split in SPLITS for problem in load_problems(task, split)}


def _described(problem: Problem, a: int = 0, x: int = 0, b: int = 0) -> Typed:
    if problem.problem_id.startswith("linear:") and a and not (a in A_RANGE and x in X_RANGE and b in B_RANGE):
        note = (
            f"Out of the range it was trained on (factors {A_RANGE[0]} to {A_RANGE[-1]}, x {X_RANGE[0]} to "
            f"{X_RANGE[-1]}, added {B_RANGE[0]} to {B_RANGE[-1]}): expect mistakes, and see whether the score notices."
        )
    elif split_of(problem.text) == "train":
        note = "One of the training problems: the models may have met it."
    else:
        note = "Held out: no model was trained on it."
    return Typed(problem, note)

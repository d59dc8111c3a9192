"""The process that samples for the playground: a request in, events out as the tokens are decoded.

:mod:`laser_core.playground.session` starts it as ``python -m laser_core.playground.worker`` and sends the fields of a
:class:`~laser_core.playground.protocol.Request`, with the ``seconds`` that it may take. The events are in
:mod:`laser_core.playground.protocol`.

It exists so that the app needs no torch, and so that sampling can be stopped from outside, whatever it is doing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

import torch

from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.fast.precision import pick_dtype
from laser_core.models.prompt import PromptSettings
from laser_core.playground.protocol import Done, Event, Failed, Ready, Request, Tokens, event_to_json
from laser_core.policy import SMALL, Policy, load_policy, with_prompt
from laser_core.processes import serve
from laser_core.tasks import Problem


class OutOfTime(Exception):
    """The request has used up its seconds."""


@lru_cache(maxsize=3)  # a visitor compares three models; more would take the memory of larger ones
def _load(model: str, z_token: str) -> Policy:
    return load_policy(model, z_token=z_token)


def answer(message: dict, reply: Callable[[dict], None]) -> None:
    """Serve one request; every fault becomes a ``Failed`` event.

    Parameters
    ----------
    message : dict
        The request's fields, and ``seconds``.
    reply : callable
        Sends one JSON object.
    """
    fields = dict(message)
    seconds = fields.pop("seconds")

    def send(event: Event) -> None:
        reply(event_to_json(event))

    try:
        request = Request(**fields)
        policy = _load(request.model, request.z_token)
        if request.prompt:
            policy = with_prompt(policy, PromptSettings(template=request.prompt))
        send(Ready(policy.z_token))
        send(Done(_sample(policy, request, end=time.monotonic() + seconds, send=send)))
    except OutOfTime:
        send(Failed(f"sampling took longer than {seconds:.0f} seconds; ask for fewer solutions"))
    except InputError as error:
        send(Failed(str(error)))
    except (MemoryError, RuntimeError, ValueError, IndexError, KeyError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        send(Failed(f"the model could not sample ({first})"))


def _sample(policy: Policy, request: Request, *, end: float, send: Callable[[Event], None]) -> list[dict]:
    """Sample the request's solutions, and send every decode step as it comes.

    Parameters
    ----------
    policy : Policy
    request : Request
    end : float
        When to give up, on the monotonic clock, in seconds.
    send : callable
        Takes each :class:`Tokens` event.

    Returns
    -------
    list of dict
        Rows of the rollout table; unverified if the reference answer is unknown.

    Raises
    ------
    OutOfTime
    """

    def on_token(rows: torch.Tensor, tokens: torch.Tensor, z_logprob: torch.Tensor) -> None:
        if time.monotonic() > end:
            raise OutOfTime
        texts = list(policy.tokenizer.convert_ids_to_tokens(tokens.tolist()))
        send(Tokens(rows.tolist(), texts, z_logprob.tolist()))

    settings = Sampling(
        run=request.model,
        samples=request.samples,
        max_new_tokens=request.max_new_tokens,
        seed=request.seed,
        c_ref=request.c_ref,
        beta_v=request.beta_v,
        dtype=torch.float32 if policy.model.num_parameters() < SMALL else pick_dtype("auto"),
    )
    problem = Problem("playground", request.problem, request.answer or "")
    rollouts = sample_rollouts(policy, [problem], settings, on_token=on_token)
    rows = rollouts.table.to_pylist()
    if request.answer is None:
        rows = [row | {"correct": None, "reference_answer": None} for row in rows]
    return rows


if __name__ == "__main__":
    serve(answer)

"""The process that samples for the playground: a request in, tokens out as they are decoded.

:mod:`laser_core.playground.session` starts it (``python -m laser_core.playground.worker``) and sends requests::

    {"model": "bundled:laser", "z_token": "", "problem": "5*x+7=52?", "answer": "9" or null,
     "samples": 8, "seed": 0, "max_new_tokens": 40, "beta_v": 0.1, "c_ref": -23.0, "seconds": 60}

and writes events, of which ``done`` or ``failed`` is the last::

    {"event": "ready", "z_token": "<|reserved_0|>"}                          the model is loaded
    {"event": "tokens", "rows": [0, 1], "tokens": ["x", "x"], "z": [-23.1, -22.9]}    one decode step, nats
    {"event": "done", "rows": [...]}                                         rows of the rollout table
    {"event": "failed", "message": "..."}                                    in place of done

It exists so that the app needs no torch, and so that sampling can be stopped from outside, whatever it is doing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

import torch

from laser_core.errors import InputError
from laser_core.evaluate import sample_rollouts
from laser_core.policy import Policy, load_policy
from laser_core.processes import serve
from laser_core.tasks import Problem


class OutOfTime(Exception):
    """The request's seconds are over."""


@lru_cache(maxsize=3)  # a visit compares three models; a larger one may fill the memory alone
def _load(model: str, z_token: str) -> Policy:
    return load_policy(model, z_token=z_token)


def answer(request: dict, reply: Callable[[dict], None]) -> None:
    """Serve one request; every fault becomes a ``failed`` event.

    Parameters
    ----------
    request : dict
        As described above.
    reply : callable
        Sends one event.
    """
    try:
        policy = _load(request["model"], request["z_token"])
        reply({"event": "ready", "z_token": policy.z_token})
        reply({"event": "done", "rows": _sample(policy, request, reply)})
    except OutOfTime:
        message = f"sampling took longer than {request['seconds']:.0f} seconds; ask for fewer solutions"
        reply({"event": "failed", "message": message})
    except InputError as error:
        reply({"event": "failed", "message": str(error)})
    except (MemoryError, RuntimeError, ValueError, IndexError, KeyError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        reply({"event": "failed", "message": f"the model could not sample ({first})"})


def _sample(policy: Policy, request: dict, reply: Callable[[dict], None]) -> list[dict]:
    """The request's solutions as rows of the rollout table; every decode step is sent as it comes."""
    end = time.monotonic() + request["seconds"]

    def on_token(rows: torch.Tensor, tokens: torch.Tensor, z_logprob: torch.Tensor) -> None:
        if time.monotonic() > end:
            raise OutOfTime
        shown = policy.tokenizer.convert_ids_to_tokens(tokens.tolist())
        reply({"event": "tokens", "rows": rows.tolist(), "tokens": shown, "z": z_logprob.tolist()})

    rollouts = sample_rollouts(
        policy,
        [Problem("playground", request["problem"], request["answer"] or "")],
        run=request["model"],
        samples=request["samples"],
        beta_v=request["beta_v"],
        c_ref=request["c_ref"],
        max_new_tokens=request["max_new_tokens"],
        seed=request["seed"],
        on_token=on_token,
    )
    rows = rollouts.table.to_pylist()
    if request["answer"] is None:
        rows = [row | {"correct": None, "reference_answer": None} for row in rows]
    return rows


if __name__ == "__main__":
    serve(answer)

"""The process that samples for the playground: requests in, tokens out, one JSON object a line.

``python -m laser_core.playground.worker`` reads a request a line from its input, and ends with it::

    {"id": 1, "model": "bundled:laser", "z_token": "", "problem": "5*x+7=52?", "answer": "9" or null, "samples": 8,
     "seed": 0, "max_new_tokens": 40, "beta_v": 0.1, "c_ref": -23.0, "seconds": 60}

and writes, each with the request's ``id``::

    {"event": "ready", "z_token": "<|reserved_0|>"}                          the model is loaded
    {"event": "tokens", "rows": [0, 1], "tokens": ["x", "x"], "z": [-23.1, -22.9]}    one decode step, nats
    {"event": "done", "rows": [...]}                                         rows of the rollout table
    {"event": "failed", "message": "..."}                                    in place of done, in words

It exists so that the app needs no torch, and so that sampling can be ended from outside, whatever it is doing.
"""

from __future__ import annotations

import json
import sys
import time
from functools import lru_cache
from typing import TextIO

import torch

from laser_core.errors import InputError
from laser_core.evaluate import Sampling, sample_rollouts
from laser_core.policy import Policy, load_policy
from laser_core.tasks import Problem


class OutOfTime(Exception):
    """The request's seconds are over."""


@lru_cache(maxsize=3)  # a visit compares three models; a larger one may fill the memory alone
def _load(model: str, z_token: str) -> Policy:
    return load_policy(model, z_token=z_token)


def answer(request: dict, out: TextIO) -> None:
    """Serve one request; every fault becomes a ``failed`` event."""

    def say(event: str, **values: object) -> None:
        out.write(json.dumps({"id": request["id"], "event": event, **values}) + "\n")
        out.flush()

    try:
        policy = _load(request["model"], request["z_token"])
        say("ready", z_token=policy.z_token)
        end = time.monotonic() + request["seconds"]

        def on_token(rows: torch.Tensor, tokens: torch.Tensor, z_logprob: torch.Tensor) -> None:
            if time.monotonic() > end:
                raise OutOfTime
            shown = policy.tokenizer.convert_ids_to_tokens(tokens.tolist())
            say("tokens", rows=rows.tolist(), tokens=shown, z=z_logprob.tolist())

        problem = Problem("playground", request["problem"], request["answer"] or "")
        settings = Sampling(
            run=request["model"],
            samples=request["samples"],
            max_new_tokens=request["max_new_tokens"],
            seed=request["seed"],
            c_ref=request["c_ref"],
            beta_v=request["beta_v"],
        )
        rollouts = sample_rollouts(policy, [problem], settings, on_token=on_token)
        rows = rollouts.table.to_pylist()
        if request["answer"] is None:
            rows = [row | {"correct": None, "reference_answer": None} for row in rows]
        say("done", rows=rows)
    except OutOfTime:
        say("failed", message=f"sampling took longer than {request['seconds']:.0f} seconds; ask for fewer solutions")
    except InputError as error:
        say("failed", message=str(error))
    except (MemoryError, RuntimeError, ValueError, IndexError, KeyError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        say("failed", message=f"the model could not sample ({first})")


def main() -> None:
    """Serve requests until the input ends."""
    out, sys.stdout = sys.stdout, sys.stderr  # a library that prints must not write into the protocol
    for line in sys.stdin:
        answer(json.loads(line), out)


if __name__ == "__main__":
    main()

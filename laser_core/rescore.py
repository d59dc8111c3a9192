"""Score rollouts that are already there: last-token scores, and traces, from any causal LM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from laser_core.algorithm import last_token_score
from laser_core.errors import InputError
from laser_core.policy import Policy
from laser_core.rollouts import Rollouts
from laser_core.scoring import Solutions, score_solutions

ROWS_AT_ONCE = 1024  # rows tokenised together; the forward passes are cut by tokens


@torch.inference_mode()
def score_rollouts(
    policy: Policy,
    rollouts: Rollouts,
    *,
    beta_v: float = 0.1,
    c_ref: float | None = None,
    reference: Policy | None = None,
    traces: bool = False,
    dtype: torch.dtype = torch.float32,
    micro_batch_tokens: int = 4096,
    on_progress: Callable[[int, int], None] | None = None,
) -> Rollouts:
    """Add ``z_logprob`` and ``score`` (and per-token columns with ``traces``) to a rollout table.

    A response's own ``tokens`` are used where they are this model's and spell its text; else the text is tokenised and
    closed with <eos>. Responses marked truncated are not closed, and get no score.

    Parameters
    ----------
    policy : the model to ask
    rollouts : needs the columns ``problem`` and ``response``
    beta_v : scale of the score, reward units per nat
    c_ref : nats; unset: the mean over these solutions under ``reference``, which also fills ``ref_z_logprob``
    reference : the model before training
    traces : also fill ``tokens``, ``token_logprobs``, ``z_trace`` and ``entropy``
    dtype : precision of the matrix products
    micro_batch_tokens : most tokens in one forward pass
    on_progress : called with the rows done and the number of all

    Raises
    ------
    InputError
        If a row has no problem text, a response holds the verdict token, or there is nothing to tell c_ref from.
    """
    if c_ref is None and reference is None:
        raise InputError(
            "c_ref is unknown", field="c_ref", remedy="give --reference MODEL (the one before training) or --c-ref"
        )
    total, columns = len(rollouts), {"z_logprob": [], "ref_z_logprob": []}
    per_token = {"tokens": [], "token_logprobs": [], "z_trace": [], "entropy": []}
    for start in range(0, total, ROWS_AT_ONCE):
        part = rollouts.take(np.arange(start, min(start + ROWS_AT_ONCE, total)))
        prompts, responses, ended = _tokenised(policy, part, start)
        solutions = replace(Solutions.pack(prompts, responses, policy), ended=torch.tensor(ended))
        found = _forward(policy, solutions, traces, dtype, micro_batch_tokens)
        columns["z_logprob"] += _known(found["z_logprob"], ended)
        if reference is not None:
            own_reference = replace(reference, z_id=policy.z_id)
            columns["ref_z_logprob"] += _known(
                _forward(own_reference, solutions, False, dtype, micro_batch_tokens)["z_logprob"], ended
            )
        if traces:
            per_token["tokens"] += [policy.tokenizer.convert_ids_to_tokens(r) for r in responses]
            for name in ("token_logprobs", "z_trace", "entropy"):
                per_token[name] += found[name]
        if on_progress:
            on_progress(min(start + ROWS_AT_ONCE, total), total)

    c_ref_std = None
    if c_ref is None:
        values = np.array([v for v in columns["ref_z_logprob"] if v is not None])
        if not len(values):
            raise InputError(
                "every solution is truncated, so c_ref cannot be measured", field="c_ref", remedy="give --c-ref"
            )
        c_ref, c_ref_std = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None
    score = last_token_score(
        torch.tensor([np.nan if v is None else v for v in columns["z_logprob"]]).double(), beta_v=beta_v, c_ref=c_ref
    )
    result = rollouts.with_column("z_logprob", columns["z_logprob"]).with_column("score", score.numpy())
    if reference is not None:
        result = result.with_column("ref_z_logprob", columns["ref_z_logprob"])
    if traces:
        for name, values in per_token.items():
            result = result.with_column(name, values)
    meta = replace(rollouts.meta, z_token=policy.z_token, beta_v=beta_v, c_ref=c_ref, c_ref_std=c_ref_std)
    return replace(result, meta=meta)


def _tokenised(policy: Policy, part: Rollouts, start: int) -> tuple[list[list[int]], list[list[int]], list[bool]]:
    """Prompts, responses and whether each response ends; checked row by row."""
    prompts, responses = [], []
    ended = (part.column("truncated") != 1).tolist()  # unknown counts as ended
    cache: dict[str, list[int]] = {}
    vocabulary = policy.tokenizer.get_vocab()
    columns = zip(part.text("problem"), part.text("response"), part.text("tokens"), strict=True)
    for i, (problem, response, own) in enumerate(columns):
        if problem is None:
            raise InputError("no problem text", line=start + i + 1, field="problem", remedy="map a column to 'problem'")
        if problem not in cache:
            cache[problem] = policy.encode_prompt(problem)
        tokens = [vocabulary.get(token) for token in own or [None]]
        if None in tokens or policy.decode(tokens) != response:
            tokens = policy.tokenizer.encode(response, add_special_tokens=False)
        tokens = tokens[:-1] if ended[i] and tokens[-1:] == [policy.eos_id] else tokens
        if policy.z_id in tokens:
            raise InputError(
                f"the response holds the verdict token {policy.z_token}",
                line=start + i + 1,
                field="response",
                remedy="choose another with --z-token",
            )
        prompts.append(cache[problem])
        responses.append([*tokens, policy.eos_id] if ended[i] else tokens)
    return prompts, responses, ended


def _forward(policy: Policy, solutions: Solutions, traces: bool, dtype: torch.dtype, max_tokens: int) -> dict:
    """Forward passes in batches of similar length, results in the order of the rows."""
    n = len(solutions.length)
    found = {"z_logprob": torch.zeros(n), "token_logprobs": [None] * n, "z_trace": [None] * n, "entropy": [None] * n}
    for rows in solutions.micro_batches(max_tokens):
        scored = score_solutions(policy, solutions.rows(rows), dtype=dtype, traces=traces)
        found["z_logprob"][rows] = scored.z_logprob.cpu()
        if traces:
            for name, grid in (
                ("token_logprobs", scored.logprob),
                ("z_trace", scored.z_trace),
                ("entropy", scored.entropy),
            ):
                for place, row in enumerate(rows.tolist()):
                    found[name][row] = grid[place, : int(solutions.length[row])].float().cpu().numpy()
    return found


def _known(values: torch.Tensor, ended: Sequence[bool]) -> list[float | None]:
    return [value if end else None for value, end in zip(values.tolist(), ended, strict=True)]

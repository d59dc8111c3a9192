"""Score existing rollouts: last-token scores, and traces, from any causal LM.

:func:`score_rollouts` takes a table in memory, :func:`laser_core.rescoring.file.score_file` a file of any size; the
latter resumes where a killed run stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch

from laser_core.errors import InputError
from laser_core.models.prompt import PLACE, Prompt
from laser_core.models.verdict_token import NAMED
from laser_core.policy import Policy, unused_tokens
from laser_core.rollouts import Rollouts, RunMeta
from laser_core.scoring import Solutions, score_last_tokens, score_solutions
from laser_core.token_choice.pick_token import rank_tokens
from laser_core.token_choice.reference_level import Level

ROWS_AT_ONCE = 1024  # rows tokenised together; forward passes are divided by tokens
LONG = 1024  # tokens from which attention's quadratic matrix is not stored
TRACES = ("tokens", "token_logprobs", "z_trace", "entropy")


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

    A response's own ``tokens`` are used if they come from this model's vocabulary and spell its text; otherwise the
    text is tokenised and closed with <eos>. Responses marked as truncated are not closed and get no score.

    Parameters
    ----------
    policy : Policy
        The model that scores.
    rollouts : Rollouts
        Needs the columns ``problem`` and ``response``.
    beta_v : float
        Scale of the score, in reward units per nat.
    c_ref : float, optional
        Reference constant, in nats; by default the mean over these solutions under ``reference``.
    reference : Policy, optional
        The model before training; fills ``ref_z_logprob``.
    traces : bool
        Whether to fill ``tokens``, ``token_logprobs``, ``z_trace`` and ``entropy``, too, and with a reference
        ``ref_token_logprobs``.
    dtype : torch.dtype
        Precision of the matrix products; float32 reproduces a plain forward pass to 1e-4 nats.
    micro_batch_tokens : int
        Most tokens in one forward pass.
    on_progress : callable, optional
        Called with the number of rows done and the number of all.

    Returns
    -------
    Rollouts

    Raises
    ------
    InputError
        If a row has no problem text, if a response contains the verdict token, or if c_ref is neither given nor
        measurable.
    """
    require_c_ref(c_ref, reference)
    total = len(rollouts)
    columns: dict[str, list] = {}
    for start in range(0, total, ROWS_AT_ONCE):
        part = rollouts.take(np.arange(start, min(start + ROWS_AT_ONCE, total)))
        found = score_part(
            policy,
            part,
            first_line=start + 1,
            reference=reference,
            traces=traces,
            dtype=dtype,
            micro_batch_tokens=micro_batch_tokens,
        )
        for name, values in found.items():
            columns.setdefault(name, []).extend(values)
        if on_progress:
            on_progress(min(start + ROWS_AT_ONCE, total), total)
    level = Level.of(beta_v, c_ref, columns.get("ref_z_logprob", ()))
    result = rollouts
    for name, values in columns.items():
        result = result.with_column(name, values)
    result = result.with_column("score", level.scores(columns.get("z_logprob", ())))
    return replace(result, meta=level.meta(rollouts.meta, policy))


def require_c_ref(c_ref: float | None, reference: Policy | None) -> None:
    """Raise InputError if c_ref is neither given nor can be measured on a reference model."""
    if c_ref is None and reference is None:
        raise InputError(
            "c_ref is unknown", field="c_ref", remedy="give --reference MODEL (the one before training) or --c-ref"
        )


def unseen_z_token(policy: Policy, texts: Iterable[str | None], *, chosen: bool) -> Policy:
    """The policy with a verdict token that occurs in none of the texts.

    Parameters
    ----------
    policy : Policy
        Its z_c is kept if it does not occur.
    texts : iterable of str or None
        Problems and responses.
    chosen : bool
        Whether the user named z_c, which is then not replaced.

    Returns
    -------
    Policy

    Raises
    ------
    InputError
        If z_c occurs and was chosen, or no unused token is left.
    """
    if policy.z_token not in policy.tokenizer.get_added_vocab():
        return policy  # an ordinary token's letters may occur without it: each row's tokens are checked instead
    spare = [(policy.z_token, policy.z_id)]
    if not chosen:
        spare += [pair for pair in unused_tokens(policy.tokenizer, policy.end_ids) if pair[1] != policy.z_id]
    for text in texts:
        while text is not None and spare and spare[0][0] in text:
            spare.pop(0)
        if not spare:
            raise InputError(
                f"the text contains the verdict token {policy.z_token}"
                if chosen
                else "every token that the model ships unused occurs in the text",
                field="z_token",
                remedy="name a token that no text contains with --z-token",
            )
    return replace(policy, z_token=spare[0][0], z_id=spare[0][1])


def as_noted(policy: Policy, meta: RunMeta) -> Policy:
    """The policy with the prompt that a file notes, if it is one of this model's kind."""
    if meta.prompt is None or meta.prompt_chat is None or meta.prompt.count(PLACE) != 1:
        return policy
    noted = Prompt(meta.prompt, meta.prompt_chat)
    return replace(policy, prompt=noted) if noted.closes_as(policy.asks) else policy


def steady_z_token(
    policy: Policy, reference: Policy, part: Rollouts, beta_v: float, *, texts: Iterable[str | None] = ()
) -> Policy:
    """The policy with the verdict token that serves best on these solutions; its own where that one serves.

    Parameters
    ----------
    policy : Policy
        A named token is kept.
    reference : Policy
        Says what each token's level is.
    part : Rollouts
    beta_v : float
    texts : iterable of str or None
        All problems and responses to be scored: a token that one of them contains is not taken.
    """
    if policy.z_kind == NAMED:
        return policy
    prompts, responses, ended = tokenised(policy, part, 1)
    rows = [row for row, end in enumerate(ended) if end]
    if len(rows) < 2:
        return policy
    solutions = Solutions.pack([prompts[i] for i in rows], [responses[i] for i in rows], policy)
    own = replace(reference, z_token=policy.z_token, z_id=policy.z_id, z_kind=policy.z_kind)
    ranked = rank_tokens(own, solutions, beta_v=beta_v)
    if not ranked or any(token.candidate.z_id == policy.z_id and token.serves for token in ranked):
        return policy
    best = ranked[0].candidate
    if any(text is not None and best.token in text for text in texts):
        return policy
    return replace(policy, z_token=best.token, z_id=best.z_id, z_kind=best.kind)


@torch.inference_mode()
def score_part(
    policy: Policy,
    part: Rollouts,
    *,
    first_line: int = 1,
    reference: Policy | None = None,
    traces: bool = False,
    dtype: torch.dtype = torch.float32,
    micro_batch_tokens: int = 4096,
) -> dict[str, list]:
    """The new columns of a part of a table, without the score; other parameters as in :func:`score_rollouts`.

    Parameters
    ----------
    part : Rollouts
    first_line : int
        Where the part begins in its file, for error messages.

    Returns
    -------
    dict
        Column name to values, one per row.
    """
    prompts, responses, ended = tokenised(policy, part, first_line)
    solutions = replace(Solutions.pack(prompts, responses, policy), ended=torch.tensor(ended))
    if solutions.tokens.shape[1] >= LONG:
        for model in (policy.model, *(() if reference is None else (reference.model,))):
            model.set_attn_implementation("sdpa")
    names = ("token_logprobs", "z_trace", "entropy") if traces else ()
    z_logprob, found = _forward(policy, solutions, names, dtype, micro_batch_tokens)
    columns: dict[str, list] = {"z_logprob": _known(z_logprob, ended)}
    ref_found: dict[str, list] = {"token_logprobs": [None] * len(responses)}
    if reference is not None:
        own = replace(reference, z_token=policy.z_token, z_id=policy.z_id, more_z_ids=policy.more_z_ids)
        ref_z_logprob, ref_found = _forward(own, solutions, names[:1], dtype, micro_batch_tokens)
        columns["ref_z_logprob"] = _known(ref_z_logprob, ended)
    if traces:
        columns["tokens"] = [policy.tokenizer.convert_ids_to_tokens(response) for response in responses]
        columns |= found
        columns["ref_token_logprobs"] = ref_found["token_logprobs"]  # an earlier file's would not fit these tokens
    return columns


def tokenised(policy: Policy, part: Rollouts, first_line: int) -> tuple[list[list[int]], list[list[int]], list[bool]]:
    """Token ids of prompts and responses, and whether each response ends; checked row by row."""
    prompts: list[list[int]] = []
    responses: list[list[int]] = []
    ended: list[bool] = (part.column("truncated") != 1).tolist()  # unknown counts as ended
    cache: dict[str, list[int]] = {}
    vocabulary = policy.tokenizer.get_vocab()
    ends = policy.end_ids or (policy.eos_id,)
    columns = zip(part.text("problem"), part.text("response"), part.text("tokens"), strict=True)
    for i, (problem, response, own) in enumerate(columns):
        if problem is None:
            line = first_line + i
            raise InputError("no problem text", line=line, field="problem", remedy="map a column to 'problem'")
        if problem not in cache:
            cache[problem] = policy.encode_prompt(problem)
        tokens = [vocabulary[token] for token in own or () if token in vocabulary]
        if not own or len(tokens) < len(own) or policy.decode(tokens) != response:
            tokens = policy.tokenizer.encode(response or "", add_special_tokens=False)
        closed = ended[i] and bool(tokens) and tokens[-1] in ends
        if policy.z_id in tokens:
            raise InputError(
                f"the response contains the verdict token {policy.z_token}",
                line=first_line + i,
                field="response",
                remedy="choose another with --z-token",
            )
        prompts.append(cache[problem])
        responses.append([*tokens, policy.eos_id] if ended[i] and not closed else tokens)
    return prompts, responses, ended


def _forward(
    policy: Policy, solutions: Solutions, names: Sequence[str], dtype: torch.dtype, max_tokens: int
) -> tuple[torch.Tensor, dict[str, list]]:
    """z_c's log-prob, (B,), and the named traces, in the rows' order, by as large forward passes as memory allows."""
    return policy.batches(dtype).forward(
        lambda tokens: _forward_with(policy, solutions, names, dtype, tokens),
        longest=solutions.tokens.shape[1],
        most=max_tokens,
        gradients=False,
    )


def _forward_with(
    policy: Policy, solutions: Solutions, names: Sequence[str], dtype: torch.dtype, max_tokens: int
) -> tuple[torch.Tensor, dict[str, list]]:
    """Forward passes in batches of similar length."""
    n = len(solutions.length)
    z_logprob = torch.zeros(n)
    traces: dict[str, list] = {name: [None] * n for name in names}
    for rows in solutions.micro_batches(max_tokens):
        part = solutions.rows(rows)
        if not names:
            z_logprob[rows] = score_last_tokens(policy, part, dtype=dtype).float().cpu()
            continue
        scored = score_solutions(policy, part, dtype=dtype, traces=len(names) > 1)
        z_logprob[rows] = scored.z_logprob.float().cpu()
        grids = {"token_logprobs": scored.logprob, "z_trace": scored.z_trace, "entropy": scored.entropy}
        for name in names:
            values = grids[name]
            assert values is not None  # asked for by name
            grid = values.float().cpu().numpy()
            for place, row in enumerate(rows.tolist()):
                traces[name][row] = grid[place, : int(solutions.length[row])].copy()  # not a view of the whole grid
    return z_logprob, traces


def _known(values: torch.Tensor, ended: Sequence[bool]) -> list[float | None]:
    return [value if end else None for value, end in zip(values.tolist(), ended, strict=True)]

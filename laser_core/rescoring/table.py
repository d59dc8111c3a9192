"""Score rollouts that are already there: last-token scores, and traces, from any causal LM.

:func:`score_rollouts` takes a table in memory; :func:`laser_core.rescoring.file.score_file` a file of any size, and
goes on where a killed run stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from laser_core.algorithm import last_token_score
from laser_core.errors import InputError
from laser_core.policy import Policy, unused_tokens
from laser_core.rollouts import Rollouts
from laser_core.scoring import Solutions, score_last_tokens, score_solutions

ROWS_AT_ONCE = 1024  # rows tokenised together; the forward passes are cut by tokens
NOISY_SCORE = 0.1  # beta_v * std(c_ref), in reward units, above which the score's noise is worth a word
LONG = 1024  # tokens from which attention's quadratic table is not held
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

    A response's own ``tokens`` are used where they are this model's and spell its text; else the text is tokenised and
    closed with <eos>. Responses marked truncated are not closed, and get no score.

    Parameters
    ----------
    policy : the model to ask
    rollouts : needs the columns ``problem`` and ``response``
    beta_v : scale of the score, reward units per nat
    c_ref : nats; unset: the mean over these solutions under ``reference``, which also fills ``ref_z_logprob``
    reference : the model before training
    traces : also fill ``tokens``, ``token_logprobs``, ``z_trace`` and ``entropy``; with a reference also
        ``ref_token_logprobs``
    dtype : precision of the matrix products; in float32 the result is a plain forward pass's to 1e-4 nats
    micro_batch_tokens : most tokens in one forward pass
    on_progress : called with the rows done and the number of all

    Raises
    ------
    InputError
        If a row has no problem text, a response holds the verdict token, or there is nothing to tell c_ref from.
    """
    require_c_ref(c_ref, reference)
    total, columns = len(rollouts), {}
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
    """Raise InputError where neither says what a score is measured against."""
    if c_ref is None and reference is None:
        raise InputError(
            "c_ref is unknown", field="c_ref", remedy="give --reference MODEL (the one before training) or --c-ref"
        )


@dataclass(frozen=True)
class Level:
    """What scores are measured against.

    Attributes
    ----------
    beta_v : reward units per nat.
    c_ref, c_ref_std : mean and standard deviation of log pi_ref(z_c), nats; the latter None where it was not measured.
    n : solutions it was measured over; 0 where it was given.
    """

    beta_v: float
    c_ref: float
    c_ref_std: float | None = None
    n: int = 0

    @classmethod
    def of(cls, beta_v: float, c_ref: float | None, ref_z_logprobs: Iterable[float | None]) -> Level:
        """As given, or measured.

        Raises
        ------
        InputError
            If there is nothing to measure it over.
        """
        if c_ref is not None:
            return cls(beta_v, c_ref)
        values = np.array([value for value in ref_z_logprobs if value is not None], dtype=float)
        if not len(values):
            raise InputError(
                "every solution is truncated, so c_ref cannot be measured", field="c_ref", remedy="give --c-ref"
            )
        return cls(beta_v, float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None, len(values))

    def scores(self, z_logprobs: Sequence[float | None]) -> np.ndarray:
        """r_s = beta_v (log pi(z_c) - c_ref) of shape (n,); NaN where a log-prob is missing."""
        z = torch.tensor([np.nan if value is None else value for value in z_logprobs], dtype=torch.float64)
        return last_token_score(z, beta_v=self.beta_v, c_ref=self.c_ref).numpy()

    def meta(self, meta, policy: Policy):
        """The table's metadata with this level and the policy's verdict token."""
        return replace(meta, z_token=policy.z_token, beta_v=self.beta_v, c_ref=self.c_ref, c_ref_std=self.c_ref_std)

    def warnings(self) -> tuple[str, ...]:
        """What a user should know of these scores, in plain words; empty where all is well.

        Examples
        --------
        >>> Level(0.1, -23.0, 0.04, 300).warnings()
        ()
        >>> for sentence in Level(0.1, -7.0, 2.0, 300).warnings():
        ...     print(sentence)
        c_ref is not constant: its standard deviation of 2.00 nats (300 solutions) is 0.20 of noise in scores that \
should tell 0 from 1. Choose a token the model never uses (--z-token).
        no score can exceed 0.70, because log pi(z_c) cannot exceed 0: choose a verdict token that the reference finds \
less likely, or a larger --beta-v (0.14 lets a score reach 1).
        """
        found = []
        if self.c_ref_std is not None and self.beta_v * self.c_ref_std > NOISY_SCORE:
            found.append(
                f"c_ref is not constant: its standard deviation of {self.c_ref_std:.2f} nats ({self.n:,} solutions) is "
                f"{self.beta_v * self.c_ref_std:.2f} of noise in scores that should tell 0 from 1. Choose a token the "
                "model never uses (--z-token)."
            )
        if -self.beta_v * self.c_ref < 1:
            enough = f" ({-1 / self.c_ref:.2g} lets a score reach 1)" if self.c_ref < 0 else ""
            found.append(
                f"no score can exceed {-self.beta_v * self.c_ref:.2f}, because log pi(z_c) cannot exceed 0: choose a "
                f"verdict token that the reference finds less likely, or a larger --beta-v{enough}."
            )
        return tuple(found)


def unseen_z_token(policy: Policy, texts: Iterable[str | None], *, chosen: bool) -> Policy:
    """The policy with a verdict token that occurs in none of the texts.

    Parameters
    ----------
    policy : its z_c is kept if it does not occur.
    texts : problems and responses.
    chosen : whether the user named z_c, which is then not replaced.

    Raises
    ------
    InputError
        If z_c occurs and was chosen, or no unused token is left.
    """
    if policy.z_token not in policy.tokenizer.get_added_vocab():
        return (
            policy  # an ordinary token: its letters may occur without it, so every row's tokens are looked at instead
        )
    spare = [(policy.z_token, policy.z_id)]
    if not chosen:
        spare += [pair for pair in unused_tokens(policy.tokenizer) if pair[1] != policy.z_id]
    for text in texts:
        while text is not None and spare and spare[0][0] in text:
            spare.pop(0)
        if not spare:
            raise InputError(
                f"the text holds the verdict token {policy.z_token}"
                if chosen
                else "every token that the model ships unused occurs in the text",
                field="z_token",
                remedy="name a token that no text holds with --z-token",
            )
    return replace(policy, z_token=spare[0][0], z_id=spare[0][1])


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
    """The new columns of a part of a table, except the score; parameters as for :func:`score_rollouts`.

    ``first_line`` says where the part begins in its file, for errors.
    """
    prompts, responses, ended = _tokenised(policy, part, first_line)
    solutions = replace(Solutions.pack(prompts, responses, policy), ended=torch.tensor(ended))
    if solutions.tokens.shape[1] >= LONG:
        for asked in (policy, reference):
            if asked is not None:
                asked.model.set_attn_implementation("sdpa")
    names = ("token_logprobs", "z_trace", "entropy") if traces else ()
    found = _forward(policy, solutions, names, dtype, micro_batch_tokens)
    columns: dict[str, list] = {"z_logprob": _known(found.pop("z_logprob"), ended)}
    if reference is not None:
        own = replace(reference, z_token=policy.z_token, z_id=policy.z_id, more_z_ids=policy.more_z_ids)
        asked = _forward(own, solutions, names[:1], dtype, micro_batch_tokens)
        columns["ref_z_logprob"] = _known(asked["z_logprob"], ended)
    if traces:
        columns["tokens"] = [policy.tokenizer.convert_ids_to_tokens(response) for response in responses]
        columns |= found
        # Another tokenizer's would not fit these tokens.
        columns["ref_token_logprobs"] = [None] * len(responses) if reference is None else asked["token_logprobs"]
    return columns


def _tokenised(policy: Policy, part: Rollouts, first_line: int) -> tuple[list[list[int]], list[list[int]], list[bool]]:
    """Prompts, responses and whether each response ends; checked row by row."""
    prompts, responses = [], []
    ended = (part.column("truncated") != 1).tolist()  # unknown counts as ended
    cache: dict[str, list[int]] = {}
    vocabulary = policy.tokenizer.get_vocab()
    columns = zip(part.text("problem"), part.text("response"), part.text("tokens"), strict=True)
    for i, (problem, response, own) in enumerate(columns):
        if problem is None:
            line = first_line + i
            raise InputError("no problem text", line=line, field="problem", remedy="map a column to 'problem'")
        if problem not in cache:
            cache[problem] = policy.encode_prompt(problem)
        tokens = [vocabulary.get(token) for token in own or [None]]
        if None in tokens or policy.decode(tokens) != response:
            tokens = policy.tokenizer.encode(response, add_special_tokens=False)
        tokens = tokens[:-1] if ended[i] and tokens[-1:] == [policy.eos_id] else tokens
        if policy.z_id in tokens:
            raise InputError(
                f"the response holds the verdict token {policy.z_token}",
                line=first_line + i,
                field="response",
                remedy="choose another with --z-token",
            )
        prompts.append(cache[problem])
        responses.append([*tokens, policy.eos_id] if ended[i] else tokens)
    return prompts, responses, ended


def _forward(
    policy: Policy, solutions: Solutions, names: Sequence[str], dtype: torch.dtype, max_tokens: int
) -> dict[str, list | torch.Tensor]:
    """Forward passes in batches of similar length; z_logprob and the named traces in the order of the rows."""
    n = len(solutions.length)
    z_logprob, traces = torch.zeros(n), {name: [None] * n for name in names}
    for rows in solutions.micro_batches(max_tokens):
        part = solutions.rows(rows)
        if not names:
            z_logprob[rows] = score_last_tokens(policy, part, dtype=dtype).float().cpu()
            continue
        scored = score_solutions(policy, part, dtype=dtype, traces=len(names) > 1)
        z_logprob[rows] = scored.z_logprob.float().cpu()
        grids = {"token_logprobs": scored.logprob, "z_trace": scored.z_trace, "entropy": scored.entropy}
        for name in names:
            grid = grids[name].float().cpu().numpy()
            for place, row in enumerate(rows.tolist()):
                traces[name][row] = grid[place, : int(solutions.length[row])].copy()  # not a view of the whole grid
    return {"z_logprob": z_logprob, **traces}


def _known(values: torch.Tensor, ended: Sequence[bool]) -> list[float | None]:
    return [value if end else None for value, end in zip(values.tolist(), ended, strict=True)]

"""Fill in what a file lacks and can be had from what it holds, and say so: answers, verdicts, scores, lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.rollouts.schema import Rollouts, ordered

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Completed:
    """A completed table, and how many values each step filled in (sentence -> count)."""

    rollouts: Rollouts
    notes: Counter[str]


def complete(
    rollouts: Rollouts, *, extract: bool = True, verify: bool = True, progress: Progress | None = None
) -> Completed:
    """Fill in missing columns from the others.

    Answers are extracted where the table has none at all (a null beside other answers means that none was found).
    Correctness is verified where it is unknown and a reference answer is there; a reference that cannot be read leaves
    it unknown. The score follows from z_logprob where the metadata holds beta_v and c_ref, n_tokens from the tokens.

    Parameters
    ----------
    rollouts : Rollouts
    extract, verify : bool
        Whether to run these two, which take time.
    progress : callable, optional
        ``progress(what, done, total)``, over the items that need math-verify.

    Examples
    --------
    >>> rows = [{"run": "r", "problem_id": "p", "sample": 0, "response": "so it is 2#2", "reference_answer": "2"}]
    >>> done = complete(Rollouts.from_rows(rows))
    >>> done.rollouts.row(0)["correct"], sorted(done.notes)
    (True, ['answer: extracted from the response', 'correct: verified against the reference answer'])
    """
    notes: Counter[str] = Counter()
    if not len(rollouts):
        return Completed(rollouts, notes)
    if extract and not rollouts.has("answer"):
        rollouts = _extract(rollouts, notes, progress)
    if verify and rollouts.has("reference_answer"):
        rollouts = _verify(rollouts, notes, progress)
    meta = rollouts.meta
    if not rollouts.has("score") and rollouts.has("z_logprob") and meta.beta_v is not None and meta.c_ref is not None:
        rollouts = rollouts.with_score_settings(beta_v=meta.beta_v, c_ref=meta.c_ref)
        notes["score: computed from z_logprob"] += int(np.isfinite(rollouts.column("score")).sum())
    if not rollouts.has("n_tokens") and rollouts.has("tokens"):
        rollouts = rollouts.with_column("n_tokens", pc.list_value_length(rollouts.table["tokens"]))
        notes["n_tokens: counted from the tokens"] += len(rollouts) - rollouts.table["tokens"].null_count
    return Completed(replace(rollouts, table=ordered(rollouts.table)), notes)


def _extract(rollouts: Rollouts, notes: Counter[str], progress: Progress | None) -> Rollouts:
    from laser_core.answers.verify import extract_answers

    # In a truncated response only a marked answer counts: the last number before the cut is no answer.
    prose = (rollouts.column("truncated") != 1).tolist()
    report = None if progress is None else lambda done, total: progress("extracting answers", done, total)
    answers = extract_answers(rollouts.text("response"), prose=prose, progress=report)
    n_found = sum(answer is not None for answer in answers)
    if n_found:
        notes["answer: extracted from the response"] += n_found
    if n_found < len(answers):
        notes["answer: none found in the response"] += len(answers) - n_found
    return rollouts.with_column("answer", pa.array(answers, pa.string()))


def _verify(rollouts: Rollouts, notes: Counter[str], progress: Progress | None) -> Rollouts:
    from laser_core.answers.verify import verify_answers

    known = rollouts.table["correct"].to_pylist() if rollouts.has("correct") else [None] * len(rollouts)
    answers, references = rollouts.text("answer"), rollouts.text("reference_answer")
    todo = [i for i, verdict in enumerate(known) if verdict is None and references[i] is not None]
    if not todo:
        return rollouts
    report = None if progress is None else lambda done, total: progress("verifying answers", done, total)
    verdicts = verify_answers([answers[i] for i in todo], [references[i] for i in todo], progress=report)
    for i, verdict in zip(todo, verdicts, strict=True):
        known[i] = verdict
    n_unknown = sum(verdict is None for verdict in verdicts)
    if n_unknown < len(verdicts):
        notes["correct: verified against the reference answer"] += len(verdicts) - n_unknown
    if n_unknown:
        notes["correct: unknown, because the reference answer cannot be read"] += n_unknown
    return rollouts.with_column("correct", pa.array(known, pa.bool_()))

"""Which solutions belong together: those of one problem, sampled at one training step.

A problem that is met again at a later step is solved by another policy. Its solutions are a group of their own: votes,
scores within a problem and GRPO's advantages compare solutions of one policy.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laser_core.rollouts.schema import Rollouts


def group_name(problem_id: str, step: int | None) -> str:
    """What the solutions of a problem at one of several steps are called.

    >>> group_name("p1", 20), group_name("p1", None)
    ('p1 (step 20)', 'p1 (no step)')
    """
    return f"{problem_id} (step {step})" if step is not None else f"{problem_id} (no step)"


def group_of_rows(rollouts: Rollouts, *, pool_steps: bool = False) -> pa.DictionaryArray:
    """The group of each row: its problem's id, with the step where the problem has solutions of several steps.

    Parameters
    ----------
    rollouts : Rollouts
        Of one run.
    pool_steps : bool
        Take a problem's solutions of all steps as one group.

    Returns
    -------
    DictionaryArray of str of length n_rows
        Groups are numbered in the order in which they first appear.

    Examples
    --------
    >>> steps = (("a", 1), ("a", 1), ("b", 1), ("a", 2))
    >>> rollouts = Rollouts.from_rows(
    ...     [{"run": "r", "problem_id": p, "step": s, "sample": i, "response": ""} for i, (p, s) in enumerate(steps)]
    ... )
    >>> group_of_rows(rollouts).to_pylist()
    ['a (step 1)', 'a (step 1)', 'b', 'a (step 2)']
    >>> group_of_rows(rollouts, pool_steps=True).to_pylist()
    ['a', 'a', 'b', 'a']
    """
    problems = pc.dictionary_encode(rollouts.table["problem_id"]).combine_chunks()
    if isinstance(problems, pa.ChunkedArray):  # what an older Arrow combines to
        problems = problems.chunk(0)
    if pool_steps or "step" not in rollouts.table.column_names:
        return problems
    steps, of_row = np.unique(pc.fill_null(rollouts.table["step"], -(2**31)).to_numpy(), return_inverse=True)
    if len(steps) <= 1:
        return problems
    codes = problems.indices.to_numpy().astype(np.int64)
    pairs, first, inverse = np.unique(codes * len(steps) + of_row, return_index=True, return_inverse=True)
    several = np.bincount(pairs // len(steps), minlength=len(problems.dictionary)) > 1
    if not several.any():
        return problems
    order = np.argsort(first)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    ids = problems.dictionary.to_pylist()
    known = [None if step == -(2**31) else step for step in steps.tolist()]
    names = []
    for pair in pairs[order].tolist():
        problem, step = divmod(pair, len(steps))
        names.append(group_name(ids[problem], known[step]) if several[problem] else ids[problem])
    return pa.DictionaryArray.from_arrays(pa.array(place[inverse]), pa.array(names, pa.string()))

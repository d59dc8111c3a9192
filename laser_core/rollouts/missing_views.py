"""Which views a file cannot fill, and what would fill them."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow.compute as pc

from laser_core.rollouts.schema import SIGNAL_PREFIX, Rollouts


def missing_views(rollouts: Rollouts, *, holds: Collection[str] = ()) -> tuple[str, ...]:
    """Sentences for the user, the most important first; empty where every view has what it needs.

    Parameters
    ----------
    rollouts : Rollouts
    holds : collection of str
        Columns that hold values but were not loaded.

    Examples
    --------
    >>> row = {"run": "r", "problem_id": "p", "response": "", "answer": "2", "correct": True}
    >>> rows = [row | {"sample": i} for i in (0, 1)]
    >>> for sentence in missing_views(Rollouts.from_rows(rows)):
    ...     print(sentence)
    no score: separation, thresholds and weighted votes have nothing to show; run `laser score MODEL FILE` to add it
    no z_c log-prob and no token log-probs: no traces; run `laser score MODEL FILE --traces` to add them
    """

    def has(name: str) -> bool:
        return name in holds or rollouts.has(name)

    found = []
    signals = rollouts.signals + [name for name in holds if name == "score" or name.startswith(SIGNAL_PREFIX)]
    if not has("correct"):
        found.append(
            "no verdicts and no reference answers: accuracy, separation and the right vote are unknown; map a column "
            "to 'correct' or 'reference_answer'"
        )
    if not has("answer"):
        found.append("no answers: nothing can be voted on; map a column to 'answer'")
    if not signals:
        found.append(
            "no score: separation, thresholds and weighted votes have nothing to show; run `laser score MODEL FILE` to "
            "add it"
        )
    elif not has("score"):
        found.append("no last-token score, only other signals; run `laser score MODEL FILE` to add it")
    if not has("z_trace"):
        if has("token_logprobs"):
            found.append(
                "no z_c log-prob in this file: traces of token log-probs only; run `laser score MODEL FILE --traces` "
                "to add it"
            )
        else:
            found.append(
                "no z_c log-prob and no token log-probs: no traces; run `laser score MODEL FILE --traces` to add them"
            )
    if len(rollouts) and pc.count_distinct(rollouts.table["problem_id"]).as_py() == len(rollouts):
        found.append("one solution per problem: votes, pass@k and the AUROC within a problem need several")
    return tuple(found)

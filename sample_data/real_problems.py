"""SVAMP in three parts, written to the working folder: held.jsonl to judge on, learn.jsonl, worked.jsonl.

A hash of a problem's text holds out 24% (as ``fit_held_out`` of make_real.sh does). Of the others every second one is
to be solved and its solutions learnt from; the rest get a worked solution where one operation on two of their numbers
gives the answer, and no other operation does. With ``--none-worked`` all of the others are to be solved.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path

from laser_core.tasks import load_problems
from laser_core.tasks.problems import split_of

HELD_OUT = 0.24


def equation(text: str, answer: str) -> str | None:
    """The one operation on two numbers of a problem that gives its answer.

    Examples
    --------
    >>> equation("Dan had 3 dollars left of 4. What did the candy bar cost?", "1")
    '4 - 3 = 1'
    >>> equation("Of 6 pens 3 are red. They lie in 2 boxes. How many are not red?", "3") is None  # 6 - 3, or 6 / 2
    True
    """
    numbers = list(dict.fromkeys(re.findall(r"\d+(?:\.\d+)?", text)))
    found: dict[str, str] = {}
    for a, b in itertools.permutations(numbers, 2):
        x, y = float(a), float(b)
        for sign, value in (("+", x + y), ("-", x - y), ("*", x * y), ("/", x / y if y else None)):
            if value is not None and abs(value - float(answer)) < 1e-9:
                found.setdefault(sign, f"{a} {sign} {b} = {answer}")
    return next(iter(found.values())) if len(found) == 1 else None


def main(*, worked: bool = True) -> None:
    """Write the three files; without ``worked`` the third one is empty."""
    files: dict[str, list[dict[str, str]]] = {"held": [], "learn": [], "worked": []}
    for i, problem in enumerate(load_problems("svamp", "all")):
        row = {"id": problem.problem_id, "problem": problem.text, "answer": problem.answer}
        if split_of(problem.text, validation_share=0, test_share=HELD_OUT) == "test":
            files["held"].append(row)
        elif i % 2 or not worked:
            files["learn"].append(row)
        elif solution := equation(problem.text, problem.answer):
            files["worked"].append(row | {"solution": solution})
    for name, rows in files.items():
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main(worked="--none-worked" not in sys.argv)

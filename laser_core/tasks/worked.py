"""Problems with worked solutions, for supervised training and for examples in a prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from laser_core.errors import InputError
from laser_core.tasks.problems import Problem
from laser_core.tasks.records import read_records

_CALCULATOR = re.compile(r"<<[^<>]*>>")  # GSM8K's notes for a calculator, which no model should learn to write


@dataclass(frozen=True)
class WorkedProblem:
    """A problem with a solution that somebody worked out.

    Attributes
    ----------
    problem : Problem
    solution : str
        The reasoning, without a last line that only states the answer.
    """

    problem: Problem
    solution: str

    def text(self, answer_format: str = "boxed") -> str:
        r"""The solution as a model should write it, its answer in the given format.

        Examples
        --------
        >>> worked = WorkedProblem(Problem("", "1+1?", "2"), "1 and 1 are 2.")
        >>> worked.text("boxed"), worked.text("hash"), worked.text("none")
        ('1 and 1 are 2.\nThe answer is \\boxed{2}.', '1 and 1 are 2.\n#### 2', '1 and 1 are 2.')
        """
        answer = self.problem.answer
        if answer_format == "none" or (answer_format == "boxed" and "\\boxed" in self.solution):
            return self.solution
        closing = f"#### {answer}" if answer_format == "hash" else f"The answer is \\boxed{{{answer}}}."
        return f"{self.solution}\n{closing}"


def load_worked(source: str, split: str = "train") -> tuple[WorkedProblem, ...]:
    """The worked problems of one split.

    Parameters
    ----------
    source : str
        As of :func:`~laser_core.tasks.sources.load_problems`, the generated families apart; a record holds the solution
        under ``solution``, ``response`` or the like, or before ``####`` in ``answer``, as in GSM8K.
    split : {"train", "validation", "test", "all"}

    Raises
    ------
    InputError
        If there is no such source, or a record lacks the problem, the answer or the solution.
    """
    records = read_records(source, split)
    found = []
    for row, problem in zip(records.rows, records.problems(), strict=True):
        text = worked_text(str(records.value(row, "solution")))
        if not text or text == problem.answer:
            raise InputError(
                "the answer alone, without a solution",
                file=records.source,
                line=row.line,
                field="solution",
                remedy=f"take worked solutions, or name their column: {source.partition('?')[0]}?solution=COLUMN",
            )
        found.append(WorkedProblem(problem, text))
    return tuple(found)


def worked_text(solution: str) -> str:
    """A worked solution without calculator notes and without a last line that only states the answer.

    Examples
    --------
    >>> worked_text("She sold 48/2 = <<48/2=24>>24 clips.\\n#### 24")
    'She sold 48/2 = 24 clips.'
    """
    return _CALCULATOR.sub("", solution).rsplit("####", 1)[0].strip()

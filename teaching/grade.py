"""Grade the homework: ``python -m teaching.grade FOLDER...``, one folder a student; ``--csv grades.csv`` for a table.

A folder holds ``mine.parquet`` and ``answers.toml``. Both are read as data and nothing in them is run. Each student is
graded in a process of its own, with a limit on time and memory, so that a file made to break the grader costs its own
points and nobody else's. What is missing or broken gets 0 points and a reason.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import stat
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from laser_core.errors import InputError
from laser_core.processes import child_environment
from teaching.questions import QUESTIONS, Question
from teaching.rollout_file import Work, load

FILE, ANSWERS = "mine.parquet", "answers.toml"
FILE_POINTS = 4
MOST_BYTES = {FILE: 20_000_000, ANSWERS: 64_000}
SECONDS, MEMORY = 180, 4 * 2**30  # for one student


@dataclass(frozen=True)
class Mark:
    """Points for one part, and why.

    Attributes
    ----------
    part : str
        "file", or the question's key.
    points, most : int
        Given, and possible.
    why : str
        One sentence.
    """

    part: str
    points: int
    most: int
    why: str


def grade(folder: Path) -> tuple[list[Mark], str]:
    """Grade one folder.

    Parameters
    ----------
    folder : Path
        A student's.

    Returns
    -------
    marks : list of Mark
        The file, then every question.
    fingerprint : str
        Of the solutions; the same for two students who hand in the same ones. Empty without a sound file.
    """
    try:
        work = load(_regular(folder, FILE))
    except InputError as error:
        return _nothing(str(error), "It takes a sound file."), ""
    marks = [Mark("file", FILE_POINTS, FILE_POINTS, "100 problems x 16 solutions; verdicts and scores are sound.")]
    try:
        answers = _answers(_regular(folder, ANSWERS))
        marks += [judged(question, answers.get(question.key), work) for question in QUESTIONS]
    except InputError as error:
        marks += [Mark("answers", 0, 0, str(error)), *(Mark(q.key, 0, q.points, "Not read.") for q in QUESTIONS)]
    texts = "\n".join(str(text) for text in work.rollouts.table["response"].to_pylist())
    return marks, hashlib.sha256(texts.encode()).hexdigest()


def _nothing(file: str, questions: str) -> list[Mark]:
    """No points, with a reason for the file and one for every question."""
    return [Mark("file", 0, FILE_POINTS, file), *(Mark(q.key, 0, q.points, questions) for q in QUESTIONS)]


def judged(question: Question, given: object, work: Work) -> Mark:
    """The mark for one answer.

    Parameters
    ----------
    question : Question
    given : object
        Whatever stands in answers.toml under its key; None where nothing does.
    work : Work
        The student's own file.
    """

    def mark(points: int, why: str) -> Mark:
        return Mark(question.key, points, question.points, why)

    right = question.answer(work)
    if given is None or given == "":
        return mark(0, "No answer.")
    if isinstance(right, str):
        if not isinstance(given, str) or given.strip().lower() not in ("yes", "no"):
            return mark(0, 'Neither "yes" nor "no".')
        same = given.strip().lower() == right
        return mark(question.points if same else 0, "Right." if same else f"It is {right}.")
    if isinstance(given, bool) or not isinstance(given, int | float):
        return mark(0, "Not a number: write 0.5, without quotes and units.")
    try:
        value = float(given)
    except OverflowError:  # TOML's integers have no limit
        value = math.inf
    if not math.isfinite(value):
        return mark(0, "Not a finite number.")
    if abs(value - right) <= question.within + 1e-9:
        return mark(question.points, f"Right: {right:.4g}.")
    slip = next((says for says, wrong in question.slips if abs(value - wrong(work)) <= question.within + 1e-9), "")
    if not slip and right and abs(value / 100 - right) <= question.within:
        slip = "That is a percentage; a share lies between 0 and 1."
    return mark(0, " ".join(part for part in (f"It is {right:.4g}, not {value:.4g}.", slip) if part))


def _regular(folder: Path, name: str) -> Path:
    """The file of that name in a folder.

    Raises
    ------
    InputError
        Where there is none, or it is a link, a folder, or too large.
    """
    path = folder / name
    try:
        about = path.lstat()
    except OSError as error:
        raise InputError("there is no such file", file=name, remedy="hand it in under this name") from error
    if not stat.S_ISREG(about.st_mode):
        raise InputError("this is not a plain file", file=name, remedy="hand in the file itself, no link")
    if about.st_size > MOST_BYTES[name]:
        raise InputError(f"{about.st_size:,} bytes are too many", file=name, remedy=f"at most {MOST_BYTES[name]:,}")
    return path


def _answers(path: Path) -> dict[str, object]:
    """The answers as TOML has them.

    Raises
    ------
    InputError
        Where it is no TOML; names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # both of tomllib's errors and a wrong encoding are ValueErrors
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise InputError(f"this is not TOML ({why})", file=path.name, remedy="one `key = number` a line") from error


def _limited() -> None:
    """Before a child begins: bound its memory, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def graded_apart(folder: Path) -> tuple[list[Mark], str]:
    """:func:`grade` in a process of its own; where that dies or is late, 0 points and the reason."""
    command = [sys.executable, "-m", "teaching.grade", "--child", str(folder.absolute())]
    root = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=child_environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
            capture_output=True,
            timeout=SECONDS,
            preexec_fn=_limited if sys.platform != "win32" else None,
        )
        found = json.loads(done.stdout)
        return [Mark(**mark) for mark in found["marks"]], found["fingerprint"]
    except subprocess.TimeoutExpired:
        return _nothing(f"Reading it took more than {SECONDS} s.", "It takes a sound file."), ""
    except ValueError:  # no JSON: the process died, on a file made to kill it or on a mistake of ours
        last = (done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}").splitlines()[-1]
        return _nothing(f"The process that read it died: {last}", "It takes a sound file."), ""


def plain(text: str) -> str:
    """A text of a student's that neither a terminal nor a spreadsheet obeys, and of bounded length.

    >>> plain("red \\x1b[31m"), len(plain("x" * 999)), plain("=1+1")
    ('red ?[31m', 300, "'=1+1")
    """
    shown = "'" * text.startswith(("=", "+", "-", "@")) + "".join(c if c.isprintable() else "?" for c in text[:301])
    return shown if len(shown) <= 300 else shown[:299] + "…"


def printed(name: str, marks: Sequence[Mark]) -> str:
    """A student's marks as lines of text."""
    total, most = sum(mark.points for mark in marks), sum(mark.most for mark in marks)
    lines = [f"{plain(name)}: {total} of {most} points"]
    lines += [f"  {mark.points} of {mark.most}  {mark.part}: {plain(mark.why)}" for mark in marks]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m teaching.grade", description=__doc__.split("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--csv", type=Path, help="also write one row a student")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        marks, fingerprint = grade(options.folders[0])
        print(json.dumps({"marks": [asdict(mark) for mark in marks], "fingerprint": fingerprint}))
        return
    rows, seen = [], {}
    for folder in options.folders:
        marks, fingerprint = graded_apart(folder)
        name = folder.resolve().name
        print(printed(name, marks), flush=True)
        if fingerprint and fingerprint in seen:
            print(f"  The solutions are those of {plain(seen[fingerprint])}: one of the two sampled nothing.")
        seen.setdefault(fingerprint, name)
        points = {mark.part: mark.points for mark in marks if mark.most}
        rows.append({"student": plain(name), **points, "sum": sum(points.values())})
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    main()

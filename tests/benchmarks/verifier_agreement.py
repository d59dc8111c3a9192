"""How often graders agree with the references of published problem sets: the table in docs/verifier.md.

Run by hand: ``python -m tests.benchmarks.verifier_agreement [--qwen FOLDER] [--show]``. Every reference is compared
with itself and with mechanical rewrites that mean the same (misses are false negatives), and with neighbours that are
wrong (hits are false positives). Graders that are not installed are left out; ``FOLDER`` holds ``grader.py`` and
``parser.py`` of Qwen2.5-Math's ``evaluation``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared"
SETS = {
    "MATH-500": ["math500.jsonl"],
    "OlympiadBench": ["OlympiadBench.jsonl"],
    "GSM8K": ["gsm8k_test.jsonl"],
    "AMC 23, AIME 24": ["amc23.jsonl", "aime24.jsonl"],
    "SVAMP": ["svamp.jsonl"],
}
Grader = Callable[[str, str], bool | None]

# ---------------------------------------------------------------------------------------------------------- rewrites


def in_dollars(text: str) -> str:
    """``$...$`` around it."""
    return f"${text}$"


def spaced(text: str) -> str:
    r"""Spaces after commas and around operators, ``\left`` and ``\right``."""
    if "\\!" not in text and not re.fullmatch(r"\d{1,3}(?:,\d{3})+", text):
        text = re.sub(r",\s*", ", ", text)
    text = re.sub(r"(?<=[\w)}])\s*([+=])\s*", r" \1 ", text)
    if text[0] in "([" and text[-1] in ")]" and "\\left" not in text:
        text = f"\\left{text[:-1]} \\right{text[-1]}"
    return text


def other_fractions(text: str) -> str:
    r"""``\frac`` of integers with a slash, any other as ``\dfrac``."""
    text = re.sub(r"^(-?)\\d?frac\{(\d+)\}\{(\d+)\}$", r"\1\2/\3", text)
    return text.replace("\\frac{", "\\dfrac{")


def equal_value(text: str) -> str | None:
    """Another spelling of the value: 7 as 7.0, 1/4 as 0.25, 0.25 as 25/100, 2e3 in powers of ten, a list turned."""
    plain = re.sub(r"\\!|(?<=\d),(?=\d{3}\b)", "", text)
    if re.fullmatch(r"-?\d+", plain):
        return f"{plain}.0"
    if match := re.fullmatch(r"(-?)\\d?frac\{(\d+)\}\{(\d+)\}", plain):
        value = Fraction(int(match[2]), int(match[3]))
        if 10**6 % value.denominator == 0:
            return f"{match[1]}{float(value)}"
        return rf"{match[1]}\frac{{{2 * int(match[2])}}}{{{2 * int(match[3])}}}"
    if match := re.fullmatch(r"(-?[\d.]+)e\+?(-?\d+)", plain):
        return rf"{match[1]} \times 10^{{{match[2]}}}"
    if match := re.fullmatch(r"(-?)(\d*)\.(\d+)", plain):
        return f"{match[1]}{int(match[2] + match[3])}/{10 ** len(match[3])}"
    if "," in text and not any(c in text for c in "([{=!") and "\\text" not in text:
        return ", ".join(reversed([part.strip() for part in text.split(",")]))
    return None


def with_unit(text: str) -> str | None:
    """Thousands separators, a currency, degrees or a unit, on plain numbers."""
    if re.fullmatch(r"\d{4,}", text):
        return f"{int(text):,}"
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        return rf"{text} \text{{ cm}}" if len(text) % 2 else rf"\${text}"
    return None


_UNICODE = {
    "\\infty": "∞", "\\pi": "π", "^2": "²", "^{2}": "²", "^3": "³", "^{3}": "³", "^\\circ": "°", "^{\\circ}": "°",
    "\\le ": "≤ ", "\\cup": "∪", "\\pm": "±", "\\in": "∈", "\\cdot": "·", "\\theta": "θ",
}  # fmt: skip


def unicode_text(text: str) -> str:
    """Unicode symbols instead of LaTeX commands."""
    for command in _UNICODE:
        ends = r"(?![a-zA-Z])\s*" if command[1].isalpha() else ""
        text = re.sub(re.escape(command) + ends, _UNICODE[command], text)
    text = re.sub(r"\\sqrt\s*\{(\d+)\}", r"√\1", text)
    return text.replace("-", "\u2212") if not re.search(r"[A-Za-z]{2}-", text) else text


def named(text: str) -> str | None:
    """``x =`` before a single value."""
    if any(mark in text for mark in ("=", "\\in", "\\text", ",", "<", ">", "\\ge", "\\le", "x", "angle")):
        return None
    return f"x = {text}"


REWRITES = (in_dollars, spaced, other_fractions, equal_value, with_unit, unicode_text, named)

# ---------------------------------------------------------------------------------------------------- wrong neighbours


def _bumped(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]}{int(match[0]) + 1}{text[match.end() :]}"


def first_number_plus_one(text: str) -> str | None:
    """The first whole number one larger."""
    match = re.search(r"(?<![\d.,_{\\!])\d+(?![\d.]|,\\?!?\d)", text)
    return _bumped(text, match) if match else None


def last_number_plus_one(text: str) -> str | None:
    """The last whole number one larger."""
    if any(word in text for word in ("\\text", "\\mbox", "matrix")):
        return None
    matches = list(re.finditer(r"(?<![\d.,_{\\!])\d+(?![\d.]|,\\?!?\d)", text))
    return _bumped(text, matches[-1]) if len(matches) > 1 else None


def negated(text: str) -> str | None:
    """The negative of a single value."""
    if text == "0" or any(mark in text for mark in (",", "=", "<", ">", "(", "\\in", "\\text", "\\pm")):
        return None
    return text[1:] if text.startswith("-") and not re.search(r"[+-]", text[1:]) else f"-({text})"


def one_less(text: str) -> str | None:
    """A list without its last member."""
    if "," not in text or any(c in text for c in "([{=\\") or re.fullmatch(r"[\d,]*,\d{3}", text):
        return None
    return text.rsplit(",", 1)[0]


def other_bracket(text: str) -> str | None:
    """An interval with its last end opened or closed."""
    if not re.fullmatch(r"(?:\\left)?[(\[][^()\[\]]*[)\]]", text) or ("[" not in text and "infty" not in text):
        return None
    if re.search(r"\\infty\s*(?:\\right)?[)\]]$", text):
        return None
    return text[:-1] + (")" if text[-1] == "]" else "]")


NEIGHBOURS = (first_number_plus_one, last_number_plus_one, negated, one_less, other_bracket)

# ----------------------------------------------------------------------------------------------------------- graders


def laser(answer: str, reference: str) -> bool | None:
    """This project's verifier."""
    from laser_core.answers.verify import is_correct

    return is_correct(answer, reference)


def math_verify_alone(answer: str, reference: str) -> bool:
    """math-verify as its README uses it, on boxed answers."""
    from math_verify import parse, verify

    return bool(verify(parse(f"\\boxed{{{reference}}}"), parse(f"\\boxed{{{answer}}}")))


def graders(qwen: Path | None) -> dict[str, Grader]:
    """Those that are installed."""
    found: dict[str, Grader] = {"this project": laser, "math-verify": math_verify_alone}
    for name, module in (
        ("hendrycks_math (lm-eval)", "lm_eval.tasks.hendrycks_math.utils"),
        ("minerva_math (lm-eval)", "lm_eval.tasks.minerva_math.utils"),
    ):
        try:
            utils = importlib.import_module(module)
        except ImportError as error:
            print(f"{name}: not installed ({error})", file=sys.stderr)
            continue
        if "minerva" in module:
            clean = utils.normalize_final_answer
            found[name] = lambda a, r, same=utils.is_equiv, clean=clean: bool(same(clean(a), clean(r)))
        else:
            found[name] = lambda a, r, same=utils.is_equiv: bool(same(a, r))
    if qwen is not None:
        sys.path.insert(0, str(qwen))
        math_equal = importlib.import_module("grader").math_equal
        strip = importlib.import_module("parser").strip_string
        found["Qwen2.5-Math"] = lambda a, r: bool(math_equal(strip(a), strip(r), timeout=True))
    return found


# ------------------------------------------------------------------------------------------------------------- table


@dataclass
class Tally:
    """Counts of one grader on one problem set."""

    positives: int = 0
    missed: int = 0
    unknown: int = 0
    negatives: int = 0
    accepted: int = 0
    seconds: list[float] = field(default_factory=list)


def references(names: list[str]) -> list[str]:
    """The distinct references of some files."""
    found = []
    for name in names:
        for line in (SHARED / "data" / name).read_text(encoding="utf-8").splitlines():
            answer = str(json.loads(line)["answer"])
            found.append(answer.rsplit("####", 1)[-1].strip())
    return list(dict.fromkeys(found))


def pairs_of(names: list[str]) -> Iterator[tuple[str, str, bool, str]]:
    """Answer, reference, whether they are the same, and which rule made the pair."""
    for reference in references(names):
        yield reference, reference, True, "itself"
        for rewrite in REWRITES:
            text = rewrite(reference)
            if text is not None and text != reference:
                yield text, reference, True, rewrite.__name__
        for neighbour in NEIGHBOURS:
            text = neighbour(reference)
            if text is not None:
                yield text, reference, False, neighbour.__name__


def hand_made() -> Iterator[tuple[str, str, bool, str]]:
    """The pairs of public bug reports."""
    for case in json.loads((SHARED / "cases" / "answer_pairs.json").read_text(encoding="utf-8")):
        yield case["prediction"], case["reference"], case["correct"], case["source"]


def kinds() -> Iterator[tuple[str, str, bool, str]]:
    """The pairs of this project's tests, written while the verifier was."""
    from tests.answers.test_kinds import KINDS

    for kind, cases in KINDS.items():
        for answer, reference, same in cases:
            yield answer, reference, same, kind


def tally(grader: Grader, pairs: list[tuple[str, str, bool, str]], *, show: bool) -> Tally:
    """Ask one grader about all pairs."""
    counts = Tally()
    for _ in range(2):  # imports and child processes start here
        with contextlib.suppress(Exception):
            grader(r"\sqrt{2}", r"\frac{\pi}{2}")
    for answer, reference, same, rule in pairs:
        start = time.perf_counter()
        try:
            verdict = grader(answer, reference)
        except Exception:
            verdict = False
        counts.seconds.append(time.perf_counter() - start)
        counts.positives += same
        counts.negatives += not same
        counts.unknown += same and verdict is None
        counts.missed += same and verdict is False
        counts.accepted += not same and verdict is True
        if show and bool(verdict) is not same:
            print(f"  {rule}: {answer!r} for {reference!r} -> {verdict}", file=sys.stderr)
    return counts


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--qwen", type=Path, help="the folder with grader.py and parser.py of Qwen2.5-Math")
    parser.add_argument("--show", action="store_true", help="print every error of this project's verifier")
    parser.add_argument("--only", help="one problem set")
    parser.add_argument("--also", help="another set, as NAME=FILE: JSON lines with an 'answer'")
    parser.add_argument("--grader", action="append", help="one grader; may be given several times")
    args = parser.parse_args()
    print("| set: same, wrong | grader | missed | unknown | accepted | ms, median | ms, worst |")
    print("|---|---|---|---|---|---|---|")
    files = SETS | ({name: [file] for name, file in [args.also.split("=", 1)]} if args.also else {})
    sets = {name: list(pairs_of(file)) for name, file in files.items()}
    sets |= {"public bug reports": list(hand_made()), "own tests": list(kinds())}
    chosen = {name: grader for name, grader in graders(args.qwen).items() if name in (args.grader or [name])}
    for name, pairs in sets.items():
        if args.only not in (None, name):
            continue
        for grader_name, grader in chosen.items():
            t = tally(grader, pairs, show=args.show and grader is laser)
            median, worst = 1000 * statistics.median(t.seconds), 1000 * max(t.seconds)
            print(
                f"| {name}: {t.positives}, {t.negatives} | {grader_name} | {t.missed} | {t.unknown} | {t.accepted} "
                f"| {median:.2g} | {worst:.4g} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

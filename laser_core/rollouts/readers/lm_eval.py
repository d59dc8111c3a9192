"""lm-evaluation-harness samples, ``samples_<task>_<date>.jsonl`` (lm-eval 0.4.13: evaluator.py, evaluation_tracker.py).

One line per document AND filter: ``doc_id, doc, target, arguments, resps, filtered_resps, filter, metrics`` and one
number per metric; before 0.4.6 without ``filter``. ``resps[0]`` holds the K repeats. With one repeat the harness's own
verdict is taken; with several its metric is one number for all of them, so each is verified anew. The lines of a second
filter hold the same responses again and are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laser_core.answers.verify import extract_answer
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.verl import as_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_object, zero_or_one
from laser_core.rollouts.reading.lists import spelled

NAME = "lm-eval"
TITLE = "lm-evaluation-harness samples"

_METRICS = ("math_verify", "exact_match", "acc", "pass@1", "em")  # the more forgiving of spelling first
_QUESTIONS = ("question", "problem", "prompt", "query", "input")


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """Four fields that no other writer has together."""
    return {"doc_id", "doc", "resps", "filtered_resps"} <= keys


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Find the lines that log the same responses to a document again for another filter.

    One response that happens to be sampled twice is a solution of its own; see :func:`_repeats`.
    """
    first_filter: dict[tuple[int, int], str] = {}
    others: dict[str, Counter[str]] = {}  # filter that is read -> the filters that are not, by their lines
    unnamed: list[_Line] = []
    for number, record in records:
        document, said, filter_name = _document(record), hash(repr(record.get("resps"))), record.get("filter")
        if filter_name is None:
            result = hash(repr((record.get("filtered_resps"), [record.get(metric) for metric in _METRICS])))
            unnamed.append(_Line(number, document, said, result))
            continue
        chosen = first_filter.setdefault((document, said), str(filter_name))
        if chosen != str(filter_name):
            context.left_out.add(number)
            others.setdefault(chosen, Counter())[str(filter_name)] += 1
    for chosen, lines in others.items():
        names = ", ".join(f"'{name}'" for name in lines)
        note = f"lines of other filters than '{chosen}' ({names}) hold the same responses again: left out"
        context.notes[note] += lines.total()
    repeated = _repeats(unnamed)
    context.left_out |= repeated
    if repeated:
        note = "lines of another filter, which the file does not name, hold the same responses again: left out"
        context.notes[note] += len(repeated)


@dataclass(frozen=True)
class _Line:
    """A line of a file that does not name its filters: its number, and hashes of what it holds."""

    number: int
    document: int
    said: int
    result: int


def _repeats(lines: list[_Line]) -> set[int]:
    """The numbers of the lines that repeat others for another filter, in a file that does not name its filters.

    A filter makes the same of the same response. So lines that agree in the responses and not in what came of them
    prove that there are several filters, wherever the lines stand. Where all filters agree, the order tells: a whole
    pass over the documents repeats the pass before.
    """
    groups: dict[tuple[int, int], list[_Line]] = {}
    for line in lines:
        groups.setdefault((line.document, line.said), []).append(line)
    most_results = max((len({line.result for line in group}) for group in groups.values()), default=0)
    if most_results < 2:
        return _repeated_passes(lines)
    n_filters = _n_filters([Counter(line.result for line in group) for group in groups.values()], most_results)
    repeated: set[int] = set()
    for group in groups.values():
        n_samples = -(-len(group) // n_filters)  # one response may have been sampled more than once
        by_first_filter = sorted(group, key=lambda line: line.result != group[0].result)
        repeated.update(line.number for line in by_first_filter[n_samples:])
    return repeated


def _n_filters(groups: list[Counter[int]], at_least: int) -> int:
    """The fewest filters that explain how often each result of each response was logged.

    With F filters and K samples of one response there are K F lines, and each result comes K times, or a multiple of K
    where filters agree. A file that was cut off fits no number; then ``at_least`` it is.

    Examples
    --------
    >>> _n_filters([Counter("ab"), Counter("aabb")], 2), _n_filters([Counter("aab"), Counter("aaa")], 2)
    (2, 3)
    """
    for n_filters in range(at_least, math.gcd(*(group.total() for group in groups)) + 1):
        fits = all(
            group.total() % n_filters == 0
            and all(count % (group.total() // n_filters) == 0 for count in group.values())
            for group in groups
        )
        if fits:
            return n_filters
    return at_least


def _repeated_passes(lines: list[_Line]) -> set[int]:
    """The numbers of the lines in passes over the documents that repeat the responses of an earlier pass."""
    passes: list[dict[int, _Line]] = []
    for line in lines:
        if not passes or line.document in passes[-1]:
            passes.append({})
        passes[-1][line.document] = line
    base: dict[int, int] = {}
    repeated: set[int] = set()
    for one in passes:
        said = {document: line.said for document, line in one.items()}
        # A single document that comes again is more likely a second sample than a second filter.
        if len(said) > 1 and said.items() <= base.items():
            repeated.update(line.number for line in one.values())
        else:
            base = said
    return repeated


def _document(record: dict[str, object]) -> int:
    return hash(repr((record.get("doc_id"), record.get("doc"), record.get("target"))))


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row per repeat."""
    responses, filtered = record.get("resps"), record.get("filtered_resps")
    if not isinstance(responses, list) or not responses or not isinstance(responses[0], list):
        raise FieldError("resps", "expected a list of lists of responses")
    repeats = responses[0]
    if len(responses) > 1 or not all(isinstance(response, str) for response in repeats):
        raise FieldError("resps", "not generated text (a multiple-choice task has log-likelihoods instead)")
    document = as_object(record.get("doc"))
    problem = next((document[name] for name in _QUESTIONS if isinstance(document.get(name), str)), None)
    verdict = next((zero_or_one(record[name]) for name in _METRICS if record.get(name) is not None), None)
    answers = _answers(filtered, len(repeats))
    for i, response in enumerate(repeats):
        row: dict[str, object] = {
            "problem_id": record.get("doc_id"),
            "problem": problem if problem is not None else _prompt(record),
            "reference_answer": _reference(record.get("target"), context),
            "response": response,
        }
        if len(repeats) == 1 and verdict is not None:
            row["correct"] = verdict
        if answers is not None:
            row["answer"] = answers[i]
        if len(repeats) > 1 and i == 0:
            context.notes["several repeats: the harness stores one metric for all, so each is verified anew"] += 1
        yield row


def _answers(filtered: object, n_repeats: int) -> list[object] | None:
    """What the filter made of each repeat; None where it made one answer of several (a majority, the first)."""
    kept = filtered[0] if isinstance(filtered, list) and filtered else None
    if isinstance(kept, list) and len(kept) == n_repeats and all(isinstance(item, str) for item in kept):
        return kept
    return [kept] if isinstance(kept, str) and n_repeats == 1 else None


def _reference(target: object, context: Context) -> str | None:
    """The reference answer; a target is stored as text, whatever the task made it of."""
    target = spelled(target)
    if isinstance(target, list) and len(target) > 1:
        context.notes["several accepted answers: only the file's own verdict says which solutions are correct"] += 1
        return None
    text = as_text(target)
    if text is None or text == "None":
        return None
    return extract_answer(text, prose=False) or text  # a worked reference solution (GSM8K's) ends with its answer


def _prompt(record: dict[str, object]) -> str | None:
    """The prompt, where the document has no field that is plainly its question."""
    arguments = record.get("arguments")
    first = as_object(arguments).get("gen_args_0")
    if isinstance(arguments, list) and arguments:  # before 0.4.3
        first = arguments[0]
    prompt = first[0] if isinstance(first, list) and first else as_object(first).get("arg_0")
    return prompt if isinstance(prompt, str) else None

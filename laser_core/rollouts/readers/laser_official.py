"""The official LaSeR evaluation's JSON lines (RUCBM/LaSeR: eval_math.py, calculate_self_rewarding_scores.py in src).

One line per problem: ``problem, answer, responses[], pred_answers[], acc_list[], model`` and, once scored,
``self_rewarding_scores[]``; with a reference model also ``policy_model_logprobs[], ref_model_logprobs[]``; in the
general reasoning tasks ``verify_accs_results[]`` stands for ``acc_list``, ``extracted_options_results[]`` for answers.
Where no answer was extracted the writer leaves its initial 0.0 in place of a score: filler, read as missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.fields import FieldError

NAME = "laser-official"
TITLE = "official LaSeR evaluation"

_SCORES = {
    "score": "self_rewarding_scores",
    "z_logprob": "policy_model_logprobs",
    "ref_z_logprob": "ref_model_logprobs",
}
_LISTS = ("pred_answers", "extracted_options_results", "acc_list", "verify_accs_results", *_SCORES.values())


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """Parallel lists of responses and verdicts."""
    return "responses" in keys and bool(keys & {"acc_list", "verify_accs_results"})


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row per response."""
    responses = record.get("responses")
    if not isinstance(responses, list):
        raise FieldError("responses", f"expected a list, found {type(responses).__name__}")
    lists: dict[str, list[object]] = {}
    for name in _LISTS:
        values = record.get(name)
        if values is None:
            continue
        if not isinstance(values, list) or len(values) != len(responses):
            found = f"{len(values)} values" if isinstance(values, list) else type(values).__name__
            raise FieldError(name, f"expected one value for each of the {len(responses)} responses, found {found}")
        lists[name] = values
    if isinstance(record.get("model"), str):
        context.meta.setdefault("model", record["model"])
    problem = record.get("problem")
    if not isinstance(problem, str):
        raise FieldError("problem", f"expected text, found {type(problem).__name__}")
    answers = lists.get("extracted_options_results", lists.get("pred_answers"))
    verdicts = lists.get("verify_accs_results", lists.get("acc_list"))
    problem_id = record.get("id", record.get("unique_id"))
    for i, response in enumerate(responses):
        row: dict[str, object] = {
            "problem_id": problem_id,
            "problem": problem,
            "reference_answer": record.get("answer"),
            "response": response,
        }
        if answers is not None:
            row["answer"] = answers[i]
        if verdicts is not None:
            row["correct"] = verdicts[i]
        for name, source in _SCORES.items():
            if source in lists:
                filler = answers is not None and answers[i] is None and lists[source][i] == 0.0
                row[name] = None if filler else lists[source][i]
                if filler and name == "score":
                    context.notes["a score of 0.0 without an extracted answer is filler: read as no score"] += 1
        yield row

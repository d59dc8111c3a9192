"""verifiers' traces, ``traces.jsonl``, which prime-rl writes too (verifiers 0.4: v1/episode.py, v1/trace.py).

Since 0.3 one line an episode, ``task{data, key}, group, run, traces[]``, before that one line a trace. A trace is
``task, agent{config{model}, trainable}, nodes[], calls[], rewards{name: {score, weight}}, metrics, errors``; 0.2 wrote
rewards as numbers. Nodes form a graph by ``parent``, each with ``message, sampled, token_ids, mask, logprobs``; the
last branch is the conversation that was scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laser_core.rollouts.readers.chat_completions import message_content
from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.readers.parts import Grade, Row, graded, objects, reference, survey_grades, verdict_name
from laser_core.rollouts.readers.trl import message_text
from laser_core.rollouts.reading.fields import FieldError
from laser_core.rollouts.reading.json_values import as_number, as_object

NAME = "verifiers-traces"
TITLE = "verifiers or prime-rl traces"

_REFERENCES = ("answer", "ground_truth", "expected_answer", "target", "solution")
_LIMITS = ("max_turns", "max_input_tokens", "max_output_tokens", "max_total_tokens", "compaction_failed")
_PER_TOKEN = {"token_logprobs": "logprobs", "ref_token_logprobs": "reference_logprobs", "entropy": "entropies"}


def matches(keys: set[str], record: Row) -> bool:
    """An episode by its traces, or a bare trace by its message graph."""
    return {"task", "traces"} <= keys or {"task", "nodes"} <= keys


def survey(records: Iterable[tuple[int, Row]], context: Context) -> None:
    """Learn which values the reward or metric takes that may be the verdict."""
    survey_grades((_grade(trace) for _, record in records for trace in _policy(record)), context)


def rows(record: Row, context: Context) -> Iterator[Row]:
    """One row for each trace of the policy; judges and other agents that are not trained are left out."""
    traces = _policy(record)
    if not traces:
        raise FieldError("traces", f"the episode failed before any trace: {_error(record)}")
    failed: list[FieldError] = []
    for trace in traces:
        try:
            yield _row(trace, record, context)
        except FieldError as error:
            failed.append(error)
    if len(failed) == len(traces):
        raise failed[-1]
    if failed:
        context.notes["failed traces beside others of their episode: left out"] += len(failed)


def _policy(record: Row) -> list[Row]:
    """The traces of the agents that are trained, or all where none is; a bare trace by itself."""
    if "traces" not in record:
        return [record]
    traces = objects(record.get("traces"))
    return [trace for trace in traces if as_object(trace.get("agent")).get("trainable") is not False] or traces


def _row(trace: Row, episode: Row, context: Context) -> Row:
    branch = _last_branch(objects(trace.get("nodes")))
    sampled = [node for node in branch if node.get("sampled") is True]
    if not sampled:
        raise FieldError("nodes", f"the rollout failed: {_error(trace)}")
    data = as_object(as_object(trace.get("task") or episode.get("task")).get("data"))
    model = as_object(as_object(trace.get("agent")).get("config")).get("model")
    if isinstance(model, str):
        context.meta.setdefault("model", model)
    row: Row = {
        "step": as_object(as_object(episode.get("run")).get("work")).get("step"),
        "problem_id": data.get("id", data.get("idx")),
        "problem": _asked(data, branch),
        "reference_answer": next(
            (text for name in _REFERENCES if (text := reference(data.get(name))) is not None), None
        ),
        "response": "\n".join(message_content(as_object(node.get("message")).get("content")) or "" for node in sampled),
        "truncated": _cut_off(trace, sampled),
    }
    scores = _scores(trace)
    if scores:
        row["signal.reward"] = sum(value * weight for value, weight in scores.values())
    values = as_object(trace.get("metrics")) | {name: value for name, (value, _) in scores.items()}
    return graded(row | _tokens(trace, sampled), _grade(trace), values, context)


def _last_branch(nodes: list[Row]) -> list[Row]:
    """The path from a root to the last leaf. A parent that is nowhere, or already on the path, ends it."""
    path, at, seen = [], len(nodes) - 1, set()
    while 0 <= at < len(nodes) and at not in seen:
        seen.add(at)
        path.append(nodes[at])
        parent = nodes[at].get("parent")
        at = parent if isinstance(parent, int) and not isinstance(parent, bool) else -1
    return path[::-1]


def _asked(data: Row, branch: list[Row]) -> str | None:
    """The task's prompt, else the user's first message."""
    prompt = data.get("prompt")
    if prompt is not None:
        return message_text(prompt, field="task", role="user")
    messages = [as_object(node.get("message")) for node in branch if node.get("sampled") is not True]
    return next((message_content(m.get("content")) for m in messages if m.get("role") == "user"), None)


def _cut_off(trace: Row, sampled: list[Row]) -> bool:
    calls = [call for call in objects(trace.get("calls")) if call.get("error") is None]
    last = calls[-1] if calls else sampled[-1]
    return trace.get("stop_condition") in _LIMITS or last.get("finish_reason") == "length"


def _tokens(trace: Row, sampled: list[Row]) -> Row:
    """Lengths and per-token values of the sampled messages, where the file holds them for all of them."""
    masks = [mask for node in sampled if isinstance(mask := node.get("mask"), list)]
    n_tokens = sum(flag is True for mask in masks for flag in mask)
    if n_tokens == 0:
        usages = [as_object(holder.get("usage")) for holder in [*objects(trace.get("calls")), *sampled]]
        counts = [count for usage in usages if isinstance(count := usage.get("completion_tokens"), int)]
        return {"n_tokens": sum(counts)} if counts else {}
    row: Row = {"n_tokens": n_tokens}
    for column, field in _PER_TOKEN.items():
        lists = [values for node in sampled if isinstance(values := node.get(field), list)]
        values = [value for part in lists for value in part]
        if len(values) == n_tokens:
            row[column] = values
    return row


def _scores(trace: Row) -> dict[str, tuple[float, float]]:
    """The rewards by name: score and weight."""
    found = {}
    for name, reward in as_object(trace.get("rewards")).items():
        score = as_number(reward.get("score") if isinstance(reward, dict) else reward)
        weight = as_number(reward.get("weight")) if isinstance(reward, dict) else 1.0
        if score is not None:
            found[name] = (score, 1.0 if weight is None else weight)
    return found


def _grade(trace: Row) -> Grade | None:
    """The reward or metric that plainly is a verdict, else the only reward."""
    scores, metrics = _scores(trace), as_object(trace.get("metrics"))
    name = verdict_name([*scores, *metrics]) or (next(iter(scores)) if len(scores) == 1 else None)
    if name is None:
        return None
    return name, scores[name][0] if name in scores else metrics[name]


def _error(holder: Row) -> str:
    errors = objects(holder.get("errors"))
    return str(errors[-1].get("message"))[:100] if errors else "the file does not say why"

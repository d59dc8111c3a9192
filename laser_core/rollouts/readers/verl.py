"""verl's rollout and validation dumps, ``{step}.jsonl`` (verl 0.9: trainer/ppo/ray_trainer.py and v1/trainer_base.py).

One line per solution: ``input, output, gts, score, step`` and whatever the reward function returned beside the score
(``acc``, ``pred``, ``reward``, ...). ``score`` is the summed reward, not LaSeR's self-rewarding score, so it becomes
``signal.reward``; the verdict is ``acc`` where there is one, else the score where it takes two values.

``uid`` names the group of a prompt's samples. verl's newer trainer writes ``{group}_{session}_{output}``: a session is
one sample, which an agent may write in several outputs, each with the reward of the last; only the last is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from laser_core.rollouts.readers.context import Context
from laser_core.rollouts.reading.json_values import as_number
from laser_core.rollouts.reading.rewards import RewardScale, decide

NAME = "verl"
TITLE = "verl rollout dump"

_UUID = re.compile(
    r"(?P<group>[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})(?:_(?P<session>\d+))?(?:_(?P<output>\d+))?"
)
_NUMBERED = re.compile(r"(?P<group>.+)_(?P<session>\d{1,9})_(?P<output>\d{1,9})")
_KNOWN = {"input", "output", "gts", "score", "step", "acc", "uid", "pred", "request_id"}


def matches(keys: set[str], record: dict[str, object]) -> bool:
    """The four fields that every version writes."""
    return {"input", "output", "score", "step"} <= keys


@dataclass(frozen=True)
class _Uid:
    """A uid taken apart: the prompt's group, the sample's session, and which of the session's outputs this is."""

    group: str
    session: str
    output: int

    @property
    def sample(self) -> str:
        """Group and session: one sample."""
        return f"{self.group}_{self.session}"


@dataclass
class _Uids:
    """What the survey finds out about a file's uids.

    Attributes
    ----------
    numbered : bool
        Whether all of them end in a session and an output that count from 0, as the newer trainer's do.
    tell_more : bool
        Whether they part groups that have the same prompt.
    first_inputs : dict of str to str
        For a sample in several outputs its first input, which the later ones only continue.
    """

    numbered: bool = False
    tell_more: bool = False
    first_inputs: dict[str, str] = field(default_factory=dict)

    def parse(self, uid: object) -> _Uid | None:
        """The uid's parts; None where there is none."""
        if not isinstance(uid, str) or not uid.strip():
            return None
        match = _UUID.fullmatch(uid) or (_NUMBERED.fullmatch(uid) if self.numbered else None)
        if match is None:
            return _Uid(uid, "", 0)
        return _Uid(match["group"], match["session"] or "", int(match["output"] or 0))


def survey(records: Iterable[tuple[int, dict[str, object]]], context: Context) -> None:
    """Learn which values rewards take, what the uids are made of, and which outputs are not a session's last."""
    context.rewards |= {"acc": RewardScale(), "score": RewardScale()}
    numbered: list[tuple[int, str]] = []  # a record's number, and its uid
    contents: list[int] = []  # hashes of prompt and reference
    inputs: dict[str, str] = {}  # the first input of what comes before the uid's last number
    first_uid = first_input = ""
    for number, record in records:
        for name, scale in context.rewards.items():
            scale.add(record.get(name))
        uid, prompt = record.get("uid"), record.get("input")
        if not isinstance(uid, str) or not isinstance(prompt, str):
            continue
        numbered.append((number, uid))
        contents.append(hash((prompt, repr(record.get("gts")))))
        if uid.endswith("_0"):
            first_uid, first_input = uid, prompt
        elif first_uid and _stem(uid) == _stem(first_uid):
            inputs.setdefault(_stem(uid), first_input)
    uids = _Uids(numbered=_count_from_zero([uid for _, uid in numbered]))
    parsed = [(number, parts) for number, uid in numbered if (parts := uids.parse(uid)) is not None]
    several = _earlier_outputs(parsed, context.left_out)
    uids.first_inputs = {sample: text for sample, text in inputs.items() if sample in several}
    uids.tell_more = _tell_more([uids.parse(uid) for _, uid in numbered], contents)
    context.found = uids
    if context.left_out:
        note = "earlier outputs of sessions with several, which repeat the reward of the last one: left out"
        context.notes[note] += len(context.left_out)


def _stem(uid: str) -> str:
    return uid.rsplit("_", 1)[0]


def _earlier_outputs(parsed: list[tuple[int, _Uid]], left_out: set[int]) -> set[str]:
    """The samples in several outputs; the numbers of all but their last outputs go into ``left_out``."""
    last: dict[str, tuple[int, int]] = {}  # sample -> its last output so far, and that one's number
    several: set[str] = set()
    for number, uid in parsed:
        output, kept = last.get(uid.sample, (uid.output, number))
        if uid.session and output != uid.output:
            several.add(uid.sample)
            left_out.add(number if uid.output < output else kept)
        if uid.output >= output:
            last[uid.sample] = (uid.output, number)
    return several


def _tell_more(uids: list[_Uid | None], contents: list[int]) -> bool:
    """Whether uids part groups of one prompt, and some group has several samples: else the prompts say it all."""
    groups: dict[int, set[str]] = {}
    sessions: dict[str, set[str]] = {}
    for uid, content in zip(uids, contents, strict=True):
        if uid is not None:
            sessions.setdefault(uid.group, set()).add(uid.session)
            if uid.output == 0:
                groups.setdefault(content, set()).add(uid.group)
    return any(len(group) > 1 for group in groups.values()) and any(len(of) > 1 for of in sessions.values())


def _count_from_zero(uids: list[str]) -> bool:
    """Whether every uid ends in two numbers that count from 0: sessions in a group, outputs in a session.

    Other uids end in numbers too (``aime_2024_17``); those do not count.
    """
    sessions: dict[str, set[int]] = {}
    outputs: dict[str, set[int]] = {}
    for uid in uids:
        match = _NUMBERED.fullmatch(uid)
        if match is None:
            return False
        sessions.setdefault(match["group"], set()).add(int(match["session"]))
        outputs.setdefault(f"{match['group']}_{match['session']}", set()).add(int(match["output"]))
    return bool(uids) and all(max(n) + 1 == len(n) for n in (*sessions.values(), *outputs.values()))


def rows(record: dict[str, object], context: Context) -> Iterator[dict[str, object]]:
    """One row."""
    score, acc = record.get("score"), record.get("acc")
    uids = context.found if isinstance(context.found, _Uids) else _Uids()
    uid, problem = uids.parse(record.get("uid")), as_text(record.get("input"))
    row: dict[str, object] = {
        "step": record.get("step"),
        # A uid is drawn anew in every run. Where prompts tell the groups apart, they name the problems: alike in all
        # runs, and together where a data set holds each of its problems many times over.
        "problem_id": uid.group if uid is not None and (uids.tell_more or problem is None) else None,
        "problem": problem if uid is None else uids.first_inputs.get(uid.sample, problem),
        "response": record.get("output"),
        "reference_answer": as_text(record.get("gts")),
        "signal.reward": score,
    }
    if "pred" in record:
        row["answer"] = as_text(record["pred"])
    if acc is not None or _has_numbers(context, "acc"):
        row |= decide(row, "acc", acc, context.rewards.get("acc"), context.notes)
    else:
        context.notes["the file has no 'acc': the verdict comes from 'score'"] += 1
        row |= decide(row, "score", score, context.rewards.get("score"), context.notes)
    for name, value in record.items():
        if name not in _KNOWN and as_number(value) is not None:
            row["signal.extra_reward" if name == "reward" else f"signal.{name}"] = value
    context.notes[
        "verl's 'score' is the verifier's reward: kept as signal.reward, not as the self-rewarding score"
    ] += 1
    yield row


def _has_numbers(context: Context, name: str) -> bool:
    """Whether the reward has a value anywhere in the file; where it is missing, another one does not take its place."""
    return name in context.rewards and context.rewards[name].top is not None


def as_text(value: object) -> str | None:
    """Text as it is; a single-item list as its item; numbers spelled out; anything else missing."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) or value is None:
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

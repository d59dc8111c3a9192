"""Several files at once: runs to compare, parts of one run, requests with their answers, and the same file twice.

Files whose rollouts bear the same run name are parts of one run (NeMo-Skills' ``output-rs0.jsonl``,
``output-rs1.jsonl``, ...; a table in several files) unless they hold the same solutions differently: then the later one
gets a name of its own. Files that name no run are named after themselves, with as much of their folders as tells them
apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace

import pyarrow as pa

from laser_core.errors import InputError
from laser_core.rollouts.complete import OnProgress
from laser_core.rollouts.reading.batch import Batch, File
from laser_core.rollouts.reading.identity import ProblemNames
from laser_core.rollouts.reading.read import ReadResult, own_verdicts, read, sentences
from laser_core.rollouts.reading.run_names import RunNames
from laser_core.rollouts.schema import Rollouts, RunMeta, ordered


@dataclass(frozen=True)
class ReadFiles:
    """What :func:`read_files` found.

    Attributes
    ----------
    results : tuple of ReadResult
        One per file, or per set of files that are parts of one run; ``result.files`` names them.
    notes : tuple of str
        What was done with the files: left out, joined, renamed.
    failed : tuple of InputError
        One error per unreadable file, naming it; the other files are read all the same.
    """

    results: tuple[ReadResult, ...]
    notes: tuple[str, ...]
    failed: tuple[InputError, ...]

    @property
    def rollouts(self) -> Rollouts:
        """All of them in one table; metadata on which the files differ is unknown."""
        return joined([result.rollouts for result in self.results])


def read_files(
    files: Sequence[File],
    *,
    format: str | None = None,
    strict: bool = False,
    mapping: dict[str, str] | None = None,
    columns: Collection[str] | None = None,
    fill: bool = True,
    to_disk: bool = False,
    progress: OnProgress | None = None,
) -> ReadFiles:
    """Read several rollout files; each becomes a run to compare, or joins the run that it is a part of.

    Parameters
    ----------
    files : sequence of path, or of (name, bytes or binary file)
        Among them may be the file of requests that an OpenAI batch's answers belong to: it only lends its problems.
    format, strict, mapping, columns, fill, to_disk, progress
        As for :func:`laser_core.rollouts.read`, for every file. With ``strict`` the first unreadable file is raised.

    Raises
    ------
    InputError
        If no file can be read; the first one's error.

    Examples
    --------
    >>> row = b'{"problem_id": "p", "sample": 0, "response": "x=2#2", "correct": true}'
    >>> found = read_files([("grpo.jsonl", row), ("laser.jsonl", row + b" "), ("copy.jsonl", row)])
    >>> [result.rollouts.runs() for result in found.results], found.notes
    ([['grpo'], ['laser']], ('copy.jsonl is the same file as grpo.jsonl: left out',))
    """
    batch = Batch.of(files)
    runs, problems, notes = RunNames(), ProblemNames(), list(batch.notes)
    results: list[ReadResult] = []
    failed: list[InputError] = []
    for number, item in enumerate(batch.files):
        try:
            result = read(
                item.content,
                format=format,
                strict=strict,
                mapping=mapping,
                name=item.name,
                run=item.run,
                columns=columns,
                requests=batch.requests,
                problems=problems,
                fill=fill,
                to_disk=to_disk,
                progress=progress,
            )
        except InputError as error:
            if strict:
                raise
            failed.append(error)
            continue
        table = result.rollouts.table
        given = result.given if result.given is not None else own_verdicts(table)
        if len(batch.files) > 1:
            table, kept = runs.place(number, item.name, table)
            given = given.filter(kept)
        if not len(table):
            continue  # all of it is in an earlier file; the notes say so
        result = replace(result, rollouts=replace(result.rollouts, table=table), given=given)
        earlier = next((i for i, other in enumerate(results) if _shares_a_run(other, result)), None)
        if earlier is None:
            results.append(result)
        else:
            results[earlier] = _merged(results[earlier], result)
    if failed and not results:
        raise failed[0]
    return ReadFiles(tuple(results), (*notes, *sentences(runs.notes)), tuple(failed))


def _shares_a_run(one: ReadResult, other: ReadResult) -> bool:
    return not set(one.rollouts.runs()).isdisjoint(other.rollouts.runs())


def _merged(one: ReadResult, other: ReadResult) -> ReadResult:
    one, other = _with_file(one), _with_file(other)
    return ReadResult(
        rollouts=joined([one.rollouts, other.rollouts]),
        format=one.format if other.format in one.format.split(", ") else f"{one.format}, {other.format}",
        n_rows=one.n_rows + other.n_rows,
        refused=one.refused + other.refused,
        noted=one.noted + other.noted,
        n_refused=one.n_refused + other.n_refused,
        files=one.files + other.files,
        given=pa.chunked_array([*_given(one).chunks, *_given(other).chunks], pa.bool_()),
    )


def _given(result: ReadResult) -> pa.ChunkedArray:
    return result.given if result.given is not None else own_verdicts(result.rollouts.table)


def _with_file(result: ReadResult) -> ReadResult:
    """The result with the file's name in its refusals, once there are several files to choose from."""
    if len(result.files) > 1:
        return result
    return replace(result, refused=tuple(replace(refusal, file=result.files[0]) for refusal in result.refused))


def joined(parts: Sequence[Rollouts]) -> Rollouts:
    """Several tables as one; metadata on which they differ is unknown.

    Examples
    --------
    >>> rows = [{"run": "a", "problem_id": "p", "sample": 0, "response": "", "score": 0.5}]
    >>> one = Rollouts.from_rows(rows, RunMeta(beta_v=0.1, c_ref=-23.0))
    >>> other = Rollouts.from_rows([rows[0] | {"run": "b"}], RunMeta(beta_v=0.1, c_ref=-15.0))
    >>> both = joined([one, other])
    >>> both.runs(), both.meta.beta_v, both.meta.c_ref
    (['a', 'b'], 0.1, None)
    """
    table = ordered(pa.concat_tables([part.table for part in parts], promote_options="default"))
    return Rollouts(table, common_meta([part.meta for part in parts]))


def common_meta(metas: Sequence[RunMeta]) -> RunMeta:
    """What all of them say; None where they differ."""
    agreed = {
        field.name: getattr(metas[0], field.name)
        for field in fields(RunMeta)
        if len({getattr(meta, field.name) for meta in metas}) == 1
    }
    return RunMeta(**agreed)

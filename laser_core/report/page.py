"""Build the page: read the file, run every section, fill the template."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from laser_core import __version__
from laser_core.analysis import Samples, analyze_samples, full_signal_name, judged_signals, with_free_signals
from laser_core.atomic import write_whole
from laser_core.errors import InputError
from laser_core.report import context_sections, overview, score_sections, vote_sections
from laser_core.report.options import ReportOptions
from laser_core.report.parts import Figure, Missing, Section, SolutionList, Table, Words, excerpt
from laser_core.report.subject import Subject
from laser_core.rollouts import ReadResult, read

if TYPE_CHECKING:
    from jinja2 import Template

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "plotly", "jinja2", "math-verify")


def write_report(path: str | Path, out: str | Path, options: ReportOptions | None = None) -> None:
    """Read a rollout file and write a report about it, atomically.

    Parameters
    ----------
    path : str or Path
        A rollout file of any known format.
    out : str or Path
        The HTML file to write.
    options : ReportOptions, optional
        The defaults if None.

    Raises
    ------
    InputError
        If the file cannot be read, the signal or run does not exist, or ``out`` cannot be written.
    """
    options = options or ReportOptions()
    page = report_html(
        read(path, strict=options.strict), name=Path(path).name, digest=file_digest(path), options=options
    )
    write_whole(out, page)


def report_html(
    result: ReadResult, *, name: str, digest: str | None = None, options: ReportOptions | None = None
) -> str:
    """The report about rollouts that have been read, as one HTML page.

    Parameters
    ----------
    result : ReadResult
        From :func:`laser_core.rollouts.read`.
    name : str
        The file's name on the page.
    digest : str, optional
        SHA-256 of the file, in hexadecimal.
    options : ReportOptions, optional
        The defaults if None.

    Raises
    ------
    InputError
        If the table is empty, or the signal or run does not exist.

    Examples
    --------
    >>> from laser_core.rollouts import Rollouts
    >>> rows = [
    ...     {"run": "r", "problem_id": f"p{p}", "sample": i, "response": "<script>", "correct": i == 0,
    ...      "score": 1.0 - i}
    ...     for p in range(4) for i in range(2)
    ... ]
    >>> page = report_html(ReadResult(Rollouts.from_rows(rows), "jsonl", 8, ()), name="demo.jsonl")
    >>> "demo.jsonl" in page, "<script>&lt;" in page
    (True, False)
    """
    options = options or ReportOptions()
    subject = _subject(result, options)
    sections = [
        *vote_sections.voting(subject),
        *score_sections.separation(subject),
        *score_sections.thresholds(subject),
        *score_sections.calibrated(subject),
        *context_sections.free_signals(subject),
        *context_sections.by_length(subject),
        *vote_sections.drill_downs(subject),
        *vote_sections.compute(subject),
        *context_sections.settings(subject),
        *context_sections.by_step(subject),
    ]
    about = overview.about(subject, result, name=name, digest=digest, options=options, versions=versions())
    return _render(subject, [*sections, about], name)


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of this package, Python, and all libraries that the numbers and figures depend on."""
    found = {"laser_core": __version__, "Python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def _subject(result: ReadResult, options: ReportOptions) -> Subject:
    rollouts = result.rollouts
    runs = rollouts.runs()
    if options.run is not None and options.run in runs and len(runs) > 1:
        rollouts = rollouts.take(np.array([run == options.run for run in rollouts.text("run")]))
    free = with_free_signals(rollouts)
    signals = judged_signals(rollouts)
    signal = full_signal_name(options.signal or signals.default or "score")
    if signal != "score" and signal not in free.signals:
        remedy = f"choose from: {', '.join(free.signals) or 'none'}"
        raise InputError(f"the table has no values for '{signal}'", field="signal", remedy=remedy)
    samples = Samples.from_rollouts(free, signal=signal, run=options.run)
    if signals.default is None and options.signal is None:
        samples = replace(samples, warnings=(*signals.notes(), *samples.warnings))
    summary = analyze_samples(samples, n_max=options.n_max, seed=options.seed)
    threshold = 0.5 if signal == "score" else summary.sweep.best
    return Subject(replace(free, meta=rollouts.meta), samples, summary, signal, threshold, options.seed, options.n_max)


def _render(subject: Subject, sections: list[Section], name: str) -> str:
    script, plotly = _text("page.js"), _plotly()
    blocks = [block for section in sections for block in section.blocks]
    figures = [block for block in blocks if isinstance(block, Figure)]
    return _template().render(
        name=excerpt(name, 120),
        model=excerpt(subject.rollouts.meta.model, 120),
        subject=subject,
        cards=overview.cards(subject),
        headline=overview.headline(subject),
        warnings=overview.warnings(subject),
        sections=sections,
        figures=[(figure.key, _json(figure.fig.to_json())) for figure in figures],
        style=_text("page.css"),
        script=script,
        plotly=plotly,
        hashes=[_source_hash(text) for text in (plotly, script)],
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
    )


def _json(text: str) -> str:
    """JSON that cannot end the element it is put into, whatever its strings hold."""
    json.loads(text)  # a figure that is not valid JSON must fail here rather than in the browser
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _source_hash(text: str) -> str:
    """The name of a script in the page's security policy; the browser runs no others."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=1)
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().replace("</script", "<\\/script")


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    environment.tests |= {
        "figure": lambda block: isinstance(block, Figure),
        "table": lambda block: isinstance(block, Table),
        "words": lambda block: isinstance(block, Words),
        "missing": lambda block: isinstance(block, Missing),
        "solution_list": lambda block: isinstance(block, SolutionList),
    }
    return environment.get_template("page.html.j2")


def _code(text: str) -> Markup:
    """Escaped text; whatever is between backticks becomes code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 and i < len(parts) - 1 else part for i, part in enumerate(parts)
    )

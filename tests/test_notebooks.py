"""The notebooks run from top to bottom, have one shape, their solutions are right, and each .ipynb is its .py."""

import ast
import re
import subprocess
import sys
import types
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
each_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)

MOST_BYTES = 400_000  # an .ipynb with its outputs: a figure is its data, without Plotly's four megabytes
#: A model runs in these, so the last digits of what they print belong to one machine.
A_MODEL_RUNS = {source.stem for source in SOURCES if "load_policy" in source.read_text(encoding="utf-8")}
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)
PAGE_LINK = re.compile(r"http://localhost:8501/([a-z]+)")


def exercises(notebook):
    """The exercises of a notebook: (index of the cell that asks, its check, the solution's code)."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        last = ast.parse(cell.source).body[-1]
        call = ast.get_source_segment(cell.source, last)
        if re.match(r"exercise_\d+\.check\(", call):
            following = notebook.cells[index + 1].source if index + 1 < len(notebook.cells) else ""
            fences = FENCE.findall(following) if "<details>" in following else []
            yield index, call, "\n".join(fences)


EVERY_HINT = """
import contextlib, io
for wrong, why in getattr({name}, "mistakes", None) or getattr({name}, "hints", {{}}).items():
    with contextlib.redirect_stdout(io.StringIO()) as told:
        {name}.check(wrong)
    assert told.getvalue().startswith("Not yet") and told.getvalue().strip().endswith(why), (wrong, told.getvalue())
"""


def with_solutions(notebook):
    """The notebook with a cell after each exercise that puts the solution in the answer's place, then each mistake.

    It runs in a copy of the notebook's names, so the cells after it see the exercise as it is shipped: unanswered.
    """
    for index, call, solution in reversed(list(exercises(notebook))):
        code = solution + call + EVERY_HINT.format(name=call.partition(".")[0])
        source = f"exec({code!r}, dict(globals()))"
        notebook.cells.insert(index + 1, nbformat.v4.new_code_cell(source, metadata={"solution": True}))
    return notebook


def printed(cell):
    return "".join(o["text"] for o in cell.outputs if o.output_type == "stream" and o["name"] == "stdout")


def told(notebook):
    """What a notebook prints and the words under its figures: they hold the numbers that the bundled runs give."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.metadata.get("solution"):
            words = [o["data"].get("text/markdown", "") for o in cell.outputs if "data" in o]
            yield printed(cell), [text for text in words if text.startswith("*Figure:* ")]


@each_notebook
def test_it_runs_unanswered_and_solutions_are_right_and_each_mistake_gets_its_hint(source):
    notebook = with_solutions(jupytext.read(source))
    NotebookClient(notebook, timeout=500, startup_timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [o for cell in code for o in cell.outputs]
    assert not [o["text"] for o in outputs if o.output_type == "stream" and o["name"] == "stderr"]
    solved = [i for i, cell in enumerate(code) if cell.metadata.get("solution")]
    assert [printed(code[i - 1])[:17] for i in solved] == ["Not answered yet."] * len(solved)
    wrong = [printed(code[i]) for i in solved if not printed(code[i]).startswith("Right.")]
    assert not wrong
    shipped = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    if source.stem not in A_MODEL_RUNS:
        assert list(told(notebook)) == list(told(shipped)), "the bundled runs are newer: execute it again"


@each_notebook
def test_it_has_the_shape_of_all_notebooks(source):
    notebook = jupytext.read(source)
    first, second, *_ = notebook.cells
    assert first.source.startswith("# ")
    for part in ("**Goal.**", "**Time.**", "**Prerequisites.**"):
        assert part in first.source, part
    assert second.source == jupytext.read(SOURCES[0]).cells[1].source, "the cell that installs is the same everywhere"
    solutions = [solution for *_, solution in exercises(notebook)]
    assert len(solutions) in (2, 3)
    assert all(solutions), "each exercise is followed by a solution in <details>, its code in a fence"
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert [title for title in re.findall(r"^### Exercise (\d)", text, re.M)] == [
        str(n + 1) for n in range(len(solutions))
    ]
    assert text.count("<details>") == text.count("</details>")
    assert "**Predict" in text
    assert re.findall(r"^## (.*)", text, re.M)[-2:] == ["Summary", "In the app"]
    pages = re.findall(r'url_path="(\w+)"', (ROOT / "app" / "main.py").read_text(encoding="utf-8"))
    linked = PAGE_LINK.findall(text.rpartition("## In the app")[2])
    assert linked
    assert set(linked) <= set(pages)


@each_notebook
def test_figures_come_with_words(source):
    """A figure is shown by `show`, which asks for a description; a bare figure at a cell's end would have none."""
    notebook = jupytext.read(source)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    shown = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "show"]
    shipped = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    drawn = [o for cell in shipped.cells for o in cell.get("outputs", []) if "data" in o]
    figures = [o for o in drawn if "application/vnd.plotly.v1+json" in o["data"]]
    described = [o for o in drawn if o["data"].get("text/markdown", "").startswith("*Figure:* ")]
    assert all(len(call.args) == 2 for call in shown)
    assert len(figures) == len(described)


@each_notebook
def test_shipped_notebook_is_its_source_and_was_executed(source):
    path = source.with_suffix(".ipynb")
    shipped = nbformat.read(path, as_version=4)
    expected = jupytext.read(source)
    assert [(c.cell_type, c.source) for c in shipped.cells] == [(c.cell_type, c.source) for c in expected.cells]
    code = [cell for cell in shipped.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert path.stat().st_size < MOST_BYTES


def test_the_readme_lists_every_notebook():
    listed = re.findall(r"^\| `(\d\d_\w+)` \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M)
    assert listed == sorted(listed)
    assert set(listed) >= {source.stem for source in SOURCES}


class TestTheCellThatInstalls:
    """In Colab the first code cell installs the project's wheel; elsewhere it does nothing."""

    @pytest.fixture
    def run_cell(self, monkeypatch, tmp_path):
        """Runs the cell in an empty folder; returns what it would have run."""
        commands = []
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append([str(c) for c in command]))

        def run():
            exec(jupytext.read(SOURCES[0]).cells[1].source, {})
            return commands

        return run

    @pytest.fixture
    def without_laser_core(self, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    def test_does_nothing_where_the_package_is(self, run_cell):
        assert run_cell() == []

    @pytest.mark.usefixtures("without_laser_core")
    def test_installs_the_wheel_beside_the_notebook(self, run_cell, tmp_path):
        (tmp_path / "laser_explorer-0.1.0-py3-none-any.whl").touch()
        assert run_cell() == [[sys.executable, "-m", "pip", "install", "-q", "laser_explorer-0.1.0-py3-none-any.whl"]]

    @pytest.mark.usefixtures("without_laser_core")
    def test_asks_for_the_wheel_in_colab(self, run_cell, monkeypatch):
        colab = types.ModuleType("google.colab")
        colab.files = types.SimpleNamespace(upload=lambda: {"laser_explorer-0.1.0.whl": b""})
        monkeypatch.setitem(sys.modules, "google.colab", colab)
        assert run_cell()[0][-1] == "laser_explorer-0.1.0.whl"

    @pytest.mark.usefixtures("without_laser_core")
    def test_says_what_to_do_where_there_is_no_wheel(self, run_cell):
        with pytest.raises(SystemExit, match="pip wheel --no-deps"):
            run_cell()

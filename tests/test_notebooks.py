"""The notebooks run from top to bottom, and the shipped .ipynb is the .py beside it."""

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_notebook_runs(source):
    notebook = jupytext.read(source)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert outputs
    assert not [o for o in outputs if o.output_type == "error"]
    assert not [o["text"] for o in outputs if o.output_type == "stream" and o["name"] == "stderr"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_shipped_notebook_is_its_source_and_was_executed(source):
    shipped = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    expected = jupytext.read(source)
    assert [(c.cell_type, c.source) for c in shipped.cells] == [(c.cell_type, c.source) for c in expected.cells]
    code = [cell for cell in shipped.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))

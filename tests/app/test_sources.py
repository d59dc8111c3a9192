"""Runs are read when somebody looks at them; one that turns out to be damaged takes nothing else along."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from app.data import sources
from laser_core import bundled
from tests.app.test_pages import MAIN


@pytest.fixture
def copy(bundle, tmp_path, monkeypatch):
    """A fresh copy of the runs, which no cache knows."""
    shutil.copytree(bundle, tmp_path / "copy")
    monkeypatch.setattr(bundled, "ROOT", tmp_path / "copy")
    return tmp_path / "copy" / "rollouts"


def thresholds() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=60)
    return app.switch_page("app_pages/thresholds.py").run()


def test_a_page_reads_the_run_it_shows_and_no_other(copy, monkeypatch):
    opened = []
    read = sources.read
    monkeypatch.setattr(sources, "read", lambda path, **how: opened.append(path) or read(path, **how))
    app = thresholds()
    assert not app.exception
    assert opened == [str(copy / "laser.parquet")]
    app.selectbox(key="run").select("base").run()
    app.selectbox(key="run").select("laser").run()
    assert opened == [str(copy / "laser.parquet"), str(copy / "base.parquet")]


def test_a_run_damaged_inside_is_found_out_when_it_is_opened(copy):
    content = bytearray((copy / "grpo.parquet").read_bytes())
    content[8 : len(content) // 2] = bytes(len(content) // 2 - 8)  # the footer, at the end, stays sound
    (copy / "grpo.parquet").write_bytes(content)
    app = thresholds()
    assert app.selectbox(key="run").options == ["LaSeR", "GRPO", "Base"]
    app.selectbox(key="run").select("grpo").run()
    assert not app.exception
    assert "grpo.parquet" in app.error[0].value.replace("\\", "")
    assert app.selectbox(key="run").options == ["LaSeR", "Base"]

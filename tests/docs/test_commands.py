"""Every command in the README and the documentation could run as it is written, and the library's examples do run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from laser_core.rollouts import write_jsonl, write_parquet
from tests.docs.commands import Command, commands, problem
from tests.docs.recipes import ROOT, blocks
from tests.factories import make_rollouts

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "notebooks/README.md", "sample_data/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def found_on(page: Path) -> list[Command]:
    return commands(page.read_text(encoding="utf-8"), followed=page.match("docs/howto/own-*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_could_run_as_it_is_written(page):
    wrong = {str(command): why for command in found_on(page) if (why := problem(command))}
    assert not wrong


def test_commands_are_found_in_blocks_fences_and_sentences():
    everywhere = [str(command) for page in PAGES for command in found_on(page)]
    assert len(everywhere) > 60
    for one in (
        "make app",
        "laser train --preset mini --method laser --out runs/laser",
        "pip install -r requirements-dev.txt",
        "python -m tests.benchmarks.cost",
        "laser reproduce --show",
    ):
        assert one in everywhere


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("    laser trian --out x\n", "no laser trian"),
        ("    laser train --outt x\n", "NoSuchOption"),
        ("    laser train\n", "MissingParameter"),
        ("    laser train --set steep=3 --out x\n", "no such settings"),
        ("    make tests\n", "Makefile has no"),
        ("    pip install -r requirements-new.txt\n", "there is no"),
        ("    pip install -e '.[cuda]'\n", "no extra"),
        ("    pip install something\n", "nobody checks"),
        ("    pytest tests/nowhere/test_x.py\n", "there is no"),
        ("    python -m tests.nowhere\n", "no module"),
        ("```sh\ncurl x\n```\n", "nothing checks 'curl'"),
        ("see `laser trian now`\n", "no laser trian"),
    ],
)
def test_a_command_that_could_not_run_is_noticed(text, why):
    (command,) = commands(f"text\n\n{text}")
    assert why in problem(command)


def test_a_sentence_may_leave_out_what_is_required():
    (command,) = commands("say `laser train --dry-run`")
    assert not problem(command)


@pytest.fixture
def files(tmp_path):
    """The files that the pages' examples open."""
    rollouts = make_rollouts()
    for name in ("samples_gsm8k.jsonl", "grpo/5.jsonl", "laser/5.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_jsonl(rollouts, tmp_path / name)
    write_parquet(rollouts, tmp_path / "million.parquet")
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    return tmp_path


@pytest.mark.parametrize("name", ["code", "formats"])
def test_the_librarys_examples_run(name, files):
    (block,) = [block for block in blocks((ROOT / "docs" / f"{name}.md").read_text()) if block.language == "python"]
    code = re.sub(r"\.show\(\)", ".to_json()", block.text)  # which opens a browser
    done = subprocess.run([sys.executable, "-c", code], cwd=files, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_the_example_for_trl_imports_what_exists():
    """Its twenty steps take minutes; that the trainer trains is tested in tests/integrations."""
    (block,) = [block for block in blocks((ROOT / "docs" / "trl.md").read_text()) if block.language == "python"]
    compile(block.text, "docs/trl.md", "exec")
    imports = "\n".join(line for line in block.text.splitlines() if line.startswith("from laser_core"))
    done = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_the_table_of_claims_is_printed():
    command = [sys.executable, "-m", "laser_core", "reproduce", "--show"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "weighted - majority" in done.stdout

"""The layout's promises: who may import whom, how long a file may be, what starts fast."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_import_contracts():
    """The "never" column of the layout (pyproject.toml, [tool.importlinter]) holds."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "module",
    ["laser_core.analysis", "laser_core.rollouts", "laser_core.figures", "laser_core.answers.verify", "laser_core.cli"],
)
def test_importing_it_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


def test_files_stay_short():
    limit = {"laser_core": 350, "app": 250}
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for folder, most in limit.items()
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > most
    ]
    assert not long, long


def test_no_two_public_classes_share_a_name():
    """`Policy` is one thing wherever a reader meets it."""
    homes: dict[str, list[str]] = {}
    for path in (ROOT / "laser_core").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_functions_stay_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
        for folder in ("laser_core", "app")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (lines := _lines_of_code(node)) > 60
    ]
    assert not long, long


def _lines_of_code(function: ast.FunctionDef) -> int:
    """Lines of a function's body, its docstring apart; a command's options are its signature, and no code."""
    body = function.body
    documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
    return function.end_lineno - body[documented].lineno + 1

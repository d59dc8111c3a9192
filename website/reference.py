"""The reference: one page for each module and package at the top of ``laser_core``, written by its docstrings."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """A page of the reference.

    Attributes
    ----------
    name : str
        Dotted name of the module or package.
    modules : tuple of str
        Itself and, of a package, its modules that define something public, by name.
    """

    name: str
    modules: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of its page."""
        return f"{self.name.rpartition('.')[2]}.md"

    @property
    def text(self) -> str:
        """Its page: one directive of mkdocstrings for each module."""
        title = self.name.partition(".")[2]
        lines = ["---", f"title: {title}", "---", ""]
        if self.modules[0] != self.name:
            lines += [f"# {self.name}", ""]
        for module in self.modules:
            lines += [f"::: {module}", f"    options: {{heading_level: {1 if module == self.name else 2}}}", ""]
        return "\n".join(lines)


def rooms(package: Path) -> list[Room]:
    """The pages of the reference.

    Parameters
    ----------
    package : Path
        The folder of ``laser_core``.

    Returns
    -------
    list of Room
        By name; without what begins with an underscore and what defines nothing public.
    """
    found = []
    for path in sorted(package.iterdir(), key=lambda path: path.stem):
        if path.name.startswith("_"):
            continue
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.suffix == ".py" else []
        modules = tuple(_dotted(file, package) for file in files if defines_something(file))
        if modules:
            found.append(Room(_dotted(path, package), modules))
    return found


def _dotted(path: Path, package: Path) -> str:
    """
    >>> _dotted(Path("/a/laser_core/analysis/__init__.py"), Path("/a/laser_core"))
    'laser_core.analysis'
    """
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def defines_something(file: Path) -> bool:
    """Whether a module is public and defines a public function, class or documented package."""
    if any(part.startswith("_") and part != "__init__.py" for part in file.parts[-2:]):
        return False
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if file.name == "__init__.py":
        return ast.get_docstring(tree) is not None
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    return any(isinstance(node, kinds) and not node.name.startswith("_") for node in tree.body)

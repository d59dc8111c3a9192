"""The reference: a page for each module of ``laser_core``, written by its docstrings, in folders like the package's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "reference"


@dataclass(frozen=True)
class Module:
    """A page of the reference.

    Attributes
    ----------
    name : str
        Dotted.
    page : str
        File of its page, in the site's documents.
    public : frozenset of str
        Names of the functions and classes that it defines.
    """

    name: str
    page: str
    public: frozenset[str]

    @property
    def text(self) -> str:
        """Markdown: a directive of mkdocstrings."""
        title = self.name.rpartition(".")[2]
        return f"---\ntitle: {title}\n---\n\n::: {self.name}\n    options: {{heading_level: 1}}\n"


def modules(package: Path) -> list[Module]:
    """The pages of the reference.

    Parameters
    ----------
    package : Path
        The folder of ``laser_core``.

    Returns
    -------
    list of Module
        By name. A module that defines nothing public has no page, a package has one for its docstring.
    """
    files = [path for path in sorted(package.rglob("*.py")) if path != package / "__init__.py"]
    found = (_module(path, package) for path in files)
    return [module for module in found if module is not None]


def _module(path: Path, package: Path) -> Module | None:
    parts = path.relative_to(package.parent).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    parts = parts[:-1] if is_package else parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = frozenset(node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_"))
    shown = ast.get_docstring(tree) is not None if is_package else bool(public)
    if not shown or any(part.startswith("_") for part in parts):
        return None
    file = "/".join((*parts[1:], "index")) if is_package else "/".join(parts[1:])
    return Module(".".join(parts), f"{FOLDER}/{file}.md", public)


def navigation(found: list[Module], folder: str = FOLDER) -> list[object]:
    """The pages as MkDocs' navigation: a section a package, which opens with the package's own page.

    Parameters
    ----------
    found : list of Module
    folder : str
        Of the pages to list.

    Returns
    -------
    list
        Of pages, and of sections with their pages.

    Examples
    --------
    >>> pages = [Module("p.a", "reference/a/index.md", frozenset()), Module("p.b", "reference/b.md", frozenset())]
    >>> navigation(pages)
    [{'a': ['reference/a/index.md']}, 'reference/b.md']
    """
    here = [module.page for module in found if module.page.rpartition("/")[0] == folder]
    inside = {page.removeprefix(f"{folder}/").partition("/")[0] for page in _below(found, folder)} - {""}
    listed: dict[str, object] = {Path(page).stem: page for page in here if not page.endswith("/index.md")}
    listed |= {name: {name: navigation(found, f"{folder}/{name}")} for name in inside}
    own = [page for page in here if page.endswith("/index.md")]
    return [*own, *(listed[name] for name in sorted(listed))]


def _below(found: list[Module], folder: str) -> Iterator[str]:
    """The pages in folders of a folder."""
    for module in found:
        if module.page.startswith(f"{folder}/") and "/" in module.page.removeprefix(f"{folder}/"):
            yield module.page


def page_of(found: list[Module], code: str) -> str:
    """The page that documents a name, also where a package offers it from one of its modules.

    Raises
    ------
    LookupError
        If no module defines it.
    """
    module, _, name = code.rpartition(".")
    for one in found:
        if name in one.public and (one.name == module or one.name.startswith(f"{module}.")):
            return one.page
    raise LookupError(f"no page of the reference has {code}")

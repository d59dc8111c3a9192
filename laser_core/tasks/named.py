"""Public mathematics data sets by a short name: their place on the Hugging Face hub, and the names of local copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = (".jsonl", ".parquet", ".json")


@dataclass(frozen=True)
class NamedTask:
    """One data set.

    Attributes
    ----------
    name : str
    hub : str
        Its name on the hub, with a configuration after a colon.
    splits : mapping of str to str
        The official splits: ours to the hub's. A data set with a single one that is no test split is divided by hash.
    files : tuple of str
        Names of a local copy, without ending; the names of its splits are tried behind them first.
    problem : str
        The column with the problem's text, where it is not one of the usual ones.
    """

    name: str
    hub: str
    splits: Mapping[str, str]
    files: tuple[str, ...] = ()
    problem: str = field(default="")

    def local_file(self, folder: Path, split: str = "") -> Path | None:
        """The local copy in a folder, of one official split or of everything; None where there is none.

        Capitals in file names do not matter.
        """
        if not folder.is_dir():
            return None
        there = {path.name.lower(): path for path in sorted(folder.iterdir())}
        for name in (self.name, *self.files):
            for suffix in SUFFIXES:
                wanted = f"{name}_{split}{suffix}" if split else f"{name}{suffix}"
                if wanted.lower() in there:
                    return there[wanted.lower()]
        return None


TASKS = {
    task.name: task
    for task in (
        NamedTask("gsm8k", "openai/gsm8k:main", {"train": "train", "test": "test"}),
        NamedTask("svamp", "ChilleD/SVAMP", {"train": "train", "test": "test"}, problem="question_concat"),
        NamedTask("math", "DigitalLearningGmbH/MATH-lighteval", {"train": "train", "test": "test"}),
        NamedTask("math500", "HuggingFaceH4/MATH-500", {"test": "test"}, ("math-500", "math_500")),
        NamedTask("amc", "math-ai/amc23", {"test": "test"}, ("amc23",)),
        NamedTask("aime24", "HuggingFaceH4/aime_2024", {"test": "train"}, ("aime_2024", "aime2024")),
        NamedTask("aime25", "math-ai/aime25", {"test": "test"}, ("aime_2025", "aime2025")),
        NamedTask("olympiadbench", "Hothan/OlympiadBench:OE_TO_maths_en_COMP", {"test": "train"}),
        NamedTask("deepmath", "zwhe99/DeepMath-103K", {"train": "train"}, ("deepmath-103k",)),
    )
}

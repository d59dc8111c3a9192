"""The rollout table: schema, Parquet store and readers of foreign formats."""

from laser_core.rollouts.batch import read_requests
from laser_core.rollouts.complete import Completed, complete
from laser_core.rollouts.convert import Converted, convert
from laser_core.rollouts.readers.mapped import suggest_mapping
from laser_core.rollouts.reading import ReadResult, read
from laser_core.rollouts.recognise import Preview, preview
from laser_core.rollouts.records import Refusal
from laser_core.rollouts.resident import Held, be_frugal, give_back, held, on_disk
from laser_core.rollouts.schema import (
    ANALYSIS_COLUMNS,
    COLUMNS,
    PER_TOKEN,
    REQUIRED,
    SIGNAL_PREFIX,
    TEXTS,
    Rollouts,
    RunMeta,
)
from laser_core.rollouts.several import ReadFiles, joined, read_files
from laser_core.rollouts.store import write_csv, write_jsonl, write_parquet
from laser_core.rollouts.views import missing_views

__all__ = [
    "ANALYSIS_COLUMNS",
    "COLUMNS",
    "PER_TOKEN",
    "REQUIRED",
    "SIGNAL_PREFIX",
    "TEXTS",
    "Completed",
    "Converted",
    "Held",
    "Preview",
    "ReadFiles",
    "ReadResult",
    "Refusal",
    "Rollouts",
    "RunMeta",
    "be_frugal",
    "complete",
    "convert",
    "give_back",
    "held",
    "joined",
    "missing_views",
    "on_disk",
    "preview",
    "read",
    "read_files",
    "read_requests",
    "suggest_mapping",
    "write_csv",
    "write_jsonl",
    "write_parquet",
]

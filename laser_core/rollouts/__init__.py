"""The rollout table: schema, Parquet store and readers of foreign formats."""

from laser_core.rollouts.checks import Agreement, Checks, GivenVerdict, agreement, check
from laser_core.rollouts.complete import Completed, complete
from laser_core.rollouts.convert import Converted, convert
from laser_core.rollouts.mapped_table import Held, be_frugal, give_back, held, on_disk
from laser_core.rollouts.missing_views import missing_views
from laser_core.rollouts.readers.mapped import suggest_mapping
from laser_core.rollouts.reading.batch import read_requests
from laser_core.rollouts.reading.identity import ProblemNames
from laser_core.rollouts.reading.read import ReadResult, read
from laser_core.rollouts.reading.read_files import ReadFiles, joined, read_files
from laser_core.rollouts.reading.recognise import Preview, preview
from laser_core.rollouts.reading.records import Refusal
from laser_core.rollouts.schema import (
    ANALYSIS_COLUMNS,
    COLUMNS,
    PER_TOKEN,
    REQUIRED,
    SIGNAL_PREFIX,
    TAG_PREFIX,
    TEXTS,
    Rollouts,
    RunMeta,
)
from laser_core.rollouts.store import write_csv, write_jsonl, write_parquet

__all__ = [
    "ANALYSIS_COLUMNS",
    "COLUMNS",
    "PER_TOKEN",
    "REQUIRED",
    "SIGNAL_PREFIX",
    "TAG_PREFIX",
    "TEXTS",
    "Agreement",
    "Checks",
    "Completed",
    "Converted",
    "GivenVerdict",
    "Held",
    "Preview",
    "ProblemNames",
    "ReadFiles",
    "ReadResult",
    "Refusal",
    "Rollouts",
    "RunMeta",
    "agreement",
    "be_frugal",
    "check",
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

"""The rollout table: schema, Parquet store and readers of foreign formats."""

from laser_core.rollouts.complete import Completed, complete
from laser_core.rollouts.convert import Converted, convert
from laser_core.rollouts.readers.mapped import suggest_mapping
from laser_core.rollouts.reading import ReadResult, read
from laser_core.rollouts.records import Refusal
from laser_core.rollouts.schema import COLUMNS, PER_TOKEN, REQUIRED, SIGNAL_PREFIX, Rollouts, RunMeta
from laser_core.rollouts.store import write_jsonl, write_parquet

__all__ = [
    "COLUMNS",
    "PER_TOKEN",
    "REQUIRED",
    "SIGNAL_PREFIX",
    "Completed",
    "Converted",
    "ReadResult",
    "Refusal",
    "Rollouts",
    "RunMeta",
    "complete",
    "convert",
    "read",
    "suggest_mapping",
    "write_jsonl",
    "write_parquet",
]

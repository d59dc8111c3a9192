"""The rollout table: schema, Parquet store and readers of foreign formats."""

from laser_core.rollouts.schema import COLUMNS, PER_TOKEN, REQUIRED, SIGNAL_PREFIX, Rollouts, RunMeta

__all__ = ["COLUMNS", "PER_TOKEN", "REQUIRED", "SIGNAL_PREFIX", "Rollouts", "RunMeta"]

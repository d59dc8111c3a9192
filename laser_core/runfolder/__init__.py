"""What a run takes before it starts, and what it writes: plan, events, checkpoints, atomic writes, provenance."""

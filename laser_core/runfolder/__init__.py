"""What a training run writes and how it survives a crash: events, checkpoints, atomic writes, provenance."""

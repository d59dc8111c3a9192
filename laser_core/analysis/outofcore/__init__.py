"""Tables larger than memory: DuckDB reads whole problems piece by piece, and only sums over problems are kept."""

"""A Parquet file of any number of rows, analysed out of core: how long it takes, and how much memory.

    python -m tests.benchmarks.outofcore --rows 100000000

makes the file in a temporary folder (about 12 bytes a row), runs ``laser analyze`` on it in a process of its own, and
prints the seconds and the peak resident memory of that process.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PER_PROBLEM = 64
GROUP = 2**20  # rows written at a time


def make_file(path: Path, rows: int) -> None:
    """Rows in random order within each group, so that no problem's solutions stand together."""
    rng = np.random.default_rng(0)
    with pq.ParquetWriter(path, _group(rng, 0, PER_PROBLEM).schema, compression="zstd") as writer:
        for start in range(0, rows, GROUP):
            writer.write_table(_group(rng, start // PER_PROBLEM, min(GROUP, rows - start)))


def _group(rng: np.random.Generator, first_problem: int, rows: int) -> pa.Table:
    problem = first_problem + rng.permutation(rows) // PER_PROBLEM
    correct = rng.random(rows) < 0.3 + 0.4 * (problem % 97) / 97
    return pa.table(
        {
            "run": pa.array(["r"] * rows).dictionary_encode(),
            "problem_id": pa.array(problem).cast(pa.string()),
            "sample": pa.array(np.arange(rows, dtype=np.int32) % PER_PROBLEM),
            "response": pa.array([""] * rows).dictionary_encode(),
            "answer": pa.array(np.where(correct, 0, rng.integers(1, 9, rows))).cast(pa.string()),
            "correct": pa.array(correct),
            "score": pa.array((0.3 + 0.4 * correct + 0.25 * rng.standard_normal(rows)).round(3)),
        }
    )


def main() -> None:
    """Make, analyse, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.parquet"
        make_file(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e9:.2f} GB")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "laser_core", "analyze", str(path), "--out-of-core"],
            check=True,
            text=True,
            stdout=-1,
        )
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # KiB to GiB
        print(done.stdout)
        print(f"{seconds:.0f} s, {peak:.2f} GiB at most")


if __name__ == "__main__":
    main()

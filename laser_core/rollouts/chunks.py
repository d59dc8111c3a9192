"""Rows of a table whose columns are in several pieces, as a large file's are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def rows_of(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Rows by index. Of a column in several chunks Arrow would first join all texts: each chunk is looked up alone."""
    if rows.min(initial=0) < 0:
        return table.take(pa.array(rows))
    order = np.argsort(rows, kind="stable")
    rising, back, all_rows = rows[order], pa.array(np.argsort(order, kind="stable")), pa.array(rows)

    def taken(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        if column.num_chunks <= 1:  # the columns of one table need not be cut at the same rows
            return column.take(all_rows)
        parts, start = [], 0
        for chunk in column.chunks:
            low, high = np.searchsorted(rising, (start, start + len(chunk)))
            if low < high:
                parts.append(chunk.take(pa.array(rising[low:high] - start)))
            start += len(chunk)
        if high < len(rising):
            raise pa.ArrowIndexError(f"there is no row {rising[-1]}: the table has {start:,}")
        return pa.concat_arrays(parts).take(back) if parts else column.slice(0, 0)

    return pa.table([taken(column) for column in table.columns], schema=table.schema)

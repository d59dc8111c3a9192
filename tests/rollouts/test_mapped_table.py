"""Tables on the disk: the same rollouts as in memory, without the memory."""

import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laser_core.analysis import Samples
from laser_core.errors import InputError
from laser_core.rollouts import Rollouts, RunMeta, held, mapped_table, on_disk, read, read_files, write_parquet

N = 40_000


def table(n: int = N) -> Rollouts:
    """Solutions with texts and traces, eight a problem."""
    rng = np.random.default_rng(0)
    columns = {
        "run": pa.array(["r"] * n),
        "problem_id": pa.array([f"p{i // 8}" for i in range(n)]),
        "sample": pa.array(np.arange(n) % 8, pa.int32()),
        "problem": pa.array([f"What is {i // 8}?" for i in range(n)]),
        "response": pa.array([f"It is {i}. " * 5 for i in range(n)]),
        "answer": pa.array([str(i % 3) if i % 7 else None for i in range(n)]),
        "correct": pa.array(rng.random(n) < 0.5),
        "n_tokens": pa.array(rng.integers(1, 99, n), pa.int32()),
        "score": pa.array(rng.normal(size=n)),
        "z_trace": pa.array([[float(i), 0.5] for i in range(n)], pa.list_(pa.float32())),
    }
    return Rollouts(pa.table(columns), RunMeta(beta_v=0.1, c_ref=-23.0))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("large") / "large.parquet"
    write_parquet(table(), file)
    return file


@pytest.mark.parametrize("to_disk", [False, True])
def test_a_damaged_column_of_verdicts_is_refused_in_plain_words(path, to_disk):
    at = pq.ParquetFile(path).metadata.row_group(0).column(6)
    assert at.path_in_schema == "correct"
    content = bytearray(path.read_bytes())
    content[at.data_page_offset : at.data_page_offset + 60] = bytes(60)
    with pytest.raises(InputError, match="damaged"):
        read(bytes(content), name="cut.parquet", to_disk=to_disk)


@pytest.fixture(scope="module")
def mapped(path):
    return read(path, to_disk=True).rollouts


def test_the_mapped_table_is_the_table(path, mapped):
    plain = read(path).rollouts
    assert mapped.table.equals(plain.table)
    assert mapped.meta == plain.meta
    assert read_files([("large.parquet", path.read_bytes())], to_disk=True).rollouts.table.equals(plain.table)


def test_it_takes_no_memory_until_it_is_looked_at(path):
    before = pa.total_allocated_bytes()
    rollouts = read(path, to_disk=True).rollouts
    grown = pa.total_allocated_bytes() - before
    where = held(rollouts)
    assert where.memory == 0
    assert where.disk == rollouts.table.nbytes
    assert where.numeric == N * (4 + 4 + 8)  # sample, n_tokens, score; no column has a null
    assert grown < where.numeric
    grid = sum(
        value.nbytes for value in vars(Samples.from_rollouts(rollouts)).values() if isinstance(value, np.ndarray)
    )
    assert grid + where.memory < 3 * where.numeric


@given(rows=st.lists(st.integers(0, N - 1), max_size=30))
def test_any_rows_are_those_of_the_table(mapped, rows):
    rows = np.array(rows, dtype=np.int64)
    found = mapped.take(rows)
    assert found.column("sample").tolist() == [row % 8 for row in rows]
    assert found.text("response") == [f"It is {row}. " * 5 for row in rows]
    assert found.table["z_trace"].to_pylist() == [[float(row), 0.5] for row in rows]


def test_rows_are_taken_across_chunks_of_any_length():
    pieces = [table(100).table.slice(start, size) for start, size in ((0, 1), (1, 60), (61, 39))]
    rollouts = Rollouts(pa.concat_tables(pieces), RunMeta())
    rows = np.array([99, 0, 61, 60, 1, 99])
    assert rollouts.take(rows).table.equals(table(100).take(rows).table)
    # a column that was computed is in one piece where the texts of the file are in several
    mixed = rollouts.with_column("signal.length", np.arange(100.0))
    assert mixed.take(rows).table.equals(table(100).with_column("signal.length", np.arange(100.0)).take(rows).table)
    assert mixed.take(np.array([], int)).table.num_rows == 0
    with pytest.raises(pa.ArrowIndexError):
        mixed.take(np.array([100]))


def test_the_file_has_no_name_and_ends_with_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rollouts = on_disk(table())
    assert held(rollouts).disk > 0
    assert list(tmp_path.iterdir()) == []
    maps = len(mapped_table._MAPS)
    del rollouts
    assert len(mapped_table._MAPS) == maps - 1


def test_without_room_on_the_disk_it_stays_in_memory(path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    rollouts = read(path, to_disk=True).rollouts
    assert rollouts.table.equals(table().table)
    assert held(rollouts).disk == 0


def test_only_what_is_new_is_moved(mapped):
    more = on_disk(mapped.with_column("signal.length", np.arange(N, dtype=float)), above=1000)
    assert held(more).memory == 0
    assert (
        more.table["response"].chunk(0).buffers()[2].address == mapped.table["response"].chunk(0).buffers()[2].address
    )
    assert more.column("signal.length").tolist() == list(range(N))


def test_a_fault_far_down_is_named_by_its_line(tmp_path):
    n = mapped_table.BATCH_ROWS + 100
    rollouts = table(n)
    entropy = [[0.1, 0.2]] * n
    entropy[n - 2] = [0.1]
    broken = rollouts.table.append_column("entropy", pa.array(entropy, pa.list_(pa.float32())))
    pq.write_table(broken, tmp_path / "broken.parquet")
    with pytest.raises(InputError, match=rf"line {n - 1}, field 'entropy'"):
        read(tmp_path / "broken.parquet", to_disk=True)


def test_a_damaged_file_is_refused_in_plain_words(path, tmp_path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = bytes(4000)
    with pytest.raises(InputError, match="damaged"):
        read(bytes(content), name="cut.parquet", to_disk=True)

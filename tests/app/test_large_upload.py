"""A large upload lies on the disk, works on every page, and is gone with its session."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.runtime.caching import cache_resource_api

from laser_core.rollouts import held
from tests.app.test_pages import said, start, upload, visit
from tests.factories import make_rollouts


@pytest.fixture(scope="module")
def content():
    """Rollouts with texts, tokens and traces: more than a megabyte."""
    table = make_rollouts(n_problems=120, n_samples=16, skill=1.2, seed=3, run="large").to_arrow()
    padded = pa.array([text + " and so on" * 50 for text in table["response"].to_pylist()])
    out = pa.BufferOutputStream()
    pq.write_table(table.set_column(table.column_names.index("response"), "response", padded), out)
    return out.getvalue().to_pybytes()


@pytest.fixture
def large(bundled_runs, content):
    app = upload(start(), "large.parquet", content)
    assert not app.exception
    return app


def source_of(app):
    return next(iter(app.session_state["uploaded_sources"].values()))


def test_its_texts_and_traces_are_not_held_in_memory(large):
    where = held(source_of(large).rollouts)
    assert where.memory == 0
    assert where.disk > 1_000_000


@pytest.mark.parametrize("page", ["traces", "scores", "thresholds", "voting", "compare"])
def test_every_page_works_on_it(large, page):
    app = visit(large, page)
    assert not app.exception
    assert not app.error
    if page == "traces":
        chosen = app.selectbox(key="problem").value
        rows = np.flatnonzero(np.array(source_of(app).rollouts.text("problem_id")) == chosen)
        assert f"of {len(rows)} solutions correct" in said(app)


def test_the_data_page_says_what_is_held(large):
    app = visit(large, "data")
    table = app.table[0].value
    told = table.loc[table["setting"] == "held by this server", "value"].item().replace("\\", "")
    disk = held(source_of(app).rollouts).disk / 1e6
    assert f"{disk:.1f} MB in a temporary file until the session ends" in told


def test_it_ends_with_its_session(large):
    uploads = large.session_state["uploaded_sources"]
    assert len(uploads) == 1
    cache_resource_api.clear_session_cache("test session id")
    assert not uploads

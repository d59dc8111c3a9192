"""Vote weights, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    vote_weights,
)
from laser_core.errors import InputError


def test_weights():
    score = np.array([[0.5, 2.0, np.nan, -1.0]])
    assert vote_weights(score, "clip").tolist() == [[0.5, 1.0, 0.0, 0.0]]
    assert vote_weights(score, "power", power=2).tolist() == [[0.25, 1.0, 0.0, 0.0]]
    assert vote_weights(score, "softmax", temperature=1.5)[0, :2] == pytest.approx([np.exp(-1), 1])
    # Ranks count ties as their middle: of five scores the lower two share (0 + 2) / 2 of 5, the top one is at 4.5 of 5.
    tied = np.array([[2.0, -3.0, np.nan], [2.0, -3.0, 7.0]])
    assert vote_weights(tied, "rank").tolist() == [[0.6, 0.2, 0.0], [0.6, 0.2, 0.9]]
    assert vote_weights(score, "equal").tolist() == [[1, 1, 1, 1]]
    assert vote_weights(score, lambda s: s + 1)[0, 3] == 0
    with pytest.raises(InputError, match="negative"):
        vote_weights(score, "raw")
    with pytest.raises(InputError, match="choose from"):
        vote_weights(score, "wat")

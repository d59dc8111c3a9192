"""The same run under another question: confusion cells, other settings, answered solutions."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    Samples,
    cell_rows,
    rescaled,
)
from laser_core.errors import InputError
from tests.analysis.builders import random_samples


@pytest.mark.parametrize("seed", range(3))
def test_the_four_cells_hold_every_solution_once(seed):
    samples = random_samples(seed)
    cells = {
        (accepted, correct): cell_rows(samples, threshold=0.5, predicted=accepted, correct=correct).tolist()
        for accepted in (True, False)
        for correct in (True, False)
    }
    assert sorted(row for rows in cells.values() for row in rows) == list(range(72))
    flat_score, flat_correct = samples.score.ravel(), samples.correct.ravel()
    for (accepted, correct), rows in cells.items():
        assert all((flat_score[row] > 0.5) == accepted and (flat_correct[row] == 1) == correct for row in rows)
    scores = flat_score[cells[True, False]]
    assert (np.diff(scores) <= 0).all()


def test_other_settings_give_the_score_that_they_would_have_given():
    samples = Samples.from_arrays(correct=[[1, 0]], score=[[0.8, 0.1]])  # log pi(z_c): -15 and -22
    found = rescaled(samples, beta_v=0.1, c_ref=-23.0, new_beta_v=0.05, new_c_ref=-25.0)
    assert found.score[0].tolist() == pytest.approx([0.5, 0.15])
    with pytest.raises(InputError, match="positive"):
        rescaled(samples, beta_v=0.1, c_ref=-23.0, new_beta_v=0.0, new_c_ref=-23.0)

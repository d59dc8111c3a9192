"""The confusion matrix holds every verdict once."""

from __future__ import annotations

import numpy as np
import pytest

from laser_core.analysis import (
    confusion,
    separation,
)
from tests.analysis.builders import scored


def test_confusion_counts_every_verdict_once():
    samples = scored()
    found = confusion(samples, threshold=0.55)
    counted = found.tp + found.fn + found.fp + found.tn
    assert counted + found.n_unscored_correct + found.n_unscored_incorrect == np.isfinite(samples.correct).sum()
    assert found.tpr.value == pytest.approx(found.tp / (found.tp + found.fn))
    assert found.fpr.value + found.tnr.value == pytest.approx(1)
    assert found.balanced_f1 == separation(samples, threshold=0.55).balanced_f1
    assert found.precision.ci_low < found.precision.value < found.precision.ci_high

"""The score, its inverse and Z on numbers worked by hand, the same for floats, NumPy arrays and torch tensors."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laser_core.score import last_token_score, log_partition, partition, z_logprob_from_score

logprobs = st.floats(-60.0, 0.0)
betas = st.floats(0.001, 2.0)
KINDS = [np.array, lambda values: torch.tensor(values, dtype=torch.float64)]


@pytest.mark.parametrize("array", KINDS)
def test_score_of_published_settings(array):
    # 0.1 * (-23 + 23) = 0; 0.1 * (-18 + 23) = 0.5; 0.1 * (-13 + 23) = 1; 0.1 * (-28 + 23) = -0.5: not clipped.
    score = last_token_score(array([-23.0, -18.0, -13.0, -28.0]), beta_v=0.1, c_ref=-23.0)
    assert score.tolist() == [0.0, 0.5, 1.0, -0.5]


@pytest.mark.parametrize("array", KINDS)
def test_score_against_each_solutions_own_reference(array):
    # 0.1 * (-18 - -23) = 0.5, 0.1 * (-18 - -25) = 0.7, 0.1 * (-26 - -24) = -0.2.
    score = last_token_score(array([-18.0, -18.0, -26.0]), beta_v=0.1, c_ref=array([-23.0, -25.0, -24.0]))
    assert score.tolist() == pytest.approx([0.5, 0.7, -0.2], abs=1e-15)


@pytest.mark.parametrize("array", KINDS)
def test_the_inverse_gives_the_log_prob_back(array):
    # 0.5 / 0.1 - 23 = -18; 2.3 / 0.1 - 23 = 0: a policy that is certain of z_c; -0.1 / 0.1 - 23 = -24.
    z_logprob = z_logprob_from_score(array([0.5, 2.3, -0.1]), beta_v=0.1, c_ref=-23.0)
    assert z_logprob.tolist() == pytest.approx([-18.0, 0.0, -24.0], abs=1e-14)


@pytest.mark.parametrize("array", KINDS)
def test_log_partition_by_hand(array):
    # p = 0.1, e^10 - 1 = 22025.4658: log(1 + 2202.54658) = log 2203.54658 = 7.697823.
    # p = e^-23 = 1.0261880e-10: log(1 + 2.2602270e-6) = 2.2602244e-6.
    # p = 1/2, beta_v = 1 / log 3: log(1 + (3 - 1) / 2) = log 2.
    values = log_partition(array([math.log(0.1), -23.0]), beta_v=0.1)
    assert values.tolist() == pytest.approx([7.697823, 2.2602244e-6], rel=1e-6)
    assert log_partition(array([math.log(0.5)]), beta_v=1 / math.log(3)).tolist() == pytest.approx([math.log(2)])


def test_log_partition_does_not_overflow_where_the_exponential_does():
    # log Z = -0.1 + 1 / 0.001 = 999.9 up to e^-999; no double holds e^999.9.
    assert log_partition(-0.1, beta_v=0.001) == pytest.approx(999.9)
    assert partition(-0.1, beta_v=0.001) == math.inf


def test_nothing_earned_leaves_z_at_one():
    assert log_partition(-3.0, beta_v=0.1, reward=0.0) == 0.0
    assert partition(-3.0, beta_v=0.1, reward=0.0) == 1.0
    assert log_partition(np.array([-3.0, -4.0]), beta_v=0.1, reward=0.0).tolist() == [0.0, 0.0]


def test_partition_is_one_for_an_unused_token_and_far_from_it_for_a_word():
    # e^-23 = 1.0262e-10, e^10 - 1 = 22025.47, product 2.2602e-6.
    assert partition(-23.0, beta_v=0.1) - 1 == pytest.approx(2.2602e-6, rel=1e-4)
    # A word of probability 0.1: 1 + 0.1 * 22025.47 = 2203.55.
    assert partition(math.log(0.1), beta_v=0.1) == pytest.approx(2203.55, abs=0.01)


@given(st.lists(logprobs, min_size=1, max_size=5), logprobs, betas)
def test_floats_arrays_and_tensors_get_the_same_digits(z_logprobs, c_ref, beta_v):
    singles = [last_token_score(value, beta_v=beta_v, c_ref=c_ref) for value in z_logprobs]
    for array in KINDS:
        scores = last_token_score(array(z_logprobs), beta_v=beta_v, c_ref=c_ref)
        assert scores.tolist() == singles
        again = z_logprob_from_score(scores, beta_v=beta_v, c_ref=c_ref)
        assert again.tolist() == [z_logprob_from_score(score, beta_v=beta_v, c_ref=c_ref) for score in singles]
        assert again.tolist() == pytest.approx(z_logprobs, abs=1e-12)


@given(st.lists(logprobs, min_size=1, max_size=5), betas)
def test_log_z_of_floats_arrays_and_tensors_differs_by_no_more_than_the_last_bits(ref_z_logprobs, beta_v):
    singles = [log_partition(value, beta_v=beta_v) for value in ref_z_logprobs]
    for array in KINDS:
        assert log_partition(array(ref_z_logprobs), beta_v=beta_v).tolist() == pytest.approx(singles, rel=1e-14)


def test_a_tensor_keeps_its_precision_and_its_gradient():
    z_logprob = torch.tensor([-18.0, -20.0], requires_grad=True)
    score = last_token_score(z_logprob, beta_v=0.1, c_ref=-23.0)
    score.sum().backward()
    assert score.dtype == torch.float32
    assert z_logprob.grad.tolist() == pytest.approx([0.1, 0.1])  # d r_s / d log pi(z_c) = beta_v
    assert log_partition(z_logprob.detach(), beta_v=0.1).dtype == torch.float32


def test_importing_it_does_not_import_torch():
    code = "import sys, laser_core.score; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0

r"""Majority voting, exactly: the expected accuracy over all subsets of N of a problem's n solutions, ties split evenly.

A subset of N holds a multivariate hypergeometric number of votes for each answer. Give every solution an independent
coin of bias p instead; given that N coins come up heads, the subset is the same. Under the coins the votes X_j of the
answers are independent binomials, and for an answer g

.. math:: P(g\ \text{wins},\ \textstyle\sum X = N) =
          \sum_v P(X_g = v)\, [z^{N-v}] \int_0^1 \prod_{j \ne g} \bigl(A_{jv}(z) + u B_{jv}(z)\bigr)\, du\, (q + pz)^F

with :math:`A_{jv}` the generating function of "answer j has fewer than v votes" and :math:`B_{jv}` that of "exactly v".
The integral is the tie rule: t answers level with g leave :math:`\int u^t du = 1/(t + 1)` of the win to g. It is a
polynomial in u, so a Gauss-Legendre rule of sufficient order computes it exactly. Answers with fewer than v solutions
can never reach v votes; they join the F solutions that do not matter, so only about n / v factors remain.

The coefficient of z is read off by a discrete Fourier transform. All numbers are probabilities, so nothing overflows; N
is kept near the mean n p by using a few values of p (the tilts), each serving the sizes N whose probability under it is
not small. The error is about 1e-16 over that probability: below 1e-11. A tie at one vote each (v = 1) may involve very
many answers and has a closed form of its own, through elementary symmetric polynomials.

Cost: about ``n * sqrt(n)`` complex multiplications per problem for one N, a few times that for all N.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

from laser_core.analysis.voting.binomials import BinomialRows, highest, lowest, phase, pmf

EXACT_LIMIT = 1024  # solutions per problem; beyond it e_m of the one-vote form would overflow
_COVERED = 1e-4  # least probability of N under the tilt that serves it
_NEGLIGIBLE = 1e-17
_BLOCK = 2**16  # complex numbers worked on at a time: 1 MB


def majority_vote(votes: np.ndarray, winning: np.ndarray, size: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Probability that a majority vote among N solutions is correct, for each problem and N.

    Parameters
    ----------
    votes : ndarray of int of shape (n_problems, n_answers)
        How many solutions give each answer.
    winning : ndarray of bool of shape (n_problems, n_answers)
        Which answers are correct; there may be several, or none.
    size : ndarray of int of shape (n_problems,)
        Solutions of each problem, those without an answer included: at most ``EXACT_LIMIT``.
    sizes : ndarray of int of shape (n_sizes,)
        The N asked for. The probability is 0 where a problem has fewer solutions.

    Returns
    -------
    ndarray of float of shape (n_problems, n_sizes)
        A vote in which no solution has an answer is not correct.

    Examples
    --------
    Three solutions answer 7 (correct), two answer 9. Of the ten pairs three are 7-7, and six tie: (3 + 6 / 2) / 10.

    >>> majority_vote(np.array([[3, 2]]), np.array([[True, False]]), np.array([5]), np.array([1, 2, 5])).round(12)
    array([[0.6, 0.6, 1. ]])
    """
    votes, winning, sizes = np.asarray(votes), np.asarray(winning), np.asarray(sizes)
    problem, g = np.nonzero(winning & (votes > 0))
    others = votes[problem].astype(np.int32)
    own = others[np.arange(len(g)), g].copy()
    others[np.arange(len(g)), g] = 0
    others = -np.sort(-others, axis=1)
    # Many problems share their counts up to order; each distinct contest is solved once.
    key = np.column_stack([size[problem], own, others[:, : max(1, int((others > 0).sum(axis=1).max(initial=0)))]])
    distinct, inverse = np.unique(key, axis=0, return_inverse=True)
    solved = np.zeros((len(distinct), len(sizes)))
    for n in np.unique(distinct[:, 0]):
        rows = distinct[:, 0] == n
        solved[rows] = _solve(int(n), distinct[rows, 1], distinct[rows, 2:], sizes)
    out = np.zeros((len(votes), len(sizes)))
    np.add.at(out, problem, solved[inverse.ravel()])
    return np.clip(out, 0, 1)


def full_vote(votes: np.ndarray, winning: np.ndarray, *, margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The vote of all solutions: its credit (1 for a correct winner, a fraction in a tie) and how many answers lead.

    Parameters
    ----------
    votes : ndarray of shape (n_problems, n_answers)
        Counts or weights; negative where nobody gave the answer.
    winning : ndarray of bool of shape (n_problems, n_answers)
        Which answers are correct.
    margin : float
        Votes this close to the most tie with it.

    Examples
    --------
    >>> credit, leaders = full_vote(np.array([[2, 2, 1]]), np.array([[True, False, False]]))
    >>> credit.tolist(), leaders.tolist()
    ([0.5], [2])
    """
    top = votes.max(axis=1, keepdims=True)
    leads = (votes >= top - margin) & (votes >= 0)
    leaders = leads.sum(axis=1)
    return (leads & winning).sum(axis=1) / np.maximum(leaders, 1), leaders


def _solve(n: int, own: np.ndarray, others: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Win probabilities of answers with ``own`` votes against ``others`` (sorted, falling), among n solutions."""
    out = np.zeros((len(own), len(sizes)))
    whole = sizes == n
    if whole.any():
        tied = (others == own[:, None]).sum(axis=1)
        out[:, whole] = (np.where(own >= others[:, 0], 1 / (1 + tied), 0.0))[:, None]
    part = np.flatnonzero(sizes < n)
    if len(part):
        out[:, part] = _one_vote(n, own, others, sizes[part])
        items = _Items.of(n, own, others, int(sizes[part].max()))
        for tilt in _tilts(n, tuple(sizes[part].tolist())):
            out[:, part[list(tilt.served)]] += _under_tilt(n, tilt, items, own, others, sizes[part])
    return out


def _log_choose(n: np.ndarray | int, k: np.ndarray) -> np.ndarray:
    """Natural log of the binomial coefficient, -inf outside 0 <= k <= n."""
    fits = (k >= 0) & (k <= n)
    k = np.where(fits, k, 0)
    return np.where(fits, gammaln(np.asarray(n) + 1.0) - gammaln(k + 1.0) - gammaln(np.asarray(n) - k + 1.0), -np.inf)


def _one_vote(n: int, own: np.ndarray, others: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The part of the win with a single vote: m other answers have one too, and the rest of the subset has none.

    ``own * e_m(others) * C(unanswered, N - 1 - m) / (m + 1)`` of the ``C(n, N)`` subsets.
    """
    depth = min(int((others > 0).sum(axis=1).max(initial=0)), int(sizes.max()) - 1)
    e = np.zeros((len(own), depth + 1))
    e[:, 0] = 1
    for count in others.T:
        e[:, 1:] += count[:, None] * e[:, :-1]
    unanswered = n - own - others.sum(axis=1)
    m = np.arange(depth + 1)
    with np.errstate(divide="ignore"):
        log_e = np.log(e) - np.log(m + 1) + np.log(own)[:, None]
    parts = [log_e + _log_choose(unanswered[:, None], size - 1 - m) - _log_choose(n, np.array(size)) for size in sizes]
    return np.stack([np.exp(part).sum(axis=1) for part in parts], axis=1)


@dataclass(frozen=True)
class _Tilt:
    """A coin bias and the sizes it serves; the transform has ``period`` points."""

    p: float
    period: int
    served: tuple[int, ...]


@lru_cache(maxsize=64)
def _tilts(n: int, sizes: tuple[int, ...]) -> tuple[_Tilt, ...]:
    """Few biases that give every size (all below n) a probability above ``_COVERED``."""
    left, tilts = sorted(set(sizes)), []
    means = np.arange(0.5, n, 0.5)
    while left:
        allowed = means[(pmf(left[0], n, means / n) >= min(_COVERED, 0.9 * pmf(left[0], n, left[0] / n)))]
        served = [size for size in left if pmf(size, n, allowed.max() / n) >= _COVERED] or left[:1]
        p = float(np.mean(served)) / n
        # Sums that differ by a multiple of the period fall on the same coefficient, so the period must exceed what
        # separates any served N from any sum that has a chance.
        far = max(int(highest(n, p)) - served[0], served[-1] - int(lowest(n, p))) + 1
        period = min(n + 1, max(far, 2))
        tilts.append(_Tilt(p, period, tuple(i for i, size in enumerate(sizes) if size in served)))
        left = [size for size in left if size not in served]
    return tuple(tilts)


@dataclass(frozen=True)
class _Items:
    """Every (contest, v) with v from 2: the answer's votes at which it may win.

    Attributes: contest, v, ``rivals`` (other answers with at least v solutions), ``filler`` (solutions of the rest) and
    ``order`` (of the quadrature over u), each of shape (n_items,).
    """

    contest: np.ndarray
    v: np.ndarray
    rivals: np.ndarray
    filler: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, n: int, own: np.ndarray, others: np.ndarray, largest: int) -> _Items:
        top = np.minimum(own, largest)
        count = np.maximum(top - 1, 0)
        contest = np.repeat(np.arange(len(own), dtype=np.int32), count)
        v = np.arange(2, len(contest) + 2, dtype=np.int32) - np.repeat(np.cumsum(count) - count, count).astype(np.int32)
        # How many others have at least v solutions, and how many solutions those have together: (n_contests, v).
        width = int(top.max(initial=0)) + 2
        flat = np.arange(len(own))[:, None] * width + np.minimum(others, width - 1)

        def at_least(weights: np.ndarray | None) -> np.ndarray:
            table = np.bincount(flat.ravel(), weights, len(own) * width).reshape(len(own), width)
            return table[:, ::-1].cumsum(axis=1, dtype=np.int32)[:, ::-1]

        number, total = at_least(None), at_least(others.ravel())
        rivals = number[contest, v]
        filler = n - own[contest].astype(np.int32) - total[contest, v]
        return cls(contest, v, rivals, filler, rivals // 2 + 1)

    def relevant(
        self, rows: BinomialRows, own: np.ndarray, others: np.ndarray, largest: int
    ) -> tuple[_Items, np.ndarray]:
        """The items with a chance under a tilt, sorted for batching, and P(X_g = v) of each.

        The product of the rivals' (A + u B), at z = 1, bounds it everywhere. Its coefficient of u**t is at most
        ``prod A * lam**t / t!`` with lam the sum of B / A: that prunes items, and bounds the quadrature order needed.
        So does N: t rivals at v votes each need t v of the N - v votes left.
        """
        keep = np.flatnonzero(self.v <= largest)
        keep = keep[rows.exactly(own[self.contest[keep]], self.v[keep]) > _NEGLIGIBLE]
        keep = keep[np.argsort(-self.rivals[keep], kind="stable")]
        contest, v, rivals = self.contest[keep], self.v[keep], self.rivals[keep]
        alone = rows.exactly(own[contest], v)
        log_fewer, log_most, lam = np.log(alone), np.log(alone), np.zeros(len(v))
        for j in range(int(rivals.max(initial=0))):
            m = int(np.searchsorted(-rivals, -j))  # the first m items have a rival number j
            rival = others[contest[:m], j]
            fewer, most = (np.maximum(rows.below[rows.row(rival, w)], 1e-300) for w in (v[:m], v[:m] + 1))
            log_fewer[:m] += np.log(fewer)
            log_most[:m] += np.log(most)
            lam[:m] += most / fewer - 1
        chance = log_most > np.log(_NEGLIGIBLE)
        keep, v, rivals, alone = keep[chance], v[chance], rivals[chance], alone[chance]
        log_fewer, lam = log_fewer[chance], lam[chance]
        order = np.minimum(rivals, largest // v - 1) // 2 + 1
        for q in range(1, int(order.max(initial=1))):
            with np.errstate(divide="ignore"):
                log_rest = log_fewer + 2 * q * np.log(lam) - gammaln(2 * q + 1) + lam
            order = np.where((log_rest < np.log(_NEGLIGIBLE)) & (order > q), q, order)
        sort = np.lexsort((-rivals, order))
        kept = _Items(self.contest[keep[sort]], v[sort], rivals[sort], self.filler[keep[sort]], order[sort])
        return kept, alone[sort]


def _under_tilt(
    n: int, tilt: _Tilt, items: _Items, own: np.ndarray, others: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Win probabilities with two votes or more, for the sizes one tilt serves; shape (n_contests, n_served)."""
    served = sizes[list(tilt.served)]
    p, period = tilt.p, tilt.period
    rows = BinomialRows.of(own, others, deepest=int(served.max()), p=p)
    items, win_alone = items.relevant(rows, own, others, int(served.max()))
    total = np.zeros((len(own), period // 2 + 1), complex)
    step = max(1, 4 * _BLOCK // max(1, len(rows.pmf)))
    for low in range(0, period // 2 + 1, step):
        frequency = np.arange(low, min(low + step, period // 2 + 1))
        table = rows.transform(frequency, period)
        filler = np.ones((n + 1, len(frequency)), complex)
        filler[1:] = (1 - p) + p * phase(np.array([1]), frequency, period)
        np.cumprod(filler, axis=0, out=filler)  # the transform of 0..n solutions that do not matter
        for batch in _batches(items.order, len(frequency)):
            contest, v = items.contest[batch], items.v[batch]
            win = _integral(table, rows, others, contest, v, items.rivals[batch], int(items.order[batch.start]))
            win *= win_alone[batch, None] * phase(v, frequency, period) * filler[items.filler[batch]]
            np.add.at(total[:, low : low + step], contest, win)
    wins = np.fft.irfft(total, n=period, axis=1)[:, served % period]
    return np.asarray(wins / pmf(served, n, p))


def _batches(order: np.ndarray, n_frequencies: int) -> list[slice]:
    """Slices of the items (sorted by ``order``) that share a quadrature order and fit a block."""
    edges = np.append(np.flatnonzero(np.append(True, order[1:] != order[:-1])), len(order)) if len(order) else [0]
    out = []
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        step = max(1, _BLOCK // (int(order[a]) * n_frequencies))
        out += [slice(i, min(i + step, b)) for i in range(a, b, step)]
    return out


def _integral(
    table: np.ndarray,
    rows: BinomialRows,
    others: np.ndarray,
    contest: np.ndarray,
    v: np.ndarray,
    rivals: np.ndarray,
    order: int,
) -> np.ndarray:
    """The integral over u of the product over rivals of (fewer than v, plus u times exactly v); (n_items, n_freq)."""
    u, weight = _gauss(order)
    product = np.ones((len(v), order, table.shape[1]), complex)
    for j in range(int(rivals.max(initial=0))):
        m = int(np.searchsorted(-rivals, -j))  # the first m items have a rival number j
        rival = others[contest[:m], j]
        fewer, most = (table[rows.row(rival, w)][:, None, :] for w in (v[:m], v[:m] + 1))
        product[:m] *= fewer + u[:, None] * (most - fewer)
    return product[:, 0] if order == 1 else np.matmul(weight, product)


@lru_cache(maxsize=1024)
def _gauss(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(order)
    return (x + 1) / 2, w / 2

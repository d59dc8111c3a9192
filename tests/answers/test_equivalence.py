"""The verdict and the vote share one equivalence: symmetric, transitive, reflexive, and the same for both."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from laser_core.answers.verify import answer_groups, is_correct, verify_answers

numbers = st.fractions(min_value=-30, max_value=30, max_denominator=12)


@st.composite
def spelled_numbers(draw) -> tuple[tuple, str]:
    """A number, and one of the ways to write it."""
    value = draw(numbers)
    sign, top, bottom = "-" if value < 0 else "", abs(value.numerator), value.denominator
    spellings = [
        f"{sign}{top}/{bottom}",
        rf"{sign}\frac{{{top}}}{{{bottom}}}",
        rf"$\dfrac{{{value.numerator}}}{{{bottom}}}$",
        f"x = {sign}{2 * top}/{2 * bottom}",
        rf"\boxed{{{sign}{top} \div {bottom}}}",
        f"**{sign}{top}/{bottom}**",
        rf"{sign}{top} \cdot {bottom}^{{-1}}",
        rf"\sqrt{{{top**2}/{bottom**2}}}" if value >= 0 else rf"-\sqrt{{{top**2}/{bottom**2}}}",
    ]
    if bottom == 1:
        spellings += [f"{sign}{top}.0", f"{sign}{top}%", rf"{sign}\${top}", rf"{sign}{top}^\circ"]
        spellings += [f"{sign}{top} apples"]
    elif top > bottom:
        spellings += [rf"{sign}{top // bottom}\frac{{{top % bottom}}}{{{bottom}}}"]
    if 10**4 % bottom == 0:
        spellings.append(f"{float(value):.4f}")
    else:
        spellings += [f"{float(value):.8f}", f"{float(value):.12f}", repr(float(value))]
    return ("number", value), draw(st.sampled_from(spellings))


@st.composite
def spelled_lists(draw) -> tuple[tuple, str]:
    """A set of integers or a point, and one of the ways to write it."""
    members = draw(st.lists(st.integers(-4, 4), min_size=2, max_size=3))
    if draw(st.booleans()):
        return ("point", *members), draw(st.sampled_from(["({})", r"\left( {} \right)", "${}$".format("({})")])).format(
            ", ".join(map(str, members))
        )
    shuffled = draw(st.permutations(members))
    text = ", ".join(map(str, shuffled))
    ways = [text, f"\\{{{text}\\}}", " or ".join(f"x = {m}" for m in shuffled), " and ".join(map(str, shuffled))]
    return ("list", *sorted(members)), draw(st.sampled_from(ways))


@st.composite
def spelled_intervals(draw) -> tuple[tuple, str]:
    """A half-open interval or a half-line, and one of the ways to write it."""
    low = draw(st.integers(-3, 2))
    high = draw(st.one_of(st.none(), st.integers(3, 5)))
    if high is None:
        ways = [f"x >= {low}", rf"[{low}, \infty)", rf"x \in [{low},+\infty)", rf"{low} \leq t", f"2x ≥ {2 * low}"]
    else:
        ways = [f"[{low},{high})", rf"{low} \le x < {high}", f"{high} > x >= {low}"]
        ways += [rf"\{{x \mid {low} \le x < {high}\}}"]
    return ("interval", low, high), draw(st.sampled_from(ways))


@st.composite
def spelled_roots(draw) -> tuple[tuple, str]:
    """A multiple of a root or of pi, and one of the ways to write it."""
    factor, root = draw(st.integers(1, 4)), draw(st.sampled_from([2, 3, 5, None]))
    if root is None:
        ways = [rf"{factor}\pi", f"{factor}pi", f"{factor}π", rf"\pi \cdot {factor}"]
        ways += [rf"{factor * 180}\cdot\frac{{\pi}}{{180}}"]
    else:
        square = factor**2 * root
        ways = [rf"{factor}\sqrt{{{root}}}", f"{factor}√{root}", f"sqrt({square})", rf"{square}^{{1/2}}",
                rf"\frac{{{factor * root}}}{{\sqrt{root}}}"]  # fmt: skip
    return ("root", factor, root), draw(st.sampled_from(ways))


@st.composite
def spelled_symbols(draw) -> tuple[tuple, str]:
    """A multiple of a symbol or of a derivative, and one of the ways to write it."""
    factor = draw(st.integers(2, 4))
    symbols = {
        "E_1": ["E_1", "E_{1}", "E₁", r"E_{\text{1}}"],
        "E_2": ["E_2", "E_{ 2 }"],
        "gamma": [r"\gamma", "γ", "gamma"],
        "I R": ["I R", r"R \cdot I"],
        "sun": [r"M_\odot", r"M_{\odot}"],
        "dN/dt": [r"\frac{dN}{dt}", r"\dot{N}", r"\frac{d N}{d t}", "(dN/dt)", r"\dot N"],
        "d2N/dt2": [r"\frac{d^2N}{dt^2}", r"\ddot{N}", r"\frac{d^{2} N}{d t^{2}}"],
        "y'": ["y'", r"y^{\prime}", r"y^\prime"],
    }
    symbol = draw(st.sampled_from(sorted(symbols)))
    written = draw(st.sampled_from(symbols[symbol]))
    ways = ["{n} {s}", r"{n} \cdot {s}", r"\frac{{{twice}}}{{2}} {s}", "${n}*{s}$"]
    return ("symbol", factor, symbol), draw(st.sampled_from(ways)).format(n=factor, s=written, twice=2 * factor)


@st.composite
def spelled_equations(draw) -> tuple[tuple, str]:
    """A differential equation or an equation of two quantities, and one of the ways to write it."""
    factor = draw(st.integers(-3, 3).filter(bool))
    if draw(st.booleans()):
        ways = ["y' = {n}y", "{n} y = y^{{\\prime}}", "y' - ({n})y = 0", "2y'={twice}y"]
        return ("equation", factor), draw(st.sampled_from(ways)).format(n=factor, twice=2 * factor)
    first, second = draw(st.permutations(["MR", "SRMC", "LRAC"]))[:2]
    return ("quantities", *sorted([first, second])), f"{first} = {second}"


@st.composite
def spelled_words(draw) -> tuple[tuple, str]:
    """A word or a choice, and one of the ways to write it."""
    word = draw(st.sampled_from(["yes", "no", "Evelyn", "B", "C"]))
    ways = [word, f"**{word}**", rf"\text{{{word}}}", f"{word}."]
    ways += [f"({word})", rf"\textbf{{({word})}}"] if len(word) == 1 else [word.upper()]
    return ("word", word), draw(st.sampled_from(ways))


answers = st.one_of(
    spelled_numbers(),
    spelled_lists(),
    spelled_intervals(),
    spelled_roots(),
    spelled_symbols(),
    spelled_equations(),
    spelled_words(),
)
unreadable = st.sampled_from(["{", r"\frac{1}", "4 10/3", "a sentence that goes on for much longer than any name does"])

given_answers = st.lists(st.one_of(answers.map(lambda pair: pair[1]), unreadable, st.none()), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.lists(answers, min_size=2, max_size=6))
def test_answers_are_equal_exactly_where_they_mean_the_same(drawn):
    """Meaning is an equivalence, so agreement with it proves symmetry, transitivity and reflexivity."""
    pairs = list(itertools.product(drawn, repeat=2))
    verdicts = verify_answers([a for (_, a), _ in pairs], [b for _, (_, b) in pairs])
    for ((meaning, a), (other, b)), verdict in zip(pairs, verdicts, strict=True):
        assert verdict is (meaning == other), (a, b)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(answers.map(lambda pair: pair[1]), unreadable), min_size=3, max_size=6))
def test_any_answers_form_an_equivalence_and_groups_agree_with_verdicts(texts):
    pairs = list(itertools.product(range(len(texts)), repeat=2))
    asked = verify_answers([texts[i] for i, _ in pairs], [texts[j] for _, j in pairs])
    verdicts = dict(zip(pairs, asked, strict=True))
    for i, j in pairs:
        if verdicts[i, j] is not None and verdicts[j, i] is not None:
            assert verdicts[i, j] is verdicts[j, i]
        for k in range(len(texts)):
            if verdicts[i, j] and verdicts[j, k]:
                assert verdicts[i, k], (texts[i], texts[j], texts[k])
    groups = answer_groups(np.zeros(len(texts), int), texts)
    for i, j in pairs:
        if verdicts[i, j] is not None:
            assert verdicts[i, j] is bool(groups[i] == groups[j]), (texts[i], texts[j])


@settings(max_examples=60, deadline=None)
@given(answers, given_answers)
def test_with_the_reference_the_correct_answers_are_one_group(reference, texts):
    verdicts = verify_answers(texts, [reference[1]] * len(texts))
    groups = answer_groups(np.zeros(len(texts), int), texts, references=[reference[1]] * len(texts))
    correct = {int(group) for group, verdict in zip(groups, verdicts, strict=True) if verdict}
    wrong = {int(group) for group, verdict in zip(groups, verdicts, strict=True) if not verdict}
    assert len(correct) <= 1
    assert not correct & wrong


@settings(max_examples=60, deadline=None)
@given(unreadable, given_answers)
def test_an_unreadable_reference_decides_nothing_not_even_its_own_spelling(reference, texts):
    assert set(verify_answers([*texts, reference], [reference] * (len(texts) + 1))) == {None}


@settings(max_examples=60, deadline=None)
@given(answers, given_answers)
def test_a_readable_reference_decides_every_answer(reference, texts):
    assert None not in verify_answers(texts, [reference[1]] * len(texts))


def test_two_roundings_of_one_reference_are_one_group_only_where_it_is_known():
    texts = ["3.141593", "3.14159265", "3.1416"]
    assert verify_answers(texts, [r"\pi"] * 3) == [True, True, False]
    assert answer_groups(np.zeros(3, int), texts, references=[r"\pi"] * 3).tolist() == [0, 0, 1]
    assert answer_groups(np.zeros(4, int), [*texts, r"\pi"]).tolist() == [0, 0, 1, 0]


def test_a_reference_that_is_a_long_decimal_also_has_one_group():
    texts = [r"\pi", "3.141593", "3.14159265"]
    assert verify_answers(texts, ["3.14159265"] * 3) == [True] * 3
    assert answer_groups(np.zeros(3, int), texts, references=["3.14159265"] * 3).tolist() == [0, 0, 0]
    assert is_correct("3.14159265", "3.141592") is False

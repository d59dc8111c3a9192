"""Where a response states its answer, on hand-made responses in the styles of many models."""

from __future__ import annotations

import pytest

from laser_core.answers.verify import extract_answer, extract_answers, is_correct


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("x=9;5*9=45;45+7=52#9", "9"),
        ("x=9;5*9=45;45+7=52#9<eos>", "9"),
        ("x=-3;4*-3=-12#-3", "-3"),
        ("#7", "7"),
        ("x=9;5*9=45;45+7=52#", None),
        ("x=9;5*9=45;45+7", None),
        ("x=9#9;", None),
        (r"We get $\boxed{42}$.", "42"),
        (r"first \boxed{1}, no: \boxed{2}", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}} done", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\left\{ x \mid x > 0 \right\}}", r"\left\{ x \mid x > 0 \right\}"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed {7}", "7"),
        (r"\boxed{3} and then \boxed{unfinished", "3"),
        (r"\boxed{3} and then \boxed{}", "3"),
        (r"\boxed{}", None),
        (r"broken { brace \boxed{8}", "8"),
        (r"The domain is \boxed{[2,5)}", "[2,5)"),
        ("She earns 9 * 2 = 18.\n#### 18", "18"),
        ("so\n#### 1,234", "1,234"),
        ("so\n#### $18.50", "$18.50"),
        ("### Step 1\n#### Conclusion\nThe answer is 5.", "5"),
        ("#### Step 2: add\nthe answer is $\\frac{3}{4}$", r"\frac{3}{4}"),
        ("<think>2</think><answer> 12 </answer>", "12"),
        (r"<answer>\boxed{3}</answer>", "3"),
        ("-17", "-17"),
        ("The final answer is 3.14.", "3.14"),
        ("Evelyn", "Evelyn"),
        ("no", "no"),
        ("No solution.", "No solution."),
        ("nothing", None),
        ("It is 5", "5"),
        ("Not sure", None),
        ("I cannot solve this problem", None),
        ("Let me think about it.", None),
        ("The answer is a number we have to find. Then", None),
        ("", None),
        (None, None),
    ],
)
def test_extracts_the_stated_answer(response, answer):
    assert extract_answer(response) == answer


STATED = [
    # an explicit final answer after a box, and one that only explains it
    (r"\boxed{5} Wait, let me recheck. Final answer: 6", "6"),
    (r"\boxed{5}. The answer is the number of apples.", "5"),
    ("<think>\\boxed{3}</think>\nThe answer is 4.", "4"),
    ("\\boxed{3}\n<answer>4</answer>", "4"),
    # several boxes
    (r"The solutions are $\boxed{1}$ and $\boxed{-2}$.", "1,-2"),
    (r"The roots: $\boxed{2}$, $\boxed{3}$, and $\boxed{5}$.", "2,3,5"),
    ("it is 1,004, so \\boxed{004}.\n\n**Final Answer**\n\\boxed{004}", "4"),
    # phrases
    ("The answer is 72, in total, so this is what she earns.", "72"),
    ("Answer: m+n = 256+37 = 293", "293"),
    ("Answer: $m+n=5$", "5"),
    ("Final answer: 082", "82"),
    ("**Answer:** 12", "12"),
    ("**Answer**: 12", "12"),
    ("### Final Answer\n\n42", "42"),
    ("**Final Answer**: $x = 7$", "7"),
    ("**Final Answer:**\n\n$$\\frac{5}{6}$$", "5/6"),
    ("The answer is\n\\[ \\frac{1}{2} \\]", "1/2"),
    ("So 9 - 4 - 3 = 2 remain.\n\n---\n\nFinal Answer: **73**", "73"),
    (r"The final answer is: $\boxed{7}$. I hope it is correct.", "7"),
    ("Final Answer: The final answer is $42$. I hope it is correct.", "42"),
    ("The answer is 5, because 2+3=5.", "5"),
    (r"So the answer is $\frac{3}{4}$, as required.", "3/4"),
    ("The answer is therefore 12", "12"),
    ("The answer is $1$ or $2$.", "1,2"),
    ("Answer: x=1 or x=-2", "1,-2"),
    ("The answer is x^2 + 1.", "x^2+1"),
    ("The answer is sqrt(2).", r"\sqrt2"),
    ("Answer: 3.5e-7", "3.5e-7"),
    ("The answer is 1,234.", "1234"),
    ("The answer is 12 square meters.", "12"),
    ("The answer is 50%.", "50"),
    ("the answer is $2\\pi$ cm", r"2\pi"),
    ("The answer is -3 < x < 5.", "(-3,5)"),
    ("So the final answer is (2, 3].", "(2,3]"),
    ("The answer is 5 apples. This took 3 steps.", "5"),
    ("The answer is 2.5 × 10^3 J", "2500"),
    # letters and words
    ("The answer is $\\textbf{(B)}\\ 12$.", "B"),
    (r"Thus the answer is $\boxed{\textbf{(D) }24}$.", "D"),
    ("I choose option (C).", "C"),
    ("#### Evelyn", "Evelyn"),
    ("<answer>Evelyn</answer>", "Evelyn"),
    (r"so it is \boxed{A}", "A"),
    ("The answer is (B).", "B"),
    ("The correct answer is (C) 15.", "C"),
    ("The correct option is D", "D"),
    ("Answer: C", "C"),
    ("The answer is B: because", "B"),
    ("B", "B"),
    ("**B**", "B"),
    ("B)", "B"),
    ("Yes", "Yes"),
    ("The answer is Yes.", "Yes"),
    ("Answer: No, it is not.", "No"),
    ("Therefore she wins.\n\n**Answer: Evelyn**", "Evelyn"),
    ('The answer is "Evelyn".', "Evelyn"),
    (r"\boxed{\text{Evelyn}}", "Evelyn"),
    # prose
    ("Thus $x=3$ or $x=-2$.", "3,-2"),
    ("It takes 3 1/2 hours.", "3.5"),
    ("His profit is $200,000 - $130,000 = $70,000.", "70000"),
    ("It costs $5 and then $3, total $8", "8"),
    ("He earned $1,250.50 in total.", "1250.5"),
    ("so there are 12 apples left.", "12"),
    ("The probability is 1/6.", "1/6"),
    ("The sum is 3 + 4 = 7.", "7"),
    (r"Thus we get $x = \sqrt{2}$.", r"\sqrt{2}"),
    (r"The area is 12\pi.", r"12\pi"),
    ("Hence, x = 5.", "5"),
    ("A: 17", "17"),
    # Chinese and Japanese
    ("所以答案是 \\(42\\)。", "42"),
    ("因此答案为 $\\frac{1}{2}$。", "1/2"),
    ("答案：B", "B"),
    ("故选：C", "C"),
    ("最终答案：\\boxed{9}", "9"),
    ("所以小明一共有15个苹果。", "15"),
    ("答えは5です。", "5"),
    ("よって、答えは $x=3$ である。", "3"),
]


@pytest.mark.parametrize(("response", "reference"), STATED)
def test_the_extracted_answer_is_the_one_that_was_meant(response, reference):
    assert is_correct(extract_answer(response), reference) is True


def test_a_truncated_response_has_no_unmarked_answer():
    text = "First, 12 apples and 5 pears make 17 fruits. Then we"
    assert extract_answer(text, prose=True) is not None
    assert extract_answer(text, prose=False) is None
    assert extract_answer("The answer is 1", prose=False) is None  # the cut may have taken the other digits
    assert extract_answer(text + r" \boxed{17} and so", prose=False) == "17"


def test_many_responses_keep_their_order_and_report_progress():
    responses = [f"thus the answer is {i}" if i % 2 else rf"\boxed{{{i}}}" for i in range(40)]
    calls = []
    answers = extract_answers(responses, progress=lambda done, total: calls.append((done, total)))
    assert answers == [str(i) for i in range(40)] == [extract_answer(response) for response in responses]
    assert calls == [(i, 20) for i in range(1, 21)]  # the 20 without a mark


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" * 100_000,
        "{" * 1_000_000 + "\\boxed{1}",
        "#### " * 200_000,
        "<answer>" * 100_000,
        "$" * 500_000,
        "answer is " * 100_000,
        "答案是" * 100_000,
        r"\boxed{1}, " * 50_000,
        "1" * 500_000 + " apples",
        "answer" + " " * 500_000,
        " " * 500_000 + "<|x",
        r"\(" * 300_000,
    ],
)
@pytest.mark.timeout(60)
def test_hostile_responses_are_read_in_linear_time(text):
    extract_answer(text)

"""Filtering by a tag: its values, and text within it."""

from laser_core.analysis import RolloutFilter, matching_rows, tag_values
from laser_core.rollouts import Rollouts

LEVELS = ("easy", "hard", None, "Hardest", "hard")
ROLLOUTS = Rollouts.from_rows(
    [{"run": "r", "problem_id": "p", "sample": i, "response": "", "tag.level": x} for i, x in enumerate(LEVELS)]
)


def kept(**wanted) -> list[int]:
    return matching_rows(ROLLOUTS, RolloutFilter(tag="tag.level", **wanted)).tolist()


def test_values_are_whole_and_texts_are_within():
    assert kept() == [0, 1, 2, 3, 4]
    assert kept(tag_values=("hard",)) == [1, 4]
    assert kept(tag_values=("easy", "Hardest")) == [0, 3]
    assert kept(tag_text="HARD") == [1, 3, 4]


def test_a_tag_that_the_table_lacks_keeps_nothing():
    assert matching_rows(ROLLOUTS, RolloutFilter(tag="tag.no", tag_values=("hard",))).tolist() == []


def test_the_most_frequent_value_comes_first():
    assert tag_values(ROLLOUTS, "tag.level") == ["hard", "easy", "Hardest"]

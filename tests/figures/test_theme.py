"""The theme: every meaning is told apart by more than its colour, and foreign text stays text."""

import plotly.graph_objects as go
import pytest

from laser_core.figures import theme


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two hex colours."""

    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


@pytest.mark.parametrize("styles", [theme.OUTCOMES, theme.VOTES], ids=["outcomes", "votes"])
def test_meanings_drawn_together_differ_in_colour_dash_and_marker(styles):
    for attribute in ("name", "color", "dash", "symbol"):
        values = [getattr(style, attribute) for style in styles.values()]
        assert len(set(values)) == len(values), attribute


def test_runs_differ_in_colour_dash_and_marker():
    styles = [theme.run_style(name, i) for i, name in enumerate(["LaSeR", "GRPO", "Base", "mine", "yours", "theirs"])]
    for attribute in ("color", "dash", "symbol"):
        assert len({getattr(style, attribute) for style in styles}) == len(styles), attribute


def test_grpo_is_dashed_and_laser_solid():
    assert theme.run_style("my LaSeR run").dash == "solid"
    assert theme.run_style("grpo-seed3").dash == "dash"


@pytest.mark.parametrize("background", ["#FFFFFF", "#14151C"], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["CORRECT", "INCORRECT", "UNKNOWN", "WEIGHTED", "MAJORITY", "LASER"])
def test_lines_stand_out_from_both_pages(name, background):
    assert contrast(getattr(theme, name), background) >= 3.0  # WCAG 1.4.11, graphical objects


@pytest.mark.parametrize("scale", [theme.SCORE_SCALE, theme.LOGPROB_SCALE, theme.ENTROPY_SCALE])
def test_tokens_can_be_read_on_every_colour_of_a_heatmap(scale):
    assert all(contrast(theme.INK, color) >= 4.5 for _, color in scale)


def test_score_scale_diverges_around_its_middle_and_logprob_scale_runs_one_way():
    def grey(color: str) -> float:
        return contrast(color, "#000000")

    score = [grey(color) for _, color in theme.SCORE_SCALE]
    assert score[2] == max(score)
    assert score[0] < score[1] < score[2] > score[3] > score[4]
    logprob = [grey(color) for _, color in theme.LOGPROB_SCALE]
    assert logprob == sorted(logprob)  # nats rise from surprising (dark) to certain (pale)


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<a href='x'>y</a>", "&lt;a href='x'&gt;y&lt;/a&gt;"),
        ("a\u202eb", "a\\u202eb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("two\nlines", "two↵lines"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_foreign_text_is_shown_as_text(foreign, shown):
    assert theme.plain(foreign) == shown


def test_bands_leave_out_undefined_points_and_stay_in_line_order():
    fig = go.Figure()
    theme.add_band(fig, [1, 2, 3], [0.1, float("nan"), 0.3], [0.2, 0.5, 0.4], theme.VOTES["weighted"])
    assert list(fig.data[0].x) == [1, 3, 3, 1]
    assert list(fig.data[0].y) == [0.2, 0.4, 0.3, 0.1]


def test_on_a_slide_all_type_has_20_pixels_or_more_and_the_numbers_stay():
    fig = go.Figure()
    theme.add_line(fig, [1, 2], [0.1, 0.2], theme.VOTES["weighted"])
    theme.frame(fig, x="N", y="accuracy", height=400)
    theme.add_rule(fig, y=0.5, label="chance")
    fig.add_annotation(text="a label of its own", font={"size": 26})
    theme.enlarge(fig)
    axes = [fig.layout.xaxis, fig.layout.yaxis]
    sizes = [axis.tickfont.size for axis in axes] + [axis.title.font.size for axis in axes]
    sizes += [fig.layout.legend.font.size, fig.layout.hoverlabel.font.size]
    assert min(sizes) >= 20
    assert [note.font.size for note in fig.layout.annotations] == [20, 26]
    assert fig.data[0].line.width > 2.5
    assert fig.data[0].marker.size > 8
    assert fig.layout.height is None  # it fills the slide
    assert list(fig.data[0].y) == [0.1, 0.2]


def test_a_band_with_nothing_defined_is_not_drawn():
    fig = go.Figure()
    theme.add_band(fig, [1], [float("nan")], [1.0], theme.VOTES["weighted"])
    assert len(fig.data) == 0

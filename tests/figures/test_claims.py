"""The figure of claims: one axis a unit, names above their markers, where no line crosses them."""

from dataclasses import replace

import pytest

from laser_core.figures.claims import claims_figure, scale_of
from laser_core.figures.labels import symbols
from tests.figures.test_tables import CLAIM

NATS = replace(CLAIM, claim="log pi_ref(z_c) on the base's solutions, nats", value=-23.0, ci_low=-23.1, ci_high=-22.9)
GAIN = replace(CLAIM, claim="weighted - majority", signed=True)


@pytest.mark.parametrize(
    ("claim", "scale"),
    [
        (NATS, "nats"),
        (GAIN, "difference"),
        (CLAIM, "value"),
        (replace(CLAIM, claim="second forward pass / the score's decode step, seconds"), "ratio of times"),
        (replace(CLAIM, claim="base: different solutions of a problem's 32"), "number of solutions"),
    ],
)
def test_a_claim_is_drawn_on_the_axis_of_its_unit(claim, scale):
    assert scale_of(claim) == scale


def test_units_have_axes_of_their_own():
    fig = claims_figure([NATS, GAIN, CLAIM])
    titles = [axis.title.text for axis in (fig.layout.xaxis, fig.layout.xaxis2, fig.layout.xaxis3)]
    assert titles == ["nats", "difference", "value"]
    assert sum(bool(trace.showlegend) for trace in fig.data) == 1  # "holds", once for all panels


def test_the_line_at_zero_is_beside_markers_alone_and_never_crosses_a_name():
    fig = claims_figure([GAIN, replace(GAIN, claim="another difference")])
    reach = [(shape.y0, shape.y1) for shape in fig.layout.shapes]
    assert reach == [(31, 45), (-9, 5)]  # pixels; rows are 40 high, and a name begins 7 above its marker


def test_on_a_slide_names_are_beside_the_markers():
    fig = claims_figure([GAIN], beside=True)
    assert not fig.layout.annotations
    assert (fig.layout.yaxis.showticklabels, list(fig.layout.yaxis.ticktext)) == (True, ["weighted - majority"])


def test_names_are_written_with_greek_letters():
    assert "log π_ref(z_c)" in claims_figure([NATS]).layout.annotations[0].text
    assert symbols("beta_v = 0.1") == "β_v = 0.1"

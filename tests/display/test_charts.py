"""chart(): what the picture says, for those who see it and for those who hear it."""

import itertools
import math
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshop_lib import chart

CALLS = pd.DataFrame(
    {"Direct KMS": [2, 20, 2000], "Wrapped": [0, 0, 0], "Static": [0, 0, 0], "caching": [2, 2, 2]},
    index=pd.Index([1, 10, 1000], name="items"),
)


def svg(counts: pd.DataFrame = CALLS, title: str = "Calls to KMS") -> ElementTree.Element:
    shown = chart(counts, title)._repr_html_()
    return ElementTree.fromstring(shown[shown.index("<svg") : shown.index("</svg>") + 6])


def written(root: ElementTree.Element) -> dict[str, tuple[float, float]]:
    return {str(t.text): (float(t.get("x", "")), float(t.get("y", ""))) for t in root.iter("text")}


def test_lines_that_are_alike_share_one_label() -> None:
    texts = [text.text for text in svg().iter("text")]
    assert "Wrapped, Static" in texts
    assert {"Direct KMS", "caching", "Calls to KMS", "1", "10", "1,000", "2,000"} <= set(texts)
    assert len(list(svg().iter("polyline"))) == 3


def test_a_screen_reader_hears_every_number() -> None:
    assert svg().get("aria-label") == (
        "Calls to KMS. Direct KMS: 2 at 1, 20 at 10, 2,000 at 1,000. "
        "Wrapped, Static: 0 at 1, 0 at 10, 0 at 1,000. caching: 2 at 1, 2 at 10, 2 at 1,000."
    )
    assert svg().get("role") == "img"


def test_its_words_stand_apart_where_only_they_are_left() -> None:
    """JupyterLab drops the drawing, not the text, of a notebook it does not trust."""
    left = " ".join("".join(svg().itertext()).split())
    assert left.startswith("Calls to KMS 0 1 10 100 1,000 10,000 2 20 2,000 Direct KMS 0 0 0 ")
    assert left.endswith("1 10 1,000 items · both scales logarithmic, 0 below it")


def test_a_great_range_has_a_logarithmic_scale_with_its_powers_of_ten_evenly_apart() -> None:
    ticks = [t for t in svg().iter("text") if t.get("text-anchor") == "end"]
    assert [t.text for t in ticks] == ["0", "1", "10", "100", "1,000", "10,000"]
    zero, *heights = [float(t.get("y", "")) for t in ticks]
    step = (heights[0] - heights[-1]) / 4
    assert all(abs(a - b - step) <= 1 for a, b in itertools.pairwise(heights))
    assert zero - heights[0] >= 20
    spots = [float(circle.get("cy", "")) for circle in svg().iter("circle")]
    assert abs((spots[0] - spots[1]) - step) < 1.5  # from 2 to 20 is one power of ten


def test_a_small_range_has_a_linear_scale_from_0() -> None:
    root = svg(pd.DataFrame({"a": [2, 4, 6]}, index=pd.Index([1, 2, 3], name="objects")))
    first, second, third = (float(circle.get("cy", "")) for circle in root.iter("circle"))
    assert abs((first - second) - (second - third)) < 0.1
    assert "objects" in written(root)
    assert {"0", "1", "2", "3", "4", "5", "6"} <= set(written(root))
    one, two, three = (float(circle.get("cx", "")) for circle in root.iter("circle"))
    assert abs((two - one) - (three - two)) < 0.1


def test_points_stand_where_their_numbers_are() -> None:
    root = svg(pd.DataFrame({"a": [1, 1, 1]}, index=[1, 10, 1000]))
    one, ten, thousand = (float(circle.get("cx", "")) for circle in root.iter("circle"))
    assert abs((thousand - one) - 3 * (ten - one)) < 0.2


@settings(max_examples=50)
@given(
    st.lists(
        st.lists(st.integers(0, 10**6), min_size=4, max_size=4), min_size=1, max_size=5,
        unique_by=tuple,
    ),
    st.lists(st.integers(1, 10**6), min_size=4, max_size=4, unique=True),
)  # fmt: skip
def test_no_number_lies_on_another(lines: list[list[int]], points: list[int]) -> None:
    frame = pd.DataFrame({f"line {n}": line for n, line in enumerate(lines)}, index=sorted(points))
    boxes = [
        (float(t.get("x", "")), float(t.get("y", "")), 7.6 * len(t.text or ""))
        for t in svg(frame).iter("text")
        if t.get("text-anchor") == "middle"
    ]
    for (x, y, wide), (x2, y2, wide2) in itertools.combinations(boxes, 2):
        assert abs(x - x2) >= (wide + wide2) / 2 or abs(y - y2) >= 14


def test_no_line_is_told_by_colour_alone() -> None:
    dashes = [line.get("stroke-dasharray") for line in svg().iter("polyline")]
    assert len(set(dashes)) == len(dashes)


def test_as_text_it_says_what_it_is() -> None:
    assert repr(chart(CALLS, "Calls to KMS")) == (
        "Calls to KMS: a chart of Direct KMS, Wrapped, Static, caching"
    )


def test_markup_in_a_name_stays_text() -> None:
    counts = pd.DataFrame({"<b>&": [1.5]}, index=["a & b"])
    assert svg(counts, '"<i>').get("aria-label") == '"<i>. <b>&: 1.5 at a & b.'


@settings(max_examples=50)
@given(
    st.lists(
        st.lists(st.floats(0, 1e9), min_size=3, max_size=3), min_size=1, max_size=6, unique_by=tuple
    )
)
def test_labels_never_lie_on_each_other_and_greater_is_higher(lines: list[list[float]]) -> None:
    counts = pd.DataFrame({f"line {n}": line for n, line in enumerate(lines)}, index=[1, 2, 3])
    root = svg(counts)
    labels = [t for t in root.iter("text") if (t.text or "").startswith("line ")]
    heights = sorted(float(label.get("y", "nan")) for label in labels)
    assert all(b - a >= 19 for a, b in itertools.pairwise(heights))
    assert heights[-1] < float(root.get("viewBox", "").split()[-1])
    spots = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in root.iter("circle")]
    values = [value for line in lines for value in line]
    by_value = [y for _, (_, y) in sorted(zip(values, spots, strict=True))]
    assert by_value == sorted(by_value, reverse=True)


@pytest.mark.parametrize("value", [-1, math.inf, math.nan])
def test_what_is_no_count_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no count"):
        chart(pd.DataFrame({"a": [value]}), "Calls")


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        chart(pd.DataFrame(), "Calls")

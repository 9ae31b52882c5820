"""The course's colours, chips and cards: words that stand without them, and contrast with them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.display.style import CARDS, CHIPS, card, chip, marked_up, page, plain, sheet

COLOURS = dict(re.findall(r"(--course-[\w-]+): light-dark\((#\w+,#\w+)\)", sheet()))
# ink on the grounds it stands on, for text; lines against what is beside them
TEXT = [
    *[(ink, ground) for ink in ("ink", "dim") for ground in ("page", "card")],
    ("open-ink", "open"),
    ("shut-ink", "shut"),
    ("shut-ink", "shut-hatch"),
    ("yes-ink", "yes"),
    ("no-ink", "no"),
    ("mark", "mark-page"),
]
LINES = [(f"{name}-line", "page") for name in ("open", "shut", "yes", "no")] + [("mark", "card")]


def brightness(colour: str) -> float:
    """Relative luminance (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    dark, light = sorted(map(brightness, (first, second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_ink_can_be_read_on_its_ground_and_every_line_be_seen(theme: int) -> None:
    shade = {name[9:]: pair.split(",")[theme] for name, pair in COLOURS.items()}
    for ink, ground in TEXT:
        assert contrast(shade[ink], shade[ground]) >= 4.5, (ink, ground)
    for line, ground in LINES:
        assert contrast(shade[line], shade[ground]) >= 3, (line, ground)


def test_a_used_colour_is_a_defined_one() -> None:
    used = set(re.findall(r"var\((--course-[\w-]+)\)", sheet()))
    assert used <= set(re.findall(r"(--course-[\w-]+):", sheet()))


@pytest.mark.parametrize("kind", CHIPS)
def test_a_chip_says_its_word_and_has_its_rule(kind: str) -> None:
    assert str(chip(kind)) == kind
    assert str(chip(kind, "a <word>")) == "a <word>"
    assert chip(kind, "a <word>").html == (
        f'<span class="course-chip {kind}">a &lt;word&gt;</span>'
    )
    assert kind == "neutral" or f".course-chip.{kind}" in sheet()


@pytest.mark.parametrize("kind", CARDS)
def test_a_card_says_the_same_words_as_text_and_as_html(kind: str) -> None:
    made = card(
        kind, "the title", "A `kms:Decrypt` < b.", where="S3 · GetObject", points=["a point"],
        folded=[("AWS's own words", "Access Denied")],
    )  # fmt: skip
    words = re.sub(r"<style>.*</style>|<[^>]+>", " ", made._repr_html_(), flags=re.DOTALL)
    for word in (*CARDS[kind], "the title", "GetObject", "a point", "Access Denied"):
        assert word in words
        assert word in repr(made)
    assert "<code>kms:Decrypt</code> &lt; b." in made.html
    assert "  A kms:Decrypt < b." in repr(made).splitlines()
    assert made.html.count("<details>") == 1
    assert " id=" not in made._repr_html_()


def test_what_is_folded_is_closed_and_headed_by_its_summary() -> None:
    html = card("note", "n", folded=[("first", "1"), ("second", "2")]).html
    assert re.findall(r"<details><summary>(\w+)", html) == ["first", "second"]


def test_a_kind_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="no kind 'redable'"):
        chip("redable")
    with pytest.raises(ValueError, match="no kind 'denied'"):
        card("denied")


def test_a_page_has_the_style_sheet_once_and_no_comment_of_it() -> None:
    shown = page(chip("readable").html + card("done").html)
    assert shown.count("<style>") == 1
    assert "/*" not in shown
    assert sheet().count("{") == sheet().count("}")


@given(st.text(alphabet="ab `*<&"))
def test_marks_come_and_go_without_a_trace(text: str) -> None:
    assert re.sub(r"</?(code|strong)>", "", marked_up(text)).count("<") == 0
    if not set(text) & set("`*"):
        assert plain(text) == text


def test_what_code_marks_is_left_as_it_stands() -> None:
    assert plain("`s3:*` and **bold**") == "s3:* and bold"
    assert marked_up("`a` **b**") == "<code>a</code> <strong>b</strong>"
    assert plain("an open ` stays") == "an open ` stays"

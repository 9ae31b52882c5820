"""The house style: what tables show, the same in every run, in any terminal, in any theme."""

from __future__ import annotations

import html
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import IPython
import pandas as pd
import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

from workshop_lib.display.formatting import RANDOM_BYTES, as_text, show_bytes, show_text
from workshop_lib.display.frame import Table
from workshop_lib.display.tables import adopt_frames, table

ROWS = [
    {"call": "Encrypt", "count": 12345, "cost": 0.03, "plaintext readable": True},
    {"call": "PutItem", "count": 3, "cost": None, "plaintext readable": False},
]


class Cells(HTMLParser):
    """Collect the text of every cell, and every tag with its attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _ in self.tags]
        if self.rows and self.rows[-1] and inside[-1] in ("td", "th", "span"):
            self.rows[-1][-1] += data.strip("\n")


def test_text_has_caption_header_and_every_word() -> None:
    assert repr(table(ROWS, caption="Calls")).splitlines() == [
        "Calls",
        "call      count  cost  plaintext readable",
        "-------  ------  ----  ------------------",
        "Encrypt  12,345  0.03  yes",
        "PutItem       3        no",
    ]


def test_html_holds_the_same_words_with_marks_that_are_no_colour() -> None:
    cells = Cells(table(ROWS, caption="Calls")._repr_html_())
    assert cells.rows == [
        ["call", "count", "cost", "plaintext readable"],
        ["Encrypt", "12,345", "0.03", "● yes"],
        ["PutItem", "3", "", "○ no"],
    ]
    scopes = [attrs.get("scope") for tag, attrs in cells.tags if tag == "th"]
    assert scopes == ["col"] * 4 + ["row"] * 2
    assert ("span", {"aria-hidden": "true"}) in cells.tags
    assert not any("id" in attrs for _, attrs in cells.tags)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("readable", "readable"),
        ("readable: body (card)", "readable"),
        ("plaintext", "readable"),
        ("encrypted", "encrypted"),
        ("ciphertext", "encrypted"),
        ("partly: city", "partly"),
        ("allowed", "allowed"),
        ("refused: AccessDenied", "refused"),
        ("✕ refused (403)", "refused"),
        ("✓ KMS, asked by the client", "allowed"),
        ("✕ nobody", "refused"),
        ("✓nobody", None),
        ("readable by everybody", None),
        ("encrypted under your key", None),
        ("not readable", None),
        ("Refused", None),
    ],
)
def test_a_word_of_the_course_is_a_chip_wherever_it_begins_a_cell(
    cell: str, kind: str | None
) -> None:
    source = table([{"row": "a", "what": cell}])._repr_html_().split("</style>")[1]
    chips = re.findall(r'<span class="course-chip (\w+)">([^<]*)</span>', source)
    assert chips == ([(kind, cell)] if kind else [])
    assert cell in source


def test_a_wide_table_names_its_column_in_each_cell_for_a_narrow_page() -> None:
    source = table([{"a": 1, "b <": True, "sent": "x", "d": "readable"}])._repr_html_()
    assert '<table class="course-table wide">' in source
    assert re.findall(r'data-label="([^"]*)"', source) == ["b &lt;", "sent", "d"]
    assert "wide" not in table(ROWS[:1], columns=["call"])._repr_html_().split("</style>")[1]


def test_boto3_s_binary_shows_as_bytes_in_a_frame_of_the_learner_s_own() -> None:
    frame = pd.DataFrame([{"id": "a", "card": Binary(b"\x00\xff")}, {"id": "b", "card": None}])
    shown = Table(frame)
    assert repr(shown).splitlines()[2].endswith("  2 bytes: 00 ff")
    assert "2 bytes: 00 ff" in shown._repr_html_()


@pytest.mark.parametrize("word", ["<script>alert(1)</script>", '"&<b>', "a & b"])
def test_everything_is_escaped(word: str) -> None:
    frame = table([{word: word, "sent": word, "other": word}], caption=word)
    source = frame._repr_html_()
    assert word not in source
    assert source.replace("<wbr>", "").count(html.escape(word)) == 5


def test_every_cell_says_itself_that_it_is_aligned_to_the_left_unless_it_is_a_number() -> None:
    """JupyterLab aligns to the right where it drops the style sheet: in an untrusted notebook."""
    source = table([{"a": "x", "sent": "y", "ok": True, "n": 1}], caption="c")._repr_html_()
    cells = re.findall(r"<(?:td|th|caption)\b[^>]*>", source)
    assert len(cells) == 9
    for cell in cells:
        assert ('style="text-align:left"' in cell) != ('class="number"' in cell), cell


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        (
            "arn:aws:kms:us-east-1:1:key/1",
            ["arn:", "aws:", "kms:", "us-east-1:", "1:", "key/", "1"],
        ),
        ("DisabledException", ["Disabled", "Exception"]),
        ("ENCRYPT_AND_SIGN", ["ENCRYPT_", "AND_", "SIGN"]),
        ("fas.s3.amazonaws.com", ["fas.", "s3.", "amazonaws.", "com"]),
        ("https://aws.example/?a=&b", ["https://", "aws.", "example/?a=&amp;b"]),
        ("GenerateDataKey", ["GenerateDataKey"]),
    ],
)
def test_a_long_word_is_broken_between_its_parts(word: str, parts: list[str]) -> None:
    source = table([{"row": 1, "word": word}])._repr_html_()
    assert f'text-align:left">{"<wbr>".join(parts)}</td>' in source


def test_text_does_not_depend_on_terminal_or_pandas_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = table([{"a": "x" * 300, "b": "y" * 300}])
    before = repr(frame)
    monkeypatch.setenv("COLUMNS", "20")
    with pd.option_context("display.width", 20, "display.max_colwidth", 5, "display.max_rows", 1):
        assert repr(frame) == before
    assert "x" * 300 + "  " + "y" * 300 in before


def test_slices_filters_and_joins_are_tables_that_keep_their_caption() -> None:
    frame = table(ROWS, caption="Calls", code=["call"])
    for part in (frame[frame["count"] > 5], frame[["call", "cost"]], frame.head(1), frame.copy()):
        assert type(part) is type(frame)
        assert (part.caption, part.code_columns) == ("Calls", frozenset({"call"}))
    assert type(pd.concat([frame, frame])) is type(frame)
    assert isinstance(frame["count"], pd.Series)
    assert pickle.loads(pickle.dumps(frame)).caption == "Calls"


def test_a_filtered_table_shows_no_row_numbers_but_a_named_index_is_shown() -> None:
    frame = table(ROWS)
    assert repr(frame[frame["count"] == 3]).splitlines()[-1].startswith("PutItem")
    named = frame.set_index("call")[["count"]]
    assert repr(named).splitlines()[0].split() == ["call", "count"]
    assert '<th scope="row" style="text-align:left">Encrypt</th>' in named._repr_html_()


def test_the_corner_above_labels_without_a_name_is_no_heading() -> None:
    """https://dequeuniversity.com/rules/axe/4.10/empty-table-header"""
    for frame in (table([{"n": 1}]).set_index(pd.Index(["a"])), table([], columns=["", "n"])):
        shown = frame._repr_html_()
        assert shown.count('<th scope="col"') == 1
        assert "></th>" not in shown


def test_an_empty_table_says_so_and_keeps_its_columns() -> None:
    frame = table([], columns=["a", "b"])
    assert repr(frame).splitlines() == ["a  b", "-  -", "(no rows)"]
    assert "(no rows)" in frame._repr_html_()
    assert repr(table([])) == "(no rows)"


def test_a_long_table_is_cut_and_says_how_much_is_left_out() -> None:
    frame = table([{"n": n} for n in range(1100)])
    assert repr(frame).endswith("… and 1,000 more rows")
    assert frame._repr_html_().count("<tr>") == 1 + 100 + 1


def test_wide_and_combining_characters_stay_aligned() -> None:
    lines = repr(table([{"a": "鍵", "b": 1}, {"a": "e\u0301", "b": 2}])).splitlines()
    assert lines[2:] == ["鍵  1", "e\u0301   2"]


def test_labels_of_the_columns_name_the_corner_and_small_amounts_are_written_out() -> None:
    costs = Table({1: [2], 1000: [0.000006]}).rename_axis(columns="items")
    costs.index = pd.Index(["caching"])
    assert repr(costs).splitlines() == [
        "items    1     1,000",
        "-------  -  --------",
        "caching  2  0.000006",
    ]


def test_every_frame_of_a_kernel_is_shown_in_the_house_style(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    formatter = DisplayFormatter()
    shell = SimpleNamespace(display_formatter=formatter)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    adopt_frames()
    frame = table(ROWS)
    shown, _ = formatter.format(pd.DataFrame(ROWS))
    assert shown == {"text/plain": repr(frame), "text/html": frame._repr_html_()}
    shown, _ = formatter.format(table(ROWS, caption="Calls"))
    assert shown["text/plain"].startswith("Calls")


def test_a_column_may_be_called_like_a_property() -> None:
    frame = table([{"caption": "x", "code_columns": "y"}], caption="Title")
    assert frame.caption == "Title"
    assert list(frame["caption"]) == ["x"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"", "0 bytes"),
        (b"\x00", "1 byte: 00"),
        (bytes(range(8)), "8 bytes: 00 01 02 03 04 05 06 07"),
        (bytes(range(9)), "9 bytes: 00 01 02 03 04 05 06 07 …"),
        (b"\xff" * 1234, "1,234 bytes: ff ff ff ff ff ff ff ff …"),
        (b"card 4111 1111 1111 1111", '24 bytes: "card 4111 1111 1111 1111"'),
        ("Zoë".encode(), '4 bytes: "Zoë"'),
        (b"a" * 100, f'100 bytes: "{"a" * 48}…"'),
        (b'say "hi"\n', '9 bytes: "say \\"hi\\"\\n"'),
    ],
)
def test_bytes_have_one_format(value: bytes, shown: str) -> None:
    assert show_bytes(value) == shown


def test_nothing_hides_in_a_text() -> None:
    assert show_text("a\u202eb\u200b\x00") == '"a\\u202eb\\u200b\\u0000"'
    assert show_text("\U000e0041") == '"\\U000e0041"'
    assert show_text("x" * 5000) == f'"{"x" * 48}…" (5,000 characters)'


@given(st.text())
def test_any_text_stays_on_one_line_in_quotes(text: str) -> None:
    shown = show_text(text)
    assert shown.startswith('"')
    assert shown.splitlines() == [shown]
    assert shown.split(" (")[0].isprintable()


@given(st.binary(min_size=1, max_size=80))
def test_the_sanitizer_hides_random_bytes_and_keeps_their_length(value: bytes) -> None:
    value = b"\xff" + value
    other = b"\xfe" + bytes(reversed(value[1:]))
    clean = [re.sub(RANDOM_BYTES, r"\1??", f"[{show_bytes(v)}]") for v in (value, other)]
    assert clean[0] == clean[1]
    longer = re.sub(RANDOM_BYTES, r"\1??", f"[{show_bytes(value + b'x')}]")
    assert longer != clean[0]


@given(st.text(alphabet="0123456789abcdef ", min_size=1))
def test_the_sanitizer_leaves_readable_text_alone(text: str) -> None:
    shown = show_bytes(text.encode())
    assert re.sub(RANDOM_BYTES, r"\1??", shown) == shown


@given(st.binary())
def test_text_is_what_decodes_to_printable_characters(value: bytes) -> None:
    text = as_text(value)
    assert text is None or text.encode() == value
    if value and all(32 <= byte < 127 for byte in value):
        assert text is not None


def test_pandas_is_not_imported_before_the_first_table() -> None:
    check = (
        "import sys, types; p = types.ModuleType('workshop_lib'); p.__path__ = [sys.argv[1]];"
        "sys.modules['workshop_lib'] = p\n"
        "import workshop_lib.lenses.compare, workshop_lib.display.tables as t\n"
        "from workshop_lib.display.formatting import show_bytes\n"
        "show_bytes(b'x'); assert 'pandas' not in sys.modules\n"
        "t.table([]); assert 'pandas' in sys.modules and t.Table.__name__ == 'Table'"
    )
    root = Path(sys.modules["workshop_lib"].__file__ or "").parent
    done = subprocess.run([sys.executable, "-c", check, root], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_dict_is_a_small_table_whose_rows_are_named_by_their_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    formatter = DisplayFormatter()
    monkeypatch.setattr(
        IPython, "get_ipython", lambda: SimpleNamespace(display_formatter=formatter)
    )
    adopt_frames()
    answer = {
        "Rules": [{"SSEAlgorithm": "aws:kms", "Blocked": ["SSE-C", "x"]}, {"On": False}],
        "blob": b"\x00",
        "count": 2,
        "names": {"b", "a"},
        "empty": {},
    }
    shown, _ = formatter.format(answer)
    assert shown["text/plain"].startswith("{")
    assert Cells(shown["text/html"].replace("<wbr>", "")).rows[1:] == [
        ["Rules[0].SSEAlgorithm", "aws:kms"],
        ["Rules[0].Blocked", "SSE-C, x"],
        ["Rules[1].On", "○ no"],
        ["blob", "1 byte: 00"],
        ["count", "2"],
        ["names", "a, b"],
        ["empty", "{}"],
    ]
    assert "text/html" not in formatter.format({})[0]

"""compare(): the three views side by side, and an honest answer to who can read what.

The DynamoDB types and their forms are those of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.response import StreamingBody
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workshop_lib.lenses.attribute_values import CannotCompare
from workshop_lib.lenses.compare import READABLE, compare

CARD = "4111 1111 1111 1111"
TYPES = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}
ITEM: dict[str, Any] = {
    "id": "order-1001",
    "amount": Decimal("129.50"),
    "photo": b"\xff\xd8\x00\x01",
    "paid": True,
    "coupon": None,
    "lines": ["pen", Decimal(3), [None]],
    "address": {"city": "Berlin", "zip": "10115"},
    "tags": {"gift", "express"},
    "sizes": {Decimal(10), Decimal("2.5"), Decimal(1)},
    "blobs": {b"ab\xff", b"\x00"},
}


def ciphertext(seed: object, size: int = 48) -> bytes:
    """Bytes as unlike any plaintext as real ciphertext, and the same in every run."""
    return hashlib.shake_256(repr(seed).encode()).digest(size)


def as_json(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def answer(sent: Any, stored: Any) -> str:
    """Whether one attribute, `a`, can be read without the key."""
    return str(compare({"a": sent}, {"a": stored})[READABLE][0])


# --- any item at all ---

numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6
)
scalars = st.one_of(st.text(max_size=40), numbers, st.binary(max_size=40), st.booleans(), st.none())
sets = st.one_of(
    st.sets(st.text(max_size=10), min_size=1, max_size=4),
    st.sets(numbers, min_size=1, max_size=4),
    st.sets(st.binary(max_size=10), min_size=1, max_size=4),
)
names = st.text(min_size=1, max_size=12)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
items = st.dictionaries(names, values, max_size=6).filter(
    lambda item: not any(isinstance(v, dict) and set(v) & TYPES for v in item.values())
)
anything = settings(suppress_health_check=[HealthCheck.too_slow])


@anything
@given(items)
def test_what_is_stored_as_sent_is_readable(item: dict[str, Any]) -> None:
    frame = compare(item, item, item)
    assert list(frame["attribute"]) == list(item)
    assert set(frame[READABLE]) <= {"readable"}
    assert list(frame["sent"]) == list(frame["stored"]) == list(frame["read back"])


@anything
@given(items, st.integers())
def test_ciphertext_is_never_taken_for_what_was_sent(item: dict[str, Any], seed: int) -> None:
    stored = {name: ciphertext((seed, name)) for name in item}
    assert set(compare(item, stored)[READABLE]) <= {"encrypted"}
    text = {name: base64.b64encode(value).decode() for name, value in stored.items()}
    assert set(compare(item, text)[READABLE]) <= {"encrypted", "other value"}


@anything
@given(items)
def test_both_forms_of_an_item_give_the_same_table(item: dict[str, Any]) -> None:
    other = as_json(item)
    python = {name: TypeDeserializer().deserialize(value) for name, value in other.items()}
    expected = compare(item, item, item)
    for views in ((other, other, other), (item, other, python), (python, item, other)):
        frame = compare(*views)
        assert repr(frame) == repr(expected)
        assert frame._repr_html_() == expected._repr_html_()


@anything
@given(items, items)
def test_two_different_items_never_fail_and_the_html_is_stable(
    sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    first = compare(sent, stored, sent, actions={}, method="none")
    assert (
        first._repr_html_() == compare(sent, stored, sent, actions={}, method="none")._repr_html_()
    )
    assert set(first["attribute"]) == set(sent) | set(stored)
    assert len(first) == len(set(sent) | set(stored))


# --- the columns ---


def test_columns_and_order() -> None:
    frame = compare({"b": "x", "a": "y"}, {"z": "1", "c": "2", "a": "y", "b": "x"}, {"a": "y"})
    assert list(frame.columns) == ["attribute", READABLE, "type", "sent", "stored", "read back"]
    assert list(frame["attribute"]) == ["b", "a", "c", "z"]
    assert list(frame["read back"]) == ["absent", '"y"', "absent", "absent"]
    assert list(frame["sent"])[2:] == ["absent", "absent"]
    assert "read back" not in compare({}, {}).columns


def test_every_type_is_shown_in_words_that_tell_it_from_the_others() -> None:
    frame = compare(ITEM, ITEM).set_index("attribute")
    assert frame["type"].to_dict() == {
        "id": "S", "amount": "N", "photo": "B", "paid": "BOOL", "coupon": "NULL", "lines": "L",
        "address": "M", "tags": "SS", "sizes": "NS", "blobs": "BS",
    }  # fmt: skip
    assert frame["sent"].to_dict() == {
        "id": '"order-1001"',
        "amount": "129.50",
        "photo": "4 bytes: ff d8 00 01",
        "paid": "true",
        "coupon": "null",
        "lines": '["pen", 3, [null]]',
        "address": '{"city": "Berlin", "zip": "10115"}',
        "tags": 'set("express", "gift")',
        "sizes": "set(1, 2.5, 10)",
        "blobs": "set(1 byte: 00, 3 bytes: 61 62 ff)",
    }


@pytest.mark.parametrize(
    ("empty", "shown"), [("", '""'), (b"", "0 bytes"), ([], "[]"), ({}, "{}"), (set(), "set()")]
)
def test_what_is_empty_is_shown_and_not_found_in_ciphertext(empty: Any, shown: str) -> None:
    assert list(compare({"a": empty}, {"a": empty})["sent"]) == [shown]
    assert answer(empty, ciphertext(1)) == "encrypted"
    assert answer(empty, empty) == "readable"


def test_an_attribute_that_became_ciphertext_shows_both_types() -> None:
    frame = compare({"a": "secret", "b": b"raw"}, {"a": ciphertext(1), "b": ciphertext(2)})
    assert list(frame["type"]) == ["S → B", "B"]


def test_long_values_are_cut_where_they_can_be_told_from_short_ones() -> None:
    shown = compare({"a": [ciphertext(n) for n in range(50)]}, {})["sent"][0]
    assert shown.endswith(" …, … 50 in all]")
    assert len(shown) < 160


def test_actions_are_named_and_only_what_was_sent_has_one() -> None:
    class Action(Enum):
        SIGN_ONLY = 1

    class Actions:
        def action(self, name: str) -> Action:
            return Action.SIGN_ONLY

    stored = {"id": "1", "*amzn-ddb-map-sig*": ciphertext(1), "*amzn-ddb-map-desc*": b"\0", "x": 1}
    for actions in (Actions(), {"id": Action.SIGN_ONLY}, {"id": "SIGN_ONLY"}):
        frame = compare({"id": "1"}, stored, actions=actions)
        assert frame.set_index("attribute")["action"].to_dict() == {
            "id": "SIGN_ONLY",
            "*amzn-ddb-map-sig*": "added: signature",
            "*amzn-ddb-map-desc*": "added: material description",
            "x": "",
        }
    assert "action" not in compare({"id": "1"}, stored).columns


def test_the_caption_names_the_vantage_and_the_column_names_stay() -> None:
    api, disk = compare({}, {}), compare({}, {}, {}, vantage="disk (model)", caption="One order.")
    assert api.caption == "Sent and stored. Stored as seen through: plain API."
    assert disk.caption == "One order. Stored as seen through: disk (model)."
    assert "stored" in disk.columns


def test_dynamodb_normalises_numbers_and_that_is_no_difference() -> None:
    frame = compare({"a": Decimal("129.50")}, {"a": {"N": "129.5"}})
    assert list(frame.loc[0]) == ["a", "readable", "N", "129.50", "129.5"]
    assert answer({Decimal("1.0")}, {"NS": ["1"]}) == "readable"


def test_a_map_that_only_looks_like_a_type_stays_a_map() -> None:
    frame = compare({"a": {"M": {"b": 1}}}, {"a": {"N": "twelve"}})
    assert list(frame["type"]) == ["M"]
    assert compare({"a": {"S": "x"}, "b": 1}, {})["sent"][0] == '{"S": "x"}'


def test_boto3_forms_of_binary_are_one() -> None:
    forms = [b"\xff", bytearray(b"\xff"), memoryview(b"\xff"), Binary(b"\xff"), {"B": b"\xff"}]
    assert len({repr(compare({"a": form}, {"a": form})) for form in forms}) == 1


def test_get_item_responses_are_opened() -> None:
    response = {"Item": {"a": {"S": "x"}}, "ResponseMetadata": {"HTTPStatusCode": 200}}
    assert list(compare({"a": "x"}, response)[READABLE]) == ["readable"]
    assert list(compare({"a": "x"}, {"ResponseMetadata": {}})[READABLE]) == ["absent"]
    with pytest.raises(CannotCompare, match=r'response\["Items"\]\[0\]'):
        compare({"a": "x"}, {"Items": [], "ResponseMetadata": {}})


# --- can it be read? ---


@pytest.mark.parametrize(
    ("sent", "stored", "expected"),
    [
        ("4111 1111 1111 1111", b"4111 1111 1111 1111", "readable"),
        ("4111 1111 1111 1111", ciphertext(1) + b"4111 1111 1111 1111" + ciphertext(2), "readable"),
        ("4111 1111 1111 1111", "NDExMSAxMTExIDExMTEgMTExMQ==", "readable, as base64"),
        ("4111 1111 1111 1111", "NDExMSAxMTEx\nIDExMTEgMTExMQ", "readable, as base64"),
        ("4111 1111 1111 1111", '{"c": "NDExMSAxMTExIDExMTEgMTExMQ=="}', "readable, as base64"),
        ("4111 1111 1111 1111", b"4111 1111 1111 1111".hex(), "readable, as hex"),
        (b"\xfb\xff\xfe\x00\x01\x02", "-__-AAEC", "readable, as base64"),
        (CARD, base64.b64encode(base64.b64encode(CARD.encode())), "readable, as base64"),
        (CARD, b"\xff\x00" + base64.b64encode(b"x" + CARD.encode()), "readable, as base64"),
        ("Zoë Müller", '{"name": "Zo\\u00eb M\\u00fcller"}', "readable"),
        ("Zoë & Müller", "name=Zo%C3%AB+%26+M%C3%BCller", "readable"),
        ("Zoë & Müller", "<name>Zoë &amp; Müller</name>", "readable"),
        ("Berlin", b"\xff" * 300_000 + b" Berlin " + ciphertext(1), "readable"),
        (Decimal("1234.5"), "91234.56", "other value"),
        ("decade", "e" + "decade".join(["0f", "1a"]) + "d", "other value"),
        ("=", base64.b64encode(ciphertext(1, 49)).decode(), "encrypted"),
        (Decimal("4111111111111111"), "4111111111111111", "readable"),
        ("42", Decimal(42), "readable"),
        ("cat", "my cat, my dog", "readable"),
        ("cat", "concatenate", "other value"),
        (1, "1.50", "other value"),
        (5, 6, "other value"),
        (True, False, "other value"),
        ("Berlin", "Paris", "other value"),
        ("Berlin", "", "other value"),
        ("4111 1111 1111 1111", "**** **** **** 1111", "partly"),
        (b"A" * 30 + ciphertext(3), b"A" * 30 + ciphertext(4), "partly"),
        (None, ciphertext(1), "encrypted"),
        (True, b"\x01" + ciphertext(1), "encrypted"),
        (1, b"1" + ciphertext(1), "encrypted"),
        ("x", b"x" + ciphertext(1), "encrypted"),
        ("secret", base64.b64encode(ciphertext(1)).decode(), "encrypted"),
        ("secret", ciphertext(1).hex(), "encrypted"),
    ],
)
def test_one_value(sent: Any, stored: Any, expected: str) -> None:
    assert answer(sent, stored) == expected


@pytest.mark.parametrize(
    ("sent", "stored", "expected"),
    [
        (
            {"city": "Berlin", "zip": 10115},
            {"city": "Berlin", "zip": ciphertext(1)},
            "partly: city",
        ),
        (["pen", "ink"], [ciphertext(1), "ink"], "partly: [1]"),
        (["pen", "ink"], ["ink", "pen"], "readable"),
        ({"a": {"b": True, "c": [1]}}, {"a": {"b": ciphertext(1), "c": [1]}}, "partly: a.c[0]"),
        ({"gift", "express"}, {"gift", "other"}, 'partly: "gift"'),
        (
            dict.fromkeys("abcde", "open") | {"f": "shut"},
            dict.fromkeys("abcde", "open") | {"f": ciphertext(1)},
            "partly: a, b, c and 2 more",
        ),
        ({"city": "Berlin"}, ciphertext(1), "encrypted"),
        ({"city": "Berlin"}, b'{"city": "Berlin"}', "readable"),
    ],
)
def test_a_nested_value_names_the_parts_that_can_be_read(
    sent: Any, stored: Any, expected: str
) -> None:
    assert answer(sent, stored) == expected


def test_a_value_that_stands_in_another_attribute_can_be_read_there() -> None:
    sent = {"name": "Zoë Müller", "count": 3, "paid": True, "note": "3 boxes for Zoë Müller"}
    stored: dict[str, Any] = {name: ciphertext(name) for name in ("name", "count", "paid")}
    stored["note"] = sent["note"]
    assert list(compare(sent, stored)[READABLE]) == [
        "readable, in note",
        "encrypted",
        "encrypted",
        "readable",
    ]
    nested = compare({"who": {"name": "Zoë Müller", "n": 1}, "note": "Zoë Müller"},
                     {"who": ciphertext(1), "note": "Zoë Müller"})  # fmt: skip
    assert nested[READABLE][0] == "partly: name (in note)"


def test_an_added_attribute_says_whether_it_repeats_something() -> None:
    stored = {"id": "order-1001", "sig": ciphertext(1), "copy": "see order-1001", "n": "hello"}
    frame = compare({"id": "order-1001"}, stored).set_index("attribute")
    assert frame[READABLE].to_dict() == {
        "id": "readable",
        "copy": "added: repeats id",
        "n": "added: nothing sent is in it",
        "sig": "added: nothing sent is in it",
    }


def test_an_attribute_that_was_not_stored_is_absent() -> None:
    frame = compare({"a": "secret"}, {}, {"a": "secret"})
    assert list(frame.loc[0]) == ["a", "absent", "S", '"secret"', "absent", '"secret"']


# --- S3 objects ---


def test_a_body_is_one_row() -> None:
    frame = compare("card 4111", ciphertext(1), b"card 4111", method="SSE-C")
    assert list(frame.columns)[:4] == ["attribute", READABLE, "type", "method"]
    assert frame.drop(columns="stored").loc[0].tolist() == [
        "body", "encrypted", "bytes", "SSE-C", '9 bytes: "card 4111"', '9 bytes: "card 4111"',
    ]  # fmt: skip
    assert list(compare(b"card 4111", b"card 4111")[READABLE]) == ["readable"]


def test_a_response_is_taken_without_its_noise() -> None:
    response = {
        "Body": b"card 4111",
        "ServerSideEncryption": "AES256",
        "ContentLength": 9,
        "Metadata": {},
        "AcceptRanges": "bytes",
        "ResponseMetadata": {"RequestId": "random"},
    }
    put = {"Bucket": "b", "Key": "k", "Body": "card 4111", "ServerSideEncryption": "AES256"}
    frame = compare(put, response).set_index("attribute")
    assert frame[READABLE].to_dict() == {
        "body": "readable",
        "ServerSideEncryption": "readable",
        "ContentLength": "added: nothing sent is in it",
    }
    assert list(compare({"body": b"x", "ETag": "e"}, b"x")["attribute"]) == ["body", "ETag"]


@pytest.mark.parametrize("beside", [{"ETag": "e"}, {"ResponseMetadata": {}},
                                    {"Bucket": "b", "Key": "k"}])  # fmt: skip
def test_what_stands_beside_a_body_makes_it_an_object_s(beside: dict[str, Any]) -> None:
    frame = compare({"Body": "text", **beside}, {"Body": b"text", **beside})
    assert frame.set_index("attribute")["type"]["body"] == "bytes"


@pytest.mark.parametrize("beside", [{"Key": "k"}, {"Bucket": "b"}, {"Metadata": "m"}])
def test_a_body_with_less_beside_it_is_an_item_s(beside: dict[str, Any]) -> None:
    item = {"Body": "text", **beside}
    assert list(compare(item, item)["attribute"]) == ["Body", *beside]


def test_the_answer_of_head_object_is_an_object_s_and_has_no_body() -> None:
    head = {"ETag": "e", "AcceptRanges": "bytes", "ResponseMetadata": {}}
    assert list(compare(head, head)["attribute"]) == ["ETag"]
    assert list(compare({"ETag": "e", "AcceptRanges": "b"}, {})["attribute"])[1:] == [
        "AcceptRanges"
    ]


def test_an_item_may_have_attributes_called_like_those_of_an_object() -> None:
    item = {"Key": "k", "Body": "text", "LastModified": "today"}
    frame = compare(item, item)
    assert list(frame["attribute"]) == ["Key", "Body", "LastModified"]
    assert list(frame["type"]) == ["S", "S", "S"]


def test_a_large_body_is_compared_in_reasonable_time() -> None:
    body = os.urandom(4 << 20)
    assert list(compare(body, os.urandom(4 << 20))[READABLE]) == ["encrypted"]
    assert list(compare(body[1000:], body)[READABLE]) == ["readable"]


# --- what cannot be compared ---


def test_a_stream_is_refused_and_left_unread() -> None:
    stream = StreamingBody(io.BytesIO(b"card 4111"), 9)
    for stored in (stream, {"Body": stream, "ETag": "e"}):
        with pytest.raises(CannotCompare, match=r'response\["Body"\]\.read\(\)'):
            compare("card 4111", stored)
    assert stream.read() == b"card 4111"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (None, "`sent` is None: pass an item"),
        ([1], "`sent` is a value of type list"),
        ({"a": object()}, "sent: a holds a value of type object, which has no DynamoDB type"),
        ({"a": {1, "x"}}, "sent: a is a set that is not all text"),
        ({"*amzn-ddb-map-sig*": b"x"}, "encrypted in place"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(sent: Any, sentence: str) -> None:
    with pytest.raises(CannotCompare, match=sentence) as caught:
        compare(sent, {})
    assert caught.value._render_traceback_() == [f"CannotCompare: {caught.value}"]


def test_separate_places_do_not_answer_for_each_other() -> None:
    sent = dict.fromkeys(("plain", "client-side"), "4111 1111 1111 1111")
    stored = {"plain": "4111 1111 1111 1111", "client-side": bytes(range(128, 176))}
    together = compare(sent, stored)
    apart = compare(sent, stored, separate=True)
    assert list(together[READABLE]) == ["readable", "readable, in plain"]
    assert list(apart[READABLE]) == ["readable", "encrypted"]
    assert list(apart["place"]) == ["plain", "client-side"]


def test_a_set_is_shown_in_one_order() -> None:
    """Binary by length first: a ciphertext's stands where it stood, whatever its bytes."""
    item = {"b": {b"\xff", b"\x00\x01"}, "n": {10, 9, 0.5, 0}}
    frame = compare(item, item)
    assert list(frame["sent"]) == ["set(1 byte: ff, 2 bytes: 00 01)", "set(0, 0.5, 9, 10)"]

"""What counts as readable: every encoding that needs no key, at any depth, and nothing else."""

import base64
import html
import io
import json
import os
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.lenses.plaintext import WHOLE, NotSearchable, Secrets

CARD = "4111 1111 1111 1111"


def finds(secret: Any, data: bytes | str) -> bool:
    return bool(Secrets(secret).in_bytes(data.encode() if isinstance(data, str) else data))


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


DEEP = b64(json.dumps({"a": [b64(json.dumps({"note": b64("pay with " + CARD)}))]}))

READABLE = {
    "as it is": f"the card is {CARD}.",
    "base64": b64(CARD),
    "base64 of a larger text": b64("xx" + CARD + " and more"),
    "base64 inside a text": "before," + b64("x" + CARD) + ",after",
    "base64 for URLs": base64.urlsafe_b64encode(b"\xff\xfe\xfd" + CARD.encode()).decode(),
    "base64 in lines": base64.encodebytes(b"0" * 50 + CARD.encode()).decode(),
    "base64 twice, inside a binary body": b"\x00\xff" + b64("__" + CARD).encode(),
    "JSON": json.dumps({"Item": {"card": {"S": CARD}}}),
    "DynamoDB's binary": json.dumps({"Item": {"card": {"B": b64(CARD)}}}),
    "base64 in JSON in base64 in JSON in base64": json.dumps({"Plaintext": DEEP}),
    "a web form": urlencode({"Action": "PutRolePolicy", "PolicyDocument": json.dumps([CARD])}),
    "a percent-encoded path": "https://host/" + quote("a/" + CARD),
    "hexadecimal": "0x" + CARD.encode().hex(),
}


@pytest.mark.parametrize("data", READABLE.values(), ids=READABLE)
def test_what_anybody_can_undo_is_undone(data: bytes | str) -> None:
    assert finds(CARD, data)
    assert not finds("4222 2222 2222 2222", data)


@pytest.mark.parametrize("text", ["Müller & Söhne", 'a "quoted" <tag>', "päß/wort+1="])
def test_escapes_are_undone(text: str) -> None:
    assert finds(text, json.dumps({"name": f"for {text}!"}))
    assert finds(text, f"<Value>{html.escape(text)}</Value>")
    assert finds(text, "?name=" + quote(text, safe=""))
    assert finds(text, urlencode({"name": text}))
    assert finds(text, b"\xff" + json.dumps(text).encode())  # binary around it: nothing to parse


@given(st.binary(min_size=5, max_size=60), st.binary(max_size=20), st.binary(max_size=20))
def test_base64_hides_nothing_at_any_offset(secret: bytes, before: bytes, after: bytes) -> None:
    assert finds(secret, b"\xff\xff " + base64.b64encode(before + secret + after) + b" \xff")


def test_ciphertext_and_digests_are_not_readable() -> None:
    scrambled = bytes(byte ^ 0x5A for byte in CARD.encode())
    assert not finds(CARD, scrambled)
    assert not finds(CARD, b64(scrambled))
    assert not finds(CARD, os.urandom(100_000))


def test_a_number_is_not_found_inside_a_longer_number() -> None:
    assert finds(12345, '{"N": "12345"}')
    assert finds(12345, '{"n": 12345}')
    assert not finds(12345, '{"N": "912345"}')
    assert not finds(12345, '{"N": "123456"}')
    assert finds(12345, "912345 12345")
    assert finds(Decimal("1234.50"), '{"N": "1234.50"}')
    assert finds("12345", "9123456")  # given as text, it is looked for as text


def test_containers_are_opened_and_labelled_by_their_outermost_names() -> None:
    item = {"name": "Ada", "card": {"S": CARD}, "tags": {"secret-one", "secret-two"}, "paid": True}
    secrets = Secrets(item, b"raw-bytes", Binary(b"more-bytes"))
    assert sorted(secret.label for secret in secrets.all) == ["", "", "card", "tags", "tags"]
    assert secrets.too_short == ["name", "paid"]
    assert {s.label for s in secrets.in_bytes(b"it is secret-two")} == {"tags"}


@pytest.mark.parametrize("short", ["42", True, None, 1234, b"abcd", "", {"age": 42}, []])
def test_what_would_turn_up_by_chance_is_refused_in_one_sentence(short: Any) -> None:
    with pytest.raises(NotSearchable, match=r"would turn up by chance\. Give it a longer"):
        Secrets(short)


def test_what_cannot_be_looked_for_is_named() -> None:
    with pytest.raises(NotSearchable, match="not for object"):
        Secrets(object())


def test_a_part_of_a_long_secret_is_found() -> None:
    secret = os.urandom(20_000)
    assert finds(secret, secret[:8_000])
    assert finds(secret, base64.b64encode(b"x" + secret[12_000:]))
    assert not finds(secret, os.urandom(20_000))
    assert not finds(bytes(5_000), bytes(200))  # zeros everywhere are not a sign of the secret


@pytest.mark.parametrize("form", [CARD.encode(), b64("_" + CARD).encode()], ids=["plain", "base64"])
@pytest.mark.parametrize("at", [0, WHOLE - 9, WHOLE, 2 * WHOLE - 5, 3 * WHOLE - 7])
def test_a_secret_across_chunks_of_a_long_stream_is_found(form: bytes, at: int) -> None:
    data = bytes(at) + form + bytes(3 * WHOLE - at)
    found, size, _ = Secrets(CARD).in_stream(io.BytesIO(data).read)
    assert found
    assert size == len(data)
    assert not Secrets("4222 2222 2222").in_stream(io.BytesIO(data).read)[0]


@pytest.mark.parametrize("at", [WHOLE - 5, WHOLE - 3, WHOLE])
def test_a_number_at_a_chunk_s_end_is_judged_by_what_follows(at: int) -> None:
    alone = b" " * at + b"12345" + b" " * WHOLE
    longer = b" " * at + b"123456" + b" " * WHOLE
    assert Secrets(12345).in_stream(io.BytesIO(alone).read)[0]
    assert not Secrets(12345).in_stream(io.BytesIO(longer).read)[0]
    assert Secrets(12345).in_stream(io.BytesIO(b" " * WHOLE + b" 12345").read)[0]


def test_a_stream_may_give_less_than_asked() -> None:
    data = io.BytesIO(bytes(WHOLE) + CARD.encode() + bytes(10))
    found, size, _ = Secrets(CARD).in_stream(lambda wanted: data.read(min(wanted, 100_003)))
    assert found
    assert size == WHOLE + len(CARD) + 10


def test_hostile_documents_end() -> None:
    assert not finds(CARD, "[" * 100_000)
    assert not finds(CARD, "%25" * 1_000 + "&amp;" * 1_000)


def test_a_number_s_point_does_not_end_it_and_dynamodb_s_form_of_it_counts() -> None:
    assert not finds(12345, '{"N": "0.12345"}')
    assert not finds(12345, '{"N": "12345.5"}')
    assert finds(12345, "It was 12345.")
    assert finds(Decimal("1234.500"), '{"N": "1234.5"}')
    assert finds(Decimal("1.2E+5"), '{"N": "120000"}')


def test_a_number_in_base64_is_judged_by_the_digits_around_it() -> None:
    assert finds(12345, b64("n=12345"))
    assert not finds(12345, b64("123456"))
    card = int(CARD.replace(" ", ""))
    assert finds(card, b"\xff" + b64(f"_{card}").encode())  # too long to be there by chance


def test_base64_in_base64_is_found_in_the_middle_of_a_text() -> None:
    assert finds(CARD, f"see {b64('_' + b64('pay with ' + CARD))}, it says")


@pytest.mark.parametrize("shift", range(-3, 4))
def test_a_longer_number_stays_one_wherever_the_chunks_meet(shift: int) -> None:
    """The second window begins with the end of the first: there its first digit may be cut off."""
    secrets = Secrets(12345)
    cut = WHOLE - secrets._overlap + shift
    longer = (b" " * cut + b"912345").ljust(2 * WHOLE)
    assert not secrets.in_stream(io.BytesIO(longer).read)[0]
    alone = (b" " * cut + b" 12345").ljust(2 * WHOLE)
    assert secrets.in_stream(io.BytesIO(alone).read)[0]

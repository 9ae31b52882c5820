"""The interactive forms without a browser: what is computed, and what stands on the page."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.forms import (
    DESCRIPTION,
    FORMS,
    KEY,
    Patients,
    blob_lab,
    disabled_key,
    grid,
    item_lab,
    strip,
    ways,
)
from workshop_lib import (
    ciphertext_fields,
    hex_strip,
    material_description_fields,
    matrix,
    message_fields,
    policy_grid,
    start_lab,
    tamper,
    timeline,
)
from workshop_lib.display.formatting import RANDOM_BYTES, show_bytes
from workshop_lib.errors import WrongArgument
from workshop_lib.interactive import forms, session
from workshop_lib.interactive.attempts import DoesNotOpen
from workshop_lib.interactive.forms import Form
from workshop_lib.interactive.hex_strip import Field, UnknownFormat
from workshop_lib.interactive.live import live_form
from workshop_lib.interactive.tamper import NothingStored
from workshop_lib.overview.outline import lesson
from workshop_lib.overview.standing import resets
from workshop_lib.progress import FILE_NAME, Journal


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The learner's journal: each test is a new learner."""
    return new_kernel(tmp_path / FILE_NAME, monkeypatch)


def new_kernel(path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """From now on nothing is known but what the file of that path holds."""
    journal = Journal(path)
    monkeypatch.setattr(session, "learners_journal", lambda: journal)
    return journal


def tried(form: Form) -> list[tuple[str, str]]:
    return [(row["what is changed"], row["who notices"]) for row in form.view()["rows"]]


def who(form: Form) -> dict[str, str]:
    """Who notices, by what is changed."""
    return {row.iloc[0]: str(row["who notices"]) for _, row in form.table.iterrows()}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_the_same_in_every_run(name: str) -> None:
    """But for the bytes that are random, as nbval is told to overlook."""

    def shown(form: Form) -> str:
        return re.sub(RANDOM_BYTES, r"\1??", f"{form!r}\n{form._repr_html_()}")

    first, second = shown(FORMS[name]()), shown(FORMS[name]())
    assert first == second
    assert "course-static" in first
    assert "<table" in first


def test_that_a_form_was_shown_is_noted_with_its_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(None)
    monkeypatch.setattr(forms, "learners_journal", lambda: journal)
    monkeypatch.setattr(forms, "show_both", lambda *shown: None)
    journal.see("5", "predict 5.8", "question")
    for _ in range(2):
        strip()._ipython_display_()
    told = [(event.lesson, event.item, event.outcome) for event in journal.events()]
    assert told == [("5", "predict 5.8", "seen"), ("5", "hex_strip 5", "seen")]


@pytest.mark.parametrize("name", FORMS)
def test_each_form_has_a_live_side_of_plain_json(name: str) -> None:
    form = FORMS[name]()
    live = live_form(form.script, form.view(), form.answer)
    assert live.view == json.loads(json.dumps(form.view()))
    assert "function start(" in live._esm
    assert ".course-live" in live._css
    live.asked = {
        "serial": 1
    }  # nothing that this form knows of: it answers with a view all the same
    assert set(form.view()) <= set(live.view)


def test_who_notices_what_is_done_to_an_item() -> None:
    told = who(item_lab())
    signature = "✓ the encryption client"
    assert told["diagnosis: flip bit 0"] == signature
    assert told["city: change character 0"] == signature
    assert told["ward: change character 0"] == "✕ nobody"
    assert told["ward: remove it"] == "✕ nobody"
    assert told["whole item: add an attribute"] == signature
    assert told["whole item: copy it under another key"] == "✓ KMS, asked by the encryption client"
    assert told["whole item: put its older version back"] == "✕ nobody"


def test_the_item_stays_as_it_was() -> None:
    patients = Patients()
    other = {"patient": "p-1-copy", "diagnosis": "not yours"}
    patients.plain.put_item(Item=other)
    before = patients.stored()
    form = tamper(table=patients.plain, read=patients.read, key=KEY, older=patients.older)
    for number in range(20):
        form.answer({"number": number, "place": 1})
    assert patients.stored() == before
    assert patients.plain.scan()["Count"] == 2
    assert patients.plain.get_item(Key={"patient": "p-1-copy"})["Item"] == other


def test_a_change_is_made_where_the_learner_says() -> None:
    form = item_lab()
    view = form.answer({"number": 0, "place": 9})
    row = view["rows"][0]
    assert row["what is changed"] == "diagnosis: flip bit 9"
    before, after = (row[name].split(": ")[1].split()[1] for name in ("before", "after"))
    assert int(before, 16) ^ int(after, 16) == 0x40
    assert "noticed by the encryption client" in view["said"]
    with pytest.raises(WrongArgument, match="from 0 to 255"):
        form.answer({"number": 0, "place": 256})
    with pytest.raises(WrongArgument):
        form.answer({"number": 0, "place": -1})
    assert len(form.view()["rows"]) == 1


def test_what_was_tried_outlives_a_run_of_the_cell() -> None:
    form = item_lab()
    form.answer({"number": 1, "place": 0})
    assert tried(item_lab()) == tried(form) != []
    assert blob_lab().view()["rows"] == []


def test_what_was_tried_outlives_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made and read anew: the bytes are those of the item that is stored now."""
    form = item_lab()
    for number, place in ((0, 9), (1, 0), (0, 7), (0, 9)):
        form.answer({"number": number, "place": place})
    before = tried(form)
    assert [change for change, _ in before] == [
        "diagnosis: flip bit 9",
        "diagnosis: flip bit 7",
        "diagnosis: remove it",
    ]
    new_kernel(tmp_path / FILE_NAME, monkeypatch)
    patients = Patients()
    stored = patients.stored()
    again = tamper(table=patients.plain, read=patients.read, key=KEY, older=patients.older)
    assert tried(again) == before
    assert patients.stored() == stored
    assert again.view()["rows"][0]["before"] == show_bytes(bytes(stored["diagnosis"].value))
    other = {**KEY, "ward": "B2"}
    patients.plain.put_item(Item=other)
    assert tamper(table=patients.plain, read=lambda key: 1, key=KEY).view()["rows"] == []


def test_what_is_kept_of_a_form_are_choices_and_no_data(journal: Journal) -> None:
    item_lab().answer({"number": 0, "place": 9})
    grid().answer({"predicted": [["allowed", "refused"]], "run": True})
    assert [(e.item.split()[0], e.outcome, e.state) for e in journal.events()] == [
        ("tamper", "kept", "0:9"),
        ("policy_grid", "kept", "ar--/----/---- run"),
    ]
    for event in journal.events():
        assert (event.choice, event.condition) == ("", "")
        assert re.fullmatch("[0-9a-f]{16}", event.question)


ODD = ("", "0:9 ", "-1:0", "0:99999", "9" * 30 + ":0", "٣:0", "zzz/", "//// run", "a" * 5_000)


def test_a_file_that_holds_anything_else_does_no_harm(journal: Journal) -> None:
    item_lab().answer({"number": 1, "place": 0})
    grid().answer({"predicted": [["allowed"]]})
    for known in journal.events():
        others = [dataclasses.replace(known, state=s, id=f"{known.item}{s}") for s in ODD]
        journal.append(*others, dataclasses.replace(known, id=f"{known.item} again"))
    assert tried(item_lab())[0][0] == "diagnosis: remove it"
    assert grid().view()["predicted"][0] == ["allowed", "", "", ""]


@pytest.mark.parametrize("lab_of", [item_lab, blob_lab, strip])
def test_what_is_gone_is_no_tampering_that_was_noticed(lab_of: Callable[[], Form]) -> None:
    form = lab_of()
    live = live_form(form.script, form.view(), form.answer)
    start_lab()  # as empty as after lab.cleanup()
    live.asked = {"number": 0, "place": 0, "serial": 1}
    assert live.trouble.endswith("Run the cells above again, and then this one.")
    assert re.search("ResourceNotFound|does not open even as it is", live.trouble)
    assert live.view == {**form.view(), "serial": 1}
    live.asked = {"number": 0, "place": 10**9, "serial": 2}
    if form.script == "tamper":
        assert live.trouble.startswith("Choose a number from 0 to ")
        assert "cells above" not in live.trouble


def test_who_notices_what_is_done_to_a_ciphertext() -> None:
    told = who(blob_lab())
    nobody = {change for change, by in told.items() if by == "nobody"}  # and no harm was done
    assert nobody == {"encryption context: give its pairs in another order"}
    assert set(told.values()) == {"✓ KMS", "nobody"}
    assert "key: use another KMS key" in told


def test_what_cannot_be_read_cannot_be_tampered_with() -> None:
    patients = Patients()
    with pytest.raises(NothingStored, match="no item under patient=nobody"):
        tamper(table=patients.plain, read=patients.read, key={"patient": "nobody"})
    with pytest.raises(DoesNotOpen, match="even as it is"):
        tamper(table=patients.plain, read=lambda key: 1 / 0, key=KEY)


def test_the_grid_asks_the_sandbox() -> None:
    form = grid()
    assert [[str(cell) for cell in row] for row in form.table.values.tolist()] == [
        ["nothing", "✓ allowed", "✕ refused", "✓ allowed", "✕ refused"],
        ["AES256", "✓ allowed", "✓ allowed", "✓ allowed", "✕ refused"],
        ["aws:kms + key", "✓ allowed", "✕ refused", "✕ refused", "✓ allowed"],
    ]
    assert form.view()["outcomes"] == form.view()["legend"][3:] == []
    assert form.view()["legend"][0] == [
        "must be AES256",
        "Deny if StringNotEquals s3:x-amz-server-side-encryption = AES256",
    ]
    predicted = [["allowed", "refused", "", "refused"], ["allowed"] * 4, [""] * 4]
    view = form.answer({"predicted": predicted})
    assert (view["predicted"], view["outcomes"], view["said"]) == (predicted, [], "")
    view = form.answer({"predicted": predicted, "run": True})
    assert view["said"] == "6 of 12 right. You left 5 open."
    assert view["outcomes"][0][1] == ["refused", "AccessDenied"]
    bucket = boto3.client("s3").list_buckets()["Buckets"][0]["Name"]
    with pytest.raises(boto3.client("s3").exceptions.ClientError, match="NoSuchBucketPolicy"):
        boto3.client("s3").get_bucket_policy(Bucket=bucket)


def test_what_was_predicted_outlives_a_run_of_the_cell() -> None:
    form = grid()
    predicted = [["refused", "", "", ""], [""] * 4, ["allowed"] * 4]
    form.answer({"predicted": predicted})
    again = grid().view()
    assert (again["predicted"], again["outcomes"]) == (predicted, [])
    form.answer({"predicted": predicted, "run": True})
    assert grid().view()["said"] == "2 of 12 right. You left 7 open."
    assert grid().view()["outcomes"] == form.view()["outcomes"] != []
    form.answer({"predicted": [["no such state", 3], [None, {}, []] * 3]})
    assert grid().view()["predicted"] == [[""] * 4] * 3


def test_what_was_predicted_outlives_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    journal.see("5", "predict 5.8", "question")
    form = grid()
    predicted = [["refused", "", "", ""], [""] * 4, ["allowed"] * 4]
    form.answer({"predicted": predicted, "run": True})
    form.answer({"predicted": predicted, "run": True})
    kept = [event for event in journal.events() if event.outcome == "kept"]
    assert [(event.lesson, event.item, event.state) for event in kept] == [
        ("5", "policy_grid 5", "r---/----/aaaa run")
    ]
    journal = new_kernel(tmp_path / FILE_NAME, monkeypatch)
    assert grid().view() == form.view()
    grid().answer({"predicted": [["allowed"]]})  # before the lesson's number is known again
    assert journal.events()[-1].item == "policy_grid 5"
    journal = new_kernel(tmp_path / FILE_NAME, monkeypatch)
    view = grid().view()
    assert (view["predicted"][0][0], view["outcomes"]) == ("allowed", [])
    journal.append(*resets(lesson("05"), journal.events()))
    assert grid().view()["predicted"] == [[""] * 4] * 3


def test_a_policy_is_shown_in_its_own_words() -> None:
    one = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    two = {"Effect": "Allow", "Condition": {"StringEquals": {"aws:PrincipalTag/a": ["x", "y"]}}}
    form = policy_grid(
        {"a": str},
        {"none": None, "text": "{}", "one": one, "whole": {"Statement": [one, two]}, "bare": {
            "Statement": {"Effect": "Deny"}}},
        attach=str,
        detach=str,
    )  # fmt: skip
    first = "Deny if Bool aws:SecureTransport = false"
    assert form.view()["legend"] == [
        ["one", first],
        ["whole", f"{first}; Allow if StringEquals aws:PrincipalTag/a = x or y"],
        ["bare", "Deny"],
    ]
    assert f"<li><strong>one</strong>: {first}</li>" in form.static_html()


def test_an_error_that_is_not_aws_s_is_no_refusal_and_the_policy_goes() -> None:
    attached: list[str] = []

    def slip() -> None:
        raise NameError("s3")

    with pytest.raises(NameError):
        policy_grid({"a": slip}, {"p": "policy"}, attach=attached.append, detach=attached.clear)
    assert attached == []
    with pytest.raises(WrongArgument):
        policy_grid({}, {"p": None}, attach=print, detach=print)


def test_the_timeline_moves_the_lab_s_clock_once() -> None:
    rows = disabled_key().table
    assert [str(cell) for cell in rows["TableStatus"]] == [
        "ACTIVE",
        "ACTIVE",
        *["INACCESSIBLE_ENCRYPTION_CREDENTIALS"] * 2,
    ]
    assert str(rows["GetItem"][0]) == "✓ allowed"
    assert str(rows["GetItem"][1]).startswith("✕ refused: ")
    moves: list[float] = []
    timeline(
        {"a": lambda: "b"},
        later=lambda minutes: moves.append(minutes),
        at={"0": {}, "1": {"minutes": 1}, "2": {"hours": 1}},
        title="t",
    )
    assert moves == [1, 59]
    with pytest.raises(WrongArgument, match="'1' lies before"):
        timeline(
            {"a": str}, later=lambda **_: None, at={"2": {"hours": 2}, "1": {"hours": 1}}, title="t"
        )


def test_the_matrix_keeps_what_meets_a_question() -> None:
    form = ways()
    left = {each["name"]: each["left"] for each in form.view()["filters"]}
    assert left == {
        "A reader must not read it": [2],
        "A disk must not show it": [1, 2],
        "No key to keep": [0],
    }
    cells = form.view()["rows"][1]
    assert [cell["kind"] for cell in cells] == ["", "readable", "encrypted", ""]
    assert repr(matrix(form.table, {})) == repr(form)
    with pytest.raises(WrongArgument, match="a column that is not there: cost"):
        matrix([{"way": "plain"}], {"Free": {"cost": 0}})


# --- formats ------------------------------------------------------------------------------------


def test_the_material_description_of_the_encryption_client() -> None:
    description = bytes(Patients().stored()[DESCRIPTION].value)
    fields = material_description_fields(description)
    assert sum(field.length for field in fields) == len(description)
    values = [field for field in fields if field.name.startswith(("amzn", "aws"))]
    assert {field.name for field in values if field.kind == "encrypted"} == {"amzn-ddb-env-key"}
    assert {"amzn-ddb-env-alg", "amzn-ddb-map-signingAlg"} <= {field.name for field in values}


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4))
def test_any_material_description(pairs: dict[str, str]) -> None:
    """Against the library's own writer of the format."""
    from dynamodb_encryption_sdk.internal.formatting.material_description import serialize

    blob = serialize(pairs)["B"]
    fields = material_description_fields(blob)
    assert sum(field.length for field in fields) == len(blob)
    for end in range(len(blob)):
        try:
            short = material_description_fields(blob[:end])
        except UnknownFormat:
            continue
        assert sum(field.length for field in short) == end


@pytest.mark.parametrize(
    "blob", [b"", b"\0\0\0\1", b"\0\0\0\0\0\0\0\5abc", b"\0\0\0\0\0\0\0\1\xff"]
)
def test_what_is_no_material_description(blob: bytes) -> None:
    with pytest.raises(UnknownFormat):
        material_description_fields(blob)


def messages() -> list[tuple[Any, bytes]]:
    """A message of the AWS Encryption SDK in each version of the format, with its header."""
    import aws_encryption_sdk
    from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy

    start_lab()
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    made = []
    for suite, policy in [
        (AlgorithmSuite.AES_256_GCM_IV12_TAG16_HKDF_SHA256, "FORBID_ENCRYPT_ALLOW_DECRYPT"),
        (AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY, "REQUIRE_ENCRYPT_REQUIRE_DECRYPT"),
    ]:
        client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy[policy])
        provider = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key])
        message, header = client.encrypt(
            source=b"secret" * 9,
            key_provider=provider,
            encryption_context={"patient": "p-1"},
            algorithm=suite,
        )
        made.append((header, message))
    return made


def test_the_header_of_a_message_of_the_aws_encryption_sdk() -> None:
    """https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html"""
    for header, message in messages():
        parts: dict[str, bytes] = {}
        start = 0
        for field in message_fields(message):
            parts[field.name] = message[start : start + field.length]
            start += field.length
        assert start == len(message)
        assert parts["version"][0] == header.version.value
        assert parts["message id"] == header.message_id
        assert b"patient" in parts["encryption context"]
        key = next(iter(header.encrypted_data_keys))
        assert parts["encrypted data key"] == key.encrypted_data_key
        assert parts["provider information"] == key.key_provider.key_info
        assert int.from_bytes(parts["frame length"]) == header.frame_length
        assert parts.get("key commitment", b"") == (header.commitment_key or b"")
        with pytest.raises(UnknownFormat):
            message_fields(message[:40])
    with pytest.raises(UnknownFormat):
        message_fields(b"\x03 no message")


def test_a_flipped_byte_is_opened_again() -> None:
    start_lab()
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    form = hex_strip(
        blob, ciphertext_fields(blob), open=lambda blob: kms.decrypt(CiphertextBlob=blob)
    )
    view = form.answer({"place": 60})
    assert (view["flipped"], view["who"]) == (60, "✓ KMS")
    assert view["said"].startswith("Byte 60 (ciphertext blob): InvalidCiphertextException")
    assert form.answer({"place": len(blob)})["flipped"] == -1


def test_who_notices_in_each_field_of_the_material_description() -> None:
    told = [str(cell) for cell in strip().table["who notices a flipped bit"]]
    assert told[0] == "✓ the encryption client"
    assert "nobody" in told


def test_fields_that_do_not_fit() -> None:
    with pytest.raises(WrongArgument, match="only 2 bytes"):
        hex_strip(b"ab", [("a", 3, "too long")])
    with pytest.raises(WrongArgument, match="no kind"):
        hex_strip(b"ab", [Field("a", 2, "", "secret")])
    form = hex_strip(b"ab", [("first", 1, "the first byte")])
    assert [field["name"] for field in form.view()["fields"]] == ["first", "rest"]
    assert form.answer({"place": 0})["flipped"] == -1

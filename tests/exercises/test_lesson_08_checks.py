"""The checks of lesson 08 name what went wrong, for the mistakes that learners make."""

import base64
import json
import os
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.handed_in import missing, tagged_role
from workshop_lib.lab import Lab

REPORT = b"Nothing to report. " * 600
CONTEXT = {"document": "report"}
PAYROLL = {"department": "payroll"}


# --- 8.1 ---------------------------------------------------------------------------------------


@pytest.fixture
def table(lab: Lab) -> Any:
    return make_table(lab, "document_id")


def make_table(lab: Lab, key: str) -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=lab.name("envelopes"),
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": "8.1"}],
    )


@pytest.fixture
def key(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def sealed(
    kms: Any, key: str, report: bytes = REPORT, spec: str = "AES_256", context: Any = CONTEXT
) -> dict[str, Any]:
    answer = kms.generate_data_key(KeyId=key, KeySpec=spec, EncryptionContext=context)
    nonce = os.urandom(12)
    return {
        "document_id": "report",
        "ciphertext": AESGCM(answer["Plaintext"]).encrypt(nonce, report, None),
        "nonce": nonce,
        "wrapped_key": answer["CiphertextBlob"],
    }


def test_an_envelope_is_right(lab: Lab, kms: Any, table: Any, key: str) -> None:
    table.put_item(Item=sealed(kms, key))
    assert missing("8.1", lab) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"document_id": "minutes"}, "no item with document_id report"),
        ({"nonce": b""}, "not binary, or empty: nonce"),
        ({"ciphertext": REPORT}, "readable: it begins with 'Nothing to report. N'"),
        ({"ciphertext": base64.b64encode(os.urandom(12_000)).decode()}, "not binary, or empty"),
        ({"nonce": 7}, "not binary, or empty: nonce"),
        ({"wrapped_key": os.urandom(184)}, "does not unwrap wrapped_key with the context"),
        ({"wrapped_key": os.urandom(9_000)}, "does not unwrap wrapped_key with the context"),
    ],
)
def test_a_wrong_part_is_named(
    change: dict[str, Any], says: str, lab: Lab, kms: Any, table: Any, key: str
) -> None:
    table.put_item(Item={**sealed(kms, key), **change})
    assert any(says in text for text in missing("8.1", lab))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"report": b"short"}, "5 bytes: fewer than 10,000"),
        ({"spec": "AES_128"}, "16 bytes, not the 32"),
        ({"context": {}}, "does not unwrap wrapped_key with the context"),
        ({"context": {"document_id": "report"}}, "does not unwrap wrapped_key with the context"),
    ],
)
def test_a_wrong_seal_is_named(
    how: dict[str, Any], says: str, lab: Lab, kms: Any, table: Any, key: str
) -> None:
    table.put_item(Item=sealed(kms, key, **how))
    assert any(says in text for text in missing("8.1", lab))


@pytest.mark.parametrize("aad", [None, b'{"document": "report"}', b'{"document":"report"}'])
def test_the_context_may_be_the_aad_or_not(
    aad: bytes | None, lab: Lab, kms: Any, table: Any, key: str
) -> None:
    answer = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    nonce = os.urandom(12)
    parts = {
        "ciphertext": AESGCM(answer["Plaintext"]).encrypt(nonce, REPORT, aad),
        "nonce": nonce,
        "wrapped_key": answer["CiphertextBlob"],
    }
    table.put_item(Item={"document_id": "report", **parts})
    assert missing("8.1", lab) == []


def with_nonce(item: dict[str, Any], kms: Any, nonce: bytes) -> dict[str, Any]:
    answer = kms.decrypt(CiphertextBlob=item["wrapped_key"], EncryptionContext=CONTEXT)
    sealed = AESGCM(answer["Plaintext"]).encrypt(nonce, REPORT, None)
    return {**item, "nonce": nonce, "ciphertext": sealed}


def test_what_does_not_open_is_no_envelope(lab: Lab, kms: Any, table: Any, key: str) -> None:
    """Random bytes, another data key's ciphertext, another nonce: the parts must fit together."""
    item, other = sealed(kms, key), sealed(kms, key)
    for part in (
        {"ciphertext": os.urandom(12_000)},
        {"ciphertext": other["ciphertext"], "nonce": other["nonce"]},
        {"wrapped_key": other["wrapped_key"]},
        {"nonce": os.urandom(12)},
    ):
        table.put_item(Item={**item, **part})
        says = "the ciphertext does not open with this data key and this nonce"
        assert missing("8.1", lab) == [says], part


@pytest.mark.parametrize("nonce", [bytes(12), b"\x01" * 12])
def test_a_constant_nonce_is_named(nonce: bytes, lab: Lab, kms: Any, table: Any, key: str) -> None:
    table.put_item(Item=with_nonce(sealed(kms, key), kms, nonce))
    assert ["one byte repeated" in text for text in missing("8.1", lab)] == [True]


def test_plaintext_elsewhere_in_the_table_is_named(
    lab: Lab, kms: Any, table: Any, key: str
) -> None:
    table.put_item(Item=sealed(kms, key))
    table.put_item(Item={"document_id": "draft", "copy": REPORT})
    assert missing("8.1", lab) == ["the plaintext report is stored in copy"]


def test_a_forgotten_part_is_named(lab: Lab, kms: Any, table: Any, key: str) -> None:
    item = sealed(kms, key)
    del item["nonce"]
    table.put_item(Item=item)
    assert missing("8.1", lab) == ["the item lacks nonce"]


@pytest.mark.parametrize("encode", [bytes, bytes.hex, base64.b64encode])
def test_a_data_key_stored_in_plaintext_is_named(
    encode: Any, lab: Lab, kms: Any, table: Any, key: str
) -> None:
    item = sealed(kms, key)
    answer = kms.decrypt(CiphertextBlob=item["wrapped_key"], EncryptionContext=CONTEXT)
    table.put_item(Item={**item, "key": encode(answer["Plaintext"])})
    assert missing("8.1", lab) == ["the plaintext data key is stored in key"]


def test_a_report_wrapped_by_encrypt_is_no_data_key(
    lab: Lab, kms: Any, table: Any, key: str
) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=REPORT[:4096], EncryptionContext=CONTEXT)
    table.put_item(Item={**sealed(kms, key), "wrapped_key": blob["CiphertextBlob"]})
    assert any("4,096 bytes, not the 32" in text for text in missing("8.1", lab))


def test_a_key_that_cannot_be_used_is_named(lab: Lab, kms: Any, table: Any, key: str) -> None:
    table.put_item(Item=sealed(kms, key))
    kms.disable_key(KeyId=key)
    assert any("cannot be used" in text for text in missing("8.1", lab))
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert any("cannot be used" in text for text in missing("8.1", lab))
    lab.later(days=8)
    assert any("cannot be used" in text for text in missing("8.1", lab))


def test_another_partition_key_is_named(lab: Lab) -> None:
    make_table(lab, "id")
    assert any("partition key" in text for text in missing("8.1", lab))


# --- 8.2 ---------------------------------------------------------------------------------------


def make_key(kms: Any, number: str, **more: Any) -> str:
    tags = [{"TagKey": "exercise", "TagValue": number}]
    return str(kms.create_key(Tags=tags, **more)["KeyMetadata"]["Arn"])


@pytest.fixture
def department_key(kms: Any) -> str:
    return make_key(kms, "8.2")


@pytest.fixture
def clerk(lab: Lab) -> str:
    return tagged_role(lab.name("clerk"), "8.2")


@pytest.mark.parametrize("constraint", ["EncryptionContextEquals", "EncryptionContextSubset"])
def test_a_grant_is_right(
    constraint: str, lab: Lab, kms: Any, department_key: str, clerk: str
) -> None:
    kms.create_grant(
        KeyId=department_key,
        GranteePrincipal=clerk,
        Operations=["Decrypt"],
        Constraints={constraint: PAYROLL},
    )
    assert missing("8.2", lab) == []


def allow(clerk: str, action: str, condition: dict[str, Any] | None = None) -> None:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": "*"}
    if condition:
        statement["Condition"] = condition
    boto3.client("iam").put_role_policy(
        RoleName=clerk.rpartition("/")[2],
        PolicyName="decrypt",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )


def context_is(operator: str) -> dict[str, Any]:
    return {operator: {"kms:EncryptionContext:department": "payroll"}}


SALES, NONE = '{"department": "sales"}', "no context at all"


@pytest.mark.usefixtures("department_key")
@pytest.mark.parametrize(
    ("action", "condition", "says"),
    [
        ("kms:Decrypt", context_is("StringEquals"), []),
        ("kms:Decrypt", None, [SALES, NONE]),
        ("kms:Decrypt", context_is("StringEqualsIfExists"), [NONE]),
        (
            "kms:Decrypt",
            {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "department"}},
            [SALES],
        ),
        (
            "kms:*",
            context_is("StringEquals"),
            ["it may do more than decrypt: Encrypt, GenerateDataKey"],
        ),
        ("kms:Encrypt", context_is("StringEquals"), ["it may not decrypt"]),
    ],
)
def test_what_a_policy_lets_through_is_named(
    action: str, condition: dict[str, Any] | None, says: list[str], lab: Lab, clerk: str
) -> None:
    allow(clerk, action, condition)
    found = missing("8.2", lab)
    assert len(found) == len(says)
    assert all(part in text for part, text in zip(says, found, strict=True))


OTHER, MORE = "it also decrypts what has the context", "it may do more than decrypt"


@pytest.mark.usefixtures("department_key")
@pytest.mark.parametrize(
    ("statements", "says"),
    [
        ([("kms:Decrypt", {"StringLike": {"p*": ""}})], OTHER),
        ([("kms:Decrypt", {"StringLike": {"payroll*": ""}})], OTHER),
        ([("kms:Decrypt", {"StringLike": {"?ay*": ""}})], OTHER),
        ([("kms:Decrypt", {"StringEqualsIgnoreCase": {"payroll": ""}})], OTHER),
        ([("kms:Decrypt", {"StringEquals": {"payroll,legal-7": ""}})], OTHER),
        ([("kms:Decrypt", {"StringNotEquals": {"sales": ""}})], OTHER),
        ([("kms:Decrypt", {"StringEquals": {"payroll": ""}}), ("kms:GenerateDataKey*", {})], MORE),
        ([("kms:Decrypt", {"StringEquals": {"payroll": ""}}), ("kms:ReEncrypt*", {})], MORE),
        ([("kms:Decrypt", {"StringEquals": {"payroll": ""}}), ("kms:CreateGrant", {})], MORE),
        ([("kms:Decrypt", {"StringEquals": {"payroll": ""}}), ("kms:PutKeyPolicy", {})], MORE),
    ],
)
def test_what_is_wider_than_payroll_is_named(
    statements: list[tuple[str, dict[str, dict[str, str]]]], says: str, lab: Lab, clerk: str
) -> None:
    written = []
    for action, condition in statements:
        asked = {
            operator: {"kms:EncryptionContext:department": next(iter(values)).split(",")}
            for operator, values in condition.items()
        }
        extra = {"Condition": asked} if asked else {}
        written.append({"Effect": "Allow", "Action": action, "Resource": "*", **extra})
    boto3.client("iam").put_role_policy(
        RoleName=clerk.rpartition("/")[2],
        PolicyName="decrypt",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": written}),
    )
    assert any(says in text for text in missing("8.2", lab))


def test_a_grant_that_allows_more_is_named(
    lab: Lab, kms: Any, department_key: str, clerk: str
) -> None:
    kms.create_grant(
        KeyId=department_key,
        GranteePrincipal=clerk,
        Operations=["Decrypt", "GenerateDataKeyWithoutPlaintext"],
        Constraints={"EncryptionContextEquals": PAYROLL},
    )
    says = "with the key it may do more than decrypt: GenerateDataKeyWithoutPlaintext"
    assert missing("8.2", lab) == [says]


def test_a_second_grant_for_another_department_is_named(
    lab: Lab, kms: Any, department_key: str, clerk: str
) -> None:
    for context in (PAYROLL, {"department": "board-of-1987"}):
        kms.create_grant(
            KeyId=department_key,
            GranteePrincipal=clerk,
            Operations=["Decrypt"],
            Constraints={"EncryptionContextEquals": context},
        )
    assert any("board-of-1987" in text for text in missing("8.2", lab))


def test_the_key_policy_does_it_too(lab: Lab, kms: Any, department_key: str, clerk: str) -> None:
    policy = json.loads(kms.get_key_policy(KeyId=department_key)["Policy"])
    allow_clerk = {
        "Effect": "Allow",
        "Principal": {"AWS": clerk},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": context_is("StringEquals"),
    }
    policy["Statement"].append(allow_clerk)
    kms.put_key_policy(KeyId=department_key, Policy=json.dumps(policy))
    assert missing("8.2", lab) == []


def test_a_role_without_permission_is_named(lab: Lab, department_key: str, clerk: str) -> None:
    assert missing("8.2", lab) == [f"it may not decrypt what has the context {json.dumps(PAYROLL)}"]


@pytest.mark.usefixtures("clerk")
@pytest.mark.parametrize(
    "spec",
    [
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"},
    ],
)
def test_a_key_of_another_kind_is_named(spec: dict[str, str], lab: Lab, kms: Any) -> None:
    make_key(kms, "8.2", **spec)
    assert any("not a symmetric encryption key" in text for text in missing("8.2", lab))


# --- 8.3 ---------------------------------------------------------------------------------------


def test_the_rescue_step_by_step(lab: Lab, kms: Any) -> None:
    doomed = make_key(kms, "8.3")
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    assert missing("8.3", lab) == ["it is still pending deletion"]
    kms.cancel_key_deletion(KeyId=doomed)
    assert missing("8.3", lab) == ["its deletion is cancelled, but it is Disabled"]
    kms.enable_key(KeyId=doomed)
    assert missing("8.3", lab) == []


def test_another_key_in_its_place_is_no_rescue(lab: Lab, kms: Any) -> None:
    kms.schedule_key_deletion(KeyId=make_key(kms, "8.3"), PendingWindowInDays=7)
    new = make_key(kms, "8.3")
    assert any("seems to be another one" in text for text in missing("8.3", lab))
    with pytest.raises(ClientError, match="is not pending deletion"):
        kms.cancel_key_deletion(KeyId=new)
    assert any("seems to be another one" in text for text in missing("8.3", lab))


def test_after_the_waiting_period_it_is_too_late(lab: Lab, kms: Any) -> None:
    gone = make_key(kms, "8.3")
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    lab.later(days=8)
    assert ["too late" in text for text in missing("8.3", lab)] == [True]
    make_key(kms, "8.3")  # a new key does not bring the old one back
    assert ["too late" in text for text in missing("8.3", lab)] == [True]
    again = make_key(kms, "8.3")
    kms.schedule_key_deletion(KeyId=again, PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=again)
    kms.enable_key(KeyId=again)
    assert missing("8.3", lab) == []


# --- answers that were tried later ---------------------------------------------------------------


def test_a_data_key_of_one_s_own_is_named(lab: Lab, kms: Any, table: Any, key: str) -> None:
    """32 random bytes that KMS Encrypt has wrapped: KMS did not make them."""
    data_key, nonce = os.urandom(32), os.urandom(12)
    blob = kms.encrypt(KeyId=key, Plaintext=data_key, EncryptionContext=CONTEXT)
    item = {
        "document_id": "report",
        "ciphertext": AESGCM(data_key).encrypt(nonce, REPORT, None),
        "nonce": nonce,
        "wrapped_key": blob["CiphertextBlob"],
    }
    table.put_item(Item=item)
    (said,) = missing("8.1", lab)
    assert "no data key that KMS made with the context" in said


@pytest.mark.parametrize("how", ["without plaintext", "bytes", "alias", "low-level", "PartiQL"])
def test_other_ways_to_an_envelope_are_right(
    lab: Lab, kms: Any, table: Any, key: str, how: str
) -> None:
    spec: dict[str, Any] = {"NumberOfBytes": 32} if how == "bytes" else {"KeySpec": "AES_256"}
    name = key
    if how == "alias":
        kms.create_alias(AliasName="alias/reports", TargetKeyId=key)
        name = "alias/reports"
    asked = {"KeyId": name, "EncryptionContext": CONTEXT, **spec}
    if how == "without plaintext":
        blob = kms.generate_data_key_without_plaintext(**asked)["CiphertextBlob"]
    else:
        blob = kms.generate_data_key(**asked)["CiphertextBlob"]
    data_key = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"]
    nonce = os.urandom(12)
    parts = {
        "ciphertext": AESGCM(data_key).encrypt(nonce, REPORT, None),
        "nonce": nonce,
        "wrapped_key": blob,
    }
    low = boto3.client("dynamodb")
    if how == "low-level":
        item = {name: {"B": part} for name, part in parts.items()}
        low.put_item(TableName=table.name, Item={**item, "document_id": {"S": "report"}})
    elif how == "PartiQL":
        low.execute_statement(
            Statement=f"INSERT INTO \"{table.name}\" VALUE {{'document_id': 'report', "
            "'ciphertext': ?, 'nonce': ?, 'wrapped_key': ?}",
            Parameters=[{"B": part} for part in parts.values()],
        )
    else:
        table.put_item(Item={**parts, "document_id": "report", "title": "Nothing to report."})
    assert missing("8.1", lab) == []


@pytest.mark.parametrize(
    "copy",
    [
        {"pages": [REPORT.decode()]},
        [{"draft": REPORT}],
        base64.urlsafe_b64encode(REPORT).decode(),
        REPORT.hex().upper(),
        REPORT[:5_000].decode(),
        {REPORT[2_000:2_100]},
    ],
)
def test_plaintext_in_other_forms_is_named(
    lab: Lab, kms: Any, table: Any, key: str, copy: Any
) -> None:
    table.put_item(Item={**sealed(kms, key), "copy": copy})
    assert missing("8.1", lab) == ["the plaintext report is stored in copy"]


def grant_payroll(kms: Any, key: str, clerk: str) -> None:
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=clerk,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": PAYROLL},
    )


@pytest.mark.parametrize("place", ["role", "key"])
@pytest.mark.parametrize(
    "action",
    ["kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "iam:PutRolePolicy"],
)
def test_control_of_the_key_is_more_than_decrypting(
    lab: Lab, kms: Any, department_key: str, clerk: str, place: str, action: str
) -> None:
    grant_payroll(kms, department_key, clerk)
    if place == "role":
        allow(clerk, action)
    elif action.startswith("kms:"):
        policy = json.loads(kms.get_key_policy(KeyId=department_key)["Policy"])
        more = {"Effect": "Allow", "Principal": {"AWS": clerk}, "Action": action, "Resource": "*"}
        policy["Statement"].append(more)
        kms.put_key_policy(KeyId=department_key, Policy=json.dumps(policy))
    else:
        pytest.skip("a key policy allows KMS only")
    (said,) = missing("8.2", lab)
    assert MORE in said
    assert kms.describe_key(KeyId=department_key)["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"kms:RequestAlias": "alias/departments"}},
        {"StringLike": {"kms:EncryptionContext:department": "pay????"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    ],
)
def test_another_condition_that_opens_more_is_named(
    lab: Lab, kms: Any, department_key: str, clerk: str, condition: dict[str, Any]
) -> None:
    kms.create_alias(AliasName="alias/departments", TargetKeyId=department_key)
    grant_payroll(kms, department_key, clerk)
    allow(clerk, "kms:Decrypt", condition)
    assert missing("8.2", lab)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"kms:EncryptionContext:department": ["payroll"]}},
        {"StringLike": {"kms:EncryptionContext:department": "payroll"}},
        {
            "StringEquals": {"kms:EncryptionContext:department": "payroll"},
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["department"]},
        },
    ],
)
def test_other_words_for_payroll_are_right(
    lab: Lab, department_key: str, clerk: str, condition: dict[str, Any]
) -> None:
    allow(clerk, "kms:Decrypt", condition)
    assert missing("8.2", lab) == []


def test_a_second_accident_after_a_rescue_is_not_done(lab: Lab, kms: Any) -> None:
    for number in (1, 2):
        key = make_key(kms, "8.3")
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        assert missing("8.3", lab) == ["it is still pending deletion"], number
        kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)
        assert missing("8.3", lab) == []
        lab.later(minutes=1)


# --- when, and by whom ---------------------------------------------------------------------------

SOON = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    "part",
    [{"nonce": bytes(12)}, {"nonce": bytes(11) + b"\1"}, {"wrapped_key": b"x" * 184}],
    ids=["zeros", "another nonce", "no blob"],
)
def test_a_part_that_does_not_belong_is_named(
    lab: Lab, kms: Any, table: Any, key: str, part: dict[str, bytes]
) -> None:
    table.put_item(Item={**sealed(kms, key), **part})
    assert missing("8.1", lab)


def test_a_data_key_of_another_document_is_named(lab: Lab, kms: Any, table: Any, key: str) -> None:
    """The context says more than was asked for: KMS compares all of it."""
    answer = kms.generate_data_key(
        KeyId=key, KeySpec="AES_256", EncryptionContext={**CONTEXT, "by": "ada"}
    )
    nonce = os.urandom(12)
    table.put_item(
        Item={
            "document_id": "report",
            "ciphertext": AESGCM(answer["Plaintext"]).encrypt(nonce, REPORT, None),
            "nonce": nonce,
            "wrapped_key": answer["CiphertextBlob"],
        }
    )
    (said,) = missing("8.1", lab)
    assert "KMS does not unwrap wrapped_key with the context" in said


def test_the_data_key_in_the_name_of_an_attribute_is_named(
    lab: Lab, kms: Any, table: Any, key: str
) -> None:
    item = sealed(kms, key)
    data_key = kms.decrypt(CiphertextBlob=item["wrapped_key"], EncryptionContext=CONTEXT)
    table.put_item(Item={**item, data_key["Plaintext"].hex(): True})
    (said,) = missing("8.1", lab)
    assert said.startswith("the plaintext data key is stored in")


def test_a_second_document_and_a_table_under_a_key_are_right(
    lab: Lab, kms: Any, table: Any, key: str
) -> None:
    table.put_item(Item=sealed(kms, key))
    table.put_item(Item={**sealed(kms, key), "document_id": "draft", "pages": 12})
    assert missing("8.1", lab) == []


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        ("kms:Decrypt", SOON),
        ("kms:Decrypt", {**SOON, "StringEquals": {"kms:EncryptionContext:department": "sales"}}),
        ("kms:Decrypt", {"StringLike": {"aws:userid": "*:month-end"}}),
        ("kms:Encrypt", SOON),
        ("kms:GenerateDataKey", {"NumericGreaterThan": {"aws:EpochTime": "4039372800"}}),
        ("kms:CreateGrant", SOON),
        ("kms:ScheduleKeyDeletion", SOON),
        ("iam:PutRolePolicy", SOON),
    ],
)
def test_what_is_open_one_day_is_named(
    lab: Lab, kms: Any, department_key: str, clerk: str, action: str, condition: dict[str, Any]
) -> None:
    grant_payroll(kms, department_key, clerk)
    allow(clerk, action, condition)
    assert missing("8.2", lab)


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        ("kms:Decrypt", {**context_is("StringEquals"), **SOON}),
        ("kms:Decrypt", {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        ("kms:DescribeKey", SOON),
        ("s3:GetObject", SOON),
    ],
    ids=["payroll again", "over", "descriptions", "another service"],
)
def test_what_opens_nothing_more_is_right(
    lab: Lab, kms: Any, department_key: str, clerk: str, action: str, condition: dict[str, Any]
) -> None:
    grant_payroll(kms, department_key, clerk)
    allow(clerk, action, condition)
    assert missing("8.2", lab) == []


def test_an_alias_in_the_place_of_the_key_and_other_material_are_no_rescue(
    lab: Lab, kms: Any
) -> None:
    doomed = make_key(kms, "8.3")
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    kms.create_alias(AliasName="alias/payroll", TargetKeyId=kms.create_key()["KeyMetadata"]["Arn"])
    assert missing("8.3", lab) == ["it is still pending deletion"]


def test_a_rescue_that_was_scheduled_again_is_not_done(lab: Lab, kms: Any) -> None:
    doomed = make_key(kms, "8.3")
    for _ in range(2):
        kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
        assert missing("8.3", lab) == ["it is still pending deletion"]
        kms.cancel_key_deletion(KeyId=doomed)
    assert missing("8.3", lab) == ["its deletion is cancelled, but it is Disabled"]


def test_a_rescue_on_the_last_day_and_by_an_alias_is_right(lab: Lab, kms: Any) -> None:
    doomed = make_key(kms, "8.3")
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    lab.later(days=6.9)
    kms.cancel_key_deletion(KeyId=doomed)
    kms.enable_key(KeyId=doomed)
    lab.later(days=30)
    assert missing("8.3", lab) == []

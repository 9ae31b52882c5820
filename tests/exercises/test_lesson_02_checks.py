"""The checks of lesson 02 name what went wrong, for the mistakes that learners make."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import Binary
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction, EncryptionKeyType, KeyEncodingType
from dynamodb_encryption_sdk.material_providers import CryptographicMaterialsProvider
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.material_providers.most_recent import CachingMostRecentProvider
from dynamodb_encryption_sdk.material_providers.store.meta import MetaStore
from dynamodb_encryption_sdk.material_providers.wrapped import WrappedCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions

from tests.support.accounts import document
from tests.support.handed_in import ORDERS, missing, tagged_role
from workshop_lib.lab import Lab

SIGNATURE, DESCRIPTION = "*amzn-ddb-map-sig*", "*amzn-ddb-map-desc*"
KEY = {"customer": "lin", "order_no": 21}
ORDER = {**KEY, "city": "Lyon", "card": "4111 1111", "phone": "555-0100"}
SIGNED_CITY = {"city": CryptoAction.SIGN_ONLY}
Put = Callable[..., Any]


def new_table(name: str = "orders", number: str = "2.1") -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=name,
        **ORDERS,
        Tags=[{"Key": "exercise", "Value": number}],
    )


def direct_kms() -> Any:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    return AwsKmsCryptographicMaterialsProvider(key_id=key)


@pytest.fixture
def table(lab: Lab) -> Any:
    return new_table()


@pytest.fixture
def put(table: Any) -> Put:
    """put(item, provider, **actions): through the encryption client; the table's Table."""

    def write(
        item: dict[str, Any],
        provider: CryptographicMaterialsProvider | None = None,
        **actions: CryptoAction,
    ) -> Any:
        chosen = AttributeActions(attribute_actions={**SIGNED_CITY, **actions})
        EncryptedTable(
            table=table, materials_provider=provider or direct_kms(), attribute_actions=chosen
        ).put_item(Item=item)
        return table

    return write


# --- 2.1 ----------------------------------------------------------------------------------------


def test_the_order_as_asked(lab: Lab, put: Put) -> None:
    put(ORDER)
    assert missing("2.1", lab) == []


@pytest.mark.parametrize(
    "more",
    [
        {"note": "ring twice"},
        {"lines": [{"tea": 2}, None, True], "tags": {"a", "b"}},
        {"card": 4111, "phone": {"home": "1", "work": "2"}},
        {"city": "北京", "raw": b"\x00\x01", "sizes": {1, 2}},
    ],
)
def test_other_values_are_right(lab: Lab, put: Put, more: dict[str, Any]) -> None:
    put({**ORDER, **more})
    assert missing("2.1", lab) == []


def test_more_attributes_with_other_actions_are_right(lab: Lab, put: Put) -> None:
    more = {"note": "ring twice", "shop": "north", "stamp": b"\x00" * 32}
    put({**ORDER, **more}, note=CryptoAction.DO_NOTHING, shop=CryptoAction.SIGN_ONLY)
    assert missing("2.1", lab) == []


def test_a_caching_provider_is_right(lab: Lab, put: Put) -> None:
    boto3.client("dynamodb").create_table(
        TableName="keys",
        KeySchema=[
            {"AttributeName": "N", "KeyType": "HASH"},
            {"AttributeName": "V", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "N", "AttributeType": "S"},
            {"AttributeName": "V", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    store = MetaStore(boto3.resource("dynamodb").Table("keys"), direct_kms())
    provider = CachingMostRecentProvider(
        provider_store=store, material_name="orders", version_ttl=60.0, cache_size=10
    )
    put(ORDER, provider)
    assert missing("2.1", lab) == []


def test_an_item_of_the_plain_table_is_named(lab: Lab, table: Any) -> None:
    table.put_item(Item=ORDER)
    assert missing("2.1", lab) == [
        "it was written without the encryption client: there is no material description"
    ]


@pytest.mark.parametrize("action", [CryptoAction.SIGN_ONLY, CryptoAction.DO_NOTHING])
def test_a_readable_card_is_named(lab: Lab, put: Put, action: CryptoAction) -> None:
    put(ORDER, card=action)
    assert missing("2.1", lab) == ["a plain reader sees card"]


def test_an_encrypted_city_is_named(lab: Lab, put: Put) -> None:
    put(ORDER, city=CryptoAction.ENCRYPT_AND_SIGN)
    found = missing("2.1", lab)
    assert found[0] == "the city is not readable as text, so the index cannot find it"


def test_a_city_that_nobody_signed_is_named(lab: Lab, put: Put) -> None:
    put(ORDER, city=CryptoAction.DO_NOTHING)
    (said,) = missing("2.1", lab)
    assert said.startswith("the signature does not cover city")


def test_bytes_that_look_like_ciphertext_are_named(lab: Lab, put: Put) -> None:
    """Signed by the client, encrypted by nobody."""
    put({**ORDER, "card": bytes(range(128, 176))}, card=CryptoAction.SIGN_ONLY)
    assert missing("2.1", lab) == ["card: bytes that this client did not encrypt"]


def test_a_forged_item_is_named(lab: Lab, table: Any) -> None:
    """Random bytes beside a made-up description and signature."""
    made_up = {"card": bytes(range(200, 248)), "phone": bytes(range(150, 198))}
    table.put_item(Item={**ORDER, **made_up, DESCRIPTION: bytes(4), SIGNATURE: bytes(32)})
    (said,) = missing("2.1", lab)
    assert said.startswith("no reader opens the order")


def test_a_copied_order_is_named(lab: Lab, put: Put, table: Any) -> None:
    put({**ORDER, "order_no": 20})
    copied = table.get_item(Key={**KEY, "order_no": 20})["Item"]
    table.put_item(Item={**copied, **KEY})
    (said,) = missing("2.1", lab)
    assert "KMS does not unwrap its data key" in said


def test_an_edited_order_is_named(lab: Lab, put: Put, table: Any) -> None:
    put(ORDER)
    stored = table.get_item(Key=KEY)["Item"]
    table.put_item(Item={**stored, "city": "Rome"})
    (said,) = missing("2.1", lab)
    assert "signature does not fit" in said
    flipped = bytes(stored["card"])[:-1] + bytes([bytes(stored["card"])[-1] ^ 1])
    table.put_item(Item={**stored, "card": Binary(flipped)})
    assert missing("2.1", lab)


def test_a_key_of_one_s_own_is_named(lab: Lab, put: Put) -> None:
    """The Wrapped provider: no KMS key stands behind it."""

    def key(algorithm: str, kind: EncryptionKeyType) -> JceNameLocalDelegatedKey:
        return JceNameLocalDelegatedKey(bytes(32), algorithm, kind, KeyEncodingType.RAW)

    wrapping = key("AES", EncryptionKeyType.SYMMETRIC)
    signing = key("HmacSHA256", EncryptionKeyType.SYMMETRIC)
    provider = WrappedCryptographicMaterialsProvider(
        wrapping_key=wrapping, unwrapping_key=wrapping, signing_key=signing
    )
    put(ORDER, provider)
    (said,) = missing("2.1", lab)
    assert "no KMS key stands behind" in said


# --- 2.2 and 2.3 --------------------------------------------------------------------------------


@pytest.fixture
def orders(put: Put) -> Any:
    """The table of exercise 2.1, with its order."""
    return put(ORDER)


Role = Callable[..., str]


@pytest.fixture
def role(lab: Lab) -> Role:
    """role(number, *statements, boundary=…): a tagged role with that policy; its name."""

    def make(number: str, *statements: dict[str, Any], boundary: Any = None) -> str:
        more, name = {}, lab.name("writer")
        if boundary:
            made = boto3.client("iam").create_policy(
                PolicyName=lab.name("boundary"), PolicyDocument=document(*boundary)
            )
            more = {"PermissionsBoundary": made["Policy"]["Arn"]}
        tagged_role(name, number, *statements, **more)
        return name

    return make


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": "*", **more}


def deny(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": actions, "Resource": "*", **more}


PUT = allow("dynamodb:PutItem")
UNSIGNED = {"ForAllValues:StringNotEquals": {"dynamodb:Attributes": [SIGNATURE]}}
SIGNED = {"ForAnyValue:StringEquals": {"dynamodb:Attributes": [SIGNATURE]}}
NOTHING_ELSE = {"Effect": "Deny", "NotAction": ["dynamodb:PutItem"], "Resource": "*"}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "statements",
    [
        [PUT, deny("dynamodb:PartiQL*")],
        [PUT, deny("DynamoDB:partiql*")],
        [PUT, deny("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate")],
        [PUT, deny("dynamodb:PartiQLI*"), deny("dynamodb:PartiQL?pdate")],
        [PUT, NOTHING_ELSE],
        [allow("dynamodb:PutItem", Condition=SIGNED), deny("dynamodb:PartiQL*")],
        [allow("*"), deny("dynamodb:PartiQL*")],
        [allow("dynamodb:*"), deny("dynamodb:PartiQL*", Resource="arn:aws:dynamodb:*:*:table/*")],
        [PUT, {**NOTHING_ELSE, "NotAction": ["dynamodb:Put*", "dynamodb:Get*", "kms:*"]}],
    ],
)
def test_every_deny_of_partiql_is_right(lab: Lab, role: Role, statements: Any) -> None:
    role("2.2", *statements)
    assert missing("2.2", lab) == []


@pytest.mark.usefixtures("orders")
def test_a_permissions_boundary_is_right(lab: Lab, role: Role) -> None:
    role("2.2", PUT, boundary=[PUT])
    assert missing("2.2", lab) == []


ONLY_ALONE = {"Null": {"dynamodb:EnclosingOperation": "true"}}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("statements", "leaks", "holds"),
    [
        ([PUT], ["INSERT", "UPDATE"], []),
        ([PUT, deny("dynamodb:PartiQLInsert")], ["UPDATE", "UPDATE in a batch"], ["INSERT"]),
        ([PUT, deny("dynamodb:PartiQLUpdate")], ["INSERT"], ["UPDATE"]),
        ([PUT, deny("dynamodb:PartiQLDelete", "dynamodb:PartiQLSelect")], ["INSERT"], []),
        ([PUT, deny("dynamodb:ExecuteStatement", "dynamodb:BatchExecute*")], ["INSERT"], []),
        (
            [PUT, deny("dynamodb:PartiQL*", Condition={
                "ForAnyValue:StringEquals": {"dynamodb:Attributes": ["card"]}})],
            ["INSERT"], [],
        ),
        (
            [PUT, deny("dynamodb:PartiQL*", Condition={
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["exercise-check*"]}})],
            ["INSERT"], [],
        ),
        ([PUT, deny("dynamodb:PartiQL*", Resource="arn:aws:dynamodb:*:*:table/other")],
         ["INSERT"], []),
    ],
)  # fmt: skip
def test_a_leak_by_partiql_is_named(
    lab: Lab, role: Role, statements: Any, leaks: list[str], holds: list[str]
) -> None:
    role("2.2", *statements)
    (said,) = missing("2.2", lab)
    assert all(f"a PartiQL {what}" in said for what in leaks), said
    assert not any(f"a PartiQL {what}" in said for what in holds), said


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("number", ["2.2", "2.3"])
def test_a_role_that_may_not_write_is_named(lab: Lab, role: Role, number: str) -> None:
    role(number, deny("dynamodb:*"))
    (said,) = missing(number, lab)
    assert "may not put" in said


def test_a_deny_that_the_role_can_delete_is_named(lab: Lab, orders: Any, role: Role) -> None:
    """In the table's own policy, which dynamodb:* may take away."""
    name = role("2.2", PUT)
    account = boto3.client("sts").get_caller_identity()["Account"]
    dynamodb = boto3.client("dynamodb")
    statement = deny(
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        Principal={"AWS": f"arn:aws:iam::{account}:role/{name}"},
        Resource=orders.table_arn,
    )
    dynamodb.put_resource_policy(ResourceArn=orders.table_arn, Policy=document(statement))
    (said,) = missing("2.2", lab)
    assert "deleted the table's own policy" in said
    kept = dynamodb.get_resource_policy(ResourceArn=orders.table_arn)["Policy"]
    assert json.loads(kept)["Statement"][0]["Effect"] == "Deny"


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "statements",
    [
        [PUT, NOTHING_ELSE, deny("dynamodb:PutItem", Condition=UNSIGNED)],
        [PUT, {**NOTHING_ELSE, "NotAction": ["dynamodb:PutItem", "dynamodb:DescribeTable"]},
         deny("dynamodb:PutItem", Condition=UNSIGNED)],
        [PUT, deny("dynamodb:UpdateItem", "dynamodb:BatchWriteItem", "dynamodb:PartiQL*"),
         deny("dynamodb:*Item", Condition=UNSIGNED)],
    ],
)  # fmt: skip
def test_signed_items_only(lab: Lab, role: Role, statements: Any) -> None:
    role("2.3", *statements)
    assert missing("2.3", lab) == []


@pytest.mark.usefixtures("orders")
def test_a_boundary_for_signed_items_is_right(lab: Lab, role: Role) -> None:
    role("2.3", PUT, boundary=[allow("dynamodb:PutItem", Condition=SIGNED)])
    assert missing("2.3", lab) == []


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("statements", "leaks"),
    [
        ([PUT, deny("dynamodb:PartiQL*")],
         ["PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems with a Put"]),
        ([PUT, NOTHING_ELSE], ["PutItem without a signature", "TransactWriteItems with a Put"]),
        ([PUT, NOTHING_ELSE, deny("dynamodb:PutItem", Condition={
            "StringEquals": {"dynamodb:EnclosingOperation": "TransactWriteItems"}})],
         ["PutItem without a signature"]),
        ([PUT, deny("dynamodb:PutItem", Condition=UNSIGNED)],
         ["UpdateItem", "BatchWriteItem", "a PartiQL INSERT", "a PartiQL UPDATE"]),
        ([PUT, deny("dynamodb:*", Condition=UNSIGNED)],
         ["BatchWriteItem with a signed item among others"]),
        ([PUT, deny("dynamodb:TransactWriteItems", "dynamodb:PartiQL*", "dynamodb:UpdateItem",
                    "dynamodb:BatchWriteItem")],
         ["PutItem without a signature", "TransactWriteItems with a Put"]),
        ([allow("dynamodb:PutItem", Condition=SIGNED)], ["PutItem without a signature"]),
    ],
)  # fmt: skip
def test_a_way_past_the_client_is_named(
    lab: Lab, role: Role, statements: Any, leaks: list[str]
) -> None:
    role("2.3", *statements)
    (said,) = missing("2.3", lab)
    assert all(what in said for what in leaks), said


def test_a_signed_order_is_needed(lab: Lab, table: Any, role: Role) -> None:
    table.put_item(Item=ORDER)
    role("2.3", PUT)
    assert missing("2.3", lab) == [
        "the table of exercise 2.1 holds no order that the client signed"
    ]


@pytest.mark.parametrize("number", ["2.2", "2.3"])
def test_what_the_check_wrote_is_gone(lab: Lab, orders: Any, role: Role, number: str) -> None:
    name = role(number, PUT)
    before = orders.get_item(Key=KEY)["Item"]
    missing(number, lab)
    assert orders.scan()["Items"] == [before]
    assert boto3.client("iam").list_role_policies(RoleName=name)["PolicyNames"] == ["own"]


# --- answers that were tried later ---------------------------------------------------------------


@pytest.mark.parametrize("note", ["card 4111 1111", {"call": ["555-0100"]}, b"555-0100"])
def test_a_readable_copy_is_named(lab: Lab, put: Put, note: Any) -> None:
    put({**ORDER, "note": note}, note=CryptoAction.SIGN_ONLY)
    (said,) = missing("2.1", lab)
    assert said.endswith("is also readable, in note of the same item")


def test_a_readable_copy_in_another_order_is_named(lab: Lab, put: Put, table: Any) -> None:
    put(ORDER)
    table.put_item(Item={**ORDER, "order_no": 22})
    assert missing("2.1", lab) == ["the card is also readable, in card of another item"]


def not_lin(operator: str = "ForAnyValue:StringNotEquals") -> dict[str, Any]:
    return {operator: {"dynamodb:LeadingKeys": ["lin"]}}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "statements",
    [
        [PUT, deny("dynamodb:PartiQL*", Condition=UNSIGNED)],
        [PUT, deny("dynamodb:PartiQL*", Condition=not_lin())],
        [PUT, deny("dynamodb:PartiQL*", Condition={
            "ForAllValues:StringNotEquals": {"dynamodb:Attributes": ["card"]}})],
        [PUT, deny("dynamodb:PartiQL*", Condition={
            "ForAllValues:StringNotEquals": {"dynamodb:Attributes": ["note"]}})],
        [PUT, deny("dynamodb:PartiQL*", Condition={"Null": {"dynamodb:Attributes": "true"}})],
        [PUT, deny("dynamodb:PartiQL*", Condition={"Null": {
            "dynamodb:EnclosingOperation": "true"}})],
        [PUT, deny("dynamodb:PartiQL*", Condition={
            "StringEquals": {"dynamodb:FullTableScan": "true"}})],
    ],
    ids=["unsigned", "another customer", "no card", "no note", "no attributes", "alone", "scans"],
)  # fmt: skip
def test_a_condition_that_leaves_some_partiql_is_named(
    lab: Lab, role: Role, statements: Any
) -> None:
    role("2.2", *statements)
    (said,) = missing("2.2", lab)
    assert "a PartiQL" in said


OUTRIGHT = deny("dynamodb:UpdateItem", "dynamodb:BatchWriteItem", "dynamodb:PartiQL*")


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("statements", "leak"),
    [
        ([PUT, deny("dynamodb:*", Condition=UNSIGNED),
          deny("dynamodb:BatchWriteItem", "dynamodb:PartiQL*")], "UpdateItem"),
        ([PUT, deny("dynamodb:*", Condition=UNSIGNED),
          deny("dynamodb:BatchWriteItem", "dynamodb:UpdateItem")], "a PartiQL INSERT"),
        ([PUT, OUTRIGHT, deny("dynamodb:PutItem", Condition={
            "ForAllValues:StringNotEquals": {"dynamodb:Attributes": [DESCRIPTION]}})],
         "PutItem without a signature"),
        ([PUT, OUTRIGHT, deny("dynamodb:PutItem", Condition={
            "ForAllValues:StringNotEquals": {"dynamodb:Attributes": [SIGNATURE, DESCRIPTION]}})],
         "PutItem without a signature"),
        ([PUT, OUTRIGHT, deny("dynamodb:PutItem", Condition={**UNSIGNED, **not_lin()})],
         "PutItem without a signature"),
    ],
)  # fmt: skip
def test_a_narrower_deny_is_named(lab: Lab, role: Role, statements: Any, leak: str) -> None:
    role("2.3", *statements)
    (said,) = missing("2.3", lab)
    assert leak in said


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "statements",
    [
        [PUT, OUTRIGHT, deny("dynamodb:PutItem", Condition={
            "ForAllValues:StringNotLike": {"dynamodb:Attributes": "?amzn-ddb-map-sig?"}})],
        [PUT, OUTRIGHT, deny("dynamodb:Put*", Condition=UNSIGNED), allow("dynamodb:Query")],
        [PUT, NOTHING_ELSE, deny("dynamodb:PutItem", Condition=UNSIGNED),
         deny("dynamodb:PutItem", Condition={
             "ForAllValues:StringNotEquals": {"dynamodb:Attributes": [DESCRIPTION]}})],
    ],
)  # fmt: skip
def test_other_denies_of_what_is_unsigned_are_right(lab: Lab, role: Role, statements: Any) -> None:
    role("2.3", *statements)
    assert missing("2.3", lab) == []


# --- when, and what was written first -----------------------------------------------------------


def test_a_secret_that_the_stream_still_has_is_named(lab: Lab, put: Put, table: Any) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    boto3.client("dynamodb").update_table(TableName=table.name, StreamSpecification=stream)
    table.put_item(Item=ORDER)
    put(ORDER)
    (said,) = missing("2.1", lab)
    assert "the card stands readable in the table's stream" in said


def test_a_city_that_is_the_phone_is_named(lab: Lab, put: Put) -> None:
    put({**ORDER, "city": f"Lyon, {ORDER['phone']}"})
    (said,) = missing("2.1", lab)
    assert said == "the phone is also readable, in city of the same item"


def test_a_secret_that_is_a_name_is_named(lab: Lab, put: Put) -> None:
    put({**ORDER, "calls": {str(ORDER["phone"]): 3}}, calls=CryptoAction.SIGN_ONLY)
    (said,) = missing("2.1", lab)
    assert "is also readable, in calls" in said


@pytest.mark.parametrize("what", ["numbers", "stream"])
def test_other_kinds_of_secrets_and_a_stream_are_right(
    lab: Lab, put: Put, table: Any, what: str
) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    if what == "stream":
        boto3.client("dynamodb").update_table(TableName=table.name, StreamSpecification=stream)
    put({**ORDER, "card": 4111, "phone": {"home": "555-0100"}} if what == "numbers" else ORDER)
    put({**ORDER, "note": "called"})
    assert missing("2.1", lab) == []


TO_COME = {"DateLessThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
BEGUN = {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "condition",
    [
        TO_COME,
        {"NumericLessThan": {"aws:EpochTime": "4039372800"}},
        {"DateNotEquals": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringNotLike": {"aws:userid": "*:migration"}},
        {"Bool": {"aws:ViaAWSService": "false"}},
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        {"Null": {"aws:SourceVpce": "true"}},
        {"StringNotEquals": {"aws:UserAgent": "batch"}},
    ],
)
def test_a_deny_that_does_not_hold_always_is_named(
    lab: Lab, role: Role, condition: dict[str, Any]
) -> None:
    role("2.2", PUT, deny("dynamodb:PartiQL*", Condition=condition))
    (said,) = missing("2.2", lab)
    assert "the role may call dynamodb:PartiQLInsert, where aws:" in said


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("statements", "leak"),
    [
        ([PUT, {**NOTHING_ELSE, "Condition": TO_COME}, deny("dynamodb:PutItem",
          Condition=UNSIGNED)], "dynamodb:UpdateItem, where aws:CurrentTime"),
        ([PUT, NOTHING_ELSE, deny("dynamodb:PutItem", Condition={**UNSIGNED, **TO_COME})],
         "dynamodb:PutItem, where aws:CurrentTime"),
        ([PUT, NOTHING_ELSE, deny("dynamodb:PutItem", Condition={
            **UNSIGNED, "StringNotLike": {"aws:userid": "*:night"}})],
         "dynamodb:PutItem, where aws:userid"),
    ],
)  # fmt: skip
def test_a_signature_that_is_not_asked_for_always_is_named(
    lab: Lab, role: Role, statements: Any, leak: str
) -> None:
    role("2.3", *statements)
    (said,) = missing("2.3", lab)
    assert leak in said


@pytest.mark.usefixtures("orders")
def test_a_boundary_that_ends_is_named(lab: Lab, role: Role) -> None:
    later = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}
    role("2.2", PUT, boundary=[PUT, allow("dynamodb:*", Condition=later)])
    (said,) = missing("2.2", lab)
    assert "where aws:CurrentTime is 2098" in said


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "statements",
    [
        [PUT, deny("dynamodb:PartiQL*", Condition=BEGUN)],
        [PUT, deny("dynamodb:PartiQL*", Condition=TO_COME), deny("dynamodb:PartiQL*")],
        [PUT, deny("dynamodb:PartiQL*", Condition=TO_COME),
         deny("dynamodb:PartiQL*", Condition={
             "DateGreaterThanEquals": TO_COME["DateLessThan"]})],
        [PUT, deny("dynamodb:PartiQL*", Condition={"Bool": {"aws:ViaAWSService": [True, False]}})],
        [PUT, deny("dynamodb:PartiQL*", Condition={"StringLike": {"aws:PrincipalArn": "*"}})],
    ],
    ids=["begun", "and always", "two halves", "both", "whoever"],
)  # fmt: skip
def test_denies_that_hold_always_are_right(lab: Lab, role: Role, statements: Any) -> None:
    role("2.2", *statements)
    assert missing("2.2", lab) == []

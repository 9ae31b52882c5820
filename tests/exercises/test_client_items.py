"""Items of the DynamoDB Encryption Client are opened as the client itself opens them."""

from decimal import Decimal
from typing import Any

import boto3
import pytest
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.internal.formatting.serialize.attribute import serialize_attribute
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider as DirectKms,
)
from dynamodb_encryption_sdk.structures import AttributeActions
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.exercises.client_items import NotOpened, open_item, serialized
from workshop_lib.lab import Lab

numbers = st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
)
scalars = st.one_of(
    st.builds(lambda text: {"S": text}, st.text()),
    st.builds(lambda number: {"N": str(number)}, numbers),
    st.builds(lambda data: {"B": data}, st.binary()),
    st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda members: {"SS": list(members)}, st.sets(st.text(), min_size=1)),
    st.builds(lambda members: {"BS": list(members)}, st.sets(st.binary(), min_size=1)),
    st.builds(lambda members: {"NS": [str(m) for m in members]}, st.sets(numbers, min_size=1)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=3)),
        st.builds(lambda members: {"M": members}, st.dictionaries(st.text(), inner, max_size=3)),
    ),
    max_leaves=6,
)


@given(value=values)
def test_an_attribute_is_serialized_as_the_client_does(value: dict[str, Any]) -> None:
    assert serialized(value) == serialize_attribute(value)


def stored(lab: Lab, **actions: CryptoAction) -> tuple[str, dict[str, Any], str]:
    """Table, item with the keys customer (S) and no (N), and the ARN of its KMS key."""
    schema = [
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "no", "KeyType": "RANGE"},
    ]
    kinds = [
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "no", "AttributeType": "N"},
    ]
    table = boto3.resource("dynamodb").create_table(
        TableName=lab.name("orders"),
        KeySchema=schema,
        AttributeDefinitions=kinds,
        BillingMode="PAY_PER_REQUEST",
    )
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    client = EncryptedTable(
        table=table,
        materials_provider=DirectKms(key_id=key),
        attribute_actions=AttributeActions(attribute_actions=actions),
    )
    client.put_item(
        Item={"customer": "lin", "no": 7, "city": "Oslo", "card": "4111", "sum": Decimal("1.50")}
    )
    place = {"customer": {"S": "lin"}, "no": {"N": "7"}}
    item = boto3.client("dynamodb").get_item(TableName=table.name, Key=place)["Item"]
    return table.name, item, key


KEYS = ["customer", "no"]


def test_it_tells_what_was_done_to_each_attribute(lab: Lab) -> None:
    table, item, key = stored(lab, city=CryptoAction.SIGN_ONLY, sum=CryptoAction.DO_NOTHING)
    opened = open_item(table, KEYS, item)
    assert set(opened.encrypted) == {"card"}
    assert set(opened.signed) == {"customer", "no", "city"}
    assert set(opened.unsigned) == {"sum"}
    assert opened.plaintext == {"card": serialize_attribute({"S": "4111"})}
    assert opened.kms_keys == (key,)


def test_nothing_altered_opens(lab: Lab) -> None:
    table, item, _ = stored(lab, city=CryptoAction.SIGN_ONLY)
    flipped = bytes([item["card"]["B"][0] ^ 1]) + item["card"]["B"][1:]
    for altered in (
        {**item, "city": {"S": "Bergen"}},
        {**item, "card": {"B": flipped}},
        {**item, "sum": item["card"], "card": item["sum"]},
        {**item, "*amzn-ddb-map-sig*": {"B": bytes(32)}},
        {**item, "no": {"N": "8"}},
        {name: value for name, value in item.items() if name != "*amzn-ddb-map-desc*"},
    ):
        with pytest.raises(NotOpened):
            open_item(table, KEYS, altered)
    with pytest.raises(NotOpened, match="for another one"):
        open_item("another-table", KEYS, item)

"""The checks of lesson 00 name what went wrong, for the mistakes that learners make."""

import os
from typing import Any

import boto3
import pytest
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions

from tests.support.handed_in import missing
from workshop_lib import start_lab
from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

ORDER = {"order_id": "2002"}
CARD = "5500 0000 0000 0004"
DESCRIPTION, SIGNATURE = "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*"


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def key(lab: Lab) -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def table(lab: Lab) -> Any:
    return new_table("secret", Tags=[{"Key": "exercise", "Value": "0.1"}])


def new_table(name: str, **more: Any) -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def encrypted(table: Any, key: str, **more: Any) -> EncryptedTable:
    provider = AwsKmsCryptographicMaterialsProvider(key_id=key)
    return EncryptedTable(table=table, materials_provider=provider, **more)


@pytest.mark.parametrize("card", [CARD, 5500, b"5500", {"number": CARD, "months": [1, 2]}])
def test_what_the_client_wrote_is_right(lab: Lab, table: Any, key: str, card: Any) -> None:
    encrypted(table, key).put_item(Item={**ORDER, "card": card})
    assert missing("0.1", lab) == []


def test_other_attributes_are_right_whatever_is_done_to_them(
    lab: Lab, table: Any, key: str
) -> None:
    actions = AttributeActions(
        default_action=CryptoAction.ENCRYPT_AND_SIGN,
        attribute_actions={"city": CryptoAction.SIGN_ONLY, "seen": CryptoAction.DO_NOTHING},
    )
    item = {**ORDER, "card": CARD, "city": "Lyon", "seen": {1, 2}, "gift": True, "note": None}
    encrypted(table, key, attribute_actions=actions).put_item(Item=item)
    assert missing("0.1", lab) == []


def test_an_alias_and_a_table_at_rest_under_the_same_key_are_right(lab: Lab, key: str) -> None:
    boto3.client("kms").create_alias(AliasName="alias/cards", TargetKeyId=key)
    own = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    tags = [{"Key": "exercise", "Value": "0.1"}]
    table = new_table("both", SSESpecification=own, Tags=tags)
    encrypted(table, "alias/cards").put_item(Item={**ORDER, "card": CARD})
    assert missing("0.1", lab) == []


def test_a_forged_item_is_not_taken_for_one_of_the_clients(lab: Lab, table: Any) -> None:
    forged = {DESCRIPTION: b"\0\0\0\0", SIGNATURE: bytes(32), "card": os.urandom(48)}
    table.put_item(Item={**ORDER, **forged})
    (said,) = missing("0.1", lab)
    assert "its material description is not one of the client's" in said


def test_a_real_material_description_beside_a_made_up_card(lab: Lab, table: Any, key: str) -> None:
    encrypted(table, key).put_item(Item={**ORDER, "card": CARD})
    item = table.get_item(Key=ORDER)["Item"]
    table.put_item(Item={**item, "card": os.urandom(48)})
    (said,) = missing("0.1", lab)
    assert "its signature does not fit" in said


def test_an_item_of_another_table_is_named(lab: Lab, table: Any, key: str) -> None:
    other = new_table("other")
    encrypted(other, key).put_item(Item={**ORDER, "card": CARD})
    table.put_item(Item=other.get_item(Key=ORDER)["Item"])
    (said,) = missing("0.1", lab)
    assert "was written for another one" in said


def test_an_item_of_another_order_is_named(lab: Lab, table: Any, key: str) -> None:
    encrypted(table, key).put_item(Item={"order_id": "1001", "card": CARD})
    item = table.get_item(Key={"order_id": "1001"})["Item"]
    table.put_item(Item={**item, **ORDER})
    (said,) = missing("0.1", lab)
    assert "was written for another one" in said


def test_bytes_that_the_client_left_alone_are_named(lab: Lab, table: Any, key: str) -> None:
    actions = AttributeActions(
        default_action=CryptoAction.ENCRYPT_AND_SIGN,
        attribute_actions={"card": CryptoAction.SIGN_ONLY},
    )
    client = encrypted(table, key, attribute_actions=actions)
    client.put_item(Item={**ORDER, "card": b"\xff" + os.urandom(47), "city": "Lyon"})
    (said,) = missing("0.1", lab)
    assert "did not encrypt the card" in said


def test_a_card_that_kms_encrypted_is_no_item_of_the_clients(
    lab: Lab, table: Any, key: str
) -> None:
    blob = boto3.client("kms").encrypt(KeyId=key, Plaintext=CARD.encode())["CiphertextBlob"]
    table.put_item(Item={**ORDER, "card": blob})
    assert missing("0.1", lab) == [
        "the card was not encrypted by the client: the material description is missing"
    ]


def test_a_disabled_key_is_named_with_the_next_step(lab: Lab, table: Any, key: str) -> None:
    encrypted(table, key).put_item(Item={**ORDER, "card": CARD})
    boto3.client("kms").disable_key(KeyId=key)
    result = examine("0.1", lab)
    assert not result.done
    assert "enable_key" in result.steps[-1].fix

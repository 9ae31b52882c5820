"""The checks of lesson 00 name what went wrong, for the mistakes that learners make."""

import base64
import os
from typing import Any

import boto3
import pytest
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.client import EncryptedClient
from dynamodb_encryption_sdk.encrypted.item import encrypt_python_item
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.material_providers.wrapped import WrappedCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions, EncryptionContext
from dynamodb_encryption_sdk.transform import dict_to_ddb

from tests.support.handed_in import missing
from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

ORDER = {"order_id": "2002"}
CARD = "5500 0000 0000 0004"
DESCRIPTION, SIGNATURE = "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*"


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


# --- answers that were tried later ---------------------------------------------------------------

SIGNED_NOTE = AttributeActions(
    default_action=CryptoAction.ENCRYPT_AND_SIGN,
    attribute_actions={"note": CryptoAction.SIGN_ONLY},
)
COPIES: list[Any] = [
    f"card {CARD}, valid",
    base64.b64encode(CARD.encode()).decode(),
    CARD.encode().hex(),
    {"paid": [{"with": CARD}]},
    {CARD, "none"},
    CARD.encode(),
]


@pytest.mark.parametrize("note", COPIES)
def test_a_readable_copy_of_the_card_is_named(lab: Lab, table: Any, key: str, note: Any) -> None:
    client = encrypted(table, key, attribute_actions=SIGNED_NOTE)
    client.put_item(Item={**ORDER, "card": CARD, "note": note})
    assert missing("0.1", lab) == ["the card is also readable, in note of the same item"]


def test_a_readable_copy_in_another_item_is_named(lab: Lab, table: Any, key: str) -> None:
    encrypted(table, key).put_item(Item={**ORDER, "card": CARD})
    table.put_item(Item={"order_id": "2001", "card": CARD})
    assert missing("0.1", lab) == ["the card is also readable, in card of another item"]


def test_other_text_beside_the_card_is_right(lab: Lab, table: Any, key: str) -> None:
    client = encrypted(table, key, attribute_actions=SIGNED_NOTE)
    client.put_item(Item={**ORDER, "card": "55", "note": "by 1955, the 5500th"})
    assert missing("0.1", lab) == []


def test_a_key_that_is_not_of_kms_is_named_as_such(lab: Lab, table: Any) -> None:
    own = JceNameLocalDelegatedKey.generate("AES", 256)
    signing = JceNameLocalDelegatedKey.generate("HmacSHA256", 256)
    provider = WrappedCryptographicMaterialsProvider(signing, own, own)
    EncryptedTable(table=table, materials_provider=provider).put_item(Item={**ORDER, "card": CARD})
    (said,) = missing("0.1", lab)
    assert said == "KMS is not needed to open the item: no KMS key stands behind its data key"


@pytest.mark.parametrize("how", ["batch", "client", "item", "transaction"])
def test_every_way_to_write_what_the_client_encrypted_is_right(
    lab: Lab, table: Any, key: str, how: str
) -> None:
    provider = AwsKmsCryptographicMaterialsProvider(key_id=key)
    item = {**ORDER, "card": CARD}
    low = boto3.client("dynamodb")
    if how == "batch":
        with encrypted(table, key).batch_writer() as batch:
            batch.put_item(Item=item)
    elif how == "client":
        client = EncryptedClient(client=low, materials_provider=provider)
        client.put_item(TableName=table.name, Item=dict_to_ddb(item))
    else:
        context = EncryptionContext(table.name, "order_id", attributes=dict_to_ddb(item))
        actions = AttributeActions(attribute_actions={"order_id": CryptoAction.SIGN_ONLY})
        sealed = encrypt_python_item(item, CryptoConfig(provider, context, actions))
        if how == "item":
            table.put_item(Item=sealed)
        else:
            put = {"TableName": table.name, "Item": dict_to_ddb(sealed)}
            low.transact_write_items(TransactItems=[{"Put": put}])
    assert missing("0.1", lab) == []


# --- what was written first, and names that tell -------------------------------------------------

STREAMED = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.mark.parametrize("view", ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
def test_a_card_that_the_stream_still_has_is_named(lab: Lab, key: str, view: str) -> None:
    """Written in plaintext first, and then overwritten: the table's stream keeps it for a day."""
    tags = [{"Key": "exercise", "Value": "0.1"}]
    stream = {"StreamEnabled": True, "StreamViewType": view}
    table = new_table("streamed", Tags=tags, StreamSpecification=stream)
    table.put_item(Item={**ORDER, "card": CARD})
    encrypted(table, key).put_item(Item={**ORDER, "card": CARD})
    (said,) = missing("0.1", lab)
    assert "the card stands readable in the table's stream, in card" in said


@pytest.mark.parametrize("note", [{CARD: "valid"}, [{"months": {CARD: 1}}]])
def test_a_card_that_is_a_name_is_named(lab: Lab, table: Any, key: str, note: Any) -> None:
    client = encrypted(table, key, attribute_actions=SIGNED_NOTE)
    client.put_item(Item={**ORDER, "card": CARD, "note": note})
    assert missing("0.1", lab) == ["the card is also readable, in note of the same item"]


def test_a_card_that_is_the_name_of_an_attribute_is_named(lab: Lab, table: Any, key: str) -> None:
    encrypted(table, key).put_item(Item={**ORDER, "card": CARD, CARD: "paid"})
    (said,) = missing("0.1", lab)
    assert "is also readable" in said


def test_ciphertext_as_text_is_not_what_the_client_writes(lab: Lab, table: Any, key: str) -> None:
    encrypted(table, key).put_item(Item={**ORDER, "card": CARD})
    item = table.get_item(Key=ORDER)["Item"]
    text = base64.b64encode(bytes(item["card"])).decode()
    table.put_item(Item={**item, "card": text})
    (said,) = missing("0.1", lab)
    assert "its card is readable" in said


def test_a_stream_of_ciphertext_and_a_multi_region_key_are_right(lab: Lab) -> None:
    kms = boto3.client("kms")
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    tags = [{"Key": "exercise", "Value": "0.1"}]
    table = new_table("streamed", Tags=tags, StreamSpecification=STREAMED)
    for _ in range(2):
        encrypted(table, key).put_item(Item={**ORDER, "card": CARD})
    assert missing("0.1", lab) == []


def test_a_key_of_another_region_is_right(lab: Lab, table: Any) -> None:
    far = boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    encrypted(table, far).put_item(Item={**ORDER, "card": CARD})
    assert missing("0.1", lab) == []


# --- 0.2 ---------------------------------------------------------------------------------------


def under(key: str, number: str = "0.2") -> dict[str, Any]:
    own = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    return {"SSESpecification": own, "Tags": [{"Key": "exercise", "Value": number}]}


@pytest.mark.parametrize("name", ["alias/own", "id", "multi-Region"])
def test_every_name_of_a_key_is_right(lab: Lab, key: str, name: str) -> None:
    kms = boto3.client("kms")
    kms.create_alias(AliasName="alias/own", TargetKeyId=key)
    names = {"id": key.rpartition("/")[2]}
    if name == "multi-Region":
        names[name] = kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    new_table("own", **under(names.get(name, name)))
    assert missing("0.2", lab) == []


def test_a_table_that_has_the_tag_as_an_item_only_is_not_found(lab: Lab, key: str) -> None:
    new_table("own", **under(key, "0.1")).put_item(Item={"order_id": "1", "exercise": "0.2"})
    (said,) = missing("0.2", lab)
    assert said == "no table carries the tag exercise = 0.2"


def test_the_aws_managed_key_and_a_way_back_are_not_a_key_of_one_s_own(lab: Lab, key: str) -> None:
    tags = [{"Key": "exercise", "Value": "0.2"}]
    new_table("managed", SSESpecification={"Enabled": True}, Tags=tags)
    assert missing("0.2", lab) == ["its key is an AWS managed one, not yours"]
    lab.later(minutes=1)
    new_table("back", **under(key))
    boto3.client("dynamodb").update_table(TableName="back", SSESpecification={"Enabled": False})
    lab.later(minutes=1)
    assert missing("0.2", lab) == [
        "it is encrypted under the AWS owned key: it has no SSEDescription"
    ]


def test_a_key_on_its_way_out_is_named(lab: Lab, key: str) -> None:
    new_table("own", **under(key))
    boto3.client("kms").schedule_key_deletion(KeyId=key)
    (said,) = missing("0.2", lab)
    assert "PendingDeletion" in said

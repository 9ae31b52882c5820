"""The checks of lesson 03 name what went wrong, for the mistakes that learners make."""

import base64
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.item import encrypt_python_item
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider,
)
from dynamodb_encryption_sdk.material_providers.wrapped import (
    WrappedCryptographicMaterialsProvider,
)
from dynamodb_encryption_sdk.structures import AttributeActions, EncryptionContext
from dynamodb_encryption_sdk.transform import dict_to_ddb

from workshop_lib import start_lab
from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

SIGN_ONLY, DO_NOTHING = CryptoAction.SIGN_ONLY, CryptoAction.DO_NOTHING
DESCRIPTION = "*amzn-ddb-map-desc*"
ORDER = {"customer": "lin", "order_no": 31, "city": "Lyon", "card": "4111 1111"}
KEY = {"customer": "lin", "order_no": 31}
Write = Callable[..., None]


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def table(lab: Lab) -> Any:
    name = lab.name("by-hand")
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "order_no", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "customer", "AttributeType": "S"},
            {"AttributeName": "order_no", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": "3.1"}],
    )
    return boto3.resource("dynamodb").Table(name)


@pytest.fixture
def provider(lab: Lab) -> AwsKmsCryptographicMaterialsProvider:
    return AwsKmsCryptographicMaterialsProvider(
        boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    )


@pytest.fixture
def write(table: Any, provider: AwsKmsCryptographicMaterialsProvider) -> Write:
    def write(
        item: dict[str, Any] = ORDER,
        cmp: Any = provider,
        city: CryptoAction = SIGN_ONLY,
        card: CryptoAction = CryptoAction.ENCRYPT_AND_SIGN,
        **context: Any,
    ) -> None:
        given = {
            "table_name": table.name,
            "partition_key_name": "customer",
            "sort_key_name": "order_no",
            "attributes": dict_to_ddb(item),
            **context,
        }
        actions = AttributeActions(
            attribute_actions={
                "customer": SIGN_ONLY,
                "order_no": SIGN_ONLY,
                "city": city,
                "card": card,
            }
        )
        config = CryptoConfig(cmp, EncryptionContext(**given), actions)
        table.put_item(Item=encrypt_python_item(item, config))

    return write


def seen(number: str, lab: Lab) -> str:
    """What the check missed; nothing if the exercise is done."""
    result = examine(number, lab)
    assert result.error is None
    return "; ".join(step.seen for step in result.steps if not step.ok)


def own_wrapping_key() -> WrappedCryptographicMaterialsProvider:
    key = JceNameLocalDelegatedKey.generate("AES", 256)
    signing = JceNameLocalDelegatedKey.generate("HmacSHA256", 256)
    return WrappedCryptographicMaterialsProvider(signing, key, key)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({}, ""),
        ({"attributes": {}}, "had no attributes"),
        ({"sort_key_name": None}, "named no sort key"),
        ({"partition_key_name": None}, "named no partition key"),
        ({"table_name": "another"}, "does not unwrap its data key for this table"),
        ({"city": CryptoAction.ENCRYPT_AND_SIGN}, "the city is encrypted"),
        ({"city": DO_NOTHING}, "signature does not verify"),
        ({"card": SIGN_ONLY}, "a plain reader sees the card"),
        ({"cmp": own_wrapping_key()}, "another provider wrote it"),
        ({"item": {**ORDER, "note": "x"}}, "other attributes too: note"),
        ({"item": {**KEY, "city": "Lyon"}}, "the order lacks card"),
        ({"item": {**ORDER, "order_no": 32}}, "no order with customer lin and order_no 31"),
    ],
)
def test_an_order_written_by_hand(lab: Lab, write: Write, how: Any, named: str) -> None:
    write(**how)
    missed = seen("3.1", lab)
    assert named in missed
    assert bool(named) == bool(missed)


def test_an_order_written_in_plaintext(lab: Lab, table: Any) -> None:
    table.put_item(Item=ORDER)
    assert "written in plaintext" in seen("3.1", lab)


def test_an_order_edited_afterwards(lab: Lab, table: Any, write: Write) -> None:
    write()
    table.put_item(Item={**table.get_item(Key=KEY)["Item"], "city": "Rome"})
    assert "signature does not verify" in seen("3.1", lab)


@pytest.mark.parametrize("description", [b"", b"\0\0\0\0\xff", b"\0\0\0\0\0\0\0\1x"])
def test_a_description_that_is_none(lab: Lab, table: Any, write: Write, description: bytes) -> None:
    write()
    table.put_item(Item={**table.get_item(Key=KEY)["Item"], DESCRIPTION: description})
    assert "not wrapped by KMS" in seen("3.1", lab)


class TestMoved:
    @pytest.fixture
    def new_key(self) -> str:
        tag = {"TagKey": "exercise", "TagValue": "3.2"}
        return str(boto3.client("kms").create_key(Tags=[tag])["KeyMetadata"]["Arn"])

    def test_not_yet(self, lab: Lab, write: Write, new_key: str) -> None:
        write()
        assert "wrapped by another KMS key" in seen("3.2", lab)

    def test_by_reading_and_writing(
        self, lab: Lab, table: Any, write: Write, provider: Any, new_key: str
    ) -> None:
        write()
        actions = AttributeActions(attribute_actions={"city": SIGN_ONLY})
        old, new = (
            EncryptedTable(table=table, materials_provider=each, attribute_actions=actions)
            for each in (provider, AwsKmsCryptographicMaterialsProvider(new_key))
        )
        new.put_item(Item=old.get_item(Key=KEY)["Item"])
        assert seen("3.2", lab) == ""

    def test_by_wrapping_the_same_data_key_anew(
        self, lab: Lab, table: Any, write: Write, new_key: str
    ) -> None:
        """The description is not signed, so ReEncrypt is enough, and a good answer too."""
        write()
        item = table.get_item(Key=KEY)["Item"]
        description = item[DESCRIPTION].value
        start = description.index(b"amzn-ddb-env-key") + 20
        size = int.from_bytes(description[start - 4 : start], "big")
        facts = {
            "*aws-kms-table*": table.name,
            "customer": "lin",
            "order_no": "31",
            "*amzn-ddb-env-alg*": "AES/256",
            "*amzn-ddb-sig-alg*": "HmacSHA256/256",
        }
        answer = boto3.client("kms").re_encrypt(
            CiphertextBlob=base64.b64decode(description[start : start + size]),
            SourceEncryptionContext=facts,
            DestinationEncryptionContext=facts,
            DestinationKeyId=new_key,
        )
        wrapped = base64.b64encode(answer["CiphertextBlob"])
        field = len(wrapped).to_bytes(4, "big") + wrapped
        item[DESCRIPTION] = description[: start - 4] + field + description[start + size :]
        table.put_item(Item=item)
        assert seen("3.2", lab) == ""

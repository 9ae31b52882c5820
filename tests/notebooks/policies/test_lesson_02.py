"""DynamoDB client-side encryption: the smallest policies are enough, and no more than that."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.exceptions import UnwrappingError, WrappingError
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions

from tests.support.handed_in import ORDERS
from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_dynamodb_client_side"))
TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/orders"
KEY = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
ADA = {"customer": "ada.lovelace", "order_no": 1}
BOB = {"customer": "bob", "order_no": 1}


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def names(lab: Lab) -> dict[str, str]:
    """The ARNs that the page shows, and those of the table and the key that there are."""
    table = boto3.client("dynamodb").create_table(
        TableName="orders",
        **ORDERS,
    )
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {TABLE: table["TableDescription"]["TableArn"], KEY: key}


def encrypted(session: boto3.Session, names: dict[str, str]) -> EncryptedTable:
    provider = AwsKmsCryptographicMaterialsProvider(
        key_id=names[KEY], botocore_session=session._session
    )
    return EncryptedTable(
        table=session.resource("dynamodb").Table("orders"),
        materials_provider=provider,
        attribute_actions=AttributeActions(),
    )


def put(session: boto3.Session, names: dict[str, str], key: dict[str, Any] = ADA) -> None:
    try:
        encrypted(session, names).put_item(Item={**key, "card": "4111"})
    except WrappingError as error:
        raise error.__context__ or error from None


def get(session: boto3.Session, names: dict[str, str], key: dict[str, Any] = ADA) -> None:
    try:
        item = encrypted(session, names).get_item(Key=key)["Item"]
    except UnwrappingError as error:
        raise error.__context__ or error from None
    assert item["card"] == "4111"


def test_a_writer_of_signed_items(lab: Lab, names: dict[str, str]) -> None:
    smallest = with_names(blocks(LESSON, "json")["The smallest policy of a writer"], names)
    confirm(lab, smallest, lambda session: put(session, names))
    writer = role_session(lab, smallest)
    plain = writer.resource("dynamodb").Table("orders")
    transaction = [{"Put": {"TableName": "orders", "Item": {**BOB, "card": "4111"}}}]
    for call in (
        lambda: plain.put_item(Item={**BOB, "card": "4111"}),
        lambda: plain.meta.client.transact_write_items(TransactItems=transaction),
        lambda: get(writer, names),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_a_reader_of_one_customer(lab: Lab, names: dict[str, str]) -> None:
    admin = boto3.Session(region_name="us-east-1")
    put(admin, names)
    put(admin, names, BOB)
    smallest = with_names(blocks(LESSON, "json")["The smallest policy of a reader"], names)
    confirm(lab, smallest, lambda session: get(session, names))
    with pytest.raises(ClientError, match="AccessDenied"):
        get(role_session(lab, smallest), names, BOB)

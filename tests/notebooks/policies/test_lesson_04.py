"""Providers and their keys: the smallest policies are enough, and no more than that."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.exceptions import UnwrappingError, WrappingError
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider as DirectKms,
)
from dynamodb_encryption_sdk.material_providers.most_recent import CachingMostRecentProvider
from dynamodb_encryption_sdk.material_providers.store.meta import MetaStore

from tests.support.handed_in import ORDERS
from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_dynamodb_key_providers"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
KEY = {"customer": "ada", "order_no": 1}
ORDER = {**KEY, "card": "4111"}


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def key(lab: Lab) -> str:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="orders",
        **ORDERS,
    )
    MetaStore.create_table(client, "key-store", read_units=1, write_units=1)
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def direct(session: boto3.Session, key: str) -> DirectKms:
    return DirectKms(key, botocore_session=session._session)


def orders(session: boto3.Session, provider: Any) -> EncryptedTable:
    table = session.resource("dynamodb").Table("orders")
    return EncryptedTable(table=table, materials_provider=provider)


def caching(session: boto3.Session, key: str) -> CachingMostRecentProvider:
    table = session.resource("dynamodb").Table("key-store")
    store = MetaStore(table=table, materials_provider=direct(session, key))
    return CachingMostRecentProvider(store, "orders", 60.0)


def by_aws(call: Callable[[], Any]) -> Any:
    """The call's answer, or what AWS refused beneath the library's own error."""
    try:
        return call()
    except (UnwrappingError, WrappingError) as error:
        raise error.__context__ or error from None


def policy(title: str, key: str) -> dict[str, object]:
    names = {EXAMPLE: key, "111122223333": "123456789012"}
    return with_names(blocks(LESSON, "json")[title], names)


def test_a_reader_with_the_caching_provider(lab: Lab, key: str) -> None:
    administrator = boto3.Session(region_name="us-east-1")
    orders(administrator, caching(administrator, key)).put_item(Item=ORDER)

    def read(session: boto3.Session) -> None:
        table = orders(session, caching(session, key))
        assert by_aws(lambda: table.get_item(Key=KEY))["Item"] == ORDER

    smallest = policy("The smallest policy of a reader", key)
    confirm(lab, smallest, read)
    session = role_session(lab, smallest)
    with pytest.raises(ClientError, match="AccessDenied"):
        by_aws(lambda: orders(session, direct(session, key)).put_item(Item=ORDER))


def test_a_writer_without_the_ways_around(lab: Lab, key: str) -> None:
    smallest = policy("The smallest policy of a writer", key)

    def write(session: boto3.Session) -> None:
        by_aws(lambda: orders(session, direct(session, key)).put_item(Item=ORDER))

    confirm(lab, smallest, write)
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}],
    }
    client = role_session(lab, smallest, everything).client("dynamodb")
    plain = {"customer": {"S": "eve"}, "order_no": {"N": "1"}}
    insert = "INSERT INTO \"orders\" VALUE {'customer': 'eve', 'order_no': 2}"
    around: list[Callable[[], Any]] = [
        lambda: client.transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": plain}}]
        ),
        lambda: client.update_item(TableName="orders", Key=plain),
        lambda: client.execute_statement(Statement=insert),
        lambda: client.execute_transaction(TransactStatements=[{"Statement": insert}]),
    ]
    for call in around:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    client.put_item(TableName="orders", Item=plain)  # what IAM cannot see

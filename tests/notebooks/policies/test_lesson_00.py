"""Start here: the smallest policies of the encryption client are enough, and no more than that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.exceptions import UnwrappingError, WrappingError
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_start_here"))
ORDER = {"order_id": "1001"}


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def names(lab: Lab) -> dict[str, str]:
    """The names of the page, and the real ones."""
    made = boto3.client("dynamodb").create_table(
        TableName=lab.name("cards"),
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {
        "arn:aws:dynamodb:us-east-1:111122223333:table/cards": made["TableArn"],
        "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE": key,
    }


def client(names: dict[str, str], session: boto3.Session) -> Any:
    """The encryption client of a session that has only its own credentials, also for KMS."""
    arn, key = names.values()
    provider = AwsKmsCryptographicMaterialsProvider(key_id=key, botocore_session=session._session)
    table = session.resource("dynamodb").Table(arn.rpartition("/")[2])
    return EncryptedTable(table=table, materials_provider=provider)


@contextmanager
def kms_errors() -> Iterator[None]:
    """KMS's own refusals, in place of what the client makes of them."""
    try:
        yield
    except (WrappingError, UnwrappingError) as error:
        if isinstance(error.__context__, ClientError):
            raise error.__context__ from error
        raise


def test_a_writer(lab: Lab, names: dict[str, str]) -> None:
    def write(session: boto3.Session) -> None:
        with kms_errors():
            client(names, session).put_item(Item={**ORDER, "card": "4111"})

    policy = blocks(LESSON, "json")["The smallest policy of a writer"]
    confirm(lab, with_names(policy, names), write)


def test_a_reader(lab: Lab, names: dict[str, str]) -> None:
    client(names, boto3.Session()).put_item(Item={**ORDER, "card": "4111"})

    def read(session: boto3.Session) -> None:
        with kms_errors():
            assert client(names, session).get_item(Key=ORDER)["Item"]["card"] == "4111"

    policy = blocks(LESSON, "json")["The smallest policy of a reader"]
    confirm(lab, with_names(policy, names), read)

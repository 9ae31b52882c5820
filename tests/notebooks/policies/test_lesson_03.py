"""The item encryptor: the smallest policies are enough, and no more than that."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.item import decrypt_dynamodb_item, encrypt_dynamodb_item
from dynamodb_encryption_sdk.exceptions import UnwrappingError, WrappingError
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider as DirectKms,
)
from dynamodb_encryption_sdk.structures import AttributeActions, EncryptionContext

from tests.support.handed_in import ORDERS
from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_dynamodb_item_encryptor"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
SIGN_ONLY = dict.fromkeys(("customer", "order_no"), CryptoAction.SIGN_ONLY)
ORDER = {"customer": {"S": "ada"}, "order_no": {"N": "1"}, "card": {"S": "4111"}}


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def key(lab: Lab) -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def stream(lab: Lab) -> str:
    made = boto3.client("dynamodb").create_table(
        TableName="orders",
        **ORDERS,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return str(made["TableDescription"]["LatestStreamArn"])


def config(session: boto3.Session, key: str, item: Any) -> CryptoConfig:
    provider = DirectKms(key, botocore_session=session._session)
    context = EncryptionContext("orders", "customer", "order_no", attributes=item)
    return CryptoConfig(provider, context, AttributeActions(attribute_actions=SIGN_ONLY))


def write(session: boto3.Session, key: str) -> None:
    try:
        item = encrypt_dynamodb_item(ORDER, config(session, key, ORDER))
    except WrappingError as error:
        raise error.__context__ or error from None
    session.client("dynamodb").put_item(TableName="orders", Item=item)


def consume(session: boto3.Session, key: str, arn: str) -> None:
    streams = session.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    image = streams.get_records(ShardIterator=iterator)["Records"][0]["dynamodb"]["NewImage"]
    try:
        assert decrypt_dynamodb_item(image, config(session, key, image)) == ORDER
    except UnwrappingError as error:
        raise error.__context__ or error from None


def policy(title: str, key: str) -> dict[str, object]:
    names = {EXAMPLE: key, "111122223333": "123456789012"}
    return with_names(blocks(LESSON, "json")[title], names)


def test_a_consumer_of_the_stream(lab: Lab, key: str, stream: str) -> None:
    write(boto3.Session(region_name="us-east-1"), key)
    smallest = policy("The smallest policy of a consumer", key)
    confirm(lab, smallest, lambda session: consume(session, key, stream))
    with pytest.raises(ClientError, match="AccessDenied"):
        write(role_session(lab, smallest), key)


def test_a_writer_who_may_not_read(lab: Lab, key: str, stream: str) -> None:
    smallest = policy("The smallest policy of a writer", key)
    confirm(lab, smallest, lambda session: write(session, key))
    with pytest.raises(ClientError, match="AccessDenied"):
        consume(role_session(lab, smallest), key, stream)

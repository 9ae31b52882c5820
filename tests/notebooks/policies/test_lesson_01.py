"""DynamoDB at rest: the smallest policy of a reader is enough, and no more than that."""

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_dynamodb_at_rest"))
ORDER = {"order_id": {"S": "1001"}}


def test_a_reader_through_dynamodb() -> None:
    lab = start_lab()
    dynamodb = boto3.client("dynamodb")
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]

    def new_table() -> str:
        """The ARN of a table under the key, with an item."""
        made = dynamodb.create_table(
            TableName=lab.name("orders"),
            KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        )["TableDescription"]
        dynamodb.put_item(TableName=made["TableName"], Item=ORDER)
        return str(made["TableArn"])

    table, other = new_table(), new_table()
    names = {
        "arn:aws:dynamodb:us-east-1:111122223333:table/orders": table,
        "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE": key,
        '"kms:EncryptionContext:aws:dynamodb:tableName": "orders"': (
            f'"kms:EncryptionContext:aws:dynamodb:tableName": "{table.rpartition("/")[2]}"'
        ),
    }
    policy = with_names(blocks(LESSON, "json")["The smallest policy of a reader"], names)

    def read(session: boto3.Session, arn: str = table) -> None:
        session.client("dynamodb").get_item(TableName=arn.rpartition("/")[2], Key=ORDER)

    confirm(lab, policy, read)
    every = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    reader = role_session(lab, policy, {"Version": "2012-10-17", "Statement": [every]})
    with pytest.raises(ClientError, match="KMS key access denied"):
        read(reader, other)  # the key serves this table only
    blob = boto3.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.client("kms").decrypt(CiphertextBlob=blob)

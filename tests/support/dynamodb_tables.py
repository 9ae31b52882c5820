"""Tables, keys and people for the rules on DynamoDB."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from workshop_lib.sandbox import clock

ACCOUNT = "123456789012"
TABLES = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/"
ITEM = {"id": {"S": "1"}, "card": {"S": "4111"}}
KEY = {"id": {"S": "1"}}
LAYOUT: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def aws(service: str) -> Any:
    """A client of the administrator's. It does not try again: AWS's 500 is an answer here."""
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, region_name="us-east-1", config=once)


def new_key(**parameters: Any) -> str:
    """A new KMS key's ARN."""
    return str(aws("kms").create_key(**parameters)["KeyMetadata"]["Arn"])


def under(key: str) -> dict[str, Any]:
    """A SSESpecification that names a key."""
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def new_table(name: str, specification: Any = None, **more: Any) -> dict[str, Any]:
    """A new table; its description in the answer."""
    if specification is not None:
        more["SSESpecification"] = specification
    answer = aws("dynamodb").create_table(TableName=name, **{**LAYOUT, **more})
    return dict(answer["TableDescription"])


def new_lines(line: str = "S", attributes: Mapping[str, str] | None = None, **more: Any) -> Any:
    """A new table named lines: the lines of orders, by id and line; a client.

    ``line`` is the type of the sort key; ``attributes`` are other keys' types, for indexes.
    """
    kinds = {"id": "S", "line": line, **(attributes or {})}
    new_table(
        "lines",
        KeySchema=[
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "line", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
        ],
        **more,
    )
    return aws("dynamodb")


def described(name: str) -> dict[str, Any]:
    """What DescribeTable says."""
    return dict(aws("dynamodb").describe_table(TableName=name)["Table"])


def encryption(name: str) -> Any:
    """A table's SSEDescription; None if there is none."""
    return described(name).get("SSEDescription")


def enabled(key: str) -> dict[str, str]:
    """SSEDescription of a table under a key."""
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}


def switch(name: str, **specification: Any) -> Any:
    """UpdateTable with a SSESpecification; the SSEDescription in its answer."""
    answer = aws("dynamodb").update_table(TableName=name, SSESpecification=specification)
    return answer["TableDescription"].get("SSEDescription")


def put(name: str) -> None:
    """Write the item."""
    aws("dynamodb").put_item(TableName=name, Item=ITEM)


def get(name: str, client: Any = None) -> Any:
    """Read the item."""
    return (client or aws("dynamodb")).get_item(TableName=name, Key=KEY).get("Item")


def user(name: str, *statements: dict[str, Any]) -> Any:
    """A new IAM user with these statements as policy: DynamoDB called by it."""
    iam = aws("iam")
    iam.create_user(UserName=name)
    allow(name, *statements)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def allow(name: str, *statements: dict[str, Any]) -> None:
    """Put a user's policy."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    aws("iam").put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=document)


@contextmanager
def refused(code: str, *parts: str, status: int = 400) -> Iterator[None]:
    """The block must be refused with this code and status; the message holds these parts."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer["Error"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    for part in parts:
        assert part in answer["Error"]["Message"]


@contextmanager
def exactly(message: str) -> Iterator[None]:
    """The block must be refused as a ValidationException with this text and no other."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", message)


def invalid(message: str) -> Any:
    """The block must be refused as a ValidationException with this whole text."""
    return refused("ValidationException", f"One or more parameter values were invalid: {message}")


def later(**by: float) -> None:
    """Move the sandbox's clock on."""
    clock.advance(timedelta(**by))

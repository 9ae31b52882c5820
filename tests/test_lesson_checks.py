"""Wrong answers that learners gave: the checks name them."""

import boto3

from workshop_lib.exercises import examine
from workshop_lib.lab import start_lab


def test_a_plaintext_card_is_named_and_not_a_mistake_of_the_check() -> None:
    """The likeliest wrong answer of exercise 0.1: written with the table itself."""
    lab = start_lab()
    table = boto3.resource("dynamodb").create_table(
        TableName="secret",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": "0.1"}],
    )
    table.put_item(Item={"order_id": "2002", "card": "4111 1111 1111 1111"})
    result = examine("0.1", lab)
    assert result.error is None
    assert "readable" in result.steps[-1].seen


def test_a_switch_under_way_is_named() -> None:
    """Exercise 1.2 without the minute that a switch takes."""
    lab = start_lab()
    kms, dynamodb = boto3.client("kms"), boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="switched",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": "1.2"}],
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/exercise-key", TargetKeyId=key)
    own = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/exercise-key"}
    dynamodb.update_table(TableName="switched", SSESpecification=own)
    assert "UPDATING" in examine("1.2", lab).steps[-1].seen
    lab.later(minutes=1)
    assert examine("1.2", lab).done

"""Wrong answers that learners gave: the checks name them."""

from typing import Any

import boto3
import pytest

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


def make_table(number: str, keys: dict[str, str], **more: Any) -> Any:
    """A tagged table with this primary key, {attribute: type}."""
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    return boto3.resource("dynamodb").create_table(
        TableName=f"table-{number}",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in kinds],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()
        ],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "exercise", "Value": number}],
        **more,
    )


LEFT_BY_THE_CLIENT = {"*amzn-ddb-map-desc*": b"\0\0\0\0", "*amzn-ddb-map-sig*": bytes(32)}


@pytest.mark.parametrize("card", ["4111", 4111, b"4111", b"a text of two whole blocks of it" * 2])
def test_what_a_reader_understands_is_no_ciphertext_whatever_its_type(card: Any) -> None:
    """A card that was only signed is as readable as a number or bytes as it is as text."""
    lab = start_lab()
    order = {"customer": "lin", "order_no": 21, "city": "Lyon", "phone": bytes(range(128, 160))}
    make_table("0.1", {"order_id": "S"}).put_item(
        Item={"order_id": "2002", "card": card, **LEFT_BY_THE_CLIENT}
    )
    assert "its card is readable" in examine("0.1", lab).steps[-1].seen
    make_table("2.1", {"customer": "S", "order_no": "N"}).put_item(
        Item={**order, "card": card, **LEFT_BY_THE_CLIENT}
    )
    assert examine("2.1", lab).steps[-1].seen == "a plain reader sees card"


def test_another_primary_key_is_named() -> None:
    lab = start_lab()
    make_table("0.1", {"order_id": "N"})
    assert examine("0.1", lab).steps[-1].seen == "its primary key is order_id (N), not order_id (S)"
    make_table("2.1", {"customer": "S"})
    wanted = "its primary key is customer (S), not customer (S) and order_no (N)"
    assert examine("2.1", lab).steps[-1].seen == wanted
    make_table("3.1", {"customer": "S", "order_no": "S"})
    assert "order_no (S), not" in examine("3.1", lab).steps[-1].seen


def test_the_next_step_depends_on_what_happened_to_the_key() -> None:
    lab = start_lab()
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    own = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    table = make_table("0.2", {"order_id": "S"}, SSESpecification={"Enabled": True})
    boto3.client("dynamodb").update_table(TableName=table.name, SSESpecification=own)
    assert "UPDATING" in examine("0.2", lab).steps[-1].seen  # and not: the key is AWS's
    lab.later(minutes=1)
    assert examine("0.2", lab).done
    kms.disable_key(KeyId=key)
    assert examine("0.2", lab).steps[-1].fix == "Call kms.enable_key(KeyId=…)."
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert "cancel_key_deletion" in examine("0.2", lab).steps[-1].fix
    lab.later(days=8)
    assert "KMS knows no key" in examine("0.2", lab).steps[-1].seen


def test_a_check_asks_as_the_labs_administrator_whatever_the_learner_did_to_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = start_lab()
    make_table("0.2", {"order_id": "S"})
    nobody = {"aws_access_key_id": "AKIANOBODY0000000000", "aws_secret_access_key": "none"}
    boto3.setup_default_session(**nobody, region_name="eu-west-1")
    learners = boto3.DEFAULT_SESSION
    monkeypatch.setenv("AWS_PROFILE", "absent")
    assert examine("0.2", lab).steps[0].seen == "the table table-0.2 carries the tag"
    assert boto3.DEFAULT_SESSION is learners


def test_work_in_another_region_a_lost_and_an_old_lab_are_named() -> None:
    old, lab = start_lab(), start_lab()
    boto3.client("kms", region_name="eu-west-1").create_key()
    (step,) = examine("0.2", lab).steps
    assert step.fix.endswith("The check looks in us-east-1; you also worked in eu-west-1.")
    (step,) = examine("0.2", None).steps
    assert step.seen == "the check got no lab"
    assert step.fix == 'Run the set-up cell, then check("0.2", lab).'
    (step,) = examine("0.2", old).steps
    assert step.seen == "the check got an old lab"


def test_an_empty_lab_is_told_before_all_else() -> None:
    """As after a restart and the set-up cell: what the learner made is gone."""
    lab = start_lab()
    empty = "The lab is empty: a restart, or the set-up cell, began a new one. Run the cells above"
    result = examine("1.2", lab)
    _, first, second, _ = str(result).splitlines()
    assert first.startswith(f"  {empty} again, yours too, then this check.")
    assert second.startswith("  ✗ no table carries the tag")
    assert f'<p class="course-said">{empty}' in result._repr_html_()
    boto3.client("kms").create_key()
    assert "empty" not in str(examine("1.2", lab))

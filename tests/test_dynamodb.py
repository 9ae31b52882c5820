"""DynamoDB: its statements, the names in its expressions, keys over time, malformed requests."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.lab import start_lab
from workshop_lib.sandbox.dynamodb_encryption import (
    ARCHIVED,
    DETECTED,
    RECOVERED,
    Condition,
    condition_of,
    outages_in,
)
from workshop_lib.sandbox.dynamodb_permissions import named_attributes
from workshop_lib.sandbox.dynamodb_statements import read_statement, spaced
from workshop_lib.sandbox.errors import NotEmulated

# --- PartiQL ------------------------------------------------------------------------------

STATEMENTS = [
    ("SELECT * FROM Music WHERE id=? AND x = 'a?b'", ["p"], ("Select", "Music", None), ["p"]),
    ("select a from Music where id = 'it''s'", [], ("Select", "Music", None), ["it's"]),
    ('SELECT a FROM "My-Table"."by-x" WHERE z = ? AND "id" IN [?, 7]', ["p", "q"],
     ("Select", "My-Table", "by-x"), ["q", "7"]),
    ("SELECT * FROM Music WHERE x = 'id = 1'", [], ("Select", "Music", None), []),
    ("SELECT * FROM Music WHERE id = '1' OR x = '2'", [], ("Select", "Music", None), []),
    ("SELECT * FROM Music WHERE a.id = '1'", [], ("Select", "Music", None), []),
    ("SELECT * FROM Music WHERE id > '1'", [], ("Select", "Music", None), []),
    ("INSERT INTO Music VALUE {'x': ?, 'id': ?}", ["p", "q"], ("Insert", "Music", None), ["q"]),
    ("UPDATE Music SET a=? SET b = 'x' WHERE id=?", ["p", "q"], ("Update", "Music", None), ["q"]),
    ("DELETE FROM Music WHERE id = '1'", [], ("Delete", "Music", None), ["1"]),
    ("EXISTS(SELECT * FROM Music WHERE id='1')", [], ("Select", "Music", None), ["1"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parameters", "parts", "keys"), STATEMENTS)
def test_statements(text: str, parameters: list[str], parts: Any, keys: list[str]) -> None:
    found = read_statement(text)
    assert found is not None
    assert (found.verb, found.table, found.index) == parts
    assert found.values_of("id", parameters) == keys


@pytest.mark.parametrize("text", ["", "nonsense", "DROP TABLE Music", "SELECT 'FROM Music'"])
def test_no_statements(text: str) -> None:
    assert read_statement(text) is None


def test_attributes_of_a_statement() -> None:
    text = "SELECT a, \"b c\".d FROM Music WHERE id = 'x y' AND begins_with(e, ?) AND f IS MISSING"
    found = read_statement(text)
    assert found is not None
    assert found.attributes() == ["a", "b c", "id", "e", "f"]


def test_blanks_are_put_outside_literals_only() -> None:
    assert spaced("WHERE a='x=1' AND b>=2") == "WHERE a = 'x=1' AND b >= 2"


# --- expressions --------------------------------------------------------------------------


def test_attributes_of_expressions() -> None:
    asked = {
        "ProjectionExpression": "a, #b.c, d[0].e",
        "UpdateExpression": "SET f = if_not_exists(g, :v), h.i = :v REMOVE #b ADD j :v",
        "ConditionExpression": "attribute_exists(k) AND size(l) > :v OR NOT m BETWEEN :v AND :w",
        "ExpressionAttributeNames": {"#b": "b.dotted"},
    }
    expected = ["a", "b.dotted", "d", "f", "g", "h", "b.dotted", "j", "k", "l", "m"]
    assert sorted(named_attributes(asked)) == sorted(expected)


# --- a key over time ----------------------------------------------------------------------

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=10)
steps = st.integers(1, 6 * 24 * 9)


@given(st.lists(steps, max_size=6), steps)
def test_the_status_agrees_with_a_patient_watch(gaps: list[int], ahead: int) -> None:
    """The rules, told slowly: a watcher who looks at the key every ten minutes."""
    history, moment = [], START
    for number, gap in enumerate(gaps):
        moment += STEP * gap
        history.append((moment, number % 2 == 1))
    now = moment + STEP * ahead
    found = condition_of(outages_in(history), START, now)
    assert found.status == _watched(history, now)


def _watched(history: list[tuple[datetime, bool]], now: datetime) -> str:
    changes = dict(history)
    usable, since, status, moment = True, START, "ACTIVE", START
    flagged = START
    while moment <= now:
        if moment in changes:
            usable, since = changes[moment], moment
        for_now = moment - since
        if not usable and status == "ACTIVE" and for_now >= DETECTED:
            status, flagged = "INACCESSIBLE_ENCRYPTION_CREDENTIALS", moment
        if usable and status.startswith("INACCESSIBLE") and for_now >= RECOVERED:
            status = "ACTIVE"
        if not usable and status.startswith("INACC") and moment - max(flagged, since) >= ARCHIVED:
            return "ARCHIVED"
        moment += STEP
    return status


def test_outages_before_the_key_was_chosen_do_not_count() -> None:
    outage = (START, START + timedelta(days=2))
    later = START + timedelta(days=2, minutes=1)
    assert condition_of([outage], later, later) == Condition()


# --- malformed requests -------------------------------------------------------------------


@pytest.fixture
def dynamodb() -> Any:
    """A client that lets malformed requests through, and a table."""
    start_lab()
    bare = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    client = boto3.client("dynamodb", config=bare)
    client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


MALFORMED: list[tuple[str, dict[str, Any], str, str]] = [
    ("put_item", {"TableName": "orders"}, "ValidationException", "Value null at 'item' failed"),
    ("put_item", {"TableName": "orders", "Item": {"id": {"S": ""}}}, "ValidationException",
     "a key attribute cannot contain an empty string value. Key: id"),
    ("get_item", {"TableName": "orders", "Key": {"id": {"N": "1"}}}, "ValidationException",
     "The provided key element does not match the schema"),
    ("delete_item", {"TableName": "orders", "Key": {"id": {"S": ""}}}, "ValidationException",
     "a key attribute cannot contain an empty string value. Key: id"),
    ("create_table", {"TableName": "other"}, "ValidationException", "at 'keySchema' failed"),
    ("execute_statement", {"Statement": "nonsense"}, "ValidationException", "wasn't well formed"),
    ("get_item", {"TableName": "none", "Key": {"id": {"S": "1"}}}, "ResourceNotFound",
     "Requested resource not found"),
    ("delete_table", {"TableName": "none"}, "ResourceNotFound",
     "Requested resource not found: Table: none not found"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "parameters", "code", "message"), MALFORMED)
def test_malformed_requests(
    dynamodb: Any, method: str, parameters: Any, code: str, message: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(dynamodb, method)(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"].startswith(code)
    assert message in error["Message"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
OPERATIONS = {
    "put_item": ("TableName", "Item", "ConditionExpression"),
    "get_item": ("TableName", "Key", "ProjectionExpression"),
    "query": ("TableName", "KeyConditionExpression", "ExpressionAttributeValues"),
    "batch_get_item": ("RequestItems",),
    "batch_write_item": ("RequestItems",),
    "transact_write_items": ("TransactItems",),
    "execute_statement": ("Statement", "Parameters"),
    "create_table": ("TableName", "SSESpecification", "KeySchema", "Tags"),
    "update_table": ("TableName", "SSESpecification"),
    "create_backup": ("TableName", "BackupName"),
}


@pytest.fixture(scope="module")
def lab() -> None:
    """A lab for many requests."""
    start_lab()


@pytest.mark.usefixtures("lab")
@given(st.sampled_from(sorted(OPERATIONS)), st.data())
def test_nonsense_is_refused_and_never_breaks(method: str, data: st.DataObject) -> None:
    names = OPERATIONS[method]
    body = {name: data.draw(values, label=name) for name in names if data.draw(st.booleans())}
    if "TableName" in body and data.draw(st.booleans()):
        body["TableName"] = "orders"
    operation = "".join(part.capitalize() for part in method.split("_"))
    answer = ask(operation, body)
    assert answer < 500


def ask(operation: str, body: Any) -> int:
    """The status of a request's answer; 400 also where the sandbox says it cannot answer."""
    request = AWSRequest(
        "POST",
        "https://dynamodb.us-east-1.amazonaws.com/",
        data=json.dumps(body),
        headers={"X-Amz-Target": f"DynamoDB_20120810.{operation}"},
    )
    found = boto3.Session().get_credentials()
    keys = Credentials(found.access_key, found.secret_key)
    SigV4Auth(keys, "dynamodb", "us-east-1").add_auth(request)
    try:
        return int(URLLib3Session().send(request.prepare()).status_code)
    except NotEmulated:
        return 400

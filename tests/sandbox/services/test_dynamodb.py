"""DynamoDB: statements, names in expressions, keys over time, malformed requests, the disk."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
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
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.labs import sandbox_of
from workshop_lib.errors import NotEmulated
from workshop_lib.lab import Lab, start_lab
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb import DEFINITION
from workshop_lib.sandbox.services.dynamodb.encryption import (
    ARCHIVED,
    DETECTED,
    RECOVERED,
    Condition,
    condition_of,
    outages_in,
)
from workshop_lib.sandbox.services.dynamodb.partiql import read_statement
from workshop_lib.sandbox.services.dynamodb.permissions import named_attributes
from workshop_lib.sandbox.services.dynamodb.sizes import size
from workshop_lib.sandbox.storage import sealing

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
    ("DELETE FROM T-0d07-49d4-a1 WHERE id = '1'", [], ("Delete", "T-0d07-49d4-a1", None), ["1"]),
    ("SELECT * FROM Music.my-x WHERE id='1'", [], ("Select", "Music", "my-x"), ["1"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parameters", "parts", "keys"), STATEMENTS)
def test_statements(text: str, parameters: list[str], parts: Any, keys: list[str]) -> None:
    found = read_statement(text, [{"S": each} for each in parameters])
    assert (found.verb, found.table, found.index) == parts
    assert [next(iter(value.values())) for value in found.values_of("id")] == keys


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"S": "é"}, 2), ({"B": "YWJj"}, 3), ({"BOOL": True}, 1), ({"NULL": True}, 1),
        ({"N": "0"}, 1), ({"N": "100"}, 2), ({"N": "0.5"}, 2), ({"N": "1234"}, 3),
        ({"SS": ["a", "bc"]}, 3), ({"NS": ["1", "12345"]}, 6), ({"BS": ["YQ=="]}, 1),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7), ({"M": {"k": {"S": "v"}}}, 6),
    ],
)  # fmt: skip
def test_the_bytes_of_a_value(value: Any, expected: int) -> None:
    assert size({"a": value}) == 1 + expected


@pytest.mark.parametrize("text", ["", "nonsense", "DROP TABLE Music", "SELECT 'FROM Music'"])
def test_no_statements(text: str) -> None:
    with pytest.raises(AwsError, match="Statement wasn't well formed"):
        read_statement(text)


def test_attributes_of_a_statement() -> None:
    text = "SELECT a, \"b c\".d FROM Music WHERE id = 'x y' AND begins_with(e, ?) AND f IS MISSING"
    found = read_statement(text, [{"S": "e"}])
    assert found.attributes() == ["a", "b c", "id", "e", "f"]


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


@given(st.lists(st.integers(1, 12) | steps, max_size=6), st.integers(1, 12) | steps)
@example([1, 6], 1)
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
    ("get_item", {"TableName": "orders", "Key": {"no": {"S": "1"}}}, "ValidationException",
     "The provided key element does not match the schema"),
    ("batch_get_item", {"RequestItems": {"orders": {"Keys": [{"no": {"S": "1"}}]}}},
     "ValidationException", "The provided key element does not match the schema"),
    ("batch_write_item",
     {"RequestItems": {"orders": [{"DeleteRequest": {"Key": {"no": {"S": "1"}}}}]}},
     "ValidationException", "The provided key element does not match the schema"),
    ("execute_statement", {"Statement": "INSERT INTO \"none\" VALUE {'id': '1'}"},
     "ResourceNotFound", "Requested resource not found"),
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


def test_error_types_have_the_namespace_of_what_defines_them(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""
    bodies: list[dict[str, Any]] = []
    dynamodb.meta.events.register(
        "before-parse.dynamodb.*",
        lambda response_dict, **_: bodies.append(json.loads(response_dict["body"])),
    )
    for call, parameters in (
        (dynamodb.get_item, {"TableName": "orders", "Key": {"no": {"S": "1"}}}),
        (dynamodb.put_item, {"TableName": "orders", "Item": {"no": {"S": "1"}}}),
        (dynamodb.get_item, {"TableName": "none", "Key": {"id": {"S": "1"}}}),
        (dynamodb.describe_table, {"TableName": "none"}),
    ):
        with pytest.raises(ClientError):
            call(**parameters)
    validation = "com.amazon.coral.validate#ValidationException"
    missing = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
    assert [body["__type"] for body in bodies] == [validation, validation, missing, missing]


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


# --- the disk -----------------------------------------------------------------------------

CONTEXT = {"aws:dynamodb:tableName": "orders", "aws:dynamodb:subscriberId": "123456789012"}
KEY: dict[str, Any] = {"id": {"S": "1"}}
ITEM = {**KEY, "card": {"S": "4111 1111"}, "pin": {"B": b"0000"}, "n": {"M": {"b": {"B": b"1"}}}}


@pytest.fixture(scope="module")
def disk_lab() -> Lab:
    """A lab with the tables orders (AWS owned key), managed and mine (a key of ours)."""
    lab = start_lab()
    dynamodb, kms = boto3.client("dynamodb"), boto3.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kinds = {
        "orders": {"Enabled": False},
        "managed": {"Enabled": True},
        "mine": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn},
    }
    for name, specification in kinds.items():
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "b", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-b",
                    "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            SSESpecification=specification,
            BillingMode="PAY_PER_REQUEST",
        )
    return lab


def once(service: str = "dynamodb") -> Any:
    """A client that does not try again."""
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


def service(lab: Lab) -> Any:
    return sandbox_of(lab)._gateway._services[DEFINITION]


def image(lab: Lab, table: str = "orders") -> Any:
    """moto's sealed item with the key 1."""
    [stored] = service(lab)._moto._backend("dynamodb", "us-east-1").tables[table].items.values()
    return stored


def opened(lab: Lab) -> Any:
    """What lies on the disk under the key 1 of orders, opened key by key."""
    stored = lab.disk.item("orders", {"id": "1"})
    assert stored.table_key is not None
    table_key = sealing.unwrap(service(lab).encryption._service_key, stored.table_key, CONTEXT)
    data_key = sealing.unwrap(table_key, stored.data_key, {})
    text = sealing.RecordSealer(data_key).open(stored.body, b'[{"S": "1"}]')
    return in_bytes(json.loads(text))


def in_bytes(value: Any) -> Any:
    """Binary values as boto3 gives them, however the disk holds them."""
    if isinstance(value, list):
        return [in_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"B"} and isinstance(value["B"], str):
        return {"B": base64.b64decode(value["B"])}
    if set(value) == {"BS"} and all(isinstance(each, str) for each in value["BS"]):
        return {"BS": [base64.b64decode(each) for each in value["BS"]]}
    return {name: in_bytes(each) for name, each in value.items()}


attribute_names = st.sampled_from(["a", "b", "c", "bytes", "value"])
scalars = (
    st.fixed_dictionaries({"S": st.text(max_size=8)})
    | st.integers(-(10**9), 10**9).map(lambda number: {"N": str(number)})
    | st.fixed_dictionaries({"B": st.binary(max_size=8)})
    | st.fixed_dictionaries({"BOOL": st.booleans()})
    | st.just({"NULL": True})
    | st.fixed_dictionaries(
        {"SS": st.lists(st.text(min_size=1), min_size=1, unique=True).map(sorted)}
    )
    | st.fixed_dictionaries(
        {"BS": st.lists(st.binary(min_size=1), min_size=1, unique=True).map(sorted)}
    )
)
attribute_values: Any = st.recursive(
    scalars,
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"M": st.dictionaries(attribute_names, inner, max_size=3)})
    ),
    max_leaves=6,
)
Write = Callable[[Any, str, Any], Any]
WRITES: dict[str, Write] = {
    "put": lambda to, name, value: to.put_item(TableName="orders", Item={**KEY, name: value}),
    "update": lambda to, name, value: to.update_item(
        TableName="orders", Key=KEY, UpdateExpression="SET #n = :v",
        ExpressionAttributeNames={"#n": name}, ExpressionAttributeValues={":v": value},
    ),
    "old update": lambda to, name, value: to.update_item(
        TableName="orders", Key=KEY, AttributeUpdates={name: {"Value": value}}
    ),
    "delete": lambda to, name, value: to.delete_item(TableName="orders", Key=KEY),
    "batch": lambda to, name, value: to.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": {**KEY, name: value}}}]}
    ),
    "transaction": lambda to, name, value: to.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": "orders", "Key": KEY, "UpdateExpression": "SET #n = :v REMOVE q",
                    "ExpressionAttributeNames": {"#n": name},
                    "ExpressionAttributeValues": {":v": value},
                }
            }
        ]
    ),
    "statement": lambda to, name, value: to.execute_statement(
        Statement=f"UPDATE \"orders\" SET \"{name}\" = 'x' WHERE id = '1'"
    ),
}  # fmt: skip


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(WRITES)), attribute_names, attribute_values), max_size=5
    ),
    st.data(),
)
def test_what_lies_on_the_disk_is_what_is_read(
    disk_lab: Lab, writes: list[tuple[str, str, Any]], data: st.DataObject
) -> None:
    dynamodb = once()
    dynamodb.put_item(TableName="orders", Item=ITEM)
    expected: dict[str, Any] | None = ITEM
    for write, name, value in writes:
        may_fail = name == "b" or write == "statement"  # an index's key; an item that is not there
        with suppress(ClientError) if may_fail else nullcontext():
            WRITES[write](dynamodb, name, value)
            expected = written(write, expected, name, value)
    item = dynamodb.get_item(TableName="orders", Key=KEY).get("Item")
    assert item == expected
    if item is None:
        with pytest.raises(LookupError):
            disk_lab.disk.item("orders", {"id": "1"})
        return
    assert opened(disk_lab) == item
    stored = image(disk_lab)
    whole, flipped = stored.image, bytearray(stored.image)
    flipped[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    stored.image = bytes(flipped)
    with internal_error():
        dynamodb.get_item(TableName="orders", Key=KEY)
    stored.image = whole
    assert dynamodb.get_item(TableName="orders", Key=KEY)["Item"] == item


def written(
    write: str, item: dict[str, Any] | None, name: str, value: Any
) -> dict[str, Any] | None:
    """What a write makes of the item."""
    if write in ("put", "batch"):
        return {**KEY, name: value}
    if write == "statement":
        return item and {**item, name: {"S": "x"}}
    return None if write == "delete" else {**(item or KEY), name: value}


@contextmanager
def internal_error() -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == "InternalServerError"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


KINDS = {
    "orders": ("AWS owned key", "a key of Amazon DynamoDB that nobody can call"),
    "managed": ("AWS managed key", "arn:aws:kms:us-east-1:123456789012:key/"),
    "mine": ("customer managed key", "arn:aws:kms:us-east-1:123456789012:key/"),
}


@pytest.mark.parametrize("table", KINDS)
def test_a_thief_holds_no_plaintext(disk_lab: Lab, table: str) -> None:
    once().put_item(TableName=table, Item=ITEM)
    seen = disk_lab.disk.item(table, KEY)
    assert seen == disk_lab.disk.item(f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}", KEY)
    method, under = KINDS[table]
    assert seen.method == method
    assert f"a table key that is wrapped under {under}" in seen.wrapped_under
    assert seen.encryption_context == ({} if table == "orders" else {**CONTEXT, **named(table)})
    assert seen.label == "a model of AWS's published design, not of its disks"
    stored = image(disk_lab, table)
    shown = repr([getattr(stored, name) for name in type(stored).__slots__])
    for secret in ("4111 1111", "card", "pin"):
        assert secret.encode() not in seen.body
        assert secret not in shown, "moto holds it in plaintext"
    again = disk_lab.disk.item(table, KEY)
    once().put_item(TableName=table, Item=ITEM)
    assert disk_lab.disk.item(table, KEY).body != again.body, "the same item never looks the same"


def named(table: str) -> dict[str, str]:
    return {"aws:dynamodb:tableName": table}


def test_the_stream_is_sealed_as_well(disk_lab: Lab) -> None:
    for item in (ITEM, {**ITEM, "card": {"S": "new"}}):
        once().put_item(TableName="mine", Item=item)
    shard = service(disk_lab)._moto._backend("dynamodb", "us-east-1").tables["mine"].stream_shard
    assert len(shard.items) > 0
    for record in shard.items:
        assert not {"Keys", "NewImage", "OldImage"} & record.head["dynamodb"].keys()
    [last] = records("mine")[-1:]
    assert last["dynamodb"]["NewImage"]["card"] == {"S": "new"}
    assert last["dynamodb"]["OldImage"]["card"] == ITEM["card"]
    assert last["dynamodb"]["Keys"] == KEY
    sealed = shard.items[-1].sealed
    shard.items[-1].sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with internal_error():
        records("mine")


def records(table: str) -> list[dict[str, Any]]:
    arn = once().describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams = once("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    first = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    return list(streams.get_records(ShardIterator=first["ShardIterator"])["Records"])


READS: dict[str, Callable[[Any], Any]] = {
    "GetItem": lambda to: to.get_item(TableName="orders", Key=KEY),
    "Scan": lambda to: to.scan(TableName="orders"),
    "Query": lambda to: to.query(
        TableName="orders", KeyConditionExpression="id = :id",
        ExpressionAttributeValues={":id": KEY["id"]},
    ),
    "BatchGetItem": lambda to: to.batch_get_item(RequestItems={"orders": {"Keys": [KEY]}}),
    "TransactGetItems": lambda to: to.transact_get_items(
        TransactItems=[{"Get": {"TableName": "orders", "Key": KEY}}]
    ),
    "ExecuteStatement": lambda to: to.execute_statement(Statement="SELECT * FROM orders"),
    "BatchExecuteStatement": lambda to: to.batch_execute_statement(
        Statements=[{"Statement": "SELECT * FROM orders WHERE id = '1'"}]
    ),
    "UpdateItem": lambda to: WRITES["update"](to, "x", {"S": "y"}),
    "TransactWriteItems": lambda to: WRITES["transaction"](to, "x", {"S": "y"}),
}  # fmt: skip


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("what", ["the item", "the data key", "the table key"])
def test_a_flipped_bit_is_noticed_by_whoever_looks(disk_lab: Lab, what: str, read: str) -> None:
    dynamodb = once()
    dynamodb.put_item(TableName="orders", Item=ITEM)
    stored, state = image(disk_lab), service(disk_lab).encryption.of("us-east-1", "orders")
    whole = stored.image, dict(state.data_keys), state.owned
    if what == "the item":
        stored.image = stored.image[:-1] + bytes([stored.image[-1] ^ 1])
    elif what == "the data key":
        state.data_keys["items"] = bytes([state.data_keys["items"][0] ^ 1]) + whole[1]["items"][1:]
    else:
        state.owned = bytes([state.owned[0] ^ 1]) + state.owned[1:]
    with internal_error():
        READS[read](dynamodb)
    image(disk_lab).image, state.data_keys, state.owned = whole
    assert dynamodb.get_item(TableName="orders", Key=KEY)["Item"] == ITEM


def test_exchanged_images_are_noticed(disk_lab: Lab) -> None:
    dynamodb = once()
    for number in ("1", "2"):
        dynamodb.put_item(TableName="mine", Item={"id": {"S": number}})
    one, two = (
        service(disk_lab)._moto._backend("dynamodb", "us-east-1").tables["mine"].items.values()
    )
    one.image, two.image = two.image, one.image
    for number in ("1", "2"):
        with internal_error():
            dynamodb.get_item(TableName="mine", Key={"id": {"S": number}})
    one.image, two.image = two.image, one.image
    dynamodb.delete_item(TableName="mine", Key={"id": {"S": "2"}})


def test_a_switch_wraps_the_data_key_anew_and_leaves_the_item(disk_lab: Lab) -> None:
    dynamodb = once()
    dynamodb.put_item(TableName="managed", Item=ITEM)
    seen = [disk_lab.disk.item("managed", {"id": "1"})]
    for specification in ({"Enabled": False}, {"Enabled": True}):
        dynamodb.update_table(TableName="managed", SSESpecification=specification)
        disk_lab.later(minutes=1)
        seen.append(disk_lab.disk.item("managed", {"id": "1"}))
        assert dynamodb.get_item(TableName="managed", Key=KEY)["Item"] == ITEM
    assert len({each.body for each in seen}) == 1
    assert len({each.data_key for each in seen}) == len({each.table_key for each in seen}) == 3


def test_indexes_read_what_is_sealed(disk_lab: Lab) -> None:
    dynamodb = once()
    dynamodb.put_item(TableName="mine", Item={**ITEM, "b": {"S": "x"}})
    found = dynamodb.query(
        TableName="mine",
        IndexName="by-b",
        KeyConditionExpression="b = :b",
        ExpressionAttributeValues={":b": {"S": "x"}},
    )
    assert found["Items"] == [{**ITEM, "b": {"S": "x"}}]
    assert dynamodb.describe_table(TableName="mine")["Table"]["ItemCount"] == 1


def test_backups_and_restored_tables(disk_lab: Lab) -> None:
    dynamodb = once()
    dynamodb.put_item(TableName="orders", Item=ITEM)
    arn = dynamodb.create_backup(TableName="orders", BackupName="before")["BackupDetails"][
        "BackupArn"
    ]
    dynamodb.delete_item(TableName="orders", Key=KEY)
    dynamodb.update_table(TableName="orders", SSESpecification={"Enabled": True})
    disk_lab.later(minutes=1)
    dynamodb.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    assert dynamodb.get_item(TableName="again", Key=KEY)["Item"] == ITEM
    dynamodb.put_item(TableName="again", Item={**ITEM, "more": {"S": "x"}})
    assert disk_lab.disk.item("again", {"id": "1"}).method == "AWS owned key"
    dynamodb.update_table(TableName="orders", SSESpecification={"Enabled": False})
    disk_lab.later(minutes=1)


def test_what_fails_leaves_everything_as_it_was(disk_lab: Lab) -> None:
    dynamodb = once()
    dynamodb.put_item(TableName="mine", Item=ITEM)
    before = disk_lab.disk.item("mine", KEY)
    no = {"ConditionExpression": "attribute_exists(nothing)"}
    put = {"Put": {"TableName": "mine", "Item": {**KEY, "x": {"S": "y"}}}}
    check = {"ConditionCheck": {"TableName": "mine", "Key": {"id": {"S": "2"}}, **no}}
    failing: list[Callable[[], Any]] = [
        lambda: dynamodb.transact_write_items(TransactItems=[put, check]),
        lambda: dynamodb.put_item(TableName="mine", Item=KEY, **no),
        lambda: dynamodb.update_item(
            TableName="mine", Key={"id": {"S": "9"}}, UpdateExpression="SET a = nothing"
        ),
        lambda: dynamodb.update_item(
            TableName="mine", Key=KEY, UpdateExpression="SET a = card, c = nothing"
        ),
        lambda: dynamodb.execute_transaction(
            TransactStatements=[
                {"Statement": "UPDATE \"mine\" SET \"card\" = 'x' WHERE id = '1'"},
                {"Statement": "SELECT * FROM nowhere"},
            ]
        ),
    ]
    for call in failing:
        with pytest.raises(ClientError):
            call()
        assert disk_lab.disk.item("mine", KEY) == before
        assert dynamodb.scan(TableName="mine")["Items"] == [ITEM]


def test_a_statement_needs_no_other_tables_key(disk_lab: Lab) -> None:
    """moto reads every table for a statement: none whose key is unusable may stand in the way."""
    dynamodb, kms = once(), once("kms")
    dynamodb.put_item(TableName="orders", Item=ITEM)
    dynamodb.put_item(TableName="mine", Item=ITEM)
    arn = dynamodb.describe_table(TableName="mine")["Table"]["SSEDescription"]["KMSMasterKeyArn"]
    kms.disable_key(KeyId=arn)
    disk_lab.later(minutes=6)
    assert dynamodb.execute_statement(Statement="SELECT * FROM orders")["Items"] == [ITEM]
    with pytest.raises(ClientError, match="KMS key disabled"):
        dynamodb.execute_statement(Statement="SELECT * FROM mine")
    state = service(disk_lab).encryption.of("us-east-1", "mine")
    assert state.key.cached == {}, "nothing is left to read with"
    assert disk_lab.disk.item("mine", KEY).body, "the thief has the sealed bytes all the same"
    kms.enable_key(KeyId=arn)
    assert dynamodb.get_item(TableName="mine", Key=KEY)["Item"] == ITEM


def test_keys_of_every_type_and_shape(disk_lab: Lab) -> None:
    dynamodb = once()
    dynamodb.create_table(
        TableName="lines",
        KeySchema=[
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "line", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "B"},
            {"AttributeName": "line", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    typed = {"id": {"B": b"\x00k"}, "line": {"N": "7"}}
    dynamodb.put_item(TableName="lines", Item={**typed, "a": {"S": "b"}})
    plain = {"id": b"\x00k", "line": 7}
    assert disk_lab.disk.item("lines", plain) == disk_lab.disk.item("lines", typed)
    missing: list[tuple[str, dict[str, Any]]] = [
        ("lines", {"id": b"\x00k"}),
        ("lines", {**plain, "line": 8}),
        ("lines", {**plain, "more": 1}),
        ("nowhere", plain),
    ]
    for table, key in missing:
        with pytest.raises(LookupError, match="on the disk"):
            disk_lab.disk.item(table, key)
    dynamodb.delete_table(TableName="lines")
    with pytest.raises(LookupError):
        disk_lab.disk.item("lines", plain)


def test_what_would_be_overlooked_is_refused_by_name(disk_lab: Lab) -> None:
    client, source = (
        boto3.client("dynamodb"),
        {"SourceTableName": "orders", "TargetTableName": "new"},
    )
    replica = {"Create": {"RegionName": "eu-west-1"}}
    with pytest.raises(NotImplementedError, match="ReplicaUpdates"):
        client.update_table(TableName="orders", ReplicaUpdates=[replica])
    with pytest.raises(NotImplementedError, match="RestoreDateTime"):
        client.restore_table_to_point_in_time(**source, RestoreDateTime=1)
    with pytest.raises(NotImplementedError, match="GlobalSecondaryIndexOverride"):
        client.restore_table_to_point_in_time(**source, GlobalSecondaryIndexOverride=[])


def test_a_stream_keeps_its_name_however_often_it_is_told() -> None:
    start_lab()
    dynamodb = boto3.client("dynamodb")
    told = dynamodb.create_table(
        TableName="told",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    for _ in range(2):
        described = dynamodb.describe_table(TableName="told")["Table"]
        assert described["LatestStreamArn"] == told["LatestStreamArn"]
    with pytest.raises(ClientError) as caught:
        boto3.client("dynamodbstreams").get_shard_iterator(
            StreamArn=told["LatestStreamArn"],
            ShardId="shardId-00000000000000000000-no-such",
            ShardIteratorType="LATEST",
        )
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("expression", [
    "(" * 1500 + "attribute_exists(id)" + ")" * 1500, "NOT " * 1000 + "attribute_exists(id)",
], ids=["parentheses", "NOT"])  # fmt: skip
def test_an_expression_too_deep_for_the_sandbox_is_a_sentence(
    disk_lab: Lab, expression: str
) -> None:
    with pytest.raises((ClientError, NotEmulated)) as caught:
        once().scan(TableName="orders", FilterExpression=expression)
    if isinstance(caught.value, ClientError):
        assert caught.value.response["Error"]["Code"] == "ValidationException"

"""Exercises of lesson 04: a client that writes no plaintext, and orders under another KMS key."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.client_items import DESCRIPTION, SIGNATURE
from workshop_lib.exercises.encrypted_orders import LAYOUT, open_order
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.lenses.trace import trace

_ORDERS = {
    "41": ("Oslo", "4000 0041"),
    "42": ("Rome", "4000 0042"),
    "43": ("Lima", "4000 0043"),
}
_GENUINE = {"customer": {"S": "ada"}, "order_no": {"N": "1"}}
_AGAIN = (
    "Run the first cell of this exercise again, which makes the orders anew, and move them through "
    "an EncryptedTable, unchanged."
)
_PROBE, _SECRET = "exercise-check", "5500 0000 0000 0004"


class _Write(NamedTuple):
    """A way to write plaintext: which operation, what is special, and the call."""

    operation: str
    special: str
    call: Callable[[], object]


@exercise("4.1", "a client that writes no plaintext")
def guarded(inspection: Inspection) -> None:
    """The client refuses each way to write plaintext, and writes and reads what is encrypted."""
    client = inspection.subject
    if not hasattr(client, "put_item") or not hasattr(client, "execute_statement"):
        inspection.fail(
            "the check got no client of DynamoDB",
            'Hand yours over: check("4.1", lab, guarded).',
        )
    if type(client).__name__ == "EncryptedClient":
        inspection.fail(
            "the check got an EncryptedClient: it encrypts puts, and hands the rest through",
            "Hand over the boto3 client that it is given: the guard belongs there.",
        )
    table = inspection.table(first_cell=True)
    name = table["TableName"]
    inspection.keyed(table, LAYOUT, "1b")
    genuine = boto3.client("dynamodb").get_item(TableName=name, Key=_GENUINE).get("Item", {})
    inspection.require(
        {SIGNATURE, DESCRIPTION} <= set(genuine),
        passed=f"the table {name} holds ada's encrypted order",
        failed=f"the table {name} does not hold ada's encrypted order 1",
        fix="Run the first cell of this exercise again.",
    )
    with _put_back(name, genuine):
        sent, silent = _leaks(client, name, genuine)
        inspection.require(
            not sent,
            passed="no operation sends plaintext: not a put, alone or in a batch, no update, no "
            "transaction, no PartiQL",
            failed=f"plaintext was sent by {', '.join(sent)}",
            fix="Each of these operations needs a handler on this client that raises before the "
            "request is made.",
        )
        inspection.expect(
            not silent,
            passed="what it does not send, it refuses with an error",
            failed=f"no error, and nothing written: {', '.join(silent)}",
            fix="Raise an error: the program has to learn that nothing was written.",
        )
        stopped = _stopped(client, name, genuine)
        inspection.expect(
            not stopped,
            passed="encrypted orders are written, alone and in a batch, and read",
            failed=f"the client also refuses what EncryptedClient needs: {', '.join(stopped)}",
            fix="Let pass reads, and items that carry the client's signature.",
        )


def _leaks(client: Any, table: str, genuine: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What sent plaintext, and what neither wrote nor raised an error."""
    sent: list[str] = []
    silent: list[str] = []
    for number, write in enumerate(_writes(client, table, genuine), 1):
        what = f"{write.operation} ({write.special})" if write.special else write.operation
        refused, own_error = False, ""
        with trace(_SECRET) as calls:
            try:
                write.call()
            except Exception as error:  # a guard may raise whatever it likes
                refused = True
                own_error = "" if isinstance(error, ClientError) else type(error).__name__
        # a request that the guard itself stopped at the last moment was not sent
        left = calls.table[calls.table["outcome"] != own_error]
        if left["in the request"].str.startswith("readable").any():
            # what is special matters only where the rest is refused, and once is enough
            if not any(each.startswith(write.operation) for each in sent):
                sent.append(what)
        elif not refused and not _is_stored(table, number):
            silent.append(what)
    return sent, silent


def _writes(client: Any, table: str, genuine: dict[str, Any]) -> Iterator[_Write]:
    """Each way to write an order in plaintext; the n-th one writes the order n."""
    numbers = iter(range(1, 1000))

    def order(attribute: str = "card") -> dict[str, Any]:
        return {**_key(next(numbers)), attribute: {"S": _SECRET}}

    def key() -> dict[str, Any]:
        return _key(next(numbers))

    def put(item: dict[str, Any]) -> dict[str, Any]:
        return {"PutRequest": {"Item": item}}

    def insert(word: str = "INSERT INTO", attribute: str = "card") -> str:
        return (
            f"{word} \"{table}\" VALUE {{'customer': '{_PROBE}', "
            f"'order_no': {next(numbers)}, '{attribute}': '{_SECRET}'}}"
        )

    def update_statement() -> str:
        return (
            f"UPDATE \"{table}\" SET card = '{_SECRET}' "
            f"WHERE customer = '{_PROBE}' AND order_no = {next(numbers)}"
        )

    def call(operation: str, **parameters: Any) -> Callable[[], object]:
        return lambda: getattr(client, operation)(**parameters)

    update: dict[str, Any] = {
        "UpdateExpression": "SET card = :card",
        "ExpressionAttributeValues": {":card": {"S": _SECRET}},
    }
    other_update: dict[str, Any] = {
        "UpdateExpression": "SET #a = :a",
        "ExpressionAttributeNames": {"#a": "phone"},
        "ExpressionAttributeValues": {":a": {"S": _SECRET}},
    }
    legacy = {"card": {"Value": {"S": _SECRET}, "Action": "PUT"}}
    yield _Write("PutItem", "", call("put_item", TableName=table, Item=order()))
    for special, item in (
        ("of another attribute", order("phone")),
        ("with a binary attribute", {**order(), "photo": {"B": b"\x89PNG"}}),
        ("in a map", {**key(), "payment": {"M": {"card": {"S": _SECRET}}}}),
        (
            "with a description, without a signature",
            {**order(), DESCRIPTION: genuine[DESCRIPTION]},
        ),
    ):
        yield _Write("PutItem", special, call("put_item", TableName=table, Item=item))
    # a table may be named by its ARN, and a secret may go into another table
    arn = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["TableArn"]
    yield _Write("PutItem", "by the table's ARN", call("put_item", TableName=arn, Item=order()))
    elsewhere = f"{table}-{_PROBE}"
    yield _Write("PutItem", "in another table", call("put_item", TableName=elsewhere, Item=order()))
    batch = {table: [put(order())]}
    yield _Write("BatchWriteItem", "", call("batch_write_item", RequestItems=batch))
    mixed = {table: [put(genuine), put(order())]}
    special = "beside an encrypted item"
    yield _Write("BatchWriteItem", special, call("batch_write_item", RequestItems=mixed))
    mixed = {table: [put(order()), put(genuine)]}
    special = "before an encrypted item"
    yield _Write("BatchWriteItem", special, call("batch_write_item", RequestItems=mixed))
    two = {table: [put(genuine)], elsewhere: [put(order())]}
    special = "in another table"  # that there is none does not matter: it was sent
    yield _Write("BatchWriteItem", special, call("batch_write_item", RequestItems=two))
    yield _Write("UpdateItem", "", call("update_item", TableName=table, Key=key(), **update))
    by_arn = call("update_item", TableName=arn, Key=key(), **update)
    yield _Write("UpdateItem", "by the table's ARN", by_arn)
    old = call("update_item", TableName=table, Key=key(), AttributeUpdates=legacy)
    yield _Write("UpdateItem", "with AttributeUpdates", old)
    other = call("update_item", TableName=table, Key=key(), **other_update)
    yield _Write("UpdateItem", "of another attribute", other)
    several = [{"Put": {"TableName": table, "Item": order()}}]
    yield _Write("TransactWriteItems", "", call("transact_write_items", TransactItems=several))
    changes = [{"Update": {"TableName": table, "Key": key(), **update}}]
    special = "with an update"
    yield _Write("TransactWriteItems", special, call("transact_write_items", TransactItems=changes))
    both = [{"Put": {"TableName": table, "Item": each}} for each in (genuine, order())]
    special = "beside an encrypted item"
    yield _Write("TransactWriteItems", special, call("transact_write_items", TransactItems=both))
    with_one = {"Parameters": [{"S": _SECRET}]}
    read = {"Statement": f"SELECT * FROM \"{table}\" WHERE customer = 'ada' AND order_no = 1"}
    for special, make in (
        ("", lambda: {"Statement": insert()}),
        ("an UPDATE", lambda: {"Statement": update_statement()}),
        ("in lower case", lambda: {"Statement": insert(" insert into")}),
        ("of another attribute", lambda: {"Statement": insert(attribute="phone")}),
        (
            "with a parameter",
            lambda: {"Statement": insert().replace(f"'{_SECRET}'", "?"), **with_one},
        ),
    ):
        one = make()
        yield _Write("ExecuteStatement", special, call("execute_statement", **one))
        one = make()
        batch_of = call("batch_execute_statement", Statements=[one])
        yield _Write("BatchExecuteStatement", special, batch_of)
        one = make()
        together = call("execute_transaction", TransactStatements=[one])
        yield _Write("ExecuteTransaction", special, together)
    special = "behind a SELECT"
    behind = [read, {"Statement": insert()}]
    yield _Write(
        "BatchExecuteStatement", special, call("batch_execute_statement", Statements=behind)
    )
    behind = [read, {"Statement": insert()}]
    yield _Write(
        "ExecuteTransaction", special, call("execute_transaction", TransactStatements=behind)
    )


def _stopped(client: Any, table: str, genuine: dict[str, Any]) -> list[str]:
    """Which calls that the encryption client makes are refused."""
    put = {"PutRequest": {"Item": genuine}}
    needed: dict[str, Callable[[], object]] = {
        "DescribeTable": lambda: client.describe_table(TableName=table),
        "PutItem of an encrypted item": lambda: client.put_item(TableName=table, Item=genuine),
        "BatchWriteItem of encrypted items": lambda: client.batch_write_item(
            RequestItems={table: [put]}
        ),
        "GetItem": lambda: client.get_item(TableName=table, Key=_GENUINE),
        "BatchGetItem": lambda: client.batch_get_item(
            RequestItems={table: {"Keys": [_GENUINE]}}
        ),
        "Query": lambda: client.query(
            TableName=table,
            KeyConditionExpression="customer = :c",
            ExpressionAttributeValues={":c": _GENUINE["customer"]},
        ),
        "Scan": lambda: client.scan(TableName=table),
    }  # fmt: skip
    stopped = []
    for what, call in needed.items():
        try:
            call()
        except Exception:  # a guard may raise whatever it likes
            stopped.append(what)
    return stopped


def _key(number: int) -> dict[str, Any]:
    return {"customer": {"S": _PROBE}, "order_no": {"N": str(number)}}


def _is_stored(table: str, number: int) -> bool:
    return "Item" in boto3.client("dynamodb").get_item(TableName=table, Key=_key(number))


@contextmanager
def _put_back(table: str, genuine: dict[str, Any]) -> Iterator[None]:
    """After the block the table is as it was: without what the check wrote."""
    dynamodb = boto3.client("dynamodb")
    try:
        yield
    finally:
        written = dynamodb.query(
            TableName=table,
            KeyConditionExpression="customer = :c",
            ExpressionAttributeValues={":c": {"S": _PROBE}},
            ProjectionExpression="customer, order_no",
        )["Items"]
        for key in written:
            dynamodb.delete_item(TableName=table, Key=key)
        dynamodb.put_item(TableName=table, Item=genuine)


@exercise("4.2", "orders moved under another KMS key")
def moved(inspection: Inspection) -> None:
    """The data keys of lin's three orders are wrapped by the tagged KMS key; all still verify."""
    key = inspection.key(anywhere=True)  # the client asks the KMS of the key's Region
    inspection.passed(f"the KMS key {key['KeyId']} carries the tag")
    inspection.enabled(key)
    table = inspection.table(first_cell=True)
    inspection.keyed(table, LAYOUT, "1b")
    name = table["TableName"]
    for number, written in _ORDERS.items():
        order = open_order(inspection, name, "lin", number, lost=_AGAIN)
        inspection.require(
            order.kms_key == key["Arn"],
            passed=f"the data key of the order lin, {number} is wrapped by the tagged KMS key",
            failed=f"the data key of the order lin, {number} is wrapped by another KMS key, "
            f"{order.kms_key.rpartition('/')[2]} in {order.kms_key.split(':')[3]}",
            fix="Read the order, and write it with a provider that names the tagged KMS key.",
        )
        inspection.require(
            (order.city, order.card) == written,
            passed="it verifies, and opens to what it was",
            failed=f"the order lin, {number} opens, but not to what it was: city {order.city!r}, "
            f"card {order.card!r}",
            fix=_AGAIN,
        )

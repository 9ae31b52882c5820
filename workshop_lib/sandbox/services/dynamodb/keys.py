"""Primary keys in a request: of the table's attributes and types, not empty, not too long.

Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance (error-messages of
each operation, the same in four Regions) and by dynalite's tests
(https://github.com/architect/dynalite).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.requests import cancelled
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID

_OTHER_SCHEMA = "The provided key element does not match the schema"
_DUPLICATES = {
    "BatchGetItem": "Provided list of item keys contains duplicates",
    "BatchWriteItem": "Provided list of item keys contains duplicates",
    "TransactGetItems": "Transaction request cannot include multiple operations on one item",
    "TransactWriteItems": "Transaction request cannot include multiple operations on one item",
}


class _Asked(NamedTuple):
    """A key in a request: of which table, and whether it stands in a whole item."""

    table: str
    key: Mapping[str, Any]
    whole: bool


def require_keys(call: Call, tables: Mapping[str, Table]) -> Response | None:
    """Refuse keys that the ``tables``, by name, cannot have; None if they are fine.

    Raises AwsError ValidationException. A transaction is answered with its reasons where a key is
    of other attributes or types.
    """
    operation = call.operation
    problems: list[str | None] = []
    found = False
    seen: set[tuple[str, ...]] = set()
    for table, key, whole in _asked(call):
        if table not in tables:
            problems.append(None)
            continue
        schema = tables[table].key_schema
        if whole and operation == "BatchWriteItem":  # looks at a put as at a key
            key, whole = {name: key[name] for name in schema if name in key}, False
        problem = _problem(schema, key, whole=whole)
        if problem is not None and found:  # AWS tells of the first one, as ScyllaDB's tests saw
            problems.append(None)
            continue
        problems.append(problem)
        if problem is None:
            require_content(schema, key)
            if operation in _DUPLICATES:
                place = (table, *(key[name][kind] for name, kind in schema.items()))
                if place in seen:
                    raise _refusal(_DUPLICATES[operation])
                seen.add(place)
        elif not operation.startswith("Transact"):
            raise _refusal(problem)
        else:
            found = True
    return cancelled(call, problems) if found else None


def _asked(call: Call) -> Iterator[_Asked]:
    """The keys in a request, one for each of its parts."""
    parameters = call.parameters
    for name, listed in (parameters.get("RequestItems") or {}).items():
        if isinstance(listed, dict):  # BatchGetItem
            for key in listed["Keys"]:
                yield _Asked(table_name(name), key, whole=False)
        else:
            for request in listed:
                yield from _of(name, *request.values())
    for action in parameters.get("TransactItems") or ():
        [asked] = action.values()
        yield from _of(asked["TableName"], asked)
    if "TableName" in parameters:
        yield from _of(parameters["TableName"], parameters)


def _of(table: str, asked: Mapping[str, Any]) -> Iterator[_Asked]:
    for parameter in ("Item", "Key"):
        if asked.get(parameter) is not None:
            yield _Asked(table_name(table), asked[parameter], whole=parameter == "Item")


def _problem(schema: Mapping[str, str], key: Mapping[str, Any], *, whole: bool) -> str | None:
    """What is wrong with a key's attributes or types; None if nothing is."""
    if not whole:
        names_fit = key.keys() == schema.keys()
        fits = names_fit and all(kind in key[name] for name, kind in schema.items())
        return None if fits else _OTHER_SCHEMA
    for name, kind in schema.items():
        if name not in key:
            return f"{INVALID}Missing the key {name} in the item"
        if kind not in key[name]:
            actual = next(iter(key[name]))
            return f"{INVALID}Type mismatch for key {name} expected: {kind} actual: {actual}"
    return None


def require_key(schema: Mapping[str, str], key: Mapping[str, Any]) -> None:
    """Refuse a key that the table cannot have. Raises AwsError ValidationException."""
    problem = _problem(schema, key, whole=False)
    if problem is not None:
        raise _refusal(problem)
    require_content(schema, key)


def require_whole(schema: Mapping[str, str], item: Mapping[str, Any]) -> None:
    """Refuse an item without a key that the table can have. Raises AwsError ValidationException."""
    problem = _problem(schema, item, whole=True)
    if problem is not None:
        raise _refusal(problem)
    require_content(schema, item)


def require_content(schema: Mapping[str, str], key: Mapping[str, Any]) -> None:
    """Refuse a key's value that is empty, or longer than 2,048 and 1,024 bytes.

    Raises AwsError ValidationException.
    """
    for place, (name, kind) in enumerate(schema.items()):
        text = key[name][kind]
        if kind == "N":
            continue
        if not text:
            empty = "string" if kind == "S" else "binary"
            raise _refusal(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {empty} value. Key: {name}"
            )
        fault = length_fault(kind, text, sort=place > 0)
        if fault is not None:
            raise _refusal(fault)


def length_fault(kind: str, text: str, *, sort: bool) -> str | None:
    """What is said of a key's value that is too long; None if it is not."""
    most = 1024 if sort else 2048
    if 3 * len(text) <= most or _length(kind, text) <= most:
        return None
    if sort:
        what = "Aggregated size of all range keys has exceeded the size limit of "
        return f"{INVALID}{what}{most} bytes"
    return f"{INVALID}Size of hashkey has exceeded the maximum size limit of{most} bytes"


def _length(kind: str, text: str) -> int:
    return len(base64.b64decode(text) if kind == "B" else text.encode(errors="surrogatepass"))


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)

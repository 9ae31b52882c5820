"""Expressions: how long they are, and the names and values that they use, all of them defined.

Syntax is checked before a table is looked for; keys and indexes of a query when it is found.
Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance (error-messages,
limits, validation-ordering) and by dynalite's tests (https://github.com/architect/dynalite).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.permissions import table_name

_EXPRESSIONS = (
    "UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression",
    "ProjectionExpression",
)  # fmt: skip
# What expressions replace.
_LEGACY = (
    "AttributesToGet", "AttributeUpdates", "Expected", "ConditionalOperator", "KeyConditions",
    "QueryFilter", "ScanFilter",
)  # fmt: skip
_ENVELOPED = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_MOST_BYTES = 4096
_PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+")
_DEFINED = {
    "#": ("ExpressionAttributeNames", "name used in the document path", "attribute name"),
    ":": ("ExpressionAttributeValues", "value used in expression", "attribute value"),
}


def require_expressions(call: Call) -> None:
    """Refuse expressions that are empty, too long, or use what is not defined; and what is unused.

    Raises AwsError ValidationException.
    """
    envelope = "1 validation error detected: " if call.operation in _ENVELOPED else ""
    for asked in _requests(call):
        fault = _fault(asked)
        if fault is not None:
            raise _invalid(envelope + fault)


def _requests(call: Call) -> Iterator[Mapping[str, Any]]:
    """The parts of a request that may have expressions."""
    parameters = call.parameters
    yield parameters
    if call.operation == "BatchGetItem":
        yield from parameters["RequestItems"].values()
    for action in parameters.get("TransactItems") or ():
        yield from action.values()


def _fault(asked: Mapping[str, Any]) -> str | None:
    expressions = {name: asked[name] for name in _EXPRESSIONS if asked.get(name) is not None}
    defined = {sign: asked.get(_DEFINED[sign][0]) for sign in _DEFINED}
    legacy = [name for name in _LEGACY if asked.get(name) is not None]
    if expressions and legacy:
        return (
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(legacy)}}} Expression parameters: "
            f"{{{', '.join(expressions)}}}"
        )
    for sign, given in defined.items():
        if given is not None and not expressions:
            return f"{_DEFINED[sign][0]} can only be specified when using expressions"
    for sign, given in defined.items():
        if given is not None and not given:
            return f"{_DEFINED[sign][0]} must not be empty"
    used: set[str] = set()
    for name, expression in expressions.items():
        problem = _problem(expression, defined, used)
        if problem is not None:
            return f"Invalid {name}: {problem}"
    for sign, given in defined.items():
        unused = [each for each in given or () if each not in used]
        if unused:
            return (
                f"Value provided in {_DEFINED[sign][0]} unused in expressions: keys: "
                f"{{{', '.join(unused)}}}"
            )
    return None


def _problem(
    expression: str, defined: Mapping[str, Mapping[str, Any] | None], used: set[str]
) -> str | None:
    """What is wrong with one expression; ``used`` learns what it uses."""
    if not expression:
        return "The expression can not be empty;"
    size = len(expression.encode(errors="surrogatepass"))
    if size > _MOST_BYTES:
        return f"Expression size has exceeded the maximum allowed size; expression size: {size}"
    for placeholder in _PLACEHOLDER.findall(expression):
        if placeholder not in (defined[placeholder[0]] or ()):
            _, what, kind = _DEFINED[placeholder[0]]
            return f"An expression attribute {what} is not defined; {kind}: {placeholder}"
        used.add(placeholder)
    return None


# --- queries ------------------------------------------------------------------------------

# The comparisons of a key condition: a name, and the values that it is compared with.
_COMPARISONS = re.compile(
    r"(?P<name>#?\w+)\s*(?:=|<=|>=|<|>)\s*(?P<value>:\w+)"
    r"|begins_with\s*\(\s*(?P<prefixed>#?\w+)\s*,\s*(?P<prefix>:\w+)\s*\)"
    r"|(?P<between>#?\w+)\s+BETWEEN\s+(?P<low>:\w+)\s+AND\s+(?P<high>:\w+)",
    re.IGNORECASE,
)


def require_index_and_key_types(call: Call, tables: Mapping[str, Table]) -> None:
    """Refuse to query or scan an index that there is not, and to query for keys of other types.

    Raises AwsError ValidationException.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    """
    if call.operation not in ("Query", "Scan"):
        return
    parameters = call.parameters
    table = tables.get(table_name(parameters["TableName"]))
    if table is None:
        return
    index, keys = parameters.get("IndexName"), tuple(table.key_schema)
    if index is not None:
        found = [each.keys for each in table.indexes if each.name == index]
        if not found:
            raise _invalid(f"The table does not have the specified index: {index}")
        [keys] = found
    types = table.attribute_types
    for name, value in _compared(parameters):
        if name in keys and types[name] not in value:
            raise _invalid(
                "One or more parameter values were invalid: Condition parameter type does not "
                "match schema type"
            )


def _compared(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The attributes in a query's key condition, each with a value that it is compared with."""
    for name, condition in (parameters.get("KeyConditions") or {}).items():
        for value in condition.get("AttributeValueList") or ():
            yield name, value
    names = parameters.get("ExpressionAttributeNames") or {}
    values = parameters.get("ExpressionAttributeValues") or {}
    for found in _COMPARISONS.finditer(parameters.get("KeyConditionExpression") or ""):
        name = found["name"] or found["prefixed"] or found["between"]
        for each in (found["value"], found["prefix"], found["low"], found["high"]):
            if each is not None:
                yield names.get(name, name), values[each]


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)

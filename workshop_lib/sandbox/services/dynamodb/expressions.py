"""The expressions of a request, or what they replaced, ready to be applied to items.

Syntax is checked before a table is looked for.
Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance (error-messages,
limits, validation-ordering) and by dynalite's tests (https://github.com/architect/dynalite); of
placeholders, in 2026 by ExtendDB's tests.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import Action, Binder, Condition
from workshop_lib.sandbox.services.dynamodb.legacy import (
    actions_of,
    condition_of,
    require_legacy,
)
from workshop_lib.sandbox.services.dynamodb.paths import Path
from workshop_lib.sandbox.services.dynamodb.sentences import ENVELOPE
from workshop_lib.sandbox.services.dynamodb.tokens import Malformed

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
NO_KEY_CONDITIONS = (
    "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
)
_PROJECTIONS = ("AttributesToGet", "ProjectionExpression")
_MOST_BYTES = 4096
_LONGEST_PLACEHOLDER = 255  # bytes, its sign counted
_PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+")
_DEFINED = {"#": "ExpressionAttributeNames", ":": "ExpressionAttributeValues"}


class Expressions(NamedTuple):
    """What a request, or a part of it, asks of items; None where it does not ask.

    ``nested`` are the attributes that its paths lead into.
    """

    update: tuple[Action, ...] | None = None
    condition: Condition | None = None
    key_condition: Condition | None = None
    filter: Condition | None = None
    projection: tuple[Path, ...] | None = None
    nested: frozenset[str] = frozenset()


_NONE = Expressions()


def read_expressions(call: Call) -> list[Expressions]:
    """The expressions of a request, one for each of its parts.

    Raises AwsError ValidationException for those that are empty, too long, not well formed, or use
    what is not defined; and for what is defined and not used.
    """
    if call.operation == "BatchGetItem":
        _require_one_kind(call.parameters["RequestItems"].values())
    return [read_part(call, asked) for asked in parts(call)]


def read_part(call: Call, asked: Mapping[str, Any]) -> Expressions:
    """The expressions of a part of a request. Raises AwsError ValidationException."""
    try:
        return _read(call.operation, asked)
    except Malformed as malformed:
        envelope = ENVELOPE if call.operation in _ENVELOPED else ""
        raise _invalid(f"{envelope}{malformed}") from None


def _require_one_kind(tables: Iterable[Mapping[str, Any]]) -> None:
    """A batch names attributes in one way, as paritysuite's error-messages/batchGetItem saw."""
    named = {name for asked in tables for name in _PROJECTIONS if asked.get(name) is not None}
    if len(named) > 1:
        raise _invalid(_mixed(["AttributesToGet"], ["ProjectionExpression"]))


def parts(call: Call) -> Iterator[Mapping[str, Any]]:
    """The parts of a request that may have expressions."""
    parameters = call.parameters
    if call.operation == "BatchGetItem":
        yield from parameters["RequestItems"].values()
    elif "TransactItems" in parameters:
        for action in parameters["TransactItems"]:
            yield from action.values()
    else:
        yield parameters


def _read(operation: str, asked: Mapping[str, Any]) -> Expressions:
    expressions = {name: asked[name] for name in _EXPRESSIONS if asked.get(name) is not None}
    names, values = asked.get(_DEFINED["#"]), asked.get(_DEFINED[":"])
    legacy = [name for name in _LEGACY if asked.get(name) is not None]
    if expressions and legacy:
        raise Malformed(_mixed(legacy, expressions))
    if not expressions:
        for sign, given in (("#", names), (":", values)):
            if given is not None:
                raise Malformed(f"{_DEFINED[sign]} can only be specified when using expressions")
        return _read_legacy(asked) if legacy else _NONE
    for sign, given in (("#", names), (":", values)):
        _require_placeholders(sign, given)
    if operation == "Query" and "KeyConditionExpression" not in expressions:
        raise Malformed(NO_KEY_CONDITIONS)
    binder = Binder(names or {}, values or {})
    found = _bind(operation, expressions, binder)
    for sign, given in (("#", names), (":", values)):
        unused = [each for each in given or () if each not in binder.used]
        if unused:
            raise Malformed(
                f"Value provided in {_DEFINED[sign]} unused in expressions: keys: "
                f"{{{', '.join(unused)}}}"
            )
    return found


def _mixed(legacy: Iterable[str], expressions: Iterable[str]) -> str:
    return (
        "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{', '.join(legacy)}}} Expression parameters: "
        f"{{{', '.join(expressions)}}}"
    )


def _require_placeholders(sign: str, given: Mapping[str, Any] | None) -> None:
    if given is None:
        return
    if not given:
        raise Malformed(f"{_DEFINED[sign]} must not be empty")
    for key, content in given.items():
        size = len(key.encode(errors="surrogatepass"))
        if size > _LONGEST_PLACEHOLDER:
            told = f" size of key: {size}" if sign == "#" else ""
            raise Malformed(
                f"{_DEFINED[sign]} contains invalid key: The expression attribute map contains a "
                f"key that is too long;{told}"
            )
        if key[:1] != sign or not _PLACEHOLDER.fullmatch(key):
            raise Malformed(f'{_DEFINED[sign]} contains invalid key: Syntax error; key: "{key}"')
        if content == "":
            raise Malformed(
                f"{_DEFINED[sign]} contains invalid value: Empty attribute name for key {key}"
            )


def _bind(operation: str, expressions: Mapping[str, str], binder: Binder) -> Expressions:
    read = {"UpdateExpression": binder.update, "ProjectionExpression": binder.projection}
    found: dict[str, Any] = {}
    for name, text in expressions.items():
        try:
            sized = (operation, name) != ("TransactWriteItems", "UpdateExpression")
            _require_length(text, sized=sized)
            found[name] = read.get(name, binder.condition)(text)
        except Malformed as malformed:
            raise Malformed(f"Invalid {name}: {malformed}") from None
    return Expressions(
        found.get("UpdateExpression"),
        found.get("ConditionExpression"),
        found.get("KeyConditionExpression"),
        found.get("FilterExpression"),
        found.get("ProjectionExpression"),
        frozenset(binder.nested),
    )


def _require_length(text: str, *, sized: bool) -> None:
    """``sized``: whether it is told how long it is."""
    if not text:
        raise Malformed("The expression can not be empty;")
    size = len(text.encode(errors="surrogatepass"))
    if size > _MOST_BYTES:
        told = f" expression size: {size}" if sized else ""
        raise Malformed(f"Expression size has exceeded the maximum allowed size;{told}")


def _read_legacy(asked: Mapping[str, Any]) -> Expressions:
    require_legacy(asked)
    updates, names = asked.get("AttributeUpdates"), asked.get("AttributesToGet")
    return Expressions(
        update=None if updates is None else tuple(actions_of(updates)),
        condition=condition_of(asked, "Expected"),
        filter=condition_of(asked, "QueryFilter", "ScanFilter"),
        projection=None if names is None else tuple((name,) for name in names),
    )


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)

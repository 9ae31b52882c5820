"""The key condition of a query: which attributes are compared, how, and whether a key has them.

Texts: recorded from AWS by dynalite's tests (https://github.com/architect/dynalite) and
https://github.com/paritysuite/dynamodb-conformance (error-messages/queryKeyConditionOperands).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.KeyConditions.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import Call, Condition, Literal
from workshop_lib.sandbox.services.dynamodb.expressions import NO_KEY_CONDITIONS
from workshop_lib.sandbox.services.dynamodb.keys import require_content
from workshop_lib.sandbox.services.dynamodb.legacy import condition_of
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID

_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INDEXABLE = frozenset({*_TURNED, "BETWEEN", "begins_with"})
_OTHER_TYPE = f"{INVALID}Condition parameter type does not match schema type"


class KeyCondition(NamedTuple):
    """A condition on one attribute of a key."""

    attribute: str
    operator: str
    values: tuple[Mapping[str, Any], ...]

    def call(self) -> Call:
        """The condition as one of an item."""
        return Call(self.operator, ((self.attribute,), *map(Literal, self.values)))


def read_key_conditions(
    asked: Mapping[str, Any], condition: Condition | None
) -> dict[str, KeyCondition]:
    """The key conditions of a query by attribute. Raises AwsError ValidationException."""
    legacy = asked.get("KeyConditions")
    if condition is None and legacy is None:
        raise _invalid(NO_KEY_CONDITIONS)
    if condition is None:
        if not legacy or (len(legacy) > 2 and "IndexName" not in asked):
            raise _invalid("Conditions can be of length 1 or 2 only")
        condition = condition_of({"KeyConditions": legacy}, "KeyConditions") or ()
        return {
            c.operands[0][0]: KeyCondition(
                c.operands[0][0], c.name, tuple(o.value for o in c.operands[1:])
            )
            for c in condition
            if isinstance(c, Call)
        }
    found: dict[str, KeyCondition] = {}
    for step in condition:
        if isinstance(step, str):
            if step != "AND":
                raise _invalid(f"Invalid operator used in KeyConditionExpression: {step}")
            continue
        each = _read(step)
        if each.attribute in found:
            raise _malformed("KeyConditionExpressions must only contain one condition per key")
        found[each.attribute] = each
    return found


def _read(call: Call) -> KeyCondition:
    name, operands = call
    if any(isinstance(operand, Call) for operand in operands):
        raise _malformed("KeyConditionExpressions cannot contain nested operations")
    if name not in _INDEXABLE:
        raise _invalid(f"Invalid operator used in KeyConditionExpression: {name}")
    paths = [operand for operand in operands if not isinstance(operand, Literal)]
    begin = "Invalid condition in KeyConditionExpression: "
    if name in ("BETWEEN", "begins_with") and isinstance(operands[0], Literal):
        raise _invalid(f"{begin}{name} operator must have the key attribute as its first operand")
    if len(paths) > 1:
        raise _invalid(f"{begin}Multiple attribute names used in one condition")
    if not paths:
        raise _invalid(f"{begin}No key attribute specified")
    [path] = paths
    if len(path) > 1:
        raise _malformed("KeyConditionExpressions cannot have conditions on nested attributes")
    if isinstance(operands[0], Literal):
        name, operands = _TURNED[name], (operands[1], operands[0])
    return KeyCondition(path[0], name, tuple(operand.value for operand in operands[1:]))


def require_key_conditions(
    found: Mapping[str, KeyCondition], keys: Sequence[str], partition: int, types: Mapping[str, str]
) -> None:
    """Refuse conditions that a key of these attributes cannot be queried for.

    The first ``partition`` of ``keys`` are the partition key. Raises AwsError ValidationException.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
    """
    if len(found) > len(keys):
        raise _invalid(
            f"The number of query conditions ({len(found)}) exceeds the number of key attributes "
            f"defined in the schema ({len(keys)})"
        )
    known = [name for name in keys if name in found]
    for place, name in enumerate(keys):
        condition = found.get(name)
        if condition is None:
            if place < partition or len(known) < len(found):
                raise _invalid(f"Query condition missed key schema element: {name}")
            continue
        if condition.operator not in _INDEXABLE:
            raise _invalid("Attempted conditional constraint is not an indexable operation")
        if any(types[name] not in value for value in condition.values):
            raise _invalid(_OTHER_TYPE)
        if place < partition and condition.operator != "=":
            raise _invalid("Query key condition not supported")
        for value in condition.values:
            require_content({name: types[name]}, {name: value})
    _require_no_gap(found, keys[partition:])


def _require_no_gap(found: Mapping[str, KeyCondition], sort: Sequence[str]) -> None:
    """Refuse a condition on an attribute of the sort key without equalities on those before it.

    Text: paritysuite's query/multiAttributeGsiKey
    """
    last = max((place for place, name in enumerate(sort) if name in found), default=0)
    open_ones = [n for n in sort[:last] if n not in found or found[n].operator != "="]
    if open_ones:
        raise _invalid(
            f"RANGE key attributes {', '.join(open_ones)} must have equality conditions specified "
            f"in the query because a condition is present on key attribute {sort[last]}"
        )


def _malformed(message: str) -> AwsError:
    return _invalid(f"Invalid KeyConditionExpression: {message}")


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)

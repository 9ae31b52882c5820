"""What expressions replaced: conditions and updates by attribute, in the form of expressions.

Texts: recorded from AWS by dynalite's tests (https://github.com/architect/dynalite).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from workshop_lib.sandbox.services.dynamodb.binding import Action, Call, Condition, Literal
from workshop_lib.sandbox.services.dynamodb.comparison import compares, kind_of
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID
from workshop_lib.sandbox.services.dynamodb.tokens import Malformed

_OPERATORS = {
    "EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "CONTAINS": "contains",
    "NOT_CONTAINS": "NOT_CONTAINS", "BEGINS_WITH": "begins_with", "IN": "IN", "BETWEEN": "BETWEEN",
    "NULL": "attribute_not_exists", "NOT_NULL": "attribute_exists",
}  # fmt: skip
_SCALARS = ("S", "N", "B")
_TAKES = {
    **dict.fromkeys(
        ("LE", "LT", "GE", "GT", "BETWEEN", "CONTAINS", "NOT_CONTAINS", "IN"), _SCALARS
    ),
    "BEGINS_WITH": ("S", "B"),
}
_SETS = ("SS", "NS", "BS")


def require_legacy(asked: Mapping[str, Any]) -> None:
    """Refuse conditions and updates that make no sense. Raises Malformed."""
    names = asked.get("AttributesToGet")
    if names is not None:
        repeated = [name for place, name in enumerate(names) if name in names[:place]]
        if repeated:
            raise _invalid(f"Duplicate value in attribute name: {repeated[0]}")
    for name, condition in (asked.get("Expected") or {}).items():
        _require_expected(name, condition)
    for parameter in ("KeyConditions", "QueryFilter", "ScanFilter"):
        for condition in (asked.get(parameter) or {}).values():
            _require_comparison(
                condition["ComparisonOperator"], condition.get("AttributeValueList") or ()
            )
    for update in (asked.get("AttributeUpdates") or {}).values():
        _require_update(update.get("Action", "PUT"), update.get("Value"))
    if asked.get("ConditionalOperator") is not None:
        filters = [asked.get(p) for p in ("Expected", "QueryFilter", "ScanFilter")]
        given = [each for each in filters if each]
        if not given:
            raise Malformed("ConditionalOperator cannot be used without Filter or Expected")
        if len(given[0]) < 2:
            raise Malformed(
                "ConditionalOperator can only be used when Filter or Expected has two or more "
                "elements"
            )


def _require_expected(name: str, condition: Mapping[str, Any]) -> None:
    value, listed = condition.get("Value"), condition.get("AttributeValueList")
    operator, exists = condition.get("ComparisonOperator"), condition.get("Exists")
    if listed is not None and value is not None:
        raise _invalid(
            f"Value and AttributeValueList cannot be used together for Attribute: {name}"
        )
    if operator is not None:
        if exists is not None:
            raise _invalid(
                f"Exists and ComparisonOperator cannot be used together for Attribute: {name}"
            )
        if operator not in ("NULL", "NOT_NULL") and listed is None and value is None:
            raise _invalid(
                "Value or AttributeValueList must be used with ComparisonOperator: "
                f"{operator} for Attribute: {name}"
            )
        _require_comparison(operator, [value] if value is not None else listed or ())
    elif listed is not None:
        raise _invalid(
            f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
        )
    elif exists is not False and value is None:
        shown = "null" if exists is None else "true"
        raise _invalid(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    elif exists is False and value is not None:
        raise _invalid(f"Value cannot be used when Exists is false for Attribute: {name}")


def _require_comparison(operator: str, values: Any) -> None:
    count = len(values)
    if operator in ("NULL", "NOT_NULL"):
        fits = count == 0
    elif operator == "IN":
        fits = count > 0
    else:
        fits = count == (2 if operator == "BETWEEN" else 1)
    if not fits:
        raise _invalid(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    if len({kind_of(value) for value in values}) > 1:
        raise _invalid("AttributeValues inside AttributeValueList must be of same type")
    for value in values:
        if kind_of(value) not in _TAKES.get(operator, (kind_of(value),)):
            raise _invalid(
                f"ComparisonOperator {operator} is not valid for {kind_of(value)} AttributeValue "
                "type"
            )
    if operator == "BETWEEN" and compares(">", *values):
        raise Malformed(
            "The BETWEEN condition was provided a range where the lower bound is greater than the "
            "upper bound"
        )


def _require_update(action: str, value: Mapping[str, Any] | None) -> None:
    if value is None:
        if action != "DELETE":
            raise _invalid("Only DELETE action is allowed when no attribute value is specified")
        return
    kind = kind_of(value)
    if action == "DELETE" and kind not in _SETS:
        raise _invalid(f"DELETE action with value is not supported for the type {kind}")
    if action == "ADD" and kind not in (*_SETS, "N", "L"):
        raise _invalid(f"ADD action is not supported for the type {kind}")


def condition_of(asked: Mapping[str, Any], *parameters: str) -> Condition | None:
    """The condition that such parameters ask for; None where they ask for none.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.Expected.html
    """
    calls = [
        _call(name, condition)
        for parameter in parameters
        for name, condition in (asked.get(parameter) or {}).items()
    ]
    if not calls:
        return None
    join = asked.get("ConditionalOperator") or "AND"
    found: list[Call | str] = [calls[0]]
    for call in calls[1:]:
        found += [call, join]
    return tuple(found)


def _call(name: str, condition: Mapping[str, Any]) -> Call:
    operator = condition.get("ComparisonOperator")
    listed = condition.get("AttributeValueList")
    if listed is None:
        listed = [condition["Value"]] if condition.get("Value") is not None else []
    if operator is None:
        operator = "NULL" if condition.get("Exists") is False else "EQ"
    return Call(_OPERATORS[operator], ((name,), *map(Literal, listed)))


def actions_of(updates: Mapping[str, Any]) -> Iterator[Action]:
    """The actions that AttributeUpdates ask for.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.AttributeUpdates.html
    """
    for name, update in updates.items():
        value = update.get("Value")
        clause = {"PUT": "SET"}.get(update.get("Action", "PUT"), update.get("Action"))
        if value is None:
            yield Action("REMOVE", (name,), None)
        else:
            yield Action(str(clause), (name,), Literal(value))


def _invalid(message: str) -> Malformed:
    return Malformed(INVALID + message)

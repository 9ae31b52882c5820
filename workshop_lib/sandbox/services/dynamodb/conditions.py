"""Whether an item meets a condition.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from collections.abc import Mapping
from typing import Any

from workshop_lib.sandbox.services.dynamodb.binding import Call, Condition, Literal
from workshop_lib.sandbox.services.dynamodb.comparison import (
    begins_with,
    compares,
    contains,
    length,
    lies_between,
)
from workshop_lib.sandbox.services.dynamodb.paths import find

Attributes = Mapping[str, Any]


def met(condition: Condition, item: Attributes) -> bool:
    """Whether an item (no attributes: there is none) meets a condition."""
    stack: list[bool] = []
    for step in condition:
        if isinstance(step, Call):
            stack.append(_holds(step, item))
        elif step == "NOT":
            stack.append(not stack.pop())
        else:
            second, first = stack.pop(), stack.pop()
            stack.append(first and second if step == "AND" else first or second)
    return stack.pop()


def _holds(call: Call, item: Attributes) -> bool:
    name = call.name
    first, *others = (_value(operand, item) for operand in call.operands)
    if name == "attribute_exists":
        return first is not None
    if name == "attribute_not_exists":
        return first is None
    if name == "attribute_type":
        return first is not None and others[0]["S"] in first
    if name == "begins_with":
        return begins_with(first, others[0])
    if name == "contains":
        return contains(first, others[0])
    if name == "NOT_CONTAINS":  # a legacy operator: of an attribute that is there
        return first is not None and not contains(first, others[0])
    if name == "BETWEEN":
        return lies_between(first, *others)
    if name == "IN":
        return first is not None and first in others
    return compares(name, first, others[0])


def _value(operand: Any, item: Attributes) -> Any:
    if isinstance(operand, Literal):
        return operand.value
    if isinstance(operand, Call):  # size, the only function with a value
        found = length(_value(operand.operands[0], item))
        return None if found is None else {"N": str(found)}
    return find(item, operand)

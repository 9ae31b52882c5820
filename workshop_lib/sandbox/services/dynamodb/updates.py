"""What an update makes of an item.

Operands are what the item had before; then values are set, added and taken out of sets, and last
what is removed goes: places in lists are those of before.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

import copy
import decimal
from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import Action, Call, Literal
from workshop_lib.sandbox.services.dynamodb.comparison import kind_of, sorted_set
from workshop_lib.sandbox.services.dynamodb.paths import Path, find
from workshop_lib.sandbox.services.dynamodb.values import OVERFLOW, Unfit, read_number

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
_NO_PATH = "The document path provided in the update expression is invalid for update"
# Of more digits than a sum of two numbers can have.
_EXACT = decimal.Context(prec=600, Emax=1000, Emin=-1000)


def updated(
    item: Mapping[str, Any], actions: Sequence[Action], wrong_type: str = _WRONG_TYPE
) -> dict[str, Any]:
    """The item after an update. Raises AwsError ValidationException."""
    operands = [_value(action.operand, item) if action.operand else None for action in actions]
    changed: dict[str, Any] = dict(item)
    for name in {action.path[0] for action in actions if len(action.path) > 1}:
        if name in changed:
            changed[str(name)] = copy.deepcopy(changed[str(name)])
    removed: list[Path] = []
    appended: list[tuple[int, list[Any], Any]] = []
    for action, operand in zip(actions, operands, strict=True):
        holder: Any = _holder(changed, action.path)
        last: Any = action.path[-1]
        value = operand
        if action.clause in ("ADD", "DELETE"):
            value = _combined(action.clause, _member(holder, last), operand, wrong_type)
        if value is None:
            removed.append(action.path)
        elif isinstance(holder, list) and last >= len(holder):
            appended.append((last, holder, value))
        else:
            holder[last] = value
    _remove(changed, removed)
    for _, holder, value in sorted(appended, key=lambda each: each[0]):
        holder.append(value)
    return changed


def _remove(item: dict[str, Any], paths: Sequence[Path]) -> None:
    for path in sorted(paths, key=_last_place, reverse=True):
        holder = _holder(item, path)
        if _member(holder, path[-1]) is not None:
            del holder[path[-1]]


def _last_place(path: Path) -> int:
    return path[-1] if isinstance(path[-1], int) else -1


def _holder(item: dict[str, Any], path: Path) -> Any:
    """The map or list that a path leads into. Raises AwsError."""
    if len(path) == 1:
        return item
    found = find(item, path[:-1])
    holder = None if found is None else found.get("L" if isinstance(path[-1], int) else "M")
    if holder is None:
        raise _invalid(_NO_PATH)
    return holder


def _member(holder: Any, last: Any) -> Any:
    if isinstance(holder, list):
        return holder[last] if last < len(holder) else None
    return holder.get(last)


def _combined(clause: str, there: Any, operand: Any, wrong_type: str) -> Any:
    """What ADD or DELETE makes of a value; None for an empty set, or nothing."""
    [(kind, given)] = operand.items()
    if there is None:
        return operand if clause == "ADD" else None
    if kind not in there:
        raise _invalid(wrong_type)
    if kind == "N":
        return {"N": total(there["N"], given)}
    had = there[kind]
    if kind == "L":  # a legacy ADD appends
        return {"L": [*had, *given]}
    if clause == "ADD":
        return {kind: sorted_set(kind, [*{*had, *given}])}
    rest = [member for member in had if member not in given]
    return {kind: rest} if rest else None


def _value(operand: Any, item: Mapping[str, Any]) -> Any:
    if isinstance(operand, Literal):
        return operand.value
    if not isinstance(operand, Call):
        found = find(item, operand)
        if found is None:
            raise _invalid(_NO_ATTRIBUTE)
        return found
    if operand.name == "if_not_exists":
        there = find(item, operand.operands[0])
        return _value(operand.operands[1], item) if there is None else there
    first, second = (_value(each, item) for each in operand.operands)
    kind = "L" if operand.name == "list_append" else "N"
    if kind_of(first) != kind or kind_of(second) != kind:
        raise _invalid(_WRONG_TYPE)
    if kind == "L":
        return {"L": [*first["L"], *second["L"]]}
    return {"N": total(first["N"], second["N"], less=operand.name == "-")}


def total(first: str, second: str, *, less: bool = False) -> str:
    """The sum of two numbers, or what is left. Raises AwsError for one that DynamoDB cannot keep.

    One of too many digits is an overflow as well, as ScyllaDB's tests saw of AWS (test_number.py).
    """
    one, two = _EXACT.create_decimal(first), _EXACT.create_decimal(second)
    result = _EXACT.subtract(one, two) if less else _EXACT.add(one, two)
    try:
        return read_number(str(result))
    except Unfit as unfit:
        message = str(unfit)
        raise _invalid(OVERFLOW if "significant" in message else message) from None


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)

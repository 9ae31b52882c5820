"""Expressions with their names and values put in, and what is wrong with them then.

An expression is read first (`grammar.py`); of what is wrong in its words, the functions come before
reserved words. Then it is walked as it is written: what is met first is refused, be it a name or a
value that is not defined, or an operand of the wrong type.
Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(validation-ordering/queryKeyCondition, error-messages) and https://github.com/architect/dynalite

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from workshop_lib.sandbox.services.dynamodb import grammar
from workshop_lib.sandbox.services.dynamodb.comparison import KINDS, ORDERED, compares, kind_of
from workshop_lib.sandbox.services.dynamodb.paths import Path, conflict, shown
from workshop_lib.sandbox.services.dynamodb.reserved_words import RESERVED
from workshop_lib.sandbox.services.dynamodb.tokens import Malformed

_IN_CONDITIONS = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2,
    "contains": 2, "size": 1,
}  # fmt: skip
_IN_UPDATES = {"if_not_exists": 2, "list_append": 2}
_SIGNS = ("=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "+", "-")
_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")


class Call(NamedTuple):
    """A function or operator, and what it is applied to: paths, values, other calls."""

    name: str
    operands: tuple[Any, ...]


class Literal(NamedTuple):
    """A value that the request gives."""

    value: Mapping[str, Any]


class Action(NamedTuple):
    """What an update does at a path."""

    clause: str
    path: Path
    operand: Any


# Calls and the names of what joins them ("AND"), in postfix order.
Condition = tuple[Call | str, ...]


@lru_cache(maxsize=1024)
def _condition(text: str) -> grammar.Condition:
    found = grammar.read_condition(text)
    steps = [step for step in found.steps if isinstance(step, grammar.Function)]
    for step in steps:
        for call in _calls(step):
            if call.name not in _SIGNS and call.name not in _IN_CONDITIONS:
                raise _no_function(call.name, _IN_UPDATES, "a condition")
    for step in steps:
        inner = [call for operand in step.operands for call in _calls(operand)]
        misused = [call for call in inner if call.name != "size"]
        if step.name == "size" or misused:
            name = misused[0].name if misused else step.name
            raise Malformed(
                "The function is not allowed to be used this way in an expression; function: "
                f"{name}"
            )
    _require_unreserved(path for step in steps for path in _paths(step))
    return found


@lru_cache(maxsize=1024)
def _update(text: str) -> grammar.Update:
    found = grammar.read_update(text)
    operands = [each.operand for each in found.actions if each.operand is not None]
    every = [path for a in found.actions for path in (a.path, *_paths(a.operand))]
    _require_unreserved(every)
    for operand in operands:
        for call in _calls(operand):
            if call.name not in _SIGNS and call.name not in _IN_UPDATES:
                raise _no_function(call.name, _IN_CONDITIONS, "an update")
            if call.name == "list_append":
                _require_flat(call)
    if found.repeated is not None:
        raise Malformed(
            f'The "{found.repeated}" section can only be used once in an update expression;'
        )
    return found


def _no_function(name: str, elsewhere: Mapping[str, int], here: str) -> Malformed:
    """What is told of a function that the expression at hand does not have.

    That those of updates are not allowed in conditions, ScyllaDB's tests saw of AWS
    (test_condition_expression.py).
    """
    if name in elsewhere:
        return Malformed(f"The function is not allowed in {here} expression; function: {name}")
    return Malformed(f"Invalid function name; function: {name}")


def _require_flat(call: grammar.Function) -> None:
    """Refuse list_append in list_append, as ScyllaDB's tests saw of AWS."""
    if any(isinstance(o, grammar.Function) and o.name == call.name for o in call.operands):
        raise Malformed(
            "The function is not allowed to be used this way in an expression; function: "
            f"{call.name}"
        )


@lru_cache(maxsize=1024)
def _projection(text: str) -> tuple[grammar.Path, ...]:
    found = grammar.read_projection(text)
    _require_unreserved(found)
    return found


def _calls(operand: grammar.Operand) -> Iterator[grammar.Function]:
    if isinstance(operand, grammar.Function):
        for each in operand.operands:
            yield from _calls(each)
        yield operand


def _leaves(operand: grammar.Operand | None) -> Iterator[grammar.Path | grammar.Value]:
    """The paths and values of which an operand is made."""
    if isinstance(operand, grammar.Function):
        for each in operand.operands:
            yield from _leaves(each)
    elif operand is not None:
        yield operand


def _paths(operand: grammar.Operand | None) -> Iterator[grammar.Path]:
    return (leaf for leaf in _leaves(operand) if isinstance(leaf, grammar.Path))


def _require_unreserved(paths: Iterable[grammar.Path]) -> None:
    for path in paths:
        for element in path.elements:
            if isinstance(element, str) and element.upper() in RESERVED:
                raise Malformed(
                    f"Attribute name is a reserved keyword; reserved keyword: {element}"
                )


class Binder:
    """Puts names and values into the expressions of one request."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self._names = names
        self._values = values
        self.used: set[str] = set()
        # The attributes that paths go into.
        self.nested: set[str] = set()

    def condition(self, text: str) -> Condition:
        """A condition. Raises Malformed."""
        return tuple(
            step.name if isinstance(step, grammar.Join) else self._call(step)
            for step in _condition(text).steps
        )

    def update(self, text: str) -> tuple[Action, ...]:
        """An update's actions. Raises Malformed."""
        found = _update(text)
        try:
            paths = self._distinct(action.path for action in found.actions)
        except Malformed:
            self._require_defined(found.actions)
            raise
        actions = []
        for action, path in zip(found.actions, paths, strict=True):
            operand = None if action.operand is None else self._operand(action.operand)
            if action.clause in ("ADD", "DELETE"):
                _require_set(action.clause, operand)
            actions.append(Action(action.clause, path, operand))
        return tuple(actions)

    def _require_defined(self, actions: Iterable[grammar.Action]) -> None:
        """What is not defined is told before paths that overlap: dynalite's db/updateParser."""
        for path in [path for a in actions for path in (a.path, *_paths(a.operand))]:
            self._path(path)
        for leaf in [leaf for action in actions for leaf in _leaves(action.operand)]:
            if isinstance(leaf, grammar.Value):
                self._value(leaf.name)

    def projection(self, text: str) -> tuple[Path, ...]:
        """A projection's paths. Raises Malformed."""
        return self._distinct(_projection(text))

    def _distinct(self, given: Iterable[grammar.Path]) -> tuple[Path, ...]:
        paths: list[Path] = []
        for each in given:
            path = self._path(each)
            for other in paths:
                problem = conflict(other, path)
                if problem is not None:
                    raise Malformed(
                        f"Two document paths {problem} with each other; must remove or rewrite one "
                        f"of these paths; path one: {shown(other)}, path two: {shown(path)}"
                    )
            paths.append(path)
        return tuple(paths)

    def _path(self, path: grammar.Path) -> Path:
        elements = tuple(
            self._name(each) if isinstance(each, str) and each[0] == "#" else each
            for each in path.elements
        )
        if len(elements) > 1:
            self.nested.add(str(elements[0]))
        if len(elements) > _DEEPEST:
            raise Malformed(
                f"The document path has too many nesting elements; nesting levels: {len(elements)}"
            )
        return elements

    def _name(self, placeholder: str) -> str:
        if placeholder not in self._names:
            raise Malformed(
                "An expression attribute name used in the document path is not defined; attribute "
                f"name: {placeholder}"
            )
        self.used.add(placeholder)
        return self._names[placeholder]

    def _value(self, placeholder: str) -> Literal:
        if placeholder not in self._values:
            raise Malformed(
                "An expression attribute value used in expression is not defined; attribute value: "
                f"{placeholder}"
            )
        self.used.add(placeholder)
        return Literal(self._values[placeholder])

    def _operand(self, operand: grammar.Operand) -> Any:
        if isinstance(operand, grammar.Path):
            return self._path(operand)
        if isinstance(operand, grammar.Value):
            return self._value(operand.name)
        return self._call(operand)

    def _call(self, function: grammar.Function) -> Call:
        found = Call(function.name, tuple(self._operand(each) for each in function.operands))
        _require_operands(found)
        return found


_DEEPEST = 32


def type_of(operand: Any) -> str | None:
    """The type of an operand, as far as it is known before an item is."""
    if isinstance(operand, Literal):
        return kind_of(operand.value)
    if isinstance(operand, Call):
        if operand.name in ("size", "+", "-"):
            return "N"
        return "L" if operand.name == "list_append" else None
    return None


def _require_operands(call: Call) -> None:
    """Refuse a function's operands that are too many, alike, or of the wrong type."""
    name, operands = call
    expected = _IN_CONDITIONS.get(name) or _IN_UPDATES.get(name)
    if expected is not None and len(operands) != expected:
        raise Malformed(
            "Incorrect number of operands for operator or function; operator or function: "
            f"{name}, number of operands: {len(operands)}"
        )
    if name == "IN" and len(operands) > _MOST_CHOICES + 1:
        raise Malformed(
            "Invalid number of operands for operator or function; operator or function: IN, number "
            f"of operands: {len(operands)}"
        )
    first = operands[0]
    if name in _PATH_FIRST and not _is_path(first):
        raise Malformed(
            "Operator or function requires a document path; operator or function: " + name
        )
    if name in _DISTINCT and _is_path(first) and first in operands[1:]:
        raise Malformed(
            "The first operand must be distinct from the remaining operands for this operator or "
            f"function; operator: {name}, first operand: {shown(first)}"
        )
    if name == "attribute_type":
        require_type_name(operands[1], _TYPES)
    require_kinds(call)
    if name == "BETWEEN":
        _require_bounds(operands[1], operands[2])


def require_kinds(call: Call) -> None:
    """Refuse operands of a type that a function or an operator does not take. Raises Malformed."""
    allowed = _ALLOWED.get(call.name)
    if allowed is not None:
        for operand in call.operands:
            kind = type_of(operand)
            if kind is not None and kind not in allowed:
                raise Malformed(_wrong_type(call.name, kind))


_MOST_CHOICES = 100
_PATH_FIRST = ("attribute_exists", "attribute_not_exists", "if_not_exists")
_DISTINCT = ("=", "<>", "<", "<=", ">", ">=", "begins_with", "contains", "BETWEEN", "IN")
_ALLOWED = {
    **dict.fromkeys(("<", "<=", ">", ">=", "BETWEEN"), ORDERED),
    "begins_with": ("S", "B"),
    "size": ("S", "B", "SS", "NS", "BS", "L", "M"),
    "list_append": ("L",),
    "+": ("N",),
    "-": ("N",),
}


def _is_path(operand: Any) -> bool:
    return type(operand) is tuple


def _wrong_type(name: str, kind: str) -> str:
    return (
        "Incorrect operand type for operator or function; operator or function: "
        f"{name}, operand type: {kind}"
    )


def require_type_name(operand: Any, names: Sequence[str]) -> None:
    """Refuse what names no type; ``names`` are those that are told. Raises Malformed."""
    kind = type_of(operand)
    if kind != "S":
        raise Malformed(_wrong_type("attribute_type", kind or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"))
    name = operand.value["S"]
    if name not in names:
        raise Malformed(
            f"Invalid attribute type name found; type: {name}, valid types: {{{','.join(names)}}}"
        )


def _require_bounds(low: Any, high: Any) -> None:
    if not isinstance(low, Literal) or not isinstance(high, Literal):
        return
    bounds = f"lower bound operand: {_printed(low)}, upper bound operand: {_printed(high)}"
    if kind_of(low.value) != kind_of(high.value):
        raise Malformed(
            f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}"
        )
    if compares(">", low.value, high.value):
        raise Malformed(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            + bounds
        )


def _printed(literal: Literal) -> str:
    [(kind, content)] = literal.value.items()
    return f"AttributeValue: {{{kind}:{content}}}"


def _require_set(clause: str, operand: Any) -> None:
    kind = type_of(operand)
    if kind in ("SS", "NS", "BS") or (clause == "ADD" and kind == "N"):
        return
    raise Malformed(
        f"Incorrect operand type for operator or function; operator: {clause}, operand type: "
        f"{KINDS[str(kind)]}, typeSet: ALLOWED_FOR_{clause}_OPERAND"
    )

"""PartiQL statements: what they ask for, with their parameters put in.

Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(error-messages/partiqlGrammar and partiqlFunctions, partiql, 2026), and in September 2026 by
https://github.com/floci-io/floci (its tests of PartiQL's documented syntax and edge cases).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import (
    Action,
    Call,
    Condition,
    Literal,
    require_kinds,
    require_type_name,
)
from workshop_lib.sandbox.services.dynamodb.partiql_values import Literals
from workshop_lib.sandbox.services.dynamodb.partiql_words import Words, invalid, malformed
from workshop_lib.sandbox.services.dynamodb.paths import Path
from workshop_lib.sandbox.services.dynamodb.tokens import Malformed

_LEFTOVER = "Unexpected token after expression"
_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
# The functions that are conditions, and those that have a value, with the number of their operands.
_CONDITIONS = {
    "begins_with": 2, "contains": 2, "attribute_type": 2, "attribute_exists": 1,
    "attribute_not_exists": 1,
}  # fmt: skip
_FUNCTIONS = {**_CONDITIONS, "size": 1, "list_append": 2, "if_not_exists": 2}
_OF_SETS = {"set_add": "ADD", "set_delete": "DELETE"}
_TYPE_NAMES = ("N", "BS", "L", "B", "NULL", "M", "S", "SS", "NS", "BOOL")
_TYPES = {"BOOL": "BOOL", "STRING": "S"}
_OTHER_TYPES = frozenset({
    "BOOLEAN", "INT", "SMALLINT", "INTEGER", "BIGINT", "INT2", "INT4", "INT8", "INTEGER2",
    "INTEGER4", "INTEGER8", "FLOAT", "REAL", "DOUBLE", "DECIMAL", "NUMERIC", "CHAR", "CHARACTER",
    "VARCHAR", "SYMBOL", "CLOB", "BLOB", "DATE", "TIME", "TIMESTAMP", "STRUCT", "TUPLE", "LIST",
    "BAG", "SEXP", "ANY",
})  # fmt: skip
_CLAUSES = frozenset({"SET", "REMOVE", "WHERE", "RETURNING", "VALUE", "VALUES", "ORDER"})
_MOST_CHOICES = 100
_LARGEST_INDEX = 2**31 - 1
_MOST_STEPS = 1000

# A condition in postfix order, while it is read.
_Steps = list[Call | str]


@dataclass
class Statement:
    """A statement: ``verb`` is Select, Insert, Update or Delete.

    ``paths`` are what a SELECT returns, None for everything; ``item`` is what an INSERT brings,
    ``actions`` what an UPDATE does; ``order`` names attributes and whether they go down;
    ``returning`` is ("ALL" or "MODIFIED", "OLD" or "NEW"); ``misplaced`` is said of a function that
    a SELECT names among its attributes.
    """

    verb: str
    table: str = ""
    index: str | None = None
    paths: tuple[Path, ...] | None = None
    item: dict[str, Any] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    condition: Condition | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)
    returning: tuple[str, str] | None = None
    checks: bool = False  # EXISTS (SELECT …), in a transaction
    misplaced: str | None = None

    @property
    def selects_everything(self) -> bool:
        """Whether this is SELECT *."""
        return self.verb == "Select" and self.paths is None

    @property
    def reads(self) -> bool:
        """Whether this is a SELECT for itself."""
        return self.verb == "Select" and not self.checks

    def values_of(self, key: str) -> list[Mapping[str, Any]]:
        """The values that the statement gives the key attribute; empty where it gives none."""
        if self.verb == "Insert":
            return [self.item[key]] if key in self.item else []
        return next(iter(self._given(key, "=", "IN")), [])

    def equal_to(self, key: str) -> list[Mapping[str, Any]]:
        """The different values that an item's attribute must be equal to, the first one first."""
        found: list[Mapping[str, Any]] = []
        for [value] in self._given(key, "="):
            if value not in found:
                found.append(value)
        return found

    def only(self, keys: Sequence[str]) -> dict[str, Mapping[str, Any]] | None:
        """The values of these attributes, all of them, if nothing else is asked of an item.

        Where an attribute must be one of several values, or of two at once, more is asked.
        """
        if any(step in ("OR", "NOT") for step in self.condition or ()):
            return None
        found: dict[str, Mapping[str, Any]] = {}
        given = [(key, values) for key in keys for values in self._given(key, "=", "IN")]
        for key, values in given:
            if len(values) != 1 or found.setdefault(key, values[0]) != values[0]:
                return None
        return found if len(found) == len(keys) and len(given) == len(self.required()) else None

    def _given(self, key: str, *names: str) -> Iterator[list[Mapping[str, Any]]]:
        for call in self.required():
            first, *others = call.operands
            if first == (key,) and call.name in names:
                literals = [each.value for each in others if isinstance(each, Literal)]
                if len(literals) == len(others):
                    yield literals

    def required(self) -> list[Call]:
        """What every item that the statement is about must meet, as far as it is plain."""
        stack: list[list[Call]] = []
        for step in self.condition or ():
            if isinstance(step, Call):
                stack.append([step])
            elif step == "NOT":
                stack[-1] = []
            else:
                second, first = stack.pop(), stack.pop()
                stack.append([*first, *second] if step == "AND" else [])
        return stack[-1] if stack else []

    def attributes(self) -> list[str]:
        """The top-level attributes that the statement names."""
        if self.verb == "Insert":
            return [*self.item]
        found = [*(self.paths or ())]
        for action in self.actions:
            found += [action.path, *paths_of(action.operand)]
        for step in self.condition or ():
            found += paths_of(step)
        names = [str(path[0]) for path in found] + [name for name, _ in self.order]
        return [*dict.fromkeys(names)]


def paths_of(operand: Any) -> Iterator[Path]:
    """The paths of which an operand is made."""
    if isinstance(operand, Call):
        for each in operand.operands:
            yield from paths_of(each)
    elif type(operand) is tuple:
        yield operand


def read_statement(text: str, parameters: Sequence[Mapping[str, Any]] = ()) -> Statement:
    """Take a statement apart, with these ``parameters`` for its question marks.

    Raises AwsError ValidationException for what is no PartiQL that DynamoDB would run.
    """
    try:
        return _Reader(text, parameters).read()
    except Malformed as told:  # of operands, in the words of expressions
        raise invalid(str(told)) from None


def in_transaction(place: int, error: AwsError) -> AwsError:
    """What is wrong with a transaction's statement, as the transaction tells it."""
    told = f"Validation failed in TransactStatements[{place}]: {error.message}"
    return AwsError(error.code, told)


class _Reader:
    """One statement, read from its beginning to its end."""

    def __init__(self, text: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._words = Words(text)
        self._literals = Literals(self._words, parameters)

    def read(self) -> Statement:
        words = self._words
        checks = words.word("EXISTS")
        if checks:
            words.require("(")
        verb = words.word("SELECT", "INSERT", "UPDATE", "DELETE", "FROM")
        if verb is None or (checks and verb != "SELECT"):
            raise malformed("Expected expression")
        kind = "Update" if verb == "FROM" else verb.capitalize()
        statement = Statement(kind, checks=checks is not None)
        getattr(self, f"_{verb.lower()}")(statement)
        if checks:
            words.require(")")
        words.sign(";")
        if words.kind != "end":
            raise malformed(_LEFTOVER)
        self._literals.require_all_used()
        return statement

    # --- statements ----------------------------------------------------------------------------

    def _select(self, statement: Statement) -> None:
        words = self._words
        if words.calls:
            statement.misplaced = f"Unexpected path component at {words.place}"
            statement.paths = ()
            self._skip_call()
        elif not words.sign("*"):
            paths = [self._path()]
            while words.sign(","):
                paths.append(self._path())
            statement.paths = tuple(paths)
        words.require_word("FROM")
        words.require_term()
        self._target(statement)
        self._alias()
        self._where(statement)
        if words.word("ORDER"):
            words.require_word("BY")
            statement.order.append(self._ordered())
            while words.sign(","):
                statement.order.append(self._ordered())

    def _skip_call(self) -> None:
        """Read past a function and what is between its parentheses."""
        words = self._words
        words.take()
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(words.text if words.kind == "sign" else "", 0)
            if words.ended:
                raise malformed("Unexpected term")
            words.take()
            if depth == 0:
                return

    def _ordered(self) -> tuple[str, bool]:
        self._words.require_term()
        name = self._words.name()
        return name, self._words.word("ASC", "DESC") == "DESC"

    def _insert(self, statement: Statement) -> None:
        self._words.require_word("INTO")
        self._target(statement)
        if self._words.word("VALUE", "VALUES") is None:
            raise malformed(_LEFTOVER)
        statement.item = self._literals.item()

    def _update(self, statement: Statement) -> None:
        self._target(statement)
        self._alias()
        self._changes(statement)
        self._where(statement)
        self._returning(statement)

    def _from(self, statement: Statement) -> None:
        """An UPDATE that names its table and its item first."""
        self._target(statement)
        self._alias()
        self._where(statement)
        self._changes(statement)
        self._returning(statement)

    def _changes(self, statement: Statement) -> None:
        words = self._words
        while True:
            clause = words.word("SET", "REMOVE")
            if clause is None:
                break
            self._change(statement, clause)
            while words.sign(","):
                self._change(statement, clause)
        if not statement.actions:
            raise malformed("Unexpected token")

    def _delete(self, statement: Statement) -> None:
        self._words.require_word("FROM")
        self._target(statement)
        self._alias()
        self._where(statement)
        self._returning(statement)
        if statement.returning not in (None, ("ALL", "OLD")):
            given = " ".join(statement.returning)
            raise invalid(
                f"Invalid returning clause: RETURNING {given} *. Only RETURNING ALL OLD * is "
                "allowed in DELETE statements."
            )

    def _target(self, statement: Statement) -> None:
        statement.table = self._hyphenated()
        if self._words.sign("."):
            statement.index = self._hyphenated()
            if self._words.kind == "sign" and self._words.text == ".":
                raise invalid("A path may contain at most 2 components in the FROM clause")
        if not statement.table or statement.index == "":
            raise invalid("Path component cannot be an empty string")

    def _hyphenated(self) -> str:
        """A name of a table; hyphens in it are taken without quotes too."""
        words = self._words
        name = words.name()
        while words.kind == "sign" and words.text == "-":
            name += words.take()
            while words.joined and words.kind in ("word", "number"):  # 49d4 is one of each
                name += words.take()
        return name

    def _alias(self) -> None:
        words = self._words
        if words.kind == "quoted" or (words.kind == "word" and words.text.upper() not in _CLAUSES):
            raise invalid("Aliasing is not supported")

    def _where(self, statement: Statement) -> None:
        if self._words.word("WHERE"):
            statement.condition = tuple(self._either())

    def _returning(self, statement: Statement) -> None:
        words = self._words
        if words.word("RETURNING"):
            what, which = words.word("ALL", "MODIFIED"), words.word("OLD", "NEW")
            if what is None or which is None:
                raise malformed("Unexpected token")
            words.require("*")
            statement.returning = (what, which)

    def _change(self, statement: Statement, clause: str) -> None:
        words = self._words
        if words.kind not in ("word", "quoted") or words.reserved:
            raise malformed("Expected identifier for simple path")
        path = self._path()
        if clause == "REMOVE":
            statement.actions.append(Action("REMOVE", path, None))
            return
        words.require("=")
        statement.actions.append(self._assigned(path))

    def _assigned(self, path: Path) -> Action:
        words = self._words
        if words.calls and words.text.lower() in _OF_SETS:
            return self._of_set(path)
        left = self._operand()
        sign = words.sign("+", "-")
        if sign is None:
            return Action("SET", path, left)
        operand = Call(sign, (left, self._operand()))
        require_kinds(operand)
        return Action("SET", path, operand)

    def _of_set(self, path: Path) -> Action:
        """set_add or set_delete, whose first operand is the very path that is set."""
        words = self._words
        called = words.place
        function = words.take().lower()
        words.require("(")
        first = words.place
        operands = self._operands()
        name = function.upper()
        if len(operands) != 2:
            raise invalid(f"{name} must have exactly two arguments at {called}")
        if operands[0] != path:
            raise invalid(
                f"The first argument to {name} must equal the assignment value at {called}"
            )
        value = operands[1]
        if not isinstance(value, Literal) or not {"SS", "NS", "BS"} & value.value.keys():
            raise invalid(f"The second argument to {name} must be a value with type SET at {first}")
        return Action(_OF_SETS[function], path, value)

    # --- conditions ----------------------------------------------------------------------------

    def _either(self) -> _Steps:
        found = self._both()
        while self._words.word("OR"):
            self._require_right_side()
            found += [*self._both(), "OR"]
        return found

    def _require_right_side(self) -> None:
        if self._words.ended:
            raise malformed("Missing right-hand side expression of infix operator")

    def _both(self) -> _Steps:
        found = self._negated()
        while self._words.word("AND"):
            self._require_right_side()
            found += [*self._negated(), "AND"]
        return found

    def _negated(self) -> _Steps:
        if self._words.word("NOT"):
            return [*self._negated(), "NOT"]
        return self._comparison()

    @property
    def _tells_truth(self) -> bool:
        """Whether a condition is next, not a value."""
        words = self._words
        opened = words.kind == "sign" and words.text == "("
        return opened or (words.calls and words.text.lower() in _CONDITIONS)

    def _condition(self) -> _Steps:
        """A function that is a condition, or what is between parentheses."""
        if self._words.sign("("):
            found = self._either()
            self._words.require(")")
            return found
        return [self._function()]

    def _comparison(self) -> _Steps:
        words = self._words
        words.require_term()
        if self._tells_truth:
            return self._of_truth(self._condition())
        left = self._operand()
        sign = words.sign(*_COMPARATORS)
        if sign is not None:
            words.require_term()
            if self._tells_truth:
                return _compared_truth(sign, self._condition(), left)
            return [_compared(sign, left, self._operand())]
        if words.word("IS"):
            return self._is(left)
        refused = words.word("NOT") is not None
        if words.word("BETWEEN"):
            low = self._operand()
            words.require_word("AND")
            call = Call("BETWEEN", (left, low, self._operand()))
            require_kinds(call)
        elif words.word("IN"):
            call = Call("IN", (left, *self._choices()))
        else:
            raise malformed("Unexpected token")
        return [call, "NOT"] if refused else [call]

    def _of_truth(self, condition: _Steps) -> _Steps:
        """A condition, and what it is compared with: it is equal to true where it is met."""
        words = self._words
        sign = words.sign(*_COMPARATORS)
        if sign is not None:
            words.require_term()
            other = self._condition() if self._tells_truth else self._operand()
            return _compared_truth(sign, condition, other)
        refused = words.word("NOT") is not None
        if words.word("BETWEEN"):
            require_kinds(Call("BETWEEN", (_TRUE,)))
        if not words.word("IN"):
            if refused:
                raise malformed("Unexpected token")
            return condition
        first, *others = (_same_truth(condition, choice) for choice in self._choices())
        found = [*first]
        for other in others:
            found += [*other, "OR"]
        return [*found, "NOT"] if refused else found

    def _is(self, left: Any) -> _Steps:
        words = self._words
        refused = words.word("NOT") is not None
        kind = words.word(*_TYPES)
        if kind is not None:
            typed: _Steps = [Call("attribute_type", (left, Literal({"S": _TYPES[kind]})))]
            return [*typed, "NOT"] if refused else typed
        other = words.word(*_OTHER_TYPES)
        if other is not None:
            raise NotEmulated(f"The sandbox does not emulate IS {other} of PartiQL.")
        what = words.word("MISSING", "NULL")
        if what is None:
            raise malformed("Expected type name")
        if what == "MISSING":
            return [Call("attribute_exists" if refused else "attribute_not_exists", (left,))]
        found: _Steps = [Call("=", (left, Literal({"NULL": True})))]
        return [*found, "NOT"] if refused else found

    def _choices(self) -> list[Any]:
        words = self._words
        opened = words.sign("[", "(")
        if opened is None:
            raise malformed("Unexpected token")
        choices = [self._operand()]
        while words.sign(","):
            choices.append(self._operand())
        words.require("]" if opened == "[" else ")")
        if len(choices) > _MOST_CHOICES:
            raise invalid(
                "The IN operator is provided with too many operands; number of operands: "
                f"{len(choices)}"
            )
        return choices

    # --- operands ------------------------------------------------------------------------------

    def _operand(self) -> Any:
        """A path, a value or a function."""
        words = self._words
        if words.calls:
            return self._function()
        literal = words.kind == "word" and words.text.upper() in ("TRUE", "FALSE", "NULL")
        if words.kind not in ("word", "quoted") or literal:
            return Literal(self._literals.value())
        return self._path()

    def _function(self) -> Call:
        words = self._words
        called = words.place
        name = words.take().lower()
        if name not in _FUNCTIONS:
            raise invalid(f"Unrecognized function: {name} at {called}")
        words.require("(")
        call = Call(name, tuple(self._operands()))
        _require_operands(call)
        return call

    def _operands(self) -> list[Any]:
        """What is between a function's parentheses, the second one with it."""
        operands: list[Any] = []
        while not self._words.sign(")"):
            if operands:
                self._words.require(",")
            operands.append(self._operand())
        return operands

    def _path(self) -> Path:
        words = self._words
        words.require_term()
        elements: list[str | int] = [words.name()]
        while True:
            if words.sign("."):
                elements.append(words.name("Invalid path dot component"))
            elif words.sign("["):
                elements.append(self._index())
                words.require("]")
            else:
                return tuple(elements)

    def _index(self) -> int:
        words = self._words
        sign = words.sign("-") or ""
        if words.kind != "number" or not words.text.isdigit():
            raise malformed("Unexpected token")
        place = words.place
        index = int(sign + words.take())
        if not 0 <= index <= _LARGEST_INDEX:
            raise invalid(
                f"List index is not within the allowable range; index: [{index}] at {place}"
            )
        return index


_TRUE, _FALSE = Literal({"BOOL": True}), Literal({"BOOL": False})


def _compared(sign: str, left: Any, right: Any) -> Call:
    """A comparison, the path first."""
    name = _COMPARATORS[sign]
    require_kinds(Call(name, (left, right)))
    if isinstance(left, Literal) and not isinstance(right, Literal):
        return Call(_TURNED.get(name, name), (right, left))
    return Call(name, (left, right))


def _compared_truth(sign: str, condition: _Steps, other: Any) -> _Steps:
    """A condition compared with a value, an attribute or another condition."""
    name = _COMPARATORS[sign]
    require_kinds(Call(name, (_TRUE,)))
    found = _same_truth(condition, other)
    return found if name == "=" else [*found, "NOT"]


def _same_truth(condition: _Steps, other: Any) -> _Steps:
    """Whether ``other`` is true where the condition is met, and false where it is not."""
    if len(condition) > _MOST_STEPS:  # it is written out twice
        raise NotEmulated("The sandbox compares no condition as long as this one of PartiQL.")
    if other == _TRUE:
        return [*condition]
    if other == _FALSE:
        return [*condition, "NOT"]
    if isinstance(other, Literal):  # of another type
        return [*condition, *condition, "NOT", "AND"]
    if isinstance(other, list):
        met, unmet = other, [*other, "NOT"]
    else:
        met, unmet = [Call("=", (other, _TRUE))], [Call("=", (other, _FALSE))]
    return [*condition, *met, "AND", *condition, "NOT", *unmet, "AND", "OR"]


def _require_operands(call: Call) -> None:
    name, operands = call
    told = f"operator or function: {name}"
    if len(operands) != _FUNCTIONS[name]:
        raise invalid(
            f"Incorrect number of operands for operator or function; {told}, number of operands: "
            f"{len(operands)}"
        )
    if _CONDITIONS.get(name) == 1 and type(operands[0]) is not tuple:
        raise invalid(f"Operator or function requires a document path; {told}")
    if name == "attribute_type":
        require_type_name(operands[1], _TYPE_NAMES)
    require_kinds(call)

"""PartiQL statements: what they ask for, with their parameters put in.

Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(error-messages/partiqlGrammar and partiqlFunctions, partiql, 2026).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.binding import Action, Call, Condition, Literal
from workshop_lib.sandbox.services.dynamodb.comparison import sorted_set
from workshop_lib.sandbox.services.dynamodb.paths import Path
from workshop_lib.sandbox.services.dynamodb.values import Unfit, read_number

_TOKEN = re.compile(
    r"""(?:\s|--[^\n]*|/\*.*?\*/)*(?:
    (?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<sign><<|>>|<>|!=|<=|>=|\|\||[=<>*?(){}\[\],.:;+\-])|(?P<end>$))""",
    re.VERBOSE | re.DOTALL,
)
_MALFORMED = "Statement wasn't well formed, can't be processed: "
_LEFTOVER = "Unexpected token after expression"
_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
# The functions that are conditions, with the number of their operands.
_FUNCTIONS = {
    "begins_with": 2, "contains": 2, "attribute_type": 2, "attribute_exists": 1,
    "attribute_not_exists": 1,
}  # fmt: skip
_OF_SETS = {"set_add": "ADD", "set_delete": "DELETE"}
_TYPES = {"BOOL": "BOOL", "STRING": "S"}
_OTHER_TYPES = frozenset({
    "BOOLEAN", "INT", "SMALLINT", "INTEGER", "BIGINT", "INT2", "INT4", "INT8", "INTEGER2",
    "INTEGER4", "INTEGER8", "FLOAT", "REAL", "DOUBLE", "DECIMAL", "NUMERIC", "CHAR", "CHARACTER",
    "VARCHAR", "SYMBOL", "CLOB", "BLOB", "DATE", "TIME", "TIMESTAMP", "STRUCT", "TUPLE", "LIST",
    "BAG", "SEXP", "ANY",
})  # fmt: skip
_KEYWORDS = frozenset({
    "SELECT", "FROM", "WHERE", "ORDER", "BY", "SET", "REMOVE", "RETURNING", "INSERT", "INTO",
    "UPDATE", "DELETE",
})  # fmt: skip
_OPERATORS = frozenset({"IS", "LIKE", "IN", "BETWEEN", "AND", "OR"})
_CLAUSES = frozenset({"SET", "REMOVE", "WHERE", "RETURNING", "VALUE", "VALUES", "ORDER"})


@dataclass
class Statement:
    """A statement: ``verb`` is Select, Insert, Update or Delete.

    ``paths`` are what a SELECT returns, None for everything; ``item`` is what an INSERT brings,
    ``actions`` what an UPDATE does; ``order`` names attributes and whether they go down;
    ``returning`` is ("ALL" or "MODIFIED", "OLD" or "NEW").
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

    @property
    def selects_everything(self) -> bool:
        """Whether this is SELECT *."""
        return self.verb == "Select" and self.paths is None

    def values_of(self, key: str) -> list[Mapping[str, Any]]:
        """The values that the statement gives the key attribute; empty where it gives none."""
        if self.verb == "Insert":
            return [self.item[key]] if key in self.item else []
        for call in self.required():
            first, *others = call.operands
            if first == (key,) and call.name in ("=", "IN"):
                literals = [each.value for each in others if isinstance(each, Literal)]
                if len(literals) == len(others):
                    return literals
        return []

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
            found += [action.path, *_paths(action.operand)]
        for step in self.condition or ():
            found += _paths(step)
        names = [str(path[0]) for path in found] + [name for name, _ in self.order]
        return [*dict.fromkeys(names)]


def _paths(operand: Any) -> Iterator[Path]:
    if isinstance(operand, Call):
        for each in operand.operands:
            yield from _paths(each)
    elif type(operand) is tuple:
        yield operand


def read_statement(text: str, parameters: Sequence[Mapping[str, Any]] = ()) -> Statement:
    """Take a statement apart, with these ``parameters`` for its question marks.

    Raises AwsError ValidationException for what is no PartiQL that DynamoDB would run.
    """
    return _Reader(text, parameters).read()


def in_transaction(place: int, error: AwsError) -> AwsError:
    """What is wrong with a transaction's statement, as the transaction tells it."""
    told = f"Validation failed in TransactStatements[{place}]: {error.message}"
    return AwsError(error.code, told)


class _Reader:
    """One statement, read from its beginning to its end."""

    def __init__(self, text: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._statement = text
        self._tokens = list(_split(text))
        self._at = 0
        self._parameters = parameters
        self._used = 0

    def read(self) -> Statement:
        checks = self._word("EXISTS")
        if checks:
            self._require("(")
        verb = self._word("SELECT", "INSERT", "UPDATE", "DELETE", "FROM")
        if verb is None or (checks and verb != "SELECT"):
            raise _malformed("Expected expression")
        kind = "Update" if verb == "FROM" else verb.capitalize()
        statement = Statement(kind, checks=checks is not None)
        getattr(self, f"_{verb.lower()}")(statement)
        if checks:
            self._require(")")
        self._sign(";")
        if self._kind != "end":
            raise _malformed(_LEFTOVER)
        if self._used != len(self._parameters):
            raise _invalid("Number of parameters in request and statement don't match.")
        return statement

    # --- words ---------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def _text(self) -> str:
        return self._tokens[self._at][1]

    def _take(self) -> str:
        text = self._text
        self._at += 1
        return text

    def _word(self, *words: str) -> str | None:
        if self._kind == "word" and self._text.upper() in words:
            return self._take().upper()
        return None

    def _sign(self, *signs: str) -> str | None:
        return self._take() if self._kind == "sign" and self._text in signs else None

    def _require(self, sign: str) -> None:
        if self._sign(sign) is None:
            raise _malformed("Unexpected token")

    def _require_word(self, word: str) -> None:
        if self._word(word) is None:
            raise _malformed("Unexpected token")

    @property
    def _ended(self) -> bool:
        return self._kind == "end" or (self._kind == "sign" and self._text == ";")

    @property
    def _calls(self) -> bool:
        """Whether a function's name is next."""
        return self._kind == "word" and self._tokens[self._at + 1][1] == "("

    def _place(self, at: int | None = None) -> str:
        """Where a token is: its line, its column, its length."""
        _, text, start = self._tokens[self._at if at is None else at]
        before = self._statement[:start]
        column = start - (before.rfind("\n") + 1) + 1
        return f"{before.count(chr(10)) + 1}:{column}:{len(text)}"

    def _require_term(self) -> None:
        """Refuse what no term of a condition begins with."""
        word = self._text.upper() if self._kind == "word" else ""
        if self._ended:
            raise _malformed("Unexpected term")
        if word in _OPERATORS:
            raise _malformed("Unexpected operator")
        if word in _KEYWORDS:
            raise _malformed("Unexpected keyword")

    def _name(self) -> str:
        if self._kind == "quoted":
            return self._take()[1:-1].replace('""', '"')
        if self._kind != "word":
            raise _malformed("Expected identifier for simple path")
        return self._take()

    # --- statements ----------------------------------------------------------------------------

    def _select(self, statement: Statement) -> None:
        if not self._sign("*"):
            if self._calls:
                raise _invalid(f"Unexpected path component at {self._place()}")
            paths = [self._path()]
            while self._sign(","):
                paths.append(self._path())
            statement.paths = tuple(paths)
        self._require_word("FROM")
        if self._ended:
            raise _malformed("Unexpected term")
        self._target(statement)
        self._alias()
        self._where(statement)
        if self._word("ORDER"):
            self._require_word("BY")
            statement.order.append(self._ordered())
            while self._sign(","):
                statement.order.append(self._ordered())

    def _ordered(self) -> tuple[str, bool]:
        name = self._name()
        return name, self._word("ASC", "DESC") == "DESC"

    def _insert(self, statement: Statement) -> None:
        self._require_word("INTO")
        self._target(statement)
        if self._word("VALUE", "VALUES") is None:
            raise _malformed(_LEFTOVER)
        value = self._value()
        if "M" not in value:
            raise _malformed("Expected a map as the value of an INSERT")
        statement.item = value["M"]

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
        while True:
            clause = self._word("SET", "REMOVE")
            if clause is None:
                break
            self._change(statement, clause)
            while self._sign(","):
                self._change(statement, clause)
        if not statement.actions:
            raise _malformed("Unexpected token")

    def _delete(self, statement: Statement) -> None:
        self._require_word("FROM")
        self._target(statement)
        self._alias()
        self._where(statement)
        self._returning(statement)
        if statement.returning not in (None, ("ALL", "OLD")):
            raise _invalid("Only RETURNING ALL OLD * is allowed in DELETE statements")

    def _target(self, statement: Statement) -> None:
        if self._kind == "word" and self._text.upper() in _KEYWORDS:
            raise _malformed("Expected identifier for simple path")
        statement.table = self._hyphenated()
        if self._sign("."):
            statement.index = self._hyphenated()

    def _hyphenated(self) -> str:
        """A name of a table; hyphens in it are taken without quotes too."""
        name = self._name()
        while self._kind == "sign" and self._text == "-":
            name += self._take()
            name += self._take()
        return name

    def _alias(self) -> None:
        another = self._kind == "quoted" or (
            self._kind == "word" and self._text.upper() not in _CLAUSES
        )
        if another:
            raise _invalid("Aliasing is not supported")

    def _where(self, statement: Statement) -> None:
        if self._word("WHERE"):
            statement.condition = tuple(self._either())

    def _returning(self, statement: Statement) -> None:
        if self._word("RETURNING"):
            what, which = self._word("ALL", "MODIFIED"), self._word("OLD", "NEW")
            if what is None or which is None:
                raise _malformed("Unexpected token")
            self._require("*")
            statement.returning = (what, which)

    def _change(self, statement: Statement, clause: str) -> None:
        path = self._path()
        if clause == "REMOVE":
            statement.actions.append(Action("REMOVE", path, None))
            return
        self._require("=")
        statement.actions.append(self._assigned(path))

    def _assigned(self, path: Path) -> Action:
        if self._calls and self._text.lower() in _OF_SETS:
            return self._of_set(path)
        left = self._operand()
        sign = self._sign("+", "-")
        operand = left if sign is None else Call(sign, (left, self._operand()))
        return Action("SET", path, operand)

    def _of_set(self, path: Path) -> Action:
        """set_add or set_delete, whose first operand is the very path that is set."""
        called = self._place()
        function = self._take().lower()
        self._require("(")
        first = self._place()
        operands: list[Any] = []
        while not self._sign(")"):
            if operands:
                self._require(",")
            operands.append(self._operand())
        name = function.upper()
        if len(operands) != 2:
            raise _invalid(f"{name} must have exactly two arguments at {called}")
        if operands[0] != path:
            raise _invalid(
                f"The first argument to {name} must equal the assignment value at {called}"
            )
        value = operands[1]
        if not isinstance(value, Literal) or not {"SS", "NS", "BS"} & value.value.keys():
            raise _invalid(
                f"The second argument to {name} must be a value with type SET at {first}"
            )
        return Action(_OF_SETS[function], path, value)

    # --- conditions ----------------------------------------------------------------------------

    def _either(self) -> list[Call | str]:
        found = self._both()
        while self._word("OR"):
            self._require_right_side()
            found += [*self._both(), "OR"]
        return found

    def _require_right_side(self) -> None:
        if self._ended:
            raise _malformed("Missing right-hand side expression of infix operator")

    def _both(self) -> list[Call | str]:
        found = self._negated()
        while self._word("AND"):
            self._require_right_side()
            found += [*self._negated(), "AND"]
        return found

    def _negated(self) -> list[Call | str]:
        self._require_term()
        if self._word("NOT"):
            return [*self._negated(), "NOT"]
        if self._sign("("):
            found = self._either()
            self._require(")")
            return found
        return self._comparison()

    def _comparison(self) -> list[Call | str]:
        left = self._operand()
        sign = self._sign(*_COMPARATORS)
        if sign is not None and isinstance(left, Call) and left.name in _FUNCTIONS:
            return self._truth(left, _COMPARATORS[sign])
        if sign is not None:
            self._require_term()
            return [_compared(_COMPARATORS[sign], left, self._operand())]
        if self._word("IS"):
            return self._is(left)
        refused = self._word("NOT") is not None
        if self._word("BETWEEN"):
            low = self._operand()
            self._require_word("AND")
            found: list[Call | str] = [Call("BETWEEN", (left, low, self._operand()))]
        elif self._word("IN"):
            found = [Call("IN", (left, *self._choices()))]
        elif isinstance(left, Call) and left.name in _FUNCTIONS and not refused:
            return [left]
        else:
            raise _malformed("Unexpected token")
        return [*found, "NOT"] if refused else found

    def _truth(self, function: Call, comparator: str) -> list[Call | str]:
        """A function that is compared with true or with false."""
        word = self._word("TRUE", "FALSE")
        if word is None or comparator not in ("=", "<>"):
            raise _malformed("Unexpected token")
        return [function] if (word == "TRUE") == (comparator == "=") else [function, "NOT"]

    def _is(self, left: Any) -> list[Call | str]:
        refused = self._word("NOT") is not None
        kind = self._word(*_TYPES)
        if kind is not None:
            typed: list[Call | str] = [Call("attribute_type", (left, Literal({"S": _TYPES[kind]})))]
            return [*typed, "NOT"] if refused else typed
        other = self._word(*_OTHER_TYPES)
        if other is not None:
            raise NotEmulated(f"The sandbox does not emulate IS {other} of PartiQL.")
        what = self._word("MISSING", "NULL")
        if what is None:
            raise _malformed("Expected type name")
        if what == "MISSING":
            return [Call("attribute_exists" if refused else "attribute_not_exists", (left,))]
        found: list[Call | str] = [Call("=", (left, Literal({"NULL": True})))]
        return [*found, "NOT"] if refused else found

    def _choices(self) -> list[Any]:
        opened = self._sign("[", "(")
        if opened is None:
            raise _malformed("Unexpected token")
        choices = [self._operand()]
        while self._sign(","):
            choices.append(self._operand())
        self._require("]" if opened == "[" else ")")
        return choices

    # --- operands ------------------------------------------------------------------------------

    def _operand(self) -> Any:
        """A path, a value or a function."""
        literal = self._kind == "word" and self._text.upper() in ("TRUE", "FALSE", "NULL")
        if self._kind not in ("word", "quoted") or literal:
            return Literal(self._value())
        if self._kind == "word" and self._tokens[self._at + 1][1] == "(":
            called = self._place()
            name = self._take().lower()
            if name not in (*_FUNCTIONS, "size", "list_append", "if_not_exists"):
                raise _invalid(f"Unrecognized function: {name} at {called}")
            self._require("(")
            operands: list[Any] = []
            while not self._sign(")"):
                if operands:
                    self._require(",")
                operands.append(self._operand())
            _require_operands(name, operands)
            return Call(name, tuple(operands))
        return self._path()

    def _path(self) -> Path:
        elements: list[str | int] = [self._name()]
        while True:
            if self._sign("."):
                elements.append(self._name())
            elif self._sign("["):
                if self._kind != "number" or not self._text.isdigit():
                    raise _malformed("Unexpected token")
                elements.append(int(self._take()))
                self._require("]")
            else:
                return tuple(elements)

    def _value(self, place: str = "root") -> dict[str, Any]:
        if self._kind == "text":
            return {"S": self._take()[1:-1].replace("''", "'")}
        if self._kind == "number" or (self._kind == "sign" and self._text in "+-"):
            return {"N": self._number(place)}
        if self._sign("?"):
            if self._used == len(self._parameters):
                raise _invalid("Number of parameters in request and statement don't match.")
            self._used += 1
            return dict(self._parameters[self._used - 1])
        word = self._word("TRUE", "FALSE", "NULL")
        if word is not None:
            return {"NULL": True} if word == "NULL" else {"BOOL": word == "TRUE"}
        if self._sign("["):
            return {"L": self._listed("]", place)}
        if self._sign("<<"):
            return _set(self._listed(">>", place))
        if self._sign("{"):
            return {"M": self._members(place)}
        if self._calls:
            raise _invalid(
                f"Unsupported data type: {self._text.lower()} under key {place} at {self._place()}"
            )
        raise _malformed("Expected expression")

    def _number(self, place: str) -> str:
        minus = self._sign("+", "-") == "-"
        if self._kind != "number":
            raise _malformed("Expected expression")
        text = ("-" if minus else "") + self._take()
        try:
            return read_number(text, older=True)
        except Unfit as unfit:
            if "numeric value" in str(unfit):
                raise _malformed("") from None
            raise _invalid(f"{unfit} under {place}") from None

    def _listed(self, end: str, place: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while not self._sign(end):
            if found:
                self._require(",")
            found.append(self._value(f"{place}[{len(found)}]"))
        return found

    def _members(self, place: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._sign("}"):
            if found:
                self._require(",")
            if self._kind != "text":
                raise _malformed("Unexpected token")
            name = self._take()[1:-1].replace("''", "'")
            self._require(":")
            outer = self._tokens[self._at][1] not in ("{", "[") and place == "root"
            found[name] = self._value(place if outer or place == "root" else f"{place}.{name}")
        return found


def _split(text: str) -> Iterator[tuple[str, str, int]]:
    """The kinds of a statement's tokens, their text, and where they begin."""
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _malformed("")
        kind = str(match.lastgroup)
        yield kind, match[kind], match.start(kind)
        if kind == "end":
            return
        at = match.end()


def _compared(name: str, left: Any, right: Any) -> Call:
    """A comparison, the path first."""
    if isinstance(left, Literal) and not isinstance(right, Literal):
        return Call({"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(name, name), (right, left))
    return Call(name, (left, right))


def _require_operands(name: str, operands: Sequence[Any]) -> None:
    told = f"operator or function: {name}"
    if len(operands) != _FUNCTIONS.get(name, len(operands)):
        raise _invalid(
            f"Incorrect number of operands for operator or function; {told}, number of operands: "
            f"{len(operands)}"
        )
    if _FUNCTIONS.get(name) == 1 and type(operands[0]) is not tuple:
        raise _invalid(f"Operator or function requires a document path; {told}")


def _set(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not members:
        raise _invalid("Empty bags are not supported")
    kinds = {kind for member in members for kind in member}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise _invalid("A set has members of one type: strings, numbers or binary values")
    [kind] = kinds
    given = [member[kind] for member in members]
    if len(set(given)) < len(given):
        raise _invalid(
            "One or more parameter values were invalid: Input collection "
            f"[{', '.join(given)}] contains duplicates."
        )
    return {f"{kind}S": sorted_set(f"{kind}S", [*{member[kind] for member in members}])}


def _malformed(detail: str) -> AwsError:
    return _invalid(_MALFORMED + detail)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)

"""Expressions as trees, before names and values are put in: conditions, updates, projections.

Each text is parsed once: what is found is kept, and never changed.
Texts: recorded from AWS by dynalite's tests (https://github.com/architect/dynalite) and
https://github.com/paritysuite/dynamodb-conformance (error-messages).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
"""

from dataclasses import dataclass
from functools import lru_cache

from workshop_lib.sandbox.services.dynamodb.tokens import Malformed, Tokens

_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_MOST_CHOICES = 100
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


@dataclass(frozen=True)
class Path:
    """A document path: names, placeholders of names, and places in lists."""

    elements: tuple[str | int, ...]


@dataclass(frozen=True)
class Value:
    """A placeholder of a value."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function or an operator, and its operands."""

    name: str
    operands: tuple["Operand", ...]


Operand = Path | Value | Function


@dataclass(frozen=True)
class Join:
    """AND, OR or NOT of the conditions before it (the tree of a condition is kept flat)."""

    name: str


@dataclass(frozen=True)
class Condition:
    """A condition in postfix order: comparisons and functions, and what joins them."""

    steps: tuple[Function | Join, ...]


@dataclass(frozen=True)
class Action:
    """What an update does at a path: SET and ADD, DELETE with an operand, REMOVE without."""

    clause: str
    path: Path
    operand: Operand | None


@dataclass(frozen=True)
class Update:
    """An update's actions; ``repeated`` is a clause that comes twice."""

    actions: tuple[Action, ...]
    repeated: str | None


@lru_cache(maxsize=1024)
def read_condition(text: str) -> Condition:
    """The tree of a condition. Raises Malformed."""
    tokens = Tokens(text)
    found = _Conditions(tokens).read()
    if tokens.current.kind != "end":
        raise tokens.unexpected()
    return found


@lru_cache(maxsize=1024)
def read_update(text: str) -> Update:
    """The tree of an update. Raises Malformed."""
    tokens = Tokens(text)
    actions: list[Action] = []
    seen: set[str] = set()
    repeated = None
    while tokens.current.kind != "end":
        clause = tokens.keyword(*_CLAUSES)
        if clause is None:
            raise tokens.unexpected()
        if clause in seen and repeated is None:
            repeated = clause
        seen.add(clause)
        actions.append(_action(tokens, clause))
        while tokens.sign(","):
            actions.append(_action(tokens, clause))
    return Update(tuple(actions), repeated)


@lru_cache(maxsize=1024)
def read_projection(text: str) -> tuple[Path, ...]:
    """The paths of a projection. Raises Malformed."""
    tokens = Tokens(text)
    paths = [_path(tokens)]
    while tokens.sign(","):
        paths.append(_path(tokens))
    if tokens.current.kind != "end":
        raise tokens.unexpected()
    return tuple(paths)


# --- operands ---------------------------------------------------------------------------------


def _path(tokens: Tokens) -> Path:
    if tokens.current.kind not in ("word", "name"):
        raise tokens.unexpected()
    elements: list[str | int] = [tokens.take().text]
    while True:
        if tokens.sign("."):
            if tokens.current.kind not in ("word", "name"):
                raise tokens.unexpected()
            elements.append(tokens.take().text)
        elif tokens.sign("["):
            if tokens.current.kind != "number":
                raise tokens.unexpected()
            elements.append(_index(tokens))
            tokens.require("]")
        else:
            return Path(tuple(elements))


def _index(tokens: Tokens) -> int:
    index = int(tokens.take().text)
    if index >= _INDEXES:
        raise Malformed(f"List index is not within the allowable range; index: [{index}]")
    return index


# Indexes are below: seen of AWS in September 2026 by https://github.com/floci-io/floci.
_INDEXES = 2**32 - 1


def _operand(tokens: Tokens) -> Operand:
    """A path, a value or a function. A function may have functions as its operands."""
    token = tokens.current
    if token.kind == "value":
        return Value(tokens.take().text)
    after = tokens.ahead(1)
    if token.kind == "word" and after.kind == "sign" and after.text == "(":
        tokens.take()
        tokens.count_operator()
        return Function(token.text, _operands(tokens))
    return _path(tokens)


def _operands(tokens: Tokens) -> tuple[Operand, ...]:
    tokens.require("(")
    found = [_operand(tokens)]
    while tokens.sign(","):
        found.append(_operand(tokens))
    tokens.require(")")
    return tuple(found)


# --- updates ----------------------------------------------------------------------------------


def _action(tokens: Tokens, clause: str) -> Action:
    path = _path(tokens)
    if clause == "REMOVE":
        return Action(clause, path, None)
    if clause == "SET":
        tokens.require("=")
        return Action(clause, path, _sum(tokens))
    if tokens.current.kind != "value":
        raise tokens.unexpected()
    return Action(clause, path, Value(tokens.take().text))


def _sum(tokens: Tokens) -> Operand:
    left = _term(tokens)
    sign = tokens.sign("+", "-")
    if sign is None:
        return left
    tokens.count_operator()
    return Function(sign, (left, _term(tokens)))


def _term(tokens: Tokens) -> Operand:
    if tokens.sign("("):
        inner = _sum(tokens)
        tokens.require(")")
        return inner
    return _operand(tokens)


# --- conditions -------------------------------------------------------------------------------

# How strongly what joins conditions binds them.
_STRENGTH = {"OR": 1, "AND": 2, "NOT": 3}


class _Conditions:
    """A condition, read with a stack of its own: it may be nested deeply."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._steps: list[Function | Join] = []
        self._waiting: list[str] = []
        # Where each open parenthesis began, and whether a pair of them is all that is in it.
        self._opened: list[int] = []
        self._redundant = False

    def read(self) -> Condition:
        tokens = self._tokens
        while True:
            self._open()
            self._steps.append(self._comparison())
            self._close()
            joined = tokens.keyword("AND", "OR")
            if joined is None:
                break
            self._join(joined)
        if "(" in self._waiting:
            raise tokens.unexpected()
        while self._waiting:
            self._steps.append(Join(self._waiting.pop()))
        if self._redundant:
            raise Malformed("The expression has redundant parentheses;")
        return Condition(tuple(self._steps))

    def _open(self) -> None:
        tokens = self._tokens
        while True:
            if tokens.keyword("NOT"):
                tokens.count_operator()
                self._waiting.append("NOT")
            elif self._begins_group():
                tokens.take()
                self._waiting.append("(")
                self._opened.append(len(self._steps))
            else:
                return

    def _begins_group(self) -> bool:
        """Whether a parenthesis holds a condition, and not a single operand of a comparison."""
        tokens = self._tokens
        if tokens.current.kind != "sign" or tokens.current.text != "(":
            return False
        by = 2
        while tokens.ahead(by).kind == "sign" and tokens.ahead(by).text in (".", "["):
            by += 2 if tokens.ahead(by).text == "." else 3
        operand = tokens.ahead(1).kind in ("word", "name", "value")
        return not operand or tokens.ahead(by).text != ")"

    def _close(self) -> None:
        tokens = self._tokens
        closed: tuple[int, int] | None = None
        while "(" in self._waiting and tokens.sign(")"):
            while self._waiting[-1] != "(":
                self._steps.append(Join(self._waiting.pop()))
                closed = None
            self._waiting.pop()
            span = (self._opened.pop(), len(self._steps))
            self._redundant |= span == closed
            closed = span

    def _join(self, name: str) -> None:
        self._tokens.count_operator()
        while self._waiting and self._waiting[-1] != "(":
            if _STRENGTH[self._waiting[-1]] < _STRENGTH[name]:
                break
            self._steps.append(Join(self._waiting.pop()))
        self._waiting.append(name)

    def _comparison(self) -> Function:
        tokens = self._tokens
        left = self._side()
        comparator = tokens.sign(*_COMPARATORS)
        if comparator is not None:
            tokens.count_operator()
            return Function(comparator, (left, self._side()))
        if tokens.keyword("BETWEEN"):
            tokens.count_operator()
            low = self._side()
            if tokens.keyword("AND") is None:
                raise tokens.unexpected()
            return Function("BETWEEN", (left, low, self._side()))
        if tokens.keyword("IN"):
            tokens.count_operator()
            tokens.require("(")
            choices = [self._side()]
            while tokens.sign(","):
                choices.append(self._side())
            tokens.require(")")
            return Function("IN", (left, *choices))
        if isinstance(left, Function):
            return left
        raise tokens.unexpected()

    def _side(self) -> Operand:
        tokens = self._tokens
        if tokens.sign("("):
            inner = self._side()
            tokens.require(")")
            return inner
        if tokens.current.kind == "word" and tokens.current.text.upper() in _KEYWORDS:
            raise tokens.unexpected()
        return _operand(tokens)

"""The values in a PartiQL statement: literals, and the parameters for its question marks.

Texts: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(error-messages/partiqlGrammar and partiqlFunctions, October 2026), and in September 2026 by
https://github.com/floci-io/floci (DynamoDbPartiQLEdgeCaseIntegrationTest).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from workshop_lib.sandbox.services.dynamodb.comparison import sorted_set
from workshop_lib.sandbox.services.dynamodb.partiql_words import Words, invalid, malformed
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID
from workshop_lib.sandbox.services.dynamodb.sizes import MOST_LEVELS
from workshop_lib.sandbox.services.dynamodb.values import Unfit, read_number

_COUNT = "Number of parameters in request and statement don't match."


class _Member(NamedTuple):
    """A member of a set: its type, what is kept of it, and how it was written."""

    kind: str
    kept: Any
    written: str


class Literals:
    """Reads the values of one statement."""

    def __init__(self, words: Words, parameters: Sequence[Mapping[str, Any]]) -> None:
        """``parameters`` are for the question marks, in their order."""
        self._words = words
        self._parameters = parameters
        self._used = 0
        self._depth = 0

    def require_all_used(self) -> None:
        """Refuse parameters that no question mark stands for. Raises AwsError."""
        if self._used != len(self._parameters):
            raise invalid(_COUNT)

    def item(self) -> dict[str, Any]:
        """The map that an INSERT brings. Raises AwsError."""
        if self._words.sign("{"):
            return self._members(lambda name: self.value())
        value = self.value()
        if "M" not in value:
            raise malformed("Expected a map as the value of an INSERT")
        return dict(value["M"])

    def value(self, place: str | None = None) -> dict[str, Any]:
        """A value; ``place`` is where it stands in another literal (root.a[0]). Raises AwsError."""
        words = self._words
        if self._depth == MOST_LEVELS:
            raise invalid(f"Nesting Levels have exceeded supported limits under {place}")
        if words.kind == "text":
            return {"S": words.literal()}
        if words.kind == "number" or (words.kind == "sign" and words.text in "+-"):
            return {"N": _kept(self._numeral(), place)}
        if words.kind == "sign" and words.text == "?":
            return self._parameter(place)
        word = words.word("TRUE", "FALSE", "NULL")
        if word is not None:
            return {"NULL": True} if word == "NULL" else {"BOOL": word == "TRUE"}
        return self._collection(place or "root")

    def _collection(self, place: str) -> dict[str, Any]:
        words = self._words
        self._depth += 1
        found: dict[str, Any]
        if words.sign("["):
            found = {"L": self._listed("]", lambda n: self.value(f"{place}[{n}]"))}
        elif words.sign("<<"):
            found = _set(self._listed(">>", lambda n: self._member(place)), place)
        elif words.sign("{"):
            found = {"M": self._members(lambda name: self.value(f"{place}.{name}"))}
        elif words.calls:
            called = words.place
            raise invalid(f"Unsupported data type: {words.take().lower()} under key {place} at "
                          f"{called}")  # fmt: skip
        else:
            words.require_term()
            raise malformed("Expected expression")
        self._depth -= 1
        return found

    def _parameter(self, place: str | None) -> dict[str, Any]:
        where = self._words.place
        self._words.take()
        if place is not None:
            raise invalid(f"Unsupported data type: Parameter under key {place} at {where}")
        if self._used == len(self._parameters):
            raise invalid(_COUNT)
        self._used += 1
        return dict(self._parameters[self._used - 1])

    def _numeral(self) -> str:
        """A number as it is written, with one sign at most."""
        words, minus, sign = self._words, False, ""
        while words.kind == "sign" and words.text in "+-":
            sign = words.take()
            minus ^= sign == "-"
        if words.kind != "number":
            words.require_term()
            raise invalid(f"Unsupported operator in Condition Expression. Operator: {sign}")
        return ("-" if minus else "") + words.take()

    def _member(self, place: str) -> _Member:
        words = self._words
        if words.kind == "number" or (words.kind == "sign" and words.text in "+-"):
            written = self._numeral()
            return _Member("N", _kept(written, place), written)
        [(kind, content)] = self.value(place).items()
        return _Member(kind, content, str(content))

    def _listed(self, end: str, read: Callable[[int], Any]) -> list[Any]:
        found: list[Any] = []
        while not self._words.sign(end):
            if found:
                self._words.require(",")
            found.append(read(len(found)))
        return found

    def _members(self, read: Callable[[str], Any]) -> dict[str, Any]:
        words = self._words
        found: dict[str, Any] = {}
        while not words.sign("}"):
            if found:
                words.require(",")
            if words.kind != "text":
                raise malformed("Unexpected token")
            name = words.literal()
            words.require(":")
            found[name] = read(name)
        return found


def _kept(written: str, place: str | None) -> str:
    try:
        return read_number(written, older=True)
    except Unfit as unfit:
        if "numeric value" in str(unfit):
            raise malformed("") from None
        raise invalid(f"{unfit} under {place or 'root'}") from None


def _set(members: Sequence[_Member], place: str) -> dict[str, Any]:
    if not members:
        raise invalid("Empty bags are not supported")
    kinds = {member.kind for member in members}
    if len(kinds) != 1 or not kinds <= {"S", "N"}:
        raise invalid(
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
        )
    [kind] = kinds
    kept = {member.kept for member in members}
    if len(kept) < len(members):
        told = f"Input collection [{', '.join(m.written for m in members)}] contains duplicates"
        end = f"! under {place}" if kind == "N" else "."
        raise invalid(f"{INVALID}{told}{end}")
    return {f"{kind}S": sorted_set(f"{kind}S", [*kept])}

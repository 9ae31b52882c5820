"""Requests checked against their service's model, and refused in AWS's words.

A wrong type is refused at once; whatever else the model forbids is counted and listed.
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Any, NamedTuple

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_model import description, lower_first

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """How a service words what it refuses, and what it refuses elsewhere.

    ``code`` is that of the error that lists faults. ``shows_values``: whether they repeat what was
    given; secrets are never repeated. ``hashes_enumerations``: an enumeration is listed by the
    hashes of its members, as Java keeps a set, instead of in the model's order.
    ``tells_null``: the rules for a list's members end with "Member must not be null".
    ``not_offered`` begins the members of enumerations that Regions outside China do not know.
    ``also_required`` are members, by their structure, that the model no longer requires.
    ``own_shapes`` are shapes whose limits the service refuses in words of its own.
    ``own_patterns`` are patterns with a sentence of their own that counts nothing, about {path};
    None for those that are left to the operation.
    ``opaque`` are structures of which no more is shown than a text, which stands for them.
    ``terse`` are shapes of whose own limits no value is told, and the place as the model names it.
    ``member_order`` is the order in which faults of a structure's members are listed, where it is
    not the model's. ``tells_one`` are structures of which only the first fault is told, unless a
    member is missing.
    ``java_package`` is that of the service's structures, which are named where a list stands in
    place of one; empty where nobody has seen it.
    ``coerces``: whether a fraction is cut off a number that must be whole, and the words true and
    false stand for a Boolean.
    """

    code: str = "ValidationException"
    shows_values: bool = True
    hashes_enumerations: bool = False
    tells_null: bool = False
    not_offered: tuple[str, ...] = ()
    also_required: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own_shapes: frozenset[str] = frozenset()
    own_patterns: Mapping[str, str | None] = field(default_factory=dict)
    opaque: Mapping[str, str] = field(default_factory=dict)
    terse: frozenset[str] = frozenset()
    member_order: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tells_one: frozenset[str] = frozenset()
    java_package: str = ""
    coerces: bool = False


class Faulty(AwsError):
    """A request with faults, which are counted and listed."""

    def __init__(self, code: str, faults: Sequence[str]) -> None:
        """``faults`` are sentences: Value … at … failed to satisfy constraint: …"""
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        super().__init__(code, count + "; ".join(faults))
        self.faults = tuple(faults)


class _Fault(NamedTuple):
    """A fault: in which member of the request, what is told, and whether something is missing."""

    member: str
    text: str
    missing: bool = False


class _TypesOnly(list[_Fault]):
    """In place of faults: only types are looked at, in the order of the request."""


class Validator:
    """Checks the requests of one service. What an operation takes is compiled on its first call."""

    def __init__(self, service: str, dialect: Dialect) -> None:
        """``service`` is botocore's name of it."""
        self._service = service
        self.dialect = dialect
        self._lock = threading.Lock()
        self._compiler: _Compiler | None = None
        self._operations: dict[str, _Read] = {}

    def validate(self, operation: str, parameters: Mapping[str, Any]) -> Parameters:
        """The request's parameters with blobs decoded (bytes) and dates read (aware datetimes).

        What is null counts as absent, and what the model does not know is left out. Raises
        AwsError: SerializationException for a wrong type, that of the first member that the request
        has; Faulty for the rest.
        """
        read = self._operations.get(operation) or self._compile(operation)
        faults: list[_Fault] = []
        try:
            checked: Parameters = read(parameters, None, faults)
        except AwsError:
            read(parameters, None, _TypesOnly())
            raise
        if faults:
            raise Faulty(self.dialect.code, self._listed(operation, faults))
        return checked

    def _listed(self, operation: str, faults: list[_Fault]) -> list[str]:
        """The faults that are told, in the order in which they are."""
        structure = description(self._service)["operations"][operation]["input"]["shape"]
        if structure in self.dialect.tells_one and not any(each.missing for each in faults):
            return [faults[0].text]
        order = [lower_first(name) for name in self.dialect.member_order.get(structure, ())]
        moved = iter(
            sorted((f for f in faults if f.member in order), key=lambda f: order.index(f.member))
        )
        return [(next(moved) if each.member in order else each).text for each in faults]

    def _compile(self, operation: str) -> "_Read":
        model = description(self._service)
        with self._lock:  # else another gateway's thread meets shapes that are half compiled
            if self._compiler is None:
                self._compiler = _Compiler(model["shapes"], self.dialect)
            asked = model["operations"][operation].get("input")
            read = self._compiler.node(asked["shape"]).read if asked else _nothing
            self._operations[operation] = read
            return read


# --- the compiled model -------------------------------------------------------------------

# Where a value stands: what it is within, the step from there, whether that is a collection's.
_Path = tuple[Any, str | int, bool] | None
_Read = Callable[[Any, _Path, list[_Fault]], Any]
_Holds = Callable[[Any], Any]


class _Rule(NamedTuple):
    """What a value must be ("have length …"), and what tells whether it is."""

    text: str
    holds: _Holds
    pattern: str = ""


class _Node:
    """A shape of the model.

    ``read`` takes the value, decoded, to what it holds, and notes the faults inside it. ``fits``
    tells whether a value that was read keeps the shape's own rules; None where it has none.
    """

    read: _Read
    fits: _Holds | None
    rules: Sequence[_Rule]

    def __init__(self, name: str, shape: Mapping[str, Any]) -> None:
        self.name, self.shape = name, shape
        self.sensitive = bool(shape.get("sensitive"))


# A structure's member: its name, the step of a path to it, whether it is required, its shape.
_Member = tuple[str, str, bool, _Node]


def _missing(path: _Path, *, shown: bool) -> _Fault:
    """The fault of a member that is required and absent; ``shown``: its value is told, null."""
    value = "Value null" if shown else "Value"
    told = f"{value} at '{_told(path)}' failed to satisfy constraint: Member must not be null"
    return _Fault(_member(path), told, missing=True)


def _nothing(value: Any, path: _Path, faults: list[_Fault]) -> Parameters:
    """What an operation without input reads."""
    return {}


class _Compiler:
    """Compiles the shapes of a model, each once: shapes may hold themselves."""

    def __init__(self, shapes: Mapping[str, Any], dialect: Dialect) -> None:
        self._shapes = shapes
        self._dialect = dialect
        self._nodes: dict[str, _Node] = {}

    def node(self, name: str) -> _Node:
        """A shape's node, by the shape's name."""
        node = self._nodes.get(name)
        if node is None:
            shape = self._shapes[name]
            node = self._nodes[name] = _Node(name, shape)
            node.rules = () if name in self._dialect.own_shapes else tuple(self._rules(shape))
            tests = [rule.holds for rule in node.rules]
            node.fits = reduce(_both, tests) if tests else None
            holders = {"structure": self._structure, "list": self._list, "map": self._map}
            kind = shape["type"]
            if kind in holders:
                node.read = holders[kind](node)
            else:
                node.read = _reader(kind, coerces=self._dialect.coerces)
        return node

    # --- rules -----------------------------------------------------------------------------

    def _rules(self, shape: Mapping[str, Any]) -> Iterable[_Rule]:
        """A shape's own rules, in the order in which AWS lists those of a list's members."""
        if "enum" in shape:
            not_offered = self._dialect.not_offered
            names = [name for name in shape["enum"] if not name.startswith(not_offered)]
            if self._dialect.hashes_enumerations:
                names.sort(key=lambda name: (java_hash(name) % 32, name))
            yield _Rule(
                f"satisfy enum value set: [{', '.join(names)}]", frozenset(names).__contains__
            )
            return
        if shape["type"] in ("integer", "long", "double"):
            word, size = "value", None
        else:
            word, size = "length", len
        if "max" in shape:
            most = shape["max"]
            yield _Rule(f"have {word} less than or equal to {most}", _at_most(most, size))
        if "min" in shape:
            least = shape["min"]
            yield _Rule(f"have {word} greater than or equal to {least}", _at_least(least, size))
        if "pattern" in shape:
            pattern = shape["pattern"]
            yield _Rule(
                f"satisfy regular expression pattern: {pattern}",
                java_pattern(pattern).fullmatch,
                pattern,
            )

    def _bounds(self, node: _Node) -> str:
        """All that a list's member must be."""
        rules = [f"Member must {rule.text}" for rule in node.rules]
        if self._dialect.tells_null:
            rules.append("Member must not be null")
        return f"[{', '.join(rules)}]"

    # --- faults ----------------------------------------------------------------------------

    def _broken(self, node: _Node, value: Any, path: _Path, faults: list[_Fault]) -> None:
        """Note which of a shape's own rules a value breaks."""
        for rule in node.rules:
            if rule.holds(value):
                continue
            if rule.pattern in self._dialect.own_patterns:
                sentence = self._dialect.own_patterns[rule.pattern]
                if sentence is not None and value:
                    raise AwsError(self._dialect.code, sentence.format(path=_told(path)))
            elif node.name in self._dialect.terse:
                place = _told(path, _upper_first)
                told = f"Value at '{place}' failed to satisfy constraint: Member must {rule.text}"
                faults.append(_Fault(_member(path), told))
            else:
                faults.append(self._fault(node, value, path, f"Member must {rule.text}"))

    def _fault(self, node: _Node, value: Any, path: _Path, rule: str) -> _Fault:
        shown = ""
        if self._dialect.shows_values and not node.sensitive:
            shown = f" '{self._shown(node, value)}'"
        told = f"Value{shown} at '{_told(path)}' failed to satisfy constraint: {rule}"
        return _Fault(_member(path), told)

    def _shown(self, node: _Node, value: Any) -> str:
        """A value as Java writes it."""
        kind, shape = node.shape["type"], node.shape
        if value is None:
            return "null"
        if node.name in self._dialect.opaque:
            return self._dialect.opaque[node.name]
        if kind == "list":
            member = self.node(shape["member"]["shape"])
            return f"[{', '.join(self._shown(member, each) for each in value)}]"
        if kind == "map":
            inner = self.node(shape["value"]["shape"])
            pairs = (f"{key}={self._shown(inner, each)}" for key, each in value.items())
            return f"{{{', '.join(pairs)}}}"
        if kind == "structure":
            members = (
                f"{lower_first(name)}={self._shown(self.node(each['shape']), value.get(name))}"
                for name, each in shape["members"].items()
            )
            return f"{node.name}({', '.join(members)})"
        if kind == "blob":
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        return str(value)

    def _unlike(self, node: _Node, value: Any, path: _Path) -> AwsError:
        """The refusal of what stands where a structure, a list or a map was expected."""
        kind = node.shape["type"]
        if isinstance(value, dict):
            told = _NO_MAP_HERE
        elif isinstance(value, list):
            told = "Start of list found where not expected"
            if self._dialect.java_package:
                word = "class " if kind == "structure" else ""
                told = f"Unrecognized collection type {word}{self._java_type(node)}"
        elif path is None or not path[2]:
            told = "Unexpected field type"
        else:
            told = "Unexpected value type in payload" if kind == "structure" else _NO_CLASS
        return AwsError("SerializationException", told)

    def _java_type(self, node: _Node) -> str:
        shape = node.shape
        if shape["type"] == "map":
            inner = self._java_type(self.node(shape["value"]["shape"]))
            return f"java.util.Map<java.lang.String, {inner}>"
        if shape["type"] == "list":
            return f"java.util.List<{self._java_type(self.node(shape['member']['shape']))}>"
        return _JAVA_TYPES.get(shape["type"]) or f"{self._dialect.java_package}.{node.name}"

    # --- what holds other values -----------------------------------------------------------

    def _structure(self, node: _Node) -> _Read:
        shape = node.shape
        required = {*shape.get("required", ()), *self._dialect.also_required.get(node.name, ())}
        members = {
            name: (name, lower_first(name), name in required, self.node(member["shape"]))
            for name, member in shape["members"].items()
        }
        in_order = tuple(members.values())
        broken, shown = self._broken, self._dialect.shows_values

        def read(value: Any, path: _Path, faults: list[_Fault]) -> Parameters:
            if type(value) is not dict:
                raise self._unlike(node, value, path)
            candidates: Iterable[_Member] = in_order
            if not required and len(value) == 1:  # an attribute value: one of ten types
                [given] = value
                candidates = (members[given],) if given in members else ()
            rules = type(faults) is list
            if not rules:
                candidates = [members[given] for given in value if given in members]
            checked = {}
            for name, step, needed, member in candidates:
                inner = value.get(name)
                if inner is not None:
                    checked[name] = inner = member.read(inner, (path, step, False), faults)
                    fits = member.fits
                    if fits is not None and rules and not fits(inner):
                        broken(member, inner, (path, step, False), faults)
                elif needed:
                    faults.append(_missing((path, step, False), shown=shown))
            return checked

        return read

    def _list(self, node: _Node) -> _Read:
        """What is wrong with a list's member itself is told of the list."""
        member = self.node(node.shape["member"]["shape"])
        node.sensitive |= member.sensitive
        rule = f"Member must satisfy constraint: {self._bounds(member)}"

        def read(value: Any, path: _Path, faults: list[_Fault]) -> list[Any]:
            if type(value) is not list:
                raise self._unlike(node, value, path)
            inside = member.read
            checked = [inside(each, (path, n, True), faults) for n, each in enumerate(value, 1)]
            if member.fits is not None and not all(map(member.fits, checked)):
                faults.append(self._fault(node, checked, path, rule))
            return checked

        return read

    def _map(self, node: _Node) -> _Read:
        """What is wrong with a key, or with a value itself, is told of the map."""
        key = self.node(node.shape["key"]["shape"])
        inner = self.node(node.shape["value"]["shape"])
        node.sensitive |= key.sensitive or inner.sensitive
        of_keys = f"Map keys must satisfy constraint: {self._bounds(key)}"
        of_values = f"Map value must satisfy constraint: {self._bounds(inner)}"

        def read(value: Any, path: _Path, faults: list[_Fault]) -> Parameters:
            if type(value) is not dict:
                raise self._unlike(node, value, path)
            inside = inner.read
            checked = {
                name: inside(each, (path, name, True), faults) for name, each in value.items()
            }
            if key.fits is not None and not all(map(key.fits, checked)):
                faults.append(self._fault(node, checked, path, of_keys))
            if inner.fits is not None and not all(map(inner.fits, checked.values())):
                faults.append(self._fault(node, checked, path, of_values))
            return checked

        return read


# --- rules that hold or not ---------------------------------------------------------------


def _both(one: _Holds, other: _Holds) -> _Holds:
    return lambda value: one(value) and other(value)


def _at_most(most: float, size: _Holds | None) -> _Holds:
    return (lambda value: value <= most) if size is None else (lambda value: size(value) <= most)


def _at_least(least: float, size: _Holds | None) -> _Holds:
    return (lambda value: value >= least) if size is None else (lambda value: size(value) >= least)


def java_pattern(pattern: str) -> re.Pattern[str]:
    r"""A pattern as Java understands it: \w is ASCII, and \p{L} a letter of any script.

    Separators are those that Python calls space and that are not control characters; two escapes
    of surrogates are one character.
    """
    pattern = re.sub(r"(\\uD[89AB]..)(\\uD[C-F]..)", _one_character, pattern)
    pattern = pattern.replace(r"\p{Print}", r"[\x20-\x7e]")
    if r"\p{" not in pattern:
        return re.compile(pattern, re.ASCII)
    separators = r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    for name, inside in ((r"\p{L}", r"\w"), (r"\p{N}", r"\w"), (r"\p{Z}", separators)):
        pattern = pattern.replace(name, inside)
    return re.compile(pattern)


def _one_character(surrogates: re.Match[str]) -> str:
    high, low = (int(each[2:], 16) for each in surrogates.groups())
    return f"\\U{0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00:08x}"


def java_hash(text: str) -> int:
    """Java's String.hashCode, as far as its lowest bits go."""
    return reduce(lambda found, letter: (31 * found + ord(letter)) % 2**32, text, 0)


def _told(path: _Path, written: Callable[[str], str] = str) -> str:
    """A path in AWS's words: tags.1.member.tagKey. ``written`` is how it writes a member."""
    steps = []
    while path is not None:
        path, step, collected = path
        steps.append(f"{step}.member" if collected else written(str(step)))
    return ".".join(reversed(steps))


def _upper_first(name: str) -> str:
    return name[:1].upper() + name[1:]


def _member(path: _Path) -> str:
    """The member of the request in which a path begins."""
    step: str | int = ""
    while path is not None:
        path, step, _ = path
    return str(step)


# --- types --------------------------------------------------------------------------------

_JAVA_TYPES = {
    "string": "java.lang.String", "integer": "java.lang.Integer", "long": "java.lang.Long",
    "double": "java.lang.Double", "boolean": "java.lang.Boolean", "timestamp": "java.util.Date",
    "blob": "java.nio.ByteBuffer",
}  # fmt: skip
_TOKENS = {str: "STRING", int: "NUMBER", float: "DECIMAL"}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "double": (int, float),
    "boolean": (bool,), "timestamp": (int, float),
}  # fmt: skip

# What AWS says of a value of the wrong type was recorded by dynalite's tests:
# https://github.com/architect/dynalite/blob/main/test/helpers.js
_NO_MAP_HERE = "Start of structure or map found where not expected"
_NO_CLASS = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class "
    "java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
    "java.lang.Class are in module java.base of loader 'bootstrap')"
)


def _reader(kind: str, *, coerces: bool) -> _Read:
    """What reads a value of a simple type."""
    if kind == "blob":
        return _read_blob
    if kind == "timestamp":
        return _read_date
    types = _PYTHON_TYPES[kind]
    others = _COERCED.get(kind) if coerces else None
    if others is not None:
        also, changed = others

        def read_other(value: Any, path: _Path, faults: list[_Fault]) -> Any:
            if type(value) in types:
                return value
            if type(value) is also:
                return changed(value)
            raise _unfit(kind, value)

        return read_other

    def read(value: Any, path: _Path, faults: list[_Fault]) -> Any:
        if type(value) not in types:  # a Boolean is no number
            raise _unfit(kind, value)
        return value

    return read


def _read_word(value: str) -> bool:
    """A Boolean that is written as a text."""
    if value.lower() not in ("true", "false"):
        raise _unfit("boolean", value)
    return value.lower() == "true"


# What else stands for a value of a type, and what is made of it.
_COERCED: Mapping[str, tuple[type, Callable[[Any], Any]]] = {
    "integer": (float, int), "long": (float, int), "boolean": (str, _read_word),
}  # fmt: skip


def _read_blob(value: Any, path: _Path, faults: list[_Fault]) -> bytes:
    if type(value) is not str:
        raise _unfit("blob", value)
    try:
        read = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _unfit("blob", value) from None
    if value.endswith("=") and base64.b64encode(read).decode() != value:
        raise _unfit("blob", value)
    return read


def _read_date(value: Any, path: _Path, faults: list[_Fault]) -> datetime:
    if type(value) not in _PYTHON_TYPES["timestamp"]:
        raise _unfit("timestamp", value)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise _unfit("timestamp", value) from None


def _unfit(kind: str, value: Any) -> AwsError:
    """The refusal of a value of another type than ``kind``, a simple one."""
    java = _JAVA_TYPES[kind]
    if isinstance(value, dict):
        told = _NO_MAP_HERE
    elif isinstance(value, list):
        told = f"Unrecognized collection type class {java}"
    elif value is None:
        told = "Unexpected field type"
    elif kind == "blob":
        told = "only base-64-encoded strings are convertible to bytes"
        if isinstance(value, str):
            told = "Invalid last non-pad Base64 character dectected"
            if len(value) % 4:
                told = (
                    "Base64 encoded length is expected a multiple of 4 bytes but found: "
                    f"{len(value)}"
                )
    elif kind == "boolean" and isinstance(value, str):
        told = "Unexpected token received from parser"
    else:
        token = str(value).upper() if isinstance(value, bool) else _TOKENS[type(value)]
        told = f"{token}_VALUE cannot be converted to {java.rpartition('.')[2]}"
    return AwsError("SerializationException", told)

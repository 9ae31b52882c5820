"""In the browser: objects that stand for objects on the server (`serving.py`).

Arguments and results travel as pickles. An object of the real packages stays where it is, and is
named by its number; all else (bytes, numbers, texts, the course's own objects) is copied.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from js import XMLHttpRequest
from js import self as worker
from pyodide.ffi import to_js

_classes: dict[tuple[str, str], RemoteClass] = {}
_values: dict[tuple[str, str, str], Any] = {}
_rust: dict[str, tuple[str, Any]] = {}
_SET_THERE = ("columns", "index", "name", "names")
_address = f"{worker.location.origin}/stand-in"


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> Any:
        if isinstance(thing, RemoteClass):
            return ("path", *thing.home())
        if isinstance(thing, Path):
            return ("path", thing.package, thing.path)
        if isinstance(thing, Remote):
            return ("object", thing.__dict__["_number"])
        return None

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, memoryview):
            return bytes, (bytes(thing),)
        if isinstance(thing, (Iterator, KeysView, ValuesView, ItemsView)):
            return list, (list(thing),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: Any) -> Any:
        number, package, path = name
        thing: Any = object.__new__(_class(package, path))  # type: ignore[arg-type]
        thing.__dict__["_number"] = number
        return thing


def ask(*request: Any) -> Any:
    """Have the server do something: what it returns, or raise what it raises."""
    sent = io.BytesIO()
    _Pickler(sent).dump(request)
    call = XMLHttpRequest.new()
    call.open("POST", _address, False)
    call.responseType = "arraybuffer"
    call.send(to_js(sent.getvalue()))
    fine, result = _Unpickler(io.BytesIO(call.response.to_py().tobytes())).load()
    if not fine:
        raise result
    return result


class RemoteClass(type):
    """A class on the server: called, it makes an object there."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = (*cls.home(), name)
        if known not in _values:  # the same one each time: enumerations are compared by it
            _values[known] = ask("get", *known)
        return _values[known]

    def home(cls) -> tuple[str, str]:
        """The package and the path there of this class, or of the one that it derives from."""
        home: tuple[str, str] = cls._home
        return home


class Remote(metaclass=RemoteClass):
    """An object on the server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__["_number"] = ask("make", *type(self).home(), args, kwargs).__dict__["_number"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in type(self)._methods:
            return lambda *args, **kwargs: alike(self, ask("invoke", self, name, args, kwargs))
        return alike(self, ask("attribute", self, name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SET_THERE:
            ask("set", self, name, value)
        else:
            self.__dict__[name] = value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return alike(self, ask("call", self, args, kwargs))

    def __iter__(self) -> Iterator[Any]:
        return iter(ask("operator", "list", (self,)))

    def __repr__(self) -> str:
        return str(ask("operator", "repr", (self,)))

    def __hash__(self) -> int:
        return int(ask("operator", "hash", (self,)))


def alike(owner: Remote, result: Any) -> Any:
    """A frame that comes of a frame of the learner's own class is of that class, as in pandas."""
    if not isinstance(result, Remote):
        return result
    frame = owner.__dict__.get("_frame", owner)
    if type(result).home()[1] == type(frame).home()[1] == "DataFrame":
        made = object.__new__(type(frame))
        made.__dict__.update(frame.__dict__ | result.__dict__)
        return made
    result.__dict__["_frame"] = frame
    return result


def _operator(name: str) -> Any:
    def method(self: Remote, *args: Any) -> Any:
        return alike(self, ask("operator", name, (self, *args)))

    return method


_OPERATORS = (
    "abs", "add", "and", "bool", "contains", "delitem", "eq", "float", "floordiv", "ge", "getitem",
    "gt", "int", "invert", "le", "len", "lt", "matmul", "mod", "mul", "ne", "neg", "or", "pow",
    "radd", "rand", "rmul", "ror", "rsub", "rtruediv", "setitem", "sub", "truediv", "xor",
)  # fmt: skip
for _name in _OPERATORS:
    setattr(Remote, f"__{_name}__", _operator(_name))
_classes["", ""] = Remote
type.__setattr__(Remote, "_home", ("", ""))
type.__setattr__(Remote, "_methods", frozenset())


class Path:
    """What a package has that is no class: a function, or a module in it."""

    def __init__(self, package: str, path: str) -> None:
        self.package, self.path = package, path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return ask("make", self.package, self.path, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return find(self.package, f"{self.path}.{name}")


def find(package: str, path: str) -> Any:
    """What a package has under this name: a class, a value, or a Path."""
    kind, value = _what(package, path)
    if kind == "class":
        return _class(package, path)
    return Path(package, path) if kind == "path" else value


def _what(package: str, path: str) -> tuple[str, Any]:
    if package.endswith("_rust"):
        if not _rust:
            _rust.update(ask("rust"))
        if path not in _rust:
            raise AttributeError(path)
        return _rust[path]
    return ask("what", package, path)  # type: ignore[no-any-return]


def _class(package: str, path: str) -> RemoteClass:
    known = _classes.get((package, path))
    if known is None:
        name = path.rpartition(".")[2]
        methods = frozenset(_what(package, path)[1])
        body = {"_home": (package, path), "__module__": package, "_methods": methods}
        known = _classes[package, path] = RemoteClass(name, (Remote,), body)
    return known

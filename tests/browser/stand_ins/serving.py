"""On the tests' server: the real packages, and what the browser's stand-ins ask of them.

Started with the four packages of Pyodide's versions on its path, it serves the built site on
loopback, with the stand-ins laid over it, and answers `POST /stand-in` (see `remote.py`).
"""

from __future__ import annotations

import importlib
import io
import json
import operator
import pickle
import sys
import threading
import types
from collections.abc import Iterator
from functools import cache
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from browser.server import Handler
from tests.browser.stand_ins import RUST

_BUILTIN: dict[str, Any] = {
    "bool": bool, "float": float, "hash": hash, "int": int, "len": len, "list": list, "repr": repr,
}  # fmt: skip
_FAR = (types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType)
_PLAIN = (type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset)


class Objects:
    """What the browser holds on to, by number; kept as long as the server runs."""

    def __init__(self) -> None:
        self._kept: dict[int, Any] = {}
        self._lock = threading.Lock()

    def keep(self, thing: Any) -> int:
        """Its number from now on."""
        with self._lock:
            self._kept[len(self._kept)] = thing
            return len(self._kept) - 1

    def answer(self, request: bytes) -> bytes:
        """Do what is asked; a pickle of (True, result) or (False, exception)."""
        try:
            verb, *words = _Reader(io.BytesIO(request), self._kept).load()
            return self._pickled((True, _DO[verb](*words)))
        except Exception as error:
            return self._pickled((False, _copied(error)))

    def _pickled(self, result: Any) -> bytes:
        sent = io.BytesIO()
        _Writer(sent, self).dump(result)
        return sent.getvalue()


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, kept: dict[int, Any]) -> None:
        super().__init__(file)
        self._kept = kept

    def persistent_load(self, name: Any) -> Any:
        kind, *rest = name
        return self._kept[rest[0]] if kind == "object" else _find(*rest)


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, objects: Objects) -> None:
        super().__init__(file)
        self._objects = objects

    def persistent_id(self, thing: Any) -> Any:
        if isinstance(thing, _PLAIN) and type(thing).__module__ == "builtins":
            return None
        if isinstance(thing, type) or not _stays(thing):
            return None
        return (self._objects.keep(thing), *_home(type(thing)))

    def reducer_override(self, thing: Any) -> Any:
        """numpy's numbers travel as Python's, and an iterator as the list that it gives."""
        if type(thing).__module__ == "numpy" and hasattr(thing, "item"):
            plain = thing.item()
            return type(plain), (plain,)
        if isinstance(thing, Iterator):
            return list, (list(thing),)
        return NotImplemented


def _stays(thing: Any) -> bool:
    cls = type(thing)
    if cls.__module__.startswith("_cffi"):
        return True
    if isinstance(thing, _FAR) and not isinstance(
        getattr(thing, "__self__", None), types.ModuleType
    ):
        return not isinstance(thing.__self__, _PLAIN)
    if cls in _rust_classes():
        return True
    home = cls.__module__.split(".")[0]
    return cls.__module__.startswith(RUST) or (home in ("pandas", "numpy") and not _number(thing))


def _number(thing: Any) -> bool:
    return type(thing).__module__ == "numpy" and hasattr(thing, "item") and thing.ndim == 0


@cache
def _rust_classes() -> dict[type, str]:
    found: dict[type, str] = {}

    def walk(module: types.ModuleType, path: str) -> None:
        for name, value in vars(module).items():
            if isinstance(value, types.ModuleType):
                walk(value, f"{path}{name}.")
            elif isinstance(value, type) and not issubclass(value, Exception):
                found[value] = f"{path}{name}"

    walk(importlib.import_module(RUST), "")
    return found


def _home(cls: type) -> tuple[str, str]:
    """The name by which the browser knows a class; ("", "") if it need not."""
    rust = _rust_classes().get(cls)
    if rust:
        return RUST, rust
    known = getattr(importlib.import_module("pandas"), cls.__name__, None)
    return ("pandas", cls.__name__) if known is cls else ("", "")


def _find(package: str, path: str) -> Any:
    thing: Any = importlib.import_module(package)
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


def _what(package: str, path: str) -> tuple[str, Any]:
    thing = _find(package, path)
    if isinstance(thing, type) and not issubclass(thing, Exception):
        members = {name: getattr(thing, name, None) for name in dir(thing)}
        return "class", [n for n, m in members.items() if callable(m) and not isinstance(m, type)]
    if isinstance(thing, types.ModuleType) or callable(thing):
        return "path", None
    return "value", thing


def _all_of_rust() -> dict[str, tuple[str, Any]]:
    """Each name of cryptography's compiled module, at once: a request for each takes too long."""
    found: dict[str, tuple[str, Any]] = {}

    def walk(path: str) -> None:
        for name in dir(_find(RUST, path) if path else importlib.import_module(RUST)):
            here = f"{path}.{name}".lstrip(".")
            if not name.startswith("__") and name != "_openssl":
                found[here] = _what(RUST, here)
                if isinstance(_find(RUST, here), types.ModuleType):
                    walk(here)

    walk("")
    return found


def _operate(name: str, words: tuple[Any, ...]) -> Any:
    if name in _BUILTIN:
        return _BUILTIN[name](*words)
    if hasattr(operator, f"__{name}__"):
        return getattr(operator, f"__{name}__")(*words)
    return getattr(words[0], f"__{name}__")(*words[1:])


def _copied(error: Exception) -> Exception:
    """An error that the browser can have: of a class that it has, too."""
    if type(error).__module__.split(".")[0] not in ("pandas", "numpy", "pyo3_runtime"):
        return error.with_traceback(None)
    cls = next(each for each in type(error).__mro__ if each.__module__ == "builtins")
    copy: Exception = cls(str(error))
    return copy


def _ciphered(package: str, path: str, algorithm: Any, mode: Any, data: bytes) -> bytes:
    context = _find(package, path)(algorithm, mode)
    return bytes(context.update(data) + context.finalize())


_DO: dict[str, Any] = {
    "apply": lambda package, path, made, name, args: getattr(_find(package, path)(*made), name)(
        *args
    ),
    "attribute": getattr,
    "call": lambda thing, args, kwargs: thing(*args, **kwargs),
    "cipher": _ciphered,
    "invoke": lambda thing, name, args, kwargs: getattr(thing, name)(*args, **kwargs),
    "get": lambda package, path, name: getattr(_find(package, path), name),
    "make": lambda package, path, args, kwargs: _find(package, path)(*args, **kwargs),
    "operator": _operate,
    "rust": _all_of_rust,
    "set": setattr,
    "what": _what,
}


class _Served(Handler):
    disable_nagle_algorithm = True  # else an answer's body waits 40 ms for its head's receipt
    over: Path
    objects = Objects()

    def translate_path(self, path: str) -> str:
        """The stand-ins lie over the site."""
        under = super().translate_path(path)
        laid = self.over / Path(under).relative_to(self.directory)
        return str(laid) if laid.is_file() else under

    def do_POST(self) -> None:
        answer = self.objects.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def main(site: str, over: str) -> None:
    """Serve, and say at which port, until the process is ended."""
    _Served.over = Path(over)
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: _Served(*args, directory=site)
    ) as server:
        print(json.dumps({"port": server.server_port}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The stand-in for pandas: what is asked of it, the server's pandas does."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from stand_in_remote import find

__version__ = find("pandas", "__version__")
_PLAIN = (type(None), bool, int, float, str, bytes, Decimal)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return find("pandas", name)


def Index(data: Any = (), *args: Any, **kwargs: Any) -> Any:
    """Of a dict its keys: what they lead to need not travel."""
    return find("pandas", "Index")([*data] if isinstance(data, dict) else data, *args, **kwargs)


def _soon(name: str, answer: Any) -> Any:
    """A question about one cell, which needs no server where the cell is plain."""
    return lambda cell: answer(cell) if type(cell) in _PLAIN else find("pandas", name)(cell)


class _Types(SimpleNamespace):
    def __getattr__(self, name: str) -> Any:
        return find("pandas", f"api.types.{name}")


isna = _soon("isna", lambda cell: cell is None or cell != cell)
api = SimpleNamespace(
    types=_Types(
        is_scalar=_soon("api.types.is_scalar", lambda cell: True),
        is_bool=_soon("api.types.is_bool", lambda cell: type(cell) is bool),
        is_integer=_soon("api.types.is_integer", lambda cell: type(cell) is int),
        is_float=_soon("api.types.is_float", lambda cell: type(cell) is float),
    )
)

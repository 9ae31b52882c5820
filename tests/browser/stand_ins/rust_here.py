"""The stand-in for cryptography's compiled module: what is asked of it, the server's does."""

from __future__ import annotations

from typing import Any

from stand_in_remote import find


class ObjectIdentifier:
    """Hundreds of them are made when cryptography is imported: here, without the server."""

    def __init__(self, dotted_string: str) -> None:
        self.dotted_string = dotted_string

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectIdentifier) and self.dotted_string == other.dotted_string

    def __hash__(self) -> int:
        return hash(self.dotted_string)

    def __reduce__(self) -> Any:
        return ObjectIdentifier, (self.dotted_string,)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return find(__name__, name)

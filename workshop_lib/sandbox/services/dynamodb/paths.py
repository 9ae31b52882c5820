"""Document paths in items: what is found at one, and items cut down to some.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

Path = tuple[str | int, ...]


def find(attributes: Mapping[str, Any], path: Path) -> Any:
    """The value at a path; None where there is none."""
    found = attributes.get(str(path[0]))
    for element in path[1:]:
        if found is None:
            return None
        if isinstance(element, int):
            listed = found.get("L")
            found = listed[element] if listed is not None and element < len(listed) else None
        else:
            found = found.get("M", _NOTHING).get(element)
    return found


_NOTHING: Mapping[str, Any] = {}


def cut(attributes: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """What an item has at these paths, where it was; elements of lists move up."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for element in path[:-1]:
            branch = branch.setdefault(element, {})
        branch[path[-1]] = None
    return _members(attributes, tree)


def _members(attributes: Mapping[str, Any], tree: Mapping[Any, Any]) -> dict[str, Any]:
    found = {}
    for name, inner in tree.items():
        value = _within(attributes.get(name), inner)
        if value is not None:
            found[name] = value
    return found


def _within(value: Any, tree: Mapping[Any, Any] | None) -> Any:
    """The part of a value that a tree of paths names; all of it for None."""
    if value is None or tree is None:
        return value
    if isinstance(next(iter(tree)), int):
        listed = value.get("L", ())
        parts = [_within(listed[n], tree[n]) for n in sorted(tree) if n < len(listed)]
        kept = [part for part in parts if part is not None]
        return {"L": kept} if kept else None
    kept_members = _members(value.get("M", _NOTHING), tree)
    return {"M": kept_members} if kept_members else None


def conflict(one: Path, two: Path) -> str | None:
    """How two paths stand in each other's way: they "overlap" or "conflict"; None if not."""
    for first, second in zip(one, two, strict=False):
        if isinstance(first, int) != isinstance(second, int):
            return "conflict"
        if first != second:
            return None
    return "overlap"


def shown(path: Path) -> str:
    """A path as DynamoDB prints it."""
    elements = (f"[{each}]" if isinstance(each, int) else each for each in path)
    return f"[{', '.join(elements)}]"

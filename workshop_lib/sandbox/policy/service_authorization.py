"""AWS's actions, the types of resource each applies to, and the condition keys that fit it.

From the service authorization reference, trimmed by tests/support/service_authorization.py; the
file names its source and date. It is read when a service is first asked about.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("service_authorization.json")


@dataclass(frozen=True, slots=True)
class Action:
    """An action: the types of resource it applies to, and its condition keys."""

    resources: frozenset[str]
    keys: frozenset[str]


@cache
def actions(service: str) -> Mapping[str, Action]:
    """A service's actions by their names in lower case, without prefix."""
    found = _table()["services"][service]
    common = frozenset(map(_family, found["common_keys"]))
    of_type = {name: frozenset(map(_family, keys)) for name, keys in found["resources"].items()}

    def action(entry: Mapping[str, list[str]]) -> Action:
        types = entry.get("on", [])
        lacks = frozenset(map(_family, entry.get("lacks", [])))
        own = frozenset(map(_family, entry.get("keys", [])))
        return Action(
            frozenset(types), (common - lacks) | own.union(*(of_type[name] for name in types))
        )

    return {name.lower(): action(entry) for name, entry in found["actions"].items()}


@cache
def condition_keys(service: str) -> frozenset[str]:
    """All condition keys of a service's actions, as `key_family` names them."""
    return frozenset().union(*(action.keys for action in actions(service).values()))


@cache
def actions_with(service: str, key: str) -> frozenset[str]:
    """The actions that have a condition key, as the reference spells them, without prefix."""
    family = key_family(key)
    named = {name.lower(): name for name in _table()["services"][service]["actions"]}
    return frozenset(
        named[name] for name, action in actions(service).items() if family in action.keys
    )


def key_family(name: str) -> str:
    """A condition key in lower case; of a key that ends in a tag's or a context's, the start."""
    lowered = name.lower()
    if lowered.startswith("kms:encryptioncontext:"):
        return "kms:encryptioncontext:"
    head, slash, _ = lowered.partition("/")
    return head + slash


def _family(name: str) -> str:
    """As `key_family`, of a key in the reference: what varies is written <key> or ${TagKey}."""
    return name.partition("<")[0].partition("${")[0].lower()


@cache
def _table() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))

"""Whoever a policy speaks of, as far as a policy can tell people apart.

A policy may leave out one role, one user, one session, or mean one of them alone: by Principal, by
NotPrincipal, by a condition. A check need not be that one to ask what the policy says of it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import boto3

from workshop_lib.exercises.policies import (
    Statement,
    conditions,
    filled,
    mentioned,
    named_in,
)

_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?")
_TAG = "aws:principaltag/"
KEYS = ("aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid",
        "aws:username")  # fmt: skip
"""The condition keys that say who asks, in lower case."""


@dataclass(frozen=True)
class Caller:
    """Somebody who asks.

    who: in words. account: empty for the anonymous. arns: what a Principal may call it. facts: its
    condition keys. tagged: whether `facts` has its tags, as they are.
    """

    who: str
    account: str
    arns: frozenset[str]
    facts: Mapping[str, str]
    tagged: bool = False

    @property
    def root(self) -> bool:
        """Whether it is an account's root user."""
        return self.facts.get("aws:PrincipalType") == "Account"


def is_meant(statement: Mapping[str, Any], caller: Caller) -> bool:
    """Whether a statement of a resource's policy is about the caller, conditions aside."""
    if "NotPrincipal" not in statement:
        named = named_in(statement.get("Principal", ()))
        return by_name(statement, caller) or caller.account in _accounts(named)
    named = named_in(statement["NotPrincipal"])
    if "*" in named:
        return False
    # the caller is left out only if each of session, role and account is named
    spared = (caller.root or caller.arns <= set(named)) and caller.account in _accounts(named)
    return not spared


def by_name(statement: Mapping[str, Any], caller: Caller) -> bool:
    """Whether the Principal names the caller itself, or everybody; not only its account."""
    named = set(named_in(statement.get("Principal", ())))
    return "*" in named or not caller.arns.isdisjoint(named)


def _accounts(named: Iterable[str]) -> set[str]:
    return {found[1] for each in named if (found := _ACCOUNT.fullmatch(each))}


# --- who there is --------------------------------------------------------------------------------


def everybody(statements: Sequence[Statement]) -> list[Caller]:
    """You, unknown people, all of this account, and all that the statements speak of.

    Of those who are alike for the statements, the first is there alone.
    """
    me = boto3.client("sts").get_caller_identity()
    account, keys = me["Account"], set(mentioned(statements))
    tags = any(key.startswith(_TAG) for key in keys)
    word = secrets.token_hex(4)
    people = [
        _named("you", me["Arn"], me["UserId"]),
        _role(account, f"colleague-{word}", who="another role"),
        _user(account, f"colleague-{word}", who="another user"),
        *_existing(tags),
        *(_made_up(pattern, account) for pattern in _arns(statements)),
        *_by_id(statements, account),
        _root(account),
    ]
    foreign = {found for each in statements for found in _accounts(_all_named(each))} - {account}
    for other in (*sorted(foreign), "999999999999"):
        people.append(_role(other, f"stranger-{word}", who=f"a role of the account {other}"))
    people.append(Caller("somebody without credentials", "", frozenset(),
                         {"aws:PrincipalType": "Anonymous"}))  # fmt: skip
    found: dict[Any, Caller] = {}
    for one in people:
        if one is not None:
            told = {key: value for key, value in one.facts.items() if key.lower() in keys}
            meant = tuple(is_meant(each, one) for each in statements)
            kind = (one.root, one.account == account, one.tagged)
            found.setdefault((meant, *kind, *sorted(told.items())), one)
    return list(found.values())


def of_account(account: str, statements: Sequence[Statement]) -> list[Caller]:
    """Somebody of another account, and those of it that the statements name."""
    named = [_made_up(pattern, account) for pattern in _arns(statements)]
    theirs = [one for one in named if one and one.account == account]
    theirs += _by_id(statements, account)
    return [_role(account, f"colleague-{secrets.token_hex(4)}"), *theirs]


def of_role(role: Mapping[str, Any], session: str = "work") -> Caller:
    """A session of a role, as ListRoles describes it, with its tags."""
    tags = boto3.client("iam").list_role_tags(RoleName=role["RoleName"])["Tags"]
    return _named(f"the role {role['RoleName']}", role["Arn"], role["RoleId"], tags, session)


def _existing(tags: bool) -> Iterator[Caller]:
    iam = boto3.client("iam")
    for page in iam.get_paginator("list_roles").paginate():
        for each in page["Roles"]:
            own = iam.list_role_tags(RoleName=each["RoleName"])["Tags"] if tags else None
            yield _named(f"the role {each['RoleName']}", each["Arn"], each["RoleId"], own)
    for page in iam.get_paginator("list_users").paginate():
        for each in page["Users"]:
            own = iam.list_user_tags(UserName=each["UserName"])["Tags"] if tags else None
            yield _named(f"the user {each['UserName']}", each["Arn"], each["UserId"], own)


def _named(
    who: str,
    arn: str,
    user_id: str,
    tags: Sequence[Mapping[str, str]] | None = None,
    session: str = "work",
) -> Caller:
    """Who has this ARN: of a user, a role or a session."""
    account, resource = arn.split(":", 5)[4:]
    kind, _, name = resource.partition("/")
    given = {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in tags or ()}
    facts = {"aws:PrincipalAccount": account, "aws:PrincipalArn": arn, **given}
    if kind == "user":
        facts |= {"aws:PrincipalType": "User", "aws:userid": user_id}
        facts["aws:username"] = name.rpartition("/")[2]
        return Caller(who, account, frozenset({arn}), facts, tags is not None)
    if kind == "assumed-role":
        name, _, session = name.partition("/")
        user_id = user_id.partition(":")[0]
        facts["aws:PrincipalArn"] = arn = f"arn:aws:iam::{account}:role/{name}"
    facts |= {"aws:PrincipalType": "AssumedRole", "aws:userid": f"{user_id}:{session}"}
    last = name.rpartition("/")[2]
    both = {arn, f"arn:aws:sts::{account}:assumed-role/{last}/{session}"}
    return Caller(who, account, frozenset(both), facts, tags is not None)


def _role(account: str, name: str, *, who: str = "", user_id: str = "") -> Caller:
    arn, new = f"arn:aws:iam::{account}:role/{name}", "AROA" + secrets.token_hex(8).upper()
    user_id, _, session = (user_id or f"{new}:work").partition(":")
    return _named(who or f"the role {name}", arn, user_id, session=session)


def _user(account: str, name: str, *, who: str = "", user_id: str = "") -> Caller:
    arn, new = f"arn:aws:iam::{account}:user/{name}", "AIDA" + secrets.token_hex(8).upper()
    return _named(who or f"the user {name}", arn, user_id or new)


def _root(account: str) -> Caller:
    arn = f"arn:aws:iam::{account}:root"
    facts = {"aws:PrincipalAccount": account, "aws:PrincipalArn": arn,
             "aws:PrincipalType": "Account", "aws:userid": account}  # fmt: skip
    return Caller("the account's root user", account, frozenset({arn}), facts)


def _all_named(statement: Mapping[str, Any]) -> list[str]:
    return [
        each
        for element in ("Principal", "NotPrincipal")
        for each in named_in(statement.get(element, ()))
    ]


def _values_of(statements: Iterable[Statement], key: str) -> list[str]:
    return [
        value
        for statement in statements
        for condition in conditions(statement)
        if condition.key.lower() == key
        for value in condition.values
    ]


def _arns(statements: Sequence[Statement]) -> list[str]:
    named = [each for statement in statements for each in _all_named(statement)]
    return [*named, *_values_of(statements, "aws:principalarn")]


def _made_up(pattern: str, account: str) -> Caller | None:
    """Somebody whose ARN a pattern fits; None if it is one of an account, or of everybody."""
    *_, whose, resource = ["", "", *pattern.split(":", 5)[-2:]]
    whose = account if not whose or set(whose) & set("*?") else whose
    kind, _, name = resource.partition("/")
    if kind == "assumed-role":
        name, _, session = name.partition("/")
        return _role(whose, filled(name), user_id=f"AROAMADEUP:{filled(session or '*')}")
    if kind not in ("role", "user"):
        found = [each for each in ("role", "user") if fnmatchcase(f"{each}/x", resource)]
        if resource in ("*", "root") or not found:
            return None
        kind, name = found[0], secrets.token_hex(4)
    return (_role if kind == "role" else _user)(whose, filled(name))


def _by_id(statements: Sequence[Statement], account: str) -> Iterator[Caller]:
    """Those whom conditions on a user's name, or on the id of a user or a session, speak of."""
    for name in _values_of(statements, "aws:username"):
        yield _user(account, filled(name))
    for pattern in _values_of(statements, "aws:userid"):
        one, who = filled(pattern), f"whose aws:userid is {filled(pattern)}"
        if ":" in one or one.startswith("AROA"):
            yield _role(account, "somebody", who=f"a role's session {who}", user_id=one)
        elif not one.isdecimal():
            yield _user(account, "somebody", who=f"a user {who}", user_id=one)

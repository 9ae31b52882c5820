"""The policy evaluator: AWS's own examples, its refusals, and a comparison with a slow reference.

Tests name the AWS page they come from; "IAM" is the IAM User Guide.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.support.policy_reference import Ask, evaluate, many
from workshop_lib.sandbox.policy.conditions import instant
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.evaluation import (
    AccessRequest,
    Decision,
    Policy,
    Principal,
    decide,
)
from workshop_lib.sandbox.policy.grammar import MalformedPolicy

ACCOUNT, OTHER = "111111111111", "222222222222"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
OBJECT = "arn:aws:s3:::docs/a.txt"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"


def document(*statements: Mapping[str, Any], version: str | None = "2012-10-17") -> dict[str, Any]:
    head = {"Version": version} if version else {}
    return {**head, "Statement": list(statements)}


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    given = {"Effect": effect, **elements}
    if "NotAction" not in given:
        given.setdefault("Action", "*")
    if "NotResource" not in given:
        given.setdefault("Resource", "*")
    return given


def policy(*statements: Mapping[str, Any], kind: Any = "identity", **more: Any) -> Policy:
    version = more.pop("version", "2012-10-17")
    return parse_policy(
        document(*statements, version=version), kind=kind, known_keys=lambda key: True, **more
    )


EVERYTHING = policy(statement())


def user(*policies: Policy, **more: Any) -> Principal:
    return Principal("user", ALICE, ACCOUNT, identity_policies=policies, **more)


def session(*policies: Policy, **more: Any) -> Principal:
    return Principal(
        "role-session", SESSION, ACCOUNT, role_arn=ROLE, identity_policies=policies, **more
    )


def ask(
    who: Principal,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    context: Mapping[str, str | Sequence[str]] | None = None,
    **more: Any,
) -> Decision:
    more.setdefault("resource_account", ACCOUNT)
    return decide(AccessRequest(who, action, resource, context or {}), **more)


def holds(condition: Mapping[str, Any], version: str = "2012-10-17", **context: Any) -> bool:
    """Whether a condition is met: the only thing that stands between alice and the object."""
    named = {name.replace("__", ":"): value for name, value in context.items()}
    granted = policy(statement(Condition=condition), version=version)
    return ask(user(granted), context=named).allowed


# --- IAM: Policy evaluation logic ---------------------------------------------------------


def test_everything_is_denied_by_default() -> None:
    assert not ask(user()).allowed
    assert ask(user(EVERYTHING)).allowed


def test_carlos_of_the_example_in_policy_evaluation_logic() -> None:
    own = policy(
        statement(
            Action=["s3:GetBucketLocation", "s3:ListAllMyBuckets"], Resource="arn:aws:s3:::*"
        ),
        statement(Action="s3:*", Resource=["arn:aws:s3:::carlos/*", "arn:aws:s3:::carlos"]),
        statement("Deny", Action="s3:*", Resource="arn:aws:s3:::*log*"),
    )
    bucket = policy(
        statement(
            Principal={"AWS": ALICE},
            Action="s3:*",
            Resource=["arn:aws:s3:::carlos/*", "arn:aws:s3:::carlos"],
        ),
        kind="bucket",
    )
    to_logs = ask(user(own), "s3:PutObject", "arn:aws:s3:::carlos-logs/x")
    assert (to_logs.allowed, to_logs.explicit, to_logs.policy_kind) == (False, True, "identity")
    assert ask(user(own), "s3:PutObject", "arn:aws:s3:::carlos/x", resource_policy=bucket).allowed
    assert ask(user(), "s3:PutObject", "arn:aws:s3:::carlos/x", resource_policy=bucket).allowed
    assert not ask(user(own), "iam:ListUsers", "*").allowed


@pytest.mark.parametrize("holder", ["identity", "resource", "boundary", "session"])
def test_an_explicit_deny_anywhere_wins(holder: str) -> None:
    deny = statement("Deny", Action="s3:GetObject")
    opened = statement(Principal="*", Action="s3:*", Resource="arn:aws:s3:::docs/*")
    both = policy(statement(), deny)
    refused = {**deny, "Principal": "*", "Resource": "arn:aws:s3:::docs/*"}
    bucket = [opened, refused] if holder == "resource" else [opened]
    who = session(
        both if holder == "identity" else EVERYTHING,
        boundary=both if holder == "boundary" else EVERYTHING,
        session_policies=(both,) if holder == "session" else None,
    )
    decision = ask(who, resource_policy=policy(*bucket, kind="bucket"))
    assert (decision.allowed, decision.explicit, decision.policy_kind) == (False, True, holder)
    assert ask(who, "s3:PutObject", resource_policy=policy(*bucket, kind="bucket")).allowed


ONLY_KMS = policy(statement(Action="kms:*"))


@pytest.mark.parametrize(
    ("who", "named", "allowed"),
    [
        # "Resource-based policies that grant permissions to an IAM user ARN ... are not limited
        # by an implicit deny in an identity-based policy or permissions boundary."
        (user(boundary=ONLY_KMS), {"AWS": ALICE}, None),
        # "... to an IAM role ARN are limited by an implicit deny in a permissions boundary or
        # session policy."
        (session(boundary=ONLY_KMS), {"AWS": ROLE}, "boundary"),
        (session(session_policies=(ONLY_KMS,)), {"AWS": ROLE}, "session"),
        (session(), {"AWS": ROLE}, None),
        # "Permissions granted directly to a session are not limited ..."
        (session(boundary=ONLY_KMS, session_policies=(ONLY_KMS,)), {"AWS": SESSION}, None),
        # AWS JSON policy elements: Principal, "All principals"
        (session(boundary=ONLY_KMS, session_policies=(ONLY_KMS,)), "*", None),
        # Principal, "AWS account principals": "This delegates authority to the account."
        (user(), {"AWS": ACCOUNT}, "identity"),
        (user(), {"AWS": ROOT}, "identity"),
        (user(EVERYTHING), {"AWS": ROOT}, None),
    ],
)
def test_what_a_bucket_policy_grants_depends_on_whom_it_names(
    who: Principal, named: Any, allowed: str | None
) -> None:
    bucket = policy(
        statement(Principal=named, Action="s3:*", Resource="arn:aws:s3:::docs/*"), kind="bucket"
    )
    decision = ask(who, resource_policy=bucket)
    assert decision.allowed == (allowed is None)
    assert allowed is None or (decision.policy_kind, decision.explicit) == (allowed, False)


def test_boundary_and_session_policies_only_limit() -> None:
    assert not ask(user(boundary=EVERYTHING)).allowed
    assert ask(user(EVERYTHING, boundary=ONLY_KMS)).policy_kind == "boundary"
    assert ask(user(EVERYTHING, boundary=ONLY_KMS), "kms:Decrypt", KEY).allowed
    assert ask(session(EVERYTHING, session_policies=(ONLY_KMS,))).policy_kind == "session"
    assert ask(session(EVERYTHING, session_policies=(ONLY_KMS, EVERYTHING))).allowed


def test_across_accounts_both_sides_must_allow() -> None:
    """IAM: Cross-account policy evaluation logic."""
    bucket = policy(
        statement(Principal={"AWS": ROOT}, Action="s3:*", Resource="arn:aws:s3:::docs/*"),
        kind="bucket",
    )
    elsewhere: dict[str, Any] = {"resource_account": OTHER}
    assert ask(user(EVERYTHING), resource_policy=bucket, **elsewhere).allowed
    for refused, kind in (
        (ask(user(), resource_policy=bucket, **elsewhere), "identity"),
        (ask(user(EVERYTHING), **elsewhere), "resource"),
    ):
        assert (refused.allowed, refused.policy_kind) == (False, kind)
    direct = policy(
        statement(Principal={"AWS": ALICE}, Action="s3:*", Resource="arn:aws:s3:::docs/*"),
        kind="bucket",
    )
    assert not ask(user(), resource_policy=direct, **elsewhere).allowed


def test_the_anonymous_get_what_everyone_gets() -> None:
    """IAM: AWS JSON policy elements: Principal, "All principals"."""
    nobody = Principal("anonymous", "*", None)
    for named, allowed in (("*", True), ({"AWS": "*"}, True), ({"AWS": ALICE}, False)):
        bucket = policy(
            statement(Principal=named, Action="s3:*", Resource="arn:aws:s3:::docs/*"),
            kind="bucket",
        )
        assert ask(nobody, resource_policy=bucket).allowed is allowed
    assert not ask(nobody).allowed


def test_a_service_is_named_as_a_service() -> None:
    """IAM: AWS JSON policy elements: Principal, "AWS service principals"."""
    logs = Principal("service", "logging.s3.amazonaws.com", None)
    named = {"Service": ["logging.s3.amazonaws.com"]}
    bucket = policy(
        statement(Principal=named, Action="s3:PutObject", Resource="arn:aws:s3:::docs/*"),
        kind="bucket",
    )
    assert ask(logs, "s3:PutObject", resource_policy=bucket).allowed
    assert not ask(logs, resource_policy=bucket).allowed
    assert not ask(user(), "s3:PutObject", resource_policy=bucket).allowed


def test_root_may_do_all_that_is_not_denied() -> None:
    """IAM: Policy evaluation logic, "with the exception of the AWS account root user"."""
    root = Principal("root", ROOT, ACCOUNT)
    refused = statement(
        "Deny", Principal={"AWS": ROOT}, Action="s3:*", Resource="arn:aws:s3:::docs/*"
    )
    assert ask(root).allowed
    assert ask(root, resource_policy=policy(refused, kind="bucket")).explicit


def test_deny_with_not_principal_spares_only_who_is_listed_whole() -> None:
    """IAM: NotPrincipal: user and account, or session, role and account, must be listed; and
    Permissions boundaries: it "will always deny any IAM principal" that has one."""

    def denied(who: Principal, *listed: str) -> bool:
        rule = statement(
            "Deny",
            NotPrincipal={"AWS": list(listed)},
            Action="s3:*",
            Resource="arn:aws:s3:::docs/*",
        )
        return ask(who, resource_policy=policy(rule, kind="bucket")).explicit

    assert not denied(user(EVERYTHING), ALICE, ROOT)
    assert denied(user(EVERYTHING), ALICE)
    assert denied(user(EVERYTHING), ROOT)
    assert denied(user(EVERYTHING, boundary=EVERYTHING), ALICE, ROOT)
    assert not denied(session(EVERYTHING), SESSION, ROLE, ROOT)
    assert denied(session(EVERYTHING), SESSION, ROOT)
    assert denied(Principal("anonymous", "*", None), ALICE, ROOT)


# --- KMS Developer Guide: Key policies; Grants --------------------------------------------

DEFAULT_KEY_POLICY = statement(Principal={"AWS": ROOT}, Action="kms:*")
DECRYPTS = policy(statement(Action="kms:Decrypt"))


def on_key(who: Principal, *rules: Mapping[str, Any], **more: Any) -> Decision:
    context = more.pop("context", {})
    return ask(who, "kms:Decrypt", KEY, context, resource_policy=policy(*rules, kind="key"), **more)


def test_the_default_key_policy_lets_identity_policies_decide() -> None:
    """KMS: Default key policy, "Allows access to the AWS account and enables IAM policies"."""
    assert on_key(user(DECRYPTS), DEFAULT_KEY_POLICY).allowed
    assert on_key(user(), DEFAULT_KEY_POLICY).policy_kind == "identity"
    assert on_key(Principal("root", ROOT, ACCOUNT), DEFAULT_KEY_POLICY).allowed


def test_without_that_statement_identity_policies_count_for_nothing() -> None:
    """ "Without this permission, IAM policies that allow access to the key are ineffective"."""
    only_bob = statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, Action="kms:*")
    decision = on_key(user(DECRYPTS), only_bob)
    assert (decision.allowed, decision.policy_kind) == (False, "resource")
    assert not on_key(Principal("root", ROOT, ACCOUNT), only_bob).allowed
    directly = statement(Principal={"AWS": ALICE}, Action="kms:Decrypt")
    assert on_key(user(), directly).allowed


def test_delegation_stands_under_its_conditions() -> None:
    via_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    rule = {**DEFAULT_KEY_POLICY, "Condition": via_s3}
    through = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    assert on_key(user(DECRYPTS), rule, context=through).allowed
    assert not on_key(user(DECRYPTS), rule).allowed


def test_a_grant_allows_what_no_deny_forbids() -> None:
    """KMS: Grants in AWS KMS."""
    only_bob = statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, Action="kms:*")
    assert on_key(user(), only_bob, granted=True).policy_kind == "grant"
    deny = statement("Deny", Principal="*", Action="kms:Decrypt")
    assert on_key(user(), only_bob, deny, granted=True).explicit
    assert not on_key(user(policy(statement("Deny"))), only_bob, granted=True).allowed


def test_a_key_policy_statement_without_action_or_resource_has_no_effect() -> None:
    """KMS API reference, PutKeyPolicy: "the PutKeyPolicy API request succeeds, even though the
    policy statement is ineffective"."""
    full = statement(Principal={"AWS": ALICE}, Action="kms:*")
    for missing in ("Action", "Resource"):
        rule = {name: value for name, value in full.items() if name != missing}
        assert not on_key(user(), rule).allowed
    assert on_key(user(), full).allowed


def test_a_trust_policy_must_name_the_principal_or_its_account() -> None:
    """IAM: Policy evaluation logic: "IAM role trust policies and KMS key policies are
    exceptions to this logic, because they must explicitly allow access for principals"."""

    def assume(who: Principal, named: Any) -> Decision:
        rule = {"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole"}
        return ask(who, "sts:AssumeRole", ROLE, resource_policy=policy(rule, kind="trust"))

    assert assume(user(), {"AWS": ALICE}).allowed
    assert assume(user(EVERYTHING), {"AWS": ACCOUNT}).allowed
    assert assume(user(), {"AWS": ACCOUNT}).policy_kind == "identity"
    decision = assume(user(EVERYTHING), {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"})
    assert decision.policy_kind == "trust"
    assert decision.message(resource="omitted") == (
        f"User: {ALICE} is not authorized to perform: sts:AssumeRole "
        "because no role trust policy allows the sts:AssumeRole action"
    )


# --- IAM: Troubleshoot access denied error messages ---------------------------------------


def test_denials_say_who_what_where_and_why() -> None:
    no_policy = ask(user(), "s3:GetObject")
    start = f"User: {ALICE} is not authorized to perform: s3:GetObject"
    because = "because no identity-based policy allows the s3:GetObject action"
    assert no_policy.message(resource="quoted") == f'{start} on resource: "{OBJECT}" {because}'
    assert no_policy.message() == f"{start} on resource: {OBJECT} {because}"
    assert no_policy.message(resource="omitted") == f"{start} {because}"
    assert no_policy.message(reason=False) == f"{start} on resource: {OBJECT}"


@pytest.mark.parametrize(
    ("who", "rules", "reason"),
    [
        (user(policy(statement("Deny"))), [], "with an explicit deny in an identity-based policy"),
        (
            user(EVERYTHING, boundary=policy(statement("Deny"))),
            [],
            "with an explicit deny in a permissions boundary",
        ),
        (
            session(EVERYTHING, session_policies=(policy(statement("Deny")),)),
            [],
            "with an explicit deny in a session policy",
        ),
        (
            user(EVERYTHING),
            [statement("Deny", Principal="*")],
            "with an explicit deny in a resource-based policy",
        ),
        (user(), [], "because no resource-based policy allows the kms:Decrypt action"),
        (
            user(),
            [DEFAULT_KEY_POLICY],
            "because no identity-based policy allows the kms:Decrypt action",
        ),
        (
            user(EVERYTHING, boundary=policy(statement(Action="s3:*"))),
            [DEFAULT_KEY_POLICY],
            "because no permissions boundary allows the kms:Decrypt action",
        ),
        (
            session(EVERYTHING, session_policies=(policy(statement(Action="s3:*")),)),
            [DEFAULT_KEY_POLICY],
            "because no session policy allows the kms:Decrypt action",
        ),
    ],
)
def test_the_reason_names_the_type_of_policy(
    who: Principal, rules: list[Mapping[str, Any]], reason: str
) -> None:
    nobody_else = statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"})
    decision = on_key(who, nobody_else, *rules)
    assert decision.message() == (
        f"User: {who.arn} is not authorized to perform: kms:Decrypt on resource: {KEY} {reason}"
    )


def test_a_denying_managed_policy_is_named_by_its_arn() -> None:
    """AWS Security Blog: Enhanced access denied error messages with policy ARNs."""
    arn = f"arn:aws:iam::{ACCOUNT}:policy/NoDelete"
    managed = policy(statement("Deny", Action="s3:Delete*"), kind="managed", arn=arn)
    decision = ask(user(EVERYTHING, managed), "s3:DeleteObject")
    assert decision.reason == f"with an explicit deny in an identity-based policy: {arn}"


# --- IAM: Action, Resource and their Not… forms -------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:Get*", True),
        ("s3:?etObject", True),
        ("s3:*Object", True),
        ("*", True),
        ("s3:GetObjec", False),
        ("s3:GetObject?", False),
        ("kms:*", False),
    ],
)
def test_actions_know_wildcards_and_no_case(pattern: str, matches: bool) -> None:
    assert ask(user(policy(statement(Action=pattern)))).allowed is matches
    assert ask(user(policy(statement(NotAction=pattern)))).allowed is not matches


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("arn:aws:s3:::docs/*/test/*", "arn:aws:s3:::docs/1/2/test/3.jpg", True),
        ("arn:aws:s3:::docs/*/test/*", "arn:aws:s3:::docs/1/test", False),
        ("arn:aws:s3:::docs/*", "arn:aws:s3:::docs", False),
        ("arn:aws:s3:::DOCS/*", OBJECT, False),  # ARNs know case
        ("arn:aws:s3:::docs/?.txt", OBJECT, True),
        ("arn:aws:s3:::docs/?.txt", "arn:aws:s3:::docs/:.txt", True),
        ("arn:aws:s3:::docs/*", "arn:aws:s3:::docs/a:b:c", True),
        ("arn:aws:dynamodb:*:*:table/t", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t", True),
        # "If the * wildcard is the last character of a resource ARN segment, it can expand to
        # match beyond the colon boundaries."
        ("arn:aws:dynamodb:*:table/t", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t", True),
        ("arn:aws:kms:*", KEY, True),
        ("arn:aws:k:r*:a*b:x:y", "arn:aws:k:r:aQ:ab:x:y", True),
        ("arn:aws:dynamodb:us-*1:table/t", f"arn:aws:dynamodb:us-e:{ACCOUNT}:table/t", False),
        ("arn:aws:kms:us-????-1:*:key/1", KEY, True),
        ("arn:aws:kms:us?east-1?*:key/1", KEY, False),
        (KEY, "*", False),
    ],
)
def test_resources_know_wildcards_part_by_part(pattern: str, resource: str, matches: bool) -> None:
    """IAM: IAM JSON policy elements: Resource, "Using wildcards in resource ARNs"."""
    allowing = policy(statement(Resource=["arn:aws:sqs:::never", pattern]))
    assert ask(user(allowing), resource=resource).allowed is matches
    refusing = policy(statement(NotResource=pattern))
    assert ask(user(refusing), resource=resource).allowed is not matches


def test_wildcards_beside_a_variable_stay_within_their_part_too() -> None:
    """IAM: IAM JSON policy elements: Resource, "Using wildcards in resource ARNs"."""
    alice = {"aws:username": "alice"}
    right = policy(statement(Resource=f"arn:aws:kms:us-*1:{ACCOUNT}:key/${{aws:username}}"))
    wrong = policy(statement(Resource="arn:aws:kms:us-*1:key/${aws:username}"))
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/alice"
    assert ask(user(right), "kms:Decrypt", key, alice).allowed
    assert not ask(user(wrong), "kms:Decrypt", key.replace("us-east-1", "us-e"), alice).allowed


def test_in_a_text_a_wildcard_beside_a_variable_passes_colons() -> None:
    """IAM: IAM JSON policy elements: Condition operators, "String condition operators"."""
    alice = {"aws:username": "alice", "s3:prefix": "homes:blue:alice"}
    rule = policy(statement(Condition={"StringLike": {"s3:prefix": "homes*${aws:username}"}}))
    assert ask(user(rule), context=alice).allowed


def test_no_pattern_hangs() -> None:
    """Tried one after the other, the ways to match these would take longer than anybody waits."""
    long = "arn:aws:s3:::docs/" + "a:" * 500
    for pattern in ("*a*" * 40 + "b", "arn:*:*:*:*:*a*b", "arn:a*s:*:*s*:*:a*b:*z"):
        rule = policy(statement(Condition={"StringLike": {"s3:prefix": pattern}}))
        assert not ask(user(rule), context={"s3:prefix": long}).allowed
    assert not ask(user(policy(statement(Resource="arn:*:s3:::*a*b*:z"))), resource=long).allowed
    patterns = ["arn:*:*:*:*:*y", "arn:aws:*s:*s*:*:*a*b*:z"]
    rule = policy(statement(Condition={"ArnLike": {"aws:SourceArn": patterns}}))
    assert not ask(user(rule), context={"aws:SourceArn": long}).allowed


# --- IAM: Policy elements: Variables and tags ---------------------------------------------

HOME = policy(statement(Action="s3:*", Resource="arn:aws:s3:::docs/${aws:username}/*"))


def test_variables_are_filled_from_the_request() -> None:
    mine, hers = "arn:aws:s3:::docs/alice/x", "arn:aws:s3:::docs/bob/x"
    assert ask(user(HOME), resource=mine, context={"aws:username": "alice"}).allowed
    assert not ask(user(HOME), resource=hers, context={"aws:username": "alice"}).allowed
    assert ask(user(HOME), resource=mine, context={"AWS:UserName": "alice"}).allowed


def test_variables_need_the_version_of_2012() -> None:
    rule = statement(Resource="arn:aws:s3:::docs/${aws:username}/*")
    for version in ("2008-10-17", None):
        old = policy(rule, version=version)
        literal = "arn:aws:s3:::docs/${aws:username}/x"
        assert ask(user(old), resource=literal, context={"aws:username": "alice"}).allowed
        assert not ask(
            user(old), resource="arn:aws:s3:::docs/alice/x", context={"aws:username": "alice"}
        ).allowed


def test_a_variable_without_a_value_is_like_nothing() -> None:
    """ "Policy variables with no value": "There is no equal or like value"; "inverted condition
    operators like StringNotEquals ... do match against a null value"."""
    assert not ask(user(HOME), resource="arn:aws:s3:::docs//x").allowed
    unlike = policy(statement(NotResource="arn:aws:s3:::docs/${aws:username}/*"))
    assert ask(user(unlike)).allowed
    team = "${aws:PrincipalTag/Team}"
    assert not holds({"StringEquals": {"s3:prefix": team}}, s3__prefix="red")
    assert holds({"StringNotEquals": {"s3:prefix": team}}, s3__prefix="red")
    assert not holds({"StringLike": {"s3:prefix": [team, "blue"]}}, s3__prefix="red")
    several = {"aws:username": ["a", "b"]}
    assert not ask(user(HOME), resource="arn:aws:s3:::docs/a/x", context=several).allowed


def test_a_variable_may_have_a_default() -> None:
    rule = policy(statement(Resource="arn:aws:s3:::docs/${aws:username, 'nobody'}/*"))
    assert ask(user(rule), resource="arn:aws:s3:::docs/nobody/x").allowed
    assert not ask(
        user(rule), resource="arn:aws:s3:::docs/nobody/x", context={"aws:username": "al"}
    ).allowed


def test_special_characters_are_literal() -> None:
    assert holds({"StringLike": {"s3:prefix": "a${*}b${?}${$}*"}}, s3__prefix="a*b?$c")
    assert not holds({"StringLike": {"s3:prefix": "a${*}b"}}, s3__prefix="axb")
    assert holds(
        {"StringEquals": {"s3:prefix": "${$}{aws:username}"}}, s3__prefix="${aws:username}"
    )


def test_wildcards_in_a_variables_value_are_literal() -> None:
    rule = {"StringLike": {"s3:prefix": "${aws:PrincipalTag/home}/*"}}
    named = {"s3:prefix": "secret/x", "aws:PrincipalTag/home": "*"}
    assert not ask(user(policy(statement(Condition=rule))), context=named).allowed


# --- IAM: Condition operators -------------------------------------------------------------

K = "test:key"


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("StringEquals", "abc", "abc", True),
        ("StringEquals", "abc", "ABC", False),
        ("StringEquals", "a*", "abc", False),
        ("StringEquals", ["x", "abc"], "abc", True),
        ("StringNotEquals", ["x", "abc"], "abc", False),
        ("StringNotEquals", ["x", "y"], "abc", True),
        ("StringEqualsIgnoreCase", "aBc", "AbC", True),
        ("StringNotEqualsIgnoreCase", "aBc", "AbC", False),
        ("StringLike", "a?c*", "abcd", True),
        ("StringLike", "A*", "abc", False),
        ("StringNotLike", "a*", "abc", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", 10, "10", True),
        ("NumericNotEquals", "10", "10.5", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "9.5", "10", True),
        ("NumericGreaterThanEquals", ["11", "10"], "10", True),
        ("NumericEquals", "10", "ten", False),
        ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-06-01T00:00:00Z", True),
        ("DateLessThan", "2020-01-01T00:00:01Z", "2020-06-01T00:00:00Z", False),
        ("DateLessThan", "12000-01-01T00:00:00Z", "2020-06-01T00:00:00Z", True),
        ("DateEquals", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00Z", True),
        ("DateEquals", "1577836800", "2020-01-01", True),
        ("DateNotEquals", "1577836800", "2020-01-01T00:00:00.5Z", True),
        ("DateLessThanEquals", "2020-06", "2020-06-01T00:00:00Z", True),
        ("DateGreaterThanEquals", "-292275054", "1970-01-01", True),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("Bool", "True", "true", True),
        ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", True),
        ("BinaryEquals", "QUJD", "QUJE", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.9", False),
        ("IpAddress", "203.0.113.5", "203.0.113.5", True),
        ("IpAddress", "203.0.113.5", "203.0.113.6", False),
        ("IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", True),
        ("IpAddress", "::/0", "203.0.113.9", False),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False),
        ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
        (
            "ArnEquals",
            "arn:aws:sns:*:111111111111:t*",
            "arn:aws:sns:eu-west-1:111111111111:t1",
            True,
        ),
        ("ArnLike", "arn:aws:s3:::docs", "arn:aws:s3:::docs", True),
        ("ArnLike", "*", "arn:aws:s3:::docs", False),
        ("ArnNotEquals", "arn:aws:s3:::docs", "arn:aws:s3:::other", True),
        ("ArnNotLike", "arn:aws:s3:::d*", "arn:aws:s3:::docs", False),
    ],
)
def test_operators(operator: str, wanted: Any, value: str, expected: bool) -> None:
    assert holds({operator: {K: wanted}}, test__key=value) is expected


def test_arn_like_compares_part_by_part_where_string_like_does_not() -> None:
    """ "There are certain cases when a string operator would match when an ARN operator would
    not match"."""
    pattern = "arn:aws:someservice:*:111122223333:finance/*"
    value = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
    assert holds({"StringLike": {K: pattern}}, test__key=value)
    assert not holds({"ArnLike": {K: pattern}}, test__key=value)


NEGATED = ("StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "NumericNotEquals",
           "DateNotEquals", "NotIpAddress", "ArnNotEquals", "ArnNotLike")  # fmt: skip
PLAIN = ("StringEquals", "StringEqualsIgnoreCase", "StringLike", "NumericEquals",
         "NumericLessThan", "DateEquals", "DateLessThan", "Bool", "BinaryEquals", "IpAddress",
         "ArnEquals", "ArnLike")  # fmt: skip


@pytest.mark.parametrize("operator", PLAIN + NEGATED)
def test_an_absent_key_fails_a_plain_operator_and_meets_a_negated_one(operator: str) -> None:
    """ "If the policy condition requires that the key is not matched ... and the right key is
    not present, the condition is true." IfExists makes it true for all."""
    base = operator.replace("Not", "")
    wanted = {"ArnEquals": KEY, "ArnLike": KEY, "BinaryEquals": "QQ==", "IpAddress": "10.0.0.1"}
    assert holds({operator: {K: wanted.get(base, "1")}}) is (operator in NEGATED)
    assert holds({f"{operator}IfExists": {K: wanted.get(base, "1")}})


def test_if_exists_still_compares_a_key_that_is_there() -> None:
    """The example of ec2:InstanceType."""
    rule = {"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*", "m3.*"]}}
    assert holds(rule)
    assert holds(rule, ec2__InstanceType="t2.micro")
    assert not holds(rule, ec2__InstanceType="m5.large")


def test_deny_with_a_negated_if_exists_operator_still_denies_a_missing_key() -> None:
    deny = statement("Deny", Condition={"StringNotEqualsIfExists": {"aws:RequestTag/team": "red"}})
    who = user(EVERYTHING, policy(deny))
    assert ask(who).explicit
    assert ask(who, context={"aws:RequestTag/team": "red"}).allowed


def test_null_asks_whether_the_key_is_there() -> None:
    """ "either true (the key doesn't exist) or false (the key exists and its value is not
    null)": users' own credentials have no aws:TokenIssueTime."""
    own = {"Null": {"aws:TokenIssueTime": "true"}}
    assert holds(own)
    assert not holds(own, aws__TokenIssueTime="2026-01-01T00:00:00Z")
    temporary = {"Null": {"aws:TokenIssueTime": False}}
    assert not holds(temporary)
    assert holds(temporary, aws__TokenIssueTime="2026-01-01T00:00:00Z")
    assert holds({"Null": {"aws:TagKeys": "true"}}, aws__TagKeys=[])


def test_operators_and_keys_are_joined_by_and_values_by_or() -> None:
    """IAM: Conditions with multiple context keys or values."""
    rule = {
        "StringEquals": {"aws:PrincipalTag/department": ["finance", "hr"], "test:role": "audit"},
        "ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:user/a*"]},
    }

    def meets(department: str, role: str, arn: str) -> bool:
        context = {
            "aws:PrincipalTag/department": department, "test:role": role, "aws:PrincipalArn": arn
        }  # fmt: skip
        return ask(user(policy(statement(Condition=rule))), context=context).allowed

    assert meets("finance", "audit", ALICE)
    assert meets("hr", "audit", ALICE)
    assert not meets("it", "audit", ALICE)
    assert not meets("hr", "other", ALICE)
    assert not meets("hr", "audit", ROLE)


# --- IAM: Multivalued context key examples ------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "wanted", "tags", "expected"),
    [
        # "Deny policy with condition set operator ForAllValues"
        ("ForAllValues:StringNotLike", "key1*", ["key1:legal"], False),
        ("ForAllValues:StringNotLike", "key1*", ["key1:hr", "key1:personnel"], False),
        ("ForAllValues:StringNotLike", "key1*", ["key2:audit"], True),
        ("ForAllValues:StringNotLike", "key1*", None, True),
        ("ForAllValues:StringNotLike", ["key1*", "key2*"], ["key1:legal", "key2:audit"], False),
        ("ForAllValues:StringNotLike", ["key1*", "key2*"], ["key3:x", "key2:audit"], False),
        # "The condition returns true if any one of the key values in the request matches"
        ("ForAnyValue:StringEquals", ["webserver", "web"], ["web", "other"], True),
        ("ForAnyValue:StringEquals", ["webserver"], ["other"], False),
        ("ForAnyValue:StringEquals", ["webserver"], None, False),
        ("ForAnyValue:StringEqualsIfExists", ["webserver"], None, True),
        ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
        ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
        ("ForAnyValue:StringNotEquals", ["a"], None, False),
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", ["a", "b"], None, True),
        # "If the key values in the request resolve to an empty data set (for example, an empty
        # string)", ForAllValues returns true and ForAnyValue false.
        ("ForAllValues:StringEquals", ["a"], [], True),
        ("ForAllValues:StringEquals", ["a"], "", True),
        ("ForAnyValue:StringEquals", [""], "", False),
        # DynamoDB Developer Guide: Using IAM policy conditions for fine-grained access control
        ("ForAllValues:StringLike", ["PostDateTime", "Message"], ["PostDateTime"], True),
        ("ForAllValues:StringLike", ["PostDateTime", "Message"], ["PostDateTime", "ID"], False),
    ],
)  # fmt: skip
def test_set_operators(operator: str, wanted: Any, tags: Any, expected: bool) -> None:
    context = {} if tags is None else {"aws__TagKeys": tags}
    assert holds({operator: {"aws:TagKeys": wanted}}, **context) is expected


def test_a_multivalued_key_without_a_set_operator_is_refused_by_name() -> None:
    with pytest.raises(NotImplementedError, match=r"StringEquals on aws:tagkeys.*ForAnyValue"):
        holds({"StringEquals": {"aws:TagKeys": "a"}}, aws__TagKeys=["a", "b"])
    assert holds({"StringEquals": {"aws:TagKeys": "a"}}, aws__TagKeys=["a"])


# --- S3 User Guide: the idioms that enforce encryption ------------------------------------

SSE = "s3:x-amz-server-side-encryption"
SSE_KEY = f"{SSE}-aws-kms-key-id"
SSE_C = f"{SSE}-customer-algorithm"


@pytest.mark.parametrize(
    ("condition", "denied", "passed"),
    [
        # Only SSE-S3 may be asked for; a header-less upload is denied too.
        ({"StringNotEquals": {SSE: "AES256"}}, [{}, {SSE: "aws:kms"}], [{SSE: "AES256"}]),
        ({"StringNotEqualsIfExists": {SSE: "AES256"}}, [{}, {SSE: "aws:kms"}], [{SSE: "AES256"}]),
        # The default passes, a wrong choice does not.
        (
            {"StringNotEquals": {SSE: "AES256"}, "Null": {SSE: "false"}},
            [{SSE: "aws:kms"}],
            [{}, {SSE: "AES256"}],
        ),
        # A key must be named.
        ({"Null": {SSE_KEY: "true"}}, [{}, {SSE: "aws:kms"}], [{SSE_KEY: KEY}]),
        # It must be this key.
        ({"ArnNotEqualsIfExists": {SSE_KEY: KEY}}, [{}, {SSE_KEY: f"{KEY}2"}], [{SSE_KEY: KEY}]),
        # No SSE-C.
        ({"Null": {SSE_C: "false"}}, [{SSE_C: "AES256"}], [{}, {SSE: "AES256"}]),
        # TLS only.
        (
            {"Bool": {"aws:SecureTransport": "false"}},
            [{"aws:SecureTransport": "false"}],
            [{"aws:SecureTransport": "true"}],
        ),
    ],
)
def test_deny_idioms_of_bucket_policies(
    condition: Mapping[str, Any], denied: list[dict[str, str]], passed: list[dict[str, str]]
) -> None:
    rule = statement(
        "Deny",
        Principal="*",
        Action="s3:PutObject",
        Resource="arn:aws:s3:::docs/*",
        Condition=condition,
    )
    bucket = policy(rule, kind="bucket")
    for context in denied:
        refused = ask(user(EVERYTHING), "s3:PutObject", context=context, resource_policy=bucket)
        assert refused.explicit, context
        assert refused.policy_kind == "resource"
    for context in passed:
        assert ask(
            user(EVERYTHING), "s3:PutObject", context=context, resource_policy=bucket
        ).allowed, context


# --- what is refused when it is put -------------------------------------------------------


def refusal(body: Any, kind: Any) -> str:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    with pytest.raises(MalformedPolicy) as refused:
        parse_policy(text, kind=kind, known_keys=lambda key: True)
    return refused.value.reason


def changed(base: Mapping[str, Any], **elements: Any) -> dict[str, Any]:
    """A document with one statement; an element set to None is left out."""
    merged = {**base, **elements}
    return document({name: value for name, value in merged.items() if value is not None})


READS = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::example_bucket"}
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("This is not a json document", SYNTAX),
        ('{"Version": NaN}', SYNTAX),
        ('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', SYNTAX),
        ("[" * 100_000, SYNTAX),
        ({"Version": "2013-10-17", "Statement": READS}, SYNTAX),
        ({"Version": "2012-10-17"}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": []}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": ["afd"]}, SYNTAX),
        ({**document(READS), "Extra field": "value"}, SYNTAX),
        ({**document(READS), "Id": {}}, SYNTAX),
        (changed(READS, Extra="value"), SYNTAX),
        (changed(READS, Effect=None), SYNTAX),
        (changed(READS, Effect="invalid"), SYNTAX),
        (changed(READS, Effect="denY"), LEGACY),
        (changed(READS, Sid={}), SYNTAX),
        (changed(READS, NotAction="iam:x"), SYNTAX),
        (changed(READS, NotResource="*"), SYNTAX),
        (changed(READS, Action=[[]]), SYNTAX),
        (changed(READS, Resource={"a": "b"}), SYNTAX),
        (changed(READS, Resource=5), SYNTAX),
        (changed(READS, Condition=[]), SYNTAX),
        (changed(READS, Condition={"DateGreaterThan": "b"}), SYNTAX),
        (changed(READS, Condition={"DateGreaterThan": {"a": {}}}), SYNTAX),
        (changed(READS, Condition={"DateGreaterThan": {"a": "sdfdsf"}}), LEGACY),
        (changed(READS, Condition={"DateLessThanEquals": {"a": "234-13"}}), LEGACY),
        (changed(READS, Condition={"DateLessThan": {"a": "9223372036854775808"}}), LEGACY),
        (
            changed(READS, Condition={"DateLessThan": {"a": "2016-12-13t2:00:00.593194+1"}}),
            LEGACY,
        ),
        (changed(READS, Action=None), "Policy statement must contain actions."),
        (changed(READS, Action=[]), "Policy statement must contain actions."),
        (changed(READS, Resource=None), "Policy statement must contain resources."),
        (changed(READS, Resource=[]), "Policy statement must contain resources."),
        (
            changed(READS, Action="invalid"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (changed(READS, Action="a a:ListBucket"), "Vendor a a is not valid"),
        (changed(READS, Action=":ListBucket"), "Vendor  is not valid"),
        (changed(READS, Action="s3:List:Bucket"), "Actions/Condition can contain only one colon."),
        (changed(READS, Resource=""), 'Resource  must be in ARN format or "*".'),
        (changed(READS, Resource=["adf"]), 'Resource adf must be in ARN format or "*".'),
        (
            changed(READS, Resource="a:bsdf"),
            'Partition "bsdf" is not valid for resource "arn:bsdf:*:*:*:*".',
        ),
        (
            changed(READS, Resource="aws:s3:::example_bucket"),
            'Partition "s3" is not valid for resource "arn:s3:::example_bucket:*".',
        ),
        (
            changed(READS, Resource="a:b:c:d:e:f:g:h"),
            'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".',
        ),
        (
            changed(READS, Resource="arn:aws"),
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (changed(READS, Resource="arn:aws:s3::example_bucket"), LEGACY),
        (changed(READS, Resource="arn:aws::::example_bucket"), LEGACY),
        (
            changed(READS, Resource="arn:aws:iam:us-east-1::user/a"),
            "IAM resource arn:aws:iam:us-east-1::user/a cannot contain region information.",
        ),
        (
            changed(READS, Resource="arn:aws:s3:us-east-1::b"),
            "Resource arn:aws:s3:us-east-1::b can not contain region information.",
        ),
        (
            changed(READS, Principal="*"),
            "Policy document should not specify a principal.",
        ),
        (
            document({**READS, "Sid": "sdf"}, {"Effect": "Allow", "Sid": "sdf"}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (
            changed(READS, Sid="not-plain"),
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
            "regular expression [0-9A-Za-z]*",
        ),
    ],
)
def test_iam_refuses_malformed_documents(body: Any, reason: str) -> None:
    """The sentences are IAM's, as recorded by moto (tests/test_iam/test_iam_policies.py)."""
    assert refusal(body, "managed") == reason
    assert refusal(body, "identity") == reason


def test_iam_names_the_paths_its_resources_may_have() -> None:
    reason = refusal(changed(READS, Resource="arn:aws:iam:::example"), "managed")
    assert reason.startswith('IAM resource path must either be "*" or start with user/, ')


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-eusc", "aws-nope", "AWS", ""])
def test_resources_are_in_the_account_s_partition(partition: str) -> None:
    """cdk-preflight's rule pf-iam-policy-resource-partition, tried on AWS on 2026-09-07"""
    for own in ("aws", "*"):
        assert policy({**READS, "Resource": f"arn:{own}:s3:::b/*"}).statements
    arn = f"arn:{partition}:s3:::b"
    reason = refusal(changed(READS, Resource=arn), "identity")
    assert reason == f'Partition "{partition}" is not valid for resource "{arn}".'


@pytest.mark.parametrize(
    "path",
    ["user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "policy/",
     "server-certificate/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/",
     "access-report/"],
)  # fmt: skip
def test_iam_s_resources_may_have_each_path_that_its_sentence_names(path: str) -> None:
    """The sentence is IAM's, as recorded by moto (tests/test_iam/test_iam_policies.py)."""
    assert policy({**READS, "Resource": f"arn:aws:iam::{ACCOUNT}:{path}a"}).statements
    assert path in refusal(changed(READS, Resource="arn:aws:iam:::example"), "identity")


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_managed_policies_need_the_version_of_2012(version: str | None) -> None:
    reason = "Policy document must be version 2012-10-17 or greater."
    assert refusal(document(READS, version=version), "managed") == reason
    assert refusal(document({**READS, "Effect": "denY"}, version=version), "managed") == reason
    assert policy(READS, version=version).statements


@pytest.mark.parametrize(
    "elements",
    [
        {"Action": "iam: asdf safdsf af "},
        {"Action": "aaaaaadsfdsafsadfsadfaaaaa:ListBucket"},
        {"Action": "s3.s:ListBucket"},
        {"Resource": ["arn:aws:s3:::example_bucket", "*"]},
        {"Resource": "arn:aws:fdsasf"},
        {"Resource": "arn:aws:invalid-service:us-east-1::example_bucket"},
        {"Resource": "arn:aws:s3:us-east-1:111111111111:accesspoint/a"},
        {"Condition": {}},
        {"Condition": {"a": {}}},
        {"Condition": {"DateGreaterThan": {"a": []}}},
        {"Condition": {"DateGreaterThan": {"a": "01T"}}},
        {"Condition": {"DateLessThan": {"a": "-292275054"}}},
        {"Condition": {"DateLessThan": {"a": "2016-12-13t2:00:00.593194+23"}}},
        {"Condition": {"ForAnyValue:StringEqualsIfExists": {"a": "asf"}}},
        {"Condition": {"NumericLessThan": {"a": 5}, "Bool": {"b": True}}},
    ],
)
def test_iam_takes_these(elements: dict[str, Any]) -> None:
    """Recorded by moto as accepted by IAM (numbers: Grammar of the IAM JSON policy language)."""
    assert policy({**READS, **elements}, kind="managed").statements


def test_every_policy_that_aws_keeps_passes() -> None:
    """AWS took each of its 1,500 managed policies, so the grammar must."""
    managed = pytest.importorskip("moto.iam.aws_managed_policies").aws_managed_policies_data
    kept = [entry["Document"] for entry in json.loads(managed).values()]
    assert len(kept) > 1000
    for body in kept:
        assert policy(*many(body["Statement"]), kind="managed").statements


ON_BUCKET = {
    "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::docs/*"
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("policy.json", "Policies must be valid JSON and the first byte must be '{'"),
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("{'a': 1}", "This policy contains invalid Json"),
        (b'{"Version": "2012-10-17", "Statement": \xff}', "This policy contains invalid Json"),
        ({"Version": "2012-10-17"}, "Missing required field Statement"),
        (
            {"Version": "2012-10-17", "Statement": []},
            "Could not parse the policy: Statement is empty!",
        ),
        ({**document(ON_BUCKET), "Version": "x"}, "The policy must contain a valid version string"),
        ({**document(ON_BUCKET), "Extra": 1}, "Invalid policy syntax."),
        (changed(ON_BUCKET, Effect=None), "Missing required field Effect"),
        (changed(ON_BUCKET, Effect="Maybe"), "Invalid effect: Maybe"),
        (changed(ON_BUCKET, Principal=None), "Missing required field Principal"),
        (
            changed(ON_BUCKET, Principal={"AWS": []}),
            "Missing required field Principal cannot be empty!",
        ),
        (changed(ON_BUCKET, Principal={"AWS": "user"}), "Invalid principal in policy"),
        (changed(ON_BUCKET, Principal={"AWS": f"{ALICE}*"}), "Invalid principal in policy"),
        (changed(ON_BUCKET, Principal={"Who": "*"}), "Invalid principal in policy"),
        (changed(ON_BUCKET, Principal=ALICE), "Invalid principal in policy"),
        (
            changed(ON_BUCKET, Principal=None, NotPrincipal={"AWS": ROOT}),
            "Allow with NotPrincipal is not allowed.",
        ),
        (changed(ON_BUCKET, Action=None), "Missing required field Action"),
        (changed(ON_BUCKET, Action="GetObject"), "Policy has invalid action"),
        (changed(ON_BUCKET, Resource=None), "Missing required field Resource"),
        (changed(ON_BUCKET, Resource="*"), "Policy has invalid resource"),
        (changed(ON_BUCKET, Resource="docs/*"), "Policy has invalid resource"),
        (changed(ON_BUCKET, NotResource="arn:aws:s3:::x"), "Invalid policy syntax."),
        (
            changed(ON_BUCKET, Condition={"IpAddress": {"aws:SourceIp": "123"}}),
            "Invalid IP address in Conditions",
        ),
    ],
)
def test_s3_refuses_malformed_bucket_policies(body: Any, reason: str) -> None:
    """Sentences that S3 was seen to answer (versity/versitygw, noobaa/noobaa-core, aws-cli)."""
    assert refusal(body, "bucket") == reason


TRUSTS = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "This policy contains invalid Json"),
        (changed(TRUSTS, Resource="*"), "Has prohibited field Resource"),
        (
            changed(TRUSTS, Action="s3:GetObject"),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (changed(TRUSTS, Action=None), "Missing required field Action"),
        (changed(TRUSTS, Principal=None), "Missing required field Principal"),
        (
            changed(TRUSTS, Principal="*"),
            'AssumeRolepolicy contained an invalid principal: "STAR":"*".',
        ),
        (changed(TRUSTS, Principal=ROOT), "Principal must be a JSON object."),
        (changed(TRUSTS, Principal=["*"]), "Syntax error in policy."),
        (
            changed(TRUSTS, Principal={"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/*"}),
            f'Invalid principal in policy: "AWS":"arn:aws:sts::{ACCOUNT}:assumed-role/app/*"',
        ),
        (
            changed(TRUSTS, Principal=None, NotPrincipal={"AWS": ROOT}, Effect="Deny"),
            "AssumeRole policy must not contain NotPrincipal field.",
        ),
        (
            document({**TRUSTS, "Sid": "a"}, {**TRUSTS, "Sid": "a"}),
            "The Statement Ids in the policy are not unique",
        ),
    ],
)
def test_iam_refuses_malformed_trust_policies(body: Any, reason: str) -> None:
    assert refusal(body, "trust") == reason


def test_kms_refuses_malformed_key_policies() -> None:
    """KMS API reference, PutKeyPolicy; AWS Knowledge Center, "invalid principals"."""
    rule = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    assert refusal("nonsense", "key") == ""
    nobody = "Policy contains a statement with no principal."
    assert refusal(changed(rule, Principal=None), "key") == nobody
    assert refusal(changed(rule, Principal={"AWS": []}), "key") == nobody
    wrong = "Policy contains a statement with one or more invalid principals."
    assert refusal(changed(rule, Principal={"AWS": "AIDACKCEVSQ6C2EXAMPLE"}), "key") == wrong


def test_what_the_sandbox_cannot_know_is_refused_by_name() -> None:
    def put(**elements: Any) -> Policy:
        return parse_policy(
            changed(READS, **elements),
            kind="identity",
            known_keys=lambda key: key.lower() in ("aws:username", "s3:prefix"),
        )

    assert put(Condition={"StringEquals": {"S3:Prefix": "${aws:username}"}}).statements
    for operator in ("stringequals", "ForAllValues:Null"):
        with pytest.raises(NotImplementedError, match=operator):
            put(Condition={operator: {"s3:prefix": "a"}})
    with pytest.raises(NotImplementedError, match="aws:SourceVpc"):
        put(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    with pytest.raises(NotImplementedError, match="saml:sub"):
        put(Condition={"StringEquals": {"s3:prefix": "${saml:sub}"}})
    with pytest.raises(NotImplementedError, match="saml:sub"):
        put(Resource="arn:aws:s3:::docs/${saml:sub}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T01:30:00+01:30", 0.0),
        ("1969-12-31T19:00:00-05:00", 0.0),
        ("1970-01-01t00:00:01.25z", 1.25),
        ("1970-01-02", 86_400.0),
        ("1970-02", 2_678_400.0),
        ("86400", 86_400.0),
        ("yesterday", None),
        ("1970-13-01", None),
        ("1970-02-30", None),
        ("1970-01-01T25:00Z", None),
    ],
)
def test_dates(text: str, seconds: float | None) -> None:
    """IAM: Condition operators: "one of the W3C implementations of the ISO 8601 date formats or
    in epoch (UNIX) time"."""
    assert instant(text) == seconds


# --- against the reference ----------------------------------------------------------------

ACTIONS = ["s3:Get", "s3:Put", "kms:Decrypt"]
RESOURCES = [
    "arn:aws:s3:::a", "arn:aws:s3:::a/al", "arn:aws:s3:::a/b:c", "arn:aws:kms:eu:111111111111:key/1"
]  # fmt: skip
VALUES: dict[str, list[str]] = {
    "aws:username": ["al", "b*"],
    "test:text": ["al", "AL", "b*c", "", "arn:aws:s3:::a"],
    "test:number": ["1", "2.5", "10"],
    "test:date": ["2020-01-01T00:00:00Z", "1600000000", "2026-05-05"],
    "test:flag": ["true", "false"],
    "test:ip": ["10.0.0.1", "10.0.1.1", "2001:db8::1"],
    "test:bytes": ["QUJD", "QUJE"],
    "test:arn": ["arn:aws:s3:::a", "arn:aws:kms:eu:111111111111:key/1", "arn:aws:kms:eu:1:2:key/1"],
}
TAGS = ["red", "blue", ""]
TEXTS = [
    "al",
    "AL",
    "b*",
    "*",
    "?l",
    "${aws:username}",
    "${test:gone}",
    "${test:gone, 'al'}",
    "b${*}c",
]
FAMILIES: dict[str, tuple[list[str], list[str], list[Any]]] = {
    "test:text": (["String"], ["Equals", "EqualsIgnoreCase", "Like"], TEXTS),
    "aws:username": (["String"], ["Equals", "Like"], TEXTS),
    "test:number": (
        ["Numeric"],
        ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
        ["1", "2.50", "10.0", 3],
    ),
    "test:date": (
        ["Date"],
        ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
        ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "1600000000", "2026-05-05"],
    ),
    "test:flag": (["Bool"], [""], ["true", "False", True]),
    "test:ip": (["IpAddress", "NotIpAddress"], [""], ["10.0.0.0/24", "10.0.1.1", "2001:db8::/32"]),
    "test:bytes": (["Binary"], ["Equals"], ["QUJD", "QUJF"]),
    "test:arn": (
        ["Arn"],
        ["Equals", "Like"],
        ["arn:aws:s3:::*", "arn:aws:k?s:*:111111111111:key/*", "arn:aws:kms:*:key/1", "*"],
    ),
    "aws:TagKeys": (["String"], ["Equals", "Like"], ["red", "bl*", "green"]),
}
EVERY_KEY = [*FAMILIES]


def one_or_many(items: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(items) | st.lists(st.sampled_from(items), min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(EVERY_KEY), max_size=2)):
        if draw(st.integers(0, 7)) == 0:
            drawn.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false", True]))
            continue
        prefixes, suffixes, wanted = FAMILIES[key]
        prefix, suffix = draw(st.sampled_from(prefixes)), draw(st.sampled_from(suffixes))
        if suffix in ("Equals", "EqualsIgnoreCase", "Like") and prefix != "Binary":
            prefix += draw(st.sampled_from(["", "Not"]))
        multivalued = key == "aws:TagKeys"
        quantifiers = ["ForAllValues:", "ForAnyValue:"] + ([] if multivalued else ["", "", ""])
        name = draw(st.sampled_from(quantifiers)) + prefix + suffix
        name += draw(st.sampled_from(["", "", "IfExists"]))
        drawn.setdefault(name, {})[key.upper() if draw(st.booleans()) else key] = draw(
            one_or_many(wanted)
        )
    return drawn


PRINCIPALS: list[Any] = [
    "*", {"AWS": "*"}, {"AWS": ALICE}, {"AWS": [ROLE, f"{ROLE}2"]}, {"AWS": SESSION},
    {"AWS": ACCOUNT}, {"AWS": [ROOT, ALICE]}, {"AWS": OTHER}, {"Service": "logs.amazonaws.com"},
]  # fmt: skip
NOT_PRINCIPALS: list[Any] = [
    {"AWS": [ALICE, ROOT]}, {"AWS": [SESSION, ROLE, ROOT]}, {"AWS": ALICE}, {"AWS": [ROLE, ROOT]}
]  # fmt: skip
ACTION_PATTERNS = ["*", "s3:*", "S3:get", "s3:?et", "kms:De*", "s3:Put"]
RESOURCE_PATTERNS = [
    "*", "arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::a/${aws:username}",
    "arn:aws:s3:::a/${test:gone}", "arn:aws:s3:::?/b*c", "arn:aws:kms:*:*:key/?",
    "arn:aws:kms:*:key/1", "arn:aws:kms:e?:111*1:key/1", "arn:aws:kms:*",
]  # fmt: skip


@st.composite
def rules(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    effect = draw(st.sampled_from(["Allow", "Allow", "Deny"]))
    rule: dict[str, Any] = {"Effect": effect}
    action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    rule[action] = draw(one_or_many(ACTION_PATTERNS))
    resource = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
    rule[resource] = draw(one_or_many(RESOURCE_PATTERNS))
    if draw(st.booleans()):
        rule["Condition"] = draw(conditions())
    if kind == "key":
        if effect == "Deny" and draw(st.booleans()):
            rule["NotPrincipal"] = draw(st.sampled_from(NOT_PRINCIPALS))
        else:
            rule["Principal"] = draw(st.sampled_from(PRINCIPALS))
    return rule


@st.composite
def documents(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    version = draw(st.sampled_from(["2012-10-17"] * 5 + ["2008-10-17", None]))
    statements = draw(st.lists(rules(kind), min_size=1, max_size=3))
    body = document(*statements, version=version)
    if len(statements) == 1 and draw(st.booleans()):
        body["Statement"] = statements[0]
    return body


def allowing_documents() -> st.SearchStrategy[dict[str, Any]]:
    """What an access control list says as a policy: lists deny nothing."""
    allow = rules("key").filter(lambda rule: rule["Effect"] == "Allow")
    return st.lists(allow, min_size=1, max_size=2).map(lambda each: document(*each))


FULL_ACCESS = document(statement())
FULL_RESOURCE_ACCESS = document(statement(Principal="*"))


@st.composite
def service_controls(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """What is attached at the root and at the account: mostly what AWS attaches, and more."""
    levels = []
    for _ in range(draw(st.integers(1, 2))):
        statements = draw(st.lists(rules("identity"), max_size=2))
        full = [] if statements and draw(st.integers(0, 2)) == 0 else [FULL_ACCESS]
        levels.append([*full, *([document(*statements)] if statements else [])])
    return levels


@st.composite
def resource_controls(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """The same of resource control policies: one's own deny, and name the service."""
    levels = []
    for _ in range(draw(st.integers(1, 2))):
        denied: list[dict[str, Any]] = []
        for rule in draw(st.lists(rules("identity"), max_size=2)):
            kept = {name: rule[name] for name in rule if name not in ("Action", "NotAction")}
            action = draw(st.sampled_from(["s3:*", "s3:G*", "kms:D*", "kms:Decrypt", "sqs:*"]))
            denied.append({**kept, "Effect": "Deny", "Principal": "*", "Action": action})
        levels.append([FULL_RESOURCE_ACCESS, *([document(*denied)] if denied else [])])
    return levels


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, str | Sequence[str]]:
    drawn: dict[str, str | Sequence[str]] = {}
    for key, values in VALUES.items():
        value = draw(st.sampled_from([None, *values]))
        if value is not None:
            drawn[key.upper() if draw(st.booleans()) else key] = value
    if draw(st.booleans()):
        drawn["aws:TagKeys"] = draw(st.lists(st.sampled_from(TAGS), max_size=3))
    return drawn


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    kind, arn, account, role = draw(
        st.sampled_from(
            [
                ("user", ALICE, ACCOUNT, None),
                ("user", ALICE, ACCOUNT, None),
                ("role-session", SESSION, ACCOUNT, ROLE),
                ("role-session", SESSION, ACCOUNT, ROLE),
                ("root", ROOT, ACCOUNT, None),
                ("anonymous", "*", None, None),
                ("service", "logs.amazonaws.com", None, None),
            ]
        )
    )
    has_own = kind in ("user", "role-session")
    sometimes = st.integers(0, 4).map(lambda dice: dice == 0)
    return Ask(
        kind=kind,
        arn=arn,
        account=account,
        role_arn=role,
        action=draw(st.sampled_from(ACTIONS)),
        resource=draw(st.sampled_from(RESOURCES)),
        context=draw(contexts()),
        identity=draw(st.lists(documents("identity"), max_size=2)) if has_own else [],
        boundary=draw(documents("identity")) if has_own and draw(sometimes) else None,
        session=[draw(documents("identity"))] if role and draw(sometimes) else None,
        attached=draw(documents("key")) if draw(st.booleans()) else None,
        access_control_list=draw(allowing_documents()) if draw(sometimes) else None,
        delegation=draw(sometimes),
        granted=draw(st.integers(0, 9)) == 0,
        resource_account=draw(st.sampled_from([ACCOUNT, ACCOUNT, ACCOUNT, OTHER])),
        service_controls=draw(service_controls()) if account and draw(sometimes) else [],
        resource_controls=draw(resource_controls()) if draw(sometimes) else [],
    )


def asked_of_the_sandbox(asked: Ask) -> partial[Decision]:
    def read(body: Any, kind: Any = "identity") -> Policy:
        return parse_policy(body, kind=kind, known_keys=lambda key: True)

    principal = Principal(
        asked.kind,  # type: ignore[arg-type]
        asked.arn,
        asked.account,
        role_arn=asked.role_arn,
        identity_policies=tuple(map(read, asked.identity)),
        boundary=read(asked.boundary) if asked.boundary else None,
        session_policies=None if asked.session is None else tuple(map(read, asked.session)),
    )
    return partial(
        decide,
        AccessRequest(principal, asked.action, asked.resource, asked.context),
        resource_policy=read(asked.attached, "key") if asked.attached else None,
        access_control_list=(
            read(asked.access_control_list, "key") if asked.access_control_list else None
        ),
        delegation=asked.delegation,
        granted=asked.granted,
        resource_account=asked.resource_account,
        service_controls=tuple(
            tuple(read(body, "service control") for body in level)
            for level in asked.service_controls
        ),
        resource_controls=tuple(
            tuple(read(body, "table" if body is FULL_RESOURCE_ACCESS else "resource control")
                  for body in level)
            for level in asked.resource_controls
        ),
    )  # fmt: skip


def of_the_sandbox(asked: Ask) -> Decision:
    return asked_of_the_sandbox(asked)()


def test_decisions_agree_with_the_reference() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=250)
    @given(asks())
    def compare(asked: Ask) -> None:
        decision = of_the_sandbox(asked)
        outcome = (
            "Allow" if decision.allowed else "ExplicitDeny" if decision.explicit else "ImplicitDeny"
        )
        expected = evaluate(asked)
        seen[expected] += 1
        event(expected)
        assert outcome == expected

    compare()
    for outcome in ("Allow", "ExplicitDeny", "ImplicitDeny"):
        assert seen[outcome] >= 0.01 * seen.total(), seen


def test_each_operator_agrees_with_the_reference() -> None:
    """One condition at a time, so that every operator is met often, and fails often."""
    seen: Counter[bool] = Counter()

    @settings(max_examples=250)
    @given(conditions().filter(bool), contexts())
    def compare(condition: dict[str, Any], context: dict[str, Any]) -> None:
        body = document(statement(Condition=condition))
        asked = Ask("user", ALICE, ACCOUNT, "s3:Get", RESOURCES[0], context, identity=[body])
        expected = evaluate(asked) == "Allow"
        seen[expected] += 1
        assert of_the_sandbox(asked).allowed is expected

    compare()
    assert min(seen[True], seen[False]) >= 0.1 * seen.total(), seen

"""Why the evaluator decides as it does: the sentences, and that they never contradict it."""

from collections import Counter
from functools import partial
from typing import Any

from hypothesis import given, settings

from tests.sandbox.policy.test_policies import (
    ACCOUNT,
    ALICE,
    EVERYTHING,
    KEY,
    OBJECT,
    OTHER,
    ROOT,
    asked_of_the_sandbox,
    asks,
    policy,
    session,
    statement,
    user,
)
from tests.support.policy_reference import Ask
from workshop_lib.sandbox.policy.evaluation import AccessRequest, Principal, decide
from workshop_lib.sandbox.policy.explanation import Explanation, explain


def why(
    who: Principal,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    context: dict[str, Any] | None = None,
    **more: Any,
) -> Explanation:
    more.setdefault("resource_account", ACCOUNT)
    return explain(partial(decide, AccessRequest(who, action, resource, context or {}), **more))


def test_the_statement_that_allows_and_its_condition() -> None:
    via = statement(
        Sid="UseThroughS3",
        Action="kms:Decrypt",
        Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
    )
    default = policy(statement(Sid="Enable", Principal={"AWS": ROOT}, Action="kms:*"), kind="key")
    context = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    told = why(session(policy(via)), "kms:Decrypt", KEY, context, resource_policy=default)
    assert told.allowed
    assert told.sentence == (
        "Statement `UseThroughS3` of the role's policies allows `kms:Decrypt`; its condition "
        "`StringEquals kms:ViaService = s3.us-east-1.amazonaws.com` holds. Statement `Enable` of "
        "the key policy leaves it to the account's own policies."
    )
    other = {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}
    told = why(session(policy(via)), "kms:Decrypt", KEY, other, resource_policy=default)
    assert not told.allowed
    assert told.sentence == (
        f"No statement of the role's policies allows `kms:Decrypt` on `{KEY}`. Statement "
        "`UseThroughS3` comes closest: its condition `StringEquals kms:ViaService = "
        "s3.us-east-1.amazonaws.com` does not hold, the request has "
        "`dynamodb.us-east-1.amazonaws.com`."
    )
    assert (
        "the request has none"
        in why(session(policy(via)), "kms:Decrypt", KEY, resource_policy=default).sentence
    )


def test_the_statement_that_denies() -> None:
    tls = statement(
        "Deny",
        Sid="OnlyTLS",
        Principal="*",
        Resource="arn:aws:s3:::docs/*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    bucket = policy(tls, kind="bucket")
    told = why(user(EVERYTHING), context={"aws:SecureTransport": "false"}, resource_policy=bucket)
    assert told.sentence == (
        "Deny statement `OnlyTLS` of the bucket policy applies: its condition "
        "`Bool aws:SecureTransport = false` holds."
    )
    assert told.steps[1] == "Allow statement number 1 of the user's policies applies."


def test_what_is_missing_and_where() -> None:
    assert why(user()).sentence == (
        f"The user has no policy, so nothing there allows `s3:GetObject` on `{OBJECT}`."
    )
    elsewhere = policy(statement(Sid="Mine", Action="s3:*", Resource="arn:aws:s3:::mine/*"))
    bucket = policy(
        statement(Principal={"AWS": OTHER}, Action="s3:GetObject", Resource=OBJECT), kind="bucket"
    )
    assert why(user(elsewhere), resource_policy=bucket).sentence == (
        f"No statement of the user's policies allows `s3:GetObject` on `{OBJECT}`. Nor does one "
        "of the bucket policy. Statement `Mine` comes closest: it is about other resources."
    )
    narrow = policy(statement(Principal={"AWS": f"{ALICE}2"}, Action="kms:*"), kind="key")
    assert why(user(EVERYTHING), "kms:Decrypt", KEY, resource_policy=narrow).sentence == (
        f"No statement of the key policy allows `kms:Decrypt` on `{KEY}`. Statement number 1 comes "
        "closest: it is about other principals. Until the key policy lets in the caller or the "
        "whole account, the caller's own policies count for nothing on this key."
    )
    limit = policy(statement(Action="s3:List*"), kind="boundary")
    assert why(user(EVERYTHING, boundary=limit)).sentence == (
        f"No statement of the permissions boundary allows `s3:GetObject` on `{OBJECT}`."
    )
    assert why(Principal("anonymous", "*", None)).sentence == (
        f"The resource has no policy, so nothing there allows `s3:GetObject` on `{OBJECT}`."
    )


def test_both_sides_must_allow_where_the_resource_is_another_account_s() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"""
    both = "The resource is another account's: both sides must allow it, the "
    theirs: Any = {"resource_account": "999988887777"}
    narrow = policy(statement(Principal={"AWS": f"{ALICE}2"}, Action="kms:*"), kind="key")
    said = why(user(EVERYTHING), "kms:Decrypt", KEY, resource_policy=narrow, **theirs).sentence
    assert said == (
        f"No statement of the key policy allows `kms:Decrypt` on `{KEY}`. Statement number 1 comes "
        f"closest: it is about other principals. {both}key policy and the caller's own policies."
    )
    opened = policy(statement(Principal={"AWS": ROOT}, Action="kms:*"), kind="key")
    said = why(user(), "kms:Decrypt", KEY, resource_policy=opened, **theirs).sentence
    assert said == (
        f"The user has no policy, so nothing there allows `kms:Decrypt` on `{KEY}`. "
        f"{both}key policy and the caller's own policies."
    )
    said = why(user(EVERYTHING), **theirs).sentence
    assert said.endswith(f"{both}policy of the resource and the caller's own policies.")
    assert both not in why(Principal("anonymous", "*", None), **theirs).sentence


def test_who_needs_no_statement() -> None:
    assert "root user needs no policy" in why(Principal("root", ROOT, ACCOUNT)).sentence
    assert why(user(), "kms:Decrypt", KEY, granted=True).sentence == (
        "A grant on the key allows `kms:Decrypt`, and no statement denies it."
    )


def test_what_an_organization_denies_or_does_not_allow() -> None:
    denying = policy(statement("Deny", Sid="No"), kind="service control", arn="arn:of:no")
    full = policy(statement(), kind="service control")
    narrow = policy(statement(Action="kms:*"), kind="service control")
    allowed: Any = {"service_controls": ((full,), (full,))}
    assert "service control" not in why(user(EVERYTHING), **allowed).sentence
    assert why(user(EVERYTHING), service_controls=((full, denying),)).sentence == (
        "Deny statement `No` of the service control policy `arn:of:no` applies."
    )
    assert why(user(EVERYTHING), service_controls=((full,), (narrow,))).sentence == (
        "At one place between the organization's root and the account no service control policy "
        "allows `s3:GetObject`: each place must."
    )


def test_it_says_what_the_evaluator_says() -> None:
    """The verdict is the evaluator's, and the statements that are shown for it bear it out."""
    seen: Counter[str] = Counter()

    @settings(max_examples=250)
    @given(asks())
    def compare(asked: Ask) -> None:
        evaluation = asked_of_the_sandbox(asked)
        decision, told = evaluation(), explain(evaluation)
        assert (told.allowed, told.decision.explicit, told.decision.policy_kind) == (
            decision.allowed,
            decision.explicit,
            decision.policy_kind,
        )
        applying = {(each.effect, each.kind) for each in told.findings if each.applies}
        effects = {effect for effect, _ in applying}
        kind = decision.policy_kind
        by_itself = kind == "grant" or (asked.kind == "root" and kind == "identity")
        if decision.allowed:
            assert "Deny" not in effects
            assert by_itself or ("Allow", kind) in applying
        elif decision.explicit:
            assert ("Deny", kind) in applying
        else:
            assert "Deny" not in effects
            # of an organization each place must allow, and another one does
            assert kind.endswith(" control") or ("Allow", kind) not in applying
        if not by_itself and (decision.allowed or decision.explicit):
            assert told.deciding[0].statement in told.sentence
        assert all(told.steps)
        assert told.sentence.endswith(".")
        seen["allowed" if decision.allowed else "denied" if decision.explicit else "missing"] += 1

    compare()
    assert set(seen) == {"allowed", "denied", "missing"}

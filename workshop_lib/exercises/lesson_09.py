"""Exercises of lesson 09: who may use a key, who may switch it, and another account."""

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import key_use, resources
from workshop_lib.exercises.circumstances import (
    context_facts,
    open_elsewhere,
    ordinary,
    simulated,
    told,
    variants,
)
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.policies import key_statements, named_in
from workshop_lib.exercises.principals import is_meant, of_account
from workshop_lib.exercises.registry import exercise

_REFUSED = ("AccessDenied", "AccessDeniedException")
# AWS looks at the permission first: whoever hears one of these has it.
_PERMITTED = (
    "DryRunOperationException",
    "DisabledException",
    "InvalidCiphertextException",
    "KMSInvalidStateException",
)
_SHARED = ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:CreateGrant")
_TEXT = b"a check of lesson 09"
_CONTEXTS: tuple[dict[str, str], ...] = ({}, {"purpose": "check"})


@exercise("9.1", "one uses it, one switches it, neither does both")
def apart(inspection: Inspection) -> None:
    """One tagged role uses the tagged key, another switches it, and neither can let anybody in."""
    key = inspection.key()
    inspection.own_key(key)
    inspection.enabled(key)
    arn, admin = key["Arn"], boto3.client("kms")
    user_role, keeper_role = inspection.role("9.1 user"), inspection.role("9.1 keeper")
    inspection.require(
        user_role["Arn"] != keeper_role["Arn"],
        passed="the user and the keeper are two roles",
        failed="one role carries both tags",
        fix='Make two roles, tagged "9.1 user" and "9.1 keeper".',
    )
    user, keeper = inspection.become(user_role), inspection.become(keeper_role)
    _policy(inspection, admin, arn)
    _uses(inspection, user.client("kms"), arn)
    _is_kept_from_managing(inspection, user.client("kms"), arn, user_role)
    _is_kept_from_letting_in(inspection, "user", user, arn, user_role, keeper_role)
    _is_kept_from_using(inspection, keeper.client("kms"), arn, keeper_role)
    _is_kept_from_letting_in(inspection, "keeper", keeper, arn, keeper_role, user_role)
    _switches(inspection, keeper.client("kms"), admin, arn)


def _policy(inspection: Inspection, admin: Any, arn: str) -> None:
    """The key policy, which the administrator can read and put."""
    fix = (
        "Let a statement of the key policy allow you kms:GetKeyPolicy and kms:PutKeyPolicy; the "
        "account's statement of step 1 does."
    )
    answers = dict.fromkeys(_REFUSED, ("you may not read or change the key's policy", fix))
    with inspection.asking(answers):
        policy: str = admin.get_key_policy(KeyId=arn)["Policy"]
        admin.put_key_policy(KeyId=arn, Policy=policy)
    inspection.passed("you can still change the key's policy")


def _uses(inspection: Inspection, user: Any, arn: str) -> None:
    """The user encrypts, decrypts and makes data keys."""
    wanted = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
    unable = "the user may not encrypt, decrypt and make data keys under the key"
    fix = f"Allow its role {', '.join(wanted)}, in the key policy or in a policy of its own."
    with inspection.asking(dict.fromkeys(_REFUSED, (unable, fix))):
        blob: bytes = user.encrypt(KeyId=arn, Plaintext=_TEXT)["CiphertextBlob"]
        opened = user.decrypt(KeyId=arn, CiphertextBlob=blob)["Plaintext"]
        user.generate_data_key(KeyId=arn, KeySpec="AES_256")
    inspection.require(
        opened == _TEXT,
        passed="the user encrypts, decrypts and makes data keys",
        failed="the user does not get back what it encrypted",
        fix="Run the set-up cell again, and the cells after.",
    )


def _is_kept_from_managing(
    inspection: Inspection, user: Any, arn: str, role: Mapping[str, Any]
) -> None:
    """The user switches nothing. What it may do nevertheless is undone at once."""
    found = [f"kms:{each}" for each in key_use.manages(user, arn)]
    found += sorted(open_elsewhere(role, arn, "kms:DisableKey", "kms:ScheduleKeyDeletion"))
    inspection.expect(
        not found,
        passed="the user is refused to disable the key and to delete it",
        failed=f"the user may manage the key: {', '.join(found)}",
        fix="Name the operations of a user one by one, without kms:*.",
    )


def _is_kept_from_using(
    inspection: Inspection, keeper: Any, arn: str, role: Mapping[str, Any]
) -> None:
    named = key_use.named_contexts(role["RoleName"], role["Arn"], arn)
    uses = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom")
    one_day = open_elsewhere(role, arn, *uses, contexts=(*_CONTEXTS, *named))
    found = sorted({*_usable(keeper, key_use.names(arn), named), *one_day})
    inspection.expect(
        not found,
        passed="the keeper is refused to use the key",
        failed=f"the keeper may use the key: {', '.join(found)}",
        fix="Name the operations of a keeper one by one: kms:DescribeKey, kms:DisableKey, "
        "kms:EnableKey, kms:ScheduleKeyDeletion, kms:CancelKeyDeletion.",
    )


def _is_kept_from_letting_in(
    inspection: Inspection,
    who: str,
    session: boto3.Session,
    arn: str,
    role: Mapping[str, Any],
    other: Mapping[str, Any],
) -> None:
    """Neither the key's policy, nor a grant, nor IAM, nor the other role: nothing changes here."""
    kms, sts = session.client("kms"), session.client("sts")
    found = sorted(
        {
            *(f"kms:{each}" for each in key_use.control(kms, arn, role["Arn"])),
            *open_elsewhere(role, arn, "kms:CreateGrant", "kms:PutKeyPolicy"),
        }
    )
    name = f"check-{secrets.token_hex(4)}"
    if _allowed(sts.assume_role, RoleArn=other["Arn"], RoleSessionName=name):
        found.append("sts:AssumeRole on the other role")
    found += sorted(key_use.takes_by_iam(role) | key_use.gives_by_iam(role, other["Arn"]))
    it = "it" if len(found) == 1 else "them"
    inspection.expect(
        not found,
        passed=f"the {who} cannot give anybody permissions on the key",
        failed=f"the {who} can give itself or others permissions: {', '.join(found)}",
        fix=f"Take {it} away: with {it}, the {who} can get permissions that it must not have.",
    )


def _switches(inspection: Inspection, keeper: Any, admin: Any, arn: str) -> None:
    """The keeper disables and enables, and schedules a deletion. Afterwards all is as before."""
    fix = (
        "Allow its role kms:DisableKey, kms:EnableKey and kms:ScheduleKeyDeletion, in the key "
        "policy or in a policy of its own."
    )
    _requires(inspection, "the keeper may not disable the key", fix, keeper.disable_key, arn)
    try:
        _requires(inspection, "the keeper may not enable the key", fix, keeper.enable_key, arn)
    finally:
        _enable(arn, admin)
    inspection.passed("the keeper disables and enables the key")
    cancel = [
        kms.cancel_key_deletion
        for kms in (admin, keeper)
        if _allowed(kms.cancel_key_deletion, KeyId=arn)
    ]
    inspection.require(
        cancel,
        passed="a deletion can be cancelled",
        failed="neither you nor the keeper may cancel a deletion",
        fix="Allow kms:CancelKeyDeletion: else a mistake cannot be taken back.",
    )
    unable = "the keeper may not schedule the key's deletion"
    with inspection.asking(dict.fromkeys(_REFUSED, (unable, fix))):
        # a condition may be about the waiting period
        if not any(
            _allowed(keeper.schedule_key_deletion, KeyId=arn, PendingWindowInDays=days)
            for days in (30, 7)
        ):
            keeper.schedule_key_deletion(KeyId=arn)
    cancel[0](KeyId=arn)
    _enable(arn, admin, keeper)
    inspection.passed("the keeper schedules its deletion (the check has cancelled it)")


def _enable(arn: str, *clients: Any) -> None:
    """Enable the key again, by the first of those who may."""
    any(_allowed(kms.enable_key, KeyId=arn) for kms in clients)


def _requires(
    inspection: Inspection, unable: str, fix: str, operation: Callable[..., Any], arn: str
) -> None:
    with inspection.asking(dict.fromkeys(_REFUSED, (unable, fix))):
        operation(KeyId=arn)


def _usable(kms: Any, names: Sequence[str], more: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The cryptographic operations that the caller may ask of a symmetric key. Dry runs only.

    By each name of the key; under no context, a made-up one, and `more`.
    https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
    """
    asked = [(name, each) for name in names for each in (*_CONTEXTS, *more)]
    uses = {use for name, each in asked for use in key_use.other_uses(kms, name, each)}
    if any(key_use.decrypts(kms, name, each) for name, each in asked):
        uses.add("Decrypt")
    if "ReEncrypt" not in uses and any(_re_encrypts(kms, name, each) for name, each in asked):
        uses.add("ReEncrypt")
    for use in sorted(uses):
        yield f"kms:{use}" + ("*" if use == "ReEncrypt" else "")


def _re_encrypts(kms: Any, arn: str, context: Mapping[str, str]) -> bool:
    """Whether the caller may move a ciphertext away from the key: ReEncryptFrom is asked first."""
    try:
        kms.re_encrypt(
            SourceKeyId=arn,
            SourceEncryptionContext=context,
            DestinationKeyId=arn,
            DryRun=True,
            DryRunModifiers=["IGNORE_CIPHERTEXT"],
        )
    except ClientError as error:
        answer = error.response["Error"]
        return answer["Code"] not in _REFUSED or "kms:ReEncryptTo" in answer["Message"]
    return True


@exercise("9.2", "another account, through S3 only")
def through_s3_only(inspection: Inspection) -> None:
    """The tagged role of the account audit uses the tagged key through S3; nobody there past it."""
    key = inspection.key()
    inspection.own_key(key)
    inspection.enabled(key)
    arn, audit = key["Arn"], inspection.lab.account("audit")
    bucket = resources.newest_bucket("9.2", audit)
    if bucket is None:
        inspection.fail(
            "no bucket of the account audit carries the tag exercise = 9.2",
            'Tag theirs, with audit.client("s3").put_bucket_tagging(…).',
        )
    role = resources.newest_role("9.2", audit)
    if role is None:
        inspection.fail(
            "no role of the account audit carries the tag exercise = 9.2",
            'Tag theirs: audit.client("iam").create_role(…, '
            'Tags=[{"Key": "exercise", "Value": "9.2"}]).',
        )
    auditor = inspection.become(role, by=audit)
    _stores_and_reads(inspection, auditor, audit, bucket, arn)
    _keeps_access(inspection, arn)
    place = f"arn:aws:s3:::{bucket}"
    contexts = [{"aws:s3:arn": place}, {"aws:s3:arn": f"{place}/report"}]
    contexts += [*key_use.key_contexts(arn), *key_use.granted_contexts(arn)]
    for who, session in (("the role", auditor), ("the administrator of their account", audit)):
        kms = session.client("kms")
        found = list(_usable(kms, [arn], contexts))
        found += sorted(f"kms:{each}" for each in key_use.control(kms, arn, role["Arn"]))
        inspection.expect(
            not found,
            passed=f"{who} gets nothing from the key without S3",
            failed=f"{who} may use the key without S3: {', '.join(found)}",
            fix="Put the condition kms:ViaService into the statement of your key policy that lets "
            "their account in, and name only kms:GenerateDataKey and kms:Decrypt there.",
        )
    found = list(_openings(arn, _id(audit), [None, *_other_services(arn)]))
    through = any(how.startswith("through") and ", where" not in how for how in found)
    inspection.expect(
        not found,
        passed="the key policy lets them come through no other service",
        failed="the key policy lets them come through other services as well"
        if through
        else f"the key policy lets them use the key {''.join(found[:1])}",
        fix='Compare kms:ViaService with "s3.us-east-1.amazonaws.com", in every statement that '
        "lets them in.",
    )
    strangers = _named_strangers(arn, _id(audit))
    inspection.expect(
        not strangers,
        passed="the key policy names no third account",
        failed=f"a third account is named in the key policy: {', '.join(strangers)}",
        fix="Name the account audit as Principal of your statement, and no other one.",
    )
    stranger = _id(inspection.lab.account("stranger"))
    through_s3 = [None, f"s3.{arn.split(':')[3]}.amazonaws.com"]
    inspection.expect(
        not _strangers_come_in(inspection.lab, arn)
        and not any(_openings(arn, stranger, through_s3)),
        passed="a third account is refused",
        failed="a third account stores objects under the key, too, or reads them",
        fix="Name the account audit as Principal of your statement, not everybody.",
    )


def _stores_and_reads(
    inspection: Inspection, auditor: boto3.Session, audit: boto3.Session, bucket: str, arn: str
) -> None:
    """The role puts an object under the key and reads it; their administrator deletes it."""
    s3, name = auditor.client("s3"), f"check-{secrets.token_hex(4)}"
    fix = (
        "Allow its role s3:PutObject and s3:GetObject on the bucket's objects, and "
        "kms:GenerateDataKey and kms:Decrypt on the key's ARN; let your key policy allow the two "
        "of KMS to their account."
    )
    answers = {
        "AccessDenied": ("the role cannot store objects under the key and read them", fix),
    }
    try:
        with inspection.asking(answers):
            s3.put_object(
                Bucket=bucket,
                Key=name,
                Body=_TEXT,
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=arn,
            )
            read = s3.get_object(Bucket=bucket, Key=name)
        inspection.require(
            read["Body"].read() == _TEXT and read["SSEKMSKeyId"] == arn,
            passed=f"the role stores an object in {bucket} under your key, and reads it",
            failed="what the role reads is not what it stored under your key",
            fix="Let their bucket leave the encryption to the request.",
        )
    finally:
        audit.client("s3").delete_object(Bucket=bucket, Key=name)


def _keeps_access(inspection: Inspection, arn: str) -> None:
    fix = "Keep the account's statement of step 1 in the key policy."
    answers = dict.fromkeys(_REFUSED, ("you yourself may not encrypt under the key", fix))
    with inspection.asking(answers):
        boto3.client("kms").encrypt(KeyId=arn, Plaintext=_TEXT)


def _id(session: boto3.Session) -> str:
    account: str = session.client("sts").get_caller_identity()["Account"]
    return account


def _other_services(arn: str) -> list[str]:
    """Services but S3: some, and all that the key policy names."""
    region = arn.split(":")[3]
    some = [f"{name}.{region}.amazonaws.com" for name in ("dynamodb", "secretsmanager", "lambda")]
    policy = json.dumps(key_statements(arn))
    named = re.findall(r'"([\w-]+\.[\w-]+\.amazonaws\.com)"', policy)
    return [*some, *(each for each in named if not each.startswith("s3."))]


def _openings(arn: str, account: str, services: Sequence[str | None]) -> Iterator[str]:
    """How the key policy lets an account's principals come through one of the services, or none.

    Whatever their administrator allows: that is not asked. Under each circumstance that it names.
    """
    statements, usual = key_statements(arn), ordinary(arn.split(":")[4])
    contexts = [{}, *key_use.key_contexts(arn)]
    for one in of_account(account, statements):
        theirs = [each for each in statements if is_meant(each, one)]
        if not any(each["Effect"] == "Allow" for each in theirs):
            continue
        for service, context in product(services, contexts):
            facts = {
                **usual,
                **one.facts,
                **context_facts(context),
                "kms:ViaService": service,
                "kms:CallerAccount": account,
                "aws:ViaAWSService": "true" if service else "false",
            }
            for differing in variants(theirs, facts, ("kms:", "aws:viaawsservice")):
                # in usual circumstances they are asked themselves for the others
                actions = _SHARED if differing else _SHARED[:2]
                answers = simulated(theirs, actions, [arn], {**facts, **differing})
                if "allowed" in answers.values():
                    yield (f"through {service}" if service else "directly") + told(differing)


def _named_strangers(arn: str, audit: str) -> list[str]:
    """Accounts that the key policy lets in, beside the key's own and that of the auditors."""
    found = {
        account
        for statement in key_statements(arn)
        if statement["Effect"] == "Allow"
        for principal in named_in(statement.get("Principal", ()))
        for account in re.findall(r"\b\d{12}\b", principal)
    }
    return sorted(found - {arn.split(":")[4], audit})


def _strangers_come_in(lab: Any, arn: str) -> bool:
    """Whether the administrator of a third account stores an object under the key."""
    s3, bucket = lab.account("stranger").client("s3"), f"check-{secrets.token_hex(8)}"
    s3.create_bucket(Bucket=bucket)
    under = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    try:
        return _allowed(s3.put_object, Bucket=bucket, Key="a", Body=_TEXT, **under)
    finally:
        s3.delete_object(Bucket=bucket, Key="a")
        s3.delete_bucket(Bucket=bucket)


def _allowed(operation: Callable[..., Any], **parameters: Any) -> bool:
    """Whether AWS lets the caller do it; a dry run that would have succeeded counts."""
    try:
        operation(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in (*_REFUSED, *_PERMITTED):
            raise
        return code in _PERMITTED
    return True

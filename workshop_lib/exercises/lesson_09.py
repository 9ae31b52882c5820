"""Exercises of lesson 09: who may use a key, who may switch it, and another account."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import key_use, resources
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise

_REFUSED = ("AccessDenied", "AccessDeniedException")
# AWS looks at the permission first: whoever hears one of these has it.
_PERMITTED = (
    "DryRunOperationException",
    "DisabledException",
    "InvalidCiphertextException",
    "KMSInvalidStateException",
)
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
    policy = _policy(inspection, admin, arn)
    blob = _uses(inspection, user.client("kms"), arn)
    _is_kept_from_managing(inspection, user.client("kms"), admin, arn)
    _is_kept_from_letting_in(inspection, "user", user, arn, policy, user_role, keeper_role)
    _is_kept_from_using(inspection, keeper.client("kms"), arn, blob)
    _is_kept_from_letting_in(inspection, "keeper", keeper, arn, policy, keeper_role, user_role)
    _switches(inspection, keeper.client("kms"), admin, arn)


def _policy(inspection: Inspection, admin: Any, arn: str) -> str:
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
    return policy


def _uses(inspection: Inspection, user: Any, arn: str) -> bytes:
    """The user encrypts, decrypts and makes data keys: a ciphertext under the key."""
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
    return blob


def _is_kept_from_managing(inspection: Inspection, user: Any, admin: Any, arn: str) -> None:
    """The user switches nothing. What it may do nevertheless is undone at once."""
    found = []
    if _allowed(user.disable_key, KeyId=arn):
        found.append("kms:DisableKey")
        _enable(arn, admin, user)
    # a deletion is only tried where the administrator can cancel it
    cancellable = _allowed(admin.cancel_key_deletion, KeyId=arn)
    if cancellable and _allowed(user.schedule_key_deletion, KeyId=arn):
        found.append("kms:ScheduleKeyDeletion")
        admin.cancel_key_deletion(KeyId=arn)
        _enable(arn, admin, user)
    inspection.expect(
        not found,
        passed="the user is refused to disable the key and to delete it",
        failed=f"the user may manage the key: {', '.join(found)}",
        fix="Name the operations of a user one by one, without kms:*.",
    )


def _is_kept_from_using(inspection: Inspection, keeper: Any, arn: str, blob: bytes) -> None:
    found = list(_usable(keeper, arn, blob))
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
    policy: str,
    role: Mapping[str, Any],
    other: Mapping[str, Any],
) -> None:
    """Neither the key's policy, nor a grant, nor IAM, nor the other role: nothing changes here."""
    kms, sts = session.client("kms"), session.client("sts")
    found = []
    if _allowed(kms.put_key_policy, KeyId=arn, Policy=policy):
        found.append("kms:PutKeyPolicy")
    if _grants(kms, arn, role["Arn"], "Decrypt", "Encrypt", "DescribeKey"):
        found.append("kms:CreateGrant")
    name = f"check-{secrets.token_hex(4)}"
    if _allowed(sts.assume_role, RoleArn=other["Arn"], RoleSessionName=name):
        found.append("sts:AssumeRole on the other role")
    found += sorted(key_use.simulated(role["Arn"], role["Arn"], *_OWN_POLICIES))
    it = "it" if len(found) == 1 else "them"
    inspection.expect(
        not found,
        passed=f"the {who} cannot give anybody permissions on the key",
        failed=f"the {who} can give itself or others permissions: {', '.join(found)}",
        fix=f"Take {it} away: with {it}, the {who} can get permissions that it must not have.",
    )


_OWN_POLICIES = ("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy")


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
    _requires(inspection, unable, fix, keeper.schedule_key_deletion, arn)
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


def _usable(kms: Any, arn: str, blob: bytes) -> Iterator[str]:
    """The cryptographic operations that the caller may ask of a symmetric key. Dry runs only.

    https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
    """
    pair, aes = {"KeyPairSpec": "ECC_NIST_P256"}, {"KeySpec": "AES_256"}
    asked: dict[str, dict[str, Any]] = {
        "Encrypt": {"Plaintext": _TEXT},
        "Decrypt": {"CiphertextBlob": blob},
        "GenerateDataKey": aes,
        "GenerateDataKeyWithoutPlaintext": aes,
        "GenerateDataKeyPair": pair,
        "GenerateDataKeyPairWithoutPlaintext": pair,
    }
    for action, more in asked.items():
        operation, dry = getattr(kms, _snake(action)), {"KeyId": arn, "DryRun": True, **more}
        if any(_allowed(operation, **dry, EncryptionContext=each) for each in _CONTEXTS):
            yield f"kms:{action}"
    if _re_encrypts(kms, arn, blob):
        yield "kms:ReEncrypt*"


def _re_encrypts(kms: Any, arn: str, blob: bytes) -> bool:
    """Whether the caller may move a ciphertext away from the key: ReEncryptFrom is asked first."""
    try:
        kms.re_encrypt(SourceKeyId=arn, CiphertextBlob=blob, DestinationKeyId=arn, DryRun=True)
    except ClientError as error:
        answer = error.response["Error"]
        return answer["Code"] not in _REFUSED or "kms:ReEncryptTo" in answer["Message"]
    return True


def _snake(action: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in action).lstrip("_")


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
    blob = _blob(inspection, arn)
    for who, session in (("the role", auditor), ("the administrator of their account", audit)):
        found = list(_usable(session.client("kms"), arn, blob))
        if _grants(session.client("kms"), arn, role["Arn"], "Decrypt", "GenerateDataKey"):
            found.append("kms:CreateGrant")
        inspection.expect(
            not found,
            passed=f"{who} gets nothing from the key without S3",
            failed=f"{who} may use the key without S3: {', '.join(found)}",
            fix="Put the condition kms:ViaService into the statement of your key policy that lets "
            "their account in, and name only kms:GenerateDataKey and kms:Decrypt there.",
        )
    inspection.expect(
        not _open_to(arn, audit, "dynamodb", "secretsmanager", "lambda"),
        passed="the key policy lets them come through no other service",
        failed="the key policy lets them come through other services as well",
        fix='Compare kms:ViaService with "s3.us-east-1.amazonaws.com".',
    )
    inspection.expect(
        not _strangers_come_in(inspection.lab, arn),
        passed="a third account is refused",
        failed="a third account stores objects under the key, too",
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


def _blob(inspection: Inspection, arn: str) -> bytes:
    fix = "Keep the account's statement of step 1 in the key policy."
    answers = dict.fromkeys(_REFUSED, ("you yourself may not encrypt under the key", fix))
    with inspection.asking(answers):
        blob: bytes = boto3.client("kms").encrypt(KeyId=arn, Plaintext=_TEXT)["CiphertextBlob"]
    return blob


def _grants(kms: Any, arn: str, grantee: str, *operations: str) -> bool:
    """Whether the caller may hand one of the operations on; dry runs."""
    asked = {"KeyId": arn, "GranteePrincipal": grantee, "DryRun": True}
    return any(_allowed(kms.create_grant, **asked, Operations=[each]) for each in operations)


def _open_to(arn: str, audit: boto3.Session, *services: str) -> bool:
    """Whether what the key policy allows that account also holds for requests of other services.

    The simulator tells, asked about the policy's statements for that account.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
    """
    caller = audit.client("sts").get_caller_identity()
    policy = json.loads(boto3.client("kms").get_key_policy(KeyId=arn)["Policy"])
    statements = policy["Statement"]
    statements = [statements] if isinstance(statements, dict) else statements
    theirs = [
        {name: value for name, value in each.items() if name != "Principal"}
        for each in statements
        if each.get("Principal") == "*" or caller["Account"] in json.dumps(each.get("Principal"))
    ]
    if not any(each["Effect"] == "Allow" for each in theirs):
        return False
    region = arn.split(":")[3]
    for service in services:
        context = {
            "kms:ViaService": f"{service}.{region}.amazonaws.com",
            "kms:CallerAccount": caller["Account"],
            "aws:PrincipalAccount": caller["Account"],
        }
        answer = boto3.client("iam").simulate_custom_policy(
            PolicyInputList=[json.dumps({"Version": "2012-10-17", "Statement": theirs})],
            ActionNames=["kms:Decrypt", "kms:GenerateDataKey"],
            ResourceArns=[arn],
            ContextEntries=[
                {"ContextKeyName": name, "ContextKeyType": "string", "ContextKeyValues": [value]}
                for name, value in context.items()
            ],
        )
        if any(each["EvalDecision"] == "allowed" for each in answer["EvaluationResults"]):
            return True
    return False


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

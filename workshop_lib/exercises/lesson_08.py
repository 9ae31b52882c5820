"""Exercises of lesson 08: KMS used directly."""

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

import boto3
from boto3.dynamodb.types import Binary

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises import key_use, resources
from workshop_lib.exercises.circumstances import open_elsewhere
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.proofs import opened
from workshop_lib.exercises.registry import exercise

_REPORT = {"document": "report"}
_PARTS = ("ciphertext", "nonce", "wrapped_key")
_LEAST = 10_000  # bytes of the report
_PART = 64  # bytes of it that are more than a title
# The context as AAD, in the ways that json.dumps writes it; or none.
_AADS = (json.dumps(_REPORT).encode(), json.dumps(_REPORT, separators=(",", ":")).encode(), b"")


@exercise("8.1", "an envelope in a table")
def envelope(inspection: Inspection) -> None:
    """Item report of the tagged table: ciphertext, nonce, and a data key that KMS unwraps."""
    name = inspection.table()["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    item = _report(inspection, name)
    absent = [part for part in _PARTS if part not in item]
    inspection.require(
        not absent,
        passed="the item has a ciphertext, a nonce and a wrapped_key",
        failed=f"the item lacks {' and '.join(absent)}",
        fix="Put all three parts into the item: without one of them nobody opens it again.",
    )
    not_bytes = [part for part in _PARTS if not _binary(item[part])]
    inspection.require(
        not not_bytes,
        passed="all three are binary",
        failed=f"not binary, or empty: {' and '.join(not_bytes)}",
        fix="Give put_item of the table resource the bytes as they are, without base64 or hex.",
    )
    ciphertext, nonce, wrapped = (_binary(item[part]) for part in _PARTS)
    inspection.require(
        as_text(ciphertext) is None,
        passed="the ciphertext says nothing to a reader",
        failed=f"the ciphertext is readable: it begins with {(as_text(ciphertext) or '')[:20]!r}",
        fix="Store what AESGCM(data_key).encrypt(…) returned, not the report.",
    )
    inspection.expect(
        len(nonce) >= 12 and len(set(nonce)) > 1,
        passed=f"the nonce has {len(nonce)} bytes",
        failed=f"the nonce has {len(nonce)} bytes: AES-GCM is made for 12"
        if len(nonce) < 12
        else "the nonce is one byte repeated: it is the same for every document",
        fix="Make it with os.urandom(12), a new one for each document.",
    )
    data_key = _unwrapped(inspection, wrapped)
    inspection.require(
        len(data_key) == 32,
        passed="KMS unwraps a 256-bit data key with the context of the report",
        failed=f"KMS unwraps {len(data_key):,} bytes, not the 32 of a 256-bit data key",
        fix="Wrap nothing by hand: store the CiphertextBlob of generate_data_key (AES_256).",
    )
    inspection.expect(
        any(_context(event) == _REPORT for event in _data_keys()),
        passed="CloudTrail has the data key that KMS made with this context",
        failed="CloudTrail has no data key that KMS made with the context "
        f"{json.dumps(_REPORT)}: it seems that you made this one yourself, and had it encrypted",
        fix="Take both forms of the key from generate_data_key. (On AWS the record may take a "
        "quarter of an hour.)",
    )
    plaintexts = (opened(data_key, nonce, ciphertext, aad) for aad in _AADS)
    report = next((each for each in plaintexts if each is not None), None)
    if report is None:
        inspection.fail(
            "the ciphertext does not open with this data key and this nonce",
            "Seal as in step 6c, with AESGCM(data_key).encrypt(nonce, report, aad), and store "
            "exactly that nonce and the wrapped form of exactly that key. As aad the check takes "
            "json.dumps of the context, or none.",
        )
    inspection.passed("with data key and nonce, AES-GCM opens the ciphertext")
    inspection.expect(
        len(report) >= _LEAST,
        passed=f"the report in it has {len(report):,} bytes",
        failed=f"the report in it has {len(report):,} bytes: fewer than {_LEAST:,}",
        fix="Encrypt a longer report: KMS itself would take 4,096 bytes.",
    )
    items = boto3.resource("dynamodb").Table(name).scan(ConsistentRead=True)["Items"]
    for what, fix, secret in (
        ("data key", "whoever reads the table could open the report", data_key),
        ("report", "its ciphertext is enough", report),
    ):
        found = sorted(
            {part for each in items for part in each if _holds({part: each[part]}, secret)}
        )
        inspection.expect(
            not found,
            passed=f"the plaintext {what} is nowhere in the table",
            failed=f"the plaintext {what} is stored in {' and '.join(found)}",
            fix=f"Remove it from the table: {fix}.",
        )


def _report(inspection: Inspection, table: str) -> dict[str, Any]:
    key = {"document_id": "report"}
    answers = {
        "ValidationException": (
            "the partition key of the table is not document_id (text) alone",
            "Make a table whose only key is document_id, of the type S, and tag that one.",
        )
    }
    with inspection.asking(answers):
        item: dict[str, Any] = (
            boto3.resource("dynamodb").Table(table).get_item(Key=key).get("Item", {})
        )
    inspection.require(
        item,
        passed="it holds the item report",
        failed="it holds no item with document_id report",
        fix='Put it: put_item(Item={"document_id": "report", "ciphertext": …}).',
    )
    return item


def _unwrapped(inspection: Inspection, wrapped: bytes) -> bytes:
    """The plaintext of a wrapped key under the report's context."""
    wrong = (
        f"KMS does not unwrap wrapped_key with the context {json.dumps(_REPORT)}",
        "Give generate_data_key exactly this EncryptionContext, and store its CiphertextBlob.",
    )
    unusable = (
        "the KMS key that wrapped it cannot be used: it is disabled, or on its way out, or gone",
        "Enable the key, or seal the report again under another one.",
    )
    with inspection.asking(
        {
            "InvalidCiphertextException": wrong,
            "ValidationException": wrong,
            "AccessDeniedException": unusable,
            "DisabledException": unusable,
            "KMSInvalidStateException": unusable,
        }
    ):
        answer = boto3.client("kms").decrypt(CiphertextBlob=wrapped, EncryptionContext=_REPORT)
    plaintext: bytes = answer["Plaintext"]
    return plaintext


def _binary(value: Any) -> bytes:
    """A binary attribute's bytes; empty for an attribute of another type."""
    return bytes(value) if isinstance(value, Binary) else b""


def _data_keys() -> Iterator[dict[str, Any]]:
    """CloudTrail's records of the data keys that KMS made."""
    for operation in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"):
        yield from _events("EventName", operation)


def _context(event: dict[str, Any]) -> dict[str, str]:
    context: dict[str, str] = (event.get("requestParameters") or {}).get("encryptionContext", {})
    return context


def _holds(value: Any, secret: bytes) -> bool:
    """Whether an attribute holds the secret, also in a list or a map, or a long part of it.

    As it is, in hexadecimal digits or in base64.
    """
    if isinstance(value, dict):
        return any(_holds(each, secret) for pair in value.items() for each in pair)
    if isinstance(value, list | set):
        return any(_holds(each, secret) for each in value)
    raw = value.encode() if isinstance(value, str) else _binary(value)
    forms = (secret, base64.b64encode(secret), base64.urlsafe_b64encode(secret).rstrip(b"="))
    part = len(raw) >= _PART and raw in secret
    return part or secret.hex().encode() in raw.lower() or any(each in raw for each in forms)


@exercise("8.2", "a key for one department")
def one_department(inspection: Inspection) -> None:
    """The tagged role decrypts under the tagged key where the context is payroll's, no more."""
    key = inspection.key()
    inspection.passed(f"the key {key['KeyId']} carries the tag")
    inspection.require(
        key["KeyState"] == "Enabled",
        passed="the key is enabled",
        failed=f"the key is {key['KeyState']}",
        fix="Make a new key, or bring this one back (step 9c).",
    )
    inspection.require(
        key["KeySpec"] == "SYMMETRIC_DEFAULT",
        passed="it is a symmetric encryption key",
        failed="the key cannot encrypt with a context: it is not a symmetric encryption key",
        fix="Make it with kms.create_key without KeySpec and KeyUsage.",
    )
    role = inspection.role()
    clerk = inspection.become(role).client("kms")
    inspection.require(
        key_use.decrypts(clerk, key["Arn"], _PAYROLL),
        passed='it decrypts what has the context {"department": "payroll"}',
        failed='it may not decrypt what has the context {"department": "payroll"}',
        fix="Allow Decrypt by a grant on the key, in the key policy or in a policy of the role.",
    )
    named = key_use.named_contexts(role["RoleName"], role["Arn"], key["Arn"])
    names = key_use.names(key["Arn"])
    other = next(
        (
            context
            for context in _other_departments(named)
            if any(key_use.decrypts(clerk, name, context) for name in names)
        ),
        None,
    )
    inspection.expect(
        other is None,
        passed="it is refused the contexts of other departments",
        failed=f"it also decrypts what has the context {json.dumps(other)}",
        fix="Bind each permission it has to payroll exactly: a grant's Constraints, or "
        "StringEquals on kms:EncryptionContext:department with one value and no wildcard.",
    )
    without = [{}, {"team": "payroll"}, *({**each} for each in named if not _department(each))]
    asked = [(name, context) for name in names for context in without]
    wrong = [*_other_departments(named), *without]
    elsewhere = open_elsewhere(role, key["Arn"], "kms:Decrypt", contexts=wrong)
    inspection.expect(
        not any(key_use.decrypts(clerk, name, context) for name, context in asked)
        and "kms:Decrypt" not in elsewhere,
        passed="it is refused what names no department",
        failed="it also decrypts what has no context at all, or none with a department",
        fix="Let the context decide, and nothing else. A condition that ends in IfExists, or "
        "begins with ForAllValues, holds where there is no context: use plain StringEquals, or "
        "EncryptionContextEquals in a grant.",
    )
    uses = {
        use
        for name in names
        for context in [_PAYROLL, {}, *named]
        for use in key_use.other_uses(clerk, name, context)
    }
    uses.update(key_use.control(clerk, key["Arn"], role["Arn"]), key_use.takes_by_iam(role))
    uses.update(key_use.manages(clerk, key["Arn"]))
    uses |= open_elsewhere(role, key["Arn"], *_MORE, contexts=[_PAYROLL, {}, *named])
    inspection.expect(
        not uses,
        passed="it may not encrypt, make data keys, hand the key on or take it away",
        failed=f"with the key it may do more than decrypt: {', '.join(sorted(uses))}",
        fix='Name the one operation: Operations=["Decrypt"], or the action kms:Decrypt.',
    )


_PAYROLL = {"department": "payroll"}
_MORE = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptTo", "kms:CreateGrant",
         "kms:PutKeyPolicy", "kms:DisableKey", "kms:ScheduleKeyDeletion")  # fmt: skip


def _other_departments(named: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Contexts of other departments: likely ones, made up ones, and those that policies name."""
    alike = ("sales", "hr", "Payroll", "PAYROLL", "payroll ", "payroll2", "payrol", "p", "xpayroll")
    for department in (*alike, "payroll" + secrets.token_hex(4), secrets.token_hex(4)):
        yield {"department": department}
    for context in named:
        if _department(context) not in ("", "payroll"):
            yield context
            yield {"department": _department(context)}


def _department(context: dict[str, str]) -> str:
    """What stands under department; KMS's condition keys do not tell upper case from lower."""
    return next((value for name, value in context.items() if name.lower() == "department"), "")


@exercise("8.3", "the rescue of a key")
def rescued(inspection: Inspection) -> None:
    """The tagged key was scheduled for deletion, is not any more, and is enabled."""
    key = resources.newest_key(inspection.number, pending_too=True)
    cancelled = key is not None and _was_cancelled(key["Arn"])
    if not cancelled and (key is None or key["KeyState"] != "PendingDeletion"):
        for gone in _deleted(inspection.number):
            inspection.fail(
                f"too late: the waiting period of the colleague's key {gone} is over, and AWS has "
                "deleted it. What was encrypted under it is lost",
                "Run the colleague's cell again, for a new accident, and be faster: lab.later "
                "moves the clock.",
            )
    key = key or inspection.key()
    inspection.passed(f"the key {key['KeyId']} carries the tag")
    inspection.require(
        key["KeyState"] != "PendingDeletion",
        passed="it is not going to be deleted",
        failed="it is still pending deletion",
        fix="Call kms.cancel_key_deletion(KeyId=…).",
    )
    inspection.require(
        cancelled,
        passed="CloudTrail knows of the cancelled deletion: it is the same key",
        failed="CloudTrail knows of no cancelled deletion of this key: it seems to be another one",
        fix="Cancel the deletion of the colleague's key. (On AWS the record may take a quarter of "
        "an hour.)",
    )
    inspection.require(
        key["KeyState"] == "Enabled",
        passed="it is enabled: what was encrypted under it can be read again",
        failed=f"its deletion is cancelled, but it is {key['KeyState']}",
        fix="Call kms.enable_key(KeyId=…).",
    )


def _was_cancelled(key_arn: str) -> bool:
    """Whether CloudTrail holds a CancelKeyDeletion of this key that was not refused."""
    return any(
        event["eventName"] == "CancelKeyDeletion" for event in _events("ResourceName", key_arn)
    )


def _deleted(number: str) -> Iterator[str]:
    """Ids of keys that were made with the exercise's tag and do not exist any more."""
    kms = boto3.client("kms")
    for event in _events("EventName", "CreateKey"):
        tags = (event.get("requestParameters") or {}).get("tags") or []
        if {"tagKey": resources.TAG, "tagValue": number} in tags:
            key_id = event["responseElements"]["keyMetadata"]["keyId"]
            try:
                kms.describe_key(KeyId=key_id)
            except kms.exceptions.NotFoundException:
                yield key_id


def _events(attribute: str, value: str) -> Iterator[dict[str, Any]]:
    """CloudTrail's records of what was done, newest first; what was refused is left out.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
    """
    asked = [{"AttributeKey": attribute, "AttributeValue": value}]
    pages = boto3.client("cloudtrail").get_paginator("lookup_events")
    for page in pages.paginate(LookupAttributes=asked):
        for each in page["Events"]:
            event: dict[str, Any] = json.loads(each["CloudTrailEvent"])
            if "errorCode" not in event:
                yield event

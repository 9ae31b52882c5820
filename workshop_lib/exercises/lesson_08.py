"""Exercises of lesson 08: KMS used directly."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise

_REPORT = {"document": "report"}
_PARTS = ("ciphertext", "nonce", "wrapped_key")
_TAG = 16  # bytes that AES-GCM adds to the plaintext's length


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
        len(ciphertext) >= 10_000 + _TAG,
        passed=f"the ciphertext has {len(ciphertext):,} bytes",
        failed=f"the ciphertext has {len(ciphertext):,} bytes: its report had fewer than 10,000",
        fix="Encrypt a longer report: KMS itself would take 4,096 bytes.",
    )
    inspection.expect(
        len(nonce) >= 12,
        passed=f"the nonce has {len(nonce)} bytes",
        failed=f"the nonce has {len(nonce)} bytes: AES-GCM is made for 12",
        fix="Make it with os.urandom(12), a new one for each document.",
    )
    data_key = _unwrapped(inspection, wrapped)
    inspection.require(
        len(data_key) == 32,
        passed="KMS unwraps a 256-bit data key with the context of the report",
        failed=f"KMS unwraps {len(data_key):,} bytes, not the 32 of a 256-bit data key",
        fix="Wrap nothing by hand: store the CiphertextBlob of generate_data_key (AES_256).",
    )
    shown = (data_key, data_key.hex().encode(), base64.b64encode(data_key))
    betrayed = [part for part, value in item.items() if _holds(value, shown)]
    inspection.expect(
        not betrayed,
        passed="the plaintext data key stands nowhere in the item",
        failed=f"the plaintext data key is stored in {' and '.join(betrayed)}",
        fix="Remove it from the item: whoever reads the table could open the report.",
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


def _holds(value: Any, secrets: tuple[bytes, ...]) -> bool:
    raw = value.encode() if isinstance(value, str) else _binary(value)
    return any(secret in raw for secret in secrets)


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
    blobs = _encrypted(inspection, key["KeyId"])
    role = inspection.role()
    clerk = inspection.become(role).client("kms")

    def reads(department: str) -> bool:
        context = _context(department)
        blob = blobs[department]
        return _allowed(
            lambda: clerk.decrypt(KeyId=key["Arn"], CiphertextBlob=blob, EncryptionContext=context)
        )

    inspection.require(
        reads("payroll"),
        passed='it decrypts what has the context {"department": "payroll"}',
        failed='it may not decrypt what has the context {"department": "payroll"}',
        fix="Allow Decrypt by a grant on the key, in the key policy or in a policy of the role.",
    )
    inspection.expect(
        not reads("sales"),
        passed='it is refused the context {"department": "sales"}',
        failed='it also decrypts what has the context {"department": "sales"}',
        fix="Bind each permission it has to the context: a grant's Constraints, or the condition "
        "kms:EncryptionContext:department.",
    )
    inspection.expect(
        not reads(""),
        passed="it is refused what has no context",
        failed="it also decrypts what has no context at all",
        fix="A condition that ends in IfExists, or begins with ForAllValues, holds where there is "
        "no context: use plain StringEquals, or EncryptionContextEquals in a grant.",
    )
    payroll = _context("payroll")
    inspection.expect(
        not _allowed(
            lambda: clerk.encrypt(
                KeyId=key["Arn"], Plaintext=b"check", EncryptionContext=payroll, DryRun=True
            )
        ),
        passed="it may not encrypt",
        failed="it may encrypt as well",
        fix='Name the one operation: Operations=["Decrypt"], or the action kms:Decrypt.',
    )


def _context(department: str) -> Mapping[str, str]:
    return {"department": department} if department else {}


def _encrypted(inspection: Inspection, key_id: str) -> dict[str, bytes]:
    kms = boto3.client("kms")
    answers = {
        "AccessDeniedException": (
            "the account itself may no longer use the key",
            "Keep the statement of the default key policy that names the account's root.",
        ),
        "InvalidKeyUsageException": (
            "the key cannot encrypt with a context: it is not a symmetric encryption key",
            "Make it with kms.create_key without KeySpec and KeyUsage.",
        ),
        "ValidationException": (
            "the key cannot encrypt with a context: it is not a symmetric encryption key",
            "Make it with kms.create_key without KeySpec and KeyUsage.",
        ),
    }
    with inspection.asking(answers):
        return {
            department: kms.encrypt(
                KeyId=key_id, Plaintext=b"check", EncryptionContext=_context(department)
            )["CiphertextBlob"]
            for department in ("payroll", "sales", "")
        }


def _allowed(call: Callable[[], Any]) -> bool:
    """Whether KMS lets the caller do it; a dry run that would have succeeded counts."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("AccessDeniedException", "DryRunOperationException"):
            raise
        return bool(code == "DryRunOperationException")
    return True


@exercise("8.3", "the rescue of a key")
def rescued(inspection: Inspection) -> None:
    """The tagged key was scheduled for deletion, is not any more, and is enabled."""
    key = inspection.key()
    inspection.passed(f"the key {key['KeyId']} carries the tag")
    inspection.require(
        key["KeyState"] != "PendingDeletion",
        passed="it is not going to be deleted",
        failed="it is still pending deletion",
        fix="Call kms.cancel_key_deletion(KeyId=…).",
    )
    inspection.require(
        _was_cancelled(key["Arn"]),
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
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    pages = (
        boto3.client("cloudtrail")
        .get_paginator("lookup_events")
        .paginate(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": key_arn}])
    )
    return any(
        event["EventName"] == "CancelKeyDeletion"
        and "errorCode" not in json.loads(event["CloudTrailEvent"])
        for page in pages
        for event in page["Events"]
    )

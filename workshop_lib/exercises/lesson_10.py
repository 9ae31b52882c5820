"""Exercises of lesson 10: objects of the S3 Encryption Client."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from botocore.exceptions import ClientError

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.proofs import opened
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.stored_items import holds

_RECORDS = ("patients/1", "patients/2")
_MONTHS = {"january": 4_096, "february": 9_216_000, "march": 6_144}  # bytes of their plaintext
_WORD = b"Confidential"
# The algorithm suite with key commitment: its id, its fixed nonce.
_SUITE, _NONCE = b"\x00\x73", b"\x01" * 12


@dataclass(frozen=True)
class _Stored:
    """An object as a plain client reads it."""

    name: str
    body: bytes
    metadata: Mapping[str, str]

    @property
    def context(self) -> dict[str, str]:
        """The encryption context without what the client itself adds; empty if unreadable."""
        try:
            found = json.loads(self.metadata.get("x-amz-t", "{}"))
        except ValueError:
            return {}
        return {key: value for key, value in found.items() if key != "aws:x-amz-cek-alg"}


@exercise("10.1", "two records, each bound to its name")
def bound_records(inspection: Inspection) -> None:
    """Both records were written by the client under the tagged key, each bound to its own name."""
    key = inspection.key()
    inspection.passed(f"the key {key['KeyId']} carries the tag")
    inspection.enabled(key)
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    records = [_read(inspection, bucket, name) for name in _RECORDS]
    for record in records:
        plaintext = _open(inspection, record, key["Arn"])
        inspection.require(
            plaintext,
            passed=f"{record.name} opens under the tagged key, with its context: not a bit of it "
            "was changed",
            failed=f"{record.name} is empty",
            fix="Write something into it.",
        )
        words = plaintext.decode("utf-8", "replace")
        inspection.require(
            not holds(dict(record.metadata), words),
            passed=f"its words stand neither in its metadata nor in its context: {record.name}",
            failed=f"the words of {record.name} stand readable in its metadata",
            fix="Metadata and context are never encrypted: leave the words out there.",
        )
        tags = boto3.client("s3").get_object_tagging(Bucket=bucket, Key=record.name)["TagSet"]
        if holds([text for tag in tags for text in tag.values()], words):
            inspection.fail(
                f"the words of {record.name} stand readable in its tags",
                "Tags are never encrypted: leave the words out there.",
            )
        if copy := _readable_copy(bucket, plaintext):
            inspection.fail(
                f"the words of {record.name} stand readable in {copy}",
                "Delete that, in a bucket with versioning by its VersionId.",
            )
    first, second = records
    inspection.require(
        first.context != second.context,
        passed="their encryption contexts differ",
        failed="both have the same encryption context: copied over each other, each would open "
        "under the other's name",
        fix="Put the name of the object into its context (step 3).",
    )
    unbound = [
        record.name
        for record in records
        if not any(record.name in value for value in record.context.values())
    ]
    inspection.expect(
        not unbound,
        passed="each context names its object",
        failed=f"the context does not name the object: {' and '.join(unbound)}",
        fix='Take EncryptionContext={"object": name} with the name that you give as Key.',
    )


@exercise("10.2", "the archive that was readable")
def mended_archive(inspection: Inspection) -> None:
    """All three months stand there encrypted by the client, and no readable version is left."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    months = [_read(inspection, bucket, name) for name in _MONTHS]
    readable = [month.name for month in months if _WORD in month.body]
    inspection.require(
        not readable,
        passed="a plain client reads none of the three months",
        failed=f"a plain client still reads {' and '.join(readable)}",
        fix="Upload what is readable again, with a call of the encryption client itself.",
    )
    for month in months:
        plaintext = _open(inspection, month)
        inspection.require(
            len(plaintext) == _MONTHS[month.name] and plaintext.startswith(_WORD),
            passed=f"{month.name} was written by the encryption client, and opens to its pages",
            failed=f"{month.name} does not hold the month's pages: it opens to something else",
            fix="Run the colleague's cell again: a plain client reads ciphertext of what is "
            "encrypted already; do not encrypt that.",
        )
    left = _readable_versions(bucket)
    inspection.expect(
        not left,
        passed="no earlier version is readable",
        failed=f"readable in an earlier version: {' and '.join(left)}",
        fix="The bucket keeps versions: delete the old one with its VersionId "
        "(s3.list_object_versions, s3.delete_object).",
    )


def _readable_copy(bucket: str, words: bytes) -> str:
    """The name of an object that holds these words readable in some version, or none."""
    return next(iter(_readable_versions(bucket, words)), "")


def _readable_versions(bucket: str, words: bytes = _WORD) -> list[str]:
    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    found = set()
    for page in pages:
        for version in page.get("Versions", []):
            name, place = version["Key"], {"VersionId": version["VersionId"]}
            body = s3.get_object(Bucket=bucket, Key=name, **place)["Body"].read()
            if words in body or words in name.encode():
                found.add(name)
    return sorted(found)


# --- what the client writes, and how it is opened ------------------------------------------------


def _read(inspection: Inspection, bucket: str, name: str) -> _Stored:
    absent = (f"it holds no object {name}", f'Put it there, with Key="{name}".')
    with inspection.asking({"NoSuchKey": absent}):
        answer = boto3.client("s3").get_object(Bucket=bucket, Key=name)
        return _Stored(name, answer["Body"].read(), answer["Metadata"])


def _open(inspection: Inspection, stored: _Stored, key_arn: str = "") -> bytes:
    """What is in it. Ends the check if the client did not write it, or somebody changed it since.

    The format is that of `s3_encryption.pipelines` and `s3_encryption.key_derivation`, 4.0.0.
    """
    metadata = stored.metadata
    if "x-amz-key-v2" in metadata:
        inspection.fail(
            f"{stored.name} was encrypted without key commitment",
            "Leave encryption_algorithm and commitment_policy at their defaults.",
        )
    lacking = {"x-amz-3", "x-amz-d", "x-amz-i"} - metadata.keys()
    if lacking:
        seen = "is stored readable" if as_text(stored.body) is not None else "is not the client's"
        inspection.fail(
            f"{stored.name} {seen}: its metadata hold no wrapped data key",
            "Store it with put_object, upload_file or upload_fileobj of the S3EncryptionClient.",
        )
    data_key = _unwrapped(inspection, stored, key_arn)
    extracted = hmac.digest(_bytes(metadata["x-amz-i"]), data_key, "sha512")
    commitment = hmac.digest(extracted, _SUITE + b"COMMITKEY\x01", "sha512")[:28]
    inspection.require(
        hmac.compare_digest(commitment, _bytes(metadata["x-amz-d"])),
        passed=f"the data key of {stored.name} opens, and fits the key commitment",
        failed=f"the data key of {stored.name} does not fit its key commitment",
        fix="Leave body and metadata as the client wrote them.",
    )
    content_key = hmac.digest(extracted, _SUITE + b"DERIVEKEY\x01", "sha512")[:32]
    plaintext = opened(content_key, _NONCE, stored.body, _SUITE)
    if plaintext is None:
        inspection.fail(
            f"{stored.name} was changed after the client wrote it: its tag does not fit",
            "Store it again with the encryption client.",
        )
    return plaintext


def _unwrapped(inspection: Inspection, stored: _Stored, key_arn: str) -> bytes:
    """The data key of an object, by the named key or whichever wrapped it."""
    wrong = (
        f"KMS does not unwrap the data key of {stored.name}",
        "Leave the metadata as the client wrote them: the context in x-amz-t belongs to the key.",
    )
    other = (
        f"{stored.name} is encrypted under another key than the tagged one",
        "Give the tagged key's ARN to KmsKeyring.",
    )
    answers = {
        "InvalidCiphertextException": wrong,
        "ValidationException": wrong,
        "IncorrectKeyException": other,
        "InvalidKeyUsageException": other,
    }
    with inspection.asking(answers):
        try:
            answer = boto3.client("kms").decrypt(
                CiphertextBlob=_bytes(stored.metadata["x-amz-3"]),
                EncryptionContext=json.loads(stored.metadata.get("x-amz-t", "{}")),
                **({"KeyId": key_arn} if key_arn else {}),
            )
        except ClientError:
            raise
        except Exception:  # what is no JSON, or no context, is not the client's
            inspection.fail(*wrong)
    plaintext: bytes = answer["Plaintext"]
    return plaintext


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""

"""Exercises of lesson 11: MACs, signatures and shared secrets."""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import key_use
from workshop_lib.exercises.circumstances import now_there, open_elsewhere
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.proofs import verified
from workshop_lib.exercises.registry import exercise

_MAC_USAGE = "GENERATE_VERIFY_MAC"
_REFUSED = ("AccessDenied", "AccessDeniedException")
_CONTRACT, _SIGNATURE, _PUBLIC = "contract", "contract.sig", "contract.key"
_LEAST = 5_000  # bytes of the contract


@exercise("11.1", "a bank that can only check")
def only_checks(inspection: Inspection) -> None:
    """The tagged role verifies MACs under the tagged key and does nothing else that makes one."""
    key = _key(inspection, _MAC_USAGE, 'KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"')
    role = inspection.role()
    kms = boto3.client("kms")
    message, algorithm = b"a check of exercise 11.1", key["MacAlgorithms"][0]
    use = {"KeyId": key["Arn"], "Message": message, "MacAlgorithm": algorithm}
    mac = kms.generate_mac(**use)["Mac"]
    bank = inspection.become(role).client("kms")
    inspection.require(
        _allowed(lambda: bank.verify_mac(**use, Mac=mac)),
        passed="it verifies a MAC under the key",
        failed="it may not verify a MAC under the key",
        fix="Allow kms:VerifyMac on the key: in a policy of the role, in the key policy or by a "
        "grant.",
    )
    inspection.expect(
        not _generates(bank, use) and not open_elsewhere(role, key["Arn"], "kms:GenerateMac"),
        passed="it is refused a MAC of its own",
        failed="it may generate MACs as well: it could forge what it checks",
        fix="Name the one action kms:VerifyMac, without a wildcard that covers kms:GenerateMac.",
    )
    inspection.expect(
        not _verifies_elsewhere(bank, role, key["Arn"]),
        passed="it is refused to verify under another key",
        failed="it may verify under other keys as well",
        fix="Name the key's ARN as Resource, in the policy of the role.",
    )
    one_day = open_elsewhere(role, key["Arn"], "kms:CreateGrant", "kms:PutKeyPolicy")
    powers = {*key_use.control(bank, key["Arn"], role["Arn"]), *key_use.takes_by_iam(role)}
    inspection.expect(
        not powers | one_day,
        passed="it may not change who uses the key",
        failed="it may create grants on the key, or replace the key's policy or its own: it could "
        "let itself forge",
        fix="Allow it the one action kms:VerifyMac, and nothing of kms:CreateGrant, "
        "kms:PutKeyPolicy, iam:PutRolePolicy or iam:AttachRolePolicy.",
    )


def _generates(bank: Any, use: dict[str, Any]) -> bool:
    """Whether the role may generate a MAC, by one of the key's names."""
    return any(
        _allowed(partial(bank.generate_mac, **{**use, "KeyId": name}, DryRun=True))
        for name in key_use.names(use["KeyId"])
    )


def _verifies_elsewhere(bank: Any, role: dict[str, Any], key_arn: str) -> bool:
    """Whether the role may verify under a key that nobody has named, or another of the account's.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    region = key_arn.split(":")[3]
    other = f"{key_arn.partition('/')[0]}/{uuid.uuid4()}"
    far = other.replace(f":{region}:", ":eu-central-1:")
    if any(key_use.simulated(role, each, "kms:VerifyMac") for each in (other, far)):
        return True
    kms = boto3.client("kms")
    for page in kms.get_paginator("list_keys").paginate():
        for each in page["Keys"]:
            key = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
            if key["Arn"] == key_arn or key["KeyUsage"] != _MAC_USAGE or not key["Enabled"]:
                continue
            algorithm = key["MacAlgorithms"][0]
            asked = {"KeyId": key["Arn"], "Message": b"check", "MacAlgorithm": algorithm}
            mac = kms.generate_mac(**asked)["Mac"]
            if _allowed(partial(bank.verify_mac, **asked, Mac=mac)):
                return True
    return False


@exercise("11.2", "a contract that anyone can check")
def anyone_checks(inspection: Inspection) -> None:
    """The tagged bucket holds a long contract, a signature of it, and the tagged key's public half.

    https://docs.aws.amazon.com/kms/latest/developerguide/offline-operations.html
    """
    made_with = 'KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY"'
    # whoever verifies needs no KMS: the key may be disabled since
    key = _key(inspection, "SIGN_VERIFY", made_with, usable=False)
    if key["KeySpec"] == "ECC_NIST_EDWARDS25519":
        inspection.fail(
            "it signs with Ed25519, which cannot sign the digest of a contract so that the "
            "contract itself can be verified",
            "Make a key of another spec, such as ECC_NIST_P256.",
        )
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    contract = _object(inspection, bucket, _CONTRACT)
    signature = _object(inspection, bucket, _SIGNATURE)
    public = _object(inspection, bucket, _PUBLIC)
    inspection.expect(
        len(contract) >= _LEAST,
        passed=f"the contract has {len(contract):,} bytes",
        failed=f"the contract has {len(contract):,} bytes, fewer than {_LEAST:,}",
        fix="Write a longer one, and sign it anew: step 3 is about those that Sign does not take.",
    )
    real = _public(key)
    inspection.require(
        public == real or _decoded(public) == real,
        passed=f"{_PUBLIC} is the public key of the tagged key",
        failed=f"{_PUBLIC} is not the public key of the tagged key",
        fix="Put there what get_public_key(KeyId=…) returned as PublicKey, for the tagged key.",
    )
    found = _algorithm(key, real, contract, signature)
    if found is None:
        inspection.fail(*_why_not(key, real, contract, signature))
    inspection.passed(f"with it the signature is valid for the whole contract ({found})")


def _public(key: dict[str, Any]) -> bytes:
    """The public half of the key, which may be disabled since, or on its way out.

    KMS shows none while the deletion is pending. It is cancelled for a moment, and scheduled anew,
    for the days that were left, or the seven that AWS asks for.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """
    kms, named = boto3.client("kms"), {"KeyId": key["Arn"]}
    if key["KeyState"] != "PendingDeletion":
        public: bytes = kms.get_public_key(**named)["PublicKey"]
        return public
    left = key["DeletionDate"] - now_there()
    kms.cancel_key_deletion(**named)
    try:
        return _public({**key, "KeyState": "Disabled"})
    finally:
        days = min(max(left.days + 1, 7), 30)
        kms.schedule_key_deletion(**named, PendingWindowInDays=days)


def _algorithm(key: dict[str, Any], public: bytes, message: bytes, signature: bytes) -> str | None:
    """The key's signing algorithm under which this is a signature of the message, or None."""
    algorithms: list[str] = key["SigningAlgorithms"]
    return next((each for each in algorithms if verified(public, each, message, signature)), None)


def _representative(algorithm: str, public: bytes, message: bytes) -> tuple[bytes, str]:
    """What KMS signs in place of a message that is too long for it, and its MessageType."""
    if algorithm == "ML_DSA_SHAKE_256":
        # FIPS 204, 6.2. The public key stands behind the 22 bytes of its DER header.
        of_key = hashlib.shake_256(public[22:]).digest(64)
        return hashlib.shake_256(of_key + b"\0\0" + message).digest(64), "EXTERNAL_MU"
    return hashlib.new("sha" + algorithm.rpartition("_")[2], message).digest(), "DIGEST"


def _why_not(
    key: dict[str, Any], public: bytes, contract: bytes, signature: bytes
) -> tuple[str, str]:
    """What is wrong with a signature, as far as can be told; and the next step."""
    for algorithm in key["SigningAlgorithms"]:
        representative, kind = _representative(algorithm, public, contract)
        if verified(public, algorithm, representative, signature):
            return (
                f"{_SIGNATURE} signs a digest that KMS has hashed once more: nobody who has the "
                "contract can verify it",
                f'Say MessageType="{kind}" when you sign (step 3).',
            )
    if _algorithm(key, public, contract, _decoded(signature)) is not None:
        return (
            f"{_SIGNATURE} holds the signature as text, in base64",
            "Put the bytes there that kms.sign(…) returned as Signature.",
        )
    return (
        f"{_SIGNATURE} is no signature of this contract by the tagged key",
        "Sign the digest of exactly these bytes, with the tagged key, and store the Signature.",
    )


def _decoded(text: bytes) -> bytes:
    """The bytes of a base64 or PEM text; empty if it is neither."""
    lines = [line for line in text.split(b"\n") if not line.startswith(b"-----")]
    try:
        return base64.b64decode(b"".join(lines).replace(b"\r", b""), validate=True)
    except binascii.Error:
        return b""


@exercise("11.3", "which parcel is genuine")
def genuine(inspection: Inspection) -> None:
    """Each capsule in the tagged bucket is labelled by whether its confirmation fits its secret.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_Decapsulate.html
    """
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    key = _key(inspection, "ENCAPSULATE_DECAPSULATE", "**kem_spec")
    s3 = boto3.client("s3")
    names = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    truth = {name: _confirmed(s3, key["Arn"], bucket, name) for name in names}
    inspection.require(
        len(truth) >= 4 and any(truth.values()) and not all(truth.values()),
        passed=f"it holds {len(truth)} parcels",
        failed="the courier's four parcels are not in it any more",
        fix="Run the courier's two cells again: nothing need be deleted.",
    )
    labels = {name: _label(s3, bucket, name) for name in names}
    blank = [name for name in names if labels[name] not in ("yes", "no")]
    inspection.require(
        not blank,
        passed="each of them is tagged genuine = yes or no",
        failed=f"without the tag genuine = yes or no: {', '.join(blank)}",
        fix='Call s3.put_object_tagging(…, Tagging={"TagSet": [{"Key": "genuine", "Value": …}]}).',
    )
    trusted = [name for name in names if labels[name] == "yes" and not truth[name]]
    inspection.expect(
        not trusted,
        passed="none is trusted whose confirmation does not fit",
        failed=f"{len(trusted)} of those tagged yes have a confirmation that does not fit",
        fix="Do not conclude from the 32 bytes that Decapsulate returned: compute the confirmation "
        "with them and compare.",
    )
    rejected = [name for name in names if labels[name] == "no" and truth[name]]
    inspection.expect(
        not rejected,
        passed="none is rejected whose confirmation fits",
        failed=f"{len(rejected)} of those tagged no are genuine",
        fix='Compute hmac.digest(secret, b"parcel", "sha256").hex() with the bytes from '
        "decapsulate, under the tagged key.",
    )


def _confirmed(s3: Any, key_arn: str, bucket: str, name: str) -> bool:
    parcel = s3.get_object(Bucket=bucket, Key=name)
    capsule, told = parcel["Body"].read(), parcel["Metadata"].get("confirmation", "")
    try:
        answer = boto3.client("kms").decapsulate(
            KeyId=key_arn, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=capsule
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in ("InvalidCiphertextException", "ValidationException"):
            return False
        raise
    expected = hmac.digest(answer["SharedSecret"], b"parcel", "sha256").hex()
    return hmac.compare_digest(expected.encode(), told.strip().lower().encode())


def _label(s3: Any, bucket: str, name: str) -> str:
    tags = s3.get_object_tagging(Bucket=bucket, Key=name)["TagSet"]
    return next((tag["Value"] for tag in tags if tag["Key"] == "genuine"), "")


# --- what they share --------------------------------------------------------------------------


def _key(
    inspection: Inspection, usage: str, made_with: str, *, usable: bool = True
) -> dict[str, Any]:
    """The tagged key, of this usage, and enabled if it has to be usable."""
    key = inspection.key()
    inspection.passed(f"the key {key['KeyId']} carries the tag")
    inspection.require(
        key["KeyUsage"] == usage,
        passed=f"it is a key for {usage}",
        failed=f"it is a key for {key['KeyUsage']}, not for {usage}",
        fix=f"Make it with kms.create_key({made_with}, Tags=…); a key's usage never changes.",
    )
    if not usable:
        return key
    inspection.require(
        key["KeyState"] == "Enabled",
        passed="it is enabled",
        failed=f"it is {key['KeyState']}: nobody can use it",
        fix="Bring it back with kms.enable_key(KeyId=…), after kms.cancel_key_deletion if it is "
        "pending deletion.",
    )
    return key


def _object(inspection: Inspection, bucket: str, name: str) -> bytes:
    absent = (f"it holds no object {name}", f'Put it: s3.put_object(…, Key="{name}", Body=…).')
    with inspection.asking({"NoSuchKey": absent}):
        body: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=name)["Body"].read()
    return body


def _allowed(call: Callable[[], Any]) -> bool:
    """Whether AWS lets the caller do it; a dry run that would have succeeded counts."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in (*_REFUSED, "DryRunOperationException"):
            raise
        return bool(code == "DryRunOperationException")
    return True

"""Exercises of lesson 03: the item encryptor.

The item format is that of the DynamoDB Encryption Client for Python, version 3:
https://github.com/aws/aws-dynamodb-encryption-python/tree/master/src/dynamodb_encryption_sdk/internal
"""

import base64
import hashlib
import hmac
from decimal import Decimal
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise

SIGNATURE = "*amzn-ddb-map-sig*"
DESCRIPTION = "*amzn-ddb-map-desc*"
LAYOUT = {"customer": "S", "order_no": "N"}
READABLE = ("customer", "order_no", "city")


class _Opened(NamedTuple):
    """Lin's order, in DynamoDB-JSON, and the KMS key (ARN) that wraps its data key."""

    item: dict[str, Any]
    kms_key: str
    data_key: bytes


@exercise("3.1", "an order encrypted and signed by hand")
def by_hand(inspection: Inspection) -> None:
    """Order lin/31 of the tagged table: bound to its table and key, city signed, card secret."""
    table = inspection.table()
    name = table["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(table, LAYOUT, "1a")
    opened = _open(inspection, name)
    kinds = {attribute: next(iter(value)) for attribute, value in opened.item.items()}
    absent = [attribute for attribute in ("city", "card") if attribute not in kinds]
    inspection.require(
        not absent,
        passed="the order has a city and a card",
        failed=f"the order lacks {' and '.join(absent)}",
        fix="Add what is lacking, encrypt and write the order again.",
    )
    inspection.require(
        kinds["city"] == "S",
        passed="a plain reader sees the city",
        failed="the city is encrypted, or no text",
        fix='Give the city as text, with "city": CryptoAction.SIGN_ONLY in the attribute actions.',
    )
    inspection.require(
        kinds["card"] == "B",
        passed="the card is ciphertext",
        failed="a plain reader sees the card",
        fix="Let ENCRYPT_AND_SIGN be the default action, and make no exception for the card.",
    )
    _signed(inspection, name, opened)


@exercise("3.2", "an order moved under another KMS key")
def moved(inspection: Inspection) -> None:
    """The data key of lin/31 is wrapped by the tagged KMS key, and the order still verifies."""
    key = inspection.key()
    inspection.passed(f"the KMS key {key['KeyId']} carries the tag")
    table = inspection.table("3.1")
    inspection.keyed(table, LAYOUT, "1a")
    name = table["TableName"]
    opened = _open(inspection, name)
    inspection.require(
        opened.kms_key == key["Arn"],
        passed="its data key is wrapped by the tagged KMS key",
        failed=f"its data key is wrapped by another KMS key, {opened.kms_key.rpartition('/')[2]}",
        fix="Read the order, and write it with a provider that names the tagged KMS key.",
    )
    _signed(inspection, name, opened)


def _open(inspection: Inspection, table: str) -> _Opened:
    """Find lin's order and unwrap its data key in the way a correct reader would."""
    key = {"customer": {"S": "lin"}, "order_no": {"N": "31"}}
    item = boto3.client("dynamodb").get_item(TableName=table, Key=key).get("Item", {})
    inspection.require(
        item,
        passed="it holds the order lin, 31",
        failed="the table holds no order with customer lin and order_no 31",
        fix="Encrypt one with encrypt_python_item and write it with the plain table's put_item.",
    )
    inspection.require(
        "B" in item.get(DESCRIPTION, {}) and "B" in item.get(SIGNATURE, {}),
        passed="it has a material description and a signature",
        failed="it was written in plaintext: there is no material description",
        fix="Write what encrypt_python_item returned, not what you gave it.",
    )
    facts = _fields(item[DESCRIPTION]["B"])
    inspection.require(
        facts.get("amzn-ddb-wrap-alg") == "kms" and "amzn-ddb-env-key" in facts,
        passed="its data key was wrapped by KMS",
        failed="its data key was not wrapped by KMS: another provider wrote it",
        fix="Use the provider of step 1c, DirectKms, in the CryptoConfig.",
    )
    whole = {
        "*aws-kms-table*": table,
        "customer": "lin",
        "order_no": "31",
        "*amzn-ddb-env-alg*": facts.get("amzn-ddb-env-alg", ""),
        "*amzn-ddb-sig-alg*": facts.get("amzn-ddb-sig-alg", ""),
    }
    blob = _wrapped_key(facts)
    inspection.require(
        blob,
        passed="the wrapped data key stands beside it",
        failed="its material description holds no wrapped data key: it was edited",
        fix="Encrypt the order again, and write all that encrypt_python_item returns.",
    )
    answer = _unwrap(blob, whole)
    if answer is None:
        inspection.fail(*_what_is_wrong(blob, whole))
    inspection.passed(
        "KMS unwraps its data key for a reader who names the table and the primary key"
    )
    return _Opened(item, answer["KeyId"], answer["Plaintext"])


def _unwrap(blob: bytes, context: dict[str, str]) -> dict[str, Any] | None:
    """Decrypt's answer, or None where the data key was wrapped in another context."""
    try:
        answer: dict[str, Any] = boto3.client("kms").decrypt(
            CiphertextBlob=blob, EncryptionContext=context
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidCiphertextException":
            raise
        return None
    return answer


def _what_is_wrong(blob: bytes, whole: dict[str, str]) -> tuple[str, str]:
    """Name what the context lacked at the writing, by trying without it."""

    def without(*names: str) -> dict[str, str]:
        return {name: value for name, value in whole.items() if name not in names}

    if _unwrap(blob, without("customer", "order_no")):
        return (
            "its data key is not bound to the primary key: the context had no attributes",
            "Give EncryptionContext the item: attributes=dict_to_ddb(item).",
        )
    if _unwrap(blob, without("order_no")):
        return (
            "its data key is not bound to order_no: the context named no sort key",
            'Give EncryptionContext sort_key_name="order_no".',
        )
    if _unwrap(blob, without("customer")):
        return (
            "its data key is not bound to customer: the context named no partition key",
            'Give EncryptionContext partition_key_name="customer".',
        )
    return (
        "KMS does not unwrap its data key for this table and this primary key",
        "Is table_name the name of the tagged table, and attributes the order itself?",
    )


def _signed(inspection: Inspection, table: str, opened: _Opened) -> None:
    """The signature is the one over these attributes, the city included."""
    strange = sorted(set(opened.item) - {*READABLE, "card", SIGNATURE, DESCRIPTION})
    inspection.require(
        not strange,
        passed="it has no other attributes",
        failed=f"it has other attributes too: {', '.join(strange)}",
        fix="Leave them out: the check can only verify what the exercise asks for.",
    )
    inspection.expect(
        hmac.compare_digest(
            _signature(table, opened.item, opened.data_key), opened.item[SIGNATURE]["B"]
        ),
        passed="its signature covers the primary key, the city and the card",
        failed="its signature does not verify with the city signed and the card encrypted",
        fix="Use the actions of step 1g: DO_NOTHING signs nothing. After an edit, encrypt again.",
    )


def _fields(description: bytes) -> dict[str, str]:
    """Return the names and values of a material description; {} if it is not one."""
    texts, at = [], 4
    try:
        while at < len(description):
            size = int.from_bytes(description[at : at + 4], "big")
            texts.append(description[at + 4 : at + 4 + size].decode())
            at += 4 + size
        return dict(zip(texts[::2], texts[1::2], strict=True))
    except ValueError:
        return {}


def _wrapped_key(facts: dict[str, str]) -> bytes:
    """The wrapped data key of a material description; empty if what stands there is none."""
    try:
        return base64.b64decode(facts["amzn-ddb-env-key"], validate=True)
    except ValueError:
        return b""


def _signature(table: str, item: dict[str, Any], data_key: bytes) -> bytes:
    """HMAC-SHA256 over the item, under the key that HKDF derives from the data key.

    https://www.rfc-editor.org/rfc/rfc5869
    """
    extracted = hmac.digest(bytes(32), data_key, "sha256")
    signing_key = hmac.digest(extracted, b"Signing\x01", "sha256")
    message = _hash(f"TABLE>{table}<TABLE".encode())
    for name in sorted(set(item) - {SIGNATURE, DESCRIPTION}):
        action = b"PLAINTEXT" if name in READABLE else b"ENCRYPTED"
        message += _hash(name.encode()) + _hash(action) + _hash(_serialized(item[name]))
    return hmac.digest(signing_key, message, "sha256")


def _serialized(attribute: dict[str, Any]) -> bytes:
    ((kind, value),) = attribute.items()
    if kind == "N":
        value = f"{Decimal(value).normalize():f}"
    data = value if kind == "B" else str(value).encode()
    return b"\0" + kind.lower().encode() + len(data).to_bytes(4, "big") + data


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()

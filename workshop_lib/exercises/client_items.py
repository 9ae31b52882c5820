"""Items of the DynamoDB Encryption Client: their signature recomputed, their attributes opened.

The format is that of `dynamodb_encryption_sdk` 3.3.0 (``internal/crypto`` and
``material_providers``), written down here once more: a check believes no library of the learner's.
https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/DDBEC-legacy-concepts.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.dynamodb.types import DYNAMODB_CONTEXT
from botocore.exceptions import ClientError

from workshop_lib.exercises.proofs import opened_cbc, unwrapped

DESCRIPTION, SIGNATURE = "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*"
Attributes = Mapping[str, Mapping[str, Any]]
"""An item as boto3's client gives it: ``{"ward": {"S": "north"}}``."""

_AES_BYTES = {"AES/128": 16, "AES/192": 24, "AES/256": 32}
_MOST = 50_000  # combinations of attribute actions that are tried
_TAGS = {
    "B": b"b", "BS": b"B", "N": b"n", "NS": b"N", "S": b"s", "SS": b"S",
    "BOOL": b"?", "NULL": b"\0", "L": b"L", "M": b"M",
}  # fmt: skip


class NotOpened(Exception):
    """The item does not open; its text says why, in words for the learner."""


@dataclass(frozen=True)
class OpenedItem:
    """What the signature and the data key of an item prove.

    encrypted, signed, unsigned: names of attributes by what was done to them.
    plaintext: each encrypted attribute, opened, in the client's serialized form.
    kms_keys: ARNs of the KMS keys that took part.
    """

    encrypted: tuple[str, ...]
    signed: tuple[str, ...]
    unsigned: tuple[str, ...]
    plaintext: Mapping[str, bytes]
    kms_keys: tuple[str, ...]


def open_item(
    table: str, keys: Sequence[str], item: Attributes, regions: Iterable[str] = ()
) -> OpenedItem:
    """Open an item of the Direct KMS provider, or of a caching one over a MetaStore.

    Args:
        table: the table's name, which the client signs.
        keys: the names of the partition key and, if there is one, the sort key.
        item: the item as it is stored.
        regions: Regions whose KMS may have the key, beside the default one.

    Raises:
        NotOpened: KMS does not unwrap the data key for this item of this table, or no choice of
            attribute actions gives the stored signature.
        ClientError: KMS refuses for another reason (a disabled key, a missing permission).
    """
    described = description(item)
    if "amzn-ddb-meta-id" in described:
        cipher_key, signing_key, arns = _stored_keys(described, tuple(regions))
    else:
        cipher_key, signing_key, arns = _kms_keys(table, keys, item, described, tuple(regions))
    body = {name: value for name, value in item.items() if name not in (DESCRIPTION, SIGNATURE)}
    signature = item.get(SIGNATURE, {}).get("B", b"")
    for actions in _likely_actions(body, keys):
        made = hmac.digest(signing_key, signed_bytes(table, body, actions), "sha256")
        if hmac.compare_digest(made, bytes(signature)):
            break
    else:
        raise NotOpened("its signature does not fit: it was changed after the client signed it")
    plaintext = {}
    for name in (name for name in body if actions[name] == "encrypted"):
        text = opened_cbc(cipher_key, bytes(body[name]["B"]))
        if text is None:
            raise NotOpened(f"its {name} does not open under its data key")
        plaintext[name] = text
    by_action = {
        action: tuple(name for name in body if actions[name] == action)
        for action in ("encrypted", "signed", "unsigned")
    }
    return OpenedItem(**by_action, plaintext=plaintext, kms_keys=arns)


def signed_bytes(table: str, body: Attributes, actions: Mapping[str, str]) -> bytes:
    """What the signature of an item is computed over."""
    parts = [_sha256(f"TABLE>{table}<TABLE".encode())]
    for name in sorted(body):
        if actions[name] != "unsigned":
            label = b"ENCRYPTED" if actions[name] == "encrypted" else b"PLAINTEXT"
            parts += [_sha256(name.encode()), _sha256(label), _sha256(serialized(body[name]))]
    return b"".join(parts)


def serialized(value: Mapping[str, Any]) -> bytes:
    """An attribute as the client signs and encrypts it."""
    [(kind, held)] = value.items()
    head = b"\0" + _TAGS[kind]
    if kind == "NULL":
        return head
    if kind == "BOOL":
        return head + (b"\1" if held else b"\0")
    if kind == "L":
        return head + _length(held) + b"".join(serialized(each) for each in held)
    if kind == "M":
        pairs = sorted((name.encode(), name) for name in held)
        members = (serialized({"S": name}) + serialized(held[name]) for _, name in pairs)
        return head + _length(held) + b"".join(members)
    if kind in ("BS", "NS", "SS"):
        members = (_counted(each) for each in sorted(_raw(kind[0], each) for each in held))
        return head + _length(held) + b"".join(members)
    return head + _counted(_raw(kind, held))


def _raw(kind: str, value: Any) -> bytes:
    if kind == "B":
        return bytes(value)
    if kind == "N":
        return f"{DYNAMODB_CONTEXT.create_decimal(value).normalize():f}".encode()
    return str(value).encode()


def _length(value: Any) -> bytes:
    return len(value).to_bytes(4, "big")


def _counted(value: bytes) -> bytes:
    return _length(value) + value


def _sha256(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _likely_actions(body: Attributes, keys: Sequence[str]) -> Iterator[dict[str, str]]:
    """What may have been done to each attribute, the likeliest first."""
    choices = []
    for name, value in body.items():
        options = ["signed", "unsigned"]
        if "B" in value and name not in keys:
            options.insert(0, "encrypted")
        choices.append(options)
    tried = itertools.islice(itertools.product(*choices), _MOST)
    return (dict(zip(body, chosen, strict=True)) for chosen in tried)


def description(item: Attributes) -> dict[str, str]:
    """The material description: a version and then names and values, each with its length."""
    data = bytes(item.get(DESCRIPTION, {}).get("B", b""))
    words: list[str] = []
    place = 4
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        words.append(data[place + 4 : place + 4 + size].decode("utf-8", "replace"))
        place += 4 + size
    if not words or data[:4] != bytes(4) or len(words) % 2 or place != len(data):
        raise NotOpened("its material description is not one of the client's")
    return dict(zip(words[::2], words[1::2], strict=True))


def _kms_keys(
    table: str,
    keys: Sequence[str],
    item: Attributes,
    described: Mapping[str, str],
    regions: tuple[str, ...],
) -> tuple[bytes, bytes, tuple[str, ...]]:
    """The keys of a Direct KMS item: KMS unwraps one secret for this item, HKDF makes two of it."""
    if described.get("amzn-ddb-wrap-alg") != "kms":
        raise NotOpened("no KMS key stands behind its data key")
    context = {
        "*amzn-ddb-env-alg*": described.get("amzn-ddb-env-alg", ""),
        "*amzn-ddb-sig-alg*": described.get("amzn-ddb-sig-alg", ""),
        "*aws-kms-table*": table,
    }
    for name in keys:
        [(kind, value)] = item[name].items()
        context[name] = base64.b64encode(value).decode() if kind == "B" else value
    blob = decoded(described.get("amzn-ddb-env-key", ""))
    answer = decrypted(blob, context, regions)
    if answer is None:
        raise NotOpened(
            "KMS does not unwrap its data key for this item of this table: the item, or its "
            "material description, was written for another one"
        )
    secret: bytes = answer["Plaintext"]
    size = _AES_BYTES.get(described.get("amzn-ddb-env-alg", "AES/256"))
    if size is None:
        raise NotOpened("its material description names an algorithm that is not the client's")
    return derived(secret, b"Encryption")[:size], derived(secret, b"Signing"), (answer["KeyId"],)


def decrypted(
    blob: bytes, context: Mapping[str, str], regions: Iterable[str]
) -> dict[str, Any] | None:
    """KMS's answer to Decrypt, from whichever Region has the key; None for another context.

    Raises ClientError: KMS refuses for another reason, or has the key in none of the Regions.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
    """
    unknown: ClientError | None = None
    found = False
    for region in dict.fromkeys((None, *sorted(regions))):
        kms = boto3.client("kms", region_name=region)
        try:
            answer: dict[str, Any] = kms.decrypt(
                CiphertextBlob=blob or b"-", EncryptionContext=dict(context)
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "AccessDeniedException":  # also of a key of another Region
                unknown = unknown or error
            elif code == "InvalidCiphertextException":
                found = True
            else:
                raise
        else:
            return answer
    if unknown and not found:
        raise unknown
    return None


def _stored_keys(
    described: Mapping[str, str], regions: tuple[str, ...]
) -> tuple[bytes, bytes, tuple[str, ...]]:
    """The keys of an item of the caching provider: a MetaStore's item holds them, encrypted."""
    name, _, version = described["amzn-ddb-meta-id"].rpartition("#")
    dynamodb = boto3.client("dynamodb")
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            schema = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
            if [each["AttributeName"] for each in schema] != ["N", "V"]:
                continue
            place = {"N": {"S": name}, "V": {"N": version}}
            item = dynamodb.get_item(TableName=table, Key=place).get("Item")
            if item and DESCRIPTION in item:
                kept = open_item(table, ["N", "V"], item, regions)
                wrapping, signing = (kept.plaintext[part][6:] for part in ("enc", "int"))
                content = unwrapped(wrapping, decoded(described.get("amzn-ddb-env-key", "")))
                if content is not None:
                    return content, signing, kept.kms_keys
    raise NotOpened(
        "no MetaStore of this account holds the key that its material description names"
    )


def derived(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 without a salt, 32 bytes. https://www.rfc-editor.org/rfc/rfc5869"""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def decoded(text: str) -> bytes:
    """What base64 text stands for; nothing if it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""

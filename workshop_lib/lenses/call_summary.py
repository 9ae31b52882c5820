"""What an API call is about, read from its parameters and its answer.

One table of parameter names per question, for every service alike.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

NONE = "—"
"""What a cell shows when there is nothing to show."""

_RESOURCES = (
    "TableName", "TableArn", "KeyId", "AliasName", "DestinationKeyId", "RoleArn", "RoleName",
    "UserName", "GroupName", "PolicyArn", "PolicyName", "ResourceArn", "StreamArn", "Name",
)  # fmt: skip
_KEYS = (
    "SourceKeyId", "DestinationKeyId", "KeyId", "TargetKeyId", "SSEKMSKeyId", "KMSMasterKeyId",
    "KMSMasterKeyID", "KMSMasterKeyArn",
)  # fmt: skip
_CONTEXTS = (
    "SourceEncryptionContext", "DestinationEncryptionContext", "EncryptionContext",
    "EncryptionContextSubset", "EncryptionContextEquals",
)  # fmt: skip
# Where such names may stand deeper than at the top. Elsewhere they are a user's data.
_INSIDE = frozenset({
    "ApplyServerSideEncryptionByDefault", "Constraints", "KeyMetadata", "Rules", "SSEDescription",
    "SSESpecification", "ServerSideEncryptionConfiguration", "Table", "TableDescription",
})  # fmt: skip
# Where items are, in requests and answers of DynamoDB and its streams.
_ITEMS = (
    "Item", "Items", "Attributes", "RequestItems", "Responses", "TransactItems", "Records",
    "UnprocessedItems", "ExpressionAttributeValues", "Statements", "Parameters",
)  # fmt: skip
_DESCRIPTION = "*amzn-ddb-map-desc*"
# The names under which S3 Encryption Clients keep the wrapped data key: formats 1, 2 and 3.
_S3_CLIENT = frozenset({"x-amz-key", "x-amz-key-v2", "x-amz-3"})
_KEY_ID = re.compile(r"\b((?:mrk-)?[0-9a-f]{8})-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")


def resource(params: Mapping[str, Any]) -> str:
    """Name what a call is about, as it was sent: bucket/key, table, KMS key or alias, role …"""
    if "Bucket" in params:
        return _object(params)
    for name in _RESOURCES:
        if isinstance(params.get(name), str):
            return str(params[name])
    items = params.get("RequestItems") or {}
    actions = [each for item in params.get("TransactItems") or [] for each in item.values()]
    tables = [*items, *(action["TableName"] for action in actions if "TableName" in action)]
    return ", ".join(dict.fromkeys(tables)) or NONE


def keys(params: Mapping[str, Any]) -> list[str]:
    """Return the ids or aliases of the KMS keys that a request names, in a fixed order."""
    named = [each for name in _KEYS for each in _named(params, name) if isinstance(each, str)]
    return list(dict.fromkeys(_key_id(key) for key in named))


def answered_keys(answer: Mapping[str, Any]) -> list[str]:
    """Return the KMS keys that an answer says were used or described."""
    named = keys(answer)
    metadata = answer.get("KeyMetadata")
    return [_key_id(metadata["KeyId"])] if metadata and "KeyId" in metadata else named


def contexts(params: Mapping[str, Any]) -> str:
    """Write down the encryption context of a request: ``name=value, …``; "" if there is none."""
    mappings = [each for name in _CONTEXTS for each in _named(params, name)]
    mappings += [_decoded(each) for each in _named(params, "SSEKMSEncryptionContext")]
    written = [", ".join(f"{k}={v}" for k, v in sorted(each.items())) for each in mappings]
    return " → ".join(dict.fromkeys(filter(None, written)))


def short_name(resource: str) -> str:
    """Shorten what `resource` names: of an ARN only what it names, of a key id the beginning."""
    name = resource.split(":", 5)[5] if resource.startswith("arn:") else resource
    return _KEY_ID.sub(r"\1…", name)


def carries_ciphertext(model: Any, members: Mapping[str, Any]) -> bool:
    """Say whether a request or an answer carries what is ciphertext by its form.

    That is: a ciphertext blob of KMS; an item with the material description of the DynamoDB
    Encryption Client; an object with the metadata of an S3 Encryption Client.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/DDBEC-legacy-concepts.html
    https://docs.aws.amazon.com/amazon-s3-encryption-client/latest/developerguide/concepts.html
    """
    if model.service_model.service_name == "kms":
        return any(name.endswith("CiphertextBlob") for name in members)
    if model.service_model.service_name == "s3":
        return bool(_S3_CLIENT & {name.lower() for name in members.get("Metadata") or {}})
    return any(_has_name(members.get(name), _DESCRIPTION) for name in _ITEMS)


def given_away(model: Any, answer: Mapping[str, Any]) -> str:
    """Name the plaintext that an answer of KMS hands out by its nature; "" if there is none."""
    if model.service_model.service_name != "kms":
        return ""
    if model.name.startswith("GenerateDataKey"):
        return "data key" if {"Plaintext", "PrivateKeyPlaintext"} & set(answer) else ""
    return "other plaintext" if "Plaintext" in answer else ""


def range_start(wanted: Any) -> int:
    """Return the first byte of an HTTP range (``bytes=100-199`` → 100), 0 if there is none."""
    start = str(wanted or "").removeprefix("bytes=").partition("-")[0]
    return int(start) if start.isdigit() else 0


def _object(params: Mapping[str, Any]) -> str:
    name: str = params["Bucket"] + (f"/{params['Key']}" if params.get("Key") else "")
    source = params.get("CopySource")
    if isinstance(source, Mapping):
        source = f"{source.get('Bucket')}/{source.get('Key')}"
    if source:
        name = f"{source} → {name}"
    if params.get("PartNumber"):
        name += f" part {params['PartNumber']}"
    return name


def _key_id(key: str) -> str:
    return key.rpartition(":")[2].removeprefix("key/")


def _decoded(encoded: str) -> dict[str, str]:
    """Open S3's encryption context header: JSON in base64."""
    try:
        context = json.loads(base64.b64decode(encoded))
    except ValueError:  # S3 will refuse it; show what was sent
        return {"not JSON in base64": encoded}
    return context if isinstance(context, dict) else {"not a mapping": encoded}


def _named(node: Any, name: str) -> Iterator[Any]:
    """Yield the values under this name, at the top and where AWS puts such names deeper."""
    if isinstance(node, list | tuple):
        for each in node:
            yield from _named(each, name)
    elif isinstance(node, Mapping):
        if name in node:
            yield node[name]
        for inside, each in node.items():
            if inside in _INSIDE:
                yield from _named(each, name)


def _has_name(node: Any, name: str) -> bool:
    if isinstance(node, Mapping):
        return name in node or any(_has_name(each, name) for each in node.values())
    return isinstance(node, list | tuple) and any(_has_name(each, name) for each in node)

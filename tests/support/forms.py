"""One of each interactive form, on a lab of its own, as a lesson would make it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import AwsKmsCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions

from workshop_lib import (
    hex_strip,
    material_description_fields,
    matrix,
    policy_grid,
    start_lab,
    tamper,
    tamper_blob,
    timeline,
)
from workshop_lib.interactive.forms import Form
from workshop_lib.interactive.hex_strip import HexStrip
from workshop_lib.interactive.matrix import Matrix
from workshop_lib.interactive.policy_grid import PolicyGrid
from workshop_lib.interactive.tamper import TamperForm
from workshop_lib.interactive.timeline import Timeline

KEY = {"patient": "p-1"}
CONTEXT = {"patient": "p-1", "for": "lab"}
DESCRIPTION = "*amzn-ddb-map-desc*"
_SSE = "s3:x-amz-server-side-encryption"


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def new_table(name: str, **more: Any) -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "patient", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "patient", "KeyType": "HASH"}],
        **more,
    )


class Patients:
    """A table as anyone with access sees it, as its owner does, and an older version of an item."""

    def __init__(self) -> None:
        self.plain = new_table(start_lab().name("patients"))
        self.encrypted = EncryptedTable(
            table=self.plain,
            materials_provider=AwsKmsCryptographicMaterialsProvider(key_id=new_key()),
            attribute_actions=AttributeActions(
                attribute_actions={
                    "ward": CryptoAction.DO_NOTHING,
                    "city": CryptoAction.SIGN_ONLY,
                }
            ),
        )
        item = {**KEY, "diagnosis": "flu", "ward": "B2", "city": "Oslo", "age": 51}
        self.encrypted.put_item(Item=item)
        self.older = self.stored()
        self.encrypted.put_item(Item={**item, "diagnosis": "well"})

    def stored(self) -> dict[str, Any]:
        return dict(self.plain.get_item(Key=KEY)["Item"])

    def read(self, key: dict[str, Any]) -> Any:
        return self.encrypted.get_item(Key=key)

    def reopen(self, description: bytes) -> Any:
        """Read the item with another material description."""
        item = self.stored()
        try:
            self.plain.put_item(Item={**item, DESCRIPTION: description})
            return self.read(KEY)
        finally:
            self.plain.put_item(Item=item)


def item_lab() -> TamperForm:
    patients = Patients()
    return tamper(table=patients.plain, read=patients.read, key=KEY, older=patients.older)


def blob_lab() -> TamperForm:
    start_lab()
    kms = boto3.client("kms")

    def opens(blob: bytes, context: dict[str, str], **more: Any) -> bytes:
        answer = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context, **more)
        return bytes(answer["Plaintext"])

    blob = kms.encrypt(KeyId=new_key(), Plaintext=b"secret", EncryptionContext=CONTEXT)
    return tamper_blob(
        decrypt=opens,
        blob=blob["CiphertextBlob"],
        context=CONTEXT,
        other_keys={"another KMS key": partial(opens, KeyId=new_key())},
    )


def strip() -> HexStrip:
    patients = Patients()
    description = bytes(patients.stored()[DESCRIPTION].value)
    return hex_strip(description, material_description_fields(description), patients.reopen)


def grid() -> PolicyGrid:
    bucket, s3, key = start_lab().name("reports"), boto3.client("s3"), new_key()
    s3.create_bucket(Bucket=bucket)

    def put(**more: Any) -> Callable[[], Any]:
        return lambda: s3.put_object(Bucket=bucket, Key="a", Body=b"x", **more)

    def deny(**condition: Any) -> dict[str, Any]:
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
            "Condition": condition,
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    return policy_grid(
        {
            "nothing": put(),
            "AES256": put(ServerSideEncryption="AES256"),
            "aws:kms + key": put(ServerSideEncryption="aws:kms", SSEKMSKeyId=key),
        },
        {
            "no policy": None,
            "must be AES256": deny(StringNotEquals={_SSE: "AES256"}),
            "default or AES256": deny(Null={_SSE: "false"}, StringNotEquals={_SSE: "AES256"}),
            "must name a key": deny(Null={f"{_SSE}-aws-kms-key-id": "true"}),
        },
        attach=lambda policy: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy)),
        detach=lambda: s3.delete_bucket_policy(Bucket=bucket),
    )


def disabled_key() -> Timeline:
    lab, key = start_lab(), new_key()
    sse = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    table = new_table(lab.name("own"), SSESpecification=sse)
    table.put_item(Item=KEY)
    table.get_item(Key=KEY)
    boto3.client("kms").disable_key(KeyId=key)

    def status() -> str:
        table.reload()
        return str(table.table_status)

    return timeline(
        {"GetItem": lambda: table.get_item(Key=KEY), "TableStatus": status},
        later=lab.later,
        at={"at once": {}, "5 min": {"minutes": 5}, "1 h": {"hours": 1}, "7 days": {"days": 7}},
        title="The table's KMS key is disabled",
    )


def ways() -> Matrix:
    return matrix(
        [
            {"way": "plain item", "reader": "readable", "disk": "readable", "keys": 0},
            {"way": "at rest", "reader": "readable", "disk": "encrypted by AWS", "keys": 1},
            {"way": "client-side", "reader": "encrypted", "disk": "encrypted", "keys": 1},
        ],
        {
            "A reader must not read it": {"reader": "encrypted"},
            "A disk must not show it": {"disk": "encrypted"},
            "No key to keep": lambda row: row["keys"] == 0,
        },
    )


FORMS: dict[str, Callable[[], Form]] = {
    "tamper with an item": item_lab,
    "tamper with a blob": blob_lab,
    "hex strip": strip,
    "policy grid": grid,
    "timeline": disabled_key,
    "matrix": ways,
}

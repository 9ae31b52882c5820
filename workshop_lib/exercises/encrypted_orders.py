"""Orders that the DynamoDB Encryption Client encrypted under Direct KMS, opened by a check.

A check opens them as a correct reader would, with KMS and what `client_items` knows of the format,
and says what is wrong with those that do not open.
"""

import hmac
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import boto3

from workshop_lib.exercises.client_items import (
    DESCRIPTION,
    SIGNATURE,
    NotOpened,
    decoded,
    decrypted,
    derived,
    description,
    signed_bytes,
)
from workshop_lib.exercises.inspection import CheckEnded, Inspection
from workshop_lib.exercises.proofs import opened_cbc

LAYOUT = {"customer": "S", "order_no": "N"}
READABLE = ("customer", "order_no", "city")


class Order(NamedTuple):
    """What a reader gets: the city, the card in plaintext, and which KMS key (ARN) was asked."""

    city: str
    card: str
    kms_key: str


def open_order(
    inspection: Inspection, table: str, customer: str, number: str, lost: str = ""
) -> Order:
    """Return an order whose city is signed and whose card is encrypted; else end the check.

    Its data key has to be bound to the table and the primary key, and its signature has to cover
    the primary key, the city and the card. The check ends with the first thing that is wrong.
    lost: the next step, where an order that does not open cannot be mended, but only made anew.
    """
    try:
        return _opened(inspection, table, customer, number)
    except CheckEnded:
        if lost:
            inspection.steps[-1] = replace(inspection.steps[-1], fix=lost)
        raise


def _opened(inspection: Inspection, table: str, customer: str, number: str) -> Order:
    which = f"the order {customer}, {number}"
    key = {"customer": {"S": customer}, "order_no": {"N": number}}
    answer = boto3.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    item: dict[str, Any] = answer.get("Item", {})
    if not item:
        inspection.fail(
            f"the table holds no order with customer {customer} and order_no {number}",
            "Encrypt it, for instance with encrypt_python_item, and write what you get.",
        )
    if not ("B" in item.get(DESCRIPTION, {}) and "B" in item.get(SIGNATURE, {})):
        inspection.fail(
            f"{which} was written in plaintext: it has no material description or no signature",
            "Write what encrypt_python_item returned, not what you gave it.",
        )
    absent = [attribute for attribute in ("city", "card") if attribute not in item]
    if absent:
        inspection.fail(
            f"{which} lacks {' and '.join(absent)}",
            "Add what is lacking, encrypt and write the order again.",
        )
    unwrapped = _unwrapped(inspection, which, table, item)
    _as_asked(inspection, which, item)
    data_key = unwrapped["Plaintext"]
    if not hmac.compare_digest(_signature(table, item, data_key), item[SIGNATURE]["B"]):
        inspection.fail(
            f"{which}: its signature does not verify with the city signed and the card encrypted",
            "Let the actions sign the city: DO_NOTHING signs nothing. After an edit, encrypt "
            "again.",
        )
    card = _text(opened_cbc(derived(data_key, b"Encryption"), item["card"]["B"]))
    if card is None:
        inspection.fail(
            f"{which}: its card does not open to a text under the data key",
            "Give the card as text, and let the client encrypt it.",
        )
    return Order(item["city"]["S"], card, unwrapped["KeyId"])


def _unwrapped(
    inspection: Inspection, which: str, table: str, item: dict[str, Any]
) -> dict[str, Any]:
    """KMS's answer for the item's data key, asked with the facts that a correct reader names."""
    facts = _facts(item)
    if facts.get("amzn-ddb-wrap-alg") != "kms" or "amzn-ddb-env-key" not in facts:
        inspection.fail(
            f"{which}: its data key was not wrapped by KMS: another provider wrote it, or its "
            "material description was edited",
            "Encrypt it with the provider DirectKms in the CryptoConfig.",
        )
    blob = decoded(facts["amzn-ddb-env-key"])
    if not blob:
        inspection.fail(
            f"{which}: its material description holds no wrapped data key: it was edited",
            "Encrypt the order again, and write all that encrypt_python_item returns.",
        )
    whole = {
        "*aws-kms-table*": table,
        "customer": item["customer"]["S"],
        "order_no": item["order_no"]["N"],
        "*amzn-ddb-env-alg*": facts.get("amzn-ddb-env-alg", ""),
        "*amzn-ddb-sig-alg*": facts.get("amzn-ddb-sig-alg", ""),
    }
    regions = inspection.lab.regions()
    answer = decrypted(blob, whole, regions)
    if answer is None:
        wrong, fix = _what_is_wrong(blob, whole, regions)
        inspection.fail(f"{which}: {wrong}", fix)
    return answer


def _what_is_wrong(blob: bytes, whole: dict[str, str], regions: Iterable[str]) -> tuple[str, str]:
    """Name what the context lacked at the writing, by trying without it."""

    def opens_without(*names: str) -> bool:
        rest = {name: value for name, value in whole.items() if name not in names}
        return decrypted(blob, rest, regions) is not None

    if opens_without("customer", "order_no"):
        return (
            "its data key is not bound to the primary key: the context had no attributes",
            "Give EncryptionContext the item: attributes=dict_to_ddb(item).",
        )
    if opens_without("order_no"):
        return (
            "its data key is not bound to order_no: the context named no sort key",
            'Give EncryptionContext sort_key_name="order_no".',
        )
    if opens_without("customer"):
        return (
            "its data key is not bound to customer: the context named no partition key",
            'Give EncryptionContext partition_key_name="customer".',
        )
    return (
        "KMS does not unwrap its data key for this table and this primary key",
        "Is table_name the name of the tagged table, and attributes the order itself? An item "
        "that is copied stays bound to the table it was encrypted for.",
    )


def _as_asked(inspection: Inspection, which: str, item: dict[str, Any]) -> None:
    """The city is readable, the card is not, and there is nothing else."""
    if "S" not in item["city"]:
        inspection.fail(
            f"{which}: the city is encrypted, or no text",
            'Give the city as text, with "city": CryptoAction.SIGN_ONLY in the attribute actions.',
        )
    if "B" not in item["card"]:
        inspection.fail(
            f"{which}: a plain reader sees the card",
            "Let ENCRYPT_AND_SIGN be the default action, and make no exception for the card.",
        )
    strange = sorted(set(item) - {*READABLE, "card", SIGNATURE, DESCRIPTION})
    if strange:
        inspection.fail(
            f"{which} has other attributes too: {', '.join(strange)}",
            "Leave them out: the check can only verify what the exercise asks for.",
        )


def _facts(item: dict[str, Any]) -> dict[str, str]:
    """The names and values of the material description; {} if it is not one."""
    try:
        return description(item)
    except NotOpened:
        return {}


def _signature(table: str, item: dict[str, Any], data_key: bytes) -> bytes:
    """HMAC-SHA256 over the item, under the key that is derived for signing."""
    body = {name: value for name, value in item.items() if name not in (SIGNATURE, DESCRIPTION)}
    actions = {name: "signed" if name in READABLE else "encrypted" for name in body}
    signing_key = derived(data_key, b"Signing")
    return hmac.digest(signing_key, signed_bytes(table, body, actions), "sha256")


def _text(serialized: bytes | None) -> str | None:
    """The text that was serialized before it was encrypted; None if it is no text."""
    if serialized is None or serialized[:2] != b"\0s":
        return None
    size = int.from_bytes(serialized[2:6], "big")
    try:
        return serialized[6:].decode() if len(serialized) == 6 + size else None
    except UnicodeDecodeError:
        return None

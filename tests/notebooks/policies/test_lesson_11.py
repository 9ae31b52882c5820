"""Signatures, MACs and ML-KEM: the smallest policies are enough, and no more than that."""

import hashlib

import boto3
import pytest

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_signatures_and_post_quantum"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
CONTRACT = b"The shop delivers chairs. " * 300


def new_key(spec: str, usage: str) -> str:
    made = boto3.client("kms").create_key(KeySpec=spec, KeyUsage=usage)
    return str(made["KeyMetadata"]["Arn"])


def policy(title: str, key: str) -> dict[str, object]:
    return with_names(blocks(LESSON, "json")[title], {EXAMPLE: key})


def test_a_signer_of_digests() -> None:
    lab = start_lab()
    key = new_key("ECC_NIST_P256", "SIGN_VERIFY")
    digest = hashlib.sha256(CONTRACT).digest()

    def sign(session: boto3.Session, kind: str = "DIGEST") -> None:
        session.client("kms").sign(
            KeyId=key, Message=digest, MessageType=kind, SigningAlgorithm="ECDSA_SHA_256"
        )

    smallest = policy("The smallest policy of a signer", key)
    confirm(lab, smallest, sign)
    with pytest.raises(Exception, match="AccessDenied"):
        sign(role_session(lab, smallest), "RAW")  # the mistake of step 3


def test_a_bank_that_checks_macs() -> None:
    lab = start_lab()
    key = new_key("HMAC_256", "GENERATE_VERIFY_MAC")
    use = {"KeyId": key, "Message": b"order", "MacAlgorithm": "HMAC_SHA_256"}
    mac = boto3.client("kms").generate_mac(**use)["Mac"]

    def verify(session: boto3.Session) -> None:
        assert session.client("kms").verify_mac(**use, Mac=mac)["MacValid"]

    confirm(lab, policy("The smallest policy of a bank", key), verify)


def test_a_receiver_of_capsules() -> None:
    lab = start_lab()
    key = new_key("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")
    use = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
    made = boto3.client("kms").encapsulate(**use)

    def receive(session: boto3.Session) -> None:
        answer = session.client("kms").decapsulate(
            **use, SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"]
        )
        assert answer["SharedSecret"] == made["SharedSecret"]

    confirm(lab, policy("The smallest policy of a receiver", key), receive)

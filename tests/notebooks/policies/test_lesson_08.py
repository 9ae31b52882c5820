"""KMS used directly: the smallest policies are enough, and no more than that."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_kms_encrypt_decrypt"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
ARCHIVE = "arn:aws:kms:us-east-1:111122223333:key/ARCHIVE"
MINUTES = {"document": "minutes"}


@pytest.fixture
def lab() -> Lab:
    return start_lab()


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def policy(title: str, **names: str) -> dict[str, Any]:
    known = {"key": EXAMPLE, "archive": ARCHIVE}
    return with_names(blocks(LESSON, "json")[title], {known[n]: arn for n, arn in names.items()})


def test_a_writer_of_envelopes_cannot_open_them(lab: Lab) -> None:
    key = new_key()
    wrapped = []

    def seal(session: boto3.Session) -> None:
        answer = session.client("kms").generate_data_key(
            KeyId=key, KeySpec="AES_256", EncryptionContext=MINUTES
        )
        wrapped.append(answer["CiphertextBlob"])

    smallest = policy("The smallest policy of a writer", key=key)
    confirm(lab, smallest, seal)
    with pytest.raises(ClientError, match="AccessDenied"):
        role_session(lab, smallest).client("kms").decrypt(
            KeyId=key, CiphertextBlob=wrapped[0], EncryptionContext=MINUTES
        )


def test_a_reader_of_the_same_documents(lab: Lab) -> None:
    key, kms = new_key(), boto3.client("kms")
    blobs = {
        name: kms.encrypt(KeyId=key, Plaintext=b"key", EncryptionContext={"document": name})
        for name in ("minutes", "draft")
    }

    def unwrap(session: boto3.Session, name: str = "minutes") -> None:
        session.client("kms").decrypt(
            KeyId=key,
            CiphertextBlob=blobs[name]["CiphertextBlob"],
            EncryptionContext={"document": name},
        )

    smallest = policy("The smallest policy of a reader", key=key)
    confirm(lab, smallest, unwrap)
    with pytest.raises(ClientError, match="AccessDenied"):
        unwrap(role_session(lab, smallest), "draft")


def test_a_program_that_moves_ciphertexts_never_reads_them(lab: Lab) -> None:
    key, archive = new_key(), new_key()
    blob = boto3.client("kms").encrypt(KeyId=key, Plaintext=b"salary")["CiphertextBlob"]

    def move(session: boto3.Session) -> None:
        session.client("kms").re_encrypt(
            CiphertextBlob=blob, SourceKeyId=key, DestinationKeyId=archive
        )

    smallest = policy("The smallest policy of a program that moves", key=key, archive=archive)
    confirm(lab, smallest, move)
    with pytest.raises(ClientError, match="AccessDenied"):
        role_session(lab, smallest).client("kms").decrypt(KeyId=key, CiphertextBlob=blob)

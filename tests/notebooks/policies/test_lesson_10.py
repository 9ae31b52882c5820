"""The S3 Encryption Client: the smallest policies are enough, and no more than that."""

import boto3
import pytest
from botocore.exceptions import ClientError
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.exceptions import S3EncryptionClientError
from s3_encryption.materials.kms_keyring import KmsKeyring

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_s3_encryption_client"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
NAME = "plans/march"


@pytest.fixture
def lab() -> Lab:
    return start_lab()


@pytest.fixture
def key(lab: Lab) -> str:
    boto3.client("s3").create_bucket(Bucket="plans")
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def encrypting(session: boto3.Session, key: str) -> S3EncryptionClient:
    keyring = KmsKeyring(session.client("kms"), key)
    return S3EncryptionClient(session.client("s3"), S3EncryptionClientConfig(keyring=keyring))


def put(session: boto3.Session, key: str, **context: str) -> None:
    try:
        encrypting(session, key).put_object(
            Bucket="plans", Key=NAME, Body=b"plan", EncryptionContext=context
        )
    except S3EncryptionClientError as error:
        raise error.__cause__ or error from None


def get(session: boto3.Session, key: str, name: str = NAME) -> bytes:
    try:
        answer = encrypting(session, key).get_object(
            Bucket="plans", Key=name, EncryptionContext={"object": name}
        )
    except S3EncryptionClientError as error:
        raise error.__cause__ or error from None
    body: bytes = answer["Body"].read()
    return body


def policy(title: str, key: str) -> dict[str, object]:
    return with_names(blocks(LESSON, "json")[title], {EXAMPLE: key})


def test_a_writer_who_must_name_the_object(lab: Lab, key: str) -> None:
    smallest = policy("The smallest policy of a writer", key)
    confirm(lab, smallest, lambda session: put(session, key, object=NAME))
    writer = role_session(lab, smallest)
    for call in (lambda: put(writer, key), lambda: get(writer, key)):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_a_reader_of_one_plan(lab: Lab, key: str) -> None:
    put(boto3.Session(region_name="us-east-1"), key, object=NAME)
    smallest = policy("The smallest policy of a reader", key)

    def read(session: boto3.Session) -> None:
        assert get(session, key) == b"plan"

    confirm(lab, smallest, read)
    boto3.client("s3").copy_object(
        Bucket="plans", Key="plans/april", CopySource={"Bucket": "plans", "Key": NAME}
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        get(role_session(lab, smallest), key, "plans/april")

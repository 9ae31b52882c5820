"""SSE-KMS: the smallest policies are enough for what they are shown for, and no more than that."""

import boto3

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, with_names
from workshop_lib import start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_s3_sse_kms"))


def test_a_reader_of_a_bucket_with_a_bucket_key() -> None:
    lab = start_lab()
    s3, kms = boto3.client("s3"), boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="reports")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="reports", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="reports", Key="june", Body=b"report")

    def read(session: boto3.Session) -> None:
        body = session.client("s3").get_object(Bucket="reports", Key="june")["Body"]
        assert body.read() == b"report"

    policy = blocks(LESSON, "json")["The smallest policy of a reader"]
    example = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
    confirm(lab, with_names(policy, {example: key}), read)

"""List prices: the figures of AWS's price pages (see workshop_lib/prices.py), and no guesses."""

from typing import Any

import pytest

from workshop_lib.lenses.prices import price

PER_THOUSAND, PER_TEN_THOUSAND = 1_000, 100  # how many of these make a million


def dollars(amount: float, times: int) -> str:
    return f"{amount * times:,.2f}"


@pytest.mark.parametrize(
    ("operation", "method", "figure"),
    [
        ("PutObject", "PUT", 0.005),
        ("CopyObject", "PUT", 0.005),
        ("CreateMultipartUpload", "POST", 0.005),
        ("ListObjectsV2", "GET", 0.005),
        ("PutBucketEncryption", "PUT", 0.005),
        ("GetObject", "GET", 0.0004),
        ("HeadObject", "HEAD", 0.0004),
        ("GetBucketEncryption", "GET", 0.0004),
        ("SelectObjectContent", "POST", 0.0004),
    ],
)
def test_s3_requests_cost_by_kind(operation: str, method: str, figure: float) -> None:
    assert price("s3", operation, method, {}) == dollars(figure, PER_THOUSAND)


def test_s3_deletes_are_free_and_the_rest_is_not_guessed() -> None:
    assert price("s3", "DeleteObject", "DELETE", {}) == "free"
    assert price("s3", "AbortMultipartUpload", "DELETE", {}) == "free"
    for operation in ("DeleteObjects", "RestoreObject", "CreateSession"):
        assert price("s3", operation, "POST", {}) == "—"
    assert price("s3", "PutObject", "PUT", {"StorageClass": "GLACIER"}) == "—"
    assert price("s3", "PutObject", "PUT", {"Bucket": "logs--use1-az4--x-s3"}) == "—"


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("Encrypt", {}, dollars(0.03, PER_TEN_THOUSAND)),
        ("Decrypt", {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, "3.00"),
        ("GenerateDataKey", {"KeySpec": "AES_256"}, "3.00"),
        ("Sign", {"SigningAlgorithm": "ECDSA_SHA_256"}, dollars(0.15, PER_TEN_THOUSAND)),
        ("Verify", {"SigningAlgorithm": "RSASSA_PSS_SHA_256"}, "3.00 (RSA 2048) or 15.00"),
        ("Encrypt", {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}, "3.00 (RSA 2048) or 15.00"),
        ("GenerateDataKeyPair", {"KeyPairSpec": "ECC_NIST_P256"}, dollars(0.10, 100)),
        ("GenerateDataKeyPairWithoutPlaintext", {"KeyPairSpec": "RSA_4096"}, "1,200.00"),
        ("GenerateDataKeyPair", {"KeyPairSpec": "SM2"}, "—"),
        ("DescribeKey", {}, "—"),
    ],
)
def test_kms_requests_cost_by_algorithm(
    operation: str, params: dict[str, Any], expected: str
) -> None:
    assert price("kms", operation, "POST", params) == expected


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("PutItem", {}, "0.625 per KB"),
        ("BatchWriteItem", {}, "0.625 per KB"),
        ("TransactWriteItems", {}, "1.25 per KB"),
        ("GetItem", {}, "0.0625 per 4 KB"),
        ("Query", {"ConsistentRead": True}, "0.125 per 4 KB"),
        ("BatchGetItem", {"RequestItems": {"t": {"ConsistentRead": True}}}, "0.125 per 4 KB"),
        ("TransactGetItems", {}, "0.25 per 4 KB"),
        ("ExecuteStatement", {"Statement": ' select * FROM "t"'}, "0.0625 per 4 KB"),
        ("ExecuteStatement", {"Statement": 'INSERT INTO "t" VALUE {}'}, "0.625 per KB"),
        ("DescribeTable", {}, "free"),
        ("CreateBackup", {}, "—"),
    ],
)
def test_dynamodb_costs_by_size_unless_the_answer_says_more(
    operation: str, params: dict[str, Any], expected: str
) -> None:
    assert price("dynamodb", operation, "POST", params) == expected


def test_dynamodb_s_consumed_capacity_gives_the_exact_price() -> None:
    one = {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 3.0}}
    two = {"ConsumedCapacity": [{"CapacityUnits": 0.5}, {"CapacityUnits": 1.0}]}
    assert price("dynamodb", "PutItem", "POST", {}, one) == "1.875"
    assert price("dynamodb", "BatchGetItem", "POST", {}, two) == "0.1875"


def test_what_costs_nothing_and_what_is_not_known() -> None:
    assert price("iam", "CreateRole", "POST", {}) == "free"
    assert price("sts", "AssumeRole", "POST", {}) == "free"
    assert price("cloudtrail", "LookupEvents", "POST", {}) == "free"
    assert price("cloudtrail", "StartQuery", "POST", {}) == "—"
    assert price("dynamodbstreams", "GetRecords", "POST", {}) == "0.20"
    assert price("ec2", "RunInstances", "POST", {}) == "—"

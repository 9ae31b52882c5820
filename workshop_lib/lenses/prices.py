"""List prices of API calls: US dollars per million, us-east-1, no free tier, no discount.

Checked in November 2026 against copies of AWS's pages and of its public price list:

* Amazon S3, storage class S3 Standard (https://aws.amazon.com/s3/pricing/): PUT, COPY, POST and
  LIST requests $0.005 per 1,000; GET, SELECT and all others $0.0004 per 1,000; DELETE and CANCEL
  free. Which request is which: "Understanding your AWS billing and usage reports for Amazon S3",
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/aws-usage-report-understand.html
* AWS KMS (https://aws.amazon.com/kms/pricing/): $0.03 per 10,000 requests, RSA 2048 keys included;
  other asymmetric keys $0.15; GenerateDataKeyPair $0.10 for ECC and $12.00 for RSA. The requests
  that S3 or DynamoDB make to KMS on your behalf are billed as well; no table of calls shows them.
* Amazon DynamoDB, on-demand, table class Standard, since 2024-11-01
  (https://aws.amazon.com/dynamodb/pricing/on-demand/): $0.625 per million write request units and
  $0.125 per million read request units; streams $0.02 per 100,000 read request units. Units are
  counted as in https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
  (1 KB a write, 4 KB a read, half for an eventually consistent read, double in a transaction).
  DynamoDB charges for reading, writing and storing data: table operations cost nothing.
* IAM and STS come at no additional charge (https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction.html);
  so does CloudTrail's event history (https://aws.amazon.com/cloudtrail/pricing/).

What is not listed here is shown as unknown, never guessed: among others KMS's management calls,
S3's DeleteObjects, storage classes other than Standard, directory buckets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "—"
FREE = "free"

_S3_WRITE, _S3_READ = 5.00, 0.40
_KMS, _KMS_ASYMMETRIC, _KMS_ECC_PAIR, _KMS_RSA_PAIR = 3.00, 15.00, 10.00, 1200.00
_WRITE_UNIT, _READ_UNIT, _STREAM_READ = 0.625, 0.125, 0.20

_KMS_CALLS = frozenset(
    {
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
    }
)
_TABLE_CALLS = frozenset(
    {"CreateTable", "DescribeTable", "UpdateTable", "DeleteTable", "ListTables"}
)
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})
_S3_UNKNOWN = frozenset({"DeleteObjects", "RestoreObject", "CreateSession"})


def price(
    service: str,
    operation: str,
    method: str,
    params: Mapping[str, Any],
    response: Mapping[str, Any] | None = None,
) -> str:
    """Return the list price of a million calls like this one, as text.

    Args:
        service: botocore's service name, such as ``"s3"``.
        operation: the API's name of the operation, such as ``"PutObject"``.
        method: the HTTP method of the operation.
        params: the parameters of the call.
        response: the parsed response; DynamoDB's ConsumedCapacity in it gives an exact price.

    Returns:
        US dollars (``"5.00"``), a price per size (``"0.625 per KB"``), ``"free"``, or a dash for
        what is not known.
    """
    if service == "s3":
        return _s3(operation, method, params)
    if service == "kms":
        return _kms(operation, params)
    if service == "dynamodb":
        return _dynamodb(operation, params, response or {})
    if service == "dynamodbstreams" and operation == "GetRecords":
        return _dollars(_STREAM_READ)
    free = service in ("iam", "sts") or (service, operation) == ("cloudtrail", "LookupEvents")
    return FREE if free else UNKNOWN


def _s3(operation: str, method: str, params: Mapping[str, Any]) -> str:
    directory_bucket = str(params.get("Bucket", "")).endswith("--x-s3")
    other_class = params.get("StorageClass", "STANDARD") != "STANDARD"
    if operation in _S3_UNKNOWN or directory_bucket or other_class:
        return UNKNOWN
    if method == "DELETE":
        return FREE
    if operation == "SelectObjectContent":
        return _dollars(_S3_READ)
    write = method in ("PUT", "POST") or operation.startswith("List")
    return _dollars(_S3_WRITE if write else _S3_READ)


def _kms(operation: str, params: Mapping[str, Any]) -> str:
    if operation.startswith("GenerateDataKeyPair"):
        spec = str(params.get("KeyPairSpec", ""))
        pairs = {"RSA": _KMS_RSA_PAIR, "ECC": _KMS_ECC_PAIR}
        return _dollars(pairs[spec[:3]]) if spec[:3] in pairs else UNKNOWN
    algorithm = str(params.get("SigningAlgorithm") or params.get("EncryptionAlgorithm") or "")
    if operation in ("Sign", "Verify") and algorithm.startswith("ECDSA_"):
        return _dollars(_KMS_ASYMMETRIC)
    if algorithm.startswith("RSA"):  # the request does not say how long the key is
        return f"{_dollars(_KMS)} (RSA 2048) or {_dollars(_KMS_ASYMMETRIC)}"
    symmetric = operation in _KMS_CALLS and algorithm in ("", "SYMMETRIC_DEFAULT")
    return _dollars(_KMS) if symmetric else UNKNOWN


def _dynamodb(operation: str, params: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    if operation in _TABLE_CALLS:
        return FREE
    writes, transaction = _kind(operation, params)
    if writes is None:
        return UNKNOWN
    unit = _WRITE_UNIT if writes else _READ_UNIT
    consumed = response.get("ConsumedCapacity")
    if consumed:
        tables = consumed if isinstance(consumed, list) else [consumed]
        return _dollars(unit * sum(float(each["CapacityUnits"]) for each in tables))
    if transaction:
        unit *= 2
    elif not writes and not _is_consistent(operation, params):
        unit /= 2
    return f"{_dollars(unit)} per {'KB' if writes else '4 KB'}"


def _kind(operation: str, params: Mapping[str, Any]) -> tuple[bool | None, bool]:
    """Say whether a call writes (None: it is neither a known read nor a write), and transacts."""
    if operation == "ExecuteStatement":
        return not str(params.get("Statement", "")).lstrip().upper().startswith("SELECT"), False
    if operation in ("TransactWriteItems", "TransactGetItems"):
        return operation == "TransactWriteItems", True
    known = operation in _WRITES or operation in _READS
    return (operation in _WRITES if known else None), False


def _is_consistent(operation: str, params: Mapping[str, Any]) -> bool:
    if operation == "BatchGetItem":
        tables = params.get("RequestItems", {}).values()
        return any(table.get("ConsistentRead") for table in tables)
    return bool(params.get("ConsistentRead"))


def _dollars(amount: float) -> str:
    """Write dollars with two decimals, or as many more as the price has."""
    text = f"{amount:,.6f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:0<2}"

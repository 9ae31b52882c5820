"""What recorded answers of S3 show of parts, checksums, names and places.

The recordings are LocalStack's of 21 February 2026: https://github.com/localstack/localstack,
tests/aws/services/s3/test_s3.snapshot.json; each rule names the recorded test.
"""

import base64
import hashlib
import zlib
from typing import Any

import boto3
from botocore.config import Config

from tests.fidelity.s3.test_recorded import bucket, client, error, plain_client
from tests.support.kms_people import new_key
from tests.support.s3_people import ALICE, REGION, customer, refused_with, user
from tests.support.s3_people import bucket as bucket_for

SMALLEST = 5 * 1024 * 1024
UPLOAD = {"Bucket": "first-bucket", "Key": "parts"}


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def begun(**more: Any) -> dict[str, Any]:
    """A new upload's parameters."""
    found = client().create_multipart_upload(**UPLOAD, **more)
    return {**UPLOAD, "UploadId": found["UploadId"]}


def parts(*etags: str, **more: Any) -> dict[str, Any]:
    listed = [{"PartNumber": n, "ETag": etag, **more} for n, etag in enumerate(etags, 1)]
    return {"MultipartUpload": {"Parts": listed}}


def sent(upload: dict[str, Any], *bodies: bytes, **more: Any) -> list[str]:
    """The ETags of parts, uploaded without checksums of the client's."""
    return [
        plain_client().upload_part(**upload, PartNumber=n, Body=body, **more)["ETag"]
        for n, body in enumerate(bodies, 1)
    ]


# --- the checksums of parts ---------------------------------------------------------------------


def test_parts_have_the_checksum_that_the_upload_named() -> None:
    """test_complete_multipart_parts_checksum_default, test_multipart_upload_part_copy_checksum

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    client().put_object(Bucket="first-bucket", Key="source", Body=b"abc")
    unnamed = begun()
    part = client().upload_part(**unnamed, PartNumber=1, Body=b"abc", ChecksumAlgorithm="CRC32")
    assert part["ChecksumCRC32"] == crc32(b"abc")
    listed = client().list_parts(**unnamed)
    assert {"ChecksumAlgorithm", "ChecksumType"}.isdisjoint(listed)
    assert [{*found} for found in listed["Parts"]] == [
        {"PartNumber", "LastModified", "ETag", "Size"}
    ]
    for kind in ("COMPOSITE", "FULL_OBJECT"):
        named = begun(ChecksumAlgorithm="CRC32", ChecksumType=kind)
        copied = client().upload_part_copy(**named, PartNumber=1, CopySource="first-bucket/source")[
            "CopyPartResult"
        ]
        assert copied["ChecksumCRC32"] == crc32(b"abc")
        assert client().list_parts(**named)["Parts"][0]["ChecksumCRC32"] == crc32(b"abc")


def test_s3_makes_the_checksum_of_a_part_that_comes_without() -> None:
    """test_multipart_parts_checksum_exceptions_full_object

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    upload = begun(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    part = plain_client().upload_part(**upload, PartNumber=1, Body=b"abc")
    assert part["ChecksumCRC32"] == crc32(b"abc")


def test_an_upload_that_named_no_checksum_is_completed_without() -> None:
    """test_complete_multipart_parts_checksum_default

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    upload = begun()
    [etag] = sent(upload, b"abc")
    complete = client().complete_multipart_upload
    refusal = error(complete, **upload, **parts(etag, ChecksumCRC32=crc32(b"abc")))
    assert (refusal["Code"], refusal["PartNumber"]) == ("InvalidPart", "1")
    for kind in ("FULL_OBJECT", "COMPOSITE"):
        assert error(complete, **upload, **parts(etag), ChecksumType=kind) == {
            "Code": "InvalidRequest",
            "Message": "The upload was created using the null checksum mode. The complete request "
            "must use the same checksum mode.",
        }
    assert complete(**upload, **parts(etag))["ChecksumType"] == "FULL_OBJECT"


def test_a_checksum_of_the_whole_object_comes_with_its_type() -> None:
    """test_multipart_parts_checksum_exceptions_full_object

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    upload = begun(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    [etag] = sent(upload, b"abc")
    complete, right, whole = client().complete_multipart_upload, crc32(b"abc"), "FULL_OBJECT"
    sha1 = base64.b64encode(hashlib.sha1(b"abc").digest()).decode()
    for wrong in (
        {"ChecksumCRC32": right},
        {"ChecksumCRC32": f"{right}-1"},
        {"ChecksumCRC32": crc32(b"abd"), "ChecksumType": whole},
        {"ChecksumSHA1": sha1},
        {"ChecksumSHA1": sha1, "ChecksumType": whole},
    ):
        assert error(complete, **upload, **parts(etag), **wrong) == {
            "Code": "BadDigest",
            "Message": "The crc32 you specified did not match the calculated checksum.",
        }
    done = complete(**upload, **parts(etag), ChecksumCRC32=right, ChecksumType=whole)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (right, whole)


def test_a_completion_keeps_to_the_checksums_that_the_upload_named() -> None:
    """test_multipart_parts_checksum_exceptions_composite

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    upload = begun(ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    part = client().upload_part(**upload, PartNumber=1, Body=b"abc", ChecksumAlgorithm="CRC32")
    complete, etag = client().complete_multipart_upload, part["ETag"]
    sha256 = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    assert error(complete, **upload, **parts(etag, ChecksumSHA256=sha256)) == {
        "Code": "BadDigest",
        "Message": "The sha256 you specified for part 1 did not match what we received.",
    }
    assert error(complete, **upload, **parts(etag), ChecksumType="FULL_OBJECT") == {
        "Code": "InvalidRequest",
        "Message": "The upload was created using the COMPOSITE checksum mode. The complete "
        "request must use the same checksum mode.",
    }
    complete(**upload, **parts(etag, ChecksumCRC32=crc32(b"abc")))


def test_s3_makes_a_checksum_of_its_own_where_it_encrypts_by_itself() -> None:
    """test_s3_multipart_upload_sse, test_multipart_upload_sse_c, test_multipart_size_validation

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket_for(sse_c=True)
    by_kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": new_key()}
    for begin, more, told in (({}, {}, True), (by_kms, {}, False), (customer(ALICE), {}, False)):
        more = customer(ALICE) if "SSECustomerKey" in begin else {}
        upload = begun(**begin)
        done = client().complete_multipart_upload(**upload, **parts(*sent(upload, b"abc", **more)))
        read = client().get_object(**UPLOAD, ChecksumMode="ENABLED", **more)
        for answer in (done, read):
            assert ("ChecksumCRC64NVME" in answer) is told
            assert ("ChecksumType" in answer) is told


def test_an_object_s_parts_are_told_where_they_have_checksums_of_their_own() -> None:
    """test_complete_multipart_parts_checksum_full_object, …_composite

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    asked = {**UPLOAD, "ObjectAttributes": ["ObjectParts"]}
    first, second = b"a" * SMALLEST, b"b"
    for kind in ("FULL_OBJECT", "COMPOSITE"):
        upload = begun(ChecksumAlgorithm="CRC32", ChecksumType=kind)
        listed = []
        for number, body in ((1, first), (2, second)):
            part = client().upload_part(
                **upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32"
            )
            named = {name: part[name] for name in ("ETag", "ChecksumCRC32")}
            listed.append({"PartNumber": number, **named})
        client().complete_multipart_upload(**upload, MultipartUpload={"Parts": listed})
        told = client().get_object_attributes(**asked)["ObjectParts"]
        one = client().get_object(**UPLOAD, PartNumber=2, ChecksumMode="ENABLED")
        assert one["Body"].read() == second
        if kind == "FULL_OBJECT":
            assert told == {"TotalPartsCount": 2}
            assert {"ChecksumCRC32", "ChecksumType"}.isdisjoint(one)
        else:
            assert [found["ChecksumCRC32"] for found in told["Parts"]] == [
                crc32(first),
                crc32(second),
            ]
            assert (one["ChecksumCRC32"], one["ChecksumType"]) == (crc32(second), kind)


def test_a_single_part_s_checksum_is_the_whole_object_s() -> None:
    """test_get_object_part_checksum

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    upload = begun(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    client().complete_multipart_upload(**upload, **parts(*sent(upload, b"abc")))
    for read in (client().get_object, client().head_object):
        found = read(**UPLOAD, PartNumber=1, ChecksumMode="ENABLED")
        assert (found["ChecksumCRC32"], found["ChecksumType"]) == (crc32(b"abc"), "FULL_OBJECT")


# --- who and where ------------------------------------------------------------------------------


def test_an_upload_names_who_began_it() -> None:
    """test_complete_multipart_parts_checksum_default: DisplayName and ID; the owner has an ID.

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    iam = boto3.client("iam", region_name=REGION)
    writer = user("writer", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    writer.create_multipart_upload(**UPLOAD)
    arn = iam.get_user(UserName="writer")["User"]["Arn"]
    [upload] = client().list_multipart_uploads(Bucket="first-bucket")["Uploads"]
    listed = client().list_parts(**UPLOAD, UploadId=upload["UploadId"])
    for found in (upload, listed):
        assert found["Initiator"] == {"ID": arn, "DisplayName": "writer"}
        assert {*found["Owner"]} == {"ID"}


def test_a_new_object_s_location_is_encoded() -> None:
    """test_multipart_with_unicode_character_location

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    named = {"Bucket": "first-bucket", "Key": "a/test-unicode_\u2014_file"}
    named["UploadId"] = client().create_multipart_upload(**named)["UploadId"]
    done = client().complete_multipart_upload(**named, **parts(*sent(named, b"abc")))
    assert done["Location"].endswith("/a%2Ftest-unicode_%E2%80%94_file")
    assert done["Key"] == "a/test-unicode_\u2014_file"


def test_buckets_are_told_with_their_arns() -> None:
    """test_create_bucket_aws_global: CreateBucket, HeadBucket and ListBuckets

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    arn = "arn:aws:s3:::first-bucket"
    assert client().create_bucket(Bucket="first-bucket")["BucketArn"] == arn
    assert client().head_bucket(Bucket="first-bucket")["BucketArn"] == arn
    [found] = client().list_buckets(Prefix="first-")["Buckets"]
    assert {**found, "CreationDate": None} == {
        "Name": "first-bucket", "BucketArn": arn, "BucketRegion": REGION, "CreationDate": None,
    }  # fmt: skip


def test_a_bucket_is_made_where_it_is_asked_for() -> None:
    """test_create_bucket_with_eu_location_constraint…, …_with_invalid_location_constraint

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """

    def refusal(region: str, place: str) -> dict[str, str]:
        s3 = boto3.client("s3", region_name=region, config=Config(parameter_validation=False))
        made = {"LocationConstraint": place}
        return error(s3.create_bucket, Bucket="elsewhere", CreateBucketConfiguration=made)

    for place in (REGION, "foo", "aws-global"):
        assert refusal(REGION, place) == {
            "Code": "InvalidLocationConstraint",
            "LocationConstraint": place,
            "Message": "The specified location-constraint is not valid",
        }
    for place in ("EU", "bar", "us-west-1", "aws-global"):
        assert refusal("eu-west-1", place) == {
            "Code": "IllegalLocationConstraintException",
            "Message": f"The {place} location constraint is incompatible for the region specific "
            "endpoint this request was sent to.",
        }
    client().create_bucket(Bucket="old", CreateBucketConfiguration={"LocationConstraint": "EU"})
    assert client().get_bucket_location(Bucket="old")["LocationConstraint"] == "EU"
    assert client().head_bucket(Bucket="old")["BucketRegion"] == "eu-west-1"


# --- refusals -----------------------------------------------------------------------------------


def test_refusals_of_customers_keys_name_the_header_alone() -> None:
    """test_put_object_validation_sse_c

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket_for(sse_c=True)
    given = customer(ALICE)
    short = customer(b"short")
    for wrong in (
        {name: given[name] for name in ("SSECustomerKey", "SSECustomerKeyMD5")},
        {"SSECustomerAlgorithm": "AES256"},
        {**given, "SSECustomerKeyMD5": short["SSECustomerKeyMD5"]},
        short,
    ):
        refusal = error(client().put_object, Bucket="first-bucket", Key="a", Body=b"x", **wrong)
        assert refusal["Code"] == "InvalidArgument"
        assert refusal["ArgumentName"] == "x-amz-server-side-encryption"
        assert "ArgumentValue" not in refusal


def test_a_lock_s_half_is_missing() -> None:
    """test_s3_object_lock_mode_validation

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket(ObjectLockEnabledForBucket=True)
    until = {"ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"}
    for given, missing in (
        ({"ObjectLockMode": "GOVERNANCE"}, "x-amz-object-lock-retain-until-date"),
        (until, "x-amz-object-lock-mode"),
    ):
        assert error(client().put_object, Bucket="first-bucket", Key="a", **given) == {
            "Code": "InvalidArgument",
            "ArgumentName": missing,
            "Message": "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both "
            "be supplied",
        }


def test_a_wrong_digest_is_told_in_hex() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html

    As recorded: what was expected in hex, what was calculated in base64.
    """
    bucket()
    other = hashlib.md5(b"other").digest()
    refusal = error(
        plain_client().put_object, Bucket="first-bucket", Key="a", Body=b"x",
        ContentMD5=base64.b64encode(other).decode(),
    )  # fmt: skip
    assert refusal["Code"] == "BadDigest"
    assert refusal["ExpectedDigest"] == other.hex()
    calculated = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert refusal["CalculatedDigest"] == calculated


def test_lifecycle_rules_are_told_apart() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html

    "Unique identifier for the rule"; S3's words in a log of Terraform's: "Rule ID must be unique.
    Found same ID for more than one rule".
    """
    bucket()
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 1}}
    put = client().put_bucket_lifecycle_configuration
    for rules, code in (
        ([rule, {**rule, "Filter": {"Prefix": "y"}}], "InvalidArgument"),
        ([{**rule, "Status": "On"}], "MalformedXML"),
        ([], "MalformedXML"),
    ):
        with refused_with(400, code):
            put(Bucket="first-bucket", LifecycleConfiguration={"Rules": rules})
    other = {**rule, "ID": "b", "Status": "Disabled"}
    put(Bucket="first-bucket", LifecycleConfiguration={"Rules": [rule, other]})


def test_a_header_that_a_read_asks_for_is_in_latin_letters() -> None:
    """test_get_response_overrides_unicode_metadata_with_sig_s3

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    client().put_object(Bucket="first-bucket", Key="a", Body=b"x")
    read = client().get_object
    for wanted in ("non-ascii-\u2014", "\u20ac"):
        refusal = error(read, Bucket="first-bucket", Key="a", ResponseCacheControl=wanted)
        assert refusal == {
            "Code": "InvalidArgument",
            "ArgumentName": "response-cache-control",
            "ArgumentValue": wanted,
            "Message": "Header value cannot be represented using ISO-8859-1.",
        }
    assert read(Bucket="first-bucket", Key="a", ResponseCacheControl="max-age=1")["CacheControl"]


# --- names --------------------------------------------------------------------------------------


def test_encoded_words_in_metadata_are_read_and_written() -> None:
    """test_user_metadata_rfc2047_encoded

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    bucket()
    recorded = {
        "asciib64-encoded": ("=?UTF-8?B?YWJj?=", "abc"),
        "fake-encoded": ("=?UTF-8?Q?actually-ascii?=", "actually-ascii"),
        "non-ascii": (
            "=?UTF-8?B?dGVzdF/igJRfZmlsZSVFMiU4MCU5NF/DqV8yPy5wZGY=?=",
            "=?UTF-8?Q?test=5F=E2=80=94=5Ffile%E2%80%94=5F=C3=A9=5F2=3F.pdf?=",
        ),
        "non-ascii-2": (
            "=?utf-8?b?w4RNw4Raw5XDkSBTMw==?=",
            "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=",
        ),
        "non-ascii-binary": ("=?UTF-8?Q?=00=01=02=03?=", "=?UTF-8?B?AAECAw==?="),
        "replacement-chars": (
            "=?UTF-8?B?77+977+977+977+977+977+977+9?=",
            "=?UTF-8?B?77+977+977+977+977+977+977+9?=",
        ),
        "safe-chars": ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    }  # fmt: skip
    metadata = {name: given for name, (given, _) in recorded.items()}
    client().put_object(Bucket="first-bucket", Key="a", Metadata=metadata)
    found = client().head_object(Bucket="first-bucket", Key="a")["Metadata"]
    assert found == {name: read for name, (_, read) in recorded.items()}


def test_a_page_does_not_go_back_to_a_common_prefix() -> None:
    """test_s3_list_operations.snapshot.json: markers inside a common prefix, of all listings

    https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
    """
    name = bucket()
    client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key in ("folder/a", "folder/b", "other/c", "z"):
        client().put_object(Bucket=name, Key=key)
        client().create_multipart_upload(Bucket=name, Key=key)
    for call, marker, entries in (
        (client().list_objects, "Marker", "Contents"),
        (client().list_object_versions, "KeyMarker", "Versions"),
        (client().list_multipart_uploads, "KeyMarker", "Uploads"),
    ):
        page = call(Bucket=name, Delimiter="/", **{marker: "folder/a"})
        assert [found["Prefix"] for found in page["CommonPrefixes"]] == ["other/"]
        assert [found["Key"] for found in page[entries]] == ["z"]
    # where a page ends with a common prefix, S3 tells no marker: that prefix is one
    for prefix, following in (("folder/", "other/"), ("other/", "z")):
        asked = {"Delimiter": "/", "MaxUploads": 1, "KeyMarker": prefix}
        page = client().list_multipart_uploads(Bucket=name, **asked)
        seen = [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        seen += [each["Key"] for each in page.get("Uploads", [])]
        assert seen == [following]

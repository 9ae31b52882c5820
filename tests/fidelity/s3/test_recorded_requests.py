"""What recorded answers of S3 show of requests: their queries, headers and documents.

Most were recorded in September 2026 by the authors of https://github.com/brekkylab/backlot
(backlot/routers/s3.py).
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.kms_people import new_key
from tests.support.s3_people import REGION, refused_with

BODY = b"card 4111 1111 1111 1111"


@cache
def client() -> Any:
    """One client for all tests; it sends what it is told, and adds no checksums of its own."""
    own = Config(parameter_validation=False, request_checksum_calculation="when_required")
    return boto3.client("s3", region_name=REGION, config=own)


@cache
def stranger() -> Any:
    """A client that signs nothing."""
    own = Config(signature_version=UNSIGNED, request_checksum_calculation="when_required")
    return boto3.client("s3", region_name=REGION, config=own)


def bucket(*keys: str, name: str = "first-bucket") -> str:
    """A new bucket with objects."""
    client().create_bucket(Bucket=name)
    for key in keys:
        client().put_object(Bucket=name, Key=key, Body=BODY)
    return name


@contextmanager
def sent_with(
    query: str = "", *, method: str = "", path: str = "", **headers: str
) -> Iterator[Any]:
    """A client whose requests have more in their query, or another method, path or header."""
    s3 = client()

    def change(request: Any, **_: Any) -> None:
        request.method = method or request.method
        if path:
            address, mark, asked = request.url.partition("?")
            request.url = address + path + mark + asked
        if query:
            request.url += ("&" if "?" in request.url else "?") + query
        for header, value in headers.items():
            del request.headers[header.replace("_", "-")]
            request.headers[header.replace("_", "-")] = value

    s3.meta.events.register_first("before-sign.s3", change)
    try:
        yield s3
    finally:
        s3.meta.events.unregister("before-sign.s3", change)


@contextmanager
def document(text: str, **headers: str) -> Iterator[Any]:
    """A client that sends this document in place of the one that it writes."""
    digest = base64.b64encode(hashlib.md5(text.encode()).digest()).decode()

    def replace(params: Any, **_: Any) -> None:
        params["body"] = text.encode()
        params["headers"].update({"Content-MD5": digest, **headers})

    events = client().meta.events
    events.register("before-call.s3", replace)
    try:
        yield client()
    finally:
        events.unregister("before-call.s3", replace)


def error(call: Any, **parameters: Any) -> dict[str, str]:
    """What the refusal of a call says."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    found: Any = caught.value.response["Error"]
    return {name: text for name, text in found.items() if name not in ("RequestId", "HostId")}


def argument(message: str, name: str, value: str | None = None) -> dict[str, str | None]:
    """The refusal of an argument; the client reads an empty value as None."""
    told = {"Code": "InvalidArgument", "Message": message, "ArgumentName": name}
    return {**told} if value is None else {**told, "ArgumentValue": value or None}


# --- queries ------------------------------------------------------------------------------------


def test_a_list_writes_keys_as_javas_encoder_does() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
    name = bucket("a b~*+/한", "a b~*+/é")
    for listing in (client().list_objects, client().list_objects_v2):
        found = listing(Bucket=name, EncodingType="url", Prefix="a b")
        assert found["Contents"][1]["Key"] == "a+b%7E*%2B/%ED%95%9C"
        assert found["Prefix"] == "a+b"
    found = client().list_object_versions(Bucket=name, EncodingType="URL", Delimiter="/")
    assert found["CommonPrefixes"] == [{"Prefix": "a+b%7E*%2B/"}]
    assert found["EncodingType"] == "URL"


def test_how_many_keys_a_list_was_asked_for() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
    s3, name = client(), bucket("a", "b")
    for listing in (s3.list_objects, s3.list_objects_v2, s3.list_object_versions):
        assert listing(Bucket=name, MaxKeys=2000)["MaxKeys"] == 2000
        assert listing(Bucket=name, MaxKeys="05")["MaxKeys"] == 5
        assert listing(Bucket=name, MaxKeys="-0")["MaxKeys"] == 0
        for text in ("2147483648", "-2147483649", " 5", "x"):
            told = error(listing, Bucket=name, MaxKeys=text)
            assert told == argument(
                "Provided max-keys not an integer or within integer range", "max-keys", text
            )
    for listing in (s3.list_objects, s3.list_objects_v2):
        message = "Argument maxKeys must be an integer between 0 and 2147483647"
        told = error(listing, Bucket=name, MaxKeys="-01")
        assert told == argument(message, "maxKeys", "-1")
    told = error(s3.list_object_versions, Bucket=name, MaxKeys=-1)
    assert told == argument("max-keys cannot be negative", "max-keys")
    assert s3.list_multipart_uploads(Bucket=name, MaxUploads=2000)["MaxUploads"] == 1000
    # a number that is none is told even where there is no bucket
    told = error(s3.list_objects, Bucket="no-such-bucket", MaxKeys="x")
    assert told["Code"] == "InvalidArgument"


def test_each_list_has_parameters_of_its_own() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html"""
    name = bucket("a", "b")
    for query, listing, message in (
        ("continuation-token=x", "list_objects",
         "continuation-token only supported in REST.GET.BUCKET with list-type=2"),
        ("start-after=a", "list_objects",
         "startAfter only supported in REST.GET.BUCKET with list-type=2"),
        ("marker=", "list_objects_v2", "Marker unsupported with REST.GET.BUCKET in list-type=2"),
    ):  # fmt: skip
        with sent_with(query) as s3:
            told = error(getattr(s3, listing), Bucket=name)
        assert told == argument(message, query.partition("=")[0])
    assert client().list_objects_v2(Bucket=name, StartAfter="")["StartAfter"] == ""
    with sent_with("prefix=b") as s3:  # the first of two counts
        assert s3.list_objects_v2(Bucket=name, Prefix="a")["KeyCount"] == 1
        assert s3.list_objects_v2(Bucket=name, Prefix="a")["Prefix"] == "a"


def test_markers_of_versions() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html"""
    listing, name = client().list_object_versions, bucket("a")
    marker = "version-id-marker"
    for given, message in (
        ({"VersionIdMarker": "null"},
         "A version-id marker cannot be specified without a key marker."),
        ({"KeyMarker": "a", "VersionIdMarker": ""}, "A version-id marker cannot be empty."),
        ({"KeyMarker": "a", "VersionIdMarker": "NULL"}, "Invalid version id specified"),
    ):  # fmt: skip
        told = error(listing, Bucket=name, **given)
        assert told == argument(message, marker, given["VersionIdMarker"])
    assert "Versions" not in listing(Bucket=name, KeyMarker="", VersionIdMarker="null")
    assert listing(Bucket=name, Delimiter="")["Delimiter"] == ""


def test_a_page_after_a_version_that_is_gone() -> None:
    """As in a recorded answer:
    https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3_list_operations.snapshot.json
    """
    s3, name = client(), bucket()
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket=name, Key="a", Body=BODY)["VersionId"] for _ in range(4)]
    for gone in ids[2:]:
        s3.delete_object(Bucket=name, Key="a", VersionId=gone)
    found = s3.list_object_versions(Bucket=name, KeyMarker="a", VersionIdMarker=ids[2])
    assert [version["VersionId"] for version in found["Versions"]] == [ids[1], ids[0]]
    s3.delete_object(Bucket=name, Key="a", VersionId=ids[0])
    found = s3.list_object_versions(Bucket=name, KeyMarker="a", VersionIdMarker=ids[0])
    assert "Versions" not in found


def test_a_common_prefix_is_no_marker_of_uploads() -> None:
    """As in a recorded answer:
    https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3_list_operations.snapshot.json
    """
    name = bucket()
    for key in ("a/b", "c"):
        client().create_multipart_upload(Bucket=name, Key=key)
    found = client().list_multipart_uploads(Bucket=name, Delimiter="/", MaxUploads=1)
    assert (found["IsTruncated"], found["CommonPrefixes"]) == (True, [{"Prefix": "a/"}])
    assert (found["NextKeyMarker"], found["NextUploadIdMarker"]) == ("", "")


def test_buckets_are_listed_in_their_region() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
    s3, name = client(), bucket()
    assert "BucketRegion" not in s3.list_buckets()["Buckets"][0]
    for given in ({"Prefix": ""}, {"MaxBuckets": 1}, {"BucketRegion": "US-EAST-1"}):
        found = s3.list_buckets(**given)
        (shown,) = found["Buckets"]
        assert (shown["Name"], shown["BucketRegion"]) == (name, REGION)
        assert found.get("Prefix") == given.get("Prefix")
    for region, message in (
        ("eu-west-1", "Requests with bucket-region specified must be made to the corresponding "
         "regional endpoint"),
        ("us-east-9", "Argument value us-east-9 is not a valid AWS Region"),
    ):  # fmt: skip
        told = error(s3.list_buckets, BucketRegion=region)
        assert told == argument(message, "bucket-region")
    for text in ("0", "10001"):
        message = "Argument max-buckets must be an integer between 1 and 10000"
        assert error(s3.list_buckets, MaxBuckets=text) == argument(message, "max-buckets", text)
    told = error(s3.list_buckets, ContinuationToken="!")
    assert told == argument("The continuation token provided is incorrect", "continuation-token")


def test_versions_are_of_objects() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html"""
    name = bucket("a")
    told = error(client().get_object, Bucket=name, Key="a", VersionId="")
    assert told == argument("Version id cannot be the empty string", "versionId", "")
    message = "This operation does not accept a version-id."
    with sent_with("versionId=null") as s3:
        for call, more in (
            (s3.list_objects_v2, {}),
            (s3.get_bucket_versioning, {}),
            (s3.delete_bucket, {}),
            (s3.list_parts, {"Key": "a", "UploadId": "x"}),
        ):
            assert error(call, Bucket=name, **more) == argument(message, "versionId", "null")
    with sent_with("partNumber=1") as s3:
        told = error(s3.list_objects, Bucket=name)
    assert told == {"Code": "InvalidRequest", "Message": "Object must have a valid key name."}


# --- paths and methods --------------------------------------------------------------------------


def test_a_buckets_sub_resource_has_no_key() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html"""
    name = bucket("a")
    enabled = {"Status": "Enabled"}
    with sent_with(path="/a") as s3:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=enabled)
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert error(s3.get_bucket_policy, Bucket=name)["Code"] == "NoSuchBucketPolicy"
    assert client().get_object(Bucket=name, Key="a")["Body"].read() == BODY
    # of other sub-resources nothing is read where they do not belong
    with sent_with("publicAccessBlock") as s3:
        assert s3.get_object(Bucket=name, Key="a")["Body"].read() == BODY
    with sent_with("legal-hold") as s3:
        assert s3.list_objects(Bucket=name)["Contents"][0]["Key"] == "a"


def test_a_refusal_of_the_method_says_of_what() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html"""
    name = bucket("a")
    one = {"Bucket": name, "Key": "a"}
    for method, operation, asked, kind in (
        ("PATCH", "list_objects", {"Bucket": name}, "BUCKET"),
        ("PATCH", "get_object", one, "OBJECT"),
        ("PUT", "list_buckets", {}, "SERVICE"),
        ("PUT", "get_bucket_location", {"Bucket": name}, "LOCATION"),
        ("POST", "get_bucket_policy", {"Bucket": name}, "BUCKETPOLICY"),
        ("POST", "get_bucket_tagging", {"Bucket": name}, "TAGGING"),
        ("POST", "get_object_tagging", one, "OBJECT_TAGGING"),
        ("DELETE", "get_object_retention", one, "OBJECT_LOCK_RETENTION"),
        ("PATCH", "upload_part", {**one, "PartNumber": 1, "UploadId": "x"}, "PART"),
    ):
        with sent_with(method=method) as s3:
            told = error(getattr(s3, operation), **asked)
        message = "The specified method is not allowed against this resource."
        named = {"Method": method, "ResourceType": kind}
        assert told == {"Code": "MethodNotAllowed", "Message": message, **named}


# --- documents ----------------------------------------------------------------------------------


def test_what_is_deleted_at_once_is_well_formed() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    name = bucket("a")

    def refusal(text: str, **headers: str) -> dict[str, str]:
        """Of a document in place of the one that the client writes."""
        with document(text, **headers) as s3:
            return error(s3.delete_objects, Bucket=name, Delete={"Objects": [{"Key": "a"}]})

    for inside in (
        "", "<Quiet>true</Quiet>", "<Object/>", "<Object><Key>a</Key><Key>b</Key></Object>",
        "<Object><Key>a</Key><Size>1</Size></Object>", "<Object><Key>a</Key></Object><More/>",
        "<Quiet/><Quiet/><Object><Key>a</Key></Object>",
    ):  # fmt: skip
        assert refusal(f"<Delete>{inside}</Delete>")["Code"] == "MalformedXML", inside
    told = refusal("<Delete><Object><Key>a</Key></Object><Object><Key/></Object></Delete>")
    assert told == {"Code": "UserKeyMustBeSpecified", "Message": "User key must be specified."}
    told = refusal("")
    assert told == {"Code": "MissingRequestBodyError", "Message": "Request Body is empty"}
    other = base64.b64encode(bytes(16)).decode()
    told = refusal("<Delete><Object><Key>a</Key></Object></Delete>", **{"Content-MD5": other})
    assert (told["Code"], told["ExpectedDigest"]) == ("BadDigest", other)
    assert client().head_object(Bucket=name, Key="a")


def test_what_an_object_is_not_re_encrypted_with() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html"""
    name, arn = bucket("a"), new_key()
    needs = "Requests modifying object encryption configuration to SSE-KMS require a"
    malformed = f"{needs} valid target kms key arn: Malformed ARN - "
    change = client().update_object_encryption
    for asked, message in (
        ({"SSEKMS": {"KMSKeyArn": ""}}, f"{needs} target kms key arn."),
        ({"SSEKMS": {"KMSKeyArn": "alias/a"}}, malformed + "doesn't start with 'arn:'"),
        ({"SSEKMS": {"KMSKeyArn": "arn:aws:kms"}}, malformed + "no service specified"),
        ({"SSEKMS": {"KMSKeyArn": arn.replace(":key/", ":alias/")}},
         "Invalid KMS Key ARN format. You must provide the full KMS Key ARN to make an "
         "UpdateObjectEncryption request"),
    ):  # fmt: skip
        told = error(change, Bucket=name, Key="a", ObjectEncryption=asked)
        assert told == {"Code": "InvalidRequest", "Message": message}
    kind = {"SSEKMS": {"KMSKeyArn": arn}}
    with document("<ObjectEncryption><SSE-S3/></ObjectEncryption>") as s3:
        told = error(s3.update_object_encryption, Bucket=name, Key="a", ObjectEncryption=kind)
    assert told["Message"] == "Target encryption type 'SSE-S3' is not supported."
    told = error(change, Bucket=name, Key="b", ObjectEncryption=kind)
    assert (told["Code"], told["Key"]) == ("NoSuchKey", f"{name}/b")


# --- headers ------------------------------------------------------------------------------------


def test_a_checksum_is_asked_for_or_not() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    name = bucket("a")
    assert client().get_object(Bucket=name, Key="a", ChecksumMode="enabled")["ChecksumType"]
    told = error(client().get_object, Bucket=name, Key="a", ChecksumMode="DISABLED")
    message = "Value for x-amz-checksum-mode header is invalid."
    assert told == {"Code": "InvalidRequest", "Message": message}


def test_attributes_have_names() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html"""
    name = bucket("a")
    missing = {
        "Code": "InvalidRequest",
        "Message": "The x-amz-object-attributes header specifying the attributes to be retrieved "
        "is either missing or empty",
    }
    for text, wrong in (("ETag,,", None), (",", missing), (",ETag", ""), ("ETag,size", "size")):
        with sent_with(x_amz_object_attributes=text) as s3:
            asked = {"Bucket": name, "Key": "a", "ObjectAttributes": ["ETag"]}
            if wrong is None:
                assert set(s3.get_object_attributes(**asked)) > {"ETag"}
            elif wrong == missing:
                assert error(s3.get_object_attributes, **asked) == missing
            else:
                message, header = "Invalid attribute name specified.", "x-amz-object-attributes"
                told = error(s3.get_object_attributes, **asked)
                assert told == argument(message, header, str(wrong))


def test_a_checksums_algorithm_is_one_of_s3s() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    name = bucket()
    with sent_with(x_amz_checksum_sha3="AAAA") as s3:
        told = error(s3.put_object, Bucket=name, Key="a", Body=BODY)
    message = "The algorithm type you specified in x-amz-checksum- header is invalid."
    assert told == {"Code": "InvalidRequest", "Message": message}


def test_a_document_is_what_its_digests_were_made_of() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    Compared with S3: https://github.com/versity/versitygw, tests/integration/PutBucketCors.go
    """
    name, s3 = bucket(), client()
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    cors = {"Bucket": name, "CORSConfiguration": {"CORSRules": [rule]}}
    tags = {"Bucket": name, "Tagging": {"TagSet": [{"Key": "level", "Value": "high"}]}}
    versioning = {"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}}
    for call, sent in (
        (s3.put_bucket_cors, cors), (s3.put_bucket_tagging, tags),
        (s3.put_bucket_versioning, versioning),
    ):  # fmt: skip
        assert error(call, **sent, ContentMD5="invalid")["Code"] == "InvalidDigest"
        other = base64.b64encode(bytes(16)).decode()
        assert error(call, **sent, ContentMD5=other)["Code"] == "BadDigest"
    with sent_with(x_amz_checksum_crc32="AAAAAA==") as wrong:
        assert error(wrong.put_bucket_versioning, **versioning)["Code"] == "BadDigest"
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)


# --- who signs nothing --------------------------------------------------------------------------


def test_what_takes_a_signature_whatever_is_allowed() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    https://github.com/awsdocs/amazon-s3-userguide/pull/91
    """
    name = bucket("a")
    client().put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    client().delete_public_access_block(Bucket=name)
    client().put_bucket_acl(Bucket=name, ACL="public-read-write")
    client().put_object_acl(Bucket=name, Key="a", ACL="public-read")
    message = "Anonymous users cannot initiate multipart uploads.  Please authenticate."
    with refused_with(403, "AccessDenied", message):
        stranger().create_multipart_upload(Bucket=name, Key="b")
    message = "Anonymous users cannot copy objects.  Please authenticate."
    with refused_with(403, "AccessDenied", message):
        stranger().copy_object(Bucket=name, Key="b", CopySource=f"{name}/a")
    message = "Anonymous users cannot invoke this API. Please authenticate."
    with refused_with(403, "AccessDenied", message):
        stranger().create_bucket(Bucket="another-bucket")

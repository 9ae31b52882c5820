"""The checks of lesson 10 name what went wrong, for the mistakes that learners make."""

import io
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring
from s3_encryption.materials.materials import AlgorithmSuite, CommitmentPolicy

from tests.support.handed_in import missing
from workshop_lib.lab import Lab

RECORDS = {"patients/1": b"Blood group O", "patients/2": b"No allergies"}


def tagged_bucket(lab: Lab, s3: Any, number: str) -> str:
    bucket = lab.name("bucket")
    s3.create_bucket(Bucket=bucket)
    tags = [{"Key": "exercise", "Value": number}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    return bucket


def around(kms: Any, key: str, inner: Any = None, **config: Any) -> Any:
    """The encryption client under a key, around a boto3 client."""
    settings = S3EncryptionClientConfig(keyring=KmsKeyring(kms, key), **config)
    return S3EncryptionClient(inner or boto3.client("s3"), settings)


# --- 10.1 --------------------------------------------------------------------------------------


@pytest.fixture
def key(kms: Any) -> str:
    tags = [{"TagKey": "exercise", "TagValue": "10.1"}]
    return str(kms.create_key(Tags=tags)["KeyMetadata"]["Arn"])


@pytest.fixture
def clinic(lab: Lab, s3: Any) -> str:
    return tagged_bucket(lab, s3, "10.1")


def by_name(name: str) -> dict[str, str]:
    return {"object": name}


def store(client: Any, bucket: str, context: Callable[[str], Any] = by_name) -> None:
    for name, words in RECORDS.items():
        client.put_object(Bucket=bucket, Key=name, Body=words, EncryptionContext=context(name))


@pytest.mark.parametrize(
    "context",
    [
        by_name,
        lambda name: {"place": f"a-bucket/{name}", "department": "clinic"},
        lambda name: {"arn": f"arn:aws:s3:::a-bucket/{name}"},
    ],
)
def test_records_bound_to_their_names_are_right(
    lab: Lab, kms: Any, key: str, clinic: str, context: Any
) -> None:
    store(around(kms, key), clinic, context)
    assert missing("10.1", lab) == []


def test_a_file_in_parts_is_right(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    client = around(kms, key)
    for name, words in RECORDS.items():
        body = io.BytesIO(words * 500)
        client.upload_fileobj(body, clinic, name, EncryptionContext={"object": name})
    assert missing("10.1", lab) == []


def test_a_large_record_is_right(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    client = around(kms, key)
    for name in RECORDS:
        client.put_object(
            Bucket=clinic, Key=name, Body=bytes(100_000), EncryptionContext={"object": name}
        )
    assert missing("10.1", lab) == []


@pytest.mark.parametrize(
    ("context", "says"),
    [
        (lambda name: {"kind": "record"}, "both have the same encryption context"),
        (lambda name: None, "both have the same encryption context"),
        (lambda name: {"patient": name[-1]}, "does not name the object: patients/1 and patients/2"),
    ],
)
def test_a_context_that_binds_nothing_is_named(
    lab: Lab, kms: Any, key: str, clinic: str, context: Any, says: str
) -> None:
    store(around(kms, key), clinic, context)
    (said,) = missing("10.1", lab)
    assert says in said


def test_a_swapped_context_is_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    other = {"patients/1": "patients/2", "patients/2": "patients/1"}
    store(around(kms, key), clinic, lambda name: {"object": other[name]})
    (said,) = missing("10.1", lab)
    assert "does not name the object" in said


@pytest.mark.usefixtures("key")
def test_a_readable_record_is_named(lab: Lab, s3: Any, clinic: str) -> None:
    for name, words in RECORDS.items():
        s3.put_object(Bucket=clinic, Key=name, Body=words)
    (said,) = missing("10.1", lab)
    assert "patients/1 is stored readable" in said


def test_sse_kms_is_not_the_client(lab: Lab, s3: Any, key: str, clinic: str) -> None:
    for name, words in RECORDS.items():
        s3.put_object(
            Bucket=clinic, Key=name, Body=words, ServerSideEncryption="aws:kms", SSEKMSKeyId=key
        )
    (said,) = missing("10.1", lab)
    assert "patients/1 is stored readable" in said


def test_another_key_is_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    store(around(kms, kms.create_key()["KeyMetadata"]["Arn"]), clinic)
    (said,) = missing("10.1", lab)
    assert "under another key" in said


def test_a_client_without_commitment_is_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    older = {
        "encryption_algorithm": AlgorithmSuite.ALG_AES_256_GCM_IV12_TAG16_NO_KDF,
        "commitment_policy": CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT,
    }
    store(around(kms, key, **older), clinic)
    (said,) = missing("10.1", lab)
    assert "without key commitment" in said


def altered(
    s3: Any, bucket: str, metadata: dict[str, str] | None = None, body: bytes | None = None
) -> None:
    """patients/1 again, with other bytes or metadata."""
    got = s3.get_object(Bucket=bucket, Key="patients/1")
    kept = got["Body"].read() if body is None else body
    s3.put_object(
        Bucket=bucket, Key="patients/1", Body=kept, Metadata={**got["Metadata"], **(metadata or {})}
    )


def test_forgeries_are_named(lab: Lab, kms: Any, s3: Any, key: str, clinic: str) -> None:
    """Made-up bytes beside genuine metadata, and the other way round."""
    store(around(kms, key), clinic)
    altered(s3, clinic, body=bytes(range(200, 250)))
    assert "its tag does not fit" in missing("10.1", lab)[0]
    store(around(kms, key), clinic)
    theirs = s3.head_object(Bucket=clinic, Key="patients/2")["Metadata"]
    altered(s3, clinic, {"x-amz-d": theirs["x-amz-d"]})
    assert "does not fit its key commitment" in missing("10.1", lab)[0]
    store(around(kms, key), clinic)
    altered(s3, clinic, {"x-amz-t": json.dumps({"object": "patients/1"})})
    assert "does not unwrap the data key" in missing("10.1", lab)[0]
    for broken in ("no json", "[1]", '{"object": 1}'):
        altered(s3, clinic, {"x-amz-t": broken})
        assert "does not unwrap the data key" in missing("10.1", lab)[0]
    altered(s3, clinic, {"x-amz-3": "not base64"})
    assert "does not unwrap the data key" in missing("10.1", lab)[0]


def test_a_changed_large_record_is_named(
    lab: Lab, kms: Any, s3: Any, key: str, clinic: str
) -> None:
    store(around(kms, key), clinic)
    around(kms, key).put_object(
        Bucket=clinic,
        Key="patients/1",
        Body=bytes(100_000),
        EncryptionContext={"object": "patients/1"},
    )
    altered(s3, clinic, body=bytes(100_016))
    assert "its tag does not fit" in missing("10.1", lab)[0]


def test_a_missing_record_is_named(lab: Lab, kms: Any, s3: Any, key: str, clinic: str) -> None:
    store(around(kms, key), clinic)
    s3.delete_object(Bucket=clinic, Key="patients/2")
    assert missing("10.1", lab) == ["it holds no object patients/2"]


def test_an_empty_record_is_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    around(kms, key).put_object(
        Bucket=clinic, Key="patients/1", Body=b"", EncryptionContext={"object": "patients/1"}
    )
    around(kms, key).put_object(
        Bucket=clinic, Key="patients/2", Body=b"x", EncryptionContext={"object": "patients/2"}
    )
    assert missing("10.1", lab) == ["patients/1 is empty"]


# --- 10.2 --------------------------------------------------------------------------------------

PAGE = b"Confidential. ".ljust(1024, b".")


@pytest.fixture
def client(kms: Any) -> Any:
    return around(kms, kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def archive(lab: Lab, s3: Any, client: Any) -> str:
    """What the colleague's program of the lesson does."""
    bucket = tagged_bucket(lab, s3, "10.2")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for month, pages in (("january", 4), ("february", 9000), ("march", 6)):
        client.wrapped_s3_client.upload_fileobj(io.BytesIO(PAGE * pages), bucket, month)
    return bucket


def old_versions(s3: Any, bucket: str, name: str) -> list[str]:
    listed = s3.list_object_versions(Bucket=bucket, Prefix=name)["Versions"]
    return [each["VersionId"] for each in listed if not each["IsLatest"]]


def test_the_archive_step_by_step(lab: Lab, s3: Any, client: Any, archive: str) -> None:
    assert missing("10.2", lab) == ["a plain client still reads february"]
    client.upload_fileobj(io.BytesIO(PAGE * 9000), archive, "february")
    assert missing("10.2", lab) == ["readable in an earlier version: february"]
    (old,) = old_versions(s3, archive, "february")
    s3.delete_object(Bucket=archive, Key="february", VersionId=old)
    assert missing("10.2", lab) == []


def test_a_context_and_put_object_are_right(lab: Lab, s3: Any, client: Any, archive: str) -> None:
    context = {"object": "february"}
    client.put_object(Bucket=archive, Key="february", Body=PAGE * 9000, EncryptionContext=context)
    (old,) = old_versions(s3, archive, "february")
    s3.delete_object(Bucket=archive, Key="february", VersionId=old)
    assert missing("10.2", lab) == []


def test_whoever_only_deletes_is_told(lab: Lab, s3: Any, archive: str) -> None:
    s3.delete_object(Bucket=archive, Key="february")
    assert missing("10.2", lab) == ["it holds no object february"]


def test_whoever_encrypts_twice_is_told(lab: Lab, s3: Any, client: Any, archive: str) -> None:
    """Read with a plain client, written with the encryption client: all three months alike."""
    for month in ("january", "february", "march"):
        body = s3.get_object(Bucket=archive, Key=month)["Body"].read()
        client.upload_fileobj(io.BytesIO(body), archive, month)
    (said,) = missing("10.2", lab)
    assert "january does not hold the month's pages" in said


def test_the_wrapped_client_again_is_no_remedy(lab: Lab, client: Any, archive: str) -> None:
    client.wrapped_s3_client.upload_fileobj(io.BytesIO(PAGE * 9000), archive, "february")
    assert missing("10.2", lab) == ["a plain client still reads february"]


def test_random_bytes_are_no_remedy(lab: Lab, s3: Any, archive: str) -> None:
    s3.put_object(Bucket=archive, Key="february", Body=bytes(range(128, 256)) * 72_000)
    (said,) = missing("10.2", lab)
    assert "february" in said


# --- answers that were tried later ---------------------------------------------------------------


def test_words_in_the_metadata_are_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    client = around(kms, key)
    for name, words in RECORDS.items():
        client.put_object(
            Bucket=clinic,
            Key=name,
            Body=words,
            EncryptionContext={"object": name},
            Metadata={"summary": words.decode()},
        )
    (said, *_) = missing("10.1", lab)
    assert said == "the words of patients/1 stand readable in its metadata"


def test_words_in_the_context_are_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    store(around(kms, key), clinic, lambda name: {"object": name, "what": RECORDS[name].decode()})
    assert missing("10.1", lab)[0] == "the words of patients/1 stand readable in its metadata"


@pytest.mark.parametrize("left", ["version", "object"])
def test_a_readable_copy_is_named(
    lab: Lab, kms: Any, s3: Any, key: str, clinic: str, left: str
) -> None:
    s3.put_bucket_versioning(Bucket=clinic, VersioningConfiguration={"Status": "Enabled"})
    name = "patients/1" if left == "version" else "draft"
    s3.put_object(Bucket=clinic, Key=name, Body=RECORDS["patients/1"])
    store(around(kms, key), clinic)
    assert missing("10.1", lab) == [f"the words of patients/1 stand readable in {name}"]


def test_an_alias_and_a_second_run_are_right(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    kms.create_alias(AliasName="alias/records", TargetKeyId=key)
    for _ in range(2):
        store(around(kms, key.rpartition(":")[0] + ":alias/records"), clinic)
    assert missing("10.1", lab) == []


def test_a_readable_copy_of_a_month_is_named(lab: Lab, s3: Any, client: Any, archive: str) -> None:
    client.upload_fileobj(io.BytesIO(PAGE * 9000), archive, "february")
    (old,) = old_versions(s3, archive, "february")
    s3.copy_object(
        Bucket=archive,
        Key="backup/february",
        CopySource={"Bucket": archive, "Key": "february", "VersionId": old},
    )
    s3.delete_object(Bucket=archive, Key="february", VersionId=old)
    s3.delete_object(Bucket=archive, Key="backup/february")
    assert missing("10.2", lab) == ["readable in an earlier version: backup/february"]


# --- more that a learner may do ------------------------------------------------------------------


def test_the_same_context_in_another_order_is_the_same(
    lab: Lab, kms: Any, key: str, clinic: str
) -> None:
    both = {"objects": "patients/1 patients/2", "kind": "record"}
    store(
        around(kms, key), clinic, lambda name: dict(reversed(both.items())) if "1" in name else both
    )
    (said,) = missing("10.1", lab)
    assert "both have the same encryption context" in said


def test_records_copied_over_each_other_are_named(
    lab: Lab, kms: Any, s3: Any, key: str, clinic: str
) -> None:
    store(around(kms, key), clinic)
    s3.copy_object(
        Bucket=clinic, Key="patients/2", CopySource={"Bucket": clinic, "Key": "patients/1"}
    )
    assert missing("10.1", lab)


def test_words_in_a_tag_or_in_a_name_are_named(
    lab: Lab, kms: Any, s3: Any, key: str, clinic: str
) -> None:
    store(around(kms, key), clinic)
    words = RECORDS["patients/1"].decode()
    tags = {"TagSet": [{"Key": "summary", "Value": words}]}
    s3.put_object_tagging(Bucket=clinic, Key="patients/1", Tagging=tags)
    assert missing("10.1", lab) == ["the words of patients/1 stand readable in its tags"]
    s3.delete_object_tagging(Bucket=clinic, Key="patients/1")
    s3.put_object(Bucket=clinic, Key=f"notes/{words}", Body=b"")
    assert missing("10.1", lab) == [f"the words of patients/1 stand readable in notes/{words}"]


def test_a_disabled_key_is_named(lab: Lab, kms: Any, key: str, clinic: str) -> None:
    store(around(kms, key), clinic)
    kms.disable_key(KeyId=key)
    assert missing("10.1", lab) == ["its key is Disabled: nobody can use it"]


def test_other_objects_and_a_default_of_sse_kms_are_right(
    lab: Lab, kms: Any, s3: Any, key: str, clinic: str
) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=clinic, ServerSideEncryptionConfiguration={"Rules": [rule]})
    store(around(kms, key), clinic)
    s3.put_object(Bucket=clinic, Key="readme", Body=b"Two records.")
    assert missing("10.1", lab) == []


def test_a_month_under_another_month_s_name_is_named(
    lab: Lab, s3: Any, client: Any, archive: str
) -> None:
    """Six pages under the name of january, all encrypted."""
    client.put_object(Bucket=archive, Key="february", Body=PAGE * 9000)
    for version in old_versions(s3, archive, "february"):
        s3.delete_object(Bucket=archive, Key="february", VersionId=version)
    client.put_object(Bucket=archive, Key="january", Body=PAGE * 6)
    (said,) = missing("10.2", lab)
    assert "january does not hold the month's pages" in said


def test_a_deleted_readable_version_behind_a_marker_is_named(
    lab: Lab, s3: Any, client: Any, archive: str
) -> None:
    s3.delete_object(Bucket=archive, Key="february")
    client.put_object(Bucket=archive, Key="february", Body=PAGE * 9000)
    assert missing("10.2", lab) == ["readable in an earlier version: february"]


def test_versions_of_ciphertext_and_a_new_key_are_right(
    lab: Lab, kms: Any, s3: Any, client: Any, archive: str
) -> None:
    other = around(kms, kms.create_key()["KeyMetadata"]["Arn"])
    for each in (client, other):
        each.put_object(Bucket=archive, Key="february", Body=PAGE * 9000)
    [old] = [
        version
        for version in old_versions(s3, archive, "february")
        if s3.get_object(Bucket=archive, Key="february", VersionId=version)["Body"].read(12)
        == b"Confidential"
    ]
    s3.delete_object(Bucket=archive, Key="february", VersionId=old)
    assert missing("10.2", lab) == []

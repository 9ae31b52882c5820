"""Which conditions a bucket policy may have, and what an upload in parts is judged by.

`RECORDED` is what S3 answered: https://github.com/justincormack/argmin, plans/completed/
bucket-policy-condition-data-availability-plan.md and guides/aws-compatibility.md; `COMPARED` a
gateway compared with S3: https://github.com/versity/versitygw, auth/bucket_policy_condition.go.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.kms_people import new_key
from tests.support.s3_people import (
    ALICE,
    allow,
    arn_of,
    bucket,
    client,
    customer,
    refused,
    refused_with,
    user,
)

TAG = {"StringEquals": {"s3:ExistingObjectTag/security": "public"}}
REQUESTED = {"StringEquals": {"s3:RequestObjectTag/security": "public"}}
METHOD = "s3:x-amz-server-side-encryption"
CUSTOMER = f"{METHOD}-customer-algorithm"
KEY_ID = f"{METHOD}-aws-kms-key-id"
UNFIT = "Conditions do not apply to combination of actions and resources in statement"


def statement(
    name: str, actions: str, condition: Any, effect: str = "Deny", **more: Any
) -> dict[str, Any]:
    """A statement on a bucket and what is in it; actions come without S3's prefix."""
    listed = [f"s3:{action}" for action in actions.split()]
    resources = []
    if any("Bucket" in action or action == "s3:*" for action in listed):
        resources.append(f"arn:aws:s3:::{name}")
    if any("Bucket" not in action for action in listed):
        resources.append(f"arn:aws:s3:::{name}/*")
    return {
        "Effect": effect, "Principal": "*", "Action": listed, "Resource": resources,
        "Condition": condition, **more,
    }  # fmt: skip


def put(name: str, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    client().put_bucket_policy(Bucket=name, Policy=json.dumps(document))


def taken(name: str, *statements: dict[str, Any]) -> bool:
    """Whether S3 takes a policy, or says that its conditions do not fit."""
    try:
        put(name, *statements)
    except ClientError as error:
        refusal = error.response["Error"]
        if (refusal["Code"], refusal["Message"]) == ("MalformedPolicy", UNFIT):
            return False
        raise
    return True


# --- what fits ----------------------------------------------------------------------------------

SSE = {"Null": {METHOD: "true"}}
_RECORDED_AS_UNFIT = [
    ("GetObjectRetention", TAG), ("GetObjectLegalHold", TAG), ("PutObjectRetention", TAG),
    ("PutObjectLegalHold", TAG), ("BypassGovernanceRetention", TAG), ("PutObject", TAG),
    ("DeleteObject", TAG), ("DeleteObjectVersion", TAG), ("DeleteObject DeleteObjectTagging", TAG),
    ("GetObject PutObject", TAG), ("PutObjectAcl", REQUESTED), ("PutObjectRetention", REQUESTED),
    ("PutObjectLegalHold", REQUESTED), ("PutObjectAcl PutObjectTagging", REQUESTED),
    *(
        (f"{read} PutObject", condition)
        for read in ("GetObject", "GetObjectVersion")
        for condition in (
            SSE,
            {"Null": {CUSTOMER: "true"}},
            {"StringLike": {"s3:x-amz-copy-source": "source/public/*"}},
            {"StringEquals": {"s3:x-amz-metadata-directive": "COPY"}},
            {"StringEquals": {"s3:x-amz-acl": "private"}},
            {"StringEquals": {"s3:x-amz-grant-read": "id=1"}},
            {"StringEquals": {"s3:x-amz-grant-read-acp": "id=1"}},
            {"StringEquals": {"s3:x-amz-grant-full-control": "id=1"}},
        )
    ),
]  # fmt: skip
_RECORDED_AS_FIT = [
    *((f"{verb}Object{of}Tagging", TAG) for verb in ("Get", "Put", "Delete")
      for of in ("", "Version")),
    *((f"{verb}Object{of}Acl", TAG) for verb in ("Get", "Put") for of in ("", "Version")),
    ("GetObject GetObjectVersion", TAG), ("GetObjectAttributes GetObjectVersionAttributes", TAG),
    ("PutObject PutObjectTagging PutObjectVersionTagging", REQUESTED),
    ("PutObject", {"StringLike": {"s3:x-amz-copy-source": "source/public/*"}}),
    ("PutObject", {"StringNotEquals": {"s3:x-amz-metadata-directive": "COPY"}}),
]  # fmt: skip
PREFIX = {"StringEquals": {"s3:prefix": "a"}}
IF_MATCH, IF_NONE = {"StringEquals": {"s3:if-match": "a"}}, {"Null": {"s3:if-none-match": "false"}}
_COMPARED = [
    ("GetObject", PREFIX, False), ("ListBucket", PREFIX, True),
    ("ListBucketMultipartUploads", PREFIX, False), ("GetBucketAcl ListBucket", PREFIX, False),
    ("PutBucketAcl", {"StringEquals": {"s3:x-amz-acl": "private"}}, True),
    ("GetObject", {"StringEquals": {"s3:VersionId": "1"}}, False),
    ("GetObjectVersion", {"StringEquals": {"S3:VERSIONID": "1"}}, True),
    ("PutObject DeleteObject", IF_MATCH, True), ("DeleteObjectVersion", IF_MATCH, False),
    ("DeleteObject", IF_NONE, False), ("PutObject DeleteObject", IF_NONE, False),
]  # fmt: skip


def test_a_condition_fits_every_action_of_its_statement() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html

    S3 "can test for semantic errors … that involve Amazon S3-specific conditions":
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html; the cases are
    RECORDED and COMPARED.
    """
    name = bucket()
    for actions, condition in _RECORDED_AS_UNFIT:
        assert not taken(name, statement(name, actions, condition)), (actions, condition)
    for actions, condition in _RECORDED_AS_FIT:
        assert taken(name, statement(name, actions, condition)), (actions, condition)
    for actions, condition, fit in _COMPARED:
        assert taken(name, statement(name, actions, condition)) is fit, (actions, condition)


def test_a_condition_is_not_held_against_wildcards() -> None:
    """COMPARED: "a wildcard action … is exempt from this check entirely".

    https://github.com/versity/versitygw
    """
    name = bucket()
    acl = {"StringEquals": {"s3:x-amz-acl": "private"}}
    for actions in ("*", "PutObject*"):
        assert taken(name, statement(name, actions, acl)), actions
    assert not taken(name, statement(name, "PutObject* GetObject", acl))


@pytest.mark.unconfirmed("nobody says whether S3 holds conditions against what NotAction leaves")
def test_a_condition_is_not_held_against_not_action() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"""
    name = bucket()
    unfit = statement(name, "GetObject", {"StringEquals": {"s3:x-amz-acl": "private"}})
    assert not taken(name, unfit)
    assert taken(name, {"NotAction" if key == "Action" else key: unfit[key] for key in unfit})


def test_an_address_of_the_caller_is_one_under_any_operator() -> None:
    """COMPARED; so does https://github.com/scality/cloudserver/pull/5501.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    name = bucket()
    for operator, value in (
        ("IpAddress", "300.1.1.1/40"), ("NotIpAddress", "no-address"), ("StringLike", "10.*"),
        ("Null", "true"), ("StringEquals", ["10.0.0.1", "10"]),
    ):  # fmt: skip
        wrong = statement(name, "GetObject", {operator: {"AWS:SourceIp": value}})
        with refused_with(400, "MalformedPolicy", "Invalid IP address in Conditions"):
            put(name, wrong)
    put(name, statement(name, "GetObject", {"StringEquals": {"aws:SourceIp": "10.0.0.1"}}))


def test_a_pattern_stands_for_an_action() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html

    COMPARED, tests/integration/PutBucketPolicy.go.
    """
    name = bucket()
    for pattern in ("????", "*:", "Abort?", "??Abort*", "*Obj??ect*", "Get*Nothing"):
        with refused_with(400, "MalformedPolicy", "Policy has invalid action"):
            put(name, {**statement(name, pattern, {}), "Resource": f"arn:aws:s3:::{name}"})
    put(name, statement(name, "Abort*", {}), statement(name, "GetObjec?", {}))


def test_a_condition_is_judged_before_the_resource() -> None:
    """COMPARED: S3 names the condition where neither it nor the resource fits the action.

    https://github.com/versity/versitygw
    """
    name = bucket()
    both = statement(name, "ListBucketMultipartUploads", PREFIX, Resource=f"arn:aws:s3:::{name}/*")
    with refused_with(400, "MalformedPolicy", UNFIT):
        put(name, both)
    with refused_with(
        400, "MalformedPolicy", "Action does not apply to any resource(s) in statement"
    ):
        put(name, {**both, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})


def test_a_condition_s_key_and_operator_are_ones_that_s3_knows() -> None:
    """COMPARED. Names of operators are as AWS spells them; keys in any case.

    https://github.com/versity/versitygw
    """
    name = bucket()
    for key in ("s3:FakeKeyDoesNotExist", "s3:ifmatch", "prefix", "s3:ExistingObjectTag"):
        with refused_with(400, "MalformedPolicy", "Policy has an invalid condition key"):
            put(name, statement(name, "PutObject", {"StringEquals": {key: "a"}}))
    for operator in ("NotARealOperator", "stringequals", "NullIfExists"):
        with refused_with(400, "MalformedPolicy", f"Invalid Condition type : {operator}"):
            put(name, statement(name, "PutObject", {operator: {"aws:SourceIp": "1.2.3.4/32"}}))
    put(name, statement(name, "PutObject", {"IpAddress": {"AWS:SourceIp": "10.0.0.0/8"}}))


@pytest.mark.unconfirmed("no report shows S3's words for another service's condition key")
def test_a_bucket_policy_does_not_know_another_service_s_conditions() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html

    "AWS KMS condition keys … in key policies and IAM policies."
    """
    name = bucket()
    for key in ("kms:ViaService", "dynamodb:LeadingKeys", "sts:ExternalId", "iam:PassedToService"):
        with refused_with(400, "MalformedPolicy", "Policy has an invalid condition key"):
            put(name, statement(name, "GetObject", {"StringEquals": {key: "a"}}))
    put(name, statement(name, "GetObject", {"Null": {"lambda:SourceFunctionArn": "false"}}))


def test_iam_takes_conditions_that_do_not_fit() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html

    "No error is reported because IAM cannot validate Amazon S3 conditions."
    """
    name = bucket()
    client().put_object(Bucket=name, Key="a", Body=b"x")
    reader = user(
        "reader", {**allow("s3:GetObject", f"arn:aws:s3:::{name}/*"), "Condition": PREFIX}
    )
    with refused("AccessDenied"):
        reader.get_object(Bucket=name, Key="a")


# --- AWS's own examples ---------------------------------------------------------------------------

_ACCOUNTS = {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]}
_OWNER = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
_NOT_OWNER = {"StringNotEquals": _OWNER["StringEquals"]}
_SOURCE = {"aws:SourceAccount": "111122223333"}
_FOLDER = {"Resource": "arn:aws:s3:::BUCKET/taxdocuments/*"}
_LOGS = {"Principal": {"Service": "logging.s3.amazonaws.com"}}
_EXAMPLES: dict[str, list[tuple[str, str, Any, dict[str, Any]]]] = {
    "example-bucket-policies": [
        ("Allow", "GetObject GetObjectVersion", {}, {}),
        ("Deny", "PutObject", {"Null": {KEY_ID: "true"}}, {}),
        ("Deny", "PutObject", {"ArnNotEqualsIfExists": {KEY_ID: "KEY"}}, {}),
        ("Allow", "PutObject PutObjectAcl", {"StringEquals": {"s3:x-amz-acl": ["public-read"]}},
         {"Principal": _ACCOUNTS}),
        ("Allow", "PutObject", _OWNER, {"Principal": {"AWS": "111122223333"}}),
        ("Allow", "GetObject GetObjectVersion",
         {"StringEquals": {"s3:ExistingObjectTag/environment": "production"}}, {}),
        ("Allow", "PutObjectTagging",
         {"ForAnyValue:StringEquals": {"s3:RequestObjectTagKeys": ["Owner", "CreationDate"]}}, {}),
        ("Allow", "PutObject", {"StringEquals": {"s3:RequestObjectTag/Department": "Finance"}}, {}),
        ("Allow", "PutObject",
         {"StringEquals": _SOURCE, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::source"}}, {}),
        ("Deny", "PutObject",
         {"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-example"},
          "Null": {"aws:SourceAccount": "false"}, "Bool": {"aws:PrincipalIsAWSService": "true"}},
         {}),
        ("Allow", "GetObject", {"StringEquals": {"aws:PrincipalOrgID": ["o-example"]}}, {}),
        ("Deny", "*", {"Bool": {"aws:SecureTransport": "false"}}, {}),
        ("Allow", "GetObject", {"StringLike": {"aws:Referer": ["http://www.example.com/*"]}}, {}),
        ("Allow", "ListBucket",
         {"StringEquals": {"s3:prefix": ["", "home/"], "s3:delimiter": ["/"]}}, {}),
        ("Allow", "ListBucket", {"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}, {}),
        ("Allow", "PutObject", {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::source"},
                                "StringEquals": _SOURCE}, _LOGS),
        ("Allow", "*", {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:DB8::/64"]},
                        "NotIpAddress": {"aws:SourceIp": "192.0.2.128/30"}}, {}),
        ("Deny", "*", {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}),
        ("Allow", "GetObject",
         {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E1"}},
         {"Principal": {"Service": "cloudfront.amazonaws.com"}}),
        ("Deny", "*", {"Null": {"aws:MultiFactorAuthAge": True}}, _FOLDER),
        ("Deny", "*", {"NumericGreaterThan": {"aws:MultiFactorAuthAge": 3600}}, _FOLDER),
        ("Allow", "PutObject",
         {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::source"},
          "StringEquals": {**_SOURCE, "s3:x-amz-acl": "bucket-owner-full-control"}},
         {"Principal": {"Service": "s3.amazonaws.com"}}),
        ("Deny", "PutInventoryConfiguration",
         {"ForAnyValue:StringEquals": {"s3:InventoryAccessibleOptionalFields": ["Size"]}},
         {"Resource": "arn:aws:s3:::BUCKET"}),
        ("Allow", "PutObject",
         {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **_SOURCE},
          "ArnLike": {"aws:SourceArn": "arn:aws:s3:us-east-1:111122223333:storage-lens/a"}},
         {"Principal": {"Service": "storage-lens.s3.amazonaws.com"}}),
    ],
    "amazon-s3-policy-keys": [
        ("Deny", "PutObject", {"StringNotEquals": {"s3:x-amz-grant-full-control": "id=1"}}, {}),
        ("Deny", "PutObject", {"StringNotEquals": {METHOD: "AES256"}}, {}),
        ("Deny", "PutObject", {"StringNotLike": {"s3:x-amz-copy-source": "BUCKET/public/*"}}, {}),
        ("Deny", "GetObjectVersion", {"StringNotEquals": {"s3:VersionId": "AaaHbAQitwiL"}}, {}),
        ("Allow", "PutObject", {"StringEquals": {"s3:x-amz-storage-class": ["STANDARD_IA"]}}, {}),
        ("Deny", "ListBucket", {"StringNotEquals": {"s3:prefix": "projects"}}, {}),
        ("Allow", "ListBucketVersions", {"StringEquals": {"s3:prefix": "projects"}}, {}),
        ("Deny", "ListBucket", {"NumericGreaterThan": {"s3:max-keys": "10"}}, {}),
        ("Deny", "*", {"NumericLessThan": {"s3:TlsVersion": 1.2}}, {}),
    ],
    "tagging-and-policies": [
        ("Allow", "PutObjectTagging",
         {"ForAllValues:StringLike": {"s3:RequestObjectTagKeys": ["Owner"]},
          "ForAnyValue:StringLike": {"s3:RequestObjectTagKeys": ["Owner"]}}, {}),
        ("Allow", "PutObjectTagging", {"StringEquals": {"s3:RequestObjectTag/Project": "X"}}, {}),
    ],
    "example-bucket-policies-vpc-endpoint": [
        ("Deny", "*", {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}, {}),
        ("Deny", "*", {"StringNotEquals": {"aws:SourceVpc": "vpc-111bbb22"}}, {}),
    ],
    "access-points-policies": [
        ("Allow", "*", {"StringEquals": {"s3:DataAccessPointAccount": "111122223333"}}, {}),
    ],
    "bucket-policy-s3-sigv4-conditions": [
        ("Deny", "*", {"StringEquals": {"s3:signatureversion": "AWS"}}, {}),
        ("Deny", "*", {"NumericGreaterThan": {"s3:signatureAge": "600000"}}, {}),
        ("Deny", "*", {"StringNotEquals": {"s3:authType": "REST-QUERY-STRING"}}, {}),
        ("Deny", "*", {"StringNotEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}, {}),
    ],
    "object-lock-managing": [
        ("Deny", "PutObjectRetention",
         {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}, {}),
    ],
    "conditional-writes-enforce": [
        ("Allow", "PutObject",
         {"Null": {"s3:if-none-match": "false"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
         {}),
        ("Deny", "PutObject",
         {"Null": {"s3:if-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}, {}),
    ],
    "ServerSideEncryptionCustomerKeys": [
        ("Deny", "PutObject", {"Null": {CUSTOMER: "true"}}, {}),
        ("Deny", "PutObject", {"Null": {CUSTOMER: "false"}}, {}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("page", _EXAMPLES)
def test_aws_s_own_examples_are_taken(page: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html

    And the pages of the S3 User Guide beside it: all statements of a page together, on a bucket
    that may be public. With one more that does not fit, they are refused.
    """
    name = bucket()
    client().delete_public_access_block(Bucket=name)
    statements = [
        statement(name, actions, condition, effect, **more)
        for effect, actions, condition, more in _EXAMPLES[page]
    ]
    text = json.dumps(statements).replace("BUCKET", name).replace("KEY", new_key())
    assert not taken(name, *json.loads(text), statement(name, "GetObject PutObject", _OWNER))
    assert taken(name, *json.loads(text))


# --- what requests bring for them ---------------------------------------------------------------


def tagged(name: str, **tags: str) -> None:
    for key, value in tags.items():
        client().put_object(Bucket=name, Key=key, Body=b"x", Tagging=f"security={value}")


def outcome(call: Any, **parameters: Any) -> str:
    """What becomes of a call."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def test_an_object_s_tags_judge_reads_and_the_sources_of_parts() -> None:
    """RECORDED: neither GetObjectAttributes nor the source of CopyObject is judged by them.

    https://github.com/justincormack/argmin
    """
    name = bucket()
    tagged(name, public="public", private="private")
    caller = user("copier", allow("s3:PutObject", f"arn:aws:s3:::{name}/*"))
    named = {"Principal": {"AWS": arn_of("copier")}}
    reads = statement(name, "GetObject GetObjectTagging", TAG, "Allow", **named)
    about = statement(name, "GetObjectAttributes", TAG, "Allow", **named)
    put(name, reads, about)
    upload = {"Bucket": name, "Key": "b"}
    upload["UploadId"] = caller.create_multipart_upload(**upload)["UploadId"]
    for key, found in (("public", "done"), ("private", "AccessDenied")):
        source = {"Bucket": name, "Key": key}
        assert outcome(caller.get_object, **source) == found
        assert outcome(caller.head_object, **source) == ("done" if found == "done" else "403")
        copy = {"CopySource": source, "PartNumber": 1, **upload}
        assert outcome(caller.upload_part_copy, **copy) == found
        copied = outcome(caller.copy_object, Bucket=name, Key="c", CopySource=source)
        assert copied == "AccessDenied"
        asked = {"ObjectAttributes": ["ETag"], **source}
        assert outcome(caller.get_object_attributes, **asked) == "AccessDenied"


def test_a_copy_s_source_is_judged_as_it_was_spelled() -> None:
    """RECORDED: S3 decodes x-amz-copy-source to find the object, not to compare it.

    https://github.com/justincormack/argmin
    """
    name = bucket()
    client().put_object(Bucket=name, Key="private/a", Body=b"x")
    private = {"StringLike": {"s3:x-amz-copy-source": f"{name}/private/*"}}
    put(name, statement(name, "PutObject", private))
    for spelled, found in (("private", "AccessDenied"), ("%70rivate", "done")):
        caller = client()
        header = {"x-amz-copy-source": f"{name}/{spelled}/a"}

        def spell(params: Any, header: dict[str, str] = header, **_: Any) -> None:
            params["headers"].update(header)

        caller.meta.events.register("before-call.s3.CopyObject", spell)
        source = f"{name}/private/a"
        assert outcome(caller.copy_object, Bucket=name, Key="b", CopySource=source) == found


def test_only_what_creates_an_object_is_a_creation() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html

    RECORDED: a copy is one.
    """
    name = bucket()
    client().put_object(Bucket=name, Key="a", Body=b"x")
    rule = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    put(name, statement(name, "PutObject", rule))
    assert outcome(client().put_object, Bucket=name, Key="b", Body=b"x") == "AccessDenied"
    assert outcome(client().put_object, Bucket=name, Key="b", Body=b"x", IfNoneMatch="*") == "done"
    copied = outcome(client().copy_object, Bucket=name, Key="c", CopySource=f"{name}/a")
    assert copied == "AccessDenied"
    upload, parts = upload_in_parts(name, {}, {})
    assert outcome(client().complete_multipart_upload, **upload, **parts) == "AccessDenied"
    done = outcome(client().complete_multipart_upload, **upload, **parts, IfNoneMatch="*")
    assert done == "done"


def test_a_retention_is_judged_by_the_days_it_asks_for() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html"""
    name = "locked"
    client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client().put_object(Bucket=name, Key="a", Body=b"x")
    longest = {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}
    put(name, statement(name, "PutObjectRetention", longest))
    for days, found in ((20, "AccessDenied"), (5, "done")):
        until = datetime.now(UTC) + timedelta(days=days)
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
        call = client().put_object_retention
        assert outcome(call, Bucket=name, Key="a", Retention=retention) == found


def test_an_inventory_is_judged_by_what_it_is_to_report() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html"""
    name = bucket()
    size = {"ForAnyValue:StringEquals": {"s3:InventoryAccessibleOptionalFields": ["Size"]}}
    on_bucket = {"Resource": f"arn:aws:s3:::{name}"}
    put(name, statement(name, "PutInventoryConfiguration", size, **on_bucket))
    for fields, found in ((["ETag", "Size"], "AccessDenied"), (["ETag"], "done")):
        inventory = {
            "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{name}",
                                                    "Format": "CSV"}},
            "IsEnabled": True, "Id": "a", "IncludedObjectVersions": "All",
            "OptionalFields": fields, "Schedule": {"Frequency": "Daily"},
        }  # fmt: skip
        call = client().put_bucket_inventory_configuration
        assert outcome(call, Bucket=name, Id="a", InventoryConfiguration=inventory) == found


# --- uploads in parts ---------------------------------------------------------------------------


def upload_in_parts(
    name: str, begun: dict[str, Any], sent: dict[str, Any], source: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An upload with its one part, and what completes it; ``source``: the part is copied."""
    upload = {"Bucket": name, "Key": "parts"}
    upload["UploadId"] = client().create_multipart_upload(**upload, **begun)["UploadId"]
    if source:
        part = client().upload_part_copy(PartNumber=1, CopySource=source, **upload, **sent)
        etag = part["CopyPartResult"]["ETag"]
    else:
        etag = client().upload_part(PartNumber=1, Body=b"x", **upload, **sent)["ETag"]
    return upload, {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}


def test_parts_and_completion_are_judged_by_the_encryption_the_upload_began_with() -> None:
    """RECORDED for SSE-S3, parts that are copied, and completion.

    Older reports of a refused UploadPart (https://github.com/boto/botocore/issues/471, 2015;
    https://github.com/FineUploader/fine-uploader/issues/1147, 2014) are not followed; a part that
    is uploaded is taken to be judged like one that is copied.
    """
    name = bucket()
    client().put_object(Bucket=name, Key="source", Body=b"x")
    put(name, statement(name, "PutObject", {"StringNotEquals": {METHOD: "AES256"}}))
    with refused("AccessDenied"):
        upload_in_parts(name, {}, {})
    for source in ("", f"{name}/source"):
        upload, parts = upload_in_parts(name, {"ServerSideEncryption": "AES256"}, {}, source)
        client().complete_multipart_upload(**upload, **parts)
    with refused_with(404, "NoSuchUpload"):
        client().list_parts(**upload)


@pytest.mark.unconfirmed("recorded for SSE-S3; for SSE-KMS and its key nobody recorded it")
def test_parts_are_judged_by_the_kms_key_the_upload_began_with() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html

    Against it speaks https://github.com/aws/aws-cli/issues/4251 (2019), whose caller may have
    lacked kms:Decrypt. Here a large upload with the right key passes the policy that AWS shows.
    """
    name, arn = bucket(), new_key()
    put(
        name,
        statement(name, "PutObject", {"StringNotEquals": {METHOD: "aws:kms"}}),
        statement(name, "PutObject", {"Null": {KEY_ID: "true"}}),
        statement(name, "PutObject", {"ArnNotEqualsIfExists": {KEY_ID: arn}}),
    )
    by_key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    upload, parts = upload_in_parts(name, by_key, {})
    client().complete_multipart_upload(**upload, **parts)
    for begun in ({}, {"ServerSideEncryption": "aws:kms"}, {**by_key, "SSEKMSKeyId": new_key()}):
        with refused("AccessDenied"):
            upload_in_parts(name, begun, {})


def test_parts_and_completion_bring_the_customer_s_key_themselves() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html

    A policy that requires SSE-C finds its header in all three requests of an upload, or refuses
    them; RECORDED so too.
    """
    name = bucket(sse_c=True)
    client().put_object(Bucket=name, Key="source", Body=b"x")
    put(name, statement(name, "PutObject", {"Null": {CUSTOMER: "true"}}))
    alice = customer(ALICE)
    with refused("AccessDenied"):
        upload_in_parts(name, alice, {}, f"{name}/source")
    upload, parts = upload_in_parts(name, alice, alice)
    assert outcome(client().complete_multipart_upload, **upload, **parts) == "AccessDenied"
    client().complete_multipart_upload(**upload, **parts, **alice)


def test_parts_do_not_inherit_what_else_an_upload_began_with() -> None:
    """https://github.com/aws/aws-cli/issues/1674: x-amz-acl, "s3 does not permit sending" it."""
    name = bucket()
    put(name, statement(name, "PutObject", _NOT_OWNER))
    upload = {"Bucket": name, "Key": "parts"}
    started = client().create_multipart_upload(**upload, ACL="bucket-owner-full-control")
    with refused("AccessDenied"):
        client().upload_part(**upload, UploadId=started["UploadId"], PartNumber=1, Body=b"x")

"""Temporary credentials: what STS takes, whom it gives which, and what a session carries.

LocalStack's snapshots of STS: https://github.com/localstack/localstack,
tests/aws/services/sts/test_sts.snapshot.json.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
UNCHECKED = Config(parameter_validation=False)


def allow(*actions: str, **more: Any) -> str:
    found = {"Effect": "Allow", "Action": list(actions), **more}
    if "Principal" not in more:
        found.setdefault("Resource", "*")
    return json.dumps({"Version": "2012-10-17", "Statement": [found]})


def trust(*actions: str, **more: Any) -> str:
    return allow(*(f"sts:{name}" for name in actions), Principal={"AWS": ACCOUNT}, **more)


def role(name: str, trusted: str, *actions: str, **more: Any) -> str:
    """A new role that may do these actions; its ARN."""
    iam = boto3.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, **more)["Role"]["Arn"]
    if actions:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=allow(*actions))
    return str(arn)


def client(service: str, answer: dict[str, Any] | None = None) -> Any:
    """A client of the administrator's, or of the session that an answer of STS's holds."""
    if answer is None:
        return boto3.client(service, "us-east-1", config=UNCHECKED)
    given = answer["Credentials"]
    return boto3.client(
        service,
        "us-east-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def assume(arn: str, by: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return dict(client("sts", by).assume_role(RoleArn=arn, RoleSessionName="test", **more))


@contextmanager
def refused(code: str, told: str, status: int = 400) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert told in answer["Error"]["Message"]


CONSTRAINT = "failed to satisfy constraint: Member must"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"RoleArn": "nothing-valid-in-here"}, "nothing-valid-in-here is invalid"),
        ({"RoleArn": "arn:a:a::aaaaaaaaaa:"}, "arn:a:a::aaaaaaaaaa: is invalid"),
        ({"RoleSessionName": "a:b"},
         f"1 validation error detected: Value 'a:b' at 'roleSessionName' {CONSTRAINT} satisfy "
         "regular expression pattern: [\\w+=,.@-]*"),
        ({"RoleSessionName": "s" * 65}, f"{CONSTRAINT} have length less than or equal to 64"),
        ({"DurationSeconds": 899},
         f"Value '899' at 'durationSeconds' {CONSTRAINT} have value greater than or equal to 900"),
        ({"DurationSeconds": 7200}, "exceeds the MaxSessionDuration set for this role."),
        ({"ExternalId": "x"}, f"{CONSTRAINT} have length greater than or equal to 2"),
    ],
)  # fmt: skip
def test_what_sts_does_not_take(asked: dict[str, Any], told: str) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    Texts: LocalStack's snapshots of STS, recorded from AWS in 2025 and 2026
    """
    arn = role("app", trust("AssumeRole"))
    with refused("ValidationError", told):
        client("sts").assume_role(**{"RoleArn": arn, "RoleSessionName": "test", **asked})


def test_a_chained_session_lasts_an_hour() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
    Words: https://github.com/aws/eks-anywhere/pull/9485
    """
    first = assume(role("first", trust("AssumeRole"), "sts:*"))
    second = role("second", trust("AssumeRole"), MaxSessionDuration=43200)
    with refused("ValidationError", "exceeds the 1 hour session limit for roles assumed by role"):
        assume(second, first, DurationSeconds=3601)
    client("iam").update_role(RoleName="second", Description="as before")
    assert assume(second, DurationSeconds=43200)["Credentials"]


def test_an_external_id_must_be_the_one_the_role_asks_for() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    asks = {"StringEquals": {"sts:ExternalId": "12345"}}
    arn = role("app", trust("AssumeRole", Condition=asks))
    wrongs: list[dict[str, Any]] = [{}, {"ExternalId": "54321"}]
    for wrong in wrongs:
        with refused("AccessDenied", "is not authorized to perform: sts:AssumeRole", 403):
            assume(arn, **wrong)
    assert assume(arn, ExternalId="12345")["Credentials"]


def test_no_session_here_has_used_a_device() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html"""
    arn = role("app", trust("AssumeRole", Condition={"Bool": {"aws:MultiFactorAuthPresent": True}}))
    with refused("AccessDenied", "sts:AssumeRole", 403):
        assume(arn)
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/device"
    with pytest.raises(NotImplementedError, match="SerialNumber"):
        client("sts").get_session_token(SerialNumber=serial, TokenCode="123456")


def test_session_tags_take_a_permission_and_decide() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    and, of keys that differ only in case, LocalStack's snapshots of STS
    """
    tags = [{"Key": "Team", "Value": "red"}]
    with refused("AccessDenied", "is not authorized to perform: sts:TagSession on resource", 403):
        assume(role("untagged", trust("AssumeRole")), Tags=tags)
    arn = role("app", trust("AssumeRole", "TagSession"), Tags=[{"Key": "team", "Value": "blue"}])
    team = {"StringEquals": {"aws:PrincipalTag/Team": "red"}}
    client("iam").put_role_policy(
        RoleName="app", PolicyName="p", PolicyDocument=allow("kms:ListKeys", Condition=team)
    )
    client("kms", assume(arn, Tags=tags)).list_keys()
    with refused("AccessDeniedException", "kms:ListKeys"):
        client("kms", assume(arn)).list_keys()
    told = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    with refused("InvalidParameterValue", told):
        assume(arn, Tags=[*tags, {"Key": "team", "Value": "x"}])


def test_transitive_tags_stay_along_a_chain() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
    Texts: LocalStack's snapshots of STS, recorded from AWS in 2025
    """
    trusted = trust("AssumeRole", "TagSession")
    first, second = role("first", trusted, "sts:*"), role("second", trusted)
    tags = [{"Key": "Team", "Value": "red"}]
    told = "The specified transitive tag key must be included in the requested tags."
    with refused("InvalidParameterValue", told):
        assume(first, Tags=tags, TransitiveTagKeys=["Other"])
    session = assume(first, Tags=tags, TransitiveTagKeys=["TEAM"])  # their case does not matter
    told = "conflicts with a transitive tag key from the calling session."
    with refused("InvalidParameterValue", told):
        assume(second, session, Tags=[{"Key": "team", "Value": "blue"}])
    team = {"StringEquals": {"aws:PrincipalTag/Team": "red"}}
    client("iam").put_role_policy(
        RoleName="second", PolicyName="p", PolicyDocument=allow("kms:ListKeys", Condition=team)
    )
    client("kms", assume(second, session)).list_keys()


def test_a_source_identity_stays_along_a_chain() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    with refused("AccessDenied", "is not authorized to perform: sts:SetSourceIdentity", 403):
        assume(role("closed", trust("AssumeRole")), SourceIdentity="alice")
    trusted = trust("AssumeRole", "SetSourceIdentity")
    first, second = role("first", trusted, "sts:*"), role("second", trusted, "kms:ListKeys")
    session = assume(first, SourceIdentity="alice")
    assert session["SourceIdentity"] == "alice"
    with refused("AccessDenied", "sts:SetSourceIdentity", 403):
        assume(second, session, SourceIdentity="bob")
    assert assume(second, session)["SourceIdentity"] == "alice"


def test_a_user_s_own_session_cannot_call_iam_nor_get_another() -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
    Texts: https://github.com/cloudyr/aws.iam/issues/15 https://github.com/aws/aws-sdk-php/issues/1876
    """
    session = client("sts").get_session_token()
    who = client("sts", session).get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/workshop-admin"
    client("kms", session).list_keys()
    assume(role("app", trust("AssumeRole")), session)
    with refused("InvalidClientTokenId", "The security token included in the request", 403):
        client("iam", session).list_users()
    for operation in ("GetSessionToken", "GetFederationToken"):
        with refused("AccessDenied", f"Cannot call {operation} with session credentials", 403):
            caller = client("sts", session)
            if operation == "GetSessionToken":
                caller.get_session_token()
            else:
                caller.get_federation_token(Name="bob")


def test_a_federated_user_may_do_what_user_and_session_policy_allow() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    sts = client("sts")
    bare = sts.get_federation_token(Name="bob")
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    assert bare["FederatedUser"] == {"Arn": arn, "FederatedUserId": f"{ACCOUNT}:bob"}
    assert bare["PackedPolicySize"] == 0
    with refused("AccessDeniedException", f"User: {arn} is not authorized"):
        client("kms", bare).list_keys()
    narrow = sts.get_federation_token(Name="bob", Policy=allow("kms:ListKeys"))
    client("kms", narrow).list_keys()
    with refused("AccessDeniedException", "no session policy allows the kms:ListAliases action"):
        client("kms", narrow).list_aliases()
    with refused("AccessDenied", "sts:AssumeRole", 403):
        assume(role("app", trust("AssumeRole")), narrow)
    bucket = boto3.client("s3", "us-east-1")
    bucket.create_bucket(Bucket="workshop-named")
    named = {"Principal": {"AWS": arn}, "Resource": "arn:aws:s3:::workshop-named"}
    bucket.put_bucket_policy(Bucket="workshop-named", Policy=allow("s3:ListBucket", **named))
    assert client("s3", bare).list_objects_v2(Bucket="workshop-named")["KeyCount"] == 0


def test_access_keys_tell_their_account() -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
    Words: as of other limits of the model, LocalStack's snapshots of STS
    """
    session = client("sts").get_session_token()["Credentials"]["AccessKeyId"]
    assert client("sts").get_access_key_info(AccessKeyId=session)["Account"] == ACCOUNT
    with refused("ValidationError", f"{CONSTRAINT} have length greater than or equal to 16"):
        client("sts").get_access_key_info(AccessKeyId="short")
    with pytest.raises(NotImplementedError, match="access key"):
        client("sts").get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE")


def test_a_signature_is_for_the_endpoints_region() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    Texts: answers of AWS that users of its SDKs report, such as
    https://github.com/JuliaCloud/AWS.jl/issues/565 and https://github.com/3mcloud/falcano/pull/47
    """
    told = "Credential should be scoped to a valid region."
    for service, ask in (("sts", "get_caller_identity"), ("iam", "list_users")):
        lost = boto3.client(service, "mars-1", endpoint_url=f"https://{service}.amazonaws.com")
        with refused("SignatureDoesNotMatch", told, 403):
            getattr(lost, ask)()
    s3 = boto3.client("s3", "mars-1", endpoint_url="https://s3.amazonaws.com")
    for service, place, ask, code, status in (
        ("iam", "iam", "list_users", "SignatureDoesNotMatch", 403),
        ("sts", "sts.us-west-2", "get_caller_identity", "SignatureDoesNotMatch", 403),
        ("kms", "kms.us-east-1", "list_keys", "InvalidSignatureException", 400),
        ("dynamodb", "dynamodb.us-east-1", "list_tables", "InvalidSignatureException", 400),
    ):
        url = f"https://{place}.amazonaws.com"
        with refused(code, told, status):
            getattr(boto3.client(service, "eu-west-1", endpoint_url=url), ask)()
    boto3.client("sts", "eu-west-1", endpoint_url="https://sts.amazonaws.com").get_caller_identity()
    told = "The authorization header is malformed; the region 'mars-1' is wrong; expecting"
    with refused("AuthorizationHeaderMalformed", f"{told} 'us-east-1'"):
        s3.list_buckets()


@pytest.mark.parametrize(
    ("operation", "asked", "most"),
    [
        ("assume_role", {"RoleSessionName": "one"}, 43_200),
        ("get_session_token", {}, 129_600),
        ("get_federation_token", {"Name": "one"}, 129_600),
    ],
)
def test_how_long_a_session_may_last(operation: str, asked: dict[str, Any], most: int) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
    """
    if operation == "assume_role":
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "123456789012"},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        made = boto3.client("iam").create_role(
            RoleName="long", AssumeRolePolicyDocument=document, MaxSessionDuration=most
        )
        asked = {**asked, "RoleArn": made["Role"]["Arn"]}
    unchecked = Config(parameter_validation=False)
    call = getattr(boto3.client("sts", config=unchecked), operation)
    for seconds in (900, most):
        assert call(**asked, DurationSeconds=seconds)["Credentials"]
    for seconds in (899, most + 1):
        with pytest.raises(ClientError, match="ValidationError"):
            call(**asked, DurationSeconds=seconds)

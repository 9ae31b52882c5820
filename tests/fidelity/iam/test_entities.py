"""Users, roles, groups and policies: what AWS says of names it does not take and of what
is not there, what boundaries and conditions on IAM's own actions do; and IAM's simulator.

LocalStack's snapshots of IAM: https://github.com/localstack/localstack, tests/aws/services/iam.
"""

import json
from typing import Any

import boto3
import pytest

from tests.fidelity.iam.test_sessions import ACCOUNT, allow, client, refused, role, trust

TRUST = trust("AssumeRole")


def managed(name: str, *actions: str) -> str:
    document = allow(*actions)
    made = client("iam").create_policy(PolicyName=name, PolicyDocument=document)
    return str(made["Policy"]["Arn"])


def user(name: str, policy: str, **more: Any) -> Any:
    """A new user's IAM client."""
    iam = client("iam")
    iam.create_user(UserName=name, **more)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "iam",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


PATTERN = "satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"


@pytest.mark.parametrize(
    ("operation", "asked", "code", "told"),
    [
        ("create_user", {"UserName": "a b"}, "ValidationError",
         "The specified value for userName is invalid. It must contain only alphanumeric "
         "characters and/or the following: +=,.@_-"),
        ("create_user", {"UserName": "u", "Path": "team/"}, "ValidationError",
         "The specified value for path is invalid. It must begin and end with / and contain only "
         "alphanumeric characters and/or / characters."),
        ("create_user", {"UserName": "u", "Tags": [{"Key": "a!", "Value": ""}]}, "ValidationError",
         "1 validation error detected: Value at 'tags.1.member.key' failed to satisfy constraint: "
         f"Member must {PATTERN}"),
        ("create_user", {"UserName": "u", "PermissionsBoundary": "arn:aws:iam::1:not/a-policy"},
         "InvalidInput", "ARN arn:aws:iam::1:not/a-policy is not valid."),
        ("tag_role", {"RoleName": "r", "Tags": [{"Key": str(i), "Value": ""} for i in range(51)]},
         "ValidationError", "Value at 'tags' failed to satisfy constraint: Member must have length "
         "less than or equal to 50"),
        # as AWS told https://github.com/mulgadc/spinifex, spinifex/gateway/iam and handlers/iam
        ("tag_user", {"UserName": "u", "Tags": [{"Key": "a"}]}, "ValidationError",
         "1 validation error detected: Value at 'tags.1.member.value' failed to satisfy "
         "constraint: Member must not be null"),
        ("list_users", {"PathPrefix": "team/"}, "ValidationError",
         "The specified value for pathPrefix is invalid. It must begin with the / character and "
         "contain only alphanumeric characters and/or / characters."),
        # compared with AWS by https://github.com/versity/versitygw, tests/integration
        ("update_access_key", {"AccessKeyId": "a-key" * 4, "Status": "Active"}, "ValidationError",
         "The specified value for accessKeyId is invalid. It must contain only alphanumeric "
         "characters."),
        ("put_user_policy", {"UserName": "u", "PolicyName": "p", "PolicyDocument": "\u2603"},
         "ValidationError", "The specified value for policyDocument is invalid. It must contain "
         "only printable ASCII characters."),
        ("untag_role", {"RoleName": "r", "TagKeys": ["a!"]}, "ValidationError",
         "Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member "
         "must have length less than or equal to 128, Member must have length greater than or "
         f"equal to 1, Member must {PATTERN}, Member must not be null]"),
        ("attach_user_policy", {"UserName": "u", "PolicyArn": "longpolicynamebutnoarn"},
         "ValidationError", "ARN longpolicynamebutnoarn is not valid."),
        ("attach_role_policy", {"RoleName": "r", "PolicyArn": f"arn:aws:s3::{ACCOUNT}:policy/p"},
         "ValidationError", f"ARN arn:aws:s3::{ACCOUNT}:policy/p is not valid."),
        ("get_policy", {"PolicyArn": "longpolicynamebutnoarn"}, "ValidationError",
         "Invalid ARN:  Could not be parsed!"),
        ("delete_policy", {"PolicyArn": "longpolicynamebutnoarn"}, "ValidationError",
         "Invalid ARN:  Could not be parsed!"),
        ("delete_policy", {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/none"}, "NoSuchEntity",
         f"Policy arn:aws:iam::{ACCOUNT}:policy/none was not found."),
        ("list_policy_versions", {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/none"},
         "NoSuchEntity",
         f"Policy arn:aws:iam::{ACCOUNT}:policy/none does not exist or is not attachable."),
        ("create_user", {"UserName": "u", "Tags": [{"Key": "a", "Value": ""}, {"Key": "A",
         "Value": ""}]}, "InvalidInput",
         "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
        ("remove_user_from_group", {"GroupName": "none", "UserName": "nobody"}, "NoSuchEntity",
         "The user with name nobody cannot be found."),
        ("delete_access_key", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "UserName": "workshop-admin"},
         "NoSuchEntity", "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."),
        ("get_access_key_last_used", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, "AccessDenied",
         f"User: arn:aws:iam::{ACCOUNT}:user/workshop-admin is not authorized to perform "
         "iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE"),
        ("get_role_policy", {"RoleName": "none", "PolicyName": "p"}, "NoSuchEntity",
         "The role with name none cannot be found."),
        ("update_user", {"UserName": "none"}, "NoSuchEntity",
         "The user with name none cannot be found."),
    ],
)  # fmt: skip
def test_what_iam_says_of_what_it_does_not_take(
    operation: str, asked: dict[str, Any], code: str, told: str
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    Texts: LocalStack's snapshots of IAM, recorded from AWS in February 2026
    """
    status = {"NoSuchEntity": 404, "AccessDenied": 403}.get(code, 400)
    with refused(code, told, status):
        getattr(client("iam"), operation)(**asked)


def test_a_policy_goes_only_when_nothing_hangs_on_it() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
    Texts: LocalStack's snapshots of IAM, recorded from AWS in February 2026
    """
    iam, arn = client("iam"), managed("list", "kms:ListKeys")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("kms:*"), SetAsDefault=True)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions] == ["v2", "v1"]
    told = f"Policy {arn} version v9 does not exist or is not attachable."
    with refused("NoSuchEntity", told, 404):
        iam.get_policy_version(PolicyArn=arn, VersionId="v9")
    with refused("DeleteConflict", "This policy has more than one version.", 409):
        iam.delete_policy(PolicyArn=arn)
    user("alice", allow("kms:ListKeys"))
    iam.delete_user_policy(UserName="alice", PolicyName="p")
    with refused("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409):
        iam.delete_user(UserName="alice")


@pytest.mark.parametrize("how", ["attached to a user", "attached to a group", "a boundary"])
def test_a_policy_that_somebody_has_is_not_deleted(how: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
    "Before you can delete a managed policy, you must first detach the policy from all users,
    groups, and roles that it is attached to." As a boundary, and the text:
    https://github.com/gruntwork-io/cloud-nuke/issues/972
    https://github.com/hashicorp/terraform-provider-aws/issues/32906
    """
    iam, arn = client("iam"), managed("list", "kms:ListKeys")
    iam.create_group(GroupName="staff")
    iam.create_user(UserName="ana")
    if how == "a boundary":
        iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=arn)
    elif how == "attached to a user":
        iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    else:
        iam.attach_group_policy(GroupName="staff", PolicyArn=arn)
    iam.delete_policy(PolicyArn=managed("another", "kms:ListKeys"))
    with refused("DeleteConflict", "Cannot delete a policy attached to entities.", 409):
        iam.delete_policy(PolicyArn=arn)
    if how == "a boundary":
        iam.delete_user_permissions_boundary(UserName="ana")
    elif how == "attached to a user":
        iam.detach_user_policy(UserName="ana", PolicyArn=arn)
    else:
        iam.detach_group_policy(GroupName="staff", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_two_names_do_not_differ_in_case_alone() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    "Names of users, groups, roles, and instance profiles must be unique within the account.
    They aren't distinguished by case"
    Words: of names that are the same, LocalStack's snapshots of IAM
    """
    iam = client("iam")
    iam.create_user(UserName="Ana")
    iam.create_user(UserName="ben")
    iam.create_group(GroupName="Staff")
    iam.create_group(GroupName="guests")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=TRUST)
    user_taken, group_taken = "User with name ana already", "Group with name STAFF already"
    with refused("EntityAlreadyExists", user_taken, 409):
        iam.create_user(UserName="ana")
    with refused("EntityAlreadyExists", group_taken, 409):
        iam.create_group(GroupName="STAFF")
    with refused("EntityAlreadyExists", "Role with name reader already", 409):
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    with refused("EntityAlreadyExists", user_taken, 409):
        iam.update_user(UserName="ben", NewUserName="ana")
    with refused("EntityAlreadyExists", group_taken, 409):
        iam.update_group(GroupName="guests", NewGroupName="STAFF")
    iam.update_user(UserName="Ana", NewUserName="ana")
    iam.update_group(GroupName="Staff", NewGroupName="staff")
    assert {each["UserName"] for each in iam.list_users()["Users"]} >= {"ana", "ben"}
    assert {each["GroupName"] for each in iam.list_groups()["Groups"]} == {"guests", "staff"}


def test_a_policy_s_tags_are_told_apart_by_case() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
    Text: LocalStack's snapshots of IAM, recorded from AWS in February 2026
    """
    iam, arn = client("iam"), managed("p", "kms:ListKeys")
    with pytest.raises(iam.exceptions.InvalidInputException) as caught:
        iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": ""}] * 2)
    assert caught.value.response["Error"]["Message"] == "Duplicate tag keys found."
    with pytest.raises(NotImplementedError, match="a policy's tags that differ only in case"):
        iam.tag_policy(PolicyArn=arn, Tags=[{"Key": key, "Value": ""} for key in "aA"])


@pytest.mark.unconfirmed(
    "the refusal is documented, its words are those of CloudFormation's reports"
)
def test_a_tag_of_users_and_roles_is_one_in_any_case() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
    "Tag key-value pairs are not case sensitive, but case is preserved." Compared with AWS:
    https://github.com/mulgadc/spinifex, spinifex/handlers/iam
    """
    iam = client("iam")
    iam.create_user(UserName="u", Tags=[{"Key": "Team", "Value": "a"}, {"Key": "b", "Value": "c"}])
    role("r", TRUST)
    iam.tag_role(RoleName="r", Tags=[{"Key": "Team", "Value": "a"}, {"Key": "b", "Value": "c"}])
    for tag, untag, listed, name in (
        (iam.tag_user, iam.untag_user, iam.list_user_tags, {"UserName": "u"}),
        (iam.tag_role, iam.untag_role, iam.list_role_tags, {"RoleName": "r"}),
    ):
        tag(**name, Tags=[{"Key": "TEAM", "Value": "z"}, {"Key": "new", "Value": ""}])
        found = {each["Key"]: each["Value"] for each in listed(**name)["Tags"]}
        assert found == {"TEAM": "z", "b": "c", "new": ""}
        untag(**name, TagKeys=["team", "B", "none"])
        assert [each["Key"] for each in listed(**name)["Tags"]] == ["new"]


def test_entities_are_listed_by_their_names() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html
    Compared with AWS: https://github.com/versity/versitygw, tests/integration/iam_list_roles.go
    """
    iam, asked = client("iam"), {"PathPrefix": "/team/", "MaxItems": 2}
    for name in ("zoe", "ben", "Max"):
        iam.create_user(UserName=name, Path="/team/")
        iam.create_group(GroupName=name, Path="/team/")
        iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=TRUST)
    for call, kind in (
        (iam.list_users, "User"), (iam.list_groups, "Group"), (iam.list_roles, "Role"),
    ):  # fmt: skip
        first = call(**asked)
        second = call(**asked, Marker=first["Marker"])
        names = [each[f"{kind}Name"] for page in (first, second) for each in page[f"{kind}s"]]
        assert names == ["ben", "Max", "zoe"]
        assert not second["IsTruncated"]


@pytest.mark.parametrize("tag", [("aws:owner", "me"), ("AWS:owner", "me"), ("owner", "aws:me")])
def test_the_prefix_aws_of_tags_is_reserved(tag: tuple[str, str]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    "You cannot create a tag key or value that begins with the text aws:."
    """
    iam, sts = client("iam"), client("sts")
    tags = [{"Key": "good", "Value": "my aws:"}, {"Key": tag[0], "Value": tag[1]}]
    told = "aws: prefixed tag key names are not allowed for external use."
    with refused("InvalidInput", told):
        iam.create_user(UserName="ana", Tags=tags)
    with refused("InvalidInput", told):
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST, Tags=tags)
    with refused("InvalidInput", told):
        iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"), Tags=tags)
    iam.create_user(UserName="ana", Tags=tags[:1])
    with refused("InvalidInput", told):
        iam.tag_user(UserName="ana", Tags=tags)
    assert iam.list_user_tags(UserName="ana")["Tags"] == tags[:1]
    with refused("InvalidParameterValue", told):
        sts.get_federation_token(Name="ana", Tags=tags)
    arn = role("tagger", trust("AssumeRole", "TagSession"), "s3:*")
    with refused("InvalidParameterValue", told):
        sts.assume_role(RoleArn=arn, RoleSessionName="ana", Tags=tags)


def test_who_is_in_no_group_is_taken_out_of_it() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html
    LocalStack's snapshots of IAM, recorded from AWS in February 2026
    """
    iam = client("iam")
    iam.create_user(UserName="app")
    for name in ("one", "two"):
        iam.create_group(GroupName=name)
    iam.remove_user_from_group(GroupName="one", UserName="app")
    with refused("EntityAlreadyExists", "Group with name two already exists.", 409):
        iam.update_group(GroupName="one", NewGroupName="two")


def test_lists_and_policies_tell_all_that_aws_does() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html
    LocalStack's snapshots of IAM, recorded from AWS in February 2026
    """
    iam, arn = client("iam"), managed("limit", "kms:ListKeys")
    iam.create_group(GroupName="one")
    user("app", allow("kms:ListKeys"))
    for answer in (
        iam.list_access_keys(UserName="app"), iam.get_group(GroupName="one"), iam.list_groups(),
        iam.list_group_policies(GroupName="one"), iam.list_policy_versions(PolicyArn=arn),
    ):  # fmt: skip
        assert answer["IsTruncated"] is False
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 0
    iam.put_user_permissions_boundary(UserName="app", PermissionsBoundary=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    (listed,) = iam.list_policies(Scope="Local")["Policies"]
    assert listed["PermissionsBoundaryUsageCount"] == 1


def test_a_trust_policy_names_services_that_there_are() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
    Words: https://github.com/badmintoncryer/cdk-preflight
    (rules/iam/pf-iam-trust-policy-service-principal), tried in September 2026
    """
    trusted = json.loads(TRUST)
    trusted["Statement"][0]["Principal"] = {"Service": ["ec2.amazonaws.com", "no.amazonaws.com"]}
    told = 'Invalid principal in policy: "SERVICE":"no.amazonaws.com"'
    with refused("MalformedPolicyDocument", told):
        role("app", json.dumps(trusted))


@pytest.mark.unconfirmed("the words are those for a boundary; GetPolicy's code nobody recorded")
@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:user/app", "arn:aws:s3:::bucket/policy"])
def test_a_policy_is_named_by_a_policy_s_arn(arn: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html"""
    with refused("ValidationError", f"ARN {arn} is not valid."):
        client("iam").get_policy(PolicyArn=arn)


def test_a_new_user_s_boundary_limits_and_stays() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    iam, limit = client("iam"), managed("limit", "iam:GetUser")
    alice = user("alice", allow("iam:*"), PermissionsBoundary=limit)
    iam.update_user(UserName="alice", NewUserName="alicia")
    shown = alice.get_user()["User"]
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": limit}
    assert shown["PermissionsBoundary"] == boundary
    with refused("AccessDenied", "no permissions boundary allows the iam:ListUsers action", 403):
        alice.list_users()


def test_who_may_make_users_can_be_held_to_a_boundary() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate"""
    limit = managed("limit", "kms:ListKeys")
    only = {"StringEquals": {"iam:PermissionsBoundary": limit}}
    paths = f"arn:aws:iam::{ACCOUNT}:user/apps/*"
    maker = user("maker", allow("iam:CreateUser", Resource=paths, Condition=only))
    with refused("AccessDenied", f"on resource: arn:aws:iam::{ACCOUNT}:user/apps/one", 403):
        maker.create_user(UserName="one", Path="/apps/")
    with refused("AccessDenied", "iam:CreateUser", 403):
        maker.create_user(UserName="one", PermissionsBoundary=limit)
    maker.create_user(UserName="one", Path="/apps/", PermissionsBoundary=limit)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_an_operation_that_is_none(service: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
    Text: https://github.com/aws/session-manager-plugin/issues/116 (of STS)
    """
    asker = boto3.client(service, "us-east-1")
    version = asker.meta.service_model.api_version

    def rename(params: dict[str, Any], **_: Any) -> None:
        params["body"]["Action"] = "Fly"

    asker.meta.events.register(f"before-call.{service}", rename)
    with refused("InvalidAction", f"Could not find operation Fly for version {version}"):
        asker.list_users() if service == "iam" else asker.get_caller_identity()


def test_tags_of_something_new_take_a_permission() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_iam-new-user-tag.html
    Words: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    creates = ("iam:CreateUser", "iam:CreateRole", "iam:CreatePolicy")
    maker = user("maker", allow(*creates))
    given = {"Path": "/apps/", "Tags": [{"Key": "team", "Value": "red"}]}
    for kind, asked in {
        "User": {"UserName": "app"},
        "Role": {"RoleName": "app", "AssumeRolePolicyDocument": TRUST},
        "Policy": {"PolicyName": "app", "PolicyDocument": allow("kms:ListKeys")},
    }.items():
        create = getattr(maker, f"create_{kind.lower()}")
        arn = f"arn:aws:iam::{ACCOUNT}:{kind.lower()}/apps/app"
        with refused("AccessDenied", f"perform: iam:Tag{kind} on resource: {arn} because", 403):
            create(**asked, **given)
        create(**asked)
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    tagger = user("tagger", allow("iam:CreateUser", "iam:TagUser", Condition=only))
    tagger.create_user(UserName="red", **given)
    with refused("AccessDenied", "iam:CreateUser", 403):
        tagger.create_user(UserName="blue", Tags=[{"Key": "cost", "Value": "1"}])


def test_a_role_that_is_not_in_a_profile_is_not_taken_out() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html"""
    role("app", TRUST)
    names = {"InstanceProfileName": "server", "RoleName": "app"}
    client("iam").create_instance_profile(InstanceProfileName="server")
    told = "Role app in Instance Profile server cannot be found."
    with refused("NoSuchEntity", told, 404):
        client("iam").remove_role_from_instance_profile(**names)
    client("iam").add_role_to_instance_profile(**names)
    client("iam").remove_role_from_instance_profile(**names)


def test_who_may_attach_can_be_held_to_policies() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"""
    one, other = managed("one", "kms:ListKeys"), managed("other", "kms:*")
    client("iam").create_user(UserName="app", Tags=[{"Key": "team", "Value": "red"}])
    only = {"ArnEquals": {"iam:PolicyARN": one}, "StringEquals": {"iam:ResourceTag/team": "red"}}
    giver = user("giver", allow("iam:AttachUserPolicy", Condition=only))
    giver.attach_user_policy(UserName="app", PolicyArn=one)
    for name, arn in (("app", other), ("giver", one)):
        with refused("AccessDenied", "iam:AttachUserPolicy", 403):
            giver.attach_user_policy(UserName=name, PolicyArn=arn)


def test_keys_of_services_that_are_not_here_are_in_no_request() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    arn = role("app", TRUST)
    session = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
    keys = ("ec2:Region", "aws:SourceVpce", "aws:PrincipalOrgID")
    cases = [("StringEquals", key, False) for key in keys]
    for operator, key, allowed in [*cases, ("StringNotEquals", "ec2:Region", True)]:
        document = allow("kms:ListKeys", Condition={operator: {key: "one"}})
        client("iam").put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=document)
        if allowed:
            client("kms", session).list_keys()
        else:
            with refused("AccessDeniedException", "kms:ListKeys"):
                client("kms", session).list_keys()
    client("iam").put_role_policy(
        RoleName="app", PolicyName="p", PolicyDocument=allow("*", Condition={"Bool": {"a": "true"}})
    )
    with refused("AccessDeniedException", "kms:ListKeys"):
        client("kms", session).list_keys()
    full = "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"
    client("iam").attach_role_policy(RoleName="app", PolicyArn=full)
    client("dynamodb", session).list_tables()


@pytest.mark.right_in_moto
@pytest.mark.parametrize("operator", ["StringEqual", "ForAnyValue::StringEqualsIfExists"])
def test_an_operator_that_is_none_is_a_syntax_error(operator: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    Texts: LocalStack's snapshots of IAM, recorded from AWS in February 2026
    """
    document = allow("kms:ListKeys", Condition={operator: {"aws:username": "alice"}})
    with refused("MalformedPolicyDocument", "Syntax errors in policy."):
        client("iam").create_policy(PolicyName="p", PolicyDocument=document)


READ = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "s3:Get*",
            "Resource": "arn:aws:s3:::b/${aws:username}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        },
        {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::b/alice/secret"},
    ],
}


def test_the_simulator_says_what_policies_would() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html"""
    iam, document = client("iam"), json.dumps(READ)
    entries = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": kind}
        for name, value, kind in (
            ("aws:username", "alice", "string"), ("aws:SecureTransport", "true", "boolean"),
        )
    ]  # fmt: skip
    found = iam.simulate_custom_policy(
        PolicyInputList=[document],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/alice/x", "arn:aws:s3:::b/alice/secret"],
        ContextEntries=entries,
    )["EvaluationResults"]
    decisions = [result["EvalDecision"] for result in found]
    assert decisions == ["allowed", "explicitDeny", "implicitDeny", "explicitDeny"]
    (bare,) = iam.simulate_custom_policy(PolicyInputList=[document], ActionNames=["s3:GetObject"])[
        "EvaluationResults"
    ]
    assert (bare["EvalDecision"], bare["EvalResourceName"]) == ("implicitDeny", "*")
    keys = {"aws:SecureTransport", "aws:username"}
    assert set(bare["MissingContextValues"]) == keys
    asked = iam.get_context_keys_for_custom_policy(PolicyInputList=[document])
    assert set(asked["ContextKeyNames"]) == keys


def test_the_simulator_knows_whom_it_is_about() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    Words: LocalStack's snapshots of IAM, of other operations
    """
    iam = client("iam")
    limit = managed("limit", "kms:ListKeys")
    arn = role("app", TRUST, "kms:*", PermissionsBoundary=limit)
    found = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["kms:ListKeys", "kms:CreateKey"]
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in found] == ["allowed", "implicitDeny"]
    inside = [result["PermissionsBoundaryDecisionDetail"] for result in found]
    assert [each["AllowedByPermissionsBoundary"] for each in inside] == [True, False]
    user("alice", allow("kms:ListAliases"))
    iam.create_group(GroupName="staff")
    iam.put_group_policy(GroupName="staff", PolicyName="p", PolicyDocument=allow("kms:ListKeys"))
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    found = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/alice",
        ActionNames=["kms:ListKeys", "kms:ListAliases"],
    )["EvaluationResults"]
    assert {result["EvalDecision"] for result in found} == {"allowed"}
    with refused("NoSuchEntity", "The user with name none cannot be found.", 404):
        iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/none", ActionNames=["kms:ListKeys"]
        )

"""What IAM says of policy documents, of their length and of how many there are.

Rules pf-iam-… of cdk-preflight, each tried on AWS in September 2026 and kept with AWS's answer:
https://github.com/badmintoncryer/cdk-preflight/tree/main/rules/iam
"""

import json
from typing import Any

import pytest

from tests.fidelity.iam.test_sessions import ACCOUNT, allow, client, refused, role, trust

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = json.loads(trust("AssumeRole"))["Statement"][0]
MALFORMED = "MalformedPolicyDocument"
LEGACY = "The policy failed legacy parsing"
SYNTAX = "Syntax errors in policy."


def document(base: dict[str, Any], **elements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**base, **elements}]})


def put(**elements: Any) -> None:
    """An inline policy of a user's with one statement."""
    client("iam").put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=document(STATEMENT, **elements)
    )


@pytest.fixture
def someone() -> None:
    client("iam").create_user(UserName="u")


@pytest.mark.usefixtures("someone")
@pytest.mark.parametrize(
    ("operator", "key", "wrong", "right", "told"),
    [
        ("ArnLike", "aws:SourceArn", ["nope", "arn:aws:s3:b", "${aws:PrincipalArn}"],
         ["arn:*:s3:::b", "arn:aws:*:*:*:*", "*"], LEGACY),
        ("IpAddress", "aws:SourceIp",
         ["203.0.113.999/24", "example.com", "1.2.3", "10.0.0.0/33", "10.0.0.0/8 "],
         ["203.0.113.0/24", "203.0.113.5", "0.0.0.0/0", "2001:db8::/32", "::/0"], LEGACY),
        ("NumericLessThan", "s3:max-keys", ["abc", " 10", "0x10"],
         ["10", 10, "10.5", "-1", "1e3"], LEGACY),
        ("DateGreaterThan", "aws:CurrentTime", ["tomorrow", "2026/01/01", "2026-13-45"],
         ["2026", "2026-01-01", "2026-01-01T00:00Z", "1767225600"], LEGACY),
        ("BinaryEquals", "aws:username", ["!!!", "abc", "YWJj=="], ["YWJj", "YWJjZA=="], SYNTAX),
        ("NullIfExists", "aws:TokenIssueTime", ["true"], [], SYNTAX),
    ],
)  # fmt: skip
def test_a_condition_compares_what_its_operator_can_read(
    operator: str, key: str, wrong: list[str], right: list[Any], told: str
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""
    for value in wrong:
        with refused(MALFORMED, told):
            put(Condition={operator: {key: value}})
    for value in right:
        put(Condition={operator: {key: value}})


@pytest.mark.usefixtures("someone")
@pytest.mark.parametrize("action", ["*:GetObject", "s3*:GetObject", "s3?:Get"])
def test_the_service_of_an_action_is_written_out(action: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html"""
    told = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."
    with refused(MALFORMED, told):
        put(Action=action)
    put(Action=["s3:Get*", "s3:*", "*"])


REGION = "can not contain region information."
VENDOR = "Resource vendor must be fully qualified and cannot contain regexes."


@pytest.mark.usefixtures("someone")
@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("arn:aws:*:::b", VENDOR),
        ("arn:aws:s3*:::b", VENDOR),
        ("arn:aws:s3:us-east-1:111122223333:b", f"Resource {{}} {REGION}"),
        ("arn:aws:s3:my-bucket", f"Resource arn:aws:s3:my-bucket:*:* {REGION}"),
        ("arn:aws:s3:b", LEGACY),
        ("arn:aws-cn:s3:::b", 'Partition "aws-cn" is not valid for resource "{}".'),
    ],
)
def test_a_resource_is_one_that_the_account_can_have(resource: str, told: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    with refused(MALFORMED, told.format(resource)):
        put(Resource=resource)
    own = f"arn:aws:s3:us-east-1:{ACCOUNT}"
    put(Resource=["arn:*:s3:::b", "arn:aws:s3:::b*", f"{own}:accesspoint/a", f"{own}:job/*"])


@pytest.mark.usefixtures("someone")
@pytest.mark.parametrize(
    ("resource", "end"),
    [
        ("arn:aws:s3::111122223333:b", "cannot contain an account id."),
        ("arn:aws:route53:us-east-1::hostedzone/z", "contain region information."),
    ],
)
def test_buckets_and_hosted_zones_are_named_without(resource: str, end: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

    The record has only these ends of the sentences.
    """
    iam = client("iam")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match=end):
        put(Resource=resource)


ONLY_STS = "AssumeRole policy may only specify STS AssumeRole actions."
COGNITO = {"Federated": "cognito-identity.amazonaws.com"}
WEB = "sts:AssumeRoleWithWebIdentity"


@pytest.mark.parametrize(
    ("elements", "told"),
    [
        *(({"Action": f"sts:{name}"}, ONLY_STS) for name in
          ("*", "AssumeRoot", "GetCallerIdentity", "GetSessionToken", "assumerole")),
        ({"Principal": "*"}, 'AssumeRolepolicy contained an invalid principal: "STAR":"*".'),
        ({"Principal": {"Service": "*"}}, 'Invalid principal in policy: "SERVICE":"*"'),
        ({"Principal": COGNITO, "Action": WEB},
         "A condition block must be present for the Cognito provider"),
    ],
)  # fmt: skip
def test_a_trust_policy_is_about_assuming_the_role(elements: dict[str, Any], told: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-custom.html
    Case counts in its actions, unlike in all other policies.
    """
    iam = client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=document(TRUST))
    with refused(MALFORMED, told):
        iam.update_assume_role_policy(RoleName="r", PolicyDocument=document(TRUST, **elements))
    names = ("AssumeRole", "AssumeRoleWithSAML", "TagSession", "SetSourceIdentity", "SetContext")
    actions = [WEB, *(f"sts:{name}" for name in names)]
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=document(TRUST, Action=actions))
    aud = {"StringEquals": {"cognito-identity.amazonaws.com:aud": "pool"}}
    known = document(TRUST, Principal=COGNITO, Action=WEB, Condition=aud)
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=known)


def test_an_account_is_trusted_by_its_id_with_dashes_too() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
    dashed = {"AWS": f"{ACCOUNT[:4]}-{ACCOUNT[4:8]}-{ACCOUNT[8:]}"}
    arn = role("r", document(TRUST, Principal=dashed))
    assert client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    with refused(MALFORMED, 'Invalid principal in policy: "AWS":"12345"'):
        role("q", document(TRUST, Principal={"AWS": "12345"}))


def sized(base: dict[str, Any], size: int) -> str:
    """A document of that many characters; white space does not count."""
    short = document(base, Sid="")
    rest = size - len("".join(short.split()))
    return short.replace('"Sid": ""', f'"Sid": "{"b" * rest}"')


def test_policies_are_only_so_long() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html

    Of an entity's inline policies, all together.
    """
    iam, code = client("iam"), "LimitExceeded"
    iam.create_user(UserName="u")
    iam.create_group(GroupName="g")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=sized(TRUST, 2048))
    for kind, most in (("User", 2048), ("Group", 5120), ("Role", 10_240)):
        name = kind[0].lower()
        put_policy = getattr(iam, f"put_{kind.lower()}_policy")
        named = {f"{kind}Name": name}
        put_policy(**named, PolicyName="p", PolicyDocument=sized(STATEMENT, most))
        told = f"Maximum policy size of {most} bytes exceeded for {kind.lower()} {name}"
        with refused(code, told, 409):
            put_policy(**named, PolicyName="p", PolicyDocument=sized(STATEMENT, most + 1))
        with refused(code, told, 409):
            put_policy(**named, PolicyName="q", PolicyDocument=document(STATEMENT))
        put_policy(**named, PolicyName="p", PolicyDocument=document(STATEMENT))
    iam.create_policy(PolicyName="p", PolicyDocument=sized(STATEMENT, 6144))
    with refused(code, "Cannot exceed quota for PolicySize: 6144", 409):
        iam.create_policy(PolicyName="q", PolicyDocument=sized(STATEMENT, 6145))
    with refused(code, "Cannot exceed quota for ACLSizePerRole: 2048", 409):
        iam.update_assume_role_policy(RoleName="r", PolicyDocument=sized(TRUST, 2049))


@pytest.mark.parametrize(("kind", "most"), [("User", 10), ("Role", 20), ("Group", 10)])
def test_only_so_many_policies_are_attached(kind: str, most: int) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    iam = client("iam")
    named = {f"{kind}Name": "x"}
    more = {"AssumeRolePolicyDocument": trust("AssumeRole")} if kind == "Role" else {}
    getattr(iam, f"create_{kind.lower()}")(**named, **more)
    attach = getattr(iam, f"attach_{kind.lower()}_policy")
    made = [
        iam.create_policy(PolicyName=f"p{i}", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
        for i in range(most + 1)
    ]
    for arn in made[:most]:
        attach(**named, PolicyArn=arn)
    attach(**named, PolicyArn=made[0])
    with refused("LimitExceeded", f"Cannot exceed quota for PoliciesPer{kind}: {most}", 409):
        attach(**named, PolicyArn=made[most])


@pytest.mark.parametrize("path", ["/aws-service-role/", "/aws-service-role/a/"])
def test_a_path_is_kept_for_the_roles_of_services(path: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html"""
    iam = client("iam")
    told = "Paths beginning with '/aws-service-role' are reserved for AWS Service Linked Roles"
    with refused("InvalidInput", told):
        iam.create_role(RoleName="r", Path=path, AssumeRolePolicyDocument=trust("AssumeRole"))
    with refused("InvalidInput", told):
        iam.create_user(UserName="u", Path=path)


@pytest.mark.parametrize("name", ["elasticloadbalancing", "notreal.amazonaws.com"])
def test_only_a_service_has_a_service_linked_role(name: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html"""
    told = f"{name} is not a valid AWS service name (Service Principal)"
    with refused("AccessDenied", told, 403):
        client("iam").create_service_linked_role(AWSServiceName=name)


def test_policies_are_of_the_account_s_partition() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
    iam, arn = client("iam"), "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"
    role("r", trust("AssumeRole"))
    with refused("ValidationError", "Invalid ARN partition"):
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    with refused("ValidationError", "Invalid ARN partition"):
        iam.create_user(UserName="u", PermissionsBoundary=arn)

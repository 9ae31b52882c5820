"""What recorded answers of IAM show: LocalStack's snapshots, recorded from AWS in February 2026.

https://github.com/localstack/localstack/tree/main/tests/aws/services/iam
"""

import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fidelity.iam.test_entities import managed, user
from tests.fidelity.iam.test_sessions import ACCOUNT, allow, client, refused, role, trust

TAGS = [{"Key": f"key{number}", "Value": "v"} for number in range(50)]


def certificate() -> str:
    """A new certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "workshop")])
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, day, day + datetime.timedelta(days=900)
    ).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def public_key() -> str:
    """A new public key for SSH."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    kind = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return key.public_bytes(*kind).decode()


def pages(operation: str, **asked: Any) -> list[int]:
    """How many entries the pages of a list have, where each is to have one."""
    sizes, call = [], getattr(client("iam"), operation)
    found: dict[str, Any] = {"IsTruncated": True}
    while found["IsTruncated"]:
        found = call(MaxItems=1, **asked)
        sizes.append(sum(len(entry) for entry in found.values() if isinstance(entry, list)))
        asked["Marker"] = found.get("Marker")
    return sizes


def test_lists_come_in_pages() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html
    "MaxItems: Use this only when paginating results to indicate the maximum number of items you
    want in the response."
    """
    iam, arn = client("iam"), managed("limit", "kms:ListKeys")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("kms:*"))
    for name in ("ana", "ben"):
        iam.create_user(UserName=name, Path=f"/{name}/", Tags=TAGS[:2])
        iam.create_group(GroupName=name, Path=f"/{name}/")
        iam.create_instance_profile(InstanceProfileName=name, Path=f"/{name}/")
        iam.put_user_policy(UserName="ana", PolicyName=name, PolicyDocument=allow("kms:*"))
        iam.attach_group_policy(GroupName=name, PolicyArn=arn)
        iam.add_user_to_group(GroupName=name, UserName="ana")
        iam.create_access_key(UserName="ana")
    iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    for operation, asked in (
        ("list_groups", {}),
        ("list_instance_profiles", {}),
        ("list_access_keys", ana := {"UserName": "ana"}),
        ("list_user_policies", ana),
        ("list_groups_for_user", ana),
        ("list_user_tags", ana),
        ("list_policy_versions", {"PolicyArn": arn}),
    ):
        assert pages(operation, **asked) == [1, 1], operation
    assert pages("list_entities_for_policy", PolicyArn=arn) == [1, 1, 1]
    filters = {"Filter": ["Group", "LocalManagedPolicy"]}
    assert pages("get_account_authorization_details", **filters) == [1, 1, 1]
    (group,) = iam.list_groups(PathPrefix="/ana/")["Groups"]
    (profile,) = iam.list_instance_profiles(PathPrefix="/ana/")["InstanceProfiles"]
    assert (group["GroupName"], profile["InstanceProfileName"]) == ("ana", "ana")


def test_what_is_told_of_instance_profiles() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html"""
    iam, names = client("iam"), {"InstanceProfileName": "server"}
    made = iam.create_instance_profile(**names)["InstanceProfile"]
    assert made["InstanceProfileId"].startswith("AIPA")
    assert "Tags" not in made
    role("app", trust("AssumeRole"))
    iam.add_role_to_instance_profile(**names, RoleName="app")
    iam.tag_instance_profile(**names, Tags=TAGS[:2])
    shown = iam.get_instance_profile(**names)["InstanceProfile"]
    assert shown["Tags"] == TAGS[:2]
    assert shown["InstanceProfileId"] == made["InstanceProfileId"]
    (listed,) = iam.list_instance_profiles()["InstanceProfiles"]
    (of_role,) = iam.list_instance_profiles_for_role(RoleName="app")["InstanceProfiles"]
    details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    (detailed,) = details[0]["InstanceProfileList"]
    for each in (listed, of_role, detailed):
        assert "Tags" not in each
        assert set(each["Roles"][0]) == {
            "Arn", "AssumeRolePolicyDocument", "CreateDate", "Path", "RoleId", "RoleName",
        }  # fmt: skip
    assert iam.list_instance_profile_tags(**names)["Tags"] == TAGS[:2]
    for operation in (
        "get_instance_profile",
        "delete_instance_profile",
        "list_instance_profile_tags",
    ):
        with refused("NoSuchEntity", "Instance Profile none cannot be found.", 404):
            getattr(iam, operation)(InstanceProfileName="none")


def test_who_may_handle_instance_profiles_may_be_held_to_some() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_iam.html"""
    arn = f"arn:aws:iam::{ACCOUNT}:instance-profile/apps/*"
    maker = user("maker", allow("iam:*InstanceProfile", Resource=arn))
    maker.create_instance_profile(InstanceProfileName="one", Path="/apps/")
    assert maker.get_instance_profile(InstanceProfileName="one")["InstanceProfile"]["Arn"]
    told = f"on resource: arn:aws:iam::{ACCOUNT}:instance-profile/two"
    with refused("AccessDenied", told, 403):
        maker.create_instance_profile(InstanceProfileName="two")


def test_fifty_tags_are_the_most() -> None:
    """https://docs.aws.amazon.com/general/latest/gr/iam-service.html#limits_iam
    The words were recorded of a provider by OpenID Connect.
    """
    iam, arn = client("iam"), managed("limit", "kms:ListKeys")
    iam.create_user(UserName="ana")
    provider = iam.create_open_id_connect_provider(Url="https://example.org", ThumbprintList=[])
    for tag, asked in (
        (iam.tag_user, {"UserName": "ana"}),
        (iam.tag_policy, {"PolicyArn": arn}),
        (iam.tag_open_id_connect_provider,
         {"OpenIDConnectProviderArn": provider["OpenIDConnectProviderArn"]}),
    ):  # fmt: skip
        tag(**asked, Tags=TAGS)
        tag(**asked, Tags=TAGS[:1])
        with refused("LimitExceeded", "The number of tags has reached the maximum limit.", 409):
            tag(**asked, Tags=[{"Key": "more", "Value": ""}])


def test_a_new_password_is_not_asked_of_who_must_change_it() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateLoginProfile.html"""
    iam = client("iam")
    iam.create_user(UserName="ana")
    iam.create_login_profile(UserName="ana", Password="Abcd1234!xyz")
    iam.update_login_profile(UserName="ana", PasswordResetRequired=True)
    assert iam.get_login_profile(UserName="ana")["LoginProfile"]["PasswordResetRequired"]


def test_passwords_expire_only_where_it_is_asked() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PasswordPolicy.html"""
    iam = client("iam")
    iam.update_account_password_policy()
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert policy["ExpirePasswords"] is False
    assert policy.keys().isdisjoint({"HardExpiry", "MaxPasswordAge"})
    iam.update_account_password_policy(HardExpiry=True, MaxPasswordAge=60)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["HardExpiry"], policy["MaxPasswordAge"]) == (True, 60)


def test_the_account_s_details_name_policies() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ManagedPolicyDetail.html"""
    iam, arn = client("iam"), managed("limit", "kms:ListKeys")
    details = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    (shown,) = details["Policies"]
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (shown["PolicyName"], shown["PolicyId"]) == ("limit", policy["PolicyId"])
    assert "Description" not in shown


def test_keys_and_certificates_are_the_renamed_user_s() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html"""
    iam = client("iam")
    iam.create_user(UserName="ana")
    iam.upload_ssh_public_key(UserName="ana", SSHPublicKeyBody=public_key())
    iam.upload_signing_certificate(UserName="ana", CertificateBody=certificate())
    iam.update_user(UserName="ana", NewUserName="anna")
    (key,) = iam.list_ssh_public_keys(UserName="anna")["SSHPublicKeys"]
    (signing,) = iam.list_signing_certificates(UserName="anna")["Certificates"]
    assert (key["UserName"], signing["UserName"]) == ("anna", "anna")


def test_what_iam_says_of_keys_certificates_and_providers() -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSSHPublicKey.html
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadServerCertificate.html
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSAMLProvider.html
    """
    iam = client("iam")
    iam.create_user(UserName="ana")
    asked = {"UserName": "ana", "SSHPublicKeyId": "APKA" + "X" * 16}
    told = f"The Public Key with id {asked['SSHPublicKeyId']} cannot be found."
    with refused("NoSuchEntity", told, 404):
        iam.get_ssh_public_key(**asked, Encoding="SSH")
    with refused("NoSuchEntity", told, 404):
        iam.update_ssh_public_key(**asked, Status="Inactive")
    with refused("NoSuchEntity", told, 404):
        iam.delete_ssh_public_key(**asked)
    with refused("MalformedCertificate", "Certificate none is malformed."):
        iam.upload_signing_certificate(UserName="ana", CertificateBody="none")
    asked = {"ServerCertificateName": "web", "CertificateBody": certificate(), "PrivateKey": "key"}
    iam.upload_server_certificate(**asked)
    with refused(
        "EntityAlreadyExists", "The Server Certificate with name web already exists.", 409
    ):
        iam.upload_server_certificate(**asked)
    iam.create_open_id_connect_provider(Url="https://example.org", ThumbprintList=[])
    told = "Provider with url https://example.org already exists."
    with refused("EntityAlreadyExists", told, 409):
        iam.create_open_id_connect_provider(Url="https://example.org", ThumbprintList=[])
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/none.example.com"
    with refused("NoSuchEntity", f"OpenId connect Provider {arn} cannot be found.", 404):
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    arn = f"arn:aws:iam::{ACCOUNT}:saml-provider/None"
    for call in (iam.get_saml_provider, iam.delete_saml_provider):
        with refused("NoSuchEntity", f"Manifest not found for arn {arn}", 404):
            call(SAMLProviderArn=arn)

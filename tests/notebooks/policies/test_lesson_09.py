"""Key policies and other accounts: the smallest policies are enough, and no more than that."""

import json
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.accounts import allow, id_of, root, session_of
from tests.support.kms_people import delegating, new_key
from tests.support.lessons import LESSONS
from tests.support.organizations import SCP, invite, management
from tests.support.production import blocks, confirm, smaller, with_names
from workshop_lib import Lab, start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_key_policies"))
EXAMPLE = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
POLICIES = blocks(LESSON, "json")


def auditor(lab: Lab, *policies: dict[str, object]) -> boto3.Session:
    """A session of a new role in the other account with these policies and nothing else."""
    audit, name = lab.account("audit"), lab.name("smallest")
    iam, me = audit.client("iam"), {"AWS": root(id_of(audit))}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": me}
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    for policy in policies:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    assumed = audit.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    return session_of(assumed["Credentials"])


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"]).startswith("AccessDenied")
    return False


def test_an_auditor_in_the_other_account() -> None:
    lab = start_lab()
    audit, bucket = lab.account("audit"), lab.name("reports")
    use = allow(["kms:GenerateDataKey", "kms:Decrypt"], Principal={"AWS": root(id_of(audit))})
    key = new_key(Policy=delegating(use))
    audit.client("s3").create_bucket(Bucket=bucket)
    smallest = with_names(
        POLICIES["The smallest policy of an auditor"],
        {EXAMPLE: key, "amzn-s3-demo-bucket": bucket},
    )

    def store_and_read(session: boto3.Session) -> None:
        s3 = session.client("s3")
        s3.put_object(
            Bucket=bucket, Key="may", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
        )
        assert s3.get_object(Bucket=bucket, Key="may")["Body"].read() == b"x"

    store_and_read(auditor(lab, smallest))
    for missing, rest in smaller(smallest):
        session = auditor(lab, rest)
        assert refused(lambda s=session: store_and_read(s)), missing  # type: ignore[misc]
    kms = auditor(lab, smallest).client("kms")
    assert refused(lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"))  # past S3


def test_a_keeper_who_switches_a_key() -> None:
    lab = start_lab()
    key = new_key()

    def switch(session: boto3.Session) -> None:
        kms = session.client("kms")
        kms.disable_key(KeyId=key)
        kms.enable_key(KeyId=key)

    def calls(session: boto3.Session) -> None:
        try:
            switch(session)
        finally:
            lab.session().client("kms").enable_key(KeyId=key)

    confirm(lab, with_names(POLICIES["The smallest policy of a keeper"], {EXAMPLE: key}), calls)


def test_the_service_control_policy_keeps_keys_and_the_lockout_check() -> None:
    lab = start_lab()
    audit = lab.account("audit")
    management().create_organization(FeatureSet="ALL")
    audit.client("organizations").accept_handshake(HandshakeId=invite(audit))
    made = management().create_policy(
        Name="keep", Description="", Type=SCP, Content=POLICIES["An SCP"]
    )
    management().attach_policy(
        PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=id_of(audit)
    )
    kms = audit.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    same = {"KeyId": key, "Policy": kms.get_key_policy(KeyId=key)["Policy"]}
    kms.put_key_policy(**same)
    bypass = {"BypassPolicyLockoutSafetyCheck": True}
    for operation, parameters in (
        (kms.schedule_key_deletion, {"KeyId": key}),
        (kms.put_key_policy, {**same, **bypass}),
        (kms.create_key, bypass),
    ):
        with pytest.raises(ClientError, match="explicit deny in a service control policy"):
            operation(**parameters)

"""The table from AWS's service authorization reference, and what the sandbox makes of it."""

import json
import re
from pathlib import Path

import pytest

from tests.support.service_authorization import SERVICES, trimmed, written
from workshop_lib.sandbox.policy import condition_keys, service_authorization
from workshop_lib.sandbox.services.s3.permissions import BUCKET_ACTIONS, OBJECT_ACTIONS


def test_the_table_names_its_source() -> None:
    table = json.loads(service_authorization.FILE.read_text(encoding="utf-8"))
    assert table["source"].startswith("https://docs.aws.amazon.com/service-authorization/")
    assert table["from"].endswith(table["date"].replace("-", "") + table["from"][-1])
    assert tuple(table["services"]) == SERVICES
    assert written(table) == service_authorization.FILE.read_text(encoding="utf-8")


def test_every_condition_key_that_is_answered_is_one_of_aws_s() -> None:
    known = set().union(*map(service_authorization.condition_keys, SERVICES))
    answered = {*condition_keys._KNOWN_KEYS, *condition_keys._KNOWN_PREFIXES}
    own = {key for key in answered if not key.startswith("aws:")}
    assert own <= known, own - known


# Of operations, or of other features, that the sandbox does not emulate.
_UNANSWERED = re.compile(
    "s3:(accessgrant(scope|slocationscope)|annotation-prefix|deliverysourcearn|destinationregion"
    "|existingjob(operation|priority)|isreplicationpauserequest|jobsuspendedcause|logtype"
    "|max-annotation-results|object-lock-event-hold(-duration-days)?|requestjob(operation|priority)"
    "|resourcearnbeingauthorized|x-amz-object-(annotation-directive|if-match))"
    "|kms:recipientattestation:.*"
    "|dynamodb:fis(actionid|targetarns)"
    "|iam:(accountpropertynamespaces|delegation(duration|requestowner)|notificationchannel"
    "|fido-(certification|fips-140-[23]-certification)|organizationspolicyid|registersecuritykey"
    "|(role)?templatearn|servicespecificcredential(agedays|servicename))"
    "|sts:(requestcontext(/|providers)|roleauthorizedbyidp|signingalgorithm|taskpolicyarn)"
)


def test_every_other_condition_key_of_aws_s_is_answered() -> None:
    known = set().union(*map(service_authorization.condition_keys, SERVICES))
    unknown = {key for key in known if not condition_keys.answered_condition_key(key)}
    assert {key for key in unknown if not _UNANSWERED.fullmatch(key)} == set()
    assert unknown == {key for key in known if _UNANSWERED.fullmatch(key)}


@pytest.mark.parametrize(
    "key",
    [
        "PrincipalArn", "PrincipalAccount", "PrincipalOrgPaths", "PrincipalOrgID",
        "PrincipalTag/a", "PrincipalIsAWSService", "PrincipalServiceName", "PrincipalType",
        "userid", "username", "FederatedProvider", "TokenIssueTime", "MultiFactorAuthAge",
        "MultiFactorAuthPresent", "Ec2InstanceSourceVpc", "Ec2InstanceSourcePrivateIPv4",
        "SourceIdentity", "SourceIp", "SourceVpc", "SourceVpce", "SourceVpcArn", "VpceAccount",
        "VpceOrgID", "VpceOrgPaths", "VpcSourceIp", "ResourceAccount", "ResourceOrgID",
        "ResourceOrgPaths", "ResourceTag/a", "CalledVia", "CalledViaFirst", "CalledViaLast",
        "ViaAWSService", "CurrentTime", "EpochTime", "referer", "RequestedRegion", "RequestTag/a",
        "TagKeys", "SecureTransport", "SourceAccount", "SourceArn", "SourceOrgID",
        "SourceOrgPaths", "UserAgent",
        "AssumedRoot", "ChatbotSourceArn",
    ],
)  # fmt: skip
def test_every_global_condition_key_is_answered(key: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    assert condition_keys.answered_condition_key(f"aws:{key}")
    assert condition_keys.known_condition_key(f"AWS:{key.upper()}")
    assert not condition_keys.known_condition_key(f"aws:{key.partition('/')[0]}x")


@pytest.mark.parametrize(
    "key",
    [
        "codebuild:buildArn", "codebuild:projectArn", "ec2:RoleDelivery", "ec2:SourceInstanceArn",
        "glue:CredentialIssuingService", "glue:RoleAssumedBy", "identitystore:UserId",
        "lambda:SourceFunctionArn", "ssm:SourceInstanceArn",
    ],
)  # fmt: skip
def test_what_a_session_runs_on_may_be_asked_of_every_service(key: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    assert condition_keys.answered_condition_key(key)


def test_every_action_that_s3_asks_for_is_one_of_aws_s() -> None:
    actions = service_authorization.actions("s3")
    for kind, names in (("bucket", BUCKET_ACTIONS), ("object", OBJECT_ACTIONS)):
        for name in names.values():
            assert kind in actions[name.lower()].resources, name


def test_an_action_has_its_own_keys_its_resources_and_the_common_ones() -> None:
    actions = service_authorization.actions("s3")
    assert actions["listbucket"].resources == {"bucket", "accesspoint"}
    assert {"s3:prefix", "s3:tlsversion", "s3:buckettag/"} <= actions["listbucket"].keys
    assert "s3:tlsversion" not in actions["initiatereplication"].keys
    assert service_authorization.actions_with("s3", "s3:Prefix") == {
        "ListBucket",
        "ListBucketVersions",
    }
    assert service_authorization.key_family("s3:ExistingObjectTag/a/b") == "s3:existingobjecttag/"
    family = service_authorization.key_family("kms:EncryptionContext:a:b")
    assert family == "kms:encryptioncontext:"
    assert family in service_authorization.actions("kms")["decrypt"].keys


def test_the_reference_is_trimmed(tmp_path: Path) -> None:
    def action(name: str, types: list[object], *keys: str) -> dict[str, object]:
        return {"name": name, "description": "…", "resourceTypes": types, "conditionKeys": [*keys]}

    about = {"name": "data", "version": "0.1.202609261"}
    (tmp_path / "package.json").write_text(json.dumps(about), encoding="utf-8")
    on_role = {"name": "role", "conditionKeys": ["sts:OnRole"]}
    listed = {f"a{number}": action(f"A{number}", [], "sts:All") for number in range(10)}
    listed["assumerole"] = action("AssumeRole", [on_role], "sts:All", "saml:aud", "aws:TagKeys")
    listed["b"] = action("B", [])
    for kind, found in (("actions", listed), ("resourceTypes", {"role": {"key": "role"}})):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for service in SERVICES:
            text = json.dumps(found if service == "sts" else {})
            (tmp_path / "data" / kind / f"{service}.json").write_text(text, encoding="utf-8")
    table = trimmed(tmp_path)
    assert table["date"] == "2026-09-26"
    service = table["services"]["sts"]
    assert service["common_keys"] == ["sts:All"]
    assert service["resources"] == {"role": []}
    assert service["actions"]["AssumeRole"] == {
        "on": ["role"],
        "keys": ["aws:TagKeys", "sts:OnRole"],
    }
    assert service["actions"]["A1"] == {}
    assert service["actions"]["B"] == {"lacks": ["sts:All"]}
    assert json.loads(written(table)) == table

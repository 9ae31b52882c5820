"""Lesson 06's checks name the common wrong answers."""

import json
from typing import Any

import boto3
import pytest

from workshop_lib.exercises import examine
from workshop_lib.lab import Lab


def said(number: str, lab: Lab) -> str:
    result = examine(number, lab)
    assert result.error is None, result.error
    return str(result)


def tagged_bucket(lab: Lab, default: dict[str, Any] | None, bucket_key: bool = True) -> str:
    s3, name = boto3.client("s3"), lab.name("answer")
    s3.create_bucket(Bucket=name)
    tag = {"Key": "exercise", "Value": "6.1"}
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [tag]})
    if default is not None:
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name


def under(key: str) -> dict[str, str]:
    return {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def tagged_role(lab: Lab, *statements: dict[str, Any]) -> str:
    account = boto3.client("sts").get_caller_identity()["Account"]
    trusted = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    iam, name = boto3.client("iam"), lab.name("answer")
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        Tags=[{"Key": "exercise", "Value": "6.2"}],
    )
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="answer", PolicyDocument=document)
    return str(role["Role"]["Arn"])


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


VIA_S3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}


def test_6_1_wants_sse_kms(lab: Lab) -> None:
    tagged_bucket(lab, None)
    assert "AES256, not aws:kms" in said("6.1", lab)


def test_6_1_wants_one_layer(lab: Lab) -> None:
    tagged_bucket(lab, {**under(new_key()), "SSEAlgorithm": "aws:kms:dsse"}, bucket_key=False)
    assert "aws:kms:dsse, not aws:kms" in said("6.1", lab)


def test_6_1_wants_a_customer_managed_key(lab: Lab) -> None:
    tagged_bucket(lab, {"SSEAlgorithm": "aws:kms"})
    assert "KMSMasterKeyID, the ARN" in said("6.1", lab)
    tagged_bucket(lab, under("alias/aws/s3"))
    assert "AWS managed" in said("6.1", lab)


def test_6_1_wants_a_key_that_exists_and_is_enabled(lab: Lab) -> None:
    absent = new_key()[:-4] + "0000"
    tagged_bucket(lab, under(absent))
    assert f"KMS shows you no key {absent}" in said("6.1", lab)
    key = new_key()
    tagged_bucket(lab, under(key))
    boto3.client("kms").disable_key(KeyId=key)
    assert "it is Disabled" in said("6.1", lab)


def test_6_1_wants_the_bucket_key(lab: Lab) -> None:
    tagged_bucket(lab, under(new_key()), bucket_key=False)
    assert "Bucket Key is not enabled" in said("6.1", lab)
    tagged_bucket(lab, under(new_key()))
    assert said("6.1", lab).startswith("✓")


@pytest.fixture
def ward(lab: Lab) -> tuple[str, str]:
    """A right answer to 6.1 with the object of 6.2: the bucket's ARN and the key's."""
    key = new_key()
    name = tagged_bucket(lab, under(key))
    boto3.client("s3").put_object(Bucket=name, Key="note.txt", Body=b"note")
    return f"arn:aws:s3:::{name}", key


def test_6_2_wants_the_bucket_the_role_and_the_note(lab: Lab) -> None:
    assert "Do exercise 6.1 first" in said("6.2", lab)
    tagged_bucket(lab, under(new_key()))
    assert "no role carries the tag" in said("6.2", lab)
    tagged_role(lab)
    assert "holds no note.txt" in said("6.2", lab)


def test_6_2_wants_the_note_under_the_key(lab: Lab, ward: tuple[str, str]) -> None:
    bucket = ward[0].rpartition(":")[2]
    tagged_role(lab)
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="note.txt", ServerSideEncryption="AES256")
    assert "note.txt is encrypted with AES256" in said("6.2", lab)
    s3.put_object(Bucket=bucket, Key="note.txt", ServerSideEncryption="aws:kms")
    assert "AWS managed" in said("6.2", lab)


def test_6_2_tells_the_two_locks_apart(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    tagged_role(lab, allow("kms:Decrypt", key))
    assert "may not read note.txt" in said("6.2", lab)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"))
    assert "may not use the key" in said("6.2", lab)


def test_6_2_names_the_context_of_a_bucket_key(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    objects = {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/*"}
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3, StringLike=objects)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), use)
    assert "aws:s3:arn is the bucket's ARN" in said("6.2", lab)


def test_6_2_believes_no_bucket_key_that_an_earlier_check_opened(
    lab: Lab, ward: tuple[str, str]
) -> None:
    """S3 keeps a Bucket Key for each requester: what the role was allowed is no proof of now."""
    bucket, key = ward
    read, use = allow("s3:GetObject", f"{bucket}/*"), allow("kms:Decrypt", key, StringEquals=VIA_S3)
    role = tagged_role(lab, read, use).rpartition("/")[2]
    assert said("6.2", lab).startswith("✓")
    objects = {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/*"}
    wrong = allow("kms:Decrypt", key, StringEquals=VIA_S3, StringLike=objects)
    for statements in ([read, wrong], [read]):
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        boto3.client("iam").put_role_policy(
            RoleName=role, PolicyName="answer", PolicyDocument=document
        )
        assert "the role may not use the key" in said("6.2", lab)


@pytest.mark.parametrize("by_context", [False, True])
def test_6_2_wants_the_key_through_s3_only(
    lab: Lab, ward: tuple[str, str], by_context: bool
) -> None:
    """A condition on the context alone does not keep a reader from calling KMS with it."""
    bucket, key = ward
    context = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": bucket}} if by_context else {}
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), allow("kms:Decrypt", key, **context))
    assert "may also call kms:Decrypt directly" in said("6.2", lab)


def test_6_2_sees_through_a_grant(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    role = tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"))
    boto3.client("kms").create_grant(KeyId=key, GranteePrincipal=role, Operations=["Decrypt"])
    assert "may also call kms:Decrypt directly" in said("6.2", lab)


def test_6_2_takes_the_right_answer(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), use)
    assert said("6.2", lab).startswith("✓")


def test_6_1_wants_a_symmetric_key(lab: Lab) -> None:
    key = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    tagged_bucket(lab, under(key["KeyMetadata"]["Arn"]))
    assert "of the kind RSA_2048" in said("6.1", lab)


def test_6_1_tells_of_a_policy_that_locks_the_administrator_out(lab: Lab) -> None:
    name = tagged_bucket(lab, under(new_key()))
    everything = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    policy = json.dumps({"Version": "2012-10-17", "Statement": deny})
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=policy)
    assert f"the policy of {name} hides its tags even from you" in said("6.1", lab)


def test_6_1_tells_an_administrator_who_denied_himself_everything(lab: Lab) -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    boto3.client("iam").put_user_policy(
        UserName="workshop-admin",
        PolicyName="oops",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": deny}),
    )
    assert "take back the policy of yours" in said("6.1", lab)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("kms:GenerateDataKey", "kms:GenerateDataKey directly"),
        ("kms:GenerateDataKeyPair*", "kms:GenerateDataKeyPairWithoutPlaintext directly"),
        ("kms:Encrypt", "kms:Encrypt directly"),
        ("kms:ReEncrypt*", "also call kms:ReEncrypt, kms:ReEncryptFrom"),
        ("kms:CreateGrant", "give itself the key"),
        ("kms:PutKeyPolicy", "give itself the key"),
    ],
)
def test_6_2_wants_nothing_else_directly(
    lab: Lab, ward: tuple[str, str], action: str, says: str
) -> None:
    bucket, key = ward
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3)
    tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), use, allow(action, key))
    assert says in said("6.2", lab)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"kms:EncryptionContext:purpose": "backup"}},
        {"StringLike": {"kms:EncryptionContext:purpose": "backup-?-*"}},
        {"StringEquals": {"kms:EncryptionContext:a": ["x", "y"], "kms:EncryptionContext:b": "z"}},
        {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "purpose"}},
        {"Null": {"kms:EncryptionContext:purpose": "false"}},
        {"Null": {"kms:ViaService": "true"}},
    ],
)
def test_6_2_tries_the_contexts_that_its_permissions_name(
    lab: Lab, ward: tuple[str, str], condition: dict[str, Any]
) -> None:
    bucket, key = ward
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3)
    tagged_role(
        lab, allow("s3:GetObject", f"{bucket}/*"), use, allow("kms:Decrypt", key, **condition)
    )
    assert "may also call kms:Decrypt directly" in said("6.2", lab)


def test_6_2_sees_a_grant_under_a_context_of_its_own(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3)
    role = tagged_role(lab, allow("s3:GetObject", f"{bucket}/*"), use)
    boto3.client("kms").create_grant(
        KeyId=key,
        GranteePrincipal=role,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": {"purpose": "backup"}},
    )
    assert 'with the encryption context {"purpose": "backup"}' in said("6.2", lab)


def test_6_2_takes_a_key_policy_and_an_attached_policy(lab: Lab, ward: tuple[str, str]) -> None:
    bucket, key = ward
    role = tagged_role(lab)
    read = allow("s3:GetObject", f"{bucket}/*")
    made = boto3.client("iam").create_policy(
        PolicyName=lab.name("read"),
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [read]}),
    )
    boto3.client("iam").attach_role_policy(
        RoleName=role.rpartition("/")[2], PolicyArn=made["Policy"]["Arn"]
    )
    kms = boto3.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    use = allow("kms:Decrypt", "*", StringEquals=VIA_S3)
    policy["Statement"].append({**use, "Principal": {"AWS": role}})
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    assert said("6.2", lab).startswith("✓")


# --- 6.3 ---------------------------------------------------------------------------------------


class Letters:
    """Two letters, two clerks who opened one each, and a third who was refused."""

    def __init__(self, lab: Lab) -> None:
        self.s3, self.bucket = boto3.client("s3"), lab.name("letters")
        self.s3.create_bucket(Bucket=self.bucket)
        tag = {"Key": "exercise", "Value": "6.3"}
        self.s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": [tag]})
        key = new_key()
        for name in ("march", "april"):
            self.s3.put_object(
                Bucket=self.bucket, Key=name, ServerSideEncryption="aws:kms", SSEKMSKeyId=key
            )
        self.clerks = {name: self._clerk(lab, name, key) for name in ("anna", "ben", "carl")}
        self._open("anna", "march")
        self._open("ben", "april")
        with pytest.raises(Exception, match="AccessDenied"):
            self._open("carl", "march")

    def _clerk(self, lab: Lab, name: str, key: str) -> tuple[str, Any]:
        read = allow("s3:GetObject", "*")
        statements = [read] if name == "carl" else [read, allow("kms:Decrypt", key)]
        role = tagged_role(lab, *statements)
        got = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        keys = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        return role, boto3.Session(*keys, region_name="us-east-1").client("s3")

    def _open(self, clerk: str, letter: str) -> None:
        self.clerks[clerk][1].get_object(Bucket=self.bucket, Key=letter)

    def tag(self, letter: str, value: str) -> None:
        tags = {"TagSet": [{"Key": "opened-by", "Value": value}]}
        self.s3.put_object_tagging(Bucket=self.bucket, Key=letter, Tagging=tags)

    def role(self, clerk: str) -> str:
        return str(self.clerks[clerk][0].rpartition("/")[2])


def test_6_3_wants_a_name_at_each_letter(lab: Lab) -> None:
    letters = Letters(lab)
    assert "does not name one of the clerks' roles: april, march" in said("6.3", lab)
    letters.tag("march", letters.role("anna"))
    letters.tag("april", "workshop-admin")
    assert "does not name one of the clerks' roles: april" in said("6.3", lab)
    letters.tag("april", f"{letters.role('anna')}/{letters.role('ben')}")
    assert "does not name one of the clerks' roles: april" in said("6.3", lab)
    letters.tag("april", letters.role("ben"))
    assert said("6.3", lab).startswith("✓")


def test_6_3_takes_an_arn_of_the_role_or_its_session(lab: Lab) -> None:
    letters = Letters(lab)
    letters.tag("march", letters.clerks["anna"][0])
    letters.tag("april", f"arn:aws:sts::123456789012:assumed-role/{letters.role('ben')}/ben")
    assert said("6.3", lab).startswith("✓")


def test_6_3_tells_whoever_was_refused_from_whoever_opened(lab: Lab) -> None:
    letters = Letters(lab)
    letters.tag("march", letters.role("carl"))
    letters.tag("april", letters.role("anna"))
    found = said("6.3", lab)
    assert f"{letters.role('carl')} did not open march: it asked for it and was refused" in found
    assert f"{letters.role('anna')} did not open april: it never asked for it" in found


def test_6_3_does_not_mind_that_the_administrator_reads_them_too(lab: Lab) -> None:
    letters = Letters(lab)
    letters.s3.get_object(Bucket=letters.bucket, Key="march")
    for letter, clerk in (("march", "anna"), ("april", "ben")):
        letters.tag(letter, letters.role(clerk))
    assert said("6.3", lab).startswith("✓")


# --- answers that were tried later ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["id", "alias", "alias ARN", "multi-Region"])
def test_6_1_takes_every_name_of_a_key(lab: Lab, name: str) -> None:
    kms = boto3.client("kms")
    key = new_key()
    kms.create_alias(AliasName="alias/ward", TargetKeyId=key)
    names = {
        "id": key.rpartition("/")[2],
        "alias": "alias/ward",
        "alias ARN": key.rpartition(":")[0] + ":alias/ward",
        "multi-Region": kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"],
    }
    tagged_bucket(lab, under(names[name]))
    assert said("6.1", lab).startswith("✓")


def test_6_1_takes_a_bucket_of_another_region(lab: Lab) -> None:
    s3 = boto3.client("s3", region_name="eu-west-1")
    key = boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    name, place = lab.name("far"), {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "exercise", "Value": "6.1"}]})
    rule = {"ApplyServerSideEncryptionByDefault": under(key), "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert said("6.1", lab).startswith("✓")


@pytest.mark.parametrize(
    "more",
    [
        {"action": "iam:PutRolePolicy"},
        {"action": "iam:UpdateAssumeRolePolicy"},
        {"action": "kms:Decrypt", "StringEquals": {"kms:RequestAlias": "alias/ward"}},
        {"action": "kms:Decrypt", "StringLike": {"kms:RequestAlias": "alias/w*"}},
        {"action": "kms:Encrypt", "StringEquals": {"kms:RequestAlias": "alias/ward"}},
        {"action": "kms:CreateGrant", "StringLike": {"kms:GrantOperations": "Encrypt"}},
        {"action": "kms:Decrypt", "IpAddress": {"aws:SourceIp": "203.0.113.7/32"}},
    ],
)
def test_6_2_finds_other_ways_to_the_key(
    lab: Lab, ward: tuple[str, str], more: dict[str, Any]
) -> None:
    bucket, key = ward
    boto3.client("kms").create_alias(AliasName="alias/ward", TargetKeyId=key)
    conditions = {name: value for name, value in more.items() if name != "action"}
    tagged_role(
        lab,
        allow("s3:GetObject", f"{bucket}/*"),
        allow("kms:Decrypt", key, StringEquals=VIA_S3),
        allow(more["action"], "*", **conditions),
    )
    found = said("6.2", lab)
    assert "directly" in found.partition("✗")[2] or "give itself the key" in found


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"kms:ViaService": "s3.*"}},
        {
            "StringEquals": {
                "kms:ViaService": [VIA_S3["kms:ViaService"], "s3.eu-west-1.amazonaws.com"]
            }
        },
        {"StringEquals": VIA_S3, "ArnEquals": {"kms:EncryptionContext:aws:s3:arn": "{bucket}"}},
        {"Bool": {"aws:ViaAWSService": "true"}},
    ],
)
def test_6_2_takes_other_words_for_s3(
    lab: Lab, ward: tuple[str, str], condition: dict[str, Any]
) -> None:
    bucket, key = ward
    condition = json.loads(json.dumps(condition).replace("{bucket}", bucket))
    use = allow("kms:Decrypt", key, **condition)
    tagged_role(lab, allow("s3:Get*", f"{bucket}/*"), use, allow("kms:DescribeKey", key))
    assert said("6.2", lab).startswith("✓")


# --- when, and from where ------------------------------------------------------------------------


def test_6_1_wants_the_default_and_not_an_object_under_the_key(lab: Lab) -> None:
    name = tagged_bucket(lab, None)
    boto3.client("s3").put_object(
        Bucket=name, Key="note.txt", ServerSideEncryption="aws:kms", SSEKMSKeyId=new_key(),
        BucketKeyEnabled=True,
    )  # fmt: skip
    assert "its default encryption is AES256" in said("6.1", lab)


def test_6_1_looks_at_the_newest_bucket_and_a_key_on_its_way_out(lab: Lab) -> None:
    tagged_bucket(lab, under(new_key()))
    lab.later(minutes=1)
    key = new_key()
    tagged_bucket(lab, under(key))
    boto3.client("kms").schedule_key_deletion(KeyId=key)
    assert "it is PendingDeletion" in said("6.1", lab)


def test_6_1_wants_a_key_of_the_bucket_s_region(lab: Lab) -> None:
    """S3 takes the setting, and then no upload works."""
    far = boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    tagged_bucket(lab, under(far))
    assert "is a key of eu-west-1, and the bucket lies in us-east-1" in said("6.1", lab)


SOON = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        ("kms:Decrypt", SOON),
        ("kms:Decrypt", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        ("kms:Decrypt", {"StringLike": {"aws:userid": "*:on-call"}}),
        ("kms:Decrypt", {**SOON, "StringEquals": {"kms:EncryptionContext:purpose": "backup"}}),
        ("kms:GenerateDataKey", SOON),
        ("kms:CreateGrant", SOON),
        ("iam:AttachRolePolicy", SOON),
    ],
)
def test_6_2_finds_what_opens_one_day(
    lab: Lab, ward: tuple[str, str], action: str, condition: dict[str, Any]
) -> None:
    bucket, key = ward
    tagged_role(
        lab,
        allow("s3:GetObject", f"{bucket}/*"),
        allow("kms:Decrypt", key, StringEquals=VIA_S3),
        allow(action, "*", **condition),
    )
    found = said("6.2", lab)
    assert "directly" in found.partition("✗")[2] or "give itself the key" in found


@pytest.mark.parametrize(
    "more",
    [
        {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"StringEquals": {"aws:PrincipalTag/team": "nobody's"}},
        {"StringEquals": {"kms:KeySpec": "RSA_2048"}},
    ],
    ids=["over", "a tag that it lacks", "another kind of key"],
)
def test_6_2_takes_what_is_never_met(lab: Lab, ward: tuple[str, str], more: dict[str, Any]) -> None:
    bucket, key = ward
    use = allow("kms:Decrypt", key, StringEquals=VIA_S3)
    read = allow("s3:GetObject", f"{bucket}/*")
    tagged_role(lab, read, use, allow("kms:Decrypt", key, **more))
    assert said("6.2", lab).startswith("✓")


@pytest.mark.parametrize("value", ["anna + ben", "", "arn:aws:iam::123456789012:root", "somebody"])
def test_6_3_wants_one_clerk_by_name(lab: Lab, value: str) -> None:
    letters = Letters(lab)
    letters.tag("april", letters.role("ben"))
    letters.tag("march", value)
    assert "does not name one of the clerks' roles: march" in said("6.3", lab)


def test_6_3_wants_each_letter_tagged_by_its_own(lab: Lab) -> None:
    letters = Letters(lab)
    letters.tag("march", letters.role("ben"))
    letters.tag("april", letters.role("anna"))
    assert said("6.3", lab).count("did not open") == 2


def test_6_3_takes_other_tags_beside_and_either_of_two_who_opened(lab: Lab) -> None:
    letters = Letters(lab)
    letters._open("ben", "march")
    for letter, clerk in (("march", "ben"), ("april", "ben")):
        tags = [{"Key": "opened-by", "Value": letters.role(clerk)}, {"Key": "seen", "Value": "1"}]
        letters.s3.put_object_tagging(Bucket=letters.bucket, Key=letter, Tagging={"TagSet": tags})
    assert said("6.3", lab).startswith("✓")

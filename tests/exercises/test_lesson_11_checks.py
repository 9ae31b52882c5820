"""The checks of lesson 11 name what went wrong, for the mistakes that learners make."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.handed_in import missing, tagged_role
from workshop_lib.lab import Lab

CONTRACT = b"The shop delivers chairs. " * 300


def make_key(kms: Any, number: str, **spec: str) -> str:
    tags = [{"TagKey": "exercise", "TagValue": number}]
    return str(kms.create_key(Tags=tags, **spec)["KeyMetadata"]["Arn"])


# --- 11.1 --------------------------------------------------------------------------------------

HMAC = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}


@pytest.fixture
def mac_key(kms: Any) -> str:
    return make_key(kms, "11.1", **HMAC)


@pytest.fixture
def bank(lab: Lab) -> str:
    """The ARN of the tagged role."""
    return tagged_role(lab.name("bank"), "11.1")


def allow(role: str, *statements: dict[str, Any]) -> None:
    boto3.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="verify",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


def statement(action: Any, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def add_to_key_policy(kms: Any, key: str, **more: Any) -> None:
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Resource": "*", **more})
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))


@pytest.mark.parametrize("action", ["kms:VerifyMac", ["kms:VerifyMac"], "kms:Verify*"])
def test_a_policy_of_the_role_is_right(lab: Lab, mac_key: str, bank: str, action: Any) -> None:
    allow(bank, statement(action, mac_key))
    assert missing("11.1", lab) == []


def test_the_key_policy_is_right(lab: Lab, kms: Any, mac_key: str, bank: str) -> None:
    add_to_key_policy(kms, mac_key, Principal={"AWS": bank}, Action="kms:VerifyMac")
    assert missing("11.1", lab) == []


def test_a_grant_is_right(lab: Lab, kms: Any, mac_key: str, bank: str) -> None:
    kms.create_grant(KeyId=mac_key, GranteePrincipal=bank, Operations=["VerifyMac"])
    assert missing("11.1", lab) == []


def test_the_key_s_tag_as_a_condition_is_right(lab: Lab, mac_key: str, bank: str) -> None:
    tagged = {"StringEquals": {"aws:ResourceTag/exercise": "11.1"}}
    allow(bank, statement("kms:VerifyMac", "*", Condition=tagged))
    assert missing("11.1", lab) == []


@pytest.mark.parametrize("spec", ["HMAC_224", "HMAC_384", "HMAC_512"])
def test_other_hmac_keys_are_right(lab: Lab, kms: Any, bank: str, spec: str) -> None:
    allow(bank, statement("kms:VerifyMac", make_key(kms, "11.1", **{**HMAC, "KeySpec": spec})))
    assert missing("11.1", lab) == []


FORGES, ELSEWHERE, MORE = "may generate MACs", "verify under other keys", "let itself forge"


@pytest.mark.parametrize(
    ("action", "resource", "says"),
    [
        ("kms:VerifyMac", "*", [ELSEWHERE]),
        ("kms:*Mac", "{key}", [FORGES]),
        (["kms:GenerateMac", "kms:VerifyMac"], "{key}", [FORGES]),
        ("kms:*", "{key}", [FORGES, MORE]),
        ("*", "*", [FORGES, ELSEWHERE, MORE]),
        (["kms:VerifyMac", "kms:PutKeyPolicy"], "{key}", [MORE]),
        (["kms:VerifyMac", "kms:CreateGrant"], "{key}", [MORE]),
    ],
)
def test_what_a_policy_lets_through_is_named(
    action: Any, resource: str, says: list[str], lab: Lab, mac_key: str, bank: str
) -> None:
    allow(bank, statement(action, resource.format(key=mac_key)))
    found = missing("11.1", lab)
    assert len(found) == len(says), found
    assert all(part in text for part, text in zip(says, found, strict=True))


def test_a_role_that_may_write_its_own_policy_is_named(lab: Lab, mac_key: str, bank: str) -> None:
    allow(bank, statement("kms:VerifyMac", mac_key), statement("iam:PutRolePolicy", "*"))
    (said,) = missing("11.1", lab)
    assert MORE in said


def test_a_grant_for_both_is_named(lab: Lab, kms: Any, mac_key: str, bank: str) -> None:
    kms.create_grant(KeyId=mac_key, GranteePrincipal=bank, Operations=["GenerateMac", "VerifyMac"])
    (said,) = missing("11.1", lab)
    assert FORGES in said


@pytest.mark.usefixtures("bank", "mac_key")
def test_a_role_without_permission_is_named(lab: Lab) -> None:
    assert missing("11.1", lab) == ["it may not verify a MAC under the key"]


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize(
    "spec", [{}, {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}], ids=["symmetric", "ECC"]
)
def test_a_key_of_another_kind_is_named(lab: Lab, kms: Any, spec: dict[str, str]) -> None:
    make_key(kms, "11.1", **spec)
    (said,) = missing("11.1", lab)
    assert "not for GENERATE_VERIFY_MAC" in said


def test_a_disabled_key_is_named(lab: Lab, kms: Any, mac_key: str) -> None:
    kms.disable_key(KeyId=mac_key)
    assert missing("11.1", lab) == ["it is Disabled: nobody can use it"]


def test_the_check_of_the_policies_changes_nothing(
    lab: Lab, kms: Any, mac_key: str, bank: str
) -> None:
    allow(bank, statement("kms:*", mac_key))
    before = kms.get_key_policy(KeyId=mac_key)["Policy"]
    missing("11.1", lab)
    assert kms.get_key_policy(KeyId=mac_key)["Policy"] == before
    assert kms.list_grants(KeyId=mac_key)["Grants"] == []
    assert len(kms.list_keys()["Keys"]) == 1


# --- 11.2 --------------------------------------------------------------------------------------


@pytest.fixture
def shelf(lab: Lab) -> Callable[..., None]:
    """Puts objects into the tagged bucket."""
    s3, bucket = boto3.client("s3"), lab.name("shelf")
    s3.create_bucket(Bucket=bucket)
    tags = [{"Key": "exercise", "Value": "11.2"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})

    def put(**objects: bytes) -> None:
        for name, body in objects.items():
            s3.put_object(Bucket=bucket, Key=name.replace("_", "."), Body=body)

    return put


def signing_key(kms: Any, spec: str = "ECC_NIST_P256") -> str:
    return make_key(kms, "11.2", KeySpec=spec, KeyUsage="SIGN_VERIFY")


def signed(kms: Any, key: str, algorithm: str = "ECDSA_SHA_256", **more: Any) -> dict[str, bytes]:
    """The three objects, of a contract that was signed by its digest."""
    digest = hashlib.new("sha" + algorithm[-3:], CONTRACT).digest()
    asked = {"Message": digest, "MessageType": "DIGEST", **more}
    answer = kms.sign(KeyId=key, SigningAlgorithm=algorithm, **asked)
    public = kms.get_public_key(KeyId=key)["PublicKey"]
    return {"contract": CONTRACT, "contract_sig": answer["Signature"], "contract_key": public}


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_384"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
    ],
)
def test_every_kind_of_signature_by_digest_is_right(
    lab: Lab, kms: Any, shelf: Any, spec: str, algorithm: str
) -> None:
    shelf(**signed(kms, signing_key(kms, spec), algorithm))
    assert missing("11.2", lab) == []


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_a_post_quantum_signature_is_right(lab: Lab, kms: Any, shelf: Any, spec: str) -> None:
    key = signing_key(kms, spec)
    public = kms.get_public_key(KeyId=key)["PublicKey"]
    raw: Any = serialization.load_der_public_key(public)
    of_key = hashlib.shake_256(raw.public_bytes_raw()).digest(64)
    mu = hashlib.shake_256(of_key + b"\0\0" + CONTRACT).digest(64)
    how = {"KeyId": key, "Message": mu, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    answer = kms.sign(**how, MessageType="EXTERNAL_MU")
    shelf(contract=CONTRACT, contract_sig=answer["Signature"], contract_key=public)
    assert missing("11.2", lab) == []
    shelf(contract_sig=kms.sign(**how)["Signature"])
    (said,) = missing("11.2", lab)
    assert "hashed once more" in said


def test_a_public_key_in_pem_is_right(lab: Lab, kms: Any, shelf: Any) -> None:
    objects = signed(kms, signing_key(kms))
    pem = serialization.load_der_public_key(objects["contract_key"]).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    shelf(**{**objects, "contract_key": pem})
    assert missing("11.2", lab) == []


def test_a_digest_hashed_again_is_named(lab: Lab, kms: Any, shelf: Any) -> None:
    """RAW is the default: KMS would verify it in the same wrong way."""
    shelf(**signed(kms, signing_key(kms), MessageType="RAW"))
    (said,) = missing("11.2", lab)
    assert "hashed once more" in said


def test_a_signature_in_base64_is_named(lab: Lab, kms: Any, shelf: Any) -> None:
    objects = signed(kms, signing_key(kms))
    shelf(**{**objects, "contract_sig": base64.b64encode(objects["contract_sig"])})
    (said,) = missing("11.2", lab)
    assert "in base64" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"contract": CONTRACT + b" "}, "no signature of this contract"),
        ({"contract": CONTRACT[:4096]}, "4,096 bytes, fewer than 5,000"),
        ({"contract_sig": b""}, "no signature of this contract"),
        ({"contract_sig": b"x" * 10_000}, "no signature of this contract"),
        ({"contract_key": b"a key"}, "is not the public key of the tagged key"),
    ],
)
def test_a_wrong_object_is_named(
    lab: Lab, kms: Any, shelf: Any, change: dict[str, bytes], says: str
) -> None:
    shelf(**{**signed(kms, signing_key(kms)), **change})
    assert says in missing("11.2", lab)[0]


def test_another_key_s_signature_is_named(lab: Lab, kms: Any, shelf: Any) -> None:
    other = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    theirs = signed(kms, other)
    shelf(**{**signed(kms, signing_key(kms)), "contract_sig": theirs["contract_sig"]})
    assert any("no signature" in text for text in missing("11.2", lab))
    shelf(**theirs)
    assert missing("11.2", lab) == ["contract.key is not the public key of the tagged key"]


def test_a_missing_object_is_named(lab: Lab, kms: Any, shelf: Any) -> None:
    objects = signed(kms, signing_key(kms))
    del objects["contract_key"]
    shelf(**objects)
    assert missing("11.2", lab) == ["it holds no object contract.key"]


@pytest.mark.usefixtures("shelf")
def test_a_key_that_signs_no_digest_is_named(lab: Lab, kms: Any) -> None:
    signing_key(kms, "ECC_NIST_EDWARDS25519")
    (said,) = missing("11.2", lab)
    assert "Ed25519" in said


# --- 11.3 --------------------------------------------------------------------------------------

KEM = {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}
TRUTH = {"ash": "no", "elm": "yes", "fir": "no", "yew": "yes"}


@pytest.fixture
def parcels(lab: Lab, kms: Any) -> str:
    """What the courier of the lesson brings: the bucket's name."""
    s3, bucket = boto3.client("s3"), lab.name("parcels")
    s3.create_bucket(Bucket=bucket)
    tags = [{"Key": "exercise", "Value": "11.3"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    mine, another = make_key(kms, "11.3", **KEM), kms.create_key(**KEM)["KeyMetadata"]["Arn"]
    for name in TRUTH:
        key = another if name == "fir" else mine
        made = kms.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")
        capsule = bytearray(made["SharedSecretCiphertextBlob"])
        capsule[500] ^= name == "ash"
        proof = hmac.digest(made["SharedSecret"], b"parcel", "sha256").hex()
        s3.put_object(
            Bucket=bucket, Key=name, Body=bytes(capsule), Metadata={"confirmation": proof}
        )
    return bucket


def label(bucket: str, labels: dict[str, str], **more: str) -> None:
    for name, value in labels.items():
        tags = [{"Key": "genuine", "Value": value}]
        tags += [{"Key": key, "Value": other} for key, other in more.items()]
        boto3.client("s3").put_object_tagging(Bucket=bucket, Key=name, Tagging={"TagSet": tags})


def test_the_right_labels(lab: Lab, parcels: str) -> None:
    label(parcels, TRUTH)
    assert missing("11.3", lab) == []
    label(parcels, TRUTH, checked="today")
    assert missing("11.3", lab) == []


def test_whoever_trusts_every_answer_is_told(lab: Lab, parcels: str) -> None:
    label(parcels, dict.fromkeys(TRUTH, "yes"))
    assert missing("11.3", lab) == ["2 of those tagged yes have a confirmation that does not fit"]
    label(parcels, {**TRUTH, "fir": "yes"})
    assert missing("11.3", lab) == ["1 of those tagged yes have a confirmation that does not fit"]


def test_whoever_trusts_none_is_told(lab: Lab, parcels: str) -> None:
    label(parcels, dict.fromkeys(TRUTH, "no"))
    assert missing("11.3", lab) == ["2 of those tagged no are genuine"]


def test_a_parcel_without_a_label_is_named(lab: Lab, parcels: str) -> None:
    label(parcels, {"ash": "no", "elm": "yes", "fir": "false"})
    assert missing("11.3", lab) == ["without the tag genuine = yes or no: fir, yew"]


def test_deleted_parcels_are_missed(lab: Lab, parcels: str) -> None:
    label(parcels, TRUTH)
    for name in ("ash", "fir"):
        boto3.client("s3").delete_object(Bucket=parcels, Key=name)
    (said,) = missing("11.3", lab)
    assert "not in it any more" in said


# --- answers that were tried later ---------------------------------------------------------------


@pytest.mark.parametrize("where", ["another key", "another Region", "a key policy", "a grant"])
def test_one_more_key_is_named(lab: Lab, kms: Any, mac_key: str, bank: str, where: str) -> None:
    other = str(kms.create_key(**HMAC)["KeyMetadata"]["Arn"])
    more = []
    if where == "another key":
        more = [statement("kms:VerifyMac", other)]
    elif where == "another Region":
        more = [
            statement(
                "kms:VerifyMac",
                mac_key.replace("us-east-1", "eu-central-1").partition("/")[0] + "/*",
            )
        ]
    elif where == "a key policy":
        add_to_key_policy(kms, other, Principal={"AWS": bank}, Action="kms:VerifyMac")
    else:
        kms.create_grant(KeyId=other, GranteePrincipal=bank, Operations=["VerifyMac"])
    allow(bank, statement("kms:VerifyMac", mac_key), *more)
    (said,) = missing("11.1", lab)
    assert ELSEWHERE in said


@pytest.mark.parametrize(
    ("action", "condition", "says"),
    [
        ("kms:GenerateMac", {"StringEquals": {"kms:RequestAlias": "alias/bank"}}, FORGES),
        ("kms:GenerateMac", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, FORGES),
        ("kms:CreateGrant", {"StringEquals": {"kms:GrantOperations": "VerifyMac"}}, MORE),
        ("iam:AttachRolePolicy", {}, MORE),
        ("iam:UpdateAssumeRolePolicy", {}, MORE),
    ],
)
def test_what_is_allowed_under_a_condition_is_named(
    lab: Lab, kms: Any, mac_key: str, bank: str, action: str, condition: Any, says: str
) -> None:
    kms.create_alias(AliasName="alias/bank", TargetKeyId=mac_key)
    more = {"Condition": condition} if condition else {}
    allow(bank, statement("kms:VerifyMac", mac_key), statement(action, "*", **more))
    (said,) = missing("11.1", lab)
    assert says in said


def test_more_that_makes_no_mac_is_right(lab: Lab, kms: Any, mac_key: str, bank: str) -> None:
    """A wildcard with a Deny, and what only describes the key."""
    kms.create_key(**HMAC)
    deny = {"Effect": "Deny", "NotAction": ["kms:VerifyMac", "kms:DescribeKey"], "Resource": "*"}
    elsewhere = {"Effect": "Deny", "Action": "*", "NotResource": mac_key}
    allow(bank, statement("kms:*", "*"), deny, elsewhere)
    assert missing("11.1", lab) == []


# --- when, and after the signing -----------------------------------------------------------------

SOON = {"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("kms:GenerateMac", FORGES),
        ("kms:CreateGrant", MORE),
        ("kms:PutKeyPolicy", MORE),
        ("iam:PutRolePolicy", MORE),
    ],
)
@pytest.mark.parametrize(
    "condition", [SOON, {"StringLike": {"aws:userid": "*:auditor"}}], ids=["a date", "a session"]
)
def test_what_the_bank_may_one_day_is_named(
    lab: Lab, kms: Any, mac_key: str, bank: str, action: str, condition: Any, says: str
) -> None:
    allow(bank, statement("kms:VerifyMac", mac_key), statement(action, "*", Condition=condition))
    (said,) = missing("11.1", lab)
    assert says in said


def test_other_keys_one_day_are_named(lab: Lab, kms: Any, mac_key: str, bank: str) -> None:
    more = statement("kms:VerifyMac", "*", Condition=SOON)
    allow(bank, statement("kms:VerifyMac", mac_key), more)
    (said,) = missing("11.1", lab)
    assert ELSEWHERE in said


@pytest.mark.parametrize(
    "more",
    [
        statement("kms:GenerateMac", "*", Condition={
            "DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        statement("kms:GenerateMac", "*", Condition={
            "StringEquals": {"aws:PrincipalTag/signs": "yes"}}),
        statement("kms:ListKeys", "*", Condition=SOON),
    ],
    ids=["over", "a tag that it lacks", "what makes no MAC"],
)  # fmt: skip
def test_what_makes_no_mac_ever_is_right(
    lab: Lab, kms: Any, mac_key: str, bank: str, more: dict[str, Any]
) -> None:
    allow(bank, statement("kms:VerifyMac", mac_key), more)
    assert missing("11.1", lab) == []


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048", "ML_DSA_65"])
@pytest.mark.parametrize("after", ["disabled", "scheduled", "scheduled long ago"])
def test_a_key_that_signs_no_more_is_right(
    lab: Lab, kms: Any, shelf: Any, spec: str, after: str
) -> None:
    """Whoever verifies needs the public key, and no KMS."""
    key = signing_key(kms, spec)
    if spec.startswith("ML"):
        public = kms.get_public_key(KeyId=key)["PublicKey"]
        raw: Any = serialization.load_der_public_key(public)
        of_key = hashlib.shake_256(raw.public_bytes_raw()).digest(64)
        mu = hashlib.shake_256(of_key + b"\0\0" + CONTRACT).digest(64)
        answer = kms.sign(KeyId=key, Message=mu, MessageType="EXTERNAL_MU",
                          SigningAlgorithm="ML_DSA_SHAKE_256")  # fmt: skip
        shelf(contract=CONTRACT, contract_sig=answer["Signature"], contract_key=public)
    else:
        rsa = "RSASSA_PSS_SHA_256" if spec.startswith("RSA") else "ECDSA_SHA_256"
        shelf(**signed(kms, key, rsa))
    if after == "disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=20)
    if after == "scheduled long ago":
        lab.later(days=15)
    before = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert missing("11.2", lab) == []
    left = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert left["KeyState"] == before["KeyState"]
    if after == "scheduled":
        assert abs((left["DeletionDate"] - before["DeletionDate"]).total_seconds()) < 2 * 86_400


def test_what_is_wrong_is_said_of_a_disabled_key_too(lab: Lab, kms: Any, shelf: Any) -> None:
    key = signing_key(kms)
    shelf(**{**signed(kms, key), "contract": CONTRACT + b"."})
    kms.disable_key(KeyId=key)
    assert "no signature of this contract" in missing("11.2", lab)[0]
    kms.enable_key(KeyId=key)
    shelf(**signed(kms, key, MessageType="RAW"))
    kms.disable_key(KeyId=key)
    assert "hashed once more" in missing("11.2", lab)[0]


@pytest.mark.parametrize("part", ["half", "other", "of the digest's text"])
def test_a_signature_of_something_else_is_named(lab: Lab, kms: Any, shelf: Any, part: str) -> None:
    key = signing_key(kms)
    objects = signed(kms, key)
    message = {
        "half": CONTRACT[:4_000],
        "other": b"another contract",
        "of the digest's text": hashlib.sha256(CONTRACT).hexdigest().encode(),
    }[part]
    answer = kms.sign(KeyId=key, Message=message, SigningAlgorithm="ECDSA_SHA_256")
    shelf(**{**objects, "contract_sig": answer["Signature"]})
    assert any("no signature of this contract" in said for said in missing("11.2", lab))


@pytest.mark.parametrize("word", ["Yes", "true", "YES ", "genuine"])
def test_a_label_in_other_words_is_named(lab: Lab, parcels: str, word: str) -> None:
    label(parcels, {**TRUTH, "elm": word})
    assert missing("11.3", lab) == ["without the tag genuine = yes or no: elm"]


def test_a_parcel_that_was_brought_again_counts_as_it_is(lab: Lab, kms: Any, parcels: str) -> None:
    """Labelled, and then altered: tags of an object that is written anew are gone."""
    label(parcels, TRUTH)
    s3 = boto3.client("s3")
    elm = s3.get_object(Bucket=parcels, Key="elm")
    s3.put_object(Bucket=parcels, Key="elm", Body=elm["Body"].read(), Metadata=elm["Metadata"])
    assert missing("11.3", lab) == ["without the tag genuine = yes or no: elm"]


def test_a_confirmation_copied_from_a_genuine_parcel_proves_nothing(lab: Lab, parcels: str) -> None:
    s3 = boto3.client("s3")
    elm, ash = (s3.get_object(Bucket=parcels, Key=name) for name in ("elm", "ash"))
    s3.put_object(Bucket=parcels, Key="ash", Body=ash["Body"].read(), Metadata=elm["Metadata"])
    label(parcels, {**TRUTH, "ash": "yes"})
    assert missing("11.3", lab) == ["1 of those tagged yes have a confirmation that does not fit"]
    label(parcels, TRUTH)
    assert missing("11.3", lab) == []

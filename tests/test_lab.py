"""The lab: names, time, clean-up, a fresh start, and the learner's own credentials set aside."""

import gc
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from aws_encryption_sdk.exceptions import SerializationError
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner

from tests.support.labs import as_before, sandbox_of
from workshop_lib import cleanup, refused, trace
from workshop_lib.errors import LearnerError
from workshop_lib.lab import Lab, start_lab
from workshop_lib.sandbox import clock, isolation
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport

KEY, SECRET, TOKEN = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "real/token",
)


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process with real-looking credentials; afterwards everything is as it was."""
    with as_before():
        if BotocoreTransport._installed is not None:
            BotocoreTransport._installed.remove()
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
        monkeypatch.setenv("AWS_PROFILE", "prod")
        boto3.DEFAULT_SESSION = None
        yield


@pytest.fixture
def lab() -> Lab:
    return start_lab()


# --- Starting ------------------------------------------------------------------------------------


def test_starting_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lab = start_lab()
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") == 1
    for fact in ("sandbox", "us-east-1", "costs nothing"):
        assert fact in printed.out
    assert printed.out.strip() in repr(lab)


def test_the_learner_s_credentials_are_set_aside_and_never_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab = start_lab()
    lab.serve()
    boto3.client("s3").create_bucket(Bucket=lab.name("bucket"))
    table = lab.cleanup()
    shown = capsys.readouterr().out + repr(lab) + str(table)
    shown += repr(sandbox_of(lab)._gateway.callers)
    for secret in (KEY, SECRET, TOKEN):
        assert secret not in shown
        assert secret not in os.environ.values()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        assert name not in os.environ
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
    assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"
    assert "127.0.0.1" in os.environ["NO_PROXY"].split(",")


# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
_SETTINGS = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_CA_BUNDLE",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "AWS_ACCOUNT_ID",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_SIGV4A_SIGNING_REGION_SET", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_S3",
)  # fmt: skip


@pytest.mark.parametrize("name", _SETTINGS)
def test_a_setting_that_leads_to_an_account_is_set_aside(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "the-learner-s-own")
    isolation.set_environment("us-east-1")
    assert "the-learner-s-own" not in os.environ.values()
    assert name not in os.environ


@pytest.mark.parametrize(
    "name", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION"]
)
def test_the_learner_s_own_files_and_region_are_set_aside(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "the-learner-s-own")
    isolation.set_environment("us-east-1")
    assert os.environ[name] in (os.devnull, "us-east-1")


def test_child_processes_reach_nothing_until_the_lab_serves(lab: Lab) -> None:
    address = os.environ["AWS_ENDPOINT_URL"]
    host, _, port = address.removeprefix("http://").rpartition(":")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=5)


def test_all_objects_are_looked_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes as long as the process is large, and most of a start when it is."""
    looks: list[tuple[type, ...]] = []
    look = gc.get_referrers

    def counted(*classes: type) -> list[Any]:
        looks.append(classes)
        return look(*classes)

    monkeypatch.setattr(gc, "get_referrers", counted)
    start_lab()
    (classes,) = looks
    assert {Credentials, RequestSigner, ssl.SSLSocket} <= set(classes)


def test_a_second_start_is_fresh(lab: Lab) -> None:
    kms = boto3.client("kms")
    first = kms.create_key()["KeyMetadata"]["KeyId"]
    boto3.client("s3").create_bucket(Bucket=lab.name("bucket"))
    lab.later(days=3)
    again = start_lab()
    assert kms.list_keys()["Keys"] == []
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert again.name("bucket") == "workshop-bucket-1"
    assert len(again.cleanup()) == 0
    assert kms.create_key()["KeyMetadata"]["KeyId"] == first
    made = kms.describe_key(KeyId=first)["KeyMetadata"]["CreationDate"]
    assert abs(made - datetime.now(UTC)) < timedelta(minutes=5)


def test_one_more_call_changes_no_other_id(lab: Lab) -> None:
    kms = boto3.client("kms")
    first = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    start_lab()
    again = [kms.create_key()["KeyMetadata"]["KeyId"]]
    kms.list_keys()
    boto3.client("iam").create_user(UserName="ann")
    again.append(kms.create_key()["KeyMetadata"]["KeyId"])
    assert again == first


# --- Names and time ------------------------------------------------------------------------------


def test_what_the_encryption_sdk_has_not_read_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 prints what a forgotten stream raises while it is closed."""
    reported: list[Any] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda unraisable: reported.append(unraisable.exc_type)
    )
    start_lab()
    start_lab()

    class Stream:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def __del__(self) -> None:
            raise self.error

    for error in (SerializationError("Footer not read"), ValueError("a fault of one's own")):
        Stream(error)
    gc.collect()
    assert reported == [ValueError]


def test_names_count_per_label(lab: Lab) -> None:
    names = [lab.name(label) for label in ("orders", "orders", "keys", "orders")]
    assert names == [
        "workshop-orders-1", "workshop-orders-2", "workshop-keys-1", "workshop-orders-3",
    ]  # fmt: skip


def test_a_name_fits_every_service(lab: Lab) -> None:
    name = lab.name("a" * 40)
    assert len(name) <= 63
    boto3.client("s3").create_bucket(Bucket=name)
    create_table(name)
    kms = boto3.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key_id)


@pytest.mark.parametrize("label", ["", "Orders", "a_b", "-a", "a-", "a--b", "é", "a" * 41, "a b"])
def test_labels_that_make_no_name(lab: Lab, label: str) -> None:
    with pytest.raises(ValueError, match="1 to 40 lower-case letters"):
        lab.name(label)


def test_time_moves_on_and_never_back(lab: Lab) -> None:
    before = clock.now()
    lab.later(minutes=6)
    lab.later(hours=1, days=8)
    passed = clock.now() - before
    assert timedelta(0) <= passed - timedelta(days=8, hours=1, minutes=6) < timedelta(minutes=1)
    key = boto3.client("kms").create_key()["KeyMetadata"]
    assert abs(key["CreationDate"] - clock.now()) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="only moves forward"):
        lab.later(minutes=-1)
    with pytest.raises(ValueError, match="1,000 years ahead at most"):
        lab.later(days=10**7)
    assert boto3.client("sts").get_caller_identity()["Account"]  # the clock still goes


def _replaced(lab: Lab) -> None:
    start_lab()
    lab.serve()


_MISTAKES: dict[str, tuple[Callable[[Lab], Any], str]] = {
    "a name": (lambda lab: lab.name("My bucket"), "WrongArgument: 'My bucket' cannot be part of"),
    "no number": (lambda lab: lab.later(days=None), "WrongArgument: Say how much later"),  # type: ignore[arg-type]
    "not a number": (lambda lab: lab.later(days=float("nan")), "WrongArgument: Say how much later"),
    "an object": (lambda lab: lab.disk.object("b", "k"), "NotOnDisk: There is no object 'k'"),
    "an item": (lambda lab: lab.disk.item("t", {"id": "1"}), "NotOnDisk: There is no item"),
    "no key": (lambda lab: lab.disk.item("t", "1"), "WrongArgument: The key is a dict"),
    "a port": (lambda lab: lab.serve("http"), "PortTaken: Port 'http' cannot be opened"),  # type: ignore[arg-type]
    "an old lab": (_replaced, "LabReplaced: This lab was replaced by a later start_lab()"),
}


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_a_mistake_is_answered_in_one_sentence(lab: Lab, mistake: str) -> None:
    make, sentence = _MISTAKES[mistake]
    with pytest.raises(LearnerError) as caught:
        make(lab)
    (shown,) = caught.value._render_traceback_()
    assert shown.startswith(sentence)
    assert "\n" not in shown


# --- Serving -------------------------------------------------------------------------------------


def test_serving(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    address = lab.serve()
    printed = capsys.readouterr().out
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert os.environ["AWS_ENDPOINT_URL"] == address
    for line in (f"AWS_ENDPOINT_URL={address}", "AWS_ACCESS_KEY_ID=AKIA", "AWS_DEFAULT_REGION="):
        assert line in printed
    assert lab.serve() == address

    s3 = boto3.client("s3", endpoint_url=address)
    s3.create_bucket(Bucket="served")
    s3.put_object(Bucket="served", Key="k", Body=b"from the kernel")
    url = s3.generate_presigned_url("get_object", {"Bucket": "served", "Key": "k"})
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"from the kernel"
    assert boto3.client("s3").list_buckets()["Buckets"][0]["Name"] == "served"

    start_lab()
    assert os.environ["AWS_ENDPOINT_URL"] != address
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=5)


def test_a_taken_port_says_what_to_do(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Port {port} cannot be opened.*another one"):
            lab.serve(port)
    with pytest.raises(OSError, match="cannot be opened"):
        lab.serve(70_000)
    assert lab.serve().startswith("http://127.0.0.1:")


# --- Cleaning up ---------------------------------------------------------------------------------


def create_table(name: str, **options: Any) -> None:
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )


ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": ALLOW})


def fill() -> None:
    """One of everything, as a lesson could leave it."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="full")
    s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="full", Key="k", Body=b"x")
    s3.delete_object(Bucket="full", Key="k")
    s3.create_multipart_upload(Bucket="full", Key="half")
    create_table("open")
    create_table("protected", DeletionProtectionEnabled=True)
    boto3.client("dynamodb").create_backup(TableName="open", BackupName="copy")
    kms = boto3.client("kms", region_name="eu-west-1")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key_id)
    iam = boto3.client("iam")
    iam.create_user(UserName="ann")
    iam.create_access_key(UserName="ann")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document)
    iam.put_role_policy(RoleName="reader", PolicyName="inline", PolicyDocument=POLICY)
    arn = iam.create_policy(PolicyName="managed", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)


def left() -> dict[str, list[str]]:
    """What still exists."""
    iam, dynamodb = boto3.client("iam"), boto3.client("dynamodb")
    kms = boto3.client("kms", region_name="eu-west-1")
    keys = [kms.describe_key(KeyId=key["KeyId"]) for key in kms.list_keys()["Keys"]]
    return {
        "buckets": [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]],
        "tables": dynamodb.list_tables()["TableNames"],
        "backups": [row["BackupName"] for row in dynamodb.list_backups()["BackupSummaries"]],
        "aliases": [
            row["AliasName"]
            for row in kms.list_aliases()["Aliases"]
            if not row["AliasName"].startswith("alias/aws/")
        ],
        "keys": [key["KeyMetadata"]["KeyState"] for key in keys],
        "users": [user["UserName"] for user in iam.list_users()["Users"]],
        "groups": [group["GroupName"] for group in iam.list_groups()["Groups"]],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "policies": [row["PolicyName"] for row in iam.list_policies(Scope="Local")["Policies"]],
    }


def rows(table: Any) -> list[tuple[str, str]]:
    return [tuple(row) for row in table[["name", "what happened"]].to_numpy().tolist()]


def test_everything_is_cleaned_up(lab: Lab) -> None:
    fill()
    happened = dict(rows(lab.cleanup()))
    assert happened.pop("full") == "deleted, with all its versions and uploads"
    key_id = boto3.client("kms", region_name="eu-west-1").list_keys()["Keys"][0]["KeyId"]
    assert happened.pop(key_id) == "scheduled for deletion in 7 days"
    assert set(happened.values()) == {"deleted"}
    assert left() == {
        "buckets": [], "tables": [], "backups": [], "aliases": [], "keys": ["PendingDeletion"],
        "users": ["workshop-admin"], "groups": [], "roles": [], "policies": [],
    }  # fmt: skip


def test_cleaning_up_twice_finds_nothing(lab: Lab) -> None:
    create_table("open")
    assert len(lab.cleanup()) == 1
    assert len(lab.cleanup()) == 0


def test_what_is_already_gone_counts_as_gone(lab: Lab) -> None:
    fill()
    s3 = boto3.resource("s3").Bucket("full")
    s3.object_versions.delete()
    for upload in s3.multipart_uploads.all():
        upload.abort()
    s3.delete()
    boto3.client("dynamodb").delete_table(TableName="open")
    kms = boto3.client("kms", region_name="eu-west-1")
    kms.delete_alias(AliasName="alias/mine")
    key_id = kms.list_keys()["Keys"][0]["KeyId"]
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=10)
    happened = dict(rows(lab.cleanup()))
    for name in ("full", "open", "alias/mine"):
        assert happened[name] == "was already gone"
    assert happened[key_id] == "was already scheduled for deletion"
    planned = kms.describe_key(KeyId=key_id)["KeyMetadata"]["DeletionDate"] - datetime.now(UTC)
    assert timedelta(days=9) < planned <= timedelta(days=10)


def test_a_policy_that_denies_does_not_keep_a_bucket(lab: Lab) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="denied")
    s3.put_object(Bucket="denied", Key="k", Body=b"x")
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject", "s3:DeleteBucket"],
        "Resource": ["arn:aws:s3:::denied", "arn:aws:s3:::denied/*"],
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": deny})
    s3.put_bucket_policy(Bucket="denied", Policy=document)
    assert rows(lab.cleanup()) == [("denied", "deleted, with all its versions and uploads")]


def test_clean_up_does_not_use_the_lesson_s_session(lab: Lab) -> None:
    create_table("open")
    iam = boto3.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    boto3.setup_default_session(
        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    assert {what for _, what in rows(lab.cleanup())} == {"deleted"}


def test_what_cannot_be_deleted_is_told_and_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> str:
        raise ClientError({"Error": {"Code": "ResourceInUseException"}}, "DeleteTable")

    create_table("open")
    with monkeypatch.context() as patch:
        patch.setitem(cleanup._DELETERS, "table", refuse)
        assert rows(lab.cleanup()) == [("open", "not deleted: ResourceInUseException")]
    assert rows(lab.cleanup()) == [("open", "deleted")]


# --- other accounts -----------------------------------------------------------------------


def test_the_same_name_is_the_same_other_account() -> None:
    lab = start_lab()
    ids = [
        session.client("sts").get_caller_identity()["Account"]
        for session in (
            lab.account("audit"),
            lab.account("audit"),
            lab.account("third"),
            lab.session(),
        )
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"\d{12}", each) for each in ids)
    again = start_lab().account("audit")
    assert again.client("sts").get_caller_identity()["Account"] == ids[0]


@pytest.mark.parametrize("name", ["", "Audit", "a b", "a--b"])
def test_an_account_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a name"):
        start_lab().account(name)


def test_another_account_begins_empty_in_each_lab() -> None:
    first = start_lab().account("audit")
    first.client("s3").create_bucket(Bucket="audit-bucket")
    first.client("kms").create_key()
    second = start_lab().account("audit")
    assert second.client("s3").list_buckets()["Buckets"] == []
    assert second.client("kms").list_keys()["Keys"] == []
    second.client("s3").create_bucket(Bucket="audit-bucket")


def test_clean_up_covers_the_other_accounts() -> None:
    lab = start_lab()
    audit = lab.account("audit")
    for session in (lab.session(), audit):
        session.client("kms").create_key()
        session.client("s3").create_bucket(Bucket=lab.name("bucket"))
        session.client("iam").create_user(UserName="same")
    lab.cleanup()
    for session in (lab.session(), audit):
        (key,) = session.client("kms").list_keys()["Keys"]
        found = session.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        assert found["KeyState"] == "PendingDeletion"
        assert session.client("s3").list_buckets()["Buckets"] == []
        users = session.client("iam").list_users()["Users"]
        assert [each["UserName"] for each in users] == ["workshop-admin"]


def test_the_lenses_see_another_accounts_calls() -> None:
    lab = start_lab()
    audit = lab.account("audit")
    key = lab.session().client("kms").create_key()["KeyMetadata"]["Arn"]
    with trace() as calls, refused("AccessDeniedException"):
        audit.client("kms").encrypt(KeyId=key, Plaintext=b"x")
    assert calls.table["operation"].tolist() == ["Encrypt"]


@pytest.mark.parametrize("secret", [None, "guessed"])
def test_another_accounts_signature_is_verified_over_http(secret: str | None) -> None:
    lab = start_lab()
    credentials = lab.account("audit").get_credentials()
    assert credentials is not None
    lab.serve()
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    signing = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": secret or credentials.secret_key,
    }
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **signing},
        capture_output=True,
        text=True,
        check=False,
    )
    if secret is None:
        assert re.fullmatch(r"arn:aws:iam::\d{12}:user/workshop-admin", ran.stdout.strip())
        assert "123456789012" not in ran.stdout
    else:
        assert "SignatureDoesNotMatch" in ran.stderr


def test_clean_up_ends_an_organization_and_what_its_policies_deny() -> None:
    lab = start_lab()
    audit, organizations = lab.account("audit"), lab.session().client("organizations")
    account = audit.client("sts").get_caller_identity()["Account"]
    audit.client("kms").create_key()
    organizations.create_organization()
    root = organizations.list_roots()["Roots"][0]["Id"]
    handshake = organizations.invite_account_to_organization(
        Target={"Id": account, "Type": "ACCOUNT"}
    )["Handshake"]["Id"]
    audit.client("organizations").accept_handshake(HandshakeId=handshake)
    outer = organizations.create_organizational_unit(ParentId=root, Name="outer")
    inner = organizations.create_organizational_unit(
        ParentId=outer["OrganizationalUnit"]["Id"], Name="inner"
    )["OrganizationalUnit"]["Id"]
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=inner)
    only = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = organizations.create_policy(
        Name="narrow",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": [only]}),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=inner)
    organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=inner)
    with refused("AccessDeniedException"):
        audit.client("kms").list_keys()
    lab.cleanup()
    (key,) = audit.client("kms").list_keys()["Keys"]
    found = audit.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert found["KeyState"] == "PendingDeletion"
    with refused("AWSOrganizationsNotInUseException"):
        organizations.describe_organization()
    assert list(sandbox_of(lab).created()) == []


def test_the_first_client_of_a_process_may_be_a_labs_own() -> None:
    program = (
        "from workshop_lib import start_lab; s3 = start_lab().session().client('s3'); "
        "s3.create_bucket(Bucket='a-bucket'); print(s3.list_buckets()['Buckets'][0]['Name'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.stdout.endswith("a-bucket\n"), ran.stderr

"""The AWS CLI form, parsed by the AWS CLI itself; test_cli.py runs it."""

import datetime
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.model import OperationModel

from workshop_lib.lenses.cli_command import cli_command

clidriver = pytest.importorskip("awscli.clidriver")
SERVICES = ("s3", "kms", "dynamodb", "iam", "sts", "cloudtrail")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
Parsed = tuple[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def model_of(service: str, operation: str) -> OperationModel:
    client = boto3.Session().client(service, region_name="us-east-1")
    return client.meta.service_model.operation_model(operation)


def form(service: str, operation: str, params: dict[str, Any], body: bytes | None = None) -> str:
    return cli_command(model_of(service, operation), params, body=body)


def pasted(lines: str) -> list[str]:
    """What `aws` is given when the lines are pasted into a POSIX shell; files are written."""
    told = "aws() { printf '%s\\0' \"$@\"; }\n"
    shell = subprocess.run(["sh", "-c", told + lines], stdout=subprocess.PIPE, check=True)
    return shell.stdout.decode().split("\0")[:-1]


@pytest.fixture(scope="module")
def driver() -> Any:
    return clidriver.create_clidriver()


@pytest.fixture
def read_by_the_cli(driver: Any) -> Iterator[Callable[[str], Parsed]]:
    """Let the AWS CLI parse a command, and stop it before it would send anything."""
    parsed: list[Parsed] = []

    def keep(params: dict[str, Any], model: Any, **_: Any) -> None:
        parsed.append((model.name, dict(params)))

    def stop(**_: Any) -> Any:
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {}}

    def read(command: str) -> Parsed:
        parsed.clear()
        words = pasted(command)
        assert driver.main(words) == 0, command
        [only] = parsed
        return only

    driver.session.register("provide-client-params.*.*", keep)
    driver.session.register("before-call.*.*", stop)
    yield read
    driver.session.unregister("provide-client-params.*.*", keep)
    driver.session.unregister("before-call.*.*", stop)


PARAMS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "ListBuckets", {}),
    (
        "s3",
        "PutBucketEncryption",
        {
            "Bucket": "b",
            "ServerSideEncryptionConfiguration": {
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": "alias/it's mine",
                        },
                        "BucketKeyEnabled": True,
                    }
                ]
            },
        },
    ),
    ("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": json.dumps({"Statement": ["$x `y` !"]})}),
    ("s3", "HeadObject", {"Bucket": "b", "Key": "-k", "PartNumber": 1}),
    (
        "s3",
        "CreateMultipartUpload",
        {"Bucket": "b", "Key": "k", "BucketKeyEnabled": False, "Metadata": {"note": '"x" $y'}},
    ),
    (
        "kms",
        "GenerateDataKey",
        {"KeyId": "alias/a", "KeySpec": "AES_256", "EncryptionContext": {"tenant": "a, b=c"}},
    ),
    ("kms", "CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "b"}], "MultiRegion": True}),
    ("kms", "DisableKeyRotation", {"KeyId": "k"}),
    ("kms", "ScheduleKeyDeletion", {"KeyId": "k", "PendingWindowInDays": 7}),
    (
        "dynamodb",
        "Query",
        {
            "TableName": "t",
            "KeyConditionExpression": "id = :i AND #s > :s",
            "ExpressionAttributeNames": {"#s": "sort"},
            "ExpressionAttributeValues": {":i": {"S": "o'clock"}, ":s": {"N": "1.50"}},
            "ScanIndexForward": False,
            "Limit": 3,
        },
    ),
    (
        "dynamodb",
        "UpdateTable",
        {"TableName": "t", "SSESpecification": {"Enabled": True, "SSEType": "KMS"}},
    ),
    (
        "iam",
        "PutRolePolicy",
        {"RoleName": "r", "PolicyName": "p", "PolicyDocument": '{"Version": "2012-10-17"}'},
    ),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "ada"},
    ),
    (
        "cloudtrail",
        "LookupEvents",
        {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "Decrypt"}]},
    ),
]


@pytest.mark.parametrize(
    ("service", "operation", "params"), PARAMS, ids=[case[1] for case in PARAMS]
)
def test_the_aws_cli_reads_the_same_parameters(
    service: str,
    operation: str,
    params: dict[str, Any],
    read_by_the_cli: Callable[[str], Parsed],
) -> None:
    assert read_by_the_cli(form(service, operation, params)) == (operation, params)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        'it\'s 100% \\n "quoted" $HOME `ls` !',
        "two\nlines\n\tand \\n no third\r\n",
        "-n",
        "é",
        "",
    ],
)
def test_short_text_is_written_to_its_file(
    text: str, read_by_the_cli: Callable[[str], Parsed]
) -> None:
    command = form("kms", "Encrypt", {"KeyId": "k", "Plaintext": text.encode()})
    assert len(command.splitlines()) == 2
    assert read_by_the_cli(command) == ("Encrypt", {"KeyId": "k", "Plaintext": text.encode()})
    _, params = read_by_the_cli(
        form("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": text}, body=text.encode())
    )
    assert params["Body"].read() == text.encode()


def test_a_small_blob_is_written_to_its_file_as_well(
    folder: Path, read_by_the_cli: Callable[[str], Parsed]
) -> None:
    blob = bytes(range(256))
    command = form("kms", "Decrypt", {"CiphertextBlob": blob, "KeyId": "k"})
    assert command.splitlines()[1] == (
        "aws kms decrypt --ciphertext-blob fileb://ciphertext-blob.bin --key-id k"
    )
    assert read_by_the_cli(command)[1] == {"CiphertextBlob": blob, "KeyId": "k"}


def test_a_long_or_unknown_body_is_a_file_to_fill_in() -> None:
    long = form("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": b""}, body=None)
    assert long == "aws s3api put-object --bucket b --key k --body body.bin"


def test_an_encrypted_item_is_given_as_a_file(folder: Path) -> None:
    item = {"id": {"S": "END\n'END'"}, "a": {"B": b"\x00\xff"}, "b": {"L": [{"B": b"x"}]}}
    words = pasted(form("dynamodb", "PutItem", {"TableName": "t", "Item": item}))
    assert words == ["dynamodb", "put-item", "--table-name", "t", "--item", "file://item.json"]
    assert json.loads((folder / "item.json").read_text()) == {
        "id": {"S": "END\n'END'"},
        "a": {"B": "AP8="},
        "b": {"L": [{"B": "eA=="}]},
    }


def test_a_long_command_is_broken_before_each_option() -> None:
    params = {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "it's me"}
    assert form("sts", "AssumeRole", params).splitlines() == [
        "aws sts assume-role \\",
        "  --role-arn arn:aws:iam::123456789012:role/reader \\",
        "  --role-session-name 'it'\"'\"'s me'",
    ]


def test_an_open_file_is_named(folder: Path, read_by_the_cli: Callable[[str], Parsed]) -> None:
    (folder / "my report.csv").write_bytes(b"a,b")
    with Path("my report.csv").open("rb") as file:
        command = form("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": file}, body=b"a,b")
    assert command == "aws s3api put-object --bucket b --key k --body 'my report.csv'"
    assert read_by_the_cli(command)[1]["Body"].read() == b"a,b"


def test_customer_keys_and_passwords_never_appear() -> None:
    key = "0123456789abcdef0123456789abcdef"
    params = {
        "Bucket": "b",
        "Key": "k",
        "CopySource": {"Bucket": "b", "Key": "a b", "VersionId": "7"},
        "CopySourceSSECustomerKey": key,
        "SSECustomerKey": key.encode(),
        "CopySourceSSECustomerKeyMD5": "digest",
        "SSECustomerKeyMD5": "digest",
        "SSECustomerAlgorithm": "AES256",
    }
    assert pasted(form("s3", "CopyObject", params))[-8:] == [
        "--copy-source", "b/a b?versionId=7",
        "--copy-source-sse-customer-key", "fileb://ssec.key",
        "--sse-customer-key", "fileb://ssec.key",
        "--sse-customer-algorithm", "AES256",
    ]  # fmt: skip
    login = form("iam", "CreateLoginProfile", {"UserName": "ada", "Password": "correct horse"})
    assert login.endswith("--user-name ada --password file://password.txt")


@pytest.mark.parametrize(
    ("service", "operation", "names"),
    [
        ("iam", "ChangePassword", ["OldPassword", "NewPassword"]),
        ("iam", "UpdateLoginProfile", ["Password"]),
        ("iam", "UploadServerCertificate", ["PrivateKey"]),
        ("iam", "UpdateSAMLProvider", ["AddPrivateKey"]),
        ("kms", "CreateCustomKeyStore", ["KeyStorePassword"]),
        ("kms", "UpdateCustomKeyStore", ["KeyStorePassword"]),
        ("sts", "AssumeRoleWithSAML", ["SAMLAssertion"]),
        ("sts", "AssumeRoleWithWebIdentity", ["WebIdentityToken"]),
    ],
)
def test_secrets_travel_in_files(
    service: str,
    operation: str,
    names: list[str],
    folder: Path,
    read_by_the_cli: Callable[[str], Parsed],
) -> None:
    secrets = {name: f"correct horse, {name}" for name in names}
    command = form(service, operation, secrets)
    assert "correct horse" not in command
    for name, secret in secrets.items():
        (folder / f"{xform_name(name, '-')}.txt").write_text(secret)
    placeholders = " ".join(_needed(service, operation, secrets))
    assert read_by_the_cli(f"{command} {placeholders}")[1].items() >= secrets.items()


def _needed(service: str, operation: str, given: dict[str, str]) -> list[str]:
    """Options for the other parameters that the AWS CLI requires, so that it parses."""
    shape = model_of(service, operation).input_shape
    return [
        f"--{xform_name(name, '-')} {'x' * shape.members[name].metadata.get('min', 1)}"
        for name in shape.required_members
        if name not in given
    ]


def test_a_secret_within_a_structure_travels_in_a_file() -> None:
    credential = {"AccessKeyId": "A" * 20, "RawSecretAccessKey": "correct horse" * 4}
    store = {"CustomKeyStoreName": "hsm", "XksProxyAuthenticationCredential": credential}
    lines = form("kms", "CreateCustomKeyStore", store)
    assert "correct horse" not in lines
    assert pasted(lines)[2:] == [
        "--custom-key-store-name", "hsm",
        "--xks-proxy-authentication-credential",
        "file://xks-proxy-authentication-credential.json",
    ]  # fmt: skip


def test_a_key_that_kms_is_given_to_encrypt_does_not_appear() -> None:
    lines = form("kms", "Encrypt", {"KeyId": "k", "Plaintext": b"\xff" * 32})
    assert lines == "aws kms encrypt --key-id k --plaintext fileb://plaintext.bin"


def test_which_kms_key_is_used_is_shown_though_s3_calls_it_sensitive() -> None:
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"}
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]}
    default = form(
        "s3",
        "PutBucketEncryption",
        {"Bucket": "b", "ServerSideEncryptionConfiguration": encryption},
    )
    assert "alias/mine" in default
    how = {"SSEKMSKeyId": "alias/mine", "SSEKMSEncryptionContext": "eyJhIjogImIifQ=="}
    upload = form("s3", "PutObject", {"Bucket": "b", "Key": "k", **how})
    assert pasted(upload)[-4:] == [
        "--ssekms-key-id", "alias/mine", "--ssekms-encryption-context", "eyJhIjogImIifQ==",
    ]  # fmt: skip


def test_dates_are_written_in_iso_form(read_by_the_cli: Callable[[str], Parsed]) -> None:
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    command = form("cloudtrail", "LookupEvents", {"StartTime": when})
    assert read_by_the_cli(command)[1] == {"StartTime": "2026-01-02T03:04:05+00:00"}


def test_every_operation_and_parameter_has_the_aws_cli_s_name(driver: Any) -> None:
    commands = driver._get_command_table()
    checked = 0
    for service in SERVICES:
        table = commands["s3api" if service == "s3" else service]._get_command_table()
        model = boto3.Session().client(service, region_name="us-east-1").meta.service_model
        for operation in map(model.operation_model, model.operation_names):
            command = table.get(cli_command(operation, {}).split()[2])
            if command is not None:  # boto3 may be newer than the AWS CLI
                checked += 1
                _check_names(operation, {f"--{each}" for each in command.arg_table})
    assert checked > 400


def _check_names(model: OperationModel, known: set[str]) -> None:
    members = model.input_shape.members if model.input_shape else {}
    for name, shape in members.items():
        for value in (True, False) if shape.type_name == "boolean" else ("1",):
            lines = cli_command(model, {name: value}).replace("\\\n", "")
            words = shlex.split(lines)
            options = [word for word in words if word.startswith("--")]
            assert known.issuperset(options), (model.name, options)
            assert options or name.endswith("KeyMD5"), (model.name, name)

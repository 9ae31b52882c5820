"""The AWS CLI at the lab's address: the S3 lessons' own commands, and the everyday ones."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.support.labs import as_before
from tests.support.lessons import LESSONS, code_cells, read, with_solutions
from workshop_lib import start_lab, trace
from workshop_lib.lab import Lab
from workshop_lib.sandbox import clock

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(os.name == "nt", reason="the commands are for a POSIX shell"),
]
S3_LESSONS = [path for path in LESSONS if path.name[:2] in ("05", "06", "07")]
# What shows widgets or judges an exercise makes no step of a lesson's own.
_NO_STEP = re.compile(r"(predict|check|quiz)\(|lab\.cleanup\(\)")


@pytest.fixture(autouse=True)
def _process() -> Iterator[None]:
    with as_before():
        yield


class Terminal:
    """A shell with the lines that ``lab.serve()`` prints, in a folder of its own."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._folder = folder
        with redirect_stdout(StringIO()) as printed:
            lab.serve()
        lines = printed.getvalue().splitlines()
        self._lines = [line for line in lines if line.startswith(("export ", "unset "))]

    def run(self, command: str, session: dict[str, str] | None = None) -> tuple[str, str]:
        """(what was printed, the error code or ""): ``session`` are other credentials to use."""
        own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
               "HOME": str(self._folder)}  # fmt: skip
        lines = [*self._lines, *(f"export {name}={each}" for name, each in (session or {}).items())]
        done = subprocess.run(
            ["bash", "-c", "\n".join([*lines, command])],
            cwd=self._folder, env=own, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return done.stdout, ""
        found = re.search(r"An error occurred \(([^)]+)\) when calling", done.stderr)
        assert found, done.stderr
        return done.stdout, found[1]

    def do(self, command: str) -> str:
        """Run a command that must succeed; what it printed."""
        printed, code = self.run(command)
        assert code == "", command
        return printed


# --- The lessons' commands -----------------------------------------------------------------------


@dataclass
class Step:
    """A call that a lesson made: by whom and how, with what answer, and its AWS CLI form."""

    client: BaseClient
    access_key: str
    operation: str
    params: dict[str, Any]
    skipped: timedelta  # what the lab's clock was ahead by
    account: str = ""  # the name of the other account whose administrator made it
    answer: Any = None
    cli: str = ""

    @property
    def service(self) -> str:
        name: str = self.client.meta.service_model.service_name
        return name

    @property
    def outcome(self) -> str:
        """The error code, or nothing."""
        code: str = self.answer.get("Error", {}).get("Code", "")
        return code

    @property
    def form(self) -> tuple[object, ...]:
        """What makes the command worth a run: its options, and how it ended."""
        return self.operation, frozenset(self.params), self.outcome


def play(lesson: Path) -> list[Step]:
    """Run a lesson's cells in this process, each in a trace, and tell the calls it made."""
    steps: list[Step] = []
    accounts: dict[str, str] = {}
    original, account = BaseClient._make_api_call, Lab.account

    def entering(lab: Lab, name: str) -> boto3.Session:
        session = account(lab, name)
        accounts[session.get_credentials().access_key] = name
        return session

    def recording(client: Any, operation: str, params: Any) -> Any:
        access_key = client._request_signer._credentials.access_key
        # botocore encodes a customer key in place; and some calls make another call
        step = Step(
            client, access_key, operation, dict(params), clock._skipped,
            accounts.get(access_key, ""),
        )  # fmt: skip
        steps.append(step)
        try:
            step.answer = original(client, operation, params)
        except ClientError as error:
            step.answer = error.response
            raise
        return step.answer

    namespace: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", recording)
        patch.setattr(Lab, "account", entering)
        for cell in code_cells(with_solutions(read(lesson))):
            if _NO_STEP.match(cell.source):
                continue
            before = len(steps)
            source = cell.source.replace("1000", "20")  # uploads that are all alike
            with trace() as calls, redirect_stdout(StringIO()):
                exec(compile(source, cell.id, "exec"), namespace)
            for step, command in zip(steps[before:], calls.cli, strict=True):
                step.cli = command
    return steps


class Again:
    """A lesson's calls once more, in a fresh lab: from the terminal, or as they were made.

    What a lesson is given (ids of keys and versions) is the same in every lab; only the
    credentials of a role or of another account's administrator are not.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lab = start_lab()
        self._terminal = Terminal(self._lab, folder)
        self._sessions: dict[str, dict[str, str]] = {}
        self._clients: dict[BaseClient, Any] = {}

    def call(self, step: Step) -> str:
        """Make the call through boto3; the error code, or nothing."""
        clock.advance(step.skipped - clock._skipped)
        if step.client not in self._clients:
            session = self._session(step)
            names = {name.lower(): each for name, each in session.items()}
            self._clients[step.client] = boto3.Session().client(
                step.service, endpoint_url=step.client.meta.endpoint_url, **names
            )
        try:
            answer = self._clients[step.client]._make_api_call(step.operation, step.params)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        if step.operation == "AssumeRole":
            own = answer["Credentials"]
            self._sessions[step.answer["Credentials"]["AccessKeyId"]] = {
                "AWS_ACCESS_KEY_ID": own["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": own["SecretAccessKey"],
                "AWS_SESSION_TOKEN": own["SessionToken"],
            }
        return ""

    def _session(self, step: Step) -> dict[str, str]:
        """The credentials of whoever made the call, as they are in this lab."""
        if step.account and step.access_key not in self._sessions:
            own = self._lab.account(step.account).get_credentials()
            self._sessions[step.access_key] = {
                "AWS_ACCESS_KEY_ID": own.access_key,
                "AWS_SECRET_ACCESS_KEY": own.secret_key,
            }
        return self._sessions.get(step.access_key, {})

    def type(self, step: Step) -> str:
        """Run the call's AWS CLI form, unchanged; the error code, or nothing."""
        clock.advance(step.skipped - clock._skipped)
        self._write_files(step)
        printed, code = self._terminal.run(step.cli, self._session(step))
        told = json.loads(printed) if printed else {}
        for name in _SAME & step.answer.keys():
            assert told[name] == step.answer[name], (step.cli, name)
        return code

    def _write_files(self, step: Step) -> None:
        """The files that the command names and does not write itself: keys and long bodies."""
        for option, parameter in _FILES.items():
            for name in re.findall(rf" {option} (?:fileb://)?(\S+\.(?:key|bin))", step.cli):
                content = step.params[parameter]
                content = content.encode() if isinstance(content, str) else content
                (self._folder / name).write_bytes(content)


_FILES = {
    "--body": "Body",
    "--sse-customer-key": "SSECustomerKey",
    "--copy-source-sse-customer-key": "CopySourceSSECustomerKey",
}
# What an answer tells that is the same whenever it is asked.
_SAME = {
    "BucketKeyEnabled", "ChecksumSHA256", "ChecksumType", "ContentLength", "CopySourceVersionId",
    "SSECustomerAlgorithm", "SSECustomerKeyMD5", "SSEKMSKeyId",
    "ServerSideEncryption", "ServerSideEncryptionConfiguration", "VersionId",
}  # fmt: skip
typed: set[tuple[object, ...]] = set()  # the forms that a lesson before had as well


@pytest.mark.parametrize("lesson", S3_LESSONS, ids=lambda path: path.stem)
def test_a_lesson_s_commands_run_unchanged_in_a_terminal(lesson: Path, tmp_path: Path) -> None:
    """Every kind of S3 command once (its options, its end); the other calls as they were made."""
    steps = play(lesson)
    again = Again(tmp_path)
    number = 0
    for step in steps:
        plain = step.service == "s3" and step.client.meta.endpoint_url.startswith("http://")
        if step.service != "s3" or plain or step.form in typed:
            assert again.call(step) == step.outcome, step
            continue
        typed.add(step.form)
        number += 1
        assert again.type(step) == step.outcome, step.cli
    assert number > 3


# --- Everyday commands ---------------------------------------------------------------------------


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(start_lab(), tmp_path)


def test_aws_s3_moves_files(terminal: Terminal, tmp_path: Path) -> None:
    """Parts of 8 MiB, folders, and each encryption by the options of ``aws s3``."""
    s3, key_id = boto3.client("s3"), boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    s3.create_bucket(Bucket="files")
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}  # fmt: skip
    s3.put_bucket_encryption(Bucket="files", ServerSideEncryptionConfiguration={"Rules": [rule]})
    big, folder, customer_key = os.urandom(9 * 2**20), tmp_path / "folder", os.urandom(32)
    (tmp_path / "big").write_bytes(big)
    (tmp_path / "ssec.key").write_bytes(customer_key)
    (folder / "deep er").mkdir(parents=True)
    (folder / "a").write_text("a")
    (folder / "deep er" / "ü+ b").write_text("b")

    terminal.do(f"aws s3 cp big s3://files/big --sse aws:kms --sse-kms-key-id {key_id} --quiet")
    head = s3.head_object(Bucket="files", Key="big")
    assert head["SSEKMSKeyId"].endswith(key_id)
    assert head["ETag"].endswith('-2"')
    terminal.do("aws s3 cp s3://files/big back --quiet")
    assert (tmp_path / "back").read_bytes() == big

    customer = "--sse-c AES256 --sse-c-key fileb://ssec.key --quiet"
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": customer_key}
    terminal.do(f"aws s3 cp big s3://files/sealed {customer}")
    assert s3.get_object(Bucket="files", Key="sealed", **own)["Body"].read() == big
    terminal.do(f"aws s3 cp s3://files/sealed opened {customer}")
    assert (tmp_path / "opened").read_bytes() == big

    terminal.do("aws s3 sync folder s3://files/folder --sse AES256 --quiet")
    terminal.do("aws s3 sync s3://files/folder copy --quiet")
    assert (tmp_path / "copy" / "deep er" / "ü+ b").read_text() == "b"
    assert terminal.do("aws s3 sync folder s3://files/folder") == ""  # nothing left to do
    listed = terminal.do("aws s3 ls s3://files --recursive")
    assert [line.split(maxsplit=3)[3] for line in listed.splitlines()] == [
        "big", "folder/a", "folder/deep er/ü+ b", "sealed",
    ]  # fmt: skip

    url = terminal.do("aws s3 presign s3://files/folder/a").strip()
    with urlopen(url, timeout=20) as answer:
        assert answer.read() == b"a"
    terminal.do("aws s3 rb s3://files --force")
    assert s3.list_buckets()["Buckets"] == []


def test_the_forms_of_kms_dynamodb_and_sts_calls_run_unchanged(terminal: Terminal) -> None:
    kms, dynamodb = boto3.client("kms"), boto3.client("dynamodb")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    with trace() as calls:
        kms.encrypt(KeyId=key_id, Plaintext=b"it's", EncryptionContext={"purpose": "demo"})
        dynamodb.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName="orders", Item={"id": {"S": "o-1"}, "n": {"N": "1"}})
        dynamodb.get_item(TableName="orders", Key={"id": {"S": "o-1"}}, ConsistentRead=True)
        boto3.client("sts").get_caller_identity()
    dynamodb.delete_table(TableName="orders")
    printed = [json.loads(terminal.do(command) or "{}") for command in calls.cli]
    assert printed[0]["KeyId"].endswith(key_id)
    assert printed[3]["Item"] == {"id": {"S": "o-1"}, "n": {"N": "1"}}
    assert printed[4]["Arn"].endswith(":user/workshop-admin")


def test_aws_kms_and_dynamodb(terminal: Terminal, tmp_path: Path) -> None:
    """The commands of AWS's own examples, with the shell between them."""
    key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    (tmp_path / "secret").write_bytes(b"4111 1111")
    context = "--encryption-context purpose=lesson"
    sealed = f"aws kms encrypt --key-id {key_id} --plaintext fileb://secret {context}"
    query = "--query CiphertextBlob --output text | base64 --decode > sealed"
    opened = "aws kms decrypt --ciphertext-blob fileb://sealed --query Plaintext --output text"
    decode = "| base64 --decode"
    assert terminal.do(f"{sealed} {query} && {opened} {context} {decode}") == "4111 1111"
    assert terminal.run(opened)[1] == "InvalidCiphertextException"

    create = (
        "aws dynamodb create-table --table-name orders --billing-mode PAY_PER_REQUEST "
        "--attribute-definitions AttributeName=id,AttributeType=S "
        "--key-schema AttributeName=id,KeyType=HASH "
        f"--sse-specification Enabled=true,SSEType=KMS,KMSMasterKeyId={key_id}"
    )
    terminal.do(create)
    item = shlex.quote(json.dumps({"id": {"S": "o-1"}, "card": {"S": "4111"}}))
    key = shlex.quote(json.dumps({"id": {"S": "o-1"}}))
    printed = terminal.do(
        f"aws dynamodb put-item --table-name orders --item {item} && "
        f"aws dynamodb get-item --table-name orders --key {key}"
    )
    assert json.loads(printed)["Item"]["card"] == {"S": "4111"}

"""The sandbox as a pytest plugin of another project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHER_PROJECT = """
import os
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError


def test_a_rule_of_aws_bites(aws_sandbox):
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(ClientError, match="pending deletion"):
        kms.encrypt(KeyId=key, Plaintext=b"secret")
    aws_sandbox.later(timedelta(days=8))
    with pytest.raises(ClientError, match="NotFoundException"):
        kms.describe_key(KeyId=key)
    boto3.client("s3").create_bucket(Bucket="left-behind")
    boto3.client("iam").create_user(UserName="reader")
    key = boto3.client("iam").create_access_key(UserName="reader")["AccessKey"]
    reader = boto3.client(
        "s3",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_buckets()


def test_each_test_begins_with_nothing(aws_sandbox):
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert boto3.client("kms").list_keys()["Keys"] == []
    assert aws_sandbox.session().client("sts").get_caller_identity()["Account"]


def test_other_programs_reach_it(aws_sandbox):
    address, _ = aws_sandbox.serve()
    assert address.startswith("http://127.0.0.1:")
    assert os.environ["AWS_ENDPOINT_URL"] == address


def test_without_the_fixture_the_process_is_as_it_was():
    assert os.environ["AWS_ACCESS_KEY_ID"] == "AKIAOWN2345678901234"
    assert "AWS_ENDPOINT_URL" not in os.environ
    assert boto3.DEFAULT_SESSION is None
    import botocore.httpsession
    assert botocore.httpsession.URLLib3Session.send.__module__ == "botocore.httpsession"
"""


@pytest.mark.parametrize("conftest", ['pytest_plugins = ["workshop_lib.sandbox"]\n', ""])
def test_another_project_tests_against_the_sandbox(tmp_path: Path, conftest: str) -> None:
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(OTHER_PROJECT, encoding="utf-8")
    asked = [] if conftest else ["-p", "workshop_lib.sandbox"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asked, str(tmp_path)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AWS_ACCESS_KEY_ID": "AKIAOWN2345678901234",
            "AWS_SECRET_ACCESS_KEY": "own",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 passed" in run.stdout

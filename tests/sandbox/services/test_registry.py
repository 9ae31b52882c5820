"""A service is a folder and a line of the registry: shown with one that only the tests have."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.secrets_manager import DEFINITION
from tests.support.secrets_manager.service import SecretsManager
from workshop_lib.lab import start_lab
from workshop_lib.sandbox.gateway import Gateway
from workshop_lib.sandbox.isolation import ADMINISTRATOR
from workshop_lib.sandbox.services.registry import SERVICES
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport
from workshop_lib.sandbox.transport.http_server import HttpServer

WITH_ONE_MORE = {**SERVICES, DEFINITION: SecretsManager}


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """The gateway of this kernel, with one service more."""
    start_lab()
    gateway = Gateway(ADMINISTRATOR, services=WITH_ONE_MORE)
    transport = BotocoreTransport(gateway)
    transport.install()
    yield gateway
    transport.remove()


def client(name: str, **options: Any) -> Any:
    return boto3.client(name, region_name="us-east-1", **options)


@pytest.mark.usefixtures("gateway")
def test_it_answers_in_the_kernel() -> None:
    answer = client("secretsmanager").get_random_password(PasswordLength=4)
    assert answer["RandomPassword"] == "xxxx"
    assert client("s3").list_buckets()["Buckets"] == [], "the others answer as before"


def test_it_answers_over_http() -> None:
    if BotocoreTransport._installed is not None:  # else this kernel's calls need no socket
        BotocoreTransport._installed.remove()
    server = HttpServer(Gateway(ADMINISTRATOR, services=WITH_ONE_MORE))
    server.start()
    secrets = client(
        "secretsmanager",
        endpoint_url=server.address,
        aws_access_key_id=ADMINISTRATOR.access_key_id,
        aws_secret_access_key=ADMINISTRATOR.secret_access_key,
    )
    try:
        assert secrets.get_random_password(PasswordLength=3)["RandomPassword"] == "xxx"
    finally:
        server.stop()


@pytest.mark.usefixtures("gateway")
def test_what_it_does_not_answer_is_refused_by_name() -> None:
    with pytest.raises(NotImplementedError, match="secretsmanager:ListSecrets"):
        client("secretsmanager").list_secrets()


@pytest.mark.usefixtures("gateway")
def test_policies_decide_about_it_and_the_trail_records_it() -> None:
    iam = client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = client(
        "secretsmanager",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="secretsmanager:GetRandomPassword") as caught:
        reader.get_random_password()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    statement = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="reader", PolicyName="passwords", PolicyDocument=document)
    assert reader.get_random_password(PasswordLength=2)["RandomPassword"] == "xx"
    names = [event["EventName"] for event in client("cloudtrail").lookup_events()["Events"]]
    assert names.count("GetRandomPassword") == 2


def test_no_service_is_there_that_the_registry_lacks() -> None:
    start_lab()
    with pytest.raises(NotImplementedError, match="secretsmanager"):
        client("secretsmanager").get_random_password()

"""What a lab issues: ids are the same in every lab, for the lessons' outputs; secrets never."""

import urllib.error
import urllib.request

import boto3

from workshop_lib.lab import start_lab

TRUST = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"}}]}"""


def issued() -> list[dict[str, str]]:
    start_lab()
    iam, sts = boto3.client("iam"), boto3.client("sts")
    iam.create_user(UserName="ada")
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    return [
        iam.create_access_key(UserName="ada")["AccessKey"],
        sts.assume_role(RoleArn=arn, RoleSessionName="reading")["Credentials"],
        sts.get_session_token()["Credentials"],
        sts.get_federation_token(Name="partner")["Credentials"],
    ]


def test_secrets_never_repeat_and_ids_do() -> None:
    first, second = issued(), issued()
    ids = [[each["AccessKeyId"] for each in lab] for lab in (first, second)]
    assert ids[0] == ids[1]
    secrets = [
        each[name]
        for each in (*first, *second)
        for name in ("SecretAccessKey", "SessionToken")
        if name in each
    ]
    assert len(set(secrets)) == len(secrets) == 14
    assert {len(each["SecretAccessKey"]) for each in first} == {40}


def test_an_access_key_is_good_in_its_own_lab_only() -> None:
    def status(key: dict[str, str], address: str) -> int:
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
        sts = session.client("sts", endpoint_url=address)
        url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
        try:
            with urllib.request.urlopen(url) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return int(error.code)

    before = issued()[0]
    lab = start_lab()
    boto3.client("iam").create_user(UserName="ada")
    now = boto3.client("iam").create_access_key(UserName="ada")["AccessKey"]
    assert before["AccessKeyId"] == now["AccessKeyId"]
    address = lab.serve()
    assert status(now, address) == 200
    assert status(before, address) == 403

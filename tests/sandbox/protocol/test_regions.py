"""Regions and services that there are, and those that there are not."""

import boto3
import pytest
from botocore.config import Config

from tests.support.labs import without_kernel_transport
from workshop_lib.lab import start_lab
from workshop_lib.sandbox.policy.principals import is_service_principal
from workshop_lib.sandbox.protocol.service_model import regions


def test_regions_are_aws_s() -> None:
    assert {"us-east-1", "eu-central-2", "il-central-1", "mx-central-1"} <= regions()
    assert not {"mars-1", "us-east-9", "", "US-EAST-1"} & regions()


@pytest.mark.parametrize(
    ("name", "there_is"),
    [
        ("s3.amazonaws.com", True),
        ("dynamodb.us-east-1.amazonaws.com", True),
        ("us-east-1.supportauthz.amazonaws.com", True),
        ("delivery.logs.amazonaws.com", True),
        ("ec2.amazonaws.com.cn", True),
        ("nosuch.amazonaws.com", False),
        ("s3.mars-1.amazonaws.com", False),
        ("us-east-1.amazonaws.com", False),
        ("amazonaws.com", False),
        ("s3.example.com", False),
        ("S3.amazonaws.com", False),
        ("s3", False),
        ("", False),
    ],
)
def test_service_principals(name: str, there_is: bool) -> None:
    assert is_service_principal(name) is there_is


@pytest.mark.parametrize("region", ["xx-nowhere-1", "us-east-9"])
def test_an_endpoint_in_no_region_is_refused_by_its_name(region: str) -> None:
    start_lab()
    with pytest.raises(NotImplementedError, match=f"AWS has no Region {region}"):
        boto3.client("kms", region).list_keys()


def test_a_region_whose_name_is_none_is_refused_with_its_host() -> None:
    start_lab()
    with pytest.raises(NotImplementedError, match=r"does not emulate kms\.mars-1\.amazonaws\.com"):
        boto3.client("kms", "mars-1").list_keys()


def test_other_programs_sign_for_a_region_that_there_is() -> None:
    lab = start_lab()
    address = lab.serve()
    with without_kernel_transport():
        for service, code in (
            ("kms", "InvalidSignatureException"),
            ("sts", "SignatureDoesNotMatch"),
            ("s3", "AuthorizationHeaderMalformed"),
        ):
            asker = boto3.client(
                service, "mars-1", endpoint_url=address,
                config=Config(retries={"total_max_attempts": 1}),
            )  # fmt: skip
            ask = {"kms": "list_keys", "sts": "get_caller_identity", "s3": "list_buckets"}[service]
            with pytest.raises(asker.exceptions.ClientError) as caught:
                getattr(asker, ask)()
            assert caught.value.response["Error"]["Code"] == code

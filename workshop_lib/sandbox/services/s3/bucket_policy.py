"""A bucket's policy, and whether it makes the bucket public.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.policy import public_access
from workshop_lib.sandbox.policy.condition_keys import answered_condition_key
from workshop_lib.sandbox.policy.conditions import network
from workshop_lib.sandbox.policy.documents import parse_policy
from workshop_lib.sandbox.policy.grammar import MalformedPolicy, many
from workshop_lib.sandbox.policy.principals import unknown_principal
from workshop_lib.sandbox.policy.public_access import has_no_pattern
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.buckets import _S3_ARN, Bucket
from workshop_lib.sandbox.services.s3.errors import (
    access_denied,
    invalid_argument,
)
from workshop_lib.sandbox.services.s3.xml import respond

# --- the bucket's policy ------------------------------------------------------------------------

_LARGEST_POLICY = 20 * 1024


def get_policy(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html"""
    text = bucket.settings.policy_text
    if text is None:
        raise _no_policy(bucket)
    return Response(200, {"Content-Type": "application/json"}, text)


def _no_policy(bucket: Bucket) -> AwsError:
    return AwsError(
        "NoSuchBucketPolicy", "The bucket policy does not exist", 404, {"BucketName": bucket.name}
    )


def put_policy(call: Call, bucket: Bucket, exists: Callable[[str], bool]) -> Response:
    """Set the bucket's policy; ``exists`` tells whether an ARN in it names somebody.

    Raises AwsError MalformedPolicy, and AccessDenied for a public policy that Block Public Access
    keeps out; NotEmulated for a condition that the sandbox does not know.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    text = call.request.body
    if len(text) > _LARGEST_POLICY:
        raise invalid_argument("Policies must not exceed 20480 bytes.", "policy", None)
    try:
        policy = parse_policy(text, kind="bucket", known_keys=answered_condition_key)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicy", error.reason) from None
    if unknown_principal(policy, exists):
        raise AwsError("MalformedPolicy", "Invalid principal in policy")
    _require_own_resources(json.loads(text), bucket)
    public = is_public(json.loads(text))
    if public and bucket.blocks("block_public_policy"):
        raise access_denied(
            f"User: {call.caller.arn} is not authorized to perform: s3:PutBucketPolicy on "
            f'resource: "{bucket.arn}" because public policies are prevented by the '
            "BlockPublicPolicy setting in S3 Block Public Access."
        )
    settings = bucket.settings
    settings.policy_text, settings.policy, settings.policy_is_public = text, policy, public
    return Response(204)


def _require_own_resources(document: Mapping[str, Any], bucket: Bucket) -> None:
    """Every resource is the bucket or in it: wildcards may stand for more than that."""
    for statement in many(document["Statement"]):
        for element in ("Resource", "NotResource"):
            for resource in many(statement.get(element, [])):
                match = _S3_ARN.fullmatch(str(resource))
                if match is None or not re.fullmatch(_pattern(match[1]), bucket.name):
                    raise AwsError("MalformedPolicy", "Policy has invalid resource")


def _pattern(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)


def delete_policy(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html"""
    settings = bucket.settings
    settings.policy_text = settings.policy = None
    settings.policy_is_public = False
    return Response(204)


def get_policy_status(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html"""
    if bucket.settings.policy_text is None:
        raise _no_policy(bucket)
    return respond("PolicyStatus", {"IsPublic": bucket.settings.policy_is_public})


# A grant to everyone is not public where a fixed value of one of these keys narrows it.
_NARROWING = {
    "aws:calledvia", "aws:principalaccount", "aws:principalarn", "aws:principalorgid",
    "aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip",
    "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:userid",
    "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}  # fmt: skip


def is_public(document: Mapping[str, Any]) -> bool:
    """Whether a policy gives access to everyone, as Block Public Access sees it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    return public_access.is_public(document, _NARROWING, _is_fixed)


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip" and (block := network(value)):
        return block.prefixlen >= (32 if block.version == 6 else 8)
    if key in ("aws:principalarn", "aws:sourcearn"):
        account = (value.split(":", 5) + [""] * 5)[4]
        return bool(account) and "*" not in account and "${" not in value
    return has_no_pattern(value)

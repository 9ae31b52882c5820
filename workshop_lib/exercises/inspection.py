"""What a check looks at, and where it says what it saw."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises import resources
from workshop_lib.exercises.people import keeping_clients

AGAIN = "Run your cell again, then this check."


_DENIED = (
    "You are the administrator: take back the policy of yours that refuses it. If it refuses that "
    "too, run the set-up cell again, which starts afresh, and the cells after."
)


# What to do about a refusal that no check foresaw, by its code.
NEXT_STEPS = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "403": _DENIED,
    "DisabledException": "Call kms.enable_key(KeyId=…), then check again.",
    "KMSInvalidStateException": "Call kms.cancel_key_deletion(KeyId=…), then kms.enable_key.",
}


class CheckEnded(Exception):
    """Ends a check whose later steps have nothing left to look at."""


@dataclass(frozen=True)
class Step:
    """One thing a check looked at: whether it is as asked, what was seen, what to do next.

    condition: what was looked at in words of the course's own, where `seen` is AWS's sentence.
    """

    ok: bool
    seen: str
    fix: str = ""
    condition: str = ""


@dataclass
class Inspection:
    """What a check is given: where to look from, and where to say what it saw.

    subject: what the learner handed over, where AWS cannot show it: a client, for instance.
    """

    number: str
    lab: Any
    subject: Any = None
    steps: list[Step] = field(default_factory=list)

    def passed(self, seen: str) -> None:
        """Note something that is as asked: name what AWS said, not what was asked."""
        self.steps.append(Step(True, seen))

    def fail(self, what: str, fix: str) -> NoReturn:
        """Note what is missing, with the next step, and end the check."""
        self.steps.append(Step(False, what, fix))
        raise CheckEnded

    def require(self, ok: object, *, passed: str, failed: str, fix: str) -> None:
        """`passed` if `ok`, else `failed`: for what later steps build on."""
        if not ok:
            self.fail(failed, fix)
        self.passed(passed)

    def expect(self, ok: object, *, passed: str, failed: str, fix: str) -> None:
        """As `require`, but the check goes on: for requirements that stand on their own."""
        self.steps.append(Step(True, passed) if ok else Step(False, failed, fix))

    @contextmanager
    def asking(self, answers: dict[str, tuple[str, str]]) -> Iterator[None]:
        """AWS's refusals in words: {code: (what is missing, next step)}, for the block's calls."""
        try:
            yield
        except ClientError as error:
            answer = answers.get(error.response["Error"]["Code"])
            if answer is None:
                raise
            self.fail(*answer)

    def table(self, number: str = "", *, first_cell: bool = False) -> dict[str, Any]:
        """DescribeTable's answer for the newest table tagged for this exercise, or another one.

        first_cell: whether the lesson's own cell makes it.
        """
        number = number or self.number
        table = resources.newest_table(number)
        if table is None and first_cell:
            self.fail(
                f"no table carries the tag {resources.TAG} = {number}",
                f"Run the first cell of exercise {number} again: it makes the table.",
            )
        if table is None:
            call = "dynamodb.create_table(…, Tags=[{tag}])"
            self._untagged("no table", call, "Key", "Value", number)
        return table

    def bucket(self) -> str:
        """The name of the newest bucket tagged for this exercise."""
        bucket = resources.newest_bucket(self.number)
        if bucket is None and (closed := resources.closed_bucket()):
            self.fail(
                f"no bucket carries the tag {resources.TAG} = {self.number}, and the policy of "
                f"{closed} hides its tags even from you",
                "Let its Deny leave you out, in a bucket of a new name: nobody but the account's "
                "root user may still change that policy.",
            )
        if bucket is None:
            call = 's3.put_bucket_tagging(Bucket=…, Tagging={{"TagSet": [{tag}]}})'
            self._untagged("no bucket", call, "Key", "Value")
        return bucket

    def key(self, *, anywhere: bool = False) -> dict[str, Any]:
        """DescribeKey's KeyMetadata for the newest KMS key tagged for this exercise.

        A key that waits for its deletion is taken only if there is no other. anywhere: also in the
        other Regions that were worked in, if there is none here.
        """
        key = resources.newest_key(self.number)
        for region in sorted(self.lab.regions()) if anywhere else ():
            key = key or resources.newest_key(self.number, region=region)
        if key is None:
            self._untagged("no KMS key", "kms.create_key(Tags=[{tag}])", "TagKey", "TagValue")
        return key

    def role(self, number: str = "") -> dict[str, Any]:
        """ListRoles' entry for the newest role tagged for this exercise, or with another value."""
        number = number or self.number
        role = resources.newest_role(number)
        if role is None:
            self._untagged("no role", "iam.create_role(…, Tags=[{tag}])", "Key", "Value", number)
        return role

    def table_key(self, table: dict[str, Any]) -> dict[str, Any]:
        """KeyMetadata of the key a table is encrypted under; missing for the AWS owned key."""
        description = table.get("SSEDescription")
        if description is None:
            self.fail(
                "it is encrypted under the AWS owned key: it has no SSEDescription",
                "Ask for a key in SSESpecification, and let a minute pass after a switch.",
            )
        if description["Status"] == "UPDATING":  # meanwhile the old key is named, if any
            self.fail(
                "the switch to another key is still under way: Status is UPDATING",
                "Call lab.later(minutes=1), then check again.",
            )
        self.passed("its description names a KMS key")
        return self.key_named(description["KMSMasterKeyArn"])

    def keyed(self, table: dict[str, Any], wanted: dict[str, str], step: str) -> None:
        """The table's primary key is as wanted, {attribute: type}; nothing is said if it is."""
        types = {
            each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
        }
        names = [each["AttributeName"] for each in table["KeySchema"]]
        layout = {name: types[name] for name in names}
        if layout != wanted:
            self.fail(
                f"its primary key is {_written(layout)}, not {_written(wanted)}",
                f"Make a new table, laid out as in step {step}.",
            )

    def key_named(self, name: str) -> dict[str, Any]:
        """KeyMetadata of a key by ARN (in any Region), id or alias; missing if there is none."""
        region = name.split(":")[3] if name.startswith("arn:") else None
        kms = boto3.client("kms", region_name=region)
        unknown = (f"KMS knows no key {name}", "Name a key that exists, best by its ARN.")
        with self.asking({"NotFoundException": unknown}):
            metadata: dict[str, Any] = kms.describe_key(KeyId=name)["KeyMetadata"]
        return metadata

    def enabled(self, key: dict[str, Any]) -> None:
        """The key (its KeyMetadata) can be used."""
        cancel = "kms.cancel_key_deletion(KeyId=…), then " if key["KeyState"] != "Disabled" else ""
        self.require(
            key["KeyState"] == "Enabled",
            passed="its key is enabled",
            failed=f"its key is {key['KeyState']}: nobody can use it",
            fix=f"Call {cancel}kms.enable_key(KeyId=…).",
        )

    def own_key(self, key: dict[str, Any]) -> None:
        """The key (its KeyMetadata) is a customer managed one, and of the kind services use."""
        self.require(
            key["KeyManager"] == "CUSTOMER",
            passed=f"its key {key['KeyId']} is yours: KeyManager is CUSTOMER",
            failed="its key is an AWS managed one, not yours",
            fix="Make a key with kms.create_key and name it, by its ARN.",
        )
        if key["KeySpec"] != "SYMMETRIC_DEFAULT":
            self.fail(
                f"its key is of the kind {key['KeySpec']}: S3 and DynamoDB use symmetric ones only",
                "Make it with kms.create_key without KeySpec and KeyUsage.",
            )

    def become(self, role: dict[str, Any], by: boto3.Session | None = None) -> boto3.Session:
        """A session of a role, as ListRoles describes it; missing if it cannot be assumed.

        It may what the role may. Nobody has had this session's policy before, so S3 takes it for
        another requester than all earlier ones, and asks KMS again, also under a Bucket Key:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        by: a session of the role's account, where that is another one.
        """
        account = "its account" if by else "this account"
        answers = {
            "AccessDenied": (
                f"the role {role['RoleName']} cannot be assumed by {account}",
                "Let its trust policy name the account's root as principal, without a condition.",
            )
        }
        new = secrets.token_hex(4)
        all_that_it_may = {"Sid": new, "Effect": "Allow", "Action": "*", "Resource": "*"}
        with self.asking(answers):
            answer = (
                (by or boto3)
                .client("sts")
                .assume_role(
                    RoleArn=role["Arn"],
                    # a new name each time: services keep what they know of a session for minutes
                    RoleSessionName=f"exercise-check-{new}",
                    Policy=json.dumps({"Version": "2012-10-17", "Statement": all_that_it_may}),
                )
            )
        self.passed(f"the role {role['RoleName']} can be assumed")
        got = answer["Credentials"]
        keys = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        return keeping_clients(boto3.Session(*keys, region_name=boto3.Session().region_name))

    def _untagged(self, none: str, call: str, key: str, value: str, number: str = "") -> NoReturn:
        number = number or self.number
        tag = f'{{"{key}": "{resources.TAG}", "{value}": "{number}"}}'
        self.fail(
            f"{none} carries the tag {resources.TAG} = {number}",
            f"Tag yours: {call.format(tag=tag)}.{self._elsewhere()}",
        )

    def _elsewhere(self) -> str:
        """A hint for whoever worked in another Region as well."""
        here = boto3.DEFAULT_SESSION.region_name if boto3.DEFAULT_SESSION else ""
        others = sorted(self.lab.regions() - {here})
        return (
            f" The check looks in {here}; you also worked in {', '.join(others)}." if others else ""
        )


def _written(key: dict[str, str]) -> str:
    """A primary key in words: customer (S) and order_no (N)."""
    return " and ".join(f"{name} ({kind})" for name, kind in key.items())

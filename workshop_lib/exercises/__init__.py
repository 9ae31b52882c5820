"""Exercises: one check each, which asks AWS what is there and never the learner's variables.

The checks of a lesson live in `lesson_NN.py` beside this file, loaded when first used:

    @exercise("1.2", "a table under a key of your own")
    def own_key(look: Look) -> None:
        table = look.table()
        sse = table.get("SSEDescription")
        if sse is None:
            look.missing(
                "the table is encrypted under the AWS owned key: it has no SSEDescription",
                "Give create_table an SSESpecification with Enabled, SSEType and KMSMasterKeyId.",
            )
        kms = boto3.client("kms")
        key = kms.describe_key(KeyId=sse["KMSMasterKeyArn"])["KeyMetadata"]
        look.need(
            key["KeyManager"] == "CUSTOMER",
            saw=f"the table is encrypted under your key {key['KeyId']}",
            missing="its key is AWS managed: KMSMasterKeyId was left out",
            fix="Make a key with kms.create_key and name it in KMSMasterKeyId.",
        )

The learner's resources are found by a tag that the exercise asks for: `exercise` = `1.2`.
"""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from workshop_lib.exercises import tagged
from workshop_lib.refusals import describe

_AGAIN = "Run your cell again, then this check."
_DENIED = (
    "You are the administrator: take back the policy of yours that refuses it. If it refuses that "
    "too, run the set-up cell again, which starts afresh, and the cells after."
)
# What to do about a refusal that no check foresaw, by its code.
_NEXT = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "403": _DENIED,
    "DisabledException": "Call kms.enable_key(KeyId=…), then check again.",
    "KMSInvalidStateException": "Call kms.cancel_key_deletion(KeyId=…), then kms.enable_key.",
}


class _Stop(Exception):
    """Ends a check whose later steps have nothing left to look at."""


@dataclass(frozen=True)
class Step:
    """One thing a check looked at: whether it is as asked, what was seen, what to do next."""

    ok: bool
    seen: str
    fix: str = ""


@dataclass
class Look:
    """What a check is given: where to look from, and where to say what it saw."""

    number: str
    lab: Any
    steps: list[Step] = field(default_factory=list)

    def saw(self, seen: str) -> None:
        """Note something that is as asked: name what AWS said, not what was asked."""
        self.steps.append(Step(True, seen))

    def missing(self, what: str, fix: str) -> NoReturn:
        """Note what is missing, with the next step, and end the check."""
        self.steps.append(Step(False, what, fix))
        raise _Stop

    def need(self, ok: object, *, saw: str, missing: str, fix: str) -> None:
        """`saw` if `ok`, else `missing`: for what later steps build on."""
        if not ok:
            self.missing(missing, fix)
        self.saw(saw)

    def want(self, ok: object, *, saw: str, missing: str, fix: str) -> None:
        """As `need`, but the check goes on: for requirements that stand on their own."""
        self.steps.append(Step(True, saw) if ok else Step(False, missing, fix))

    @contextmanager
    def asking(self, answers: dict[str, tuple[str, str]]) -> Iterator[None]:
        """AWS's refusals in words: {code: (what is missing, next step)}, for the block's calls."""
        try:
            yield
        except ClientError as error:
            answer = answers.get(error.response["Error"]["Code"])
            if answer is None:
                raise
            self.missing(*answer)

    def table(self, number: str = "") -> dict[str, Any]:
        """DescribeTable's answer for the newest table tagged for this exercise, or another one."""
        number = number or self.number
        found = tagged.newest_table(number)
        if found is None:
            call = "dynamodb.create_table(…, Tags=[{tag}])"
            self._untagged("table", call, "Key", "Value", number)
        return found

    def bucket(self) -> str:
        """The name of the newest bucket tagged for this exercise."""
        found = tagged.newest_bucket(self.number)
        if found is None and (closed := tagged.closed_bucket()):
            self.missing(
                f"no bucket carries the tag {tagged.TAG} = {self.number}, and the policy of "
                f"{closed} hides its tags even from you",
                "Let its Deny leave you out, in a bucket of a new name: nobody but the account's "
                "root user may still change that policy.",
            )
        if found is None:
            call = 's3.put_bucket_tagging(Bucket=…, Tagging={{"TagSet": [{tag}]}})'
            self._untagged("bucket", call, "Key", "Value")
        return found

    def key(self) -> dict[str, Any]:
        """DescribeKey's KeyMetadata for the newest KMS key tagged for this exercise.

        A key that waits for its deletion is taken only if there is no other.
        """
        found = tagged.newest_key(self.number)
        if found is None:
            self._untagged("KMS key", "kms.create_key(Tags=[{tag}])", "TagKey", "TagValue")
        return found

    def role(self) -> dict[str, Any]:
        """ListRoles' entry for the newest role tagged for this exercise."""
        found = tagged.newest_role(self.number)
        if found is None:
            self._untagged("role", "iam.create_role(…, Tags=[{tag}])", "Key", "Value")
        return found

    def table_key(self, table: dict[str, Any]) -> dict[str, Any]:
        """KeyMetadata of the key a table is encrypted under; missing for the AWS owned key."""
        description = table.get("SSEDescription")
        if description is None:
            self.missing(
                "it is encrypted under the AWS owned key: it has no SSEDescription",
                "Ask for a key in SSESpecification, and let a minute pass after a switch.",
            )
        if description["Status"] == "UPDATING":  # meanwhile the old key is named, if any
            self.missing(
                "the switch to another key is still under way: Status is UPDATING",
                "Call lab.later(minutes=1), then check again.",
            )
        self.saw("its description names a KMS key")
        return self.key_named(description["KMSMasterKeyArn"])

    def keyed(self, table: dict[str, Any], wanted: dict[str, str], step: str) -> None:
        """The table's primary key is as wanted, {attribute: type}; nothing is said if it is."""
        types = {
            each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
        }
        names = [each["AttributeName"] for each in table["KeySchema"]]
        found = {name: types[name] for name in names}
        if found != wanted:
            self.missing(
                f"its primary key is {_written(found)}, not {_written(wanted)}",
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
        self.need(
            key["KeyState"] == "Enabled",
            saw="its key is enabled",
            missing=f"its key is {key['KeyState']}: nobody can use it",
            fix=f"Call {cancel}kms.enable_key(KeyId=…).",
        )

    def own_key(self, key: dict[str, Any]) -> None:
        """The key (its KeyMetadata) is a customer managed one, and of the kind services use."""
        self.need(
            key["KeyManager"] == "CUSTOMER",
            saw=f"its key {key['KeyId']} is yours: KeyManager is CUSTOMER",
            missing="its key is an AWS managed one, not yours",
            fix="Make a key with kms.create_key and name it, by its ARN.",
        )
        if key["KeySpec"] != "SYMMETRIC_DEFAULT":
            self.missing(
                f"its key is of the kind {key['KeySpec']}: S3 and DynamoDB use symmetric ones only",
                "Make it with kms.create_key without KeySpec and KeyUsage.",
            )

    def become(self, role: dict[str, Any]) -> boto3.Session:
        """A session of a role, as ListRoles describes it; missing if it cannot be assumed."""
        answers = {
            "AccessDenied": (
                f"the role {role['RoleName']} cannot be assumed by this account",
                "Let its trust policy name the account's root as principal, without a condition.",
            )
        }
        with self.asking(answers):
            answer = boto3.client("sts").assume_role(
                RoleArn=role["Arn"],
                # a new name each time: services keep what they know of a session for minutes
                RoleSessionName=f"exercise-check-{secrets.token_hex(4)}",
            )
        self.saw(f"the role {role['RoleName']} can be assumed")
        got = answer["Credentials"]
        keys = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        return boto3.Session(*keys, region_name=boto3.Session().region_name)

    def _untagged(self, what: str, call: str, key: str, value: str, number: str = "") -> NoReturn:
        number = number or self.number
        tag = f'{{"{key}": "{tagged.TAG}", "{value}": "{number}"}}'
        self.missing(
            f"no {what} carries the tag {tagged.TAG} = {number}",
            f"Tag yours: {call.format(tag=tag)}.{self._elsewhere()}",
        )

    def _elsewhere(self) -> str:
        """A hint for whoever worked in another Region as well."""
        here = boto3.DEFAULT_SESSION.region_name if boto3.DEFAULT_SESSION else ""
        others = sorted(self.lab.regions() - {here})
        return (
            f" The check looks in {here}; you also worked in {', '.join(others)}." if others else ""
        )


@dataclass(frozen=True)
class Result:
    """What a check found. error: a mistake of the check itself, of no meaning for the learner."""

    number: str
    title: str
    steps: tuple[Step, ...] = ()
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.error is None and all(step.ok for step in self.steps)

    def __str__(self) -> str:
        if isinstance(self.error, LookupError) and not self.title:
            return f"There is no exercise {self.number}: take the number from its heading."
        if self.error is not None:
            return (
                f"The check of exercise {self.number} failed itself "
                f"({type(self.error).__name__}: {self.error}). Your work may well be right."
            )
        head = "✓ Exercise {} done: {}" if self.done else "Not yet, exercise {}: {}"
        lines = [head.format(self.number, self.title)]
        for step in self.steps:
            lines.append(f"  {'✓' if step.ok else '✗'} {step.seen}")
            if step.fix:
                lines.append(f"    → {step.fix}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Exercise:
    title: str
    check: Callable[[Look], None]


_exercises: dict[str, _Exercise] = {}


def exercise(number: str, title: str) -> Callable[[Callable[[Look], None]], Callable[[Look], None]]:
    """Make a function the check of exercise `number` ("1.2": the second one of lesson 01).

    title: what the learner is to achieve, in words that fit behind "done:".
    Raises ValueError if the number is taken by another check.
    """

    def register(function: Callable[[Look], None]) -> Callable[[Look], None]:
        taken = _exercises.get(number)
        # A module that is loaded again registers its own functions again.
        if taken and _name(taken.check) != _name(function):
            raise ValueError(f"Exercise {number} is {_name(taken.check)} already.")
        _exercises[number] = _Exercise(title, function)
        return function

    return register


def check(number: str, lab: Any) -> None:
    """Check exercise `number` ("1.2") in this lab and print what was found.

    Asks AWS as the lab's administrator, only reading. Raises nothing: what is missing is said
    with the next step, and so is a refusal by AWS.
    """
    print(examine(number, lab))


def examine(number: str, lab: Any) -> Result:
    """The same as data: the steps seen, whether done, and a mistake of the check itself."""
    look = Look(number, lab)
    title = ""
    error: Exception | None = None
    try:
        found = _find(str(number))
        title = found.title
        with _as_administrator(look):
            found.check(look)
        if not look.steps:
            raise AssertionError("it looked at nothing")
    except _Stop:
        pass
    except ClientError as refusal:
        said = describe(refusal)
        look.steps.append(Step(False, str(said), _NEXT.get(said.code, _AGAIN)))
    except BotoCoreError as failure:
        look.steps.append(
            Step(False, f"AWS did not answer: {failure}", "Run the set-up cell again.")
        )
    except Exception as mistake:
        error = mistake
    return Result(number, title, tuple(look.steps), error)


@contextmanager
def _as_administrator(look: Look) -> Iterator[None]:
    """The default session is the lab's own meanwhile, whatever the learner made of theirs."""
    if not hasattr(look.lab, "session"):
        look.missing(
            "the check got no lab", f'Run the set-up cell, then check("{look.number}", lab).'
        )
    before = boto3.DEFAULT_SESSION
    try:
        boto3.DEFAULT_SESSION = look.lab.session()
    except RuntimeError as replaced:
        look.missing("the check got an old lab", str(replaced))
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before


def _written(key: dict[str, str]) -> str:
    """A primary key in words: customer (S) and order_no (N)."""
    return " and ".join(f"{name} ({kind})" for name, kind in key.items())


def _name(function: Callable[[Look], None]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _find(number: str) -> _Exercise:
    lesson = number.partition(".")[0]
    if number not in _exercises and lesson.isdecimal():
        module = f"{__name__}.lesson_{lesson.zfill(2)}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    if number not in _exercises:
        raise LookupError(f"there is no exercise {number}")
    return _exercises[number]

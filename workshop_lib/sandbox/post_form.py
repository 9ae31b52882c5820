"""Browser uploads to S3: the form, and the policy its signer allowed.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
Where AWS's recorded answers differ from its table of error codes, the answers are followed.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request

_MOST_BEFORE_FILE = 20_480  # bytes


@dataclass(frozen=True)
class PostForm:
    """A browser's upload: its fields (names in lower case) and its one file."""

    fields: dict[str, str]
    names: dict[str, str]  # lower case → as sent
    file: bytes
    file_name: str | None

    @property
    def key(self) -> str:
        """The object's key, ``${filename}`` replaced by the file's name where there is one."""
        key = self.fields["key"]
        return key if self.file_name is None else key.replace("${filename}", self.file_name)


def is_form(request: Request) -> bool:
    """Whether a request is a browser's upload form."""
    content_type = request.headers.get("content-type", "")
    return request.method == "POST" and content_type.lower().startswith("multipart/form-data")


def read(request: Request) -> PostForm:
    """The form in the request's body; read once, then kept in ``request.form``.

    Raises AwsError where the body is no such form, has no key or no file. Fields that stand
    after the file do not count.
    """
    if request.form is None:
        request.form = _parse(request)
    return request.form


def _parse(request: Request) -> PostForm:
    if not is_form(request):
        raise AwsError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            412,
            {"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
        )
    fields: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, file_name, content in _parts(request):
        if name.lower() == "file":
            if "key" not in fields:
                raise missing_field("key")
            return PostForm(fields, names, content, file_name)
        fields[name.lower()] = content.decode("utf-8", "replace")
        names[name.lower()] = name
    raise AwsError(
        "InvalidArgument",
        "POST requires exactly one file upload per request.",
        fields={"ArgumentName": "file", "ArgumentValue": "0"},
    )


def _parts(request: Request) -> Any:
    """Yield (name, file name or None, content) of each part of the form."""
    boundary = _parameter("content-type", request.headers["content-type"], "boundary")
    if not boundary:
        raise _malformed()
    body, delimiter = request.body, b"\r\n--" + boundary.encode("utf-8", "replace")
    start = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    if start == 1:
        raise _malformed()
    position = start + len(delimiter) - 2
    while body[position : position + 2] != b"--":
        head_end = body.find(b"\r\n\r\n", position)
        end = body.find(delimiter, max(head_end, position))
        if head_end < 0 or end < 0:
            raise _malformed()
        disposition = _header(body[position:head_end], "content-disposition")
        name = _parameter("content-disposition", disposition, "name")
        is_file = name is not None and name.lower() == "file"
        if (head_end if is_file else end) - start > _MOST_BEFORE_FILE:
            raise AwsError(
                "MaxPostPreDataLengthExceeded",
                "Your POST request fields preceeding the upload file was too large.",
                fields={"MaxPostPreDataLengthBytes": str(_MOST_BEFORE_FILE)},
            )
        if name is None:
            raise _malformed()
        file_name = _parameter("content-disposition", disposition, "filename")
        yield name, file_name, body[head_end + 4 : end]
        position = end + len(delimiter)


def _header(head: bytes, wanted: str) -> str:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == wanted:
            return value.strip()
    return ""


def _parameter(header: str, value: str, name: str) -> str | None:
    message = Message()
    message[header] = value.replace("\n", " ")
    found = message.get_param(name, header=header)
    return found if isinstance(found, str) else None


def _malformed() -> AwsError:
    return AwsError(
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
    )


def missing_field(name: str) -> AwsError:
    """S3's answer to a form that lacks a field it needs."""
    return AwsError(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the "
        "order of the fields.",
        fields={"ArgumentName": name, "ArgumentValue": ""},
    )


# Fields that need no condition: the signature's own, the file, and what S3 is told to ignore.
_FREE_FIELDS = {"policy", "x-amz-signature", "awsaccesskeyid", "signature", "file"}


def check_policy(form: PostForm, bucket: str) -> None:
    """Raise AwsError unless the form keeps to its policy, whose signature has been verified."""
    document = _document(form.fields["policy"])
    if clock.now() >= _expiration(document):
        raise _refused("Policy expired.")
    # The bucket counts as a field though the address names it: seen of S3, see
    # https://github.com/aws/aws-sdk-php/issues/3292
    fields = {"bucket": bucket} | form.fields | {"bucket": bucket, "key": form.key}
    covered = set[str]()
    for condition in document["conditions"]:
        operation, *arguments = _operation(condition)
        if operation == "content-length-range":
            _check_size(condition, arguments, len(form.file))
            continue
        name, wanted = arguments
        covered.add(name.removeprefix("$").lower())
        if not (name.startswith("$") and _holds(operation, fields, name[1:].lower(), wanted)):
            failed = json.dumps([operation, name, wanted], ensure_ascii=False)
            raise _refused(f"Policy Condition failed: {failed}")
    extra = [
        form.names.get(name, name)
        for name in fields
        if name not in covered and name not in _FREE_FIELDS and not name.startswith("x-ignore-")
    ]
    if extra:
        raise _refused("Extra input fields: " + ", ".join(extra))


def _document(encoded: str) -> dict[str, Any]:
    if not encoded.strip():
        raise _invalid("Expecting '{' but found End-of-Input")
    try:
        text = base64.b64decode(encoded, validate=False)
    except (binascii.Error, ValueError):
        raise _invalid("invalid Base64 encoding.") from None
    try:
        document = json.loads(text)
    except ValueError:
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    for name in document:
        if name not in ("expiration", "conditions"):
            raise _invalid(f"Unexpected: '{name.lower()}'")
    if "expiration" not in document:
        raise _invalid("Policy missing expiration.")
    if "conditions" not in document:
        raise _invalid("Policy missing conditions.")
    if not isinstance(document["conditions"], list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    return document


def _expiration(document: dict[str, Any]) -> datetime:
    text = str(document["expiration"])
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
        raise _invalid(f"Invalid 'expiration' value: '{text}'")
    try:
        return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from None


def _operation(condition: Any) -> list[Any]:
    """A condition in its long form: operation, then arguments."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _invalid(
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property "
                "specified."
            )
        [(name, value)] = condition.items()
        if not isinstance(value, str):
            raise _invalid("Invalid Simple-Condition: value must be a string.")
        return ["eq", f"${name}", value]
    if not isinstance(condition, list):
        raise _invalid("Invalid condition test: must be a List or Object.")
    if not condition:
        raise _invalid("Invalid Condition: missing operation identifier.")
    operation = str(condition[0]).lower()
    if operation not in ("eq", "starts-with", "content-length-range"):
        raise _invalid(f"Invalid Condition: unknown operation '{condition[0]}'.")
    if len(condition) != 3:
        raise _invalid(f"Invalid {operation}: wrong number of arguments.")
    if operation != "content-length-range" and not all(isinstance(a, str) for a in condition):
        raise _invalid("Invalid JSON.")
    return [operation, *condition[1:]]


def _holds(operation: str, fields: dict[str, str], name: str, wanted: str) -> bool:
    value = fields.get(name)
    if value is None:  # even where any value would do: recorded of S3
        return False
    if operation == "eq":
        return value == wanted
    values = value.split(",") if name == "content-type" else [value]
    return all(part.strip().startswith(wanted) or part.startswith(wanted) for part in values)


def _check_size(condition: list[Any], limits: list[Any], size: int) -> None:
    if any(isinstance(limit, float) or str(limit).startswith("-") for limit in limits):
        raise _invalid("Invalid JSON.")
    try:
        least, most = (int(limit) for limit in limits)
    except (TypeError, ValueError):
        failed = json.dumps(condition, ensure_ascii=False)
        raise _refused(f"Policy Condition failed: {failed}") from None
    if size > most:
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            fields={"ProposedSize": str(size), "MaxSizeAllowed": str(most)},
        )
    if size < least:
        raise AwsError(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            fields={"ProposedSize": str(size), "MinSizeAllowed": str(least)},
        )


def _refused(why: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {why}", 403)


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {why}")

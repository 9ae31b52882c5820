"""What the signer of a browser's upload allowed: the form's policy.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-HTTPPOSTConstructPolicy.html
Where AWS's recorded answers differ from its table of error codes, the answers are followed.
"""

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol import multipart_form
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.multipart_form import PostForm
from workshop_lib.sandbox.services.s3.errors import access_denied

# Fields that need no condition: the signature's own, the file, and what S3 is told to ignore.
_FREE_FIELDS = {"policy", "x-amz-signature", "awsaccesskeyid", "signature", "file"}


def check_form(call: Call) -> None:
    """Raise AwsError unless a call's form keeps to the policy that its own fields sign.

    What was signed so is an upload, and no other call that the form's bearer may send it with.
    """
    signature = call.signature
    if signature is None or signature.place != "form":
        return
    if call.operation != "PostObject":
        raise access_denied()
    check_policy(multipart_form.read(call.request), call.parameters["Bucket"])


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
            _check_size(arguments, len(form.file))
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
    text = document["expiration"]
    if not isinstance(text, str):
        raise _invalid("Invalid JSON.")
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


def _check_size(limits: list[Any], size: int) -> None:
    if not all(re.fullmatch(r"\d+", str(limit), re.ASCII) for limit in limits):
        raise _invalid("Invalid JSON.")
    least, most = (int(limit) for limit in limits)
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

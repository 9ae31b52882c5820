"""Tags of tables: what DynamoDB takes, and its words for what it refuses.

Texts: the probes of October 2026 (DDB-TABLE-101, 105, 107, 108, 372 and 442):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TaggingRestrictions.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html
"""

from collections.abc import Mapping, Sequence

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.validation import java_pattern
from workshop_lib.sandbox.services.dynamodb.resource_arns import require_resource

OPERATIONS = ("TagResource", "UntagResource", "ListTagsOfResource")
_MOST = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_TEXT = java_pattern(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")


def require_tags(call: Call) -> None:
    """Refuse tags that no table can have, and what is no table's ARN.

    Raises AwsError ValidationException.
    """
    parameters, operation = call.parameters, call.operation
    if operation in OPERATIONS:
        require_resource(parameters["ResourceArn"], streams=False)
    tags: Sequence[Mapping[str, str]] = parameters.get("Tags") or ()
    keys = parameters.get("TagKeys") or [tag["Key"] for tag in tags]
    if operation == "TagResource" and not keys:
        raise _invalid("Atleast one Tag needs to be provided as Input.")
    if operation == "UntagResource" and not keys:
        raise _invalid("Atleast one Tag Key needs to be provided as Input.")
    for key in keys:
        _require_key(key)
    for tag in tags:
        value = tag["Value"]
        if len(value) > _LONGEST_VALUE or not _TEXT.fullmatch(value):
            raise _invalid(f"The Tag Value provided is invalid, Value: {value}")
    repeated = [key for place, key in enumerate(keys) if key in keys[:place]]
    if repeated and tags:
        raise _invalid(
            f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {repeated[0]}"
        )
    require_few(len(keys))


def require_few(count: int) -> None:
    """Refuse more tags than a table can have. Raises AwsError ValidationException."""
    if count > _MOST:
        raise _invalid("Number of Tags exceed the current limit for the provided ResourceArn")


def _require_key(key: str) -> None:
    if not 0 < len(key) <= _LONGEST_KEY or not _TEXT.fullmatch(key):
        raise _invalid(f"The Tag Key provided is invalid, Key: {key}")
    if key.lower().startswith("aws:"):
        raise _invalid(f"Tag Key cannot be prefixed with aws:, Key: {key}")


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)

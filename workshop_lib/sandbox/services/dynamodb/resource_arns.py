"""The ARNs by which tags and resource-based policies name their table or stream.

Texts: the probes of October 2026 (DDB-TABLE-212 and 442):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
"""

from typing import Any

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.sentences import INVALID


def require_resource(arn: str, *, streams: bool) -> None:
    """Refuse what is no ARN of a table's, or of a stream's. Raises AwsError ValidationException."""
    if not arn.startswith("arn:"):
        raise invalid(f"ARNs must start with 'arn:': {arn}")
    service, _, _, resource = (arn.split(":", 5)[2:] + [""] * 4)[:4]
    kinds: list[Any] = resource.split("/")
    if service != "dynamodb" or kinds[0] != "table" or "backup" in kinds[2:3]:
        raise invalid(f"Provided Arn is not a DynamoDB resource arn: {arn}")
    if len(kinds) != 2 and not (streams and len(kinds) == 4 and kinds[2] == "stream"):
        raise invalid(
            "Invalid resource arn provided, only table or stream is accepted. Provided resource "
            f"arn: {arn}"
        )


def require_here(arn: str, region: str) -> None:
    """Refuse an ARN of another Region or partition. Raises AwsError ValidationException."""
    if arn.split(":")[1:4:2] != ["aws", region]:
        raise invalid(f"Invalid resource Arn: {arn}")


def invalid(message: str) -> AwsError:
    """DynamoDB's refusal of an ARN, or of the policy for it."""
    return AwsError("ValidationException", INVALID + message)

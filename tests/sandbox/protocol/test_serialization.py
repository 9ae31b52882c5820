"""Errors as they are written.

What DynamoDB sends with them: recorded by dynalite, https://github.com/architect/dynalite
(test/helpers.js and connection.js).
"""

import json
import zlib

import pytest

from tests.support.signatures import definition
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.serialization import render


@pytest.mark.parametrize(("code", "name"), [
    ("ValidationException", "message"), ("SerializationException", "Message"),
    ("AccessDeniedException", "Message"), ("MissingAuthenticationTokenException", "message"),
])  # fmt: skip
def test_an_error_of_dynamodb(code: str, name: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html"""
    response = render(AwsError(code, "No."), definition("dynamodb"), "1")
    document = json.loads(response.body)
    assert document == {"__type": document["__type"], name: "No."}
    assert response.headers["x-amz-crc32"] == str(zlib.crc32(response.body))

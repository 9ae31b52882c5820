"""What a stored attribute says to a reader who has no key."""

from typing import Any

from workshop_lib.display.formatting import as_text

_BLOCK = 16


def is_ciphertext(value: Any) -> bool:
    """Whether an attribute, as boto3's resource gives it, looks as the encryption client left it.

    That is binary: an initialization vector and whole blocks of AES in CBC mode.
    https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/DDBEC-legacy-concepts.html
    """
    data = getattr(value, "value", value)  # boto3.dynamodb.types.Binary holds its bytes there
    if not isinstance(data, bytes | bytearray):
        return False
    return len(data) >= 2 * _BLOCK and len(data) % _BLOCK == 0 and as_text(bytes(data)) is None

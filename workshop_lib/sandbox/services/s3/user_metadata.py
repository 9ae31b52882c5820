"""User metadata whose values are not all ASCII: encoded words, as in mail (RFC 2047).

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""

import base64
import re
from email.errors import HeaderParseError
from email.header import decode_header

_WORD = re.compile(r"=\?[\w-]+\?[bq]\?[^?]*\?=", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[\t\r\n -~]*")
# What stands for itself in a word: all but the space and what has a meaning there.
_LITERAL = frozenset(range(33, 127)) - frozenset(b"=?_")


def decoded(value: str) -> str:
    """A header's value with the encoded words in it read; those that cannot be, as they are."""
    if "=?" not in value:
        return value
    return _WORD.sub(lambda found: _read(found[0]), value)


def _read(word: str) -> str:
    try:
        [(data, charset)] = decode_header(word)
        return data if isinstance(data, str) else data.decode(charset or "ascii")
    except (HeaderParseError, LookupError, ValueError):
        return word


def shown(value: str) -> str:
    """A value as reads return it: ASCII as it is, else one encoded word.

    The word is quoted-printable where most characters are ASCII, else base64.
    """
    if _PLAIN.fullmatch(value):
        return value
    data = value.encode("utf-8", "replace")
    plain = sum(_PLAIN.fullmatch(char) is not None for char in value)
    if plain <= len(value) - plain:
        return f"=?UTF-8?B?{base64.b64encode(data).decode()}?="
    text = "".join(
        "_" if byte == 32 else chr(byte) if byte in _LITERAL else f"={byte:02X}" for byte in data
    )
    return f"=?UTF-8?Q?{text}?="

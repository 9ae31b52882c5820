"""Where a partition key lies: what decides the order of a scan and its segments.

The digest, and how a number is written for it: found of AWS by dynalite
(https://github.com/architect/dynalite, db/index.js and test/scan.js).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.Partitions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

_SALT = b"Outliers"
_MOST_PAIRS = 20  # of digits, in a number


def partition_place(values: Iterable[Mapping[str, Any]]) -> int:
    """A number of 32 bits for the values of a partition key."""
    content = b"".join(_bytes(*next(iter(value.items()))) for value in values)
    digest = hashlib.md5(_SALT + content, usedforsecurity=False).digest()
    return int.from_bytes(digest[:4])


def _bytes(kind: str, content: str | bytes) -> bytes:
    if kind == "N":
        return _number_bytes(str(content))
    if isinstance(content, bytes):
        return content
    return base64.b64decode(content) if kind == "B" else content.encode(errors="surrogatepass")


@lru_cache(4096)
def _number_bytes(text: str) -> bytes:
    """A number as a byte for its exponent of 100, and one for each pair of its digits."""
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    if digits == (0,):
        return b"\x80"
    places = len(digits) + int(exponent)
    padded = "0" * (places % 2) + "".join(map(str, digits))
    padded += "0" * (len(padded) % 2)
    pairs = [int(padded[at : at + 2]) + 1 for at in range(0, len(padded), 2)]
    first = ((places + 1) // 2 - 64) % 256
    if not sign:
        return bytes([first, *pairs])
    turned = [102 - pair for pair in pairs]
    return bytes([first ^ 255, *turned, *([102] if len(turned) < _MOST_PAIRS else [])])

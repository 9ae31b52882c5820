"""Bodies that a client has compressed.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html
What DynamoDB makes of broken ones, ScyllaDB's tests saw of AWS: an internal error (500); several
gzip members in a row are one body, and what comes after them is left out
(https://github.com/scylladb/scylladb, test/alternator/test_compressed_request.py).
"""

import zlib

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.limits import too_large
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition

_GZIP = 16 + zlib.MAX_WBITS
# AWS unpacks what comes to a gigabyte; here the memory is the learner's.
_LARGEST = 64 * 2**20


def unpack(request: Request, service: ServiceDefinition) -> None:
    """Put what a compressed body holds in its place; another one stays as it is. Raises AwsError.

    Only where the ``service`` is known to unpack bodies.
    """
    encoding = request.headers.get("content-encoding")
    if encoding is None or not service.unpacks:
        return
    if encoding != "gzip":
        raise _broken()
    request.body = _unzipped(request.body, service)
    del request.headers["content-encoding"]
    request.headers["content-length"] = str(len(request.body))


def _unzipped(body: bytes, service: ServiceDefinition) -> bytes:
    whole, rest = bytearray(), body
    while True:
        member = zlib.decompressobj(_GZIP)
        try:
            whole += member.decompress(rest, _LARGEST + 1 - len(whole))
        except zlib.error:
            if whole:  # junk behind the last member
                return bytes(whole)
            raise _broken() from None
        if len(whole) > _LARGEST:
            raise too_large(service, _LARGEST)
        if not member.eof:
            raise _broken()
        rest = member.unused_data
        if not rest:
            return bytes(whole)


def _broken() -> AwsError:
    return AwsError("InternalServerError", "Internal server error", 500)

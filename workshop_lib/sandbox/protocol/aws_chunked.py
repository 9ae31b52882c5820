"""The aws-chunked encoding of S3's uploads: data in signed or unsigned chunks, then trailers.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-streaming-trailers.html
"""

import io
import re
from dataclasses import dataclass

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_CODING = "aws-chunked"
_TRAILERS = {
    f"x-amz-checksum-{algorithm}"
    for algorithm in (
        "crc32", "crc32c", "crc64nvme", "md5", "sha1", "sha256", "sha512", "xxhash128", "xxhash3",
        "xxhash64",
    )
}  # fmt: skip
_STREAMS = (SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER)
_LONGEST_LINE = 16_384
_SMALLEST_CHUNK = 8192  # but for the last one
_SIZE = re.compile(r"[0-9a-fA-F]{1,16}")
_SIGNATURE = re.compile(r"chunk-signature=([0-9a-f]{64})")


@dataclass(frozen=True)
class Chunks:
    """What an encoded body is made of: where its data lies, its signatures, the trailers.

    ``signatures`` has one more entry than ``data``: that of the empty last chunk.
    """

    data: list[slice]
    signatures: list[str]
    trailers: list[tuple[str, str]]


def is_chunked(request: Request) -> bool:
    """Whether the request's body is in the aws-chunked encoding."""
    headers = request.headers
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or (
        "x-amz-decoded-content-length" in headers and _CODING in headers.get("content-encoding", "")
    )


def split(body: bytes, *, signed: bool) -> Chunks:
    """The chunks of an aws-chunked body. Raises AwsError where it is not one.

    IncompleteBody: https://github.com/versity/versitygw/issues/1666
    InvalidChunkSizeError: https://github.com/versity/versitygw/issues/1683
    """
    position = 0
    data: list[slice] = []
    signatures = []
    while True:
        line, position = _line(body, position)
        size_text, _, extension = line.partition(";")
        signature = _SIGNATURE.fullmatch(extension.strip())
        if not _SIZE.fullmatch(size_text) or (signed and signature is None):
            raise _broken()
        signatures.append(signature[1] if signature else "")
        size = int(size_text, 16)
        if size == 0:
            break
        if data and (before := data[-1].stop - data[-1].start) < _SMALLEST_CHUNK:
            raise AwsError(
                "InvalidChunkSizeError",
                f"Only the last chunk is allowed to have a size less than {_SMALLEST_CHUNK} bytes",
                400,
                {"Chunk": str(len(data) + 1), "BadChunkSize": str(before)},
            )
        end = position + size
        if body[end : end + 2] != b"\r\n":
            raise _broken()
        data.append(slice(position, end))
        position = end + 2
    return Chunks(data, signatures, _trailers(body, position))


def _trailers(body: bytes, position: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while True:
        line, position = _line(body, position)
        if not line:
            return found
        name, colon, value = line.partition(":")
        if not colon:
            raise _malformed_trailer()
        found.append((name.strip().lower(), value.strip()))


def _line(body: bytes, position: int) -> tuple[str, int]:
    end = body.find(b"\r\n", position, position + _LONGEST_LINE)
    if end < 0:
        raise _broken()
    return body[position:end].decode("latin-1"), end + 2


def unwrap(request: Request) -> None:
    """Put the data itself in place of an aws-chunked body, and its trailers among the headers.

    x-amz-trailer stays, and tells which of these those are. A request whose body is not
    aws-chunked stays as it is. Raises AwsError where the body is not what its headers announced,
    NotEmulated for the asymmetric signatures (SigV4A).
    """
    if not is_chunked(request):
        _unwrap_presigned(request)
        return
    headers = request.headers
    stream = headers.get("x-amz-content-sha256", UNSIGNED_TRAILER)  # SigV2 has no such header
    if stream not in _STREAMS:
        raise NotEmulated(f"The sandbox does not emulate {stream}.")
    chunks = split(request.body, signed=stream != UNSIGNED_TRAILER)
    _check_length(headers.get("x-amz-decoded-content-length"), chunks)
    announced = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",")}
    announced.discard("")
    if not announced <= _TRAILERS:
        message = "The value specified in the x-amz-trailer header is not supported"
        raise AwsError("InvalidRequest", message)
    checksums = {name for name in headers if name.startswith("x-amz-checksum-")}
    if announced and checksums - {"x-amz-checksum-algorithm", "x-amz-checksum-type"}:
        # as S3 was seen to answer: https://github.com/versity/versitygw/issues/1657
        raise AwsError("InvalidRequest", "Expecting a single x-amz-checksum- header")
    trailers = dict(chunks.trailers)
    trailers.pop("x-amz-trailer-signature", None)
    if set(trailers) != announced:
        raise _malformed_trailer()
    body = io.BytesIO(request.body)
    request.body = b""  # where nobody else has it, it is BytesIO's own, and changed where it is
    _close_up(body, chunks.data)
    request.body = body.getvalue()
    _take_off_encoding(headers)
    headers.update(trailers)
    headers["content-length"] = str(len(request.body))


def _close_up(body: io.BytesIO, data: list[slice]) -> None:
    """Move the data together to the front: joined elsewhere they would need the memory twice."""
    end = 0
    with body.getbuffer() as view:
        for place in data:
            start, end = end, end + place.stop - place.start
            view[start:end] = view[place]
    body.truncate(end)


def unwrap_headers(request: Request) -> None:
    """Take what tells of the encoding off a request's headers, where it is aws-chunked."""
    if is_chunked(request):
        _take_off_encoding(request.headers)
    else:
        _unwrap_presigned(request)


def _unwrap_presigned(request: Request) -> None:
    """Take the coding off a presigned request's headers, though its body is not in it.

    https://github.com/versity/versitygw/blob/main/tests/integration/presigned_urls.go
    """
    encoding = request.headers.get("content-encoding", "")
    if names_chunks(encoding) and "X-Amz-Signature" in request.parameters:
        _take_off_coding(request.headers)


def _take_off_encoding(headers: dict[str, str]) -> None:
    for name in ("transfer-encoding", "x-amz-content-sha256", "x-amz-decoded-content-length"):
        headers.pop(name, None)
    _take_off_coding(headers)


def names_chunks(encoding: str) -> bool:
    """Whether a Content-Encoding header names aws-chunked among its codings."""
    return any(coding.lower() == _CODING for coding in _codings(encoding))


def _take_off_coding(headers: dict[str, str]) -> None:
    encoding = headers.pop("content-encoding", "")
    kept = [coding for coding in _codings(encoding) if coding.lower() != _CODING]
    if kept:
        headers["content-encoding"] = ",".join(kept)


def _codings(encoding: str) -> list[str]:
    return [part.strip() for part in encoding.split(",") if part.strip()]


def _check_length(announced: str | None, chunks: Chunks) -> None:
    if announced is None or not re.fullmatch(r"\d+", announced, re.ASCII):
        raise AwsError(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
        )
    if int(announced) != sum(place.stop - place.start for place in chunks.data):
        raise AwsError(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )


def _broken() -> AwsError:
    return AwsError("IncompleteBody", "The request body terminated unexpectedly")


def _malformed_trailer() -> AwsError:
    return AwsError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our "
        "published schema.",
    )

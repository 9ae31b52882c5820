"""Verification of signatures: AWS Signature Version 4 here, Version 2 in its own module.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sig-v4-authenticating-requests.html
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth import sigv2
from workshop_lib.sandbox.auth.signature import (
    ISO_BASIC,
    argument,
    query_error,
    scope_error,
)
from workshop_lib.sandbox.auth.sigv2 import iso, mismatch
from workshop_lib.sandbox.call import TERMINATOR, Signature
from workshop_lib.sandbox.protocol import aws_chunked, multipart_form
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition

_UNSIGNED = "UNSIGNED-PAYLOAD"
_WEEK = 604_800  # seconds
_SKEW = timedelta(minutes=15)


def verify(
    request: Request,
    service: ServiceDefinition,
    signature: Signature | None,
    bucket: str | None,
    secret: str | None,
    *,
    whole: bool = True,
) -> None:
    """Raise AWS's refusal unless ``secret`` made the signature of a request, and it still holds.

    ``bucket`` is S3's when the host names it, ``secret`` the caller's: None for an anonymous one,
    whose request is unsigned. The chunks of a streamed upload are verified too; what an upload
    form's policy allows is S3's to say. Of a request that is not ``whole`` the body is not there
    yet, and what its head proves is verified.
    """
    if signature is None:
        return
    if secret is None:
        raise service.authentication_error("unknown key")
    if signature.place == "form":
        _verify_form(request, service, signature, secret)
    elif signature.version == 2:
        sigv2.verify(request, service, signature, bucket, secret)
    else:
        _verify_v4(request, service, signature, secret, whole)


def _verify_v4(
    request: Request, service: ServiceDefinition, signature: Signature, secret: str, whole: bool
) -> None:
    _check_scope(request, service, signature)
    if not whole and not service.signs_like_s3:  # its signature is over the body
        return
    payload = _payload_hash(request, service, signature)
    if service.signs_like_s3 and signature.place == "query":
        _check_expiry_v4(signature, service)
    elif service.signs_like_s3:
        _check_payload_word(request, payload)
    canonical = canonical_request(request, service, signature, payload)
    text = string_to_sign(signature, canonical)
    key = signing_key(secret, signature.date, signature.region, signature.service)
    if not hmac.compare_digest(_hmac(key, text).hex().encode(), signature.value.encode()):
        raise mismatch(service, signature, text, canonical)
    if signature.place == "query" and not service.signs_like_s3:
        _check_expiry_v4(signature, service)
    if service.signs_like_s3 and whole:
        _check_payload(request, service, signature, payload, key)


def _check_scope(request: Request, service: ServiceDefinition, signature: Signature) -> None:
    expected = service.signed_as
    credential = f"{signature.access_key_id}/{signature.scope}"
    if signature.service != expected:
        why = f'incorrect service "{signature.service}". This endpoint belongs to "{expected}".'
        if not service.signs_like_s3:
            why = f"Credential should be scoped to correct service: '{expected}'."
            raise service.authentication_error("mismatch", why)
        raise scope_error(why, service, signature.place, credential)
    if signature.time[:8] != signature.date:
        if service.signs_like_s3:
            why = (
                f'Invalid credential date "{signature.date}". This date is not the same as '
                f'X-Amz-Date: "{signature.time[:8]}".'
            )
            if signature.place == "query":
                raise query_error(why)
            raise scope_error(why, service, signature.place, credential)
        raise service.authentication_error(
            "mismatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{signature.date}' != '{signature.time[:8]}', from '{signature.time}'.",
        )
    if service.signs_like_s3:
        unsigned = sorted(_must_be_signed(request) - set(signature.signed_headers))
        if unsigned:
            raise AwsError(
                "AccessDenied",
                "There were headers present in the request which were not signed",
                403,
                {"HeadersNotSigned": ", ".join(unsigned)},
            )
    elif "host" not in signature.signed_headers:
        raise service.authentication_error(
            "mismatch",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        )


def _must_be_signed(request: Request) -> set[str]:
    """S3: the host and every x-amz- header; the payload's hash is signed by its value anyway."""
    amz = {name for name in request.headers if name.startswith("x-amz-")}
    return (amz | {"host"}) - {"x-amz-content-sha256"}


def _payload_hash(request: Request, service: ServiceDefinition, signature: Signature) -> str:
    """What the canonical request says of the body."""
    if not service.signs_like_s3:
        return hashlib.sha256(request.body).hexdigest()
    sent = request.headers.get("x-amz-content-sha256")
    if signature.place == "query":
        return sent or request.parameters.get("X-Amz-Content-Sha256") or _UNSIGNED
    if not sent:
        raise AwsError(
            "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"
        )
    return sent


_PAYLOAD_WORDS = (
    "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
)  # fmt: skip


def _check_payload_word(request: Request, payload: str) -> None:
    """S3: the hash of a body is one, or a word that tells how the body is signed."""
    if payload not in _PAYLOAD_WORDS and not re.fullmatch(r"[0-9a-fA-F]{64}", payload):
        words = ", ".join(_PAYLOAD_WORDS)
        raise argument(
            "x-amz-content-sha256",
            payload,
            f"x-amz-content-sha256 must be {words} or a valid sha256 value.",
        )
    encoding = request.headers.get("content-encoding", "")
    if payload == _UNSIGNED and aws_chunked.names_chunks(encoding):
        # as S3 was seen to answer: https://github.com/versity/versitygw/pull/2400
        raise argument(
            "Content-Encoding",
            encoding,
            f"aws-chunked encoding is not supported when x-amz-content-sha256 {_UNSIGNED} is "
            "supplied.",
        )


def _check_payload(
    request: Request, service: ServiceDefinition, signature: Signature, payload: str, key: bytes
) -> None:
    """S3: the body is what the signed hash, or the chunks' signatures, say."""
    if payload in (aws_chunked.SIGNED, aws_chunked.SIGNED_TRAILER):
        _check_chunks(
            request.body, service, signature, key, trailer=payload == aws_chunked.SIGNED_TRAILER
        )
    if payload in _PAYLOAD_WORDS:
        return
    computed = hashlib.sha256(request.body).hexdigest()
    if computed != payload.lower():
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            fields={
                "ClientComputedContentSHA256": payload,
                "S3ComputedContentSHA256": computed,
            },
        )


_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def _check_chunks(
    body: bytes, service: ServiceDefinition, signature: Signature, key: bytes, *, trailer: bool
) -> None:
    """Each chunk signs itself and the chunk before; the request's own signature is the seed."""
    chunks = aws_chunked.split(body, signed=True)
    previous, view = signature.value, memoryview(body)
    for place, given in zip([*chunks.data, slice(0)], chunks.signatures, strict=True):
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256-PAYLOAD", signature.time, signature.scope, previous,
                _EMPTY_HASH, hashlib.sha256(view[place]).hexdigest(),
            )
        )  # fmt: skip
        previous = _same(_hmac(key, text).hex(), given, service, signature, text)
    if not trailer:
        return
    given = dict(chunks.trailers).get("x-amz-trailer-signature", "")
    signed = "".join(
        f"{name}:{value}\n" for name, value in chunks.trailers if name != "x-amz-trailer-signature"
    )
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256-TRAILER", signature.time, signature.scope, previous,
            hashlib.sha256(signed.encode("latin-1")).hexdigest(),
        )
    )  # fmt: skip
    _same(_hmac(key, text).hex(), given, service, signature, text)


def _same(
    computed: str, given: str, service: ServiceDefinition, signature: Signature, text: str
) -> str:
    if not hmac.compare_digest(computed.encode(), given.encode()):
        raise mismatch(service, signature, text)
    return computed


def _check_expiry_v4(signature: Signature, service: ServiceDefinition) -> None:
    signed = datetime.strptime(signature.time, ISO_BASIC).replace(tzinfo=UTC)
    seconds = signature.expires or ""
    if not service.signs_like_s3:
        if re.fullmatch(r"\d{1,9}", seconds, re.ASCII) and clock.now() >= _later(signed, seconds):
            raise service.authentication_error("mismatch", f"Signature expired: {signature.time}.")
        return
    if not re.fullmatch(r"-?\d{1,18}", seconds, re.ASCII):
        raise query_error("X-Amz-Expires should be a number")
    if int(seconds) < 0:
        raise query_error("X-Amz-Expires must be non-negative")
    if int(seconds) > _WEEK:
        raise query_error(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given "
            "X-Amz-Expires must be less than 604800 seconds"
        )
    now, end = clock.now(), _later(signed, seconds)
    if signed > now + _SKEW:
        milliseconds = int(signed.timestamp()) * 1000
        fields = {"X-Amz-Date": str(milliseconds), "Expires": iso(end), "ServerTime": iso(now)}
        raise AwsError("AccessDenied", "Request is not yet valid", 403, fields)
    if now >= end:
        fields = {"X-Amz-Expires": seconds, "Expires": iso(end), "ServerTime": iso(now)}
        raise AwsError("AccessDenied", "Request has expired", 403, fields)


def _later(moment: datetime, seconds: str) -> datetime:
    """So many seconds after a moment, at most the end of time."""
    try:
        return moment + timedelta(seconds=int(seconds))
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def canonical_request(
    request: Request, service: ServiceDefinition, signature: Signature, payload_hash: str
) -> str:
    """Version 4's canonical form of a request, of which ``signature`` says the signed headers."""
    headers = request.headers
    lines = [f"{name}:{_squeezed(headers.get(name, ''))}" for name in signature.signed_headers]
    return "\n".join(
        (
            request.method, _canonical_path(request.path, service),
            _canonical_query(request.query), *lines, "", ";".join(signature.signed_headers),
            payload_hash,
        )
    )  # fmt: skip


def string_to_sign(signature: Signature, canonical: str) -> str:
    """Version 4's string to sign for a canonical request."""
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return f"AWS4-HMAC-SHA256\n{signature.time}\n{signature.scope}\n{digest}"


@lru_cache(maxsize=64)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Version 4's signing key: the secret, narrowed to a day, a region and a service."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, TERMINATOR):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256")


def _squeezed(value: str) -> str:
    """A header's value without spaces at its ends, and one in place of several."""
    return " ".join(value.split())


def _canonical_path(path: str, service: ServiceDefinition) -> str:
    """S3 encodes a path once and changes nothing else; the others normalise and encode twice."""
    if path == "/":
        return path
    if service.signs_like_s3:
        return quote(unquote_to_bytes(path), safe="/~")
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(quote(quote(unquote_to_bytes(segment), safe="~"), safe="~"))
    end = "/" if segments and path.endswith("/") else ""
    return "/" + "/".join(segments) + end


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if part and name != "X-Amz-Signature":
            pairs.append((_encoded(name), _encoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="~")


def _verify_form(
    request: Request, service: ServiceDefinition, signature: Signature, secret: str
) -> None:
    """The text of a form's policy is what its signer signed."""
    policy = multipart_form.read(request).fields["policy"]
    if signature.version == 2:
        sigv2.check(secret, policy, service, signature)
    else:
        _check_form_scope(service, signature)
        key = signing_key(secret, signature.date, signature.region, signature.service)
        _same(_hmac(key, policy).hex(), signature.value, service, signature, policy)


def _check_form_scope(service: ServiceDefinition, signature: Signature) -> None:
    credential = f"{signature.access_key_id}/{signature.scope}"
    if signature.service != service.signed_as:
        why = (
            f'incorrect service "{signature.service}". This endpoint belongs to '
            f'"{service.signed_as}".'
        )
        raise argument("X-Amz-Credential", credential, why)
    if not re.fullmatch(r"\d{8}T\d{6}Z", signature.time):
        raise argument(
            "X-Amz-Date", signature.time, "X-Amz-Date must be formated via ISO8601 Long format"
        )

"""Signatures of requests: AWS Signature Version 4, and Version 2 as Amazon S3 still takes it.

`read` finds the signature a request carries (header, query string or upload form), `verify`
computes it anew from the secret.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from workshop_lib.sandbox import chunked, clock, post_form
from workshop_lib.sandbox.errors import AwsError, NotEmulated, front_door
from workshop_lib.sandbox.messages import Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_ISO_BASIC = "%Y%m%dT%H%M%SZ"
_WEEK = 604_800  # seconds
_SKEW = timedelta(minutes=15)
_SIGNING_NAMES = {"dynamodbstreams": "dynamodb"}  # where the service signs under another name
_DATE_NEEDED = "AWS authentication requires a valid Date or x-amz-date header"


@dataclass(frozen=True)
class Signature:
    """A signature as a request carries it; nothing in it has been verified.

    ``version``: 4 or 2; ``place``: "header", "query" or "form"; ``date``, ``region``,
    ``service``: the credential's scope (version 4); ``time``: as sent; ``expires``: seconds
    (version 4, query) or Unix time (version 2, query).
    """

    version: int
    place: str
    access_key_id: str
    value: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    date: str = ""
    region: str = ""
    service: str = ""
    signed_headers: tuple[str, ...] = ()
    time: str = ""
    expires: str | None = None

    @property
    def scope(self) -> str:
        """The credential's scope, as it is signed."""
        return f"{self.date}/{self.region}/{self.service}/{_TERMINATOR}"


# --- Reading ------------------------------------------------------------------------------------

_HEADER_V4 = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request\s*,"
    r"\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})\s*"
)
_QUERY_V4 = (
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date",
    "X-Amz-SignedHeaders",
)  # fmt: skip


def read(request: Request, service: str) -> Signature | None:
    """The signature of a request to ``service``; None where it carries none.

    Raises AwsError, in the service's words, for one that is malformed.
    """
    header = request.headers.get("authorization", "")
    query = request.parameters if request.query else {}
    if header:
        if "X-Amz-Algorithm" in query or (service == "s3" and "Signature" in query):
            raise _two_signatures(service, header)
        if match := _HEADER_V4.fullmatch(header):
            key, date, region, scope, signed, value = match.groups()
            return Signature(
                4, "header", key, value, request.headers.get("x-amz-security-token"), date,
                region, scope, tuple(signed.split(";")), _header_time(request, service),
            )  # fmt: skip
        return _read_other_header(request, service, header)
    if "X-Amz-Algorithm" in query or "X-Amz-Signature" in query:
        return _read_query_v4(query, service)
    if service != "s3":
        return None
    if "AWSAccessKeyId" in query or "Signature" in query:
        return _read_query_v2(query)
    if post_form.is_form(request):
        return _read_form(post_form.read(request).fields)
    return None


def _read_other_header(request: Request, service: str, header: str) -> Signature | None:
    scheme, _, rest = header.partition(" ")
    if scheme == "AWS4-ECDSA-P256-SHA256":
        raise NotEmulated("The sandbox does not emulate Signature Version 4A.")
    if scheme == _ALGORITHM:
        return _read_loose_header(request, service, header, rest)
    if service != "s3":
        return None
    if scheme != "AWS":
        raise _argument("Authorization", header, "Unsupported Authorization Type")
    key, colon, value = rest.strip().partition(":")
    if not (key and colon and value):
        raise _argument(
            "Authorization",
            header,
            "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
        )
    token = request.headers.get("x-amz-security-token")
    return Signature(2, "header", key, value, token)


def _read_loose_header(request: Request, service: str, header: str, rest: str) -> Signature:
    """A version 4 header in another order or spacing; what it lacks is refused by name."""
    pairs = [part.strip().partition("=") for part in rest.split(",")]
    parts = {name: value for name, _, value in pairs}
    missing = [n for n in ("Credential", "Signature", "SignedHeaders") if not parts.get(n)]
    if missing and service == "s3":
        raise front_door(
            "incomplete",
            service,
            "The authorization header is malformed; the authorization header requires three "
            "components: Credential, SignedHeaders, and Signature.",
        )
    if missing:
        needs = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise front_door("incomplete", service, f"{needs} Authorization={header}")
    key, date, region, scope = _credential(parts["Credential"], service, "header")
    return Signature(
        4, "header", key, parts["Signature"], request.headers.get("x-amz-security-token"), date,
        region, scope, tuple(parts["SignedHeaders"].split(";")), _header_time(request, service),
    )  # fmt: skip


def _header_time(request: Request, service: str) -> str:
    """When a header says it was signed, in ISO 8601's basic form."""
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    if re.fullmatch(r"\d{8}T\d{6}Z", text):
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime(_ISO_BASIC)
    except (TypeError, ValueError, IndexError):
        pass
    if service == "s3":
        raise AwsError("AccessDenied", _DATE_NEEDED, 403)
    why = f"Date must be in ISO-8601 'basic format'. Got '{text}'."
    if not text:
        why = (
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
            f"Authorization={request.headers['authorization']}"
        )
    raise front_door("incomplete", service, why)


def _read_query_v4(query: dict[str, str], service: str) -> Signature:
    wanted = (*_QUERY_V4, "X-Amz-Expires") if service == "s3" else _QUERY_V4
    missing = [name for name in wanted if not query.get(name)]
    if missing and service == "s3":
        raise _query_error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            "X-Amz-Expires parameters."
        )
    if missing:
        needs = " ".join(f"AWS query-string parameters must include '{n}'." for n in missing)
        raise front_door("incomplete", service, f"{needs} Re-examine the query-string parameters.")
    algorithm = query["X-Amz-Algorithm"]
    if algorithm == "AWS4-ECDSA-P256-SHA256":
        raise NotEmulated("The sandbox does not emulate Signature Version 4A.")
    if algorithm != _ALGORITHM and service == "s3":
        raise _query_error(
            'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"'
        )
    if algorithm != _ALGORITHM:
        raise front_door("incomplete", service, f"Unsupported AWS 'algorithm': '{algorithm}'.")
    key, date, region, scope = _credential(query["X-Amz-Credential"], service, "query")
    if not re.fullmatch(r"\d{8}T\d{6}Z", query["X-Amz-Date"]):
        raise (
            _query_error('X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd\'T\'HHmmss\'Z\'"')
            if service == "s3"
            else front_door("incomplete", service, "Date must be in ISO-8601 'basic format'.")
        )
    return Signature(
        4, "query", key, query["X-Amz-Signature"], query.get("X-Amz-Security-Token"), date,
        region, scope, tuple(query["X-Amz-SignedHeaders"].split(";")), query["X-Amz-Date"],
        query.get("X-Amz-Expires"),
    )  # fmt: skip


def _read_query_v2(query: dict[str, str]) -> Signature:
    key, value, expires = (query.get(n, "") for n in ("AWSAccessKeyId", "Signature", "Expires"))
    if not (key and value and expires):
        raise AwsError(
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
            "parameters",
            403,
        )
    return Signature(2, "query", key, value, query.get("x-amz-security-token"), expires=expires)


def _read_form(fields: dict[str, str]) -> Signature | None:
    token = fields.get("x-amz-security-token")
    if fields.keys() & {"x-amz-algorithm", "x-amz-credential", "x-amz-signature"}:
        for name in ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"):
            if not fields.get(name.lower()):
                raise post_form.missing_field(name)
        if "policy" not in fields:
            raise post_form.missing_field("Policy")
        key, date, region, scope = _credential(fields["x-amz-credential"], "s3", "form")
        time, value = fields["x-amz-date"], fields["x-amz-signature"]
        return Signature(4, "form", key, value, token, date, region, scope, (), time)
    if fields.keys() & {"awsaccesskeyid", "signature"}:
        for name in ("AWSAccessKeyId", "Signature", "Policy"):
            if name.lower() not in fields:
                raise post_form.missing_field(name)
        return Signature(2, "form", fields["awsaccesskeyid"], fields["signature"], token)
    return None


def _credential(text: str, service: str, place: str) -> tuple[str, str, str, str]:
    """(access key id, date, region, service) of a version 4 credential."""
    parts = text.split("/")
    if len(parts) != 5 or not parts[0]:
        why = (
            'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/'
            'aws4_request".'
        )
        if service != "s3":
            why = (
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                f"keyid/date/region/service/term, got '{text}'"
            )
        raise _scope_error(why, service, place, text)
    key, date, region, scope, terminator = parts
    if terminator != _TERMINATOR:
        why = f'incorrect terminal "{terminator}". This endpoint uses "aws4_request".'
        if service != "s3":
            why = "Credential should be scoped with a valid terminator: 'aws4_request'."
        raise _scope_error(why, service, place, text)
    if not re.fullmatch(r"\d{8}", date):
        why = (
            f'incorrect date format "{date}". This date in the credential must be in the format '
            '"yyyyMMdd".'
        )
        raise _scope_error(why, service, place, text)
    return key, date, region, scope


def _scope_error(why: str, service: str, place: str, credential: str) -> AwsError:
    if service != "s3":
        return front_door("incomplete", service, why)
    if place == "query":
        return _query_error(f"Error parsing the X-Amz-Credential parameter; {why}")
    if place == "form":
        return _argument("X-Amz-Credential", credential, why)
    return front_door("incomplete", service, f"The authorization header is malformed; {why}")


def _query_error(message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", message)


def _argument(name: str, value: str, message: str) -> AwsError:
    return AwsError(
        "InvalidArgument", message, fields={"ArgumentName": name, "ArgumentValue": value}
    )


def _two_signatures(service: str, header: str) -> AwsError:
    if service == "s3":
        return _argument(
            "Authorization",
            header,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified",
        )
    return front_door(
        "mismatch",
        service,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    )


# --- Verifying ----------------------------------------------------------------------------------


def verify(request: Request, service: str, bucket: str | None, secret: str) -> None:
    """Raise AWS's refusal unless ``secret`` made the signature of a request, and it still holds.

    ``bucket`` is S3's when the host names it. An unsigned request passes: it is anonymous. The
    chunks of a streamed upload are verified too, and an upload form against its policy.
    """
    signature = read(request, service)
    if signature is None:
        return
    if signature.place == "form":
        _verify_form(request, signature, bucket, secret)
    elif signature.version == 2:
        _verify_v2(request, signature, bucket, secret)
    else:
        _verify_v4(request, service, signature, secret)


def _verify_v4(request: Request, service: str, signature: Signature, secret: str) -> None:
    _check_scope(request, service, signature)
    payload = _payload_hash(request, service, signature)
    canonical = canonical_request(request, service, signature, payload)
    text = string_to_sign(signature, canonical)
    key = signing_key(secret, signature.date, signature.region, signature.service)
    if not hmac.compare_digest(_hmac(key, text).hex(), signature.value):
        raise _mismatch(service, signature, text, canonical)
    if signature.place == "query":
        _check_expiry_v4(signature, service)
    if service == "s3":
        _check_payload(request, signature, payload, key)


def _check_scope(request: Request, service: str, signature: Signature) -> None:
    expected = _SIGNING_NAMES.get(service, service)
    credential = f"{signature.access_key_id}/{signature.scope}"
    if signature.service != expected:
        why = f'incorrect service "{signature.service}". This endpoint belongs to "s3".'
        if service != "s3":
            why = f"Credential should be scoped to correct service: '{expected}'."
            raise front_door("mismatch", service, why)
        raise _scope_error(why, service, signature.place, credential)
    if signature.time[:8] != signature.date:
        if service == "s3":
            why = (
                f'Invalid credential date "{signature.date}". This date is not the same as '
                f'X-Amz-Date: "{signature.time[:8]}".'
            )
            if signature.place == "query":
                raise _query_error(why)
            raise _scope_error(why, service, signature.place, credential)
        raise front_door(
            "mismatch",
            service,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{signature.date}' != '{signature.time[:8]}', from '{signature.time}'.",
        )
    if service == "s3":
        unsigned = sorted(_must_be_signed(request) - set(signature.signed_headers))
        if unsigned:
            raise AwsError(
                "AccessDenied",
                "There were headers present in the request which were not signed",
                403,
                {"HeadersNotSigned": ", ".join(unsigned)},
            )
    elif "host" not in signature.signed_headers:
        raise front_door(
            "mismatch",
            service,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        )


def _must_be_signed(request: Request) -> set[str]:
    """S3: the host and every x-amz- header; the payload's hash is signed by its value anyway."""
    amz = {name for name in request.headers if name.startswith("x-amz-")}
    return (amz | {"host"}) - {"x-amz-content-sha256"}


def _payload_hash(request: Request, service: str, signature: Signature) -> str:
    """What the canonical request says of the body."""
    if service != "s3":
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


def _check_payload(request: Request, signature: Signature, payload: str, key: bytes) -> None:
    """S3: the body is what the signed hash, or the chunks' signatures, say."""
    if payload in (chunked.SIGNED, chunked.SIGNED_TRAILER):
        _check_chunks(request.body, signature, key, trailer=payload == chunked.SIGNED_TRAILER)
    if payload in _PAYLOAD_WORDS:
        return
    if not re.fullmatch(r"[0-9a-fA-F]{64}", payload):
        words = ", ".join(_PAYLOAD_WORDS)
        raise _argument(
            "x-amz-content-sha256",
            payload,
            f"x-amz-content-sha256 must be {words} or a valid sha256 value.",
        )
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


def _check_chunks(body: bytes, signature: Signature, key: bytes, *, trailer: bool) -> None:
    """Each chunk signs itself and the chunk before; the request's own signature is the seed."""
    chunks = chunked.split(body)
    previous = signature.value
    for data, given in zip([*chunks.data, memoryview(b"")], chunks.signatures, strict=True):
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256-PAYLOAD", signature.time, signature.scope, previous,
                _EMPTY_HASH, hashlib.sha256(data).hexdigest(),
            )
        )  # fmt: skip
        previous = _same(_hmac(key, text).hex(), given, signature, text)
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
    _same(_hmac(key, text).hex(), given, signature, text)


def _same(computed: str, given: str, signature: Signature, text: str) -> str:
    if not hmac.compare_digest(computed.encode(), given.encode()):
        raise _mismatch("s3", signature, text)
    return computed


def _check_expiry_v4(signature: Signature, service: str) -> None:
    signed = _basic_time(signature.time)
    if service != "s3":
        seconds = signature.expires or ""
        if seconds.isdecimal() and clock.now() >= signed + timedelta(seconds=int(seconds)):
            raise front_door("mismatch", service, f"Signature expired: {signature.time}.")
        return
    seconds = signature.expires or ""
    if not re.fullmatch(r"-?\d{1,18}", seconds):
        raise _query_error("X-Amz-Expires should be a number")
    if int(seconds) < 0:
        raise _query_error("X-Amz-Expires must be non-negative")
    if int(seconds) > _WEEK:
        raise _query_error(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given "
            "X-Amz-Expires must be less than 604800 seconds"
        )
    now, end = clock.now(), signed + timedelta(seconds=int(seconds))
    if signed > now + _SKEW:
        milliseconds = int(signed.timestamp()) * 1000
        fields = {"X-Amz-Date": str(milliseconds), "Expires": _iso(end), "ServerTime": _iso(now)}
        raise AwsError("AccessDenied", "Request is not yet valid", 403, fields)
    if now >= end:
        fields = {"X-Amz-Expires": seconds, "Expires": _iso(end), "ServerTime": _iso(now)}
        raise AwsError("AccessDenied", "Request has expired", 403, fields)


def _basic_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _ISO_BASIC).replace(tzinfo=UTC)
    except ValueError:
        raise _query_error(
            'X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd\'T\'HHmmss\'Z\'"'
        ) from None


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _mismatch(
    service: str, signature: Signature, text: str, canonical: str | None = None
) -> AwsError:
    fields = {
        "AWSAccessKeyId": signature.access_key_id,
        "StringToSign": text,
        "SignatureProvided": signature.value,
        "StringToSignBytes": text.encode().hex(" "),
    }
    if canonical is not None:
        fields["CanonicalRequest"] = canonical
        fields["CanonicalRequestBytes"] = canonical.encode().hex(" ")
    return front_door("mismatch", service, fields=fields)


# --- Version 4's calculation --------------------------------------------------------------------


def canonical_request(
    request: Request, service: str, signature: Signature, payload_hash: str
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
    return f"{_ALGORITHM}\n{signature.time}\n{signature.scope}\n{digest}"


@lru_cache(maxsize=64)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Version 4's signing key: the secret, narrowed to a day, a region and a service."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, _TERMINATOR):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256")


def _squeezed(value: str) -> str:
    """A header's value without spaces at its ends, and one in place of several."""
    return " ".join(value.split())


def _canonical_path(path: str, service: str) -> str:
    """S3 encodes a path once and changes nothing else; the others normalise and encode twice."""
    if path == "/":
        return path
    if service == "s3":
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


# --- Version 2, which only S3 takes --------------------------------------------------------------

_SUBRESOURCES = {
    "accelerate", "acl", "analytics", "cors", "delete", "encryption", "inventory", "legal-hold",
    "lifecycle", "location", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
    "replication", "requestPayment", "restore", "retention", "select", "select-type", "tagging",
    "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires",
}  # fmt: skip


def _verify_v2(request: Request, signature: Signature, bucket: str | None, secret: str) -> None:
    if signature.place == "query":
        if not re.fullmatch(r"\d{1,12}", signature.expires or ""):
            raise AwsError(
                "AccessDenied", f"Invalid date (should be seconds since epoch): {signature.expires}",
                403,
            )  # fmt: skip
    elif not _readable_date(request):
        raise AwsError("AccessDenied", _DATE_NEEDED, 403)
    text = string_to_sign_v2(request, bucket, signature.expires)
    _check_v2(secret, text, signature)
    if signature.place == "query":
        now, end = clock.now(), datetime.fromtimestamp(int(signature.expires or 0), UTC)
        if now >= end:
            fields = {"Expires": _iso(end), "ServerTime": _iso(now)}
            raise AwsError("AccessDenied", "Request has expired", 403, fields)


def _readable_date(request: Request) -> bool:
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    if re.fullmatch(r"\d{8}T\d{6}Z", text):
        return True
    try:
        parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return False
    return True


def string_to_sign_v2(request: Request, bucket: str | None, expires: str | None) -> str:
    """Version 2's string to sign; ``expires`` is that of a presigned URL."""
    headers = request.headers
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    if expires is not None:  # a presigned URL may carry such headers as parameters
        hoisted = {n: v for n, v in request.parameters.items() if n.lower().startswith("x-amz-")}
        amz = {**{name.lower(): value for name, value in hoisted.items()}, **amz}
    date = expires or ("" if "x-amz-date" in headers else headers.get("date", ""))
    lines = [
        request.method, headers.get("content-md5", "").strip(),
        headers.get("content-type", "").strip(), date.strip(),
        *(f"{name}:{' '.join(amz[name].split())}" for name in sorted(amz)),
    ]  # fmt: skip
    path = request.path if bucket is None else f"/{bucket}{request.path}"
    return "\n".join(lines) + "\n" + path + _subresources(request.query)


def _subresources(query: str) -> str:
    found = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name in _SUBRESOURCES:
            found.append(name + equals + unquote_to_bytes(value).decode("utf-8", "replace"))
    return "?" + "&".join(sorted(found)) if found else ""


def _check_v2(secret: str, text: str, signature: Signature) -> None:
    digest = hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")
    computed = base64.b64encode(digest)
    if not hmac.compare_digest(computed, signature.value.encode()):
        raise _mismatch("s3", signature, text)


# --- Upload forms, of either version ------------------------------------------------------------


def _verify_form(request: Request, signature: Signature, bucket: str | None, secret: str) -> None:
    """The text of a form's policy is what its signer signed."""
    form = post_form.read(request)
    policy = form.fields["policy"]
    if signature.version == 2:
        _check_v2(secret, policy, signature)
    else:
        _check_form_scope(signature)
        key = signing_key(secret, signature.date, signature.region, signature.service)
        _same(_hmac(key, policy).hex(), signature.value, signature, policy)
    name = bucket or unquote_to_bytes(request.path.strip("/")).decode("utf-8", "replace")
    post_form.check_policy(form, name)


def _check_form_scope(signature: Signature) -> None:
    credential = f"{signature.access_key_id}/{signature.scope}"
    if signature.service != "s3":
        why = f'incorrect service "{signature.service}". This endpoint belongs to "s3".'
        raise _argument("X-Amz-Credential", credential, why)
    if not re.fullmatch(r"\d{8}T\d{6}Z", signature.time):
        raise _argument(
            "X-Amz-Date", signature.time, "X-Amz-Date must be formated via ISO8601 Long format"
        )


def presigned_headers(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that a presigned URL carries as parameters (x-amz-…, but for its signature's)."""
    own = {
        "x-amz-algorithm", "x-amz-content-sha256", "x-amz-credential", "x-amz-date",
        "x-amz-expires", "x-amz-security-token", "x-amz-signature", "x-amz-signedheaders",
        "x-amz-user-agent",
    }  # fmt: skip
    return {
        name.lower(): value
        for name, value in query
        if name.lower().startswith("x-amz-") and name.lower() not in own
    }

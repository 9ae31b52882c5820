"""AWS Signature Version 2, as Amazon S3 still takes it.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html
"""

import base64
import hmac
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.signature import DATE_NEEDED
from workshop_lib.sandbox.call import Signature
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition

_END_OF_TIME = int(datetime.max.replace(tzinfo=UTC).timestamp()) - 1
_SUBRESOURCES = {
    "accelerate", "acl", "analytics", "cors", "delete", "encryption", "inventory", "legal-hold",
    "lifecycle", "location", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
    "replication", "requestPayment", "restore", "retention", "select", "select-type", "tagging",
    "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires",
}  # fmt: skip


def verify(
    request: Request,
    service: ServiceDefinition,
    signature: Signature,
    bucket: str | None,
    secret: str,
) -> None:
    """Raise AwsError unless ``secret`` made a version 2 signature in header or query string."""
    if signature.place == "query":
        if not re.fullmatch(r"\d{1,12}", signature.expires or ""):
            why = f"Invalid date (should be seconds since epoch): {signature.expires}"
            raise AwsError("AccessDenied", why, 403)
    elif not _readable_date(request):
        raise AwsError("AccessDenied", DATE_NEEDED, 403)
    text = string_to_sign_v2(request, bucket, signature.expires)
    check(secret, text, service, signature)
    if signature.place == "query":
        expires = min(int(signature.expires or 0), _END_OF_TIME)
        now, end = clock.now(), datetime.fromtimestamp(expires, UTC)
        if now >= end:
            fields = {"Expires": iso(end), "ServerTime": iso(now)}
            raise AwsError("AccessDenied", "Request has expired", 403, fields)


def _readable_date(request: Request) -> bool:
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    if re.fullmatch(r"\d{8}T\d{6}Z", text):
        return True
    try:
        parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return False
    return True


def string_to_sign_v2(request: Request, bucket: str | None, expires: str | None) -> str:
    """Version 2's string to sign; ``expires`` is that of a presigned URL."""
    headers = request.headers
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    if expires is not None:  # a presigned URL may carry such headers as parameters
        amz = {**_amz_parameters(request), **amz}
    date = expires or ("" if "x-amz-date" in headers else headers.get("date", ""))
    lines = [
        request.method, headers.get("content-md5", "").strip(),
        headers.get("content-type", "").strip(), date.strip(),
        *(f"{name}:{amz[name].strip()}" for name in sorted(amz)),
    ]  # fmt: skip
    path = request.path if bucket is None else f"/{bucket}{request.path}"
    if path.count("/") == 1 and path != "/":  # a bucket is signed with a slash at its end
        path += "/"
    return "\n".join(lines) + "\n" + path + _subresources(request.query)


def _amz_parameters(request: Request) -> dict[str, str]:
    found = {name.lower(): value for name, value in request.parameters.items()}
    return {name: value for name, value in found.items() if name.startswith("x-amz-")}


def _subresources(query: str) -> str:
    found = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name in _SUBRESOURCES:
            found.append(name + equals + unquote_to_bytes(value).decode("utf-8", "replace"))
    return "?" + "&".join(sorted(found)) if found else ""


def check(secret: str, text: str, service: ServiceDefinition, signature: Signature) -> None:
    """Raise AwsError unless ``secret`` signed ``text``."""
    digest = hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")
    computed = base64.b64encode(digest)
    if not hmac.compare_digest(computed, signature.value.encode()):
        raise mismatch(service, signature, text)


def iso(moment: datetime) -> str:
    """A time as S3's error documents write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def mismatch(
    service: ServiceDefinition, signature: Signature, text: str, canonical: str | None = None
) -> AwsError:
    """The refusal of a signature that the caller's secret did not make over ``text``."""
    fields = {
        "AWSAccessKeyId": signature.access_key_id,
        "StringToSign": text,
        "SignatureProvided": signature.value,
        "StringToSignBytes": text.encode().hex(" "),
    }
    if canonical is not None:
        fields["CanonicalRequest"] = canonical
        fields["CanonicalRequestBytes"] = canonical.encode().hex(" ")
    return service.authentication_error("mismatch", fields=fields)

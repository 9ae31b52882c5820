"""Cross-origin requests: what a bucket's CORS rules answer a browser.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
"""

import re
from typing import Any

from workshop_lib.sandbox.errors import AwsError
from workshop_lib.sandbox.messages import Request, Response
from workshop_lib.sandbox.s3_buckets import Bucket

_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def preflight(request: Request, bucket: Bucket) -> Response:
    """The answer to a browser that asks before it sends. Raises AwsError where it may not."""
    origin = request.headers.get("origin")
    method = request.headers.get("access-control-request-method")
    if not origin:
        message = "Insufficient information. Origin request header needed."
        raise AwsError("BadRequest", message)
    if method not in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}")
    if not bucket.moto.cors:
        raise _forbidden("CORS is not enabled for this bucket.")
    asked = request.headers.get("access-control-request-headers", "")
    names = [name.strip().lower() for name in asked.split(",") if name.strip()]
    rule = _matching(bucket, origin, method, names)
    if rule is None:
        raise _forbidden(
            "This CORS request is not allowed. This is usually because the evalution of Origin, "
            "request method / Access-Control-Request-Method or Access-Control-Request-Headers are "
            "not whitelisted by the resource's CORS spec."
        )
    headers = _headers(rule, origin)
    if names:
        headers["Access-Control-Allow-Headers"] = ", ".join(names)
    if rule.max_age_seconds is not None:
        headers["Access-Control-Max-Age"] = str(rule.max_age_seconds)
    return Response(200, headers)


def add_headers(request: Request, bucket: Bucket, response: Response) -> None:
    """Tell a browser, in the answer itself, that the page may read it."""
    origin = request.headers.get("origin")
    if origin and bucket.moto.cors:
        rule = _matching(bucket, origin, request.method, [])
        if rule is not None:
            response.headers.update(_headers(rule, origin))


def _forbidden(why: str) -> AwsError:
    return AwsError("AccessForbidden", f"CORSResponse: {why}", 403)


def _matching(bucket: Bucket, origin: str, method: str, names: list[str]) -> Any | None:
    """The first rule that covers origin, method and headers."""
    for rule in bucket.moto.cors:
        if (
            any(_fits(pattern, origin) for pattern in _listed(rule.allowed_origins))
            and method in _listed(rule.allowed_methods)
            and all(
                any(_fits(pattern.lower(), name) for pattern in _listed(rule.allowed_headers))
                for name in names
            )
        ):
            return rule
    return None


def _headers(rule: Any, origin: str) -> dict[str, str]:
    everyone = "*" in _listed(rule.allowed_origins)
    headers = {
        "Access-Control-Allow-Origin": "*" if everyone else origin,
        "Access-Control-Allow-Methods": ", ".join(_listed(rule.allowed_methods)),
        "Vary": _VARY,
    }
    if not everyone:
        headers["Access-Control-Allow-Credentials"] = "true"
    if exposed := _listed(rule.exposed_headers):
        headers["Access-Control-Expose-Headers"] = ", ".join(exposed)
    return headers


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None

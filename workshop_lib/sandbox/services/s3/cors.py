"""Cross-origin requests: a bucket's CORS rules, and what they answer a browser.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
"""

import re

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request, Response
from workshop_lib.sandbox.services.s3.buckets import Bucket, CorsRule
from workshop_lib.sandbox.services.s3.errors import invalid_request
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse, respond

_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
_MOST_RULES, _LONGEST_ID = 100, 255
_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]*", re.ASCII)


# --- the rules ----------------------------------------------------------------------------------


def put_cors(bucket: Bucket, body: bytes) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html"""
    found = parse(body, "CORSConfiguration").all("CORSRule")
    if not 1 <= len(found) <= _MOST_RULES:
        raise malformed()
    bucket.settings.cors = [_rule(element) for element in found]
    return Response(200)


def get_cors(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html"""
    if not bucket.settings.cors:
        message = "The CORS configuration does not exist"
        raise AwsError("NoSuchCORSConfiguration", message, 404, {"BucketName": bucket.name})
    shown = [
        {
            "ID": rule.name,
            "AllowedOrigin": rule.origins,
            "AllowedMethod": rule.methods,
            "AllowedHeader": rule.headers,
            "MaxAgeSeconds": rule.max_age,
            "ExposeHeader": rule.exposed,
        }
        for rule in bucket.settings.cors
    ]
    return respond("CORSConfiguration", {"CORSRule": shown})


def delete_cors(bucket: Bucket) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html"""
    bucket.settings.cors = []
    return Response(204)


def _rule(element: Element) -> CorsRule:
    """The rule an element describes. Raises AwsError MalformedXML, InvalidRequest."""

    def texts(name: str) -> list[str]:
        return [child.text for child in element.all(name)]

    rule = CorsRule(
        texts("AllowedOrigin"),
        texts("AllowedMethod"),
        texts("AllowedHeader"),
        texts("ExposeHeader"),
        element.value("MaxAgeSeconds"),
        element.value("ID"),
    )
    age = re.fullmatch(r"\s*-?\d+\s*", rule.max_age or "0", re.ASCII)
    if not rule.origins or not rule.methods or not age or len(rule.name or "") > _LONGEST_ID:
        raise malformed()
    _check_names(rule)
    return rule


def _check_names(rule: CorsRule) -> None:
    """Raise AwsError InvalidRequest for a method, an origin or a header that none can have."""
    for method in rule.methods:
        if method not in _METHODS:
            message = "Found unsupported HTTP method in CORS config. Unsupported method is "
            raise invalid_request(message + method)
    for kind, patterns in (("AllowedOrigin", rule.origins), ("AllowedHeader", rule.headers)):
        for pattern in patterns:
            if pattern.count("*") > 1:
                message = f'{kind} "{pattern}" can not have more than one wildcard.'
                raise invalid_request(message)
    for name in rule.exposed:
        if "*" in name:
            message = f'ExposeHeader "{name}" contains wildcard. We currently do not support '
            raise invalid_request(message + "wildcard for ExposeHeader.")
    for name in (*rule.headers, *rule.exposed):
        if not _HEADER_NAME.fullmatch(name):  # S3 calls both by the first one's name
            raise invalid_request(f'AllowedHeader "{name}" contains invalid character.')


# --- requests from pages ------------------------------------------------------------------------


def preflight(call: Call, bucket: Bucket | None) -> Response:
    """The answer to a browser that asks before it sends. Raises AwsError where it may not."""
    request = call.request
    origin = request.headers.get("origin")
    if not origin:
        message = "Insufficient information. Origin request header needed."
        raise AwsError("BadRequest", message)
    method = request.headers.get("access-control-request-method")
    if method and method not in (*_METHODS, "OPTIONS", "PATCH"):
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method}")
    for name in request.headers.get("access-control-request-headers", "").split(","):
        if not _HEADER_NAME.fullmatch(name.strip()):
            message = f'Access-Control-Request-Headers "{name}" contains invalid character.'
            raise AwsError("BadRequest", message)
    if bucket is None:
        raise _forbidden("Bucket not found", method, "BUCKET")
    if not bucket.settings.cors:
        raise _forbidden("CORS is not enabled for this bucket.", method, "BUCKET")
    if not method:
        raise AwsError("BadRequest", "Invalid Access-Control-Request-Method: null")
    names = _asked(request)
    rule = _matching(bucket, origin, method, names)
    if rule is None:
        raise _forbidden(
            "This CORS request is not allowed. This is usually because the evalution of Origin, "
            "request method / Access-Control-Request-Method or Access-Control-Request-Headers are "
            "not whitelisted by the resource's CORS spec.",
            method,
            "OBJECT" if call.parameters.get("Key") else "BUCKET",
        )
    headers = _headers(rule, origin)
    if names:
        headers["Access-Control-Allow-Headers"] = ", ".join(names)
    return Response(200, headers)


def add_cors_headers(request: Request, bucket: Bucket, response: Response) -> None:
    """Tell a browser, in the answer itself, that the page may read it.

    What the request says of the method and the headers a page is to send counts here too.
    """
    origin = request.headers.get("origin")
    if origin and bucket.settings.cors:
        method = request.headers.get("access-control-request-method", request.method)
        rule = _matching(bucket, origin, method, _asked(request))
        if rule is not None:
            response.headers.update(_headers(rule, origin))


def _asked(request: Request) -> list[str]:
    names = request.headers.get("access-control-request-headers", "").split(",")
    return [name.strip().lower() for name in names if name.strip()]


def _forbidden(why: str, method: str | None, kind: str) -> AwsError:
    fields = {"Method": method or "OPTIONS", "ResourceType": kind}
    return AwsError("AccessForbidden", f"CORSResponse: {why}", 403, fields)


def _matching(bucket: Bucket, origin: str, method: str, names: list[str]) -> CorsRule | None:
    """The first rule that covers origin, method and headers."""
    for rule in bucket.settings.cors:
        if (
            any(_fits(pattern, origin) for pattern in rule.origins)
            and method in rule.methods
            and all(any(_fits(pattern.lower(), name) for pattern in rule.headers) for name in names)
        ):
            return rule
    return None


def _headers(rule: CorsRule, origin: str) -> dict[str, str]:
    everyone = "*" in rule.origins
    headers = {
        "Access-Control-Allow-Origin": "*" if everyone else origin,
        "Access-Control-Allow-Methods": ", ".join(rule.methods),
        "Vary": _VARY,
    }
    if not everyone:
        headers["Access-Control-Allow-Credentials"] = "true"
    if rule.exposed:
        headers["Access-Control-Expose-Headers"] = ", ".join(rule.exposed)
    if rule.max_age is not None:
        headers["Access-Control-Max-Age"] = rule.max_age.strip()
    return headers


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None

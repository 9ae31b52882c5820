"""The signature a request carries: in a header, in the query string or in an upload form.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sig-v4-authenticating-requests.html
https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.call import TERMINATOR, Signature
from workshop_lib.sandbox.protocol import multipart_form
from workshop_lib.sandbox.protocol.endpoints import DEFAULT_REGION
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.protocol.service_definition import ServiceDefinition
from workshop_lib.sandbox.protocol.service_model import regions

_ALGORITHM = "AWS4-HMAC-SHA256"
ISO_BASIC = "%Y%m%dT%H%M%SZ"
DATE_NEEDED = "AWS authentication requires a valid Date or x-amz-date header"


_HEADER_V4 = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request\s*,"
    r"\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})\s*"
)
_QUERY_V4 = (
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date",
    "X-Amz-SignedHeaders",
)  # fmt: skip


def read_signature(request: Request, service: ServiceDefinition) -> Signature | None:
    """The signature of a request to ``service``; None where it carries none.

    A browser's preflight is never signed: a signature in its URL is that of the request to come.
    Raises AwsError, in the service's words, for one that is malformed.
    """
    if service.signs_like_s3 and request.method == "OPTIONS":
        return None
    header = request.headers.get("authorization", "")
    query = request.parameters if request.query else {}
    if header:
        if "X-Amz-Algorithm" in query or (service.signs_like_s3 and "Signature" in query):
            raise _two_signatures(service, header)
        if match := _HEADER_V4.fullmatch(header):
            key, date, region, scope, signed, value = match.groups()
            return Signature(
                4, "header", key, value, request.headers.get("x-amz-security-token"), date,
                region, scope, tuple(signed.split(";")), _header_time(request, service),
            )  # fmt: skip
        return _read_other_header(request, service, header)
    if "X-Amz-Algorithm" in query or (service.signs_like_s3 and "X-Amz-Signature" in query):
        return _read_query_v4(query, service)
    if not service.signs_like_s3:
        return None
    if "AWSAccessKeyId" in query or "Signature" in query:
        return _read_query_v2(query)
    if multipart_form.is_form(request):
        return _read_form(multipart_form.read(request).fields, service)
    return None


def _read_other_header(
    request: Request, service: ServiceDefinition, header: str
) -> Signature | None:
    scheme, _, rest = header.partition(" ")
    if scheme == "AWS4-ECDSA-P256-SHA256":
        raise NotEmulated("The sandbox does not emulate Signature Version 4A.")
    if scheme == _ALGORITHM:
        return _read_loose_header(request, service, header, rest)
    if service.signs_like_s3 and " " not in header:
        why = "Authorization header is invalid -- one and only one ' ' (space) required."
        raise argument("Authorization", header, why)
    if not service.signs_like_s3:
        if header.startswith("AWS4-") and (missing := _missing(_parts(rest))):
            raise _incomplete(request, service, header, missing)
        return None
    if scheme != "AWS":
        raise argument("Authorization", header, "Unsupported Authorization Type")
    key, colon, value = rest.strip().partition(":")
    if not (key and colon and value):
        raise argument(
            "Authorization",
            header,
            "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
        )
    token = request.headers.get("x-amz-security-token")
    return Signature(2, "header", key, value, token)


def _read_loose_header(
    request: Request, service: ServiceDefinition, header: str, rest: str
) -> Signature:
    """A version 4 header in another order or spacing; what it lacks is refused by name."""
    if not service.signs_like_s3 and any("=" not in word for word in _words(rest)):
        raise service.authentication_error(
            "incomplete",
            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with "
            f"SHA-256 and encoded with Base64): '{_hashed(header)}'.",
        )
    parts = _parts(rest)
    missing = _missing(parts)
    if missing and service.signs_like_s3:
        why = _why_incomplete(rest, missing)
        raise service.authentication_error(
            "incomplete", f"The authorization header is malformed; {why}"
        )
    if missing:
        raise _incomplete(request, service, header, missing)
    key, date, region, scope = _credential(parts["Credential"], service, "header")
    return Signature(
        4, "header", key, parts["Signature"], request.headers.get("x-amz-security-token"), date,
        region, scope, tuple(parts["SignedHeaders"].split(";")), _header_time(request, service),
    )  # fmt: skip


def _why_incomplete(text: str, missing: list[str]) -> str:
    """What S3 says of a header that lacks something.

    https://github.com/versity/versitygw/blob/main/s3err/sigv4.go
    """
    components = [part.strip() for part in text.split(",")]
    if len(components) < 3:
        return (
            "the authorization header requires three components: Credential, SignedHeaders, and "
            "Signature."
        )
    odd = next((component for component in components if "=" not in component), None)
    if odd is not None:
        return f'the authorization component "{odd}" is malformed.'
    return f"missing {missing[0]}."


def _parts(text: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in text.split(",")]
    return {name: value for name, _, value in pairs}


def _words(text: str) -> list[str]:
    """What AWS's front end takes for pairs: a space parts them as a comma does."""
    return [word for word in re.split(r"[,\s]+", text) if word]


def _missing(parts: Mapping[str, str]) -> list[str]:
    """What a version 4 header of these parts lacks."""
    return [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]


def _incomplete(
    request: Request, service: ServiceDefinition, header: str, missing: list[str]
) -> AwsError:
    """The words: recorded from DynamoDB by dynalite, test/connection.js.

    Since then the header is told by its digest: https://github.com/versity/versitygw,
    tests/integration/iam_auth.go.
    """
    needs = [f"Authorization header requires '{name}' parameter." for name in missing]
    if not (request.headers.get("x-amz-date") or request.headers.get("date")):
        needs.append(_DATE_HEADER)
    return service.authentication_error("incomplete", f"{' '.join(needs)} {_told(header)}")


def _told(header: str) -> str:
    return f"(Hashed with SHA-256 and encoded with Base64) Authorization={_hashed(header)}"


def _hashed(header: str) -> str:
    digest = hashlib.sha256(header.encode("utf-8", "surrogateescape")).digest()
    return b64encode(digest).decode()


_DATE_HEADER = (
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
)


def _header_time(request: Request, service: ServiceDefinition) -> str:
    """When a header says it was signed, in ISO 8601's basic form."""
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    if _is_basic_time(text):
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime(ISO_BASIC)
    except (TypeError, ValueError, IndexError, OverflowError):
        pass
    if service.signs_like_s3:
        raise AwsError("AccessDenied", DATE_NEEDED, 403)
    if not text:
        why = f"{_DATE_HEADER} {_told(request.headers['authorization'])}"
        raise service.authentication_error("incomplete", why)
    raise _no_time(text, service)


def _no_time(text: str, service: ServiceDefinition) -> AwsError:
    return service.authentication_error(
        "incomplete",
        f"Date must be in ISO-8601 'basic format'. Got '{text}'. See "
        "http://en.wikipedia.org/wiki/ISO_8601",
    )


@lru_cache(maxsize=64)  # a second's calls carry one time, and strptime is slow
def _is_basic_time(text: str) -> bool:
    if not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        return False
    try:
        datetime.strptime(text, ISO_BASIC)
    except ValueError:
        return False
    return True


def _read_query_v4(query: dict[str, str], service: ServiceDefinition) -> Signature:
    wanted = (*_QUERY_V4, "X-Amz-Expires") if service.signs_like_s3 else _QUERY_V4
    missing = [name for name in wanted if not query.get(name)]
    if missing and service.signs_like_s3:
        raise query_error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            "X-Amz-Expires parameters."
        )
    if missing:
        needs = " ".join(f"AWS query-string parameters must include '{n}'." for n in missing)
        raise service.authentication_error(
            "incomplete", f"{needs} Re-examine the query-string parameters."
        )
    algorithm = query["X-Amz-Algorithm"]
    if algorithm == "AWS4-ECDSA-P256-SHA256":
        raise NotEmulated("The sandbox does not emulate Signature Version 4A.")
    if algorithm != _ALGORITHM and service.signs_like_s3:
        raise query_error(
            'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"'
        )
    if algorithm != _ALGORITHM:
        raise service.authentication_error("unsigned", "Missing Authentication Token")
    key, date, region, scope = _credential(query["X-Amz-Credential"], service, "query")
    if not _is_basic_time(query["X-Amz-Date"]):
        raise (
            query_error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
            if service.signs_like_s3
            else _no_time(query["X-Amz-Date"], service)
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


def _read_form(fields: dict[str, str], service: ServiceDefinition) -> Signature | None:
    token = fields.get("x-amz-security-token")
    if fields.keys() & {"x-amz-algorithm", "x-amz-credential", "x-amz-signature"}:
        for name in ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"):
            if not fields.get(name.lower()):
                raise multipart_form.missing_field(name)
        if "policy" not in fields:
            raise multipart_form.missing_field("Policy")
        algorithm = fields["x-amz-algorithm"]
        if algorithm != _ALGORITHM:
            raise argument("X-Amz-Algorithm", algorithm, f"Only {_ALGORITHM} is supported")
        key, date, region, scope = _credential(fields["x-amz-credential"], service, "form")
        time, value = fields["x-amz-date"], fields["x-amz-signature"]
        return Signature(4, "form", key, value, token, date, region, scope, (), time)
    if fields.keys() & {"awsaccesskeyid", "signature"}:
        for name in ("AWSAccessKeyId", "Signature", "Policy"):
            if name.lower() not in fields:
                raise multipart_form.missing_field(name)
        return Signature(2, "form", fields["awsaccesskeyid"], fields["signature"], token)
    return None


def _credential(text: str, service: ServiceDefinition, place: str) -> tuple[str, str, str, str]:
    """(access key id, date, region, service) of a version 4 credential."""
    parts = text.split("/")
    if len(parts) != 5 or not parts[0]:
        why = (
            'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/'
            'aws4_request".'
        )
        if not service.signs_like_s3:
            why = (
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                f"keyid/date/region/service/term, got '{text}'"
            )
        raise scope_error(why, service, place, text)
    key, date, region, scope, terminator = parts
    if terminator != TERMINATOR:
        why = f'incorrect terminal "{terminator}". This endpoint uses "aws4_request".'
        if not service.signs_like_s3:
            why = "Credential should be scoped with a valid terminator: 'aws4_request'."
            raise service.authentication_error("mismatch", why)
        raise scope_error(why, service, place, text)
    if service.signs_like_s3 and scope != service.signed_as:
        why = f'incorrect service "{scope}". This endpoint belongs to "{service.signed_as}".'
        raise scope_error(why, service, place, text)
    if service.signs_like_s3 and not re.fullmatch(r"\d{8}", date):
        why = (
            f'incorrect date format "{date}". This date in the credential must be in the format '
            '"yyyyMMdd".'
        )
        raise scope_error(why, service, place, text)
    return key, date, region, scope


def check_region(signature: Signature | None, service: ServiceDefinition, expected: str) -> None:
    """Refuse a signature whose scope names another Region than the endpoint's.

    S3 takes any that AWS has, and says which it expected. Raises AwsError.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    """
    if signature is None or signature.version == 2:
        return
    known = signature.region in regions()
    if known and (service.signs_like_s3 or signature.region == expected.lower()):
        return
    if service.signs_like_s3:
        region = expected if expected in regions() else DEFAULT_REGION
        why = f"the region '{signature.region}' is wrong; expecting '{region}'"
        credential = f"{signature.access_key_id}/{signature.scope}"
        raise scope_error(why, service, signature.place, credential)
    why = "Credential should be scoped to a valid region."
    raise service.authentication_error("mismatch", why)


def scope_error(why: str, service: ServiceDefinition, place: str, credential: str) -> AwsError:
    """The refusal of a credential's scope: ``why``, in the form for its ``place``."""
    if not service.signs_like_s3:
        return service.authentication_error("incomplete", why)
    if place == "query":
        return query_error(f"Error parsing the X-Amz-Credential parameter; {why}")
    if place == "form":
        return argument("X-Amz-Credential", credential, why)
    return service.authentication_error(
        "incomplete", f"The authorization header is malformed; {why}"
    )


def query_error(message: str) -> AwsError:
    """S3's refusal of a presigned URL's parameters."""
    return AwsError("AuthorizationQueryParametersError", message)


def argument(name: str, value: str, message: str) -> AwsError:
    """S3's InvalidArgument, naming what was wrong."""
    return AwsError(
        "InvalidArgument", message, fields={"ArgumentName": name, "ArgumentValue": value}
    )


def _two_signatures(service: ServiceDefinition, header: str) -> AwsError:
    if service.signs_like_s3:
        return argument(
            "Authorization",
            header,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified",
        )
    return service.authentication_error(
        "mismatch",
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    )

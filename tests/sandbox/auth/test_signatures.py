"""Signatures: AWS's published examples, botocore's signers, and what is refused."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.signatures import read, verify
from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.sigv2 import string_to_sign_v2
from workshop_lib.sandbox.protocol import aws_chunked
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Request
from workshop_lib.sandbox.transport.prepared_request import read_body, read_prepared

# The credentials of AWS's documentation.
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HOST = "examplebucket.s3.amazonaws.com"
SIGNERS = settings(max_examples=120)


def refusal(request: Request, service: str = "s3", secret: str = SECRET) -> AwsError:
    """The refusal of a request's signature; fails where it is accepted."""
    with pytest.raises(AwsError) as caught:
        verify(request, service, None, secret)
    return caught.value


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the sandbox's clock to a moment."""

    def set_clock(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return set_clock


# --- AWS's own examples --------------------------------------------------------------------------


def example(
    method: str, target: str, signature: str, signed: str, body: bytes = b"", **headers: str
) -> Request:
    """A request of AWS's examples, with the Authorization header they state."""
    path, _, query = target.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    all_headers = {
        "host": HOST,
        "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        **named,
        "authorization": (
            f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,"
            f"SignedHeaders={signed},Signature={signature}"
        ),
    }
    return Request(method, "https", all_headers["host"], path, query, all_headers, body)


PLAIN = "host;x-amz-content-sha256;x-amz-date"
EXAMPLES = {
    "GET a range": example(
        "GET",
        "/test.txt",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        "host;range;x-amz-content-sha256;x-amz-date",
        range="bytes=0-9",
    ),
    "PUT": example(
        "PUT",
        "/test%24file.text",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        b"Welcome to Amazon S3.",
        date="Fri, 24 May 2013 00:00:00 GMT",
        x_amz_storage_class="REDUCED_REDUNDANCY",
    ),
    "GET lifecycle": example(
        "GET",
        "/?lifecycle",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        PLAIN,
    ),
    "list": example(
        "GET",
        "/?max-keys=2&prefix=J",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        PLAIN,
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_header_examples(name: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sig-v4-header-based-auth.html"""
    request = EXAMPLES[name]
    verify(request, "s3", "examplebucket", SECRET)
    assert refusal(request, secret="another").code == "SignatureDoesNotMatch"


def test_presigned_example(at: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-query-string-auth.html"""
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
        "X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    request = Request("GET", "https", HOST, "/test.txt", query, {"host": HOST})
    at(datetime(2013, 5, 24, 23, 59, 59, tzinfo=UTC))
    verify(request, "s3", "examplebucket", SECRET)
    at(datetime(2013, 5, 25, tzinfo=UTC))
    expired = refusal(request)
    assert (expired.code, expired.message, expired.status) == (
        "AccessDenied", "Request has expired", 403,
    )  # fmt: skip
    assert expired.fields == {
        "X-Amz-Expires": "86400",
        "Expires": "2013-05-25T00:00:00Z",
        "ServerTime": "2013-05-25T00:00:00Z",
    }
    at(datetime(2013, 5, 23, tzinfo=UTC))
    early = refusal(request)
    assert (early.message, early.fields["X-Amz-Date"]) == (
        "Request is not yet valid", "1369353600000",
    )  # fmt: skip


def chunked_body(signatures: list[str], end: bytes = b"\r\n") -> bytes:
    pieces = [b"a" * 65536, b"a" * 1024, b""]
    body = b"".join(
        b"%x;chunk-signature=%s\r\n%s" % (len(piece), signature.encode(), piece)
        + (b"\r\n" if piece else b"")
        for piece, signature in zip(pieces, signatures, strict=True)
    )
    return body + end


STREAM_HEADERS = {
    "host": "s3.amazonaws.com",
    "x_amz_storage_class": "REDUCED_REDUNDANCY",
    "content_encoding": "aws-chunked",
    "x_amz_decoded_content_length": "66560",
}


def streamed() -> Request:
    return example(
        "PUT",
        "/examplebucket/chunkObject.txt",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class",
        chunked_body(
            [
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ]
        ),
        x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        content_length="66824",
        **STREAM_HEADERS,
    )


def streamed_with_trailer() -> Request:
    return example(
        "PUT",
        "/examplebucket/chunkObject.txt",
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
        "x-amz-storage-class;x-amz-trailer",
        chunked_body(
            [
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
            ],
            b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
            b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
        ),
        x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        x_amz_trailer="x-amz-checksum-crc32c",
        **STREAM_HEADERS,
    )


def test_streaming_example() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-streaming.html"""
    request = streamed()
    assert len(request.body) == 66824
    verify(request, "s3", None, SECRET)
    aws_chunked.unwrap(request)
    assert request.body == b"a" * 66560
    assert request.headers["content-length"] == "66560"
    assert "content-encoding" not in request.headers


def test_trailer_example() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-streaming-trailers.html"""
    request = streamed_with_trailer()
    verify(request, "s3", None, SECRET)
    aws_chunked.unwrap(request)
    assert request.body == b"a" * 66560
    assert request.headers["x-amz-checksum-crc32c"] == "sOO8/Q=="
    assert "x-amz-decoded-content-length" not in request.headers


@pytest.mark.parametrize("position", [3, 100, 65_600, 66_700, 66_800])
def test_a_flipped_byte_of_a_stream_is_refused(position: int) -> None:
    request = streamed()
    flipped = bytearray(request.body)
    flipped[position] ^= 1
    request.body = bytes(flipped)
    assert refusal(request).code in ("SignatureDoesNotMatch", "IncompleteBody")


def test_a_changed_trailer_is_refused() -> None:
    request = streamed_with_trailer()
    request.body = request.body.replace(b"sOO8/Q==", b"sOO8/g==")
    assert refusal(request).code == "SignatureDoesNotMatch"


def test_reordered_signatures_of_chunks_are_refused() -> None:
    request = streamed()
    chunks = aws_chunked.split(request.body, signed=True)
    assert len(chunks.data) == 2
    first, second, _ = (signature.encode() for signature in chunks.signatures)
    request.body = request.body.replace(first, b"*").replace(second, first).replace(b"*", second)
    assert refusal(request).code == "SignatureDoesNotMatch"


V2_EXAMPLES = [
    ("GET", "/photos/puppy.jpg", "", "johnsmith", {"date": "Tue, 27 Mar 2007 19:36:42 +0000"},
     None, "bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
    ("PUT", "/photos/puppy.jpg", "", "johnsmith",
     {"date": "Tue, 27 Mar 2007 21:15:45 +0000", "content-type": "image/jpeg"},
     None, "MyyxeRY7whkBe+bq8fHCL/2kKUg="),
    ("GET", "/", "prefix=photos&max-keys=50&marker=puppy", "johnsmith",
     {"date": "Tue, 27 Mar 2007 19:42:41 +0000"}, None, "htDYFYduRNen8P9ZfE/s9SuKy0U="),
    ("GET", "/", "acl", "johnsmith", {"date": "Tue, 27 Mar 2007 19:44:46 +0000"},
     None, "c2WLPFtWHVgbEmeEG93a4cG37dM="),
    ("GET", "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re", "", None,
     {"date": "Wed, 28 Mar 2007 01:49:49 +0000"}, None, "DNEZGsoieTZ92F3bUfSPQcbGmlM="),
    ("GET", "/photos/puppy.jpg", "", "johnsmith", {}, "1175139620",
     "NpgCjnDzrM+WFzoENXmpNDUsSn8="),
]  # fmt: skip


@pytest.mark.parametrize("row", V2_EXAMPLES, ids=lambda row: str(row[1]) + str(row[2]))
def test_version_2_examples(row: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html"""
    method, path, query, bucket, headers, expires, expected = row
    request = Request(method, "https", HOST, path, query, dict(headers))
    text = string_to_sign_v2(request, bucket, expires)
    assert (
        base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode() == expected
    )


# --- botocore's signers --------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
keys = st.text(st.sampled_from("ab/~ +.%&=?é界😀$'()*!,;:@-_"), min_size=1, max_size=14)
queries = st.lists(st.tuples(st.sampled_from(["prefix", "a", "a b", "é", "z+", "acl"]), texts))
# Values as a header can carry them, with the spaces that canonical headers squeeze.
values = st.text(st.sampled_from("ab  ,;=\"'1"), max_size=12).map(str.strip)
headers = st.dictionaries(
    st.sampled_from(["x-amz-meta-one", "x-amz-acl", "range", "X-Amz-Meta-Two"]), values
)
bodies = st.binary(max_size=40)
methods = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"])
tokens = st.none() | st.just("a/session+token==")


def signed(signer: botocore.auth.BaseSigner, request: AWSRequest) -> Request:
    """A request as botocore would put it on the wire."""
    signer.add_auth(request)
    prepared = request.prepare()
    sent = read_prepared(prepared, read_body(prepared.body))
    sent.headers["host"] = sent.host
    return sent


def url(key: str, query: list[tuple[str, str]], host: str = "s3.us-east-1.amazonaws.com") -> str:
    text = urlencode(query, quote_via=quote, safe="~")
    return f"https://{host}/bucket/{quote(key, safe='/~')}" + (f"?{text}" if text else "")


def credentials(token: str | None = None, secret: str = SECRET) -> BotoCredentials:
    return BotoCredentials(KEY, secret, token)


def tampered(request: Request) -> list[Request]:
    """The request with one thing changed at a time, each of which its signature covers."""
    from dataclasses import replace

    def changed(**what: Any) -> Request:
        return replace(request, **{"headers": dict(request.headers), **what})

    found = [
        changed(path=request.path + "x"),
        changed(query=request.query + ("&" if request.query else "") + "acl=x"),
        changed(method="PATCH"),
        changed(headers={**request.headers, "x-amz-added": "1"}),
    ]
    if "authorization" in request.headers:
        value = request.headers["authorization"]
        last = "0" if value[-1] != "0" else "1"
        found.append(changed(headers={**request.headers, "authorization": value[:-1] + last}))
    return found


@SIGNERS
@given(methods, keys, queries, headers, bodies, tokens)
def test_s3_headers_as_botocore_signs_them(
    method: str, key: str, query: Any, extra: dict[str, str], body: bytes, token: str | None
) -> None:
    signer = botocore.auth.S3SigV4Auth(credentials(token), "s3", "us-east-1")
    request = AWSRequest(method, url(key, query), extra, body)
    request.context["client_config"] = None
    sent = signed(signer, request)
    verify(sent, "s3", None, SECRET)
    for changed in tampered(sent):
        assert refusal(changed).status == 403


@SIGNERS
@given(methods, keys, queries, headers, tokens)
def test_presigned_urls_as_botocore_signs_them(
    method: str, key: str, query: Any, extra: dict[str, str], token: str | None
) -> None:
    signer = botocore.auth.S3SigV4QueryAuth(credentials(token), "s3", "us-east-1", expires=60)
    sent = signed(signer, AWSRequest(method, url(key, query), extra))
    verify(sent, "s3", None, SECRET)
    for changed in tampered(sent):
        assert refusal(changed).status == 403


paths = st.lists(st.sampled_from(["", ".", "..", "a", "b c", "é", "%", "+", "~x"])).map(
    lambda segments: "/" + quote("/".join(segments), safe="/~")
)


@SIGNERS
@given(methods, paths, queries, headers, bodies)
def test_other_services_normalise_and_encode_twice(
    method: str, path: str, query: Any, extra: dict[str, str], body: bytes
) -> None:
    signer = botocore.auth.SigV4Auth(credentials(), "dynamodb", "us-east-1")
    text = urlencode(query, quote_via=quote, safe="~")
    address = f"https://dynamodb.us-east-1.amazonaws.com{path}?{text}"
    sent = signed(signer, AWSRequest(method, address, extra, body))
    verify(sent, "dynamodb", None, SECRET)
    sent.body += b"x"
    assert refusal(sent, "dynamodb").code == "InvalidSignatureException"


@SIGNERS
@given(methods, keys, headers, tokens, st.sampled_from(["", "acl", "uploadId=a%2Bb&partNumber=1"]))
def test_version_2_as_botocore_signs_it(
    method: str, key: str, extra: dict[str, str], token: str | None, query: str
) -> None:
    address = f"https://s3.amazonaws.com/bucket/{quote(key, safe='/~')}?{query}"
    for signer in (
        botocore.auth.HmacV1Auth(credentials(token)),
        botocore.auth.HmacV1QueryAuth(credentials(token), expires=60),
    ):
        sent = signed(signer, AWSRequest(method, address, dict(extra)))
        found = read(sent, "s3")
        assert found is not None
        assert (found.version, found.session_token) == (2, token)
        verify(sent, "s3", None, SECRET)
        assert refusal(sent, secret="another").code == "SignatureDoesNotMatch"
        sent.path += "x"
        assert refusal(sent).code == "SignatureDoesNotMatch"


def test_version_2_signs_a_bucket_with_a_slash_at_its_end() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html"""

    def resource(path: str, bucket: str | None = None) -> str:
        request = Request("GET", "https", "s3.amazonaws.com", path, "", {})
        return string_to_sign_v2(request, bucket, None).splitlines()[-1]

    assert resource("/bucket") == resource("/bucket/") == resource("/", "bucket") == "/bucket/"
    assert resource("/bucket/key") == resource("/key", "bucket") == "/bucket/key"
    assert resource("/") == "/"


# The two are of another cloud.
_OF_GOOGLE = {"defaultObjectAcl", "storageClass"}


@pytest.mark.parametrize("name", sorted({*botocore.auth.HmacV1Auth.QSAOfInterest} - _OF_GOOGLE))
def test_version_2_signs_each_subresource(name: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html"""
    address = f"https://s3.amazonaws.com/bucket/key?{name}=one&unsigned=1"
    sent = signed(botocore.auth.HmacV1Auth(credentials()), AWSRequest("GET", address, {}))
    verify(sent, "s3", None, SECRET)
    sent.query = sent.query.replace("unsigned=1", "unsigned=2")
    verify(sent, "s3", None, SECRET)
    sent.query = sent.query.replace("one", "two")
    assert refusal(sent).code == "SignatureDoesNotMatch"


@SIGNERS
@given(st.integers(0, 63), st.integers(0, 3))
def test_any_flipped_bit_of_a_signature_is_refused(position: int, bit: int) -> None:
    request = EXAMPLES["list"]
    value = request.headers["authorization"]
    at = len(value) - 64 + position
    digit = f"{int(value[at], 16) ^ (1 << bit):x}"
    changed = {**request.headers, "authorization": value[:at] + digit + value[at + 1 :]}
    forged = Request("GET", "https", HOST, request.path, request.query, changed)
    assert refusal(forged).code == "SignatureDoesNotMatch"


def plain_put(body: bytes = b"body", **extra: str) -> Request:
    signer = botocore.auth.S3SigV4Auth(credentials(), "s3", "us-east-1")
    headers = {name.replace("_", "-"): value for name, value in extra.items()}
    return signed(signer, AWSRequest("PUT", url("key", []), headers, body))


def test_spaces_of_a_header_do_not_matter_its_words_do() -> None:
    request = plain_put(x_amz_meta_note="two words")
    request.headers["x-amz-meta-note"] = "  two \t words "
    verify(request, "s3", None, SECRET)
    request.headers["x-amz-meta-note"] = "twowords"
    assert refusal(request).code == "SignatureDoesNotMatch"


def test_s3_does_not_normalise_a_path() -> None:
    signer = botocore.auth.S3SigV4Auth(credentials(), "s3", "us-east-1")
    sent = signed(signer, AWSRequest("GET", url("a//b/../c", [])))
    verify(sent, "s3", None, SECRET)
    sent.path = "/bucket/a/c"
    assert refusal(sent).code == "SignatureDoesNotMatch"


def test_a_plus_in_a_query_is_a_space() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sig-v4-header-based-auth.html
    (UriEncode)
    """
    signer = botocore.auth.S3SigV4Auth(credentials(), "s3", "us-east-1")
    sent = signed(signer, AWSRequest("GET", url("k", [("prefix", "a b")])))
    sent.query = sent.query.replace("%20", "+")
    verify(sent, "s3", None, SECRET)
    sent.query = sent.query.replace("+", "%2B")
    assert refusal(sent).code == "SignatureDoesNotMatch"


# --- What else is refused ------------------------------------------------------------------------


def test_s3_explains_a_mismatch() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html"""
    request = plain_put()
    error = refusal(request, secret="another")
    assert error.status == 403
    assert error.message == (
        "The request signature we calculated does not match the signature you provided. Check "
        "your key and signing method."
    )
    assert set(error.fields) == {
        "AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes",
        "CanonicalRequest", "CanonicalRequestBytes",
    }  # fmt: skip
    assert bytes.fromhex(error.fields["CanonicalRequestBytes"]).startswith(b"PUT\n/bucket/key\n")
    assert error.fields["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert SECRET not in json.dumps(error.fields)


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("kms", "InvalidSignatureException", 400),
        ("dynamodb", "InvalidSignatureException", 400),
        ("dynamodbstreams", "InvalidSignatureException", 400),
        ("sts", "SignatureDoesNotMatch", 403),
        ("iam", "SignatureDoesNotMatch", 403),
    ],
)
def test_a_mismatch_in_each_service_s_words(service: str, code: str, status: int) -> None:
    name = "dynamodb" if service == "dynamodbstreams" else service
    signer = botocore.auth.SigV4Auth(credentials(), name, "us-east-1")
    sent = signed(signer, AWSRequest("POST", f"https://{name}.amazonaws.com/", {}, b"{}"))
    verify(sent, service, None, SECRET)
    error = refusal(sent, service, "another")
    assert (error.code, error.status, error.fields) == (code, status, {})


def test_a_credential_of_another_service_is_refused() -> None:
    signer = botocore.auth.SigV4Auth(credentials(), "dynamodb", "us-east-1")
    sent = signed(signer, AWSRequest("POST", "https://kms.us-east-1.amazonaws.com/", {}, b"{}"))
    error = refusal(sent, "kms")
    assert error.code == "InvalidSignatureException"
    assert error.message == "Credential should be scoped to correct service: 'kms'."
    assert refusal(sent, "s3").code == "AuthorizationHeaderMalformed"


def test_another_body_than_the_signed_one() -> None:
    request = plain_put(b"body")
    request.body = b"BODY"
    error = refusal(request)
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)
    assert error.fields == {
        "ClientComputedContentSHA256": hashlib.sha256(b"body").hexdigest(),
        "S3ComputedContentSHA256": hashlib.sha256(b"BODY").hexdigest(),
    }


def test_an_unsigned_payload_may_be_any() -> None:
    signer = botocore.auth.S3SigV4Auth(credentials(), "s3", "us-east-1")
    request = AWSRequest(
        "PUT", url("key", []), {"Content-MD5": "hBotaJrYa9FhFEdFPCLG/A=="}, b"body"
    )
    request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    sent = signed(signer, request)
    assert sent.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    sent.body = b"another"
    verify(sent, "s3", None, SECRET)
    sent.headers["x-amz-content-sha256"] = hashlib.sha256(b"another").hexdigest()
    assert refusal(sent).code == "SignatureDoesNotMatch"


def test_a_presigned_url_may_name_the_hash_of_what_is_sent() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-query-string-auth.html"""
    told = hashlib.sha256(b"body").hexdigest()

    class Hashed(botocore.auth.S3SigV4QueryAuth):
        def payload(self, request: AWSRequest) -> str:
            return told

    address = url("key", [("X-Amz-Content-Sha256", told)])
    signer = Hashed(credentials(), "s3", "us-east-1", expires=60)
    sent = signed(signer, AWSRequest("PUT", address, {}))
    sent.body = b"body"
    verify(sent, "s3", None, SECRET)
    sent.body = b"another"
    assert refusal(sent).code == "XAmzContentSHA256Mismatch"


def test_a_presigned_url_of_version_2_signs_the_headers_it_carries() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html"""
    signer = botocore.auth.HmacV1QueryAuth(credentials(), expires=60)
    sent = signed(signer, AWSRequest("PUT", url("key", []), {"x-amz-acl": "private"}))
    assert "x-amz-acl=private" in sent.query
    del sent.headers["x-amz-acl"], sent.headers["date"]  # whoever opens it knows the URL alone
    verify(sent, "s3", None, SECRET)
    sent.query = sent.query.replace("x-amz-acl=private", "x-amz-acl=public-read")
    assert refusal(sent).code == "SignatureDoesNotMatch"


def test_an_unsigned_header_is_refused_by_name() -> None:
    request = plain_put()
    request.headers["x-amz-server-side-encryption"] = "aws:kms"
    request.headers["x-amz-acl"] = "private"
    error = refusal(request)
    assert error.message == "There were headers present in the request which were not signed"
    assert error.fields == {"HeadersNotSigned": "x-amz-acl, x-amz-server-side-encryption"}


def presigned(expires: str) -> Request:
    signer = botocore.auth.S3SigV4QueryAuth(
        credentials(),
        "s3",
        "us-east-1",
        expires=expires,
    )
    return signed(signer, AWSRequest("GET", url("key", [])))


@pytest.mark.parametrize(
    ("expires", "why"),
    [
        ("604801", "X-Amz-Expires must be less than a week"),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
    ],
)
def test_how_long_a_presigned_url_may_hold(expires: str, why: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/sigv4-query-string-auth.html"""
    verify(presigned("604800"), "s3", None, SECRET)
    error = refusal(presigned(expires))
    assert (error.code, error.status) == ("AuthorizationQueryParametersError", 400)
    assert error.message.startswith(why)


def test_a_presigned_url_s_time_is_signed(at: Any) -> None:
    request = presigned("60")
    at(datetime.now(UTC) + timedelta(minutes=2))
    assert refusal(request).message == "Request has expired"
    request.query = request.query.replace("X-Amz-Expires=60", "X-Amz-Expires=3600")
    assert refusal(request).code == "SignatureDoesNotMatch"


def test_a_version_2_url_expires(at: Any) -> None:
    signer = botocore.auth.HmacV1QueryAuth(credentials(), expires=60)
    request = signed(signer, AWSRequest("GET", url("key", [])))
    at(datetime.now(UTC) + timedelta(minutes=2))
    error = refusal(request)
    assert (error.code, error.message, error.status) == (
        "AccessDenied", "Request has expired", 403,
    )  # fmt: skip
    assert set(error.fields) == {"Expires", "ServerTime"}


def test_the_time_in_a_header_is_not_held_against_it(at: Any) -> None:
    """The sandbox's clock is moved on by `lab.later`; programs outside keep real time."""
    request = plain_put()
    at(datetime.now(UTC) + timedelta(days=30))
    verify(request, "s3", None, SECRET)


MALFORMED = [
    ("AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=host,Signature=00",
     "AuthorizationHeaderMalformed"),
    ("AWS4-HMAC-SHA256 Signature=00", "AuthorizationHeaderMalformed"),
    (f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws5,SignedHeaders=host,"
     "Signature=00", "AuthorizationHeaderMalformed"),
    (f"AWS4-HMAC-SHA256 Credential={KEY}/2013/us-east-1/s3/aws4_request,SignedHeaders=host,"
     "Signature=00", "AuthorizationHeaderMalformed"),
    ("AWS HAHAHA", "InvalidArgument"),
    ("Basic dXNlcjpwYXNz", "InvalidArgument"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "code"), MALFORMED)
def test_malformed_headers(header: str, code: str) -> None:
    headers = {"host": HOST, "authorization": header, "x-amz-date": "20130524T000000Z"}
    request = Request("GET", "https", HOST, "/", "", headers)
    error = refusal(request)
    assert (error.code, error.status) == (code, 400)


def test_a_header_in_another_order_is_read() -> None:
    request = EXAMPLES["list"]
    scheme, _, rest = request.headers["authorization"].partition(" ")
    turned = scheme + " " + ", ".join(reversed(rest.split(",")))
    changed = {**request.headers, "authorization": turned}
    verify(Request("GET", "https", HOST, "/", request.query, changed), "s3", None, SECRET)


def test_asymmetric_signatures_are_refused_by_name() -> None:
    headers = {"authorization": "AWS4-ECDSA-P256-SHA256 Credential=x"}
    with pytest.raises(NotEmulated, match="4A"):
        read(Request("GET", "https", HOST, "/", "", headers), "s3")


def test_two_signatures_are_one_too_many() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html"""
    request = presigned("60")
    request.headers["authorization"] = EXAMPLES["list"].headers["authorization"]
    assert refusal(request).message.startswith("Only one auth mechanism allowed")


def test_a_date_is_needed() -> None:
    request = EXAMPLES["list"]
    for changed in ({"x-amz-date": ""}, {"x-amz-date": "yesterday"}):
        headers = {**request.headers, **changed}
        error = refusal(Request("GET", "https", HOST, "/", request.query, headers))
        assert (error.code, error.status) == ("AccessDenied", 403)
        assert error.message.endswith("valid Date or x-amz-date header")


HTTP_DATE, ISO_DATE = "Tue, 27 Mar 2007 19:36:42 +0000", "20070327T193642Z"


def dated_by_version_2(**dates: str) -> Request:
    """A request signed by version 2, with these headers for its date."""
    headers = {name.replace("_", "-"): value for name, value in dates.items()}
    request = Request("GET", "https", "s3.amazonaws.com", "/bucket/key", "", headers)
    text = string_to_sign_v2(request, None, None)
    digest = base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode()
    return Request(
        request.method, request.scheme, request.host, request.path, "",
        {**headers, "authorization": f"AWS {KEY}:{digest}"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "dates",
    [
        {"date": HTTP_DATE},
        {"date": ISO_DATE},
        {"x_amz_date": HTTP_DATE},
        {"x_amz_date": ISO_DATE},
        {"x_amz_date": HTTP_DATE, "date": "yesterday"},
    ],
    ids=str,
)
def test_version_2_takes_either_header_for_its_date(dates: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html#RESTAuthenticationTimeStamp"""
    verify(dated_by_version_2(**dates), "s3", None, SECRET)


@pytest.mark.parametrize(
    "dates",
    [
        {},
        {"date": "yesterday"},
        {"x_amz_date": "yesterday"},
        {"x_amz_date": "yesterday", "date": HTTP_DATE},
        {"date": f"{ISO_DATE}0"},
        {"date": ISO_DATE[:-1]},
        {"date": "Tue, 99 Mar 2007 19:36:42 +0000"},
        {"date": "Tue, 27 Mar 2007 19:36:42 +99999999999999"},
    ],
    ids=str,
)
def test_version_2_needs_a_date_that_can_be_read(dates: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTAuthentication.html#RESTAuthenticationTimeStamp"""
    error = refusal(dated_by_version_2(**dates))
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert error.message.endswith("valid Date or x-amz-date header")


# --- Chunked bodies without signatures -----------------------------------------------------------


def unsigned_stream(body: bytes, **changes: str) -> Request:
    headers = {
        "content-encoding": "gzip, aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return Request("PUT", "https", HOST, "/key", "", headers, body)


def test_an_unsigned_stream_is_decoded() -> None:
    first = b"a" * 8192
    body = b"2000\r\n" + first + b"\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
    request = unsigned_stream(body, x_amz_decoded_content_length="8194")
    aws_chunked.unwrap(request)
    assert request.body == first + b"de"
    assert request.headers == {
        "content-encoding": "gzip", "content-length": "8194", "x-amz-checksum-crc32": "AAAA",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"5\r\nabc", "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n", "IncompleteBody"),
        (b"-5\r\nabcde\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\r\nabcde\r\n0\r\n\r\n", "MalformedTrailerError"),
        (b"5\r\nabcde\r\n0\r\nx-amz-checksum-sha1:AAAA\r\n\r\n", "MalformedTrailerError"),
        (b"", "IncompleteBody"),
        (b"5\r\nabcde\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n", "IncompleteBody"),
        (b"5\r\nabcde\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\rX", "IncompleteBody"),
        (b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "InvalidChunkSizeError"),
    ],
)
def test_broken_streams(body: bytes, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        aws_chunked.unwrap(unsigned_stream(body))
    assert caught.value.code == code


def test_other_bodies_stay_as_they_are() -> None:
    request = Request("PUT", "https", HOST, "/key", "", {"content-encoding": "gzip"}, b"3\r\nabc")
    aws_chunked.unwrap(request)
    assert (request.body, request.headers) == (b"3\r\nabc", {"content-encoding": "gzip"})


def digest(header: str) -> str:
    return base64.b64encode(hashlib.sha256(header.encode()).digest()).decode()


NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "


@pytest.mark.parametrize(("header", "lacks"), [
    ("AWS4-", ("Credential", "Signature", "SignedHeaders")),
    ("AWS4-HMAC-SHA256 Credential=a/b/c", ("Signature", "SignedHeaders")),
])  # fmt: skip
def test_dynamodb_tells_all_that_a_header_lacks(header: str, lacks: tuple[str, ...]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
    Texts: recorded from AWS by dynalite, test/connection.js; the header's digest in place of the
    header: https://github.com/versity/versitygw, tests/integration/iam_auth.go
    """
    needs = "".join(f"Authorization header requires '{name}' parameter. " for name in lacks)
    for date, no_date in (({}, NO_DATE), ({"x-amz-date": "20130524T000000Z"}, "")):
        request = Request(
            "POST", "https", "dynamodb.us-east-1.amazonaws.com", "/", "",
            {"authorization": header, **date},
        )  # fmt: skip
        with pytest.raises(AwsError) as refused:
            read(request, "dynamodb")
        assert (refused.value.code, refused.value.message) == (
            "IncompleteSignatureException",
            f"{needs}{no_date}(Hashed with SHA-256 and encoded with Base64) "
            f"Authorization={digest(header)}",
        )
    request.headers["authorization"] = "AWS4"
    assert read(request, "dynamodb") is None


SCOPE = f"{KEY}/20130524/us-east-1/iam"
NO_TIME = "Date must be in ISO-8601 'basic format'. Got '03032006'. See "


@pytest.mark.parametrize(
    ("changed", "code", "told"),
    [
        ({"terminator": "aws_request"}, "SignatureDoesNotMatch",
         "Credential should be scoped with a valid terminator: 'aws4_request'."),
        ({"time": "03032006"}, "IncompleteSignature", NO_TIME + "http://en.wikipedia.org/wiki/"
         "ISO_8601"),
        ({"scope": f"{KEY}/3223423234/us-east-1/iam"}, "SignatureDoesNotMatch",
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
         "HTTP: '3223423234' != '20130524', from '20130524T000000Z'."),
        ({"algorithm": "AWS4-SHA256"}, "MissingAuthenticationToken", None),
        ({"algorithm": None}, "MissingAuthenticationToken", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["header", "query"])
def test_iam_tells_what_is_wrong_with_a_signature(
    place: str, changed: dict[str, str], code: str, told: str | None
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    Compared with IAM: https://github.com/versity/versitygw, tests/integration/iam_auth.go and
    iam_query_auth.go
    """
    given = {"terminator": "aws4_request", "time": "20130524T000000Z", "scope": SCOPE,
             "algorithm": "AWS4-HMAC-SHA256", **changed}  # fmt: skip
    credential, time = f"{given['scope']}/{given['terminator']}", given["time"]
    headers, query = {"host": "iam.amazonaws.com"}, ""
    if place == "header":
        headers["x-amz-date"] = time
        headers["authorization"] = (
            f"{given['algorithm'] or 'NONE'} Credential={credential}, SignedHeaders=host, "
            f"Signature={'0' * 64}"
        )
    else:
        signature = {
            "X-Amz-Algorithm": given["algorithm"], "X-Amz-Credential": credential,
            "X-Amz-Date": time, "X-Amz-SignedHeaders": "host", "X-Amz-Signature": "0" * 64,
        }  # fmt: skip
        query = urlencode({name: value for name, value in signature.items() if value})
    request = Request("GET", "https", "iam.amazonaws.com", "/", query, headers)
    if told is None and (place == "header" or not given["algorithm"]):
        assert read(request, "iam") is None  # it counts as unsigned
    else:
        error = refusal(request, "iam")
        told = told or "Missing Authentication Token"
        assert (error.code, error.message) == (code, told)


@pytest.mark.parametrize(
    "pairs", ["Credential, SignedHeaders=host", f"Credential= {SCOPE}/aws4_request", "x=1 y"]
)
def test_a_header_is_made_of_pairs(pairs: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    Texts: https://github.com/boto/boto3/issues/2280; today with the header's digest, as API
    Gateway's answers with the same words are reported
    """
    header = f"AWS4-HMAC-SHA256 {pairs}, Signature=00"
    headers = {"authorization": header, "x-amz-date": "20130524T000000Z"}
    error = refusal(Request("POST", "https", "sts.amazonaws.com", "/", "", headers), "sts")
    assert (error.code, error.status) == ("IncompleteSignature", 400)
    assert error.message == (
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 "
        f"and encoded with Base64): '{digest(header)}'."
    )


_SCOPE = "/20130524/us-east-1/s3/aws4_request"
_MALFORMED = "The authorization header is malformed; "


@pytest.mark.parametrize(
    ("header", "code", "message"),
    [
        ("invalid", "InvalidArgument",
         "Authorization header is invalid -- one and only one ' ' (space) required."),
        ("AWS2-HMAC-SHA1 a", "InvalidArgument", "Unsupported Authorization Type"),
        (f"AWS4-HMAC-SHA256 Credential={KEY}{_SCOPE},Signature=0", "AuthorizationHeaderMalformed",
         f"{_MALFORMED}the authorization header requires three components: Credential, "
         "SignedHeaders, and Signature."),
        (f"AWS4-HMAC-SHA256 Credential={KEY}{_SCOPE},SignedHeaders-host,Signature=0",
         "AuthorizationHeaderMalformed",
         f'{_MALFORMED}the authorization component "SignedHeaders-host" is malformed.'),
        (f"AWS4-HMAC-SHA256 Other={KEY}{_SCOPE},SignedHeaders=host,Signature=0",
         "AuthorizationHeaderMalformed", f"{_MALFORMED}missing Credential."),
        (f"AWS4-HMAC-SHA256 Credential={KEY}{_SCOPE},Other=host,Signature=0",
         "AuthorizationHeaderMalformed", f"{_MALFORMED}missing SignedHeaders."),
        (f"AWS4-HMAC-SHA256 Credential={KEY}{_SCOPE},SignedHeaders=host,Other=0",
         "AuthorizationHeaderMalformed", f"{_MALFORMED}missing Signature."),
        (f"AWS4-HMAC-SHA256 Credential={KEY}/1/us-east-1/ec2/aws4_request,SignedHeaders=host,"
         "Signature=0", "AuthorizationHeaderMalformed",
         f'{_MALFORMED}incorrect service "ec2". This endpoint belongs to "s3".'),
    ],
)  # fmt: skip
def test_s3_tells_what_is_wrong_with_a_header(header: str, code: str, message: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
    Texts: https://github.com/versity/versitygw, tests/integration/sigv4_auth.go
    """
    request = example("GET", "/key", "0" * 64, "host")
    request.headers["authorization"] = header
    with pytest.raises(AwsError) as caught:
        read(request, "s3")
    assert (caught.value.code, caught.value.message) == (code, message)


def test_s3_looks_at_the_payload_s_hash_before_the_signature() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html"""
    signed_headers = "host;x-amz-content-sha256;x-amz-date"
    request = example("PUT", "/key", "0" * 64, signed_headers, x_amz_content_sha256="no hash")
    told = refusal(request)
    assert told.message.startswith("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-")
    assert told.fields == {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": "no hash"}
    request = example(
        "PUT", "/key", "0" * 64, signed_headers, x_amz_content_sha256="UNSIGNED-PAYLOAD",
        content_encoding="gzip, AWS-chunked",
    )  # fmt: skip
    assert refusal(request).message == (
        "aws-chunked encoding is not supported when x-amz-content-sha256 UNSIGNED-PAYLOAD is "
        "supplied."
    )


def test_s3_looks_at_a_url_s_end_before_its_signature() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""
    request = presigned("900")
    request.query = request.query.replace("X-Amz-Expires=900", "X-Amz-Expires=x")
    assert refusal(request).message == "X-Amz-Expires should be a number"


@pytest.mark.parametrize(
    ("encoding", "kept"),
    [("aws-chunked", None), ("gzip,AWS-Chunked,br", "gzip,br"), ("aws-chunked-too",) * 2],
)
def test_a_presigned_request_is_stored_without_aws_chunked(encoding: str, kept: str | None) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    Seen at AWS: https://github.com/versity/versitygw, tests/integration/presigned_urls.go
    """
    request = presigned("900")
    request.headers["content-encoding"] = encoding
    aws_chunked.unwrap(request)
    assert request.headers.get("content-encoding") == kept
    other = Request("PUT", "https", HOST, "/key", "", {"content-encoding": encoding}, b"a")
    aws_chunked.unwrap(other)
    assert other.headers["content-encoding"] == encoding


def test_only_checksums_may_trail() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html"""
    body = b"5\r\nabcde\r\n0\r\nx-amz-checksum-x:AAAA\r\n\r\n"
    with pytest.raises(AwsError, match="The value specified in the x-amz-trailer header is not"):
        aws_chunked.unwrap(unsigned_stream(body, x_amz_trailer="x-amz-checksum-x"))

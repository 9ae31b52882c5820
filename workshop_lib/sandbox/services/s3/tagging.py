"""S3's tags of buckets and objects: what they may say, and who is asked for them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3.buckets import Bucket
from workshop_lib.sandbox.services.s3.errors import invalid_argument
from workshop_lib.sandbox.services.s3.storage import Storage, naming_bucket, version_headers
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse, read, respond

_HEADER = "x-amz-tagging"
_MOST_OF_OBJECT, _MOST_OF_BUCKET = 10, 50
_TEXT = re.compile(r"[\w\s+\-=._:/@]*")
_PAIR = re.compile(r"(?:[^=%]|%[0-9a-fA-F]{2})+(?:=(?:[^=%]|%[0-9a-fA-F]{2})*)?")
_OF_OBJECT = "Your TagKey cannot be prefixed with aws:"
_OF_BUCKET = "System tags cannot be added/updated by requester"


# --- what tags may say --------------------------------------------------------------------------


def from_header(headers: Mapping[str, str]) -> dict[str, str]:
    """The tags in a write's x-amz-tagging header. Raises AwsError InvalidArgument, InvalidTag.

    Empty pairs count for nothing; what the header cannot be read for is told as such, and what
    it says as in a Tagging document:
    https://github.com/aws/aws-cli/issues/2841
    https://github.com/versity/versitygw/issues/1215
    https://github.com/versity/versitygw/issues/1216
    """
    text = headers.get(_HEADER)
    if not text:
        return {}
    written = [pair for pair in text.split("&") if pair]
    pairs = parse_qsl(text, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs) or not all(_PAIR.fullmatch(pair) for pair in written):
        raise invalid_argument(
            f"The header '{_HEADER}' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates.",
            _HEADER,
            text,
        )
    return _checked(pairs, _MOST_OF_OBJECT, _OF_OBJECT)


def of_object(document: Element) -> dict[str, str]:
    """The tags in an object's Tagging document. Raises AwsError MalformedXML, InvalidTag."""
    return _checked(_pairs(document.one("TagSet")), _MOST_OF_OBJECT, _OF_OBJECT)


def of_bucket(tag_set: Element | None) -> dict[str, str]:
    """The tags in a bucket's list of them. Raises AwsError MalformedXML, InvalidTag."""
    return _checked(_pairs(tag_set), _MOST_OF_BUCKET, _OF_BUCKET)


def from_form(text: str) -> dict[str, str]:
    """The tags in a browser's form: none where the document is another one than Tagging."""
    document = read(text.encode())
    return of_object(document) if document.name == "Tagging" else {}


def _pairs(tag_set: Element | None) -> list[tuple[str, str]]:
    pairs = []
    for tag in tag_set.all("Tag") if tag_set is not None else []:
        name, value = tag.value("Key"), tag.value("Value")
        if name is None or value is None:
            raise malformed()
        pairs.append((name, value))
    return pairs


def _checked(pairs: list[tuple[str, str]], most: int, reserved: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("aws:"):
            raise _invalid(reserved, name)
        if not 0 < len(name) <= 128 or not _TEXT.fullmatch(name):
            raise _invalid("The TagKey you have provided is invalid", name)
        if len(value) > 256 or not _TEXT.fullmatch(value):
            raise _invalid("The TagValue you have provided is invalid", name, value)
        if name in found:
            raise _invalid("Cannot provide multiple Tags with the same key", name)
        found[name] = value
    if len(found) > most:
        kind = "Object tags" if most == _MOST_OF_OBJECT else "Bucket tag count"
        raise AwsError("BadRequest", f"{kind} cannot be greater than {most}")
    return found


def _invalid(message: str, name: str, value: str | None = None) -> AwsError:
    fields = {"TagKey": name} | ({} if value is None else {"TagValue": value})
    return AwsError("InvalidTag", message, 400, fields)


# --- who is asked for them ----------------------------------------------------------------------


class Tagging:
    """PutBucketTagging, and the operations on objects' tags."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.handlers: dict[str, Callable[[Call, Bucket], Response]] = {
            "PutBucketTagging": self.put_of_bucket,
            "PutObjectTagging": self.put,
            "GetObjectTagging": self.get,
            "DeleteObjectTagging": self.delete,
        }

    def put_of_bucket(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html"""
        document = parse(call.request.body, "Tagging")
        self._storage.store.set_tags(bucket.stored, of_bucket(document.one("TagSet")))
        return Response(204)

    def put(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html"""
        made = self._storage.standing(call, bucket)
        self._storage.store.set_tags(made, of_object(parse(call.request.body, "Tagging")))
        return Response(200, version_headers(bucket, made))

    def get(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html"""
        with naming_bucket(bucket):
            made = self._storage.standing(call, bucket)
        tags = self._storage.store.tags(made)
        content = {"TagSet": {"Tag": [{"Key": n, "Value": v} for n, v in tags.items()]}}
        return respond("Tagging", content, version_headers(bucket, made))

    def delete(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html"""
        made = self._storage.standing(call, bucket)
        self._storage.store.set_tags(made, {})
        return Response(204, version_headers(bucket, made))

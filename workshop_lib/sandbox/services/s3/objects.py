"""S3's operations on objects that travel in one piece.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from workshop_lib.sandbox.auth.authorization import authorize, permits
from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.moto_backend.objects import DeleteMarker, StoredObject
from workshop_lib.sandbox.protocol import multipart_form
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.s3 import tagging
from workshop_lib.sandbox.services.s3.acls import owner_of_new
from workshop_lib.sandbox.services.s3.buckets import Bucket, Buckets
from workshop_lib.sandbox.services.s3.encryption import (
    SSE_KMS,
    SSE_S3,
    EncryptionSettings,
    require_no_choice,
    require_transport,
)
from workshop_lib.sandbox.services.s3.errors import (
    access_denied,
    invalid_argument,
    invalid_request,
    no_such_version,
    unvalued_argument,
)
from workshop_lib.sandbox.services.s3.parameters import OVERRIDES, part_number
from workshop_lib.sandbox.services.s3.permissions import BYPASS, bypasses
from workshop_lib.sandbox.services.s3.preconditions import (
    byte_range,
    check_delete,
    check_read,
    check_write,
    require_delete_conditions,
)
from workshop_lib.sandbox.services.s3.storage import (
    Checksum,
    ObjectMetadata,
    Storage,
    http_date,
    marker_response,
    metadata_of,
    naming_bucket,
    require_at_hand,
    version_headers,
)
from workshop_lib.sandbox.services.s3.uploads import (
    LOCKED,
    check_key,
    check_md5,
    described,
    encryption_headers,
    own_checksum,
    require_digest,
    resolve_encryption,
    sent_checksum,
)
from workshop_lib.sandbox.services.s3.xml import Element, document, malformed, parse, respond

_REDIRECT = "x-amz-website-redirect-location"
_ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


class Objects:
    """PutObject, GetObject, CopyObject and their kin."""

    def __init__(self, buckets: Buckets, storage: Storage) -> None:
        self._buckets = buckets
        self._storage = storage
        self.handlers = {
            "PutObject": self.put,
            "PostObject": self.post,
            "GetObject": self.get,
            "HeadObject": self.get,
            "GetObjectAttributes": self.attributes,
            "DeleteObject": self.delete,
            "DeleteObjects": self.delete_many,
            "UpdateObjectEncryption": self.update_encryption,
        }

    # --- writing -------------------------------------------------------------------------------

    def put(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
        request, key = call.request, call.parameters["Key"]
        made, shown = self._write(call, bucket, key, request.headers, request.body)
        return Response(200, {"ETag": made.etag, **shown})

    def _write(
        self, call: Call, bucket: Bucket, key: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[StoredObject, dict[str, str]]:
        """Store a body: the object, and the headers that tell of it."""
        check_key(key)
        asked = resolve_encryption(call, bucket, headers)
        digest = check_md5(headers, body)
        checksum = sent_checksum(headers, body) or own_checksum(body)
        new = described(call, bucket, headers, self._storage.store)
        if new.lock and call.operation == "PutObject":
            require_digest(headers, LOCKED.format("Object"))
        check_write(headers, key, self._storage.current(bucket, key))
        new.facts.checksum = checksum
        made = self._storage.write(call, bucket, key, new, asked, body, digest)
        return made, {
            **version_headers(bucket, made),
            **checksum.headers(),
            **encryption_headers(metadata_of(made).envelope, asked, headers),
        }

    def post(self, call: Call, bucket: Bucket) -> Response:
        """A browser's upload.

        https://docs.aws.amazon.com/AmazonS3/latest/developerguide/RESTObjectPOST.html
        """
        form = multipart_form.read(call.request)
        headers = {name: value for name, value in form.fields.items() if name != "key"}
        if "acl" in headers:
            headers["x-amz-acl"] = headers.pop("acl")
        if "tagging" in headers:
            headers["x-amz-tagging"] = urlencode(tagging.from_form(headers.pop("tagging")))
        key = form.key
        made, shown = self._write(call, bucket, key, headers, form.file)
        shown = {"ETag": made.etag, "Location": _address(call, bucket, key), **shown}
        redirect = form.fields.get("success_action_redirect", form.fields.get("redirect"))
        if redirect and urlsplit(redirect).scheme in ("http", "https"):
            told = {"bucket": bucket.name, "key": key, "etag": made.etag}
            parts = urlsplit(redirect)
            query = "&".join(filter(None, (parts.query, urlencode(told))))
            return Response(303, {**shown, "Location": urlunsplit(parts._replace(query=query))})
        status = form.fields.get("success_action_status")
        if status == "201":
            content = {
                "Location": shown["Location"], "Bucket": bucket.name, "Key": key, "ETag": made.etag,
            }  # fmt: skip
            body = document("PostResponse", content, namespace="")
            return Response(201, {"Content-Type": "application/xml", **shown}, body)
        return Response(200 if status == "200" else 204, shown)

    # --- reading -------------------------------------------------------------------------------

    def get(self, call: Call, bucket: Bucket) -> Response:
        """GetObject and HeadObject, which differ in the body and in what they need of KMS.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        request, key = call.request, call.parameters["Key"]
        version_id = call.parameters.get("versionId")
        head = call.operation == "HeadObject"
        require_no_choice(request.headers)
        if not head:
            _asks_checksum(request.headers)
        made = self._storage.find(call, bucket, key, version_id)
        if isinstance(made, DeleteMarker):
            return marker_response(call, made, key, version_id)
        asks_checksum = _asks_checksum(request.headers)
        facts = metadata_of(made)
        customer = self._storage.customer_key(call, facts)
        modified = made.last_modified.replace(microsecond=0)
        shown = {
            "Last-Modified": http_date(modified),
            "ETag": made.etag,
            **version_headers(bucket, made),
            **facts.envelope.headers(customer),
        }
        if not check_read(request.headers, made.etag, modified):
            return Response(304, shown)
        if not head:
            require_at_hand(made)
        extent, part_headers, checksum = _extent(call, made)
        shown |= {"Accept-Ranges": "bytes", **facts.headers}
        shown |= {**self._more(call, bucket, made), **part_headers}
        shown |= _overrides(call)
        if asks_checksum and checksum is not None:
            shown |= checksum.headers()
        start, stop = extent or (0, made.size)
        status = 200
        if extent is not None:
            status = 206
            shown["Content-Range"] = f"bytes {start}-{stop - 1}/{made.size}"
        shown["Content-Length"] = str(stop - start)
        if head:
            require_transport(call, by_customer=False, by_kms=facts.envelope.by_kms)
            if asks_checksum and facts.envelope.by_kms:  # S3 keeps the checksum encrypted
                self._storage.data_keys.open(call, bucket.region, facts.envelope)
            return Response(status, shown)
        return Response(status, shown, self._storage.open(call, bucket, made, customer, extent))

    def _more(self, call: Call, bucket: Bucket, made: StoredObject) -> dict[str, str]:
        """What else is told of an object; its tags' number and its lock to whom may read them.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html#tagging-apis
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-view
        """

        def may(action: str) -> bool:
            key, version_id = call.parameters["Key"], call.parameters.get("versionId")
            check = self._storage.permissions.on_object(call, bucket, action, key, version_id)
            return permits(call, check)

        shown = {}
        if made.storage_class != "STANDARD":
            shown["x-amz-storage-class"] = made.storage_class
        if (count := len(self._storage.store.tags(made))) and may("GetObjectTagging"):
            shown["x-amz-tagging-count"] = str(count)
        if made.lock_mode and made.lock_until and may("GetObjectRetention"):
            shown["x-amz-object-lock-mode"] = made.lock_mode
            shown["x-amz-object-lock-retain-until-date"] = made.lock_until
        if made.legal_hold and may("GetObjectLegalHold"):
            shown["x-amz-object-lock-legal-hold"] = made.legal_hold
        if made.expiry_date is not None:
            shown["x-amz-restore"] = f'ongoing-request="false", expiry-date="{made.expiry_date}"'
        return shown

    def attributes(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html"""
        key, version_id = call.parameters["Key"], call.parameters.get("versionId")
        asked = _asked_attributes(call)
        made = self._storage.find(call, bucket, key, version_id)
        if isinstance(made, DeleteMarker):
            return marker_response(call, made, key, version_id)
        facts = metadata_of(made)
        self._storage.customer_key(call, facts)
        require_transport(call, by_customer=False, by_kms=facts.envelope.by_kms)
        if "Checksum" in asked and facts.envelope.by_kms:  # S3 keeps the checksum encrypted
            self._storage.data_keys.open(call, bucket.region, facts.envelope)
        found = {
            "ETag": made.etag.strip('"'),
            "Checksum": facts.checksum and _bare(facts.checksum),
            "ObjectParts": _parts_of(call, facts) if facts.parts else None,
            "StorageClass": made.storage_class,
            "ObjectSize": made.size,
        }
        headers = {"Last-Modified": http_date(made.last_modified), **version_headers(bucket, made)}
        content = {name: value for name, value in found.items() if name in asked}
        return respond("GetObjectAttributesResponse", content, headers)

    # --- deleting ------------------------------------------------------------------------------

    def delete(self, call: Call, bucket: Bucket) -> Response:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html"""
        headers, key = call.request.headers, call.parameters["Key"]
        named = call.parameters.get("versionId")
        _require_lock_to_bypass(bucket, headers)
        require_delete_conditions(headers, named)
        check_delete(headers.get("if-match"), key, self._storage.current(bucket, key))
        version_id, marker = self._storage.delete(
            bucket, key, named, by=owner_of_new(call, bucket, {}), bypass=bypasses(headers)
        )
        shown = {} if version_id is None else {"x-amz-version-id": version_id}
        if marker:
            shown["x-amz-delete-marker"] = "true"
        return Response(204, shown)

    def delete_many(self, call: Call, bucket: Bucket) -> Response:
        """Delete up to 1,000 objects, each with its own permission and its own outcome.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        _require_lock_to_bypass(bucket, call.request.headers)
        headers, body = call.request.headers, call.request.body
        require_digest(headers)
        root = parse(body, "Delete")
        objects = _to_delete(root)
        check_md5(headers, body, in_hex=False)
        sent_checksum(headers, body)
        quiet = (root.value("Quiet") or "").lower() == "true"
        deleted: list[Mapping[str, Any]] = []
        errors: list[Mapping[str, Any]] = []
        for element in objects:
            key, version_id = element.value("Key") or "", element.value("VersionId") or None
            named = {"Key": key, "VersionId": version_id}
            try:
                gone = self._delete_one(call, bucket, key, version_id, element.value("ETag"))
                deleted.append({**named, **gone})
            except AwsError as error:
                errors.append({**named, "Code": error.code, "Message": error.message})
        content = {"Deleted": None if quiet else deleted, "Error": errors}
        return respond("DeleteResult", content)

    def _delete_one(
        self, call: Call, bucket: Bucket, key: str, version_id: str | None, match: str | None
    ) -> dict[str, Any]:
        permissions = self._storage.permissions
        bypass = bypasses(call.request.headers)
        for check in permissions.deletion(call, bucket, key, version_id, match, bypass=bypass):
            authorize(call, [check])
        check_delete(match, key, self._storage.current(bucket, key))
        if version_id is not None and version_id not in self._storage.version_ids:
            raise no_such_version(key, version_id)
        by = owner_of_new(call, bucket, {})
        gone, marker = self._storage.delete(bucket, key, version_id, by=by, bypass=bypass)
        if marker:
            return {"DeleteMarker": True, "DeleteMarkerVersionId": gone}
        return {}

    # --- changing the key ----------------------------------------------------------------------

    def update_encryption(self, call: Call, bucket: Bucket) -> Response:
        """Wrap an object's data key under another KMS key; its data stays as it is.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html
        """
        require_transport(call, by_customer=False, by_kms=True)
        asked = _asked_encryption(parse(call.request.body, "ObjectEncryption"))
        check_md5(call.request.headers, call.request.body, in_hex=False)
        key, version_id = call.parameters["Key"], call.parameters.get("versionId")
        with naming_bucket(bucket):
            made = self._storage.object(call, bucket, key, version_id)
        arn, bucket_key = _asked_key(asked)
        if made.is_locked(False):
            raise access_denied()
        facts = metadata_of(made)
        if facts.envelope.method not in (SSE_S3, SSE_KMS):
            raise invalid_request(
                "The source object's encryption type is not supported by this operation."
            )
        settings = EncryptionSettings(SSE_KMS, arn, bucket_key)
        data_keys = self._storage.data_keys
        keys = data_keys.open(call, bucket.region, facts.envelope)
        envelope = data_keys.rewrap(
            call, bucket.region, bucket.arn, keys, settings, bucket.object_arn(key)
        )
        made.set_facts(replace(facts, envelope=envelope))
        return Response(200)


# --- parts of the above -------------------------------------------------------------------------


def _asked_encryption(root: Element) -> Element:
    """What an object is to be encrypted with. Raises AwsError MalformedXML."""
    [asked] = root.children if len(root.children) == 1 else [root]
    if asked.name == "SSE-S3" and not asked.children:
        return asked
    asked.one("BucketKeyEnabled")
    known = {"BucketKeyEnabled", "KMSKeyArn"}
    if asked.name != "SSE-KMS" or asked.one("KMSKeyArn") is None or _strangers(asked, known):
        raise malformed()
    return asked


_NO_ARNS = (
    "doesn't start with 'arn:'", "no AWS partition specified", "no service specified",
    "no AWS region partition specified", "no AWS account specified", "no resource specified",
)  # fmt: skip


def _asked_key(asked: Element) -> tuple[str, bool]:
    """The KMS key that an object is to have from now on, and whether under a Bucket Key.

    Raises AwsError InvalidRequest, in the words that S3 was seen to use in September 2026:
    https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py
    """
    if asked.name != "SSE-KMS":
        raise invalid_request("Target encryption type 'SSE-S3' is not supported.")
    arn, bucket_key = asked.value("KMSKeyArn") or "", asked.value("BucketKeyEnabled") or "false"
    needs = "Requests modifying object encryption configuration to SSE-KMS require a"
    if not arn:
        raise invalid_request(f"{needs} target kms key arn.")
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not parts[5]:
        wrong = _NO_ARNS[len(parts) - 1 if parts[0] == "arn" else 0]
        raise invalid_request(f"{needs} valid target kms key arn: Malformed ARN - {wrong}")
    if re.fullmatch("[^/:]+[/:]", parts[5]):
        raise invalid_request(f"{needs} valid target kms key arn: resource cannot be empty")
    if parts[2] != "kms" or not re.fullmatch("key/[A-Za-z0-9-]+", parts[5]):
        raise invalid_request(
            "Invalid KMS Key ARN format. You must provide the full KMS Key ARN to make an "
            "UpdateObjectEncryption request"
        )
    if bucket_key.lower() not in ("true", "false"):
        message = f"BucketKeyEnabled must be 'true' or 'false'. Invalid value: {bucket_key}"
        raise invalid_request(message)
    return arn, bucket_key.lower() == "true"


def _extent(
    call: Call, made: StoredObject
) -> tuple[tuple[int, int] | None, dict[str, str], Checksum | None]:
    """Which bytes a read asks for, headers about its part, and the checksum of those bytes."""
    facts = metadata_of(made)
    header = call.request.headers.get("range")
    number = call.parameters.get("partNumber")
    if number is None:
        extent = byte_range(header, made.size)
        return extent, {}, facts.checksum if extent in (None, (0, made.size)) else None
    if header is not None:
        message = "Cannot specify both Range header and partNumber query parameter"
        raise invalid_request(message)
    chosen = part_number(call)
    if not facts.parts:
        if chosen != 1:
            raise _no_such_part(number, 1)
        return ((0, made.size) if made.size else None), {}, facts.checksum
    if chosen > len(facts.parts):
        raise _no_such_part(number, len(facts.parts))
    start = sum(part.size for part in facts.parts[: chosen - 1])
    part, checksum = facts.parts[chosen - 1], facts.checksum
    if checksum is not None and checksum.kind == "COMPOSITE":
        checksum = replace(checksum, value=part.checksum or "")
    elif len(facts.parts) > 1:  # the checksum is of more than the part
        checksum = None
    parts_count = {"x-amz-mp-parts-count": str(len(facts.parts))}
    return (start, start + part.size), parts_count, checksum


def _no_such_part(number: str, count: int) -> AwsError:
    return AwsError(
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        416,
        {"PartNumberRequested": number, "ActualPartCount": str(count)},
    )


def _overrides(call: Call) -> dict[str, str]:
    found = {
        header: call.parameters[name]
        for name, header in OVERRIDES.items()
        if name in call.parameters
    }
    for name, header in OVERRIDES.items() if found else ():
        if any(ord(char) > 255 for char in found.get(header, "")):
            message = "Header value cannot be represented using ISO-8859-1."
            raise invalid_argument(message, name, found[header])
    if found and call.caller.principal.kind == "anonymous":
        raise invalid_request(
            "Request specific response headers cannot be used for anonymous GET requests."
        )
    return found


def _asks_checksum(headers: Mapping[str, str]) -> bool:
    """Whether a read asks for the checksum. Raises AwsError InvalidRequest."""
    mode = headers.get("x-amz-checksum-mode")
    if mode is not None and mode.strip().upper() != "ENABLED":
        raise invalid_request("Value for x-amz-checksum-mode header is invalid.")
    return mode is not None


def _asked_attributes(call: Call) -> list[str]:
    """The attributes that are asked for. S3 minds an empty name, but not where it is the last.

    https://github.com/brekkylab/backlot/blob/main/backlot/routers/s3.py
    """
    text = call.request.headers.get("x-amz-object-attributes")
    asked = [] if text is None else [name.strip() for name in text.rstrip(",").split(",")]
    if not asked or (text and asked == [""]):
        raise invalid_request(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is "
            "either missing or empty"
        )
    for name in asked:
        if name not in _ATTRIBUTES:
            message = "Invalid attribute name specified."
            raise invalid_argument(message, "x-amz-object-attributes", name)
    return asked


def _bare(checksum: Checksum) -> dict[str, str]:
    return {**checksum.elements(), f"Checksum{checksum.algorithm}": checksum.value.split("-")[0]}


def _parts_of(call: Call, facts: ObjectMetadata) -> dict[str, Any]:
    """An object's parts; one by one only where they have checksums of their own."""
    chosen = facts.checksum
    if chosen is None or chosen.kind != "COMPOSITE":
        return {"PartsCount": len(facts.parts)}
    headers = call.request.headers
    most = min(_number(headers, "x-amz-max-parts", 1000), 1000)
    after = _number(headers, "x-amz-part-number-marker", 0)
    left = [part for part in facts.parts if part.number > after]
    page = left[:most]
    return {
        "PartsCount": len(facts.parts),
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": most,
        "IsTruncated": len(left) > len(page),
        "Part": [
            {
                "PartNumber": part.number,
                "Size": part.size,
                f"Checksum{chosen.algorithm}": part.checksum,
            }
            for part in page
        ],
    }


def _number(headers: Mapping[str, str], name: str, usual: int) -> int:
    text = headers.get(name)
    if text is None:
        return usual
    if not text.isdecimal():
        message = f"Provided {name} not an integer or within integer range"
        raise invalid_argument(message, name, text)
    return int(text)


def _to_delete(root: Element) -> list[Element]:
    """The objects that DeleteObjects names. Raises AwsError MalformedXML, UserKeyMustBeSpecified.

    As S3 was measured in September 2026: backlot/routers/s3.py of
    https://github.com/brekkylab/backlot
    """
    objects = root.all("Object")
    root.one("Quiet")
    if not 1 <= len(objects) <= 1000 or _strangers(root, {"Object", "Quiet"}):
        raise malformed()
    for each in objects:
        key, _, _ = each.one("Key"), each.one("VersionId"), each.one("ETag")
        if key is None or _strangers(each, {"Key", "VersionId", "ETag"}):
            raise malformed()
    if not all(each.value("Key") for each in objects):
        raise AwsError("UserKeyMustBeSpecified", "User key must be specified.")
    return objects


def _strangers(element: Element, known: set[str]) -> bool:
    return any(child.name not in known for child in element.children)


def _require_lock_to_bypass(bucket: Bucket, headers: Mapping[str, str]) -> None:
    if BYPASS in headers and not bucket.stored.object_lock_enabled:
        message = f"{BYPASS} is only applicable to Object Lock enabled buckets."
        raise unvalued_argument(message, BYPASS)


def _address(call: Call, bucket: Bucket, key: str) -> str:
    if call.request.host.endswith(".amazonaws.com"):
        return f"{call.request.scheme}://{bucket.name}.s3.amazonaws.com/{quote(key, safe='')}"
    return f"{call.request.scheme}://{call.request.host}/{bucket.name}/{quote(key)}"

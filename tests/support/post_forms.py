"""A browser's uploads: the forms that are posted, and the fields that boto3 signs."""

from typing import Any

import boto3
from botocore.config import Config

from workshop_lib.sandbox.protocol.messages import Request

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def form_request(
    fields: dict[str, str], file: bytes = b"content", name: str | None = "photo.jpg"
) -> Request:
    """A browser's POST of a form to the bucket named ``bucket``."""
    lines: list[bytes] = []
    for field, value in fields.items():
        head = f'--edge\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
        lines += [head.encode(), value.encode(), b"\r\n"]
    file_name = "" if name is None else f'; filename="{name}"'
    head = f'--edge\r\nContent-Disposition: form-data; name="file"{file_name}\r\n\r\n'
    lines += [head.encode(), file, b"\r\n--edge--\r\n"]
    headers = {"host": "x", "content-type": 'multipart/form-data; boundary="edge"'}
    return Request("POST", "https", "s3.amazonaws.com", "/bucket", "", headers, b"".join(lines))


def presigned_fields(version: str = "s3v4", **options: Any) -> dict[str, str]:
    """The fields of boto3's presigned post for keys under user/, signed now."""
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(signature_version=version),
    )
    options.setdefault("Fields", {})
    post = client.generate_presigned_post("bucket", "user/${filename}", **options)
    fields: dict[str, str] = post["fields"]
    return fields

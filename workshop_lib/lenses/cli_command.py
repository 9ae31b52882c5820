"""The AWS CLI command that does the same as an API call.

The names follow the AWS CLI's own rule: operation and parameter in lower case with hyphens
(``PutObject`` → ``put-object``), as botocore's ``xform_name`` makes them; ``s3`` is ``s3api``.
Values that are bytes travel in files, because the AWS CLI versions 1 and 2 read bytes on the
command line differently (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html).
The command is for a POSIX shell; it uses whatever Region and credentials the terminal has.
"""

from __future__ import annotations

import datetime
import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel, Shape

from workshop_lib.display.formatting import as_text

SMALL = 256
"""Text of at most this many bytes is written to its file by the command itself."""

_CUSTOMER_KEYS = frozenset({"SSECustomerKey", "CopySourceSSECustomerKey"})
_COMPUTED = frozenset({"SSECustomerKeyMD5", "CopySourceSSECustomerKeyMD5"})
# What botocore's models mark as sensitive travels in files; but these say only which key is used.
_SHOWN = frozenset({"SSEKMSKeyId", "SSEKMSEncryptionContext", "NonEmptyKmsKeyArnString"})
_RENAMED = {
    "authentication-code1": "authentication-code-1",
    "authentication-code2": "authentication-code-2",
}
_COMMANDS = {"s3": "s3api"}


def cli_command(
    model: OperationModel,
    params: Mapping[str, Any],
    *,
    body: bytes | None = None,
    key_file: Callable[[bytes | None], str] = lambda key: "ssec.key",
) -> str:
    """Return one line for the terminal that makes the same API call.

    Args:
        model: botocore's model of the operation.
        params: the parameters, as low-level clients take them.
        body: the content of a streamed parameter (S3's ``Body``), if it is small.
        key_file: gives the file name for a customer-provided (SSE-C) key. The key itself never
            appears: the learner has the file, made with ``openssl rand 32 -out ssec.key``.

    Returns:
        ``aws …``. A short text body comes first, as ``printf … > body.txt &&``. Everything else
        that is bytes is a file name to fill in: ``fileb://ciphertext-blob.bin``, ``body.bin``;
        so is a structure that contains bytes (an encrypted item), ``file://item.json``, and a
        secret: ``file://password.txt``.
    """
    service = model.service_model.service_name
    words = ["aws", _COMMANDS.get(service, service), xform_name(model.name, "-")]
    before: list[str] = []
    for name, value in params.items():
        shape = model.input_shape.members.get(name) if model.input_shape else None
        if shape is None or value is None or name in _COMPUTED:
            continue
        option = "--" + _RENAMED.get(xform_name(name, "-"), xform_name(name, "-"))
        if name in _CUSTOMER_KEYS:
            words += [option, "fileb://" + key_file(_as_bytes(value))]
        elif shape.type_name == "boolean":
            words.append(option if value else "--no-" + option[2:])
        elif shape.type_name == "blob":
            streamed = shape.serialization.get("streaming", False)
            content = body if streamed else _as_bytes(value)
            file = _file(option[2:], value, content, before)
            words += [option, shlex.quote(file if streamed else "fileb://" + file)]
        else:
            words += _option(option, _text(name, shape, value))
    if model.has_streaming_output:
        words.append("out.bin")
    return " && ".join([*before, " ".join(words)])


def _file(stem: str, value: Any, content: bytes | None, before: list[str]) -> str:
    """Name the file that holds these bytes, and how to make it, if the text is short."""
    path = getattr(value, "name", None)
    if isinstance(path, str) and Path(path).is_file():
        return path
    text = None
    if content is not None and len(content) <= SMALL:
        text = as_text(content) if content else ""
    if text is None:
        return f"{stem}.bin"
    before.append(f"{_printf(text)} > {stem}.txt")
    return f"{stem}.txt"


def _printf(text: str) -> str:
    """Print a text exactly and on one line of shell (POSIX printf)."""
    if not any(c in text for c in "\n\r\t"):
        return f"printf '%s' {shlex.quote(text)}"
    escaped = text.replace("\\", "\\\\")
    for character, name in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        escaped = escaped.replace(character, name)
    return f"printf '%b' {shlex.quote(escaped)}"


def _option(option: str, text: str) -> list[str]:
    if text.startswith("-"):  # or the AWS CLI takes it for an option
        return [f"{option}={shlex.quote(text)}"]
    return [option, shlex.quote(text)]


def _text(name: str, shape: Shape, value: Any) -> str:
    if _is_secret(shape):
        return f"file://{xform_name(name, '-')}.txt"
    if name == "CopySource" and isinstance(value, Mapping):
        version = f"?versionId={value['VersionId']}" if value.get("VersionId") else ""
        return f"{value['Bucket']}/{value['Key']}{version}"
    if shape.type_name in ("structure", "list", "map"):
        if _has_bytes(value) or _has_secret(shape, value):
            return f"file://{xform_name(name, '-')}.json"
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _as_bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None


def _is_secret(shape: Shape) -> bool:
    return bool(shape.metadata.get("sensitive")) and shape.name not in _SHOWN


def _has_secret(shape: Shape, value: Any) -> bool:
    """Whether a structure gives a secret, such as the password of a key store's proxy."""
    if shape.type_name == "list":
        return any(_has_secret(shape.member, each) for each in value)
    if shape.type_name != "structure":
        return _is_secret(shape)
    members = shape.members
    return any(_has_secret(members[name], value[name]) for name in members.keys() & value)


def _has_bytes(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_bytes, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(_has_bytes, value))
    return isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "read")

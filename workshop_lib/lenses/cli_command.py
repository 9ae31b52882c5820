"""The AWS CLI command that does the same as an API call.

The names follow the AWS CLI's own rule: operation and parameter in lower case with hyphens
(``PutObject`` → ``put-object``), as botocore's ``xform_name`` makes them; ``s3`` is ``s3api``.
Values that are bytes travel in files, because the AWS CLI versions 1 and 2 read bytes on the
command line differently (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html).
Bytes inside a JSON file are base64, which version 2 opens and version 1 does not
(https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html).
The lines are for a POSIX shell; they use whatever Region and credentials the terminal has.
"""

from __future__ import annotations

import base64
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
"""Bytes of at most this many are written to their file by the lines themselves."""
_WIDTH = 76
"""Characters of a command that stays on one line; a longer one is broken before each option."""

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
    """Return the lines for the terminal that make the same API call; they can be pasted.

    Args:
        model: botocore's model of the operation.
        params: the parameters, as low-level clients take them.
        body: the content of a streamed parameter (S3's ``Body``), if it is small.
        key_file: gives the file name for a customer-provided (SSE-C) key. The key itself never
            appears: the learner has the file, made with ``openssl rand 32 -out ssec.key``.

    Returns:
        ``aws …``, each option on a line of its own if one line is too long. Before it come the
        lines that make the files it needs: a short text or blob (``printf … > body.txt``), a
        structure that contains bytes, such as an encrypted item (``cat > item.json``). What is
        longer, unknown or a secret is a file name to fill in: ``body.bin``, ``password.txt``.
    """
    service = model.service_model.service_name
    parts = [f"aws {_COMMANDS.get(service, service)} {xform_name(model.name, '-')}"]
    before: list[str] = []
    for name, value in params.items():
        shape = model.input_shape.members.get(name) if model.input_shape else None
        if shape is None or value is None or name in _COMPUTED:
            continue
        option = "--" + _RENAMED.get(xform_name(name, "-"), xform_name(name, "-"))
        if name in _CUSTOMER_KEYS:
            parts.append(f"{option} fileb://{key_file(_as_bytes(value))}")
        elif shape.type_name == "boolean":
            parts.append(option if value else "--no-" + option[2:])
        elif shape.type_name == "blob":
            streamed = shape.serialization.get("streaming", False)
            content = body if streamed else _as_bytes(value)
            if shape.metadata.get("sensitive") and content and as_text(content) is None:
                content = None  # a key, for instance
            file = _file(option[2:], value, content, before)
            parts.append(f"{option} {shlex.quote(file if streamed else 'fileb://' + file)}")
        else:
            parts.append(_option(option, _text(name, shape, value, before)))
    if model.has_streaming_output:
        parts.append("out.bin")
    line = " ".join(parts)
    command = line if len(line) <= _WIDTH else " \\\n  ".join(parts)
    return "\n".join([*before, command])


def _file(stem: str, value: Any, content: bytes | None, before: list[str]) -> str:
    """Name the file that holds these bytes, and how to make it, if the text is short."""
    path = getattr(value, "name", None)
    if isinstance(path, str) and Path(path).is_file():
        return path
    if content is None or len(content) > SMALL:
        return f"{stem}.bin"
    text = as_text(content) if content else ""
    if text is None:
        before.append(f"printf %s {_base64(content)} | base64 -d > {stem}.bin")
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


def _option(option: str, text: str) -> str:
    if text.startswith("-"):  # or the AWS CLI takes it for an option
        return f"{option}={shlex.quote(text)}"
    return f"{option} {shlex.quote(text)}"


def _text(name: str, shape: Shape, value: Any, before: list[str]) -> str:
    if _is_secret(shape):
        return f"file://{xform_name(name, '-')}.txt"
    if name == "CopySource" and isinstance(value, Mapping):
        version = f"?versionId={value['VersionId']}" if value.get("VersionId") else ""
        return f"{value['Bucket']}/{value['Key']}{version}"
    if shape.type_name in ("structure", "list", "map"):
        file = f"{xform_name(name, '-')}.json"
        if _has_secret(shape, value):
            return f"file://{file}"
        if not _has_bytes(value):
            return json.dumps(value, default=_plain, ensure_ascii=False)
        written = json.dumps(value, default=_plain, ensure_ascii=False, indent=1)
        # No line of JSON is the bare word, so that nothing in it can end the document.
        before.append(f"cat > {file} <<'END'\n{written}\nEND")
        return f"file://{file}"
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    data = _as_bytes(value) if not isinstance(value, str) else None
    return str(value) if data is None else _base64(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


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

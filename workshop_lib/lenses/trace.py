"""`trace(...)`: every API call a block of code makes, and whether the plaintext was in it.

It listens to botocore's events, while a trace is open, at the one place that every client's
events pass (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html). So it
sees the calls of all clients and threads of the process, whenever and by whom they were made.
It looks, and changes nothing: streamed bodies are left as they were found. What services ask of
each other in a call's name passes no client; the lab says where to hear of it (`on_behalf`).
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import secrets as randomness
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from botocore.hooks import HierarchicalEmitter
from botocore.httpchecksum import AwsChunkedWrapper

from workshop_lib.display.style import Marked, page
from workshop_lib.lenses import decisions, on_behalf
from workshop_lib.lenses.call_summary import (
    NONE,
    answered_keys,
    carries_ciphertext,
    contexts,
    given_away,
    keys,
    range_start,
    resource,
    short_name,
)
from workshop_lib.lenses.cli_command import SMALL, cli_command
from workshop_lib.lenses.plaintext import Secret, Secrets
from workshop_lib.lenses.prices import price

if TYPE_CHECKING:
    from workshop_lib.display.frame import Table

COLUMNS = (
    "service", "operation", "resource", "KMS key", "encryption context", "body bytes",
    "in the request", "in the response", "outcome", "USD per million", "AWS CLI",
)  # fmt: skip
_ON_DEMAND = ("KMS key", "encryption context", "body bytes", "USD per million")
# Written by botocore itself from nothing of the caller's but digests and credentials.
_OWN_HEADERS = frozenset({
    "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "content-length", "content-md5",
    "expect", "host", "transfer-encoding", "user-agent", "x-amz-content-sha256", "x-amz-date",
    "x-amz-decoded-content-length", "x-amz-security-token", "x-amz-trailer",
})  # fmt: skip
NOTHING, NOT_LOOKED = "nothing", "not looked at (stream)"


_SHORT = ("call", "in the request", "in the response", "outcome")
# How the calls that a service makes for another name it.
_SERVICES = {"s3": "S3", "dynamodb": "DynamoDB"}


def trace(*secrets: Any) -> Trace:
    """`with trace("4111 1111 1111 1111") as calls:` then `calls` — the block's API calls.

    Args:
        secrets: the plaintext to look for in every request and answer: text, bytes, numbers, or
            containers of these, such as a whole item. Encodings are opened (base64, JSON, DynamoDB
            values, web forms, chunked uploads), at any depth and inside larger texts; in bodies
            over 1 MiB one layer of them. Compression is not undone. Without secrets the calls are
            listed and nothing is said about plaintext.

    Returns:
        a context manager that gives the `Trace`. Errors of the block pass through it.

    Raises:
        NotSearchable (a ValueError): a secret of fewer than five characters, which would turn up
            by chance. Within a container such values are left out, and the caption names them.
    """
    return Trace(Secrets(*secrets))


class Trace:
    """The calls of one block, complete as soon as each was answered.

    In a notebook it shows four columns: the call, in the request, in the response, outcome. Below
    a call, indented, are those that the service made for it ("↳ S3 → KMS GenerateDataKey, in your
    name"), as far as the lab's AWS runs in this process. Folded below: price, key, context and
    size; the AWS CLI.

    table: a DataFrame, one row per API call of the block in the order of sending (retries are the
        same call): service, operation, resource (as sent), KMS key (the one that answered, else as
        sent), encryption context, body bytes (the request's body after botocore made it, without
        the framing of chunked uploads; headers and URL are not counted), in the request and in the
        response (see below), outcome (the HTTP status, or the error's code or class; "not
        answered" where no service gave an answer, but a library kept the request for itself), USD
        per million (list price, see workshop_lib.lenses.prices), AWS CLI.
    in the request, in the response: "readable: body", "readable: URL", "readable: header
        x-amz-meta-note", followed by the names of the values if they were given with names. If
        none of the values was found: "readable: data key" or "readable: other plaintext" where
        KMS hands out one; "encrypted" where the call carries what is by its form ciphertext (a
        KMS blob, an item or object of an encryption client); else "nothing". "not looked at
        (stream)" for a body that can be read only once; "no answer" where none came.
    cli: the AWS CLI commands alone. SSE-C keys appear as file names only: `ssec.key`, and for
        further different keys of the same block `ssec-2.key` …
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._calls: list[_Call] = []
        self._open: dict[int, _Call] = {}
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._salt = randomness.token_bytes(16)
        self._key_files: dict[bytes, str] = {}
        self._asked: dict[str, list[tuple[Any, ...]]] = {}
        self._heard_from: on_behalf.Witnesses | None = None

    def __enter__(self) -> Trace:
        _listener.add(self)
        decisions.watch(True)
        self._heard_from = on_behalf.listen(self._witness)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        decisions.watch(False)
        _listener.remove(self)
        on_behalf.stop(self._heard_from, self._witness)
        with self._lock:
            self._open.clear()

    @property
    def table(self) -> Table:
        """Return the calls so far as a DataFrame in the house style."""
        from workshop_lib.display.tables import table

        rows = [dict(zip(COLUMNS, call.row(), strict=True)) for call in self._ordered()]
        return table(rows, columns=COLUMNS, caption=self._caption(), code=COLUMNS[-1:])

    @property
    def cli(self) -> list[str]:
        """Return the AWS CLI command of each call, in the table's order."""
        return [call.cli for call in self._ordered()]

    @property
    def answers(self) -> list[tuple[str, str, str]]:
        """Return each call's request id, operation and error code ("" if none), in that order."""
        return [(call.request_id, call.model.name, call.code) for call in self._ordered()]

    def made(self) -> list[tuple[str, str, str]]:
        """Return service, operation and outcome of each call, in the table's order."""
        return [(call.service, call.operation, call.outcome) for call in self._ordered()]

    def __repr__(self) -> str:
        return repr(self._short())

    def _repr_html_(self) -> str:
        from workshop_lib.display.frame import Table

        shown = self._short().html
        calls = self._ordered()
        if calls:
            full = self.table
            full["call"] = [call.name() for call in calls]
            kept = [name for name in _ON_DEMAND if not (full[name] == NONE).all()]
            details = Table(full[["call", *kept]])
            commands = html.escape("\n\n".join(self.cli))
            shown += (
                f"<details><summary>{', '.join(kept)}</summary>{details.html}</details>\n"
                f"<details><summary>The same with the AWS CLI</summary>"
                f'<pre style="white-space: pre-wrap">{commands}</pre></details>'
            )
        return page(shown)

    def _short(self) -> Table:
        """Lay out four columns; below a call stand those that the service made for it."""
        from workshop_lib.display.tables import table

        looked = ["in the request", "in the response"] if len(self._secrets) else []
        rows = []
        for call in self._ordered():
            rows.append(dict(zip(_SHORT, call.short(), strict=True)))
            rows += [dict(zip(_SHORT, inner, strict=True)) for inner in self._inner(call)]
        return table(rows, columns=["call", *looked, "outcome"], caption=self._caption())

    def _inner(self, call: _Call) -> list[tuple[Any, ...]]:
        with self._lock:
            return list(self._asked.get(call.request_id, ()))

    def _witness(self, asked: on_behalf.Asked) -> None:
        """Note a call that a service made for a call of this process: looked through at once."""
        whose = "by its grant" if asked.own else "in your name"
        via = _SERVICES.get(asked.via, asked.via)
        name = Marked(f"↳ {via} → **KMS** {asked.operation}, {whose}")
        sent = self._within(asked.parameters)
        got = "no answer" if asked.error else self._within(asked.answer)
        if "Plaintext" in asked.answer and not got.startswith("readable"):
            got = "readable: data key"  # which is all that a service asks KMS to decrypt
        row = (name, sent, got, asked.error or "200")
        with self._lock:
            self._asked.setdefault(asked.request_id, []).append(row)

    def _within(self, members: Mapping[str, Any]) -> str:
        data = {name: bytes(v).hex() if isinstance(v, bytes) else v for name, v in members.items()}
        found = self._secrets.in_bytes(json.dumps(data, default=str).encode())
        if found:
            return f"readable: body{_labels(found)}"
        return "encrypted" if "CiphertextBlob" in members else NOTHING

    def _caption(self) -> str:
        count = len(self._calls)
        parts = [f"{count} API call{'' if count == 1 else 's'}"]
        if len(self._secrets):
            values = len(self._secrets)
            parts.append(f"looked for {values} value{'' if values == 1 else 's'}")
        if short := self._secrets.too_short:
            names = ", ".join(dict.fromkeys(filter(None, short)))
            parts.append(f"too short to look for: {names or len(short)}")
        return "; ".join(parts)

    def _ordered(self) -> list[_Call]:
        """Return the calls as sent; parts that worker threads send at once, in their order."""
        with self._lock:
            calls = list(self._calls)
        start = 0
        while start < len(calls):
            end = start + 1
            while end < len(calls) and calls[start].parallel_to(calls[end]):
                end += 1
            calls[start:end] = sorted(calls[start:end], key=lambda call: call.part)
            start = end
        return calls

    def _key_file(self, key: bytes | None) -> str:
        """Name a customer key's file. What is kept of the key is a salted digest."""
        digest = hashlib.sha256(self._salt + (key or b"")).digest()
        number = len(self._key_files) + 1
        return self._key_files.setdefault(digest, f"ssec{f'-{number}' if number > 1 else ''}.key")

    # One method per event of botocore that matters here.

    def _provide_client_params(self, params: dict[str, Any], model: Any, context: Any) -> None:
        call = _Call(model, context, dict(params))
        call.worker = threading.get_ident() != self._thread
        with self._lock:
            self._open[id(context)] = call

    def _before_parameter_build(self, params: dict[str, Any], context: Any) -> None:
        call = self._open.get(id(context))
        if call:
            call.built = params

    def _before_send(self, request: Any) -> None:
        call = self._open.get(id(getattr(request, "context", None)))
        if call is None or call.cli:  # begun before the block, or a retry
            return
        body = _read_body(request.body, self._secrets)
        call.size = body.size if body.size is not None else _declared_size(request.headers)
        params = call.low_level_params()
        if len(self._secrets):
            ciphertext = carries_ciphertext(call.model, params)
            call.in_request = self._where(request.headers, body, request.url, ciphertext=ciphertext)
        call.describe(params)
        call.price = _price(call, params)
        with self._lock:
            call.cli = cli_command(call.model, params, body=body.small, key_file=self._key_file)
            self._calls.append(call)

    def _after_call(self, http_response: Any, parsed: dict[str, Any], context: Any) -> None:
        call = self._close(context)
        if call and http_response.url is None:  # s3transfer's C client: it only wants the request
            call.outcome, call.price = "not answered", NONE
            call.no_answer()
        elif call:
            if len(self._secrets):
                call.in_response = self._in_response(call, http_response, parsed)
            call.answered(http_response.status_code, parsed)

    def _after_call_error(self, exception: Exception, context: Any) -> None:
        call = self._close(context)
        if call:
            call.outcome = type(exception).__name__
            call.no_answer()

    def _close(self, context: Any) -> _Call | None:
        with self._lock:
            return self._open.pop(id(context), None)

    def _in_response(self, call: _Call, response: Any, parsed: dict[str, Any]) -> str:
        body = getattr(response, "_content", None)  # what botocore has read of it, never more
        if not isinstance(body, bytes):
            body = getattr(parsed.get("Body"), "_raw_stream", None) or _UNREADABLE
        given = given_away(call.model, parsed)
        ciphertext = carries_ciphertext(call.model, parsed)
        read = _read_body(body, self._secrets)
        return self._where(response.headers, read, given=given, ciphertext=ciphertext)

    def _where(
        self,
        headers: Mapping[str, Any],
        body: _Body,
        url: str = "",
        *,
        given: str = "",
        ciphertext: bool = False,
    ) -> str:
        """Say where the values are readable; given: what else a response gives away."""
        places: dict[str, set[Secret]] = {"URL": self._secrets.in_bytes(url.encode())}
        for name, value in headers.items():
            if name.lower() not in _OWN_HEADERS:
                text = value if isinstance(value, bytes) else str(value).encode()
                secrets = self._secrets.in_bytes(name.encode()) | self._secrets.in_bytes(text)
                places[f"header {name.lower()}"] = secrets
        places["body"] = body.found
        said = [place + _labels(secrets) for place, secrets in sorted(places.items()) if secrets]
        if said:
            return f"readable: {', '.join(said)}" + ("" if body.read else "; body not looked at")
        if given:
            return f"readable: {given}"
        if ciphertext:
            return "encrypted"
        return NOTHING if body.read else NOT_LOOKED


@dataclass
class _Call:
    """One API call: what a row shows. The parameters are forgotten with the answer."""

    model: Any
    context: Any
    given: dict[str, Any]
    built: dict[str, Any] = field(default_factory=dict)
    worker: bool = False
    resource: str = NONE
    key: str = NONE
    encryption_context: str = NONE
    part: int = 0
    size: int | None = None
    in_request: str = NONE
    in_response: str = NONE
    outcome: str = NONE
    request_id: str = ""
    price: str = NONE
    cli: str = ""
    code: str = ""

    @property
    def service(self) -> str:
        return str(self.model.service_model.service_id)

    @property
    def operation(self) -> str:
        return str(self.model.name)

    def row(self) -> tuple[Any, ...]:
        size = NONE if self.size is None else self.size
        asked = (self.service, self.operation, self.resource, self.key)
        seen = (self.encryption_context, size, self.in_request, self.in_response)
        return (*asked, *seen, self.outcome, self.price, self.cli)

    def name(self) -> Marked:
        """Say the call in a few words: **service**, operation, `resource`."""
        about = "" if self.resource == NONE else f" `{short_name(self.resource)}`"
        return Marked(f"**{self.service}** {self.operation}{about}")

    def short(self) -> tuple[Any, ...]:
        return self.name(), self.in_request, self.in_response, self.outcome

    def low_level_params(self) -> dict[str, Any]:
        """Return what the caller gave, without what botocore added, in the wire's data types."""
        if self.model.service_model.service_name != "dynamodb":
            return self.given
        return {name: value for name, value in self.built.items() if name in self.given}

    def describe(self, params: Mapping[str, Any]) -> None:
        self.resource = resource(params)
        self.key = " → ".join(keys(params)) or NONE
        self.encryption_context = contexts(params) or NONE
        self.part = params.get("PartNumber") or range_start(params.get("Range"))

    def answered(self, status: int, parsed: dict[str, Any]) -> None:
        code = parsed.get("Error", {}).get("Code") if status >= 300 else None
        self.outcome = code or str(status)
        self.request_id = parsed.get("ResponseMetadata", {}).get("RequestId", "")
        self.code = code or ""
        if self.cli and status < 300:
            self.key = " → ".join(answered_keys(parsed)) or self.key
            self.price = _price(self, self.low_level_params(), parsed)
        self.forget()

    def no_answer(self) -> None:
        if self.in_request != NONE:  # something was looked for
            self.in_response = "no answer"
        self.forget()

    def forget(self) -> None:
        self.given, self.built, self.context = {}, {}, None

    def parallel_to(self, other: _Call) -> bool:
        """Say whether two neighbours are parts of one transfer, sent by worker threads."""
        mine = (self.model.name, self.resource.partition(" part ")[0])
        theirs = (other.model.name, other.resource.partition(" part ")[0])
        return self.worker and other.worker and mine == theirs


# Reading a body ---------------------------------------------------------------------------------

_UNREADABLE = object()


@dataclass
class _Body:
    """What was learnt from a body: secrets found, its size, its content if it is small."""

    found: set[Secret] = field(default_factory=set)
    size: int | None = None
    small: bytes | None = None
    read: bool = True


def _read_body(body: Any, secrets: Secrets) -> _Body:
    """Look through a body of any kind botocore sends or gets, and put it back as it was."""
    if isinstance(body, AwsChunkedWrapper):
        body = getattr(body, "_raw", body)  # as s3transfer does, to get at what it wraps
    if body is None:
        return _Body(size=0, small=b"")
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        body = io.BytesIO(body)
    transfer = hasattr(body, "signal_not_transferring")
    try:
        position = body.tell()
        body.seek(position)  # a stream that cannot go back fails here, unread
        if transfer:  # boto3's progress bars count only what is read to be sent
            body.signal_not_transferring()
        try:
            found, size, head = secrets.in_stream(body.read)
        finally:
            body.seek(position)
            if transfer:
                body.signal_transferring()
    except (AttributeError, OSError, TypeError, ValueError):
        return _Body(read=False)
    return _Body(found, size, head if size <= SMALL else None)


def _declared_size(headers: Mapping[str, Any]) -> int | None:
    for name in ("X-Amz-Decoded-Content-Length", "Content-Length"):
        if headers.get(name) is not None:
            return int(headers[name])
    return None


def _labels(found: set[Secret]) -> str:
    labels = sorted({secret.label for secret in found} - {""})
    return f" ({', '.join(labels)})" if labels else ""


def _price(call: _Call, params: Mapping[str, Any], parsed: Mapping[str, Any] | None = None) -> str:
    service, method = call.model.service_model.service_name, call.model.http.get("method", "")
    return price(service, call.model.name, method, params, parsed)


# Listening ------------------------------------------------------------------------------------


class _Listener:
    """Stands in front of botocore's emitters, and aiobotocore's, while a trace is open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: tuple[Trace, ...] = ()
        self._installed: dict[Any, tuple[Any, Any]] = {}  # what stands there, what stood there

    def add(self, trace: Trace) -> None:
        with self._lock:
            self._traces += (trace,)
            for emitter in (HierarchicalEmitter, *HierarchicalEmitter.__subclasses__()):
                ours, original = self._installed.get(emitter, (None, None))
                if "_emit" in vars(emitter) and (ours is None or emitter._emit is original):
                    self._install(emitter)

    def remove(self, trace: Trace) -> None:
        with self._lock:
            self._traces = tuple(each for each in self._traces if each is not trace)
            for emitter, (ours, original) in [*self._installed.items()]:
                # else somebody stands before us: stay, and do nothing
                if not self._traces and emitter._emit is ours:
                    emitter._emit = original
                    del self._installed[emitter]

    def _install(self, emitters: Any) -> None:
        original = emitters._emit

        def emit(emitter: Any, event_name: str, kwargs: Any, stop_on_response: bool = False) -> Any:
            for trace in self._traces:
                _tell(trace, event_name.partition(".")[0], kwargs)
            return original(emitter, event_name, kwargs, stop_on_response)

        emitters._emit = emit
        self._installed[emitters] = (emit, original)


def _tell(trace: Trace, event: str, kwargs: dict[str, Any]) -> None:
    if event == "provide-client-params":
        trace._provide_client_params(kwargs["params"], kwargs["model"], kwargs["context"])
    elif event == "before-parameter-build":
        trace._before_parameter_build(kwargs["params"], kwargs["context"])
    elif event == "before-send":
        trace._before_send(kwargs["request"])
    elif event == "after-call":
        trace._after_call(kwargs["http_response"], kwargs["parsed"], kwargs["context"])
    elif event == "after-call-error":
        trace._after_call_error(kwargs["exception"], kwargs["context"])


_listener = _Listener()

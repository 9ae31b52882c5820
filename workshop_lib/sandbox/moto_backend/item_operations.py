"""moto's answers about DynamoDB's items, without its way to them.

moto takes a request apart and puts an answer together by the service's model, which is most of
what an item costs it; both are JSON here already.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from werkzeug.exceptions import HTTPException

from workshop_lib.sandbox.moto_backend.core import Moto, _load, put
from workshop_lib.sandbox.protocol.messages import Response

_CONTENT_TYPE = "application/x-amz-json-1.0"


class ItemOperations:
    """The operations that read and write items."""

    def __init__(self, moto: Moto) -> None:
        self._account = moto.account

    def answer(self, operation: str, region: str, parameters: bytes, request_id: str) -> Response:
        """moto's answer to an operation whose ``parameters`` are JSON."""
        handler = _handler_class()(operation, self._account, region, _read(parameters))
        status, body = handler.result()
        headers = {
            "Content-Type": _CONTENT_TYPE,
            "x-amzn-RequestId": request_id,
            "x-amz-crc32": str(zlib.crc32(body)),
        }
        return Response(status, headers, body)


def _read(parameters: bytes) -> Any:
    """A request's parameters as moto's own parser has them: binary values are bytes."""
    hook = _with_bytes if b'"B"' in parameters or b'"BS"' in parameters else None
    return json.loads(parameters, object_hook=hook)


def _with_bytes(document: dict[str, Any]) -> dict[str, Any]:
    if len(document) == 1:
        if isinstance(document.get("B"), str):
            return {"B": base64.b64decode(document["B"])}
        if isinstance(document.get("BS"), list):
            return {"BS": [base64.b64decode(each) for each in document["BS"]]}
    return document


def _without_bytes(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


@cache
def _handler_class() -> Any:
    """moto's handler, made for one call: loaded on first use."""
    module = _load("moto.dynamodb.responses", "DynamoHandler")
    put(module, TRANSACTION_MAX_ITEMS=100)  # AWS's since 2022; moto's is of before
    responses = _load("moto.core.responses", "ActionResult", "get_service_model")
    exceptions = _load("moto.core.exceptions", "ServiceException")
    utilities = _load("moto.core.utils", "camelcase_to_underscores")

    class Handler(module.DynamoHandler):  # type: ignore[name-defined]
        """What moto's handler looks at, set without a request."""

        def __init__(self, operation: str, account: str, region: str, parameters: Any) -> None:
            super().__init__()
            self.operation, self.current_account, self.region = operation, account, region
            self.body = self.params = parameters
            self.headers = {"Content-Type": _CONTENT_TYPE}
            self.response_headers: dict[str, str] = {}
            self.uri_match: dict[str, str] = {}

        def _get_action(self) -> str:
            return self.operation

        def result(self) -> tuple[int, bytes]:
            """Status and body of the answer."""
            method = getattr(self, utilities.camelcase_to_underscores(self.operation))
            try:
                found: Mapping[str, Any] = method().result
            except exceptions.ServiceException as error:
                status, _, body = self.serialized(responses.ActionResult(error))
                return status, body.encode() if isinstance(body, str) else body
            except HTTPException as error:
                return error.code or 400, (error.description or "").encode()
            told = {n: found[n] for n in _members(self.operation) if found.get(n) is not None}
            return 200, json.dumps(told, default=_without_bytes).encode()

    @cache
    def _members(operation: str) -> tuple[str, ...]:
        model = responses.get_service_model("dynamodb")
        return tuple(model.operation_model(operation).output_shape.members)

    return Handler

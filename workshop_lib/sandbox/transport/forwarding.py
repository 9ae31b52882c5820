"""A forked worker's requests go to the sandbox of the process that forked it, over loopback."""

import http.client

from workshop_lib.sandbox.protocol.messages import Request, Response

_OF_THE_CONNECTION = ("connection", "content-length", "expect", "host", "transfer-encoding")


def forward(request: Request, port: int | None) -> Response:
    """The answer of the HTTP server on ``port`` of loopback. Raises ConnectionRefusedError.

    ``port`` is None where none could be started before the fork.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port or 0)
    try:
        if port is None:
            raise ConnectionRefusedError
        connection.connect()
    except ConnectionRefusedError:
        raise ConnectionRefusedError(
            "This forked worker cannot reach the lab, which is in the process that forked it: "
            "call lab.serve() there first, and keep that process until its workers have ended."
        ) from None
    try:
        return _exchange(connection, request)
    finally:
        connection.close()


def _exchange(connection: http.client.HTTPConnection, request: Request) -> Response:
    target = f"{request.path}?{request.query}" if request.query else request.path
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", request.host)
    for name, value in request.headers.items():
        if name not in _OF_THE_CONNECTION:
            connection.putheader(name, str(value).encode("utf-8", "surrogateescape"))
    connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body or None)
    answer = connection.getresponse()
    return Response(answer.status, dict(answer.getheaders()), answer.read())

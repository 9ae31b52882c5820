"""A class's server that also answers what the stand-ins ask: it is the page's own server.

`python -m tests.browser.stand_ins.class_serving` takes what `python -m classroom` takes.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from classroom import __main__ as program
from classroom import server
from classroom.app import make_app
from tests.browser.stand_ins.serving import Objects

_objects = Objects()


async def _answer(request: Request) -> Response:
    answer = await asyncio.to_thread(_objects.answer, await request.body())
    return Response(answer, media_type="application/octet-stream")


def _make_app(*args: Any, **kwargs: Any) -> Starlette:
    app = make_app(*args, **kwargs)
    app.router.routes.insert(0, Route("/stand-in", _answer, methods=["POST"]))
    return app


if __name__ == "__main__":
    setattr(server, "make_app", _make_app)  # noqa: B010
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(program.main())

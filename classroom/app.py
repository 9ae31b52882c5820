"""The class over HTTP: what is asked for where, and who may."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import segno
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classroom.changes import Board
from classroom.room import Learner
from classroom.security import HEADERS, SITE_POLICY, STRICT_POLICY, Rate, is_own_host, is_own_origin
from classroom.service import ClassService, Refusal

PAGES = Path(__file__).parent / "pages"
COLOURS = PAGES.parents[1] / "workshop_lib" / "display" / "style.css"
LARGEST = 256 * 1024  # bytes of a request
_PATIENCE = 10  # seconds for the whole of a request
_LONGEST_WAIT = 25  # seconds that a request for news may wait
_MOST_WAITING = 12  # such requests of one learner: a kernel has one
_MOST_BOARDS = 20
_PULSE = 5  # seconds after which a board hears that the server is there
_PAUSE = 0.5  # seconds between two changes

Answer = Callable[[Request], Awaitable[Response]]


def make_app(
    service: ClassService,
    hosts: frozenset[str] = frozenset(),
    site: Path | None = None,
    prefix: str = "",
) -> Starlette:
    """The class as an ASGI application.

    hosts: names of this machine by which it may be asked for; numbers always are. site: a folder
    with a browser edition, to which the root leads. prefix: where it stands behind a proxy.
    """
    doors = Doors(service)
    routes: list[BaseRoute] = [*doors.routes(), *service.authenticator.routes(), *_pages(site)]
    if prefix.strip("/"):
        routes = [Mount("/" + prefix.strip("/"), routes=routes)]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.open()
        watching = asyncio.create_task(service.watch())
        yield
        service.close()
        watching.cancel()

    return Starlette(
        routes=routes,
        lifespan=lifespan,
        max_body_size=LARGEST,
        middleware=[Middleware(Gate, hosts=hosts)],
        exception_handlers={
            Refusal: _refused,
            HTTPException: _failed,
            ClientDisconnect: _gone,
            Exception: _broken,
        },
    )


def _pages(site: Path | None) -> Iterator[BaseRoute]:
    """The pages, which hold nothing of the class, and the browser edition if there is one."""
    yield Route("/board", partial(_file, PAGES / "board.html"))
    yield Route("/pages/course.css", partial(_file, COLOURS))
    yield Mount("/pages", StaticFiles(directory=PAGES))
    yield Route("/", partial(_file, PAGES / ("join_here.html" if site else "join.html")))
    if site:
        # In a folder of its own, so that its service worker has no say in the rest.
        yield Route("/course/class.json", _is_class)
        yield Mount("/course", Site(directory=site, html=True))


async def _file(path: Path, _: Request) -> Response:
    return FileResponse(path)


async def _is_class(_: Request) -> Response:
    """By which the course in a browser knows that it can join here."""
    return _json({"class": True})


class Site(StaticFiles):
    """The browser edition: a JupyterLab needs more of a browser than our own pages do."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file of it, with the policy that it needs."""
        response = await super().get_response(path, scope)
        response.headers["Content-Security-Policy"] = SITE_POLICY
        return response


# --- Before and after every request -----------------------------------------------------------


class Gate:
    """Lets no page of another host ask, and tells browsers what ours may do."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = MutableHeaders(scope=message)
                ours.setdefault("Content-Security-Policy", STRICT_POLICY)
                ours.setdefault("Cache-Control", "no-cache")
                ours.update(HEADERS)
            await send(message)

        refused = self._refusal(headers, scope["scheme"])
        if refused:
            await JSONResponse({"error": refused}, 403)(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, headers: Headers, scheme: str) -> str:
        host = headers.get("host", "")
        if not is_own_host(host, self._hosts):
            return "This server has another name: use the address that it prints."
        if not is_own_origin(headers.get("origin"), scheme, host):
            return "A page of another server may not ask here."
        if headers.get("sec-fetch-site", "none") == "cross-site" and (
            headers.get("sec-fetch-mode") != "navigate"
        ):
            return "A page of another server may not ask here."
        return ""


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    headers = {"Retry-After": "5"} if refusal.status == 429 else None
    return JSONResponse({"error": refusal.sentence}, refusal.status, headers)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)


async def _broken(_: Request, __: Exception) -> Response:
    return JSONResponse(
        {"error": "The server has failed: what it did not confirm is not kept."}, 500
    )


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries; {} for none."""
    try:
        content = await asyncio.wait_for(request.body(), _PATIENCE)
    except TimeoutError:
        raise Refusal(408, "The request did not come to its end.") from None
    if not content:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal(415, "Send JSON, as application/json.")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise Refusal(400, "This is not JSON.") from None
    if not isinstance(found, dict):
        raise Refusal(400, "Send a JSON object.")
    return found


def _json(content: Any) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


# --- What is asked for ------------------------------------------------------------------------


class Doors:
    """The routes of the API. `service` does what is asked."""

    def __init__(self, service: ClassService) -> None:
        self._service = service
        self._waiting: dict[str, int] = {}
        self._secrets = Rate(burst=30, per_second=0.5)

    def routes(self) -> Iterator[Route]:
        """Each address of the API."""
        service = self._service
        yield Route("/api/join", self._join, methods=["POST"])
        learners: dict[str, Callable[[Learner, dict[str, Any]], Awaitable[Any]]] = {
            "events": service.take,
            "hand": lambda learner, asked: service.raise_hand(learner, asked.get("up")),
            "leave": lambda learner, _: service.leave(learner),
            "forget": lambda learner, _: service.forget(learner),
        }
        for name, deed in learners.items():
            yield Route(f"/api/{name}", partial(self._of_learner, deed), methods=["POST"])
        yield Route("/api/learner/news", self._news)
        yield Route("/api/board/session", self._open_board, methods=["POST"])
        boards: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "reveal": lambda asked: service.reveal(asked.get("question")),
            "vote-again": lambda asked: service.vote_again(asked.get("question")),
            "names": lambda asked: service.show_names(asked.get("shown")),
            "plan": lambda asked: service.follow_plan(asked.get("plan"), asked.get("section")),
            "hand-down": lambda asked: service.hand_down(asked.get("learner")),
            "forget": lambda asked: service.forget_all(asked.get("confirm")),
        }
        for name, act in boards.items():
            yield Route(f"/api/board/{name}", partial(self._of_board, act), methods=["POST"])
        yield Route("/api/board/stream", self._stream)
        yield Route("/api/board/export.csv", self._export)
        yield Route("/api/board/qr.svg", self._qr)

    async def _join(self, request: Request) -> Response:
        address = request.client.host if request.client else ""
        return _json(await self._service.join(await _body(request), address))

    def _learner(self, request: Request) -> Learner:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        return self._service.learner_of(key.strip() if kind.lower() == "bearer" else "")

    async def _of_learner(
        self, deed: Callable[[Learner, dict[str, Any]], Awaitable[Any]], request: Request
    ) -> Response:
        learner = self._learner(request)
        return _json(await deed(learner, await _body(request)) or {})

    async def _news(self, request: Request) -> Response:
        learner = self._learner(request)
        after, wait = (_number(request, name) for name in ("after", "wait"))
        waiting = self._waiting.get(learner.id, 0)
        if waiting >= _MOST_WAITING:
            raise Refusal(429, "Too many requests wait for news: wait a moment.")
        self._waiting[learner.id] = waiting + 1
        try:
            return _json(await self._service.news(learner, after, min(wait, _LONGEST_WAIT)))
        finally:
            self._waiting[learner.id] -= 1

    async def _open_board(self, request: Request) -> Response:
        asked = await _body(request)
        secret = asked.get("secret")
        if not isinstance(secret, str) or not await self._service.authenticator.opens_board(secret):
            if not self._secrets.allows("all"):  # whoever has it is let in meanwhile
                raise Refusal(429, "Too many tries: wait a moment.")
            raise Refusal(401, "Open the board by the link that the class's server gave.")
        name, value = self._service.authenticator.session()
        answer = _json({})
        answer.set_cookie(
            name,
            value,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path=request.scope.get("root_path", "") + "/api/board",
        )
        return answer

    async def _require_board(self, request: Request) -> None:
        if not await self._service.authenticator.sees_board(request.cookies):
            raise Refusal(401, "Open the board by the link that the class's server gave.")

    async def _of_board(
        self, act: Callable[[dict[str, Any]], Awaitable[None]], request: Request
    ) -> Response:
        await self._require_board(request)
        await act(await _body(request))
        return _json({})

    async def _stream(self, request: Request) -> Response:
        await self._require_board(request)
        if len(self._service.changes.boards) >= _MOST_BOARDS:
            raise Refusal(429, "Too many boards are open: close some.")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._tell(), media_type="text/event-stream", headers=headers)

    async def _tell(self) -> AsyncIterator[str]:
        with self._service.changes.board() as board:
            board.everything = True
            while not self._service.closing:
                whole = board.everything
                told = self._service.state() if whole else self._service.change(board)
                board.told()
                yield _event("state" if whole else "change", told)
                await asyncio.sleep(_PAUSE)
                while not await _changed(board):
                    yield ": still here\n\n"

    async def _export(self, request: Request) -> Response:
        await self._require_board(request)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="class.csv"',
        }
        return Response(await self._service.export(), media_type="text/csv", headers=headers)

    async def _qr(self, request: Request) -> Response:
        await self._require_board(request)
        drawn = io.BytesIO()
        address = f"{self._service.address}/#{self._service.code}"
        segno.make(address, error="m").save(drawn, "svg", scale=8, light="#fff", svgclass=None)
        return Response(drawn.getvalue(), media_type="image/svg+xml")


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise Refusal(400, f"`{name}` is a number.")
    return int(text)


async def _changed(board: Board) -> bool:
    """Whether there is something new within a pulse."""
    try:
        await asyncio.wait_for(board.changed.wait(), _PULSE)
    except TimeoutError:
        return False
    return True


def _event(name: str, content: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n"


def host_of(address: str) -> str:
    """The host in an address."""
    return (urlsplit(address).hostname or "").lower()

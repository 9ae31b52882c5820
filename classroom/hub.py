"""The class as a service of a JupyterHub, which says who asks: `jupyterhub_config.py` starts it.

Learners join by themselves, under the name that they have at the hub, with the token of their own
server. The board is open to the hub's admins: they sign in there, by OAuth.

https://jupyterhub.readthedocs.io/en/stable/reference/services.html
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from tornado.httputil import url_concat

from classroom.app import PAGES
from classroom.options import parse
from classroom.security import Identity, SecretAuthenticator
from classroom.server import ROOT, Trouble, alone, listen, opened, run
from classroom.service import Refusal

_MINUTES = 10  # for signing in


class HubAuthenticator(SecretAuthenticator):
    """Admins of the hub see the board; whoever has a server there joins without a code."""

    def __init__(self, secret: str, hub: Any) -> None:
        super().__init__(secret)
        self._hub = hub
        self._state_cookie = f"{self.session()[0]}-sign-in"

    async def vouches_for(self, token: str) -> Identity | None:
        """The hub's user whose token it is."""
        user = await self._hub.user_for_token(token, use_cache=False, sync=False)
        if not user or user.get("kind") != "user":
            return None
        return Identity(user["name"], user["name"])

    def routes(self) -> Sequence[BaseRoute]:
        """The board, which sends to the hub whoever has not signed in; and the way back."""
        return (Route("/board", self._board), Route("/oauth_callback", self._signed_in))

    async def _board(self, request: Request) -> Response:
        if await self.sees_board(request.cookies):
            return FileResponse(PAGES / "board.html")
        verifier, challenge, method = self._hub.generate_pkce_code_challenge()
        state = self._hub.generate_state(code_verifier=verifier)
        asked = {"state": state, "code_challenge": challenge, "code_challenge_method": method}
        answer = RedirectResponse(url_concat(self._hub.login_url, asked))
        self._give(answer, request, self._state_cookie, state, max_age=60 * _MINUTES)
        return answer

    async def _signed_in(self, request: Request) -> Response:
        state, code = (request.query_params.get(name, "") for name in ("state", "code"))
        if not state or state != request.cookies.get(self._state_cookie):
            raise Refusal(403, "You signed in for another page: open the board once more.")
        verifier = self._hub.get_code_verifier(state)
        self._hub.clear_oauth_state(state)
        if not code or verifier is None:
            raise Refusal(403, "Signing in took too long: open the board once more.")
        token = await self._hub.token_for_code(code, code_verifier=verifier, sync=False)
        user = await self._hub.user_for_token(token, use_cache=False, sync=False)
        if not user or not user.get("admin"):
            raise Refusal(403, "The board is for the hub's admins.")
        answer = RedirectResponse("board")
        answer.delete_cookie(self._state_cookie, path=self._hub.base_url)
        self._give(answer, request, *self.session())
        return answer

    def _give(
        self, answer: Response, request: Request, name: str, value: str, max_age: int | None = None
    ) -> None:
        """Set a cookie that comes back also when the hub's page leads here."""
        answer.set_cookie(
            name,
            value,
            max_age=max_age,
            path=self._hub.base_url,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )


def serve(arguments: Sequence[str] | None = None) -> None:
    """Hold the hub's class until the hub ends it. Raises Trouble."""
    options = parse(arguments)
    folder = ROOT / options.folder
    listens = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    address = (options.address or os.environ["JUPYTERHUB_SERVICE_URL"]).rstrip("/")
    with (
        alone(folder),
        _listen(listens.hostname, listens.port) as listening,
        opened(options, folder, address, _by_the_hub) as service,
    ):
        run(
            service,
            listening,
            prefix=prefix,
            proxy_headers=True,  # the hub's proxy says whether the browser came by TLS
            forwarded_allow_ips="127.0.0.1",
        )


def _by_the_hub(secret: str) -> HubAuthenticator:
    return HubAuthenticator(secret, HubOAuth())


def _listen(host: str | None, port: int | None) -> socket.socket:
    if not host or not port:
        raise Trouble("The hub gives the class no address: name one as `url` of its service.")
    return listen(host, port)


def main() -> int:
    """Serve; the exit status: 0, or 1 for what the hub's admin can mend."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve()
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())

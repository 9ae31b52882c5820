"""Secrets, limits, and what a browser may do with the class's pages."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from starlette.routing import BaseRoute

# No 0 and O, no 1, I and L: a code is read from a wall and typed.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH = 6
NAME_LENGTH = 40

# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
STRICT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The browser edition is a JupyterLab that computes in the page: it evaluates, in workers, and
# takes four packages from Pyodide's own host.
SITE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: "
    "https://cdn.jsdelivr.net; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob: https://cdn.jsdelivr.net; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


# --- Secrets ----------------------------------------------------------------------------------


def new_code() -> str:
    """A new class code: 31 to the power of 6 of them, and few tries a minute."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))


def new_secret() -> str:
    """A new secret of 256 bits, for the board or as a learner's key."""
    return secrets.token_urlsafe(32)


def same_code(said: str, code: str) -> bool:
    """Whether somebody typed the class's code: case, spaces and hyphens do not count."""
    return same(re.sub(r"[\s-]", "", said).upper(), code)


def same(said: str, secret: str) -> bool:
    """Whether two texts are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest(said.encode("utf-8", "replace"), secret.encode())


def digest(key: str) -> str:
    """What is kept of a learner's key: who reads the database cannot send in their name."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()


# --- Who asks ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """Somebody whom another service vouches for: `subject` is one person's for good."""

    subject: str
    name: str


class Authenticator(Protocol):
    """Who may see the board, and who joins without the class's code."""

    async def opens_board(self, secret: str) -> bool:
        """Whether this secret, sent once, opens a session of the board."""

    async def sees_board(self, cookies: Mapping[str, str]) -> bool:
        """Whether a request with these cookies is of a session of the board."""

    def session(self) -> tuple[str, str]:
        """The name and the value of the cookie of a session of the board."""

    async def vouches_for(self, token: str) -> Identity | None:
        """Who joins with this token in place of the class's code; None if nobody known."""

    def routes(self) -> Sequence[BaseRoute]:
        """What it asks and shows itself: pages to sign in, if there are any."""


class SecretAuthenticator:
    """The board is behind one secret; learners come by the class's code and no other way.

    The cookie is derived from the secret: it outlives a restart of the server, and gives the
    secret away to nobody. Its name is the class's, for browsers keep one set of cookies for all
    ports of a machine.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._cookie = hmac.new(secret.encode(), b"session of the board", sha256).hexdigest()
        self._name = "board-" + digest(secret)[:12]

    async def opens_board(self, secret: str) -> bool:
        """Whether it is the secret."""
        return same(secret, self._secret)

    async def sees_board(self, cookies: Mapping[str, str]) -> bool:
        """Whether the session's cookie is among them."""
        return same(cookies.get(self._name, ""), self._cookie)

    def session(self) -> tuple[str, str]:
        """The cookie's name and value."""
        return self._name, self._cookie

    async def vouches_for(self, token: str) -> Identity | None:
        """Nobody is known by a token."""
        return None

    def routes(self) -> Sequence[BaseRoute]:
        """No page: the link to the board is enough."""
        return ()


# --- Limits -----------------------------------------------------------------------------------


class Tries:
    """How often something may fail, from one address and in all, in a span of seconds."""

    def __init__(
        self,
        each: int,
        total: int,
        span: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._each, self._total, self._span, self._clock = each, total, span, clock
        self._failed: deque[tuple[float, str]] = deque()

    def are_left(self, address: str) -> bool:
        """Whether this address may try now."""
        since = self._clock() - self._span
        while self._failed and self._failed[0][0] <= since:
            self._failed.popleft()
        mine = sum(1 for _, each in self._failed if each == address)
        return len(self._failed) < self._total and mine < self._each

    def note(self, address: str) -> None:
        """Note one that failed, or one of what may happen only so often."""
        self._failed.append((self._clock(), address))


class Rate:
    """A bucket for each caller: so many requests at once, so many a second in the long run."""

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, caller: str, cost: float = 1) -> bool:
        """Whether this caller may ask for that much now; if so, it is taken from the bucket."""
        now = self._clock()
        left, since = self._left.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        allowed = left >= cost
        self._left[caller] = (left - cost if allowed else left, now)
        return allowed

    def forget(self, caller: str) -> None:
        """Drop a caller's bucket."""
        self._left.pop(caller, None)


# --- Names ------------------------------------------------------------------------------------


def tidy_name(name: str) -> str:
    """A learner's name as one short line: what is invisible or turns the writing is dropped."""
    composed = unicodedata.normalize("NFC", name)
    visible = "".join(
        " " if unicodedata.category(each) in ("Zs", "Zl", "Zp", "Cc") else each
        for each in composed
        if unicodedata.category(each) not in ("Cf", "Cs", "Co", "Cn")
    )
    return " ".join(visible.split())[:NAME_LENGTH].strip()


def spreadsheet_cell(value: Any) -> str:
    """A value for a CSV file: no spreadsheet takes it for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = str(value)
    return "'" + text if re.match(r"\s*[=+@-]|[\t\r\n]", text) else text


# --- Hosts and origins ------------------------------------------------------------------------


def is_own_host(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this server: by a number, or by one of its names.

    A page of somebody else's that has its own name resolved to this machine (DNS rebinding) comes
    with that name.
    """
    name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
    name = name.strip("[]").lower().rstrip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names
    return True


def is_own_origin(origin: str | None, scheme: str, host: str) -> bool:
    """Whether a page that sends a request is one of this server's; what is no page says nothing."""
    return origin is None or origin.lower() == f"{scheme}://{host}".lower()

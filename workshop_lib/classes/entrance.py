"""What the class is asked while the learner waits: to be let in, to let go, to forget."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from workshop_lib.classes.membership import Membership
from workshop_lib.classes.transport import Transport
from workshop_lib.errors import LearnerError

Connect = Callable[[str], Transport]


class ClassError(LearnerError, RuntimeError):
    """A class cannot be joined, was not joined, or does not do what it was asked."""


def enter(connect: Connect, address: str, asked: Mapping[str, Any]) -> Membership:
    """Ask the class at an address to be let in. Raises ClassError."""
    status, answer = _ask(connect, address, "/api/join", asked)
    if status != 200:
        said = answer.get("error")
        raise ClassError(said if isinstance(said, str) else _no_class(address))
    room = answer.get("class")
    title = room.get("title") if isinstance(room, dict) else None
    learner, key, name = (answer.get(each) for each in ("learner", "key", "name"))
    if not all(isinstance(each, str) for each in (learner, key, name, title)):
        raise ClassError(_no_class(address))
    return Membership(address, str(learner), str(key), str(name), str(title))


def say_goodbye(connect: Connect, known: Membership) -> None:
    """Tell the class, if it hears: that it does not changes nothing."""
    with suppress(ClassError):
        _ask(connect, known.address, "/api/leave", {}, known.key, timeout=2)


def be_forgotten(connect: Connect, known: Membership) -> None:
    """Have the class delete all that it was told. Raises ClassError."""
    status, _ = _ask(connect, known.address, "/api/forget", {}, known.key)
    if status not in (200, 401):  # 401: it has forgotten already
        raise ClassError("The class deleted nothing: call leave(forget=True) again later.")


def _no_class(address: str) -> str:
    return f"There is no class at {address}: take the address that is on the board."


def _ask(
    connect: Connect,
    address: str,
    path: str,
    body: Mapping[str, Any],
    key: str = "",
    timeout: float = 10,
) -> tuple[int, dict[str, Any]]:
    transport = connect(address)
    try:
        return transport.ask("POST", path, body, key, timeout)
    except ssl.SSLCertVerificationError:
        raise ClassError(
            f"The class at {address} shows a certificate that this computer does not trust: have "
            "your instructor give you theirs, and set SSL_CERT_FILE to it before JupyterLab starts."
        ) from None
    except OSError as error:
        raise ClassError(
            f"The class at {address} does not answer ({error}): check the address, and that you "
            "are in the same network, then try again."
        ) from None
    finally:
        transport.close()

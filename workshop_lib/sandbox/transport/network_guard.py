"""No socket of this process reaches AWS, or an instance's metadata.

Two rules. A name of AWS's is not looked up. An address is connected to, or sent a datagram, only
if a look-up in Python gave it: whoever resolved it elsewhere, in C, was not asked for its name.
Loopback is free, but for name servers on it, which would carry the question on.

Python raises an audit event before each look-up, connection and datagram, whichever reference to
the function was used (https://docs.python.org/3/library/audit_events.html): the rules are
enforced there. What a look-up gave is seen by taking the place of `socket`'s own functions.
"""

import ipaddress
import socket
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

# Every suffix in botocore's data/partitions.json.
AWS_NAMES = (
    ".amazonaws.com", ".api.aws", ".amazonaws.com.cn", ".api.amazonwebservices.com.cn",
    ".amazonaws.eu", ".api.amazonwebservices.eu", ".c2s.ic.gov", ".api.aws.ic.gov",
    ".sc2s.sgov.gov", ".api.aws.scloud", ".cloud.adc-e.uk", ".api.cloud-aws.adc-e.uk",
    ".csp.hci.ic.gov", ".api.aws.hci.ic.gov",
)  # fmt: skip
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
METADATA_ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254")
_DNS_PORTS = (53, 853, 5353)


def is_aws(host: Any) -> bool:
    """Whether a host is one of AWS's, or an instance's metadata."""
    name = _name(host)
    return (_numeric(name) or name) in METADATA_ADDRESSES or f".{name}".endswith(AWS_NAMES)


class NetworkGuard:
    """What this process may look up and connect to while a lab runs."""

    def __init__(self) -> None:
        # A proxy that the environment names by its address: whom it is asked for is checked.
        self._addresses = {
            address
            for proxy in urllib.request.getproxies().values()
            if (address := _numeric(urlsplit(proxy).hostname)) is not None
        }
        self._admitted: Counter[tuple[str, int]] = Counter()

    def check_name(self, host: Any) -> None:
        """Raise ConnectionRefusedError for a host of AWS's, or an instance's metadata."""
        if is_aws(host):
            raise ConnectionRefusedError(
                f"The lab keeps this kernel away from {_name(host)}. Use boto3, or call "
                "lab.serve() and use the address it prints."
            )

    def check_address(self, address: Any) -> None:
        """Raise ConnectionRefusedError unless (host, port, …) may be connected to."""
        host, port = address[0], address[1]
        self.check_name(host)
        if port in _DNS_PORTS:
            raise ConnectionRefusedError(
                f"The lab keeps this kernel away from name servers ({_name(host)}, port {port}), "
                "because AWS's names could be looked up there. Use socket.getaddrinfo."
            )
        number = _numeric(host)
        if number is None or number in self._addresses or _is_local(number):
            return
        if (number, port) in self._admitted:
            return
        raise ConnectionRefusedError(
            f"The lab keeps this kernel away from {number}: no name that was looked up in Python "
            "has this address, so it could be AWS's. Connect to the host by its name, with a "
            "library that uses Python's sockets."
        )

    def learn(self, host: Any, addresses: Iterable[Any]) -> None:
        """Let connections to ``addresses`` through, to which ``host``, a name, was resolved."""
        if _numeric(host) is None:
            self._addresses.update(filter(None, map(_numeric, addresses)))

    def admit(self, host: Any, port: int) -> Callable[[], None]:
        """Let connections to one host and port through, by its number too, until the result is
        called.

        A name needs nothing: `learn` lets it through. Raises ConnectionRefusedError for what stays
        closed to everybody, AWS and name servers.
        """
        self.check_name(host)
        number = _numeric(host)
        if number is None:
            return lambda: None
        if port in _DNS_PORTS:
            self.check_address((host, port))
        self._admitted[number, port] += 1

        def end() -> None:
            self._admitted[number, port] -= 1
            self._admitted += Counter()  # drops what is at zero

        return end

    # --- Python's own look-ups and sockets ---------------------------------------------------

    def install(self, replace: Callable[[Any, str, Any], None]) -> None:
        """Hold the sockets of Python, until ``release``. ``replace`` sets an attribute."""
        for name, addresses_in in _LOOK_UPS.items():
            replace(socket, name, self._look_up(getattr(socket, name), addresses_in))
        for name in ("connect", "connect_ex", "sendto", "sendmsg"):
            if hasattr(socket.socket, name):
                replace(socket.socket, name, self._send(getattr(socket.socket, name)))
        _enforce(self)

    def release(self) -> None:
        """Enforce nothing more."""
        if _enforced[0] is self:
            _enforce(None)

    def _look_up(
        self, original: Callable[..., Any], addresses_in: Callable[[Any], Iterable[Any]]
    ) -> Callable[..., Any]:
        def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
            self.check_name(host)
            answer = original(host, *args, **kwargs)
            self.learn(host, addresses_in(answer))
            return answer

        return guarded

    def _send(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """A socket's method. It would look up a name in the address before it raises its event."""

        def guarded(connection: socket.socket, *args: Any) -> Any:
            self.check_socket(connection, args[-1] if args else None)
            return original(connection, *args)

        return guarded

    def check_socket(self, connection: Any, address: Any) -> None:
        """`check_address` for what an internet socket is about to connect or send to."""
        internet = connection.family in (socket.AF_INET, socket.AF_INET6)
        if internet and isinstance(address, tuple) and len(address) > 1:
            self.check_address(address)


_LOOK_UPS: dict[str, Callable[[Any], Iterable[Any]]] = {
    "getaddrinfo": lambda answer: [each[4][0] for each in answer],
    "gethostbyname": lambda answer: [answer],
    "gethostbyname_ex": lambda answer: answer[2],
    "gethostbyaddr": lambda answer: answer[2],
}
_enforced: list[NetworkGuard | None] = []


def _enforce(guard: NetworkGuard | None) -> None:
    """Let ``guard`` decide from now on. An audit hook stays for the life of the process."""
    if not _enforced:
        _enforced.append(guard)
        sys.addaudithook(_audit)
    _enforced[0] = guard


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    guard = _enforced[0]
    if guard is None:
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        guard.check_socket(*arguments)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        guard.check_name(arguments[0])
    elif event == "socket.getnameinfo":
        guard.check_name(arguments[0][0])


def _name(host: Any) -> str:
    """A host as a resolver reads it: lower case, ASCII, without the root's dot."""
    name = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return name
    return "" if host is None else name.rstrip(".").lower()


def _numeric(host: Any) -> str | None:
    """The address that a host is, in its usual form; None for a name."""
    text = _name(host).partition("%")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        try:  # 0x7f.1 and the like, which resolvers read as well
            return socket.inet_ntoa(socket.inet_aton(text))
        except OSError:
            return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_local(number: str) -> bool:
    address = ipaddress.ip_address(number)
    return address.is_loopback or address.is_unspecified

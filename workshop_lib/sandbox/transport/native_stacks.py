"""Libraries that reach the network from C, past Python's sockets.

Each is held where its Python side hands over: what can be asked for its host's name is checked
like a socket, the rest is refused by name. One that is imported while a lab runs is held at once.
Beyond reach is native code that none of these rooms knows (pyarrow's own S3 file system, say, or
a database driver). It finds the lab's credentials and address in the environment; what a program
gives it by hand it uses.
"""

import gc
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from workshop_lib.sandbox.transport.network_guard import NetworkGuard

Replace = Callable[[Any, str, Any], None]
Hold = Callable[[ModuleType], None]


def holds(guard: NetworkGuard, replace: Replace) -> dict[str, Hold]:
    """For each module, what holds it. ``replace`` sets an attribute until the lab's end."""
    return {
        "_awscrt": lambda module: _hold_awscrt(module, replace),
        "pycares": lambda module: _hold_pycares(module, guard, replace),
        "pycurl": lambda module: _hold_pycurl(module, replace),
        "urllib3.contrib.emscripten.connection": lambda m: _hold_browser(m, guard, replace),
        "uvloop": lambda module: _hold_uvloop(module, guard, replace),
    }


def _refusal(library: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError(
            f"The lab keeps this kernel away from {library}, which reaches the network past "
            "Python's sockets. Use boto3 for AWS, and requests or urllib for other hosts."
        )

    return refuse


# --- urllib3 in a browser, which lets the browser send ------------------------------------------


def _hold_browser(module: ModuleType, guard: NetworkGuard, replace: Replace) -> None:
    for name in ("send_request", "send_streaming_request"):
        replace(module, name, _guarded_sending(getattr(module, name), guard))


def _guarded_sending(original: Callable[..., Any], guard: NetworkGuard) -> Callable[..., Any]:
    def guarded(request: Any) -> Any:
        guard.check_name(urlsplit(request.url).hostname)
        return original(request)

    return guarded


# --- awscrt: AWS's client library in C --------------------------------------------------------

_AWSCRT_NETWORK = (
    "credentials_provider_new_chain_default", "credentials_provider_new_cognito",
    "credentials_provider_new_process", "credentials_provider_new_profile",
    "credentials_provider_new_x509", "event_stream_rpc_client_connection_connect",
    "http_client_connection_new", "mqtt5_client_start", "mqtt_client_connection_connect",
    "mqtt_client_connection_reconnect", "s3_client_make_meta_request", "s3_client_new",
    "s3_get_ec2_instance_type", "websocket_client_connect",
)  # fmt: skip


def _hold_awscrt(module: ModuleType, replace: Replace) -> None:
    """Its checksums and signatures stay; clients made earlier call the same functions."""
    for name in _AWSCRT_NETWORK:
        if hasattr(module, name):
            replace(module, name, _refusal("awscrt"))


# --- pycurl -----------------------------------------------------------------------------------


def _hold_pycurl(module: ModuleType, replace: Replace) -> None:
    """curl looks names up itself, before it asks anybody: no handle works while a lab runs.

    Its classes are replaced in every module that holds them; handles made earlier are closed.
    """
    kinds = (module.Curl, module.CurlMulti)
    for kind in kinds:
        for holder in gc.get_referrers(kind):
            if isinstance(holder, dict) and "__name__" in holder:
                for name in [name for name, value in holder.items() if value is kind]:
                    replace(_Namespace(holder), name, _refusal("pycurl"))
    for thing in gc.get_objects():
        if type(thing) in kinds:
            thing.close()


class _Namespace:
    """A module's dictionary, by attribute."""

    def __init__(self, names: dict[str, Any]) -> None:
        object.__setattr__(self, "_names", names)

    def __getattr__(self, name: str) -> Any:
        return self._names[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._names[name] = value


# --- pycares: aiodns's and aiohttp's resolver -------------------------------------------------


def _hold_pycares(module: ModuleType, guard: NetworkGuard, replace: Replace) -> None:
    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def look_up(channel: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
            guard.check_name(host[0] if isinstance(host, tuple) else host)
            callback = kwargs.get("callback")
            if callback is not None:

                def learned(result: Any, error: Any) -> None:
                    nodes = getattr(result, "nodes", ())
                    guard.learn(host, [node.addr[0] for node in nodes])
                    callback(result, error)

                kwargs["callback"] = learned
            return original(channel, host, *args, **kwargs)

        return look_up

    for name in (
        "getaddrinfo", "gethostbyaddr", "gethostbyname", "getnameinfo", "query", "search",
    ):  # fmt: skip
        if hasattr(module.Channel, name):
            replace(module.Channel, name, guarded(getattr(module.Channel, name)))


# --- uvloop -----------------------------------------------------------------------------------


def _hold_uvloop(module: ModuleType, guard: NetworkGuard, replace: Replace) -> None:
    """Its `sock_connect` and `sock_sendto` ask the socket, which asks the guard."""
    loop = module.Loop
    look_up, connect = loop.getaddrinfo, loop.create_connection
    datagrams = loop.create_datagram_endpoint

    async def getaddrinfo(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
        guard.check_name(host)
        answer = await look_up(self, host, *args, **kwargs)
        guard.learn(host, [each[4][0] for each in answer])
        return answer

    async def create_connection(
        self: Any, protocol: Any, host: Any = None, port: Any = None, **kwargs: Any
    ) -> Any:
        if host is not None:
            guard.check_address((host, port))
        return await connect(self, protocol, host, port, **kwargs)

    async def create_datagram_endpoint(
        self: Any, protocol: Any, local_addr: Any = None, remote_addr: Any = None, **kwargs: Any
    ) -> Any:
        if remote_addr is None:
            _refusal("uvloop's datagrams to changing hosts")()
        guard.check_address(remote_addr)
        return await datagrams(self, protocol, local_addr, remote_addr, **kwargs)

    replace(loop, "getaddrinfo", getaddrinfo)
    replace(loop, "create_connection", create_connection)
    replace(loop, "create_datagram_endpoint", create_datagram_endpoint)


# --- Modules that are imported later ----------------------------------------------------------


class AfterImport(importlib.abc.MetaPathFinder):
    """Calls each module's hold once: now if it is imported, else when it has been."""

    def __init__(self, holds: Mapping[str, Hold]) -> None:
        self._holds = dict(holds)

    def install(self) -> None:
        """Watch imports until ``remove``."""
        for name in [name for name in self._holds if name in sys.modules]:
            self._holds.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Watch imports no more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The other finders' answer, with a loader that calls the hold."""
        if fullname not in self._holds:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _HoldingLoader(spec.loader, self._holds[fullname])
                return spec
        return None


class _HoldingLoader(importlib.abc.Loader):
    """A module's own loader, then the hold; afterwards nothing of it is left in the module."""

    def __init__(self, loader: Any, hold: Hold) -> None:
        self._loader = loader
        self._hold = hold

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As the module's own loader does."""
        spec.loader = self._loader
        module: ModuleType | None = self._loader.create_module(spec)
        spec.loader = self
        return module

    def exec_module(self, module: ModuleType) -> None:
        """As the module's own loader does, then hold what was made."""
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._hold(module)

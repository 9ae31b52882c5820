"""The sandbox as the lab's backend: a gateway, this kernel's way to it, and its credentials."""

import os
import random
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.credentials
import botocore.session
import botocore.signers
from botocore.loaders import Loader

from workshop_lib.errors import LabReplaced, NoPrograms, PortTaken
from workshop_lib.sandbox import clock
from workshop_lib.sandbox.auth.callers import Credentials
from workshop_lib.sandbox.gateway import Created, Gateway
from workshop_lib.sandbox.isolation import (
    ADMINISTRATOR,
    guard_new_credentials,
    set_environment,
    set_own_access_aside,
)
from workshop_lib.sandbox.policy.explanation import Explanation
from workshop_lib.sandbox.services.kms.on_behalf import Witnesses
from workshop_lib.sandbox.storage.disk import Disk
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport
from workshop_lib.sandbox.transport.network_guard import is_aws

if TYPE_CHECKING:
    from workshop_lib.sandbox.transport.http_server import HttpServer
    from workshop_lib.sandbox.transport.kernel_server import KernelServer

IN_BROWSER = sys.platform == "emscripten"  # no sockets, no threads, no other programs
_NO_PORT = (
    "A browser opens no port for other programs: for those, take the course on your own computer "
    "(python3 workshop.py lab)."
)


@cache
def _loader() -> Loader:
    """What the lab's sessions read botocore's descriptions with, each once.

    Not what the sandbox itself reads with: botocore takes the bucket out of the paths of S3's
    operations in the very description that it was given.
    """
    return Loader()


class SandboxBackend:
    """AWS in this kernel. Making one empties the sandbox made before, and closes its port."""

    _current: "SandboxBackend | None" = None

    def __init__(self, region: str) -> None:
        self._replaces = SandboxBackend._current is not None
        if SandboxBackend._current is not None:
            SandboxBackend._current._stop_serving()
        self._region = region
        set_environment(region)
        self._gateway = Gateway(ADMINISTRATOR)
        self._transport = BotocoreTransport(self._gateway)
        self._transport.install()
        if IN_BROWSER:
            _transfer_without_threads(self._transport.replace)
        guard_new_credentials(self._transport.replace)
        self._gateway.callers.set_aside = set_own_access_aside(is_aws)
        self._http: HttpServer | KernelServer | None = None
        SandboxBackend._current = self
        _watch_shell_cells()
        _watch_forks()

    def describe(self) -> str:
        """One line: where AWS is, which region, what it costs."""
        return (
            f"AWS is simulated in this kernel (sandbox) · region {self._region} · "
            "costs nothing, reaches no network"
            + (" · what the lab before held is gone: make it again" if self._replaces else "")
        )

    def _require_current(self) -> None:
        if self._transport.forked:
            raise LabReplaced(
                "This forked worker has only a copy of the lab: use the lab in the process that "
                "forked it; boto3 reaches it from here as well."
            )
        if SandboxBackend._current is not self:
            raise LabReplaced(
                "This lab was replaced by a later start_lab(): use the lab that call returned."
            )

    def created(self) -> Iterable[Created]:
        """What was made here and may still exist, oldest first."""
        self._require_current()
        return list(self._gateway.created)

    def forget(self, resource: Created) -> None:
        """Drop a resource from what `created` tells."""
        self._gateway.created.pop(resource, None)

    @property
    def disk(self) -> Disk:
        """What storage holds, as a thief of the disk would see it."""
        self._require_current()
        return self._gateway.disk

    def watch(self, watched: bool) -> None:
        """Keep what the policies are asked for calls that are allowed as well, or no longer."""
        self._gateway.decisions.watch(watched)

    def explain(self, request_id: str, operation: str | None) -> list[Explanation] | None:
        """Why each permission that a recent call needed was there or not; None if not kept."""
        return self._gateway.decisions.explain(request_id, operation)

    @property
    def witnesses(self) -> list[Any]:
        """Those who are told of each call that a service makes for another, while it is made."""
        return self._gateway.foundations.common(Witnesses)

    def later(self, by: timedelta) -> None:
        """Move the sandbox's clock on."""
        self._require_current()
        clock.advance(by)

    def session(self, account: str | None = None) -> boto3.Session:
        """A session of the administrator, whatever the environment says by now.

        ``account`` is the id of another one than the lab's own.
        """
        self._require_current()
        administrator = ADMINISTRATOR
        if account is not None:
            administrator = self._gateway.administrator_of(account)
        core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        core.register_component("data_loader", _loader())  # each check makes a session
        return boto3.Session(
            administrator.access_key_id,
            administrator.secret_access_key,
            region_name=self._region,
            botocore_session=core,
        )

    def account(self, name: str) -> boto3.Session:
        """A session of another account's administrator; the account is made on first use."""
        self._require_current()
        account = str(random.Random(f"account {name}").randrange(2 * 10**11, 10**12))
        self._gateway.open_account(account, name)
        return self.session(account)

    def settle(self) -> None:
        """Let changes that are under way come to their end, such as a table's new key."""
        self._require_current()
        clock.advance(timedelta(minutes=1))

    def serve(self, port: int = 0) -> tuple[str, list[str]]:
        """Start the HTTP server: its address, and the lines that tell of it and give it to a shell.

        ``port`` 0 takes a free one; once started, it stays where it is. Programs started from
        this kernel are pointed at it. Raises PortTaken when the port is.
        """
        self._require_current()
        if self._http is None:
            try:
                self._http = self._server(port)
            except (OSError, OverflowError, TypeError) as error:
                raise PortTaken(port_taken(port, error)) from None
            self._http.start()
            self._transport.loopback |= self._http.hosts
            os.environ["AWS_ENDPOINT_URL"] = self._http.address
        address = self._http.address
        at = f"The lab's AWS answers at {address}"
        if IN_BROWSER:
            return address, [f"{at}, in this kernel alone. {_NO_PORT}"]
        exports = export_lines(address, ADMINISTRATOR, self._region)
        return address, [f"{at} (loopback only).", *exports]

    def _server(self, port: int) -> "HttpServer | KernelServer":
        if IN_BROWSER:
            from workshop_lib.sandbox.transport.kernel_server import KernelServer

            return KernelServer(self._gateway, port, self._transport.replace)
        from workshop_lib.sandbox.transport.http_server import HttpServer

        return HttpServer(self._gateway, port)

    def admit(self, host: str, port: int) -> Callable[[], None]:
        """Let this process connect to one host and port, which is not AWS's; returns what ends it.

        Raises ConnectionRefusedError for a host of AWS's, or a name server.
        """
        return self._transport.guard.admit(host, port)

    def close(self) -> None:
        """End it: this process has its connections and the real time back.

        What it put into the environment, and in place of credentials, stays.
        """
        self._stop_serving()
        if SandboxBackend._current is self:
            SandboxBackend._current = None
        if self._transport.is_installed:
            self._transport.remove()
        boto3.DEFAULT_SESSION = None
        clock.reset()

    def _stop_serving(self) -> None:
        if self._http is not None:
            self._http.stop()

    def _continue_in_fork(self) -> None:
        """In a forked worker: let the parent answer, and keep nothing open that is the parent's."""
        if not self._transport.forked:
            self._transport.forked = True
            self._transport.parent_port = None if self._http is None else self._http.port
        if self._http is not None:
            self._http.abandon()
            self._http = None


def _transfer_without_threads(replace: Callable[[Any, str, Any], None]) -> None:
    """Have boto3 send and fetch the parts of a file one after the other."""
    from s3transfer.futures import BoundedExecutor, NonThreadedExecutor

    replace(BoundedExecutor, "EXECUTOR_CLS", NonThreadedExecutor)


def port_taken(port: object, error: Exception) -> str:
    """One sentence for a port that could not be opened."""
    return f"Port {port!r} cannot be opened ({error}): choose another one, or 0 for any free one."


def export_lines(address: str, administrator: Credentials, region: str) -> list[str]:
    """The lines that point a shell's AWS programs at ``address`` (cmd.exe's on Windows)."""
    values = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": administrator.secret_access_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
    }
    if os.name == "nt":
        unset = ["set AWS_SESSION_TOKEN=", "set AWS_PROFILE="]
        return [*(f"set {name}={value}" for name, value in values.items()), *unset]
    exports = [f"export {name}={value}" for name, value in values.items()]
    return [*exports, "unset AWS_SESSION_TOKEN AWS_PROFILE"]


# --- Forked workers ------------------------------------------------------------------------------


@cache
def _watch_forks() -> None:
    """Start the HTTP server before this process forks, so that its workers' calls arrive there."""
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    backend = SandboxBackend._current
    if backend is not None and backend._transport.is_installed and not backend._transport.forked:
        with suppress(PortTaken):  # then the worker is told that it cannot reach the lab
            backend.serve()


def _after_fork() -> None:
    if SandboxBackend._current is not None:
        SandboxBackend._current._continue_in_fork()


# --- Cells of a notebook that start other programs -----------------------------------------------

_SHELL = re.compile(
    r"^\s*!|=\s*!|^\s*%%?(?:!|bash|sh|script|sx|system)\b|\bsubprocess\b|\bos\.(?:system|popen)\b"
    r"|\bmultiprocessing\b|\bProcessPoolExecutor\b",
    re.MULTILINE,
)


def _watch_shell_cells() -> None:
    """Start the HTTP server before a cell starts a shell: an ``!aws`` in it arrives there."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and _before_cell not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _before_cell)
    if shell is not None and IN_BROWSER:
        shell.system = shell.getoutput = _no_programs


def _no_programs(*_: object, **__: object) -> None:
    raise NoPrograms(
        "A browser starts no other programs: run this line in a terminal, in the course on your "
        "own computer (`python3 workshop.py lab`), or do the same with boto3 here."
    )


def _before_cell(info: Any) -> None:
    if IN_BROWSER:
        return
    if SandboxBackend._current is not None and _SHELL.search(info.raw_cell or ""):
        SandboxBackend._current.serve()

"""The sandbox as the lab's place: a gate, this kernel's door to it, and its credentials."""

import gc
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import botocore.credentials
import botocore.session
import botocore.signers

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.disk import Disk
from workshop_lib.sandbox.doors import AWS_NAMES, METADATA_ADDRESSES, KernelDoor
from workshop_lib.sandbox.errors import LabReplaced, PortTaken
from workshop_lib.sandbox.gate import Created, Gate
from workshop_lib.sandbox.identities import ISSUED, Credentials

if TYPE_CHECKING:
    from workshop_lib.sandbox.http_door import HttpDoor

# One secret for the life of the process: other programs on this machine cannot know it, and a
# client made for an earlier lab goes on working.
ADMINISTRATOR = Credentials("AKIAWORKSHOPADMIN234", secrets.token_urlsafe(30))
# Nothing listens on the discard port: a child process that was not given a door fails at once.
_NO_DOOR = "http://127.0.0.1:9"
_NO_PROXY = ("127.0.0.1", "localhost", *AWS_NAMES, *METADATA_ADDRESSES)


class Sandbox:
    """AWS in this kernel. Making one empties the sandbox made before, and closes its port."""

    _current: "Sandbox | None" = None

    def __init__(self, region: str) -> None:
        self._replaces = Sandbox._current is not None
        if Sandbox._current is not None:
            Sandbox._current._close()
        self._region = region
        _set_environment(region)
        self._gate = Gate(ADMINISTRATOR)
        self._gate.identities.set_aside = _set_credentials_aside()
        self._door = KernelDoor(self._gate)
        self._door.install()
        self._http: HttpDoor | None = None
        Sandbox._current = self
        _watch_shell_cells()

    def describe(self) -> str:
        """One line: where AWS is, which region, what it costs."""
        return (
            f"AWS is simulated in this kernel (sandbox) · region {self._region} · "
            "costs nothing, reaches no network"
            + (" · what the lab before held is gone: make it again" if self._replaces else "")
        )

    def _require_current(self) -> None:
        if Sandbox._current is not self:
            raise LabReplaced(
                "This lab was replaced by a later start_lab(): use the lab that call returned."
            )

    def created(self) -> Iterable[Created]:
        """What was made here and may still exist, oldest first."""
        self._require_current()
        return list(self._gate.created)

    def forget(self, resource: Created) -> None:
        """Drop a resource from what `created` tells."""
        self._gate.created.pop(resource, None)

    @property
    def disk(self) -> Disk:
        """What storage holds, as a thief of the disk would see it."""
        self._require_current()
        return self._gate.disk

    def later(self, by: timedelta) -> None:
        """Move the sandbox's clock on."""
        self._require_current()
        clock.advance(by)

    def session(self) -> boto3.Session:
        """A session of the lab's administrator, whatever the environment says by now."""
        self._require_current()
        core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        return boto3.Session(
            ADMINISTRATOR.access_key_id,
            ADMINISTRATOR.secret_access_key,
            region_name=self._region,
            botocore_session=core,
        )

    def settle(self) -> None:
        """Let changes that are under way come to their end, such as a table's new key."""
        self._require_current()
        clock.advance(timedelta(minutes=1))

    def serve(self, port: int = 0) -> tuple[str, list[str]]:
        """Open the HTTP door: its address, and the lines that give it to a shell.

        ``port`` 0 takes a free one; once open, the door stays where it is. Programs started from
        this kernel are pointed at it. Raises PortTaken when the port is.
        """
        self._require_current()
        if self._http is None:
            from workshop_lib.sandbox.http_door import HttpDoor

            try:
                self._http = HttpDoor(self._gate, port)
            except (OSError, OverflowError, TypeError) as error:
                raise PortTaken(port_taken(port, error)) from None
            self._http.start()
            self._door.loopback |= self._http.hosts
            os.environ["AWS_ENDPOINT_URL"] = self._http.address
        address = self._http.address
        return address, export_lines(address, ADMINISTRATOR, self._region)

    def _close(self) -> None:
        if self._http is not None:
            self._http.stop()


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


# --- The learner's own access to AWS -------------------------------------------------------------

_OWN_ACCESS = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_CA_BUNDLE",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "AWS_ACCOUNT_ID",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE", "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_AUTH_SCHEME_PREFERENCE", "AWS_SIGV4A_SIGNING_REGION_SET",
    # with this one the address below would be ignored, and a child process would reach AWS
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)  # fmt: skip
# Access key ids of the learner's own, never shown: in this kernel they sign for the administrator.
_set_aside: set[str] = set()


def _set_environment(region: str) -> None:
    """Put the sandbox's credentials in place of this process's own."""
    _note(os.environ.get("AWS_ACCESS_KEY_ID"))
    boto3.DEFAULT_SESSION = None
    for name in list(os.environ):
        if name in _OWN_ACCESS or name.startswith("AWS_ENDPOINT_URL"):
            del os.environ[name]
    os.environ.update(
        {
            "AWS_ACCESS_KEY_ID": ADMINISTRATOR.access_key_id,
            "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR.secret_access_key,
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": _NO_DOOR,
        }
    )
    for name in ("NO_PROXY", "no_proxy"):  # a proxy is no way to loopback, nor round the guard
        listed = [part for part in os.environ.get(name, "").split(",") if part]
        missing = [host for host in _NO_PROXY if host not in listed]
        os.environ[name] = ",".join([*listed, *missing])


def _set_credentials_aside() -> frozenset[str]:
    """The access key ids that clients and sessions made before the lab hold.

    Credentials that would be fetched again, over the network, become the administrator's; so do
    those of a client that never found any. Private attributes are read, because the public ones
    fetch.
    """
    own = botocore.credentials
    for found in _instances(own.Credentials, botocore.signers.RequestSigner):
        if isinstance(found, botocore.signers.RequestSigner):
            if found._credentials is None:
                found._credentials = own.Credentials(
                    ADMINISTRATOR.access_key_id, ADMINISTRATOR.secret_access_key
                )
        elif isinstance(found, own.RefreshableCredentials):
            _note(found._access_key)
            _become_administrator(found)
        else:
            _note(found.access_key)
    return frozenset(_set_aside)


def _note(access_key_id: Any) -> None:
    if access_key_id and isinstance(access_key_id, str) and access_key_id not in ISSUED:
        _set_aside.add(access_key_id)


def _become_administrator(found: Any) -> None:
    found._access_key = ADMINISTRATOR.access_key_id
    found._secret_key = ADMINISTRATOR.secret_access_key
    found._token = None
    found._expiry_time = None  # botocore: never to be refreshed
    found._frozen_credentials = botocore.credentials.ReadOnlyCredentials(
        ADMINISTRATOR.access_key_id, ADMINISTRATOR.secret_access_key, None
    )


def _instances(*classes: type) -> Iterator[Any]:
    """Every living instance of classes and their subclasses: an instance refers to its class.

    One look at all objects, however many the classes: it takes some milliseconds.
    """
    kinds, waiting = set(classes), [*classes]
    while waiting:
        below: set[type] = set(waiting.pop().__subclasses__()) - kinds
        kinds |= below
        waiting.extend(below)
    return (thing for thing in gc.get_referrers(*kinds) if type(thing) in kinds)


# --- Shell commands in a notebook's cell ---------------------------------------------------------

_SHELL = re.compile(
    r"^\s*!|=\s*!|^\s*%%?(?:!|bash|sh|script|sx|system)\b|\bsubprocess\b|\bos\.(?:system|popen)\b",
    re.MULTILINE,
)


def _watch_shell_cells() -> None:
    """Open the HTTP door before a cell starts a shell, so that an ``!aws`` in it arrives there."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and _before_cell not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _before_cell)


def _before_cell(info: Any) -> None:
    if Sandbox._current is not None and _SHELL.search(info.raw_cell or ""):
        Sandbox._current.serve()

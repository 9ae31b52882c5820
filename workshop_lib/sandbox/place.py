"""The sandbox as the lab's place: a gate, this kernel's door to it, and its credentials."""

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import boto3

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.doors import KernelDoor
from workshop_lib.sandbox.gate import Created, Gate
from workshop_lib.sandbox.identities import Credentials

ADMINISTRATOR = Credentials("AKIAWORKSHOPADMIN234", "workshop/admin/of/a/sandbox/without/harm")
# Nothing listens on the discard port: a child process that was not given a door fails at once.
_NO_DOOR = "http://127.0.0.1:9"


class Sandbox:
    """AWS in this kernel. Making one empties the sandbox made before."""

    def __init__(self, region: str) -> None:
        self._region = region
        set_aside = _set_environment(region)
        self._gate = Gate(ADMINISTRATOR)
        self._gate.identities.set_aside = set_aside
        self._door = KernelDoor(self._gate)
        self._door.install()

    def describe(self) -> str:
        """One line: where AWS is, which region, what it costs."""
        return (
            f"AWS is simulated in this kernel (sandbox) · region {self._region} · "
            "costs nothing, reaches no network"
        )

    def created(self) -> Iterable[Created]:
        """What was made here and may still exist, oldest first."""
        return list(self._gate.created)

    def forget(self, resource: Created) -> None:
        """Drop a resource from what `created` tells."""
        self._gate.created.pop(resource, None)

    def later(self, by: timedelta) -> None:
        """Move the sandbox's clock on."""
        clock.advance(by)


_OWN_ACCESS = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE", "AWS_CA_BUNDLE", "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT", "AWS_ACCOUNT_ID", "AWS_STS_REGIONAL_ENDPOINTS",
)  # fmt: skip


def _set_environment(region: str) -> frozenset[str]:
    """Set this process's own credentials aside; returns the access key ids that were found."""
    found = {os.environ.get("AWS_ACCESS_KEY_ID")}
    session: Any = boto3.DEFAULT_SESSION
    if session is not None:
        loaded = session._session._credentials  # only if already read: no file is opened here
        found.add(getattr(loaded, "access_key", None))
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
    return frozenset(found - {None, ADMINISTRATOR.access_key_id})  # type: ignore[arg-type]

"""The learner's own access to AWS, set aside while a sandbox runs in this process."""

import gc
import os
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.credentials
import botocore.session
import botocore.signers

from workshop_lib.sandbox.auth.callers import ISSUED, Credentials
from workshop_lib.sandbox.transport.network_guard import AWS_NAMES, METADATA_ADDRESSES

# One secret for the life of the process: other programs on this machine cannot know it, and a
# client made for an earlier lab goes on working.
ADMINISTRATOR = Credentials("AKIAWORKSHOPADMIN234", secrets.token_urlsafe(30))
_ADMINISTRATOR = (ADMINISTRATOR.access_key_id, ADMINISTRATOR.secret_access_key, None)
# Nothing listens on the discard port: a child process that was not given an address fails at once.
_NO_ADDRESS = "http://127.0.0.1:9"
# What signs for a key of the learner's own that is typed in while a lab runs.
_NO_SECRET = "set-aside-while-the-lab-runs"
_NO_PROXY = ("127.0.0.1", "localhost", *AWS_NAMES, *METADATA_ADDRESSES)


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


def set_environment(region: str) -> None:
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
            "AWS_ENDPOINT_URL": _NO_ADDRESS,
        }
    )
    for name in ("NO_PROXY", "no_proxy"):  # a proxy is no way to loopback, nor round the guard
        listed = [part for part in os.environ.get(name, "").split(",") if part]
        missing = [host for host in _NO_PROXY if host not in listed]
        os.environ[name] = ",".join([*listed, *missing])


def set_own_access_aside(is_aws: Callable[[Any], bool]) -> frozenset[str]:
    """Take over what clients and sessions hold by now of the learner's own access.

    All credentials become the administrator's, so nothing of the learner's own signs, nor is any
    fetched, over the network, to sign with: only what a sandbox of this process issued is left.
    What an HTTP client keeps open to a host of AWS's is closed. Private attributes are read,
    because the public ones fetch. Returns the access key ids that were replaced, now and before.
    """
    own = botocore.credentials
    for found in _instances(own.Credentials, botocore.signers.RequestSigner, ssl.SSLSocket):
        if isinstance(found, ssl.SSLSocket):
            if is_aws(found.server_hostname):
                found.close()
        elif isinstance(found, botocore.signers.RequestSigner):
            if found._credentials is None:
                found._credentials = own.Credentials(*_ADMINISTRATOR)
        elif isinstance(found, own.RefreshableCredentials):
            if found._access_key not in ISSUED:
                _note(found._access_key)
                _stop_refreshing(found)
        elif found.access_key not in ISSUED:
            _note(found.access_key)
            found.access_key, found.secret_key, found.token = _ADMINISTRATOR
            found.account_id = None
    return frozenset(_set_aside)


def guard_new_credentials(replace: Callable[[Any, str, Any], None]) -> None:
    """Let no credentials be made of which the secret could sign for AWS.

    Those of a key that was set aside become the administrator's. A key that nobody here issued
    keeps its id, so that it is refused by its name, and gets another secret: requests in this
    kernel are not asked for their signature. ``replace`` sets an attribute until the lab's end.
    """
    own = botocore.credentials
    make, freeze = own.Credentials.__init__, own.ReadOnlyCredentials.__new__

    def guarded_make(
        self: Any, access_key: Any, secret_key: Any, token: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        make(self, *_harmless(access_key, secret_key, token), *args, **kwargs)

    def guarded_freeze(
        cls: Any, access_key: Any, secret_key: Any, token: Any, *args: Any, **kwargs: Any
    ) -> Any:
        return freeze(cls, *_harmless(access_key, secret_key, token), *args, **kwargs)

    replace(own.Credentials, "__init__", guarded_make)
    replace(own.ReadOnlyCredentials, "__new__", guarded_freeze)


def _harmless(access_key: Any, secret_key: Any, token: Any) -> tuple[Any, Any, Any]:
    if not access_key or access_key in ISSUED:
        return access_key, secret_key, token
    if access_key in _set_aside:
        return _ADMINISTRATOR
    return access_key, _NO_SECRET, token


def _note(access_key_id: Any) -> None:
    if access_key_id and isinstance(access_key_id, str) and access_key_id not in ISSUED:
        _set_aside.add(access_key_id)


def _stop_refreshing(found: Any) -> None:
    found._access_key, found._secret_key, found._token = _ADMINISTRATOR
    found._account_id = None
    found._expiry_time = None  # botocore: never to be refreshed
    found._frozen_credentials = botocore.credentials.ReadOnlyCredentials(*_ADMINISTRATOR)


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

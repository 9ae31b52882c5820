"""Labs in the tests' own process, and how to be rid of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from workshop_lib import Lab
from workshop_lib.sandbox import backend, clock
from workshop_lib.sandbox.transport.botocore_transport import BotocoreTransport


def sandbox_of(lab: Lab) -> backend.SandboxBackend:
    """The sandbox that answers this lab's calls."""
    assert isinstance(lab._backend, backend.SandboxBackend)
    return lab._backend


def end_labs() -> None:
    """From now on no lab runs, and the clock is the real one: signatures follow a lab's."""
    if backend.SandboxBackend._current is not None:
        backend.SandboxBackend._current.close()
    if BotocoreTransport._installed is not None:
        BotocoreTransport._installed.remove()
    boto3.DEFAULT_SESSION = None
    clock.reset()


@contextmanager
def as_before() -> Iterator[None]:
    """Afterwards no lab runs, and environment, default session and clock are as they were."""
    before = dict(os.environ)
    try:
        yield
    finally:
        end_labs()
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def without_kernel_transport() -> Iterator[None]:
    """Other tests' labs catch this process's clients: let them through to real sockets."""
    installed = BotocoreTransport._installed
    if installed is not None:
        installed.remove()
    yield
    if installed is not None:
        installed.install()

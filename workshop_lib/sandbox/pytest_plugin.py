"""The sandbox for the tests of other programs: a pytest plugin with one fixture.

In your conftest.py:

    pytest_plugins = ["workshop_lib.sandbox"]

and in a test:

    def test_a_reader_needs_the_key(aws_sandbox):
        kms = boto3.client("kms")
        ...
        aws_sandbox.later(timedelta(days=7))
"""

import os
from collections.abc import Iterator

import boto3
import pytest

from workshop_lib.sandbox.backend import SandboxBackend
from workshop_lib.sandbox.protocol.endpoints import DEFAULT_REGION


@pytest.fixture
def aws_sandbox() -> Iterator[SandboxBackend]:
    """An empty AWS in this process, for one test, in us-east-1.

    Every botocore client of the process is answered by it, and by its rules; nothing reaches a
    network. Clients without credentials of their own are the account's administrator.
    `session()` makes a session of the administrator, `later(timedelta)` moves the clock on,
    `serve()` opens it over HTTP on loopback to other programs, `disk` shows what storage holds.
    After the test the environment, the clock and boto3's default session are as before, and so are
    the process's connections. Credentials that clients held before the test stay set aside.
    """
    environment, session = dict(os.environ), boto3.DEFAULT_SESSION
    sandbox = SandboxBackend(DEFAULT_REGION)
    try:
        yield sandbox
    finally:
        sandbox.close()
        os.environ.clear()
        os.environ.update(environment)
        boto3.DEFAULT_SESSION = session

"""The guard lets one host and port through, for whoever asks the lab, and closes again."""

from __future__ import annotations

import socket

import pytest

from classroom.__main__ import own_address
from tests.support.labs import end_labs, sandbox_of
from workshop_lib import start_lab
from workshop_lib.sandbox.transport.network_guard import NetworkGuard


def refused(guard: NetworkGuard, host: str, port: int) -> bool:
    try:
        guard.check_address((host, port))
    except ConnectionRefusedError:
        return True
    return False


def test_a_number_is_closed_but_where_it_was_admitted() -> None:
    guard = NetworkGuard()
    assert refused(guard, "198.51.100.7", 8765)
    end = guard.admit("198.51.100.7", 8765)
    assert not refused(guard, "198.51.100.7", 8765)
    assert not refused(guard, "::ffff:198.51.100.7", 8765), "the same, as IPv6 writes it"
    assert refused(guard, "198.51.100.7", 443)
    assert refused(guard, "198.51.100.8", 8765)
    end()
    assert refused(guard, "198.51.100.7", 8765)


def test_who_admits_twice_ends_twice() -> None:
    guard = NetworkGuard()
    ends = [guard.admit("198.51.100.7", 8765) for _ in range(2)]
    ends[0]()
    assert not refused(guard, "198.51.100.7", 8765)
    ends[1]()
    assert refused(guard, "198.51.100.7", 8765)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("169.254.169.254", 80),
        ("fd00:ec2::254", 80),
        ("kms.us-east-1.amazonaws.com", 443),
        ("ec2-198-51-100-7.compute-1.amazonaws.com", 8765),
        ("198.51.100.7", 53),
        ("198.51.100.7", 853),
        ("0xa9fea9fe", 80),
    ],
)
def test_what_is_closed_to_everybody_stays_closed(host: str, port: int) -> None:
    guard = NetworkGuard()
    with pytest.raises(ConnectionRefusedError, match="keeps this kernel away"):
        guard.admit(host, port)
    assert refused(guard, host, port)


def test_a_name_needs_nothing_and_opens_nothing() -> None:
    guard = NetworkGuard()
    end = guard.admit("class.example.org", 443)
    assert refused(guard, "198.51.100.7", 443)
    end()


def test_a_socket_of_a_lab_gets_as_far_as_it_was_admitted() -> None:
    number = own_address()
    if number.startswith("127."):
        pytest.skip("This machine has no address but loopback's.")
    backend = sandbox_of(start_lab())
    with socket.create_server((number, 0)) as listening:
        address = listening.getsockname()
        with socket.socket() as one, pytest.raises(ConnectionRefusedError, match="keeps this"):
            one.connect(address)
        end = backend.admit(*address)
        with socket.create_connection(address, timeout=20):
            pass
        end()
        with socket.socket() as two, pytest.raises(ConnectionRefusedError, match="keeps this"):
            two.connect(address)
    end_labs()

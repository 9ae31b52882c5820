"""Secrets, limits, names, hosts."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.security import (
    NAME_LENGTH,
    Rate,
    SecretAuthenticator,
    Tries,
    is_own_host,
    is_own_origin,
    new_code,
    new_secret,
    same_code,
    spreadsheet_cell,
    tidy_name,
)


def test_a_code_is_short_and_cannot_be_misread() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) > 190
    assert all(re.fullmatch("[2-9A-HJKMNP-Z]{6}", code) for code in codes)


@pytest.mark.parametrize("said", ["K7F2QM", "k7f2qm", " K7F-2QM ", "k7f 2qm"])
def test_a_code_is_known_however_it_is_typed(said: str) -> None:
    assert same_code(said, "K7F2QM")


@pytest.mark.parametrize("said", ["", "K7F2Q", "K7F2QMM", "K7F2Q\ud800", "ķ7f2qm"])
def test_another_code_is_not(said: str) -> None:
    assert not same_code(said, "K7F2QM")


def test_a_secret_has_256_bits() -> None:
    assert len(new_secret()) == 43
    assert new_secret() != new_secret()


def test_a_session_of_the_board_is_not_the_secret_and_no_other_boards() -> None:
    async def look() -> None:
        mine, other = SecretAuthenticator("a" * 43), SecretAuthenticator("b" * 43)
        assert await mine.opens_board("a" * 43)
        assert not await mine.opens_board("a" * 42)
        name, value = mine.session()
        assert "a" * 43 not in value
        assert await mine.sees_board({name: value})
        assert not await mine.sees_board({})
        assert not await mine.sees_board({name: value[:-1]})
        assert not await other.sees_board({name: value})
        assert name != other.session()[0], "two classes on one machine share a browser's cookies"
        assert await SecretAuthenticator("a" * 43).sees_board({name: value}), "after a restart"
        assert await mine.vouches_for("token") is None

    asyncio.run(look())


def test_tries_run_out_for_an_address_and_for_all_and_come_back() -> None:
    now = [0.0]
    tries = Tries(each=3, total=5, span=60, clock=lambda: now[0])
    for _ in range(3):
        assert tries.are_left("a")
        tries.note("a")
    assert not tries.are_left("a")
    assert tries.are_left("b")
    tries.note("b")
    tries.note("c")
    assert not tries.are_left("d"), "all together"
    now[0] = 60
    assert tries.are_left("a")


def test_a_rate_allows_a_burst_and_then_so_many_a_second() -> None:
    now = [0.0]
    rate = Rate(burst=3, per_second=2, clock=lambda: now[0])
    assert [rate.allows("a") for _ in range(4)] == [True, True, True, False]
    assert rate.allows("b")
    now[0] = 1
    assert [rate.allows("a") for _ in range(3)] == [True, True, False]
    assert not rate.allows("b", cost=4)


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Ada\nLovelace\t!", "Ada Lovelace !"),
        ("\u202egnorw\u202c", "gnorw"),  # writing turned around
        ("A\u200bd\u2066a", "Ada"),
        ("\ud800Ada", "Ada"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),  # text, wherever it is
        ("x" * 100, "x" * NAME_LENGTH),
        ("\u0000", ""),
    ],
)
def test_a_name_is_one_short_line(name: str, tidy: str) -> None:
    assert tidy_name(name) == tidy


@given(st.text())
def test_any_name_becomes_one(name: str) -> None:
    tidy = tidy_name(name)
    assert tidy_name(tidy) == tidy
    assert len(tidy) <= NAME_LENGTH
    assert tidy.isprintable()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "\r1", "\n1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert spreadsheet_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Ada", "1 = 1", "a-b", "5"])
def test_other_cells_stay(text: str) -> None:
    assert spreadsheet_cell(text) == text


NAMES = frozenset({"localhost", "desk", "desk.local"})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8765", "192.168.1.5", "[::1]:8765", "[fe80::1]", "localhost:1", "Desk:80"],
)
def test_own_hosts(host: str) -> None:
    assert is_own_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example", "a:b:c:d"],
)
def test_hosts_of_others(host: str) -> None:
    assert not is_own_host(host, NAMES)


def test_origins() -> None:
    assert is_own_origin(None, "http", "127.0.0.1:8765")
    assert is_own_origin("http://127.0.0.1:8765", "http", "127.0.0.1:8765")
    for origin in (
        "null",
        "http://127.0.0.1:8766",
        "https://127.0.0.1:8765",
        "http://evil.example",
    ):
        assert not is_own_origin(origin, "http", "127.0.0.1:8765")

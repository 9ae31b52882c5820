"""What is sent, in which order, until the class has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.classes.conftest import choice
from workshop_lib.classes.courier import BATCH, PARTS, Courier, Request
from workshop_lib.classes.membership import Membership, Memory
from workshop_lib.progress import Journal

MINE = Membership("http://192.0.2.1:8765", "id", "key", "Ada", "Monday")


@pytest.fixture
def memory(folder: Path) -> Memory:
    memory = Memory(folder)
    memory.keep(MINE)
    return memory


@pytest.fixture
def courier(memory: Memory, journal: Journal) -> Courier:
    return Courier(MINE, memory, journal, chance=lambda: 1.0)


def asked(courier: Courier) -> Request:
    request = courier.request()
    assert request
    return request


def ids(request: Request) -> list[str]:
    return [event["id"] for event in request.body["events"]]


def test_nothing_is_sent_while_nothing_happened(courier: Courier) -> None:
    assert courier.request() is None
    assert not courier.ended


def test_an_event_is_sent_in_its_named_parts(courier: Courier, journal: Journal) -> None:
    event = choice("predict 5.1", 0)
    journal.append(event)
    request = asked(courier)
    assert request.path == "/api/events"
    assert request.body.keys() == {"events", "now"}
    assert request.body["events"] == [{part: getattr(event, part) for part in PARTS}]


def test_what_was_done_in_a_form_stays_with_the_learner(courier: Courier, journal: Journal) -> None:
    journal.see("5", "predict 5.1", "q")
    journal.keep("policy_grid", "a form's mark", "ar-/--- run")
    assert [event["item"] for event in asked(courier).body["events"]] == ["predict 5.1"]
    courier.answered(asked(courier), 200, {"accepted": ids(asked(courier))})
    assert courier.request() is None
    assert courier.waiting() == []


def test_it_is_sent_again_until_it_is_taken(courier: Courier, journal: Journal) -> None:
    first, second = choice("predict 5.1", 0), choice("predict 5.2", 0)
    journal.append(first, second)
    courier.answered(asked(courier), 0, {})
    request = asked(courier)
    assert ids(request) == [first.id, second.id]
    courier.answered(request, 200, {"accepted": [first.id]})
    assert ids(asked(courier)) == [second.id]
    courier.answered(asked(courier), 200, {"accepted": [second.id]})
    assert courier.request() is None


def test_what_is_refused_is_not_sent_again(courier: Courier, journal: Journal) -> None:
    event = choice("predict 5.1", 0)
    journal.append(event)
    refused = [{"id": event.id, "why": "there is no such item"}]
    courier.answered(asked(courier), 200, {"accepted": [], "refused": refused})
    assert courier.request() is None


def test_many_go_in_batches(courier: Courier, journal: Journal) -> None:
    journal.append(*(choice("predict 5.1", 0) for _ in range(BATCH + 1)))
    assert len(ids(asked(courier))) == BATCH


def test_what_another_kernel_left_unsent_is_sent(
    courier: Courier, journal: Journal, memory: Memory
) -> None:
    assert journal.path
    event = choice("predict 5.1", 0)
    Journal(journal.path).append(event)
    assert ids(asked(courier)) == [event.id]
    Memory(journal.path.parent).take([event.id])
    assert courier.request() is None


def test_pauses_grow_and_end_with_an_answer(courier: Courier, journal: Journal) -> None:
    journal.append(choice("predict 5.1", 0), choice("predict 5.2", 0))
    assert courier.pause == 0
    pauses = []
    for status in (0, 429, 500, 503, 0, 0, 0, 0):
        courier.answered(asked(courier), status, {})
        pauses.append(courier.pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    request = asked(courier)
    courier.answered(request, 200, {"accepted": ids(request)[:1]})
    assert courier.pause == 0


@pytest.mark.parametrize(
    "answer", [{}, {"accepted": None}, {"accepted": ["other"]}, {"accepted": 5, "refused": [5]}]
)
def test_an_answer_that_takes_nothing_is_none(
    courier: Courier, journal: Journal, answer: dict[str, object]
) -> None:
    """Or it would ask without a pause, for ever."""
    journal.append(choice("predict 5.1", 0))
    courier.answered(asked(courier), 200, answer)
    assert courier.pause == 1
    assert courier.request()


def test_a_class_that_has_forgotten_the_learner_ends_it(
    courier: Courier, journal: Journal, memory: Memory
) -> None:
    journal.append(choice("predict 5.1", 0))
    courier.answered(asked(courier), 401, {})
    assert courier.ended
    assert courier.request() is None
    assert memory.current() is None


def test_leaving_in_another_kernel_ends_it(
    courier: Courier, journal: Journal, folder: Path
) -> None:
    journal.append(choice("predict 5.1", 0))
    Memory(folder).leave()
    assert courier.request() is None
    assert courier.ended


def test_joining_as_somebody_else_in_another_kernel_ends_it(
    courier: Courier, journal: Journal, folder: Path
) -> None:
    journal.append(choice("predict 5.1", 0))
    Memory(folder).keep(Membership("http://192.0.2.2:1", "other", "key", "", "Tuesday"))
    assert courier.request() is None
    assert courier.ended


def test_a_hand_goes_up_before_the_rest_and_the_last_wish_counts(
    courier: Courier, journal: Journal
) -> None:
    journal.append(choice("predict 5.1", 0))
    courier.hand = True
    request = asked(courier)
    assert request == Request("/api/hand", {"up": True})
    courier.hand = False  # while it is under way
    courier.answered(request, 200, {})
    assert asked(courier) == Request("/api/hand", {"up": False})
    courier.answered(asked(courier), 200, {})
    assert asked(courier).path == "/api/events"

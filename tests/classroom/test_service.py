"""What a class does, without HTTP: on a store in a file, with a clock that the test sets."""

from __future__ import annotations

import asyncio
import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest

from classroom.board_state import UNKNOWN
from classroom.outline import Outline
from classroom.room import Learner
from classroom.security import Identity, SecretAuthenticator
from classroom.service import BATCH, ClassService, Refusal
from classroom.store import EVENTS, LEARNERS, Store
from tests.classroom.conftest import SETTINGS, Clock, service_on
from tests.support.class_events import event, vote
from tests.support.class_learners import walk

Joined = tuple[Learner, dict[str, Any]]


def join(service: ClassService, run: Any, name: str = "", **more: Any) -> Joined:
    answer = run(service.join({"code": "k7f-2qm", "name": name, **more}, "192.0.2.1"))
    return service.room.learners[answer["learner"]], answer


def take(service: ClassService, run: Any, learner: Learner, *events: Any, now: Any = None) -> Any:
    return run(service.take(learner, {"events": list(events), "now": now}))


def mark(outline: Outline, item: str) -> str:
    question = outline.steps[item].question
    assert question
    return question.mark


def refusal(run: Any, coroutine: Any) -> int:
    with pytest.raises(Refusal) as refused:
        run(coroutine)
    assert refused.value.sentence.endswith((".", "`."))
    return refused.value.status


class TestJoining:
    def test_somebody_with_the_code_gets_a_key_and_a_pseudonym(
        self, service: ClassService, run: Any
    ) -> None:
        learner, answer = join(service, run)
        assert answer["class"] == {"title": "Monday"}
        assert answer["name"] == answer["pseudonym"] == learner.pseudonym
        assert len(answer["key"]) == 43
        assert "nothing of your data" in answer["sent"]
        assert service.learner_of(answer["key"]) is learner

    def test_the_key_is_not_kept(self, service: ClassService, store: Store, run: Any) -> None:
        _, answer = join(service, run, "Ada")
        (row,) = store.rows(LEARNERS)
        assert answer["key"] not in str(row._mapping)

    def test_somebody_who_is_back_is_the_same(
        self, service: ClassService, run: Any, store: Store
    ) -> None:
        learner, answer = join(service, run, "Ada")
        again, second = join(
            service, run, "Ada L.", code="", learner=answer["learner"], key=answer["key"]
        )
        assert again is learner
        assert second["key"] == answer["key"]
        assert [row.name for row in store.rows(LEARNERS)] == ["Ada L."]

    @pytest.mark.parametrize("forged", [{"learner": "0" * 16}, {"key": "x"}, {}])
    def test_an_id_without_its_key_is_nobody(
        self, service: ClassService, run: Any, forged: dict[str, str]
    ) -> None:
        _, answer = join(service, run)
        asked = {"code": "no", "learner": answer["learner"], "key": answer["key"], **forged}
        asked = asked if forged else {"code": "no", "learner": answer["learner"]}
        assert refusal(run, service.join(asked, "192.0.2.1")) == 403

    def test_wrong_codes_run_out(self, service: ClassService, run: Any) -> None:
        for _ in range(20):
            assert refusal(run, service.join({"code": "AAAAAA"}, "192.0.2.1")) == 403
        assert refusal(run, service.join({"code": "K7F2QM"}, "192.0.2.1")) == 429
        join_elsewhere = service.join({"code": "K7F2QM"}, "192.0.2.2")
        assert run(join_elsewhere)["learner"]

    def test_whoever_has_a_key_comes_back_while_others_guess(
        self, service: ClassService, run: Any
    ) -> None:
        _, answer = join(service, run)
        for number in range(60):
            with pytest.raises(Refusal):
                run(service.join({"code": "AAAAAA"}, str(number)))
        assert refusal(run, service.join({"code": "K7F2QM"}, "x")) == 429
        back = service.join({"learner": answer["learner"], "key": answer["key"]}, "x")
        assert run(back)["key"] == answer["key"]

    @pytest.mark.parametrize("asked", [{"code": 5}, {"code": "K7F2QM", "name": ["Ada"]}, {}])
    def test_what_is_no_text_is_refused(
        self, service: ClassService, run: Any, asked: dict[str, Any]
    ) -> None:
        assert refusal(run, service.join(asked, "192.0.2.1")) in (400, 403)

    def test_a_class_has_room_for_so_many(self, service: ClassService, run: Any) -> None:
        for _ in range(300):
            join(service, run)
        assert refusal(run, service.join({"code": "K7F2QM"}, "192.0.2.1")) == 429
        assert len({each.pseudonym for each in service.room.learners.values()}) == 300

    def test_somebody_vouched_for_has_one_key_in_all_kernels(
        self, store: Store, outline: Outline, clock: Clock, run: Any
    ) -> None:
        service = service_on(store, outline, clock)
        service.authenticator = Hub("s" * 43)
        first = run(service.join({"token": "ada's"}, "192.0.2.1"))
        second = run(service.join({"token": "ada's"}, "192.0.2.1"))
        assert first == second
        assert first["name"] == "Ada"
        assert refusal(run, service.join({"token": "nobody's"}, "192.0.2.1")) == 403


class Hub(SecretAuthenticator):
    """Knows Ada by her token."""

    async def vouches_for(self, token: str) -> Identity | None:
        return Identity("user-1", "Ada") if token == "ada's" else None


class TestEvents:
    def test_each_is_counted_once(
        self, service: ClassService, outline: Outline, store: Store, run: Any
    ) -> None:
        learner, _ = join(service, run)
        sent = [vote(outline, "predict 5.1", 1), event("check 5.1", "passed")]
        for _ in range(3):
            answer = take(service, run, learner, *sent, *sent)
            assert set(answer["accepted"]) == {each["id"] for each in sent}
        assert len(store.rows(EVENTS)) == 2
        assert learner.done == {"predict 5.1": "wrong", "check 5.1": "passed"} | learner.done
        assert service.room.polls[mark(outline, "predict 5.1")].counts() == [[0, 1, 0]]

    def test_one_that_is_sent_twice_at_the_same_time_counts_once(
        self, service: ClassService, run: Any, store: Store
    ) -> None:
        learner, _ = join(service, run)
        sent = {"events": [event("check 5.1", "failed")]}

        async def twice() -> None:
            await asyncio.gather(service.take(learner, sent), service.take(learner, sent))

        run(twice())
        assert learner.tries == {"check 5.1": 1}
        assert len(store.rows(EVENTS)) == 1

    def test_the_same_id_of_another_learner_is_another_event(
        self, service: ClassService, outline: Outline, store: Store, run: Any
    ) -> None:
        sent = vote(outline, "predict 5.1", 1)
        for _ in range(2):
            learner, _ = join(service, run)
            assert take(service, run, learner, sent)["accepted"] == [sent["id"]]
        assert len(store.rows(EVENTS)) == 2

    def test_a_forged_one_among_others_is_refused_alone(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        learner, _ = join(service, run)
        good, bad = vote(outline, "predict 5.1", 1), event("check 5.99", "passed")
        answer = take(service, run, learner, bad, good, "nonsense")
        assert answer["accepted"] == [good["id"]]
        assert [each["id"] for each in answer["refused"]] == [bad["id"], "None"]
        assert "check 5.99" not in learner.done

    def test_a_learners_clock_is_believed_in_its_differences_only(
        self, service: ClassService, outline: Outline, clock: Clock, store: Store, run: Any
    ) -> None:
        learner, _ = join(service, run)
        clock.now += 1000
        late = vote(outline, "predict 5.1", 1, time="1999-01-01T00:00:00Z")
        future = vote(outline, "predict 5.2", 1, time="2099-01-01T00:00:00Z")
        take(service, run, learner, late, now="1999-01-01T00:01:41Z")
        take(service, run, learner, future, now="1999-01-01T00:01:41Z")
        old = vote(outline, "predict 5.3", 1, time="1990-01-01T00:00:00Z")
        take(service, run, learner, old, now="1999-01-01T00:01:41Z")
        at = [row.at for row in store.rows(EVENTS)]
        assert at == [clock.now - 100, clock.now, learner.joined]

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"events": {}},
            {"events": ["x"] * (BATCH + 1)},
            {"events": [], "learner": "somebody else"},
        ],
    )
    def test_other_requests_are_refused(
        self, service: ClassService, run: Any, asked: dict[str, Any]
    ) -> None:
        learner, _ = join(service, run)
        assert refusal(run, service.take(learner, asked)) == 400

    def test_a_flood_is_stopped(self, service: ClassService, outline: Outline, run: Any) -> None:
        learner, _ = join(service, run)
        flood = [vote(outline, "predict 5.1", 1) for _ in range(BATCH)]
        for _ in range(10):
            take(service, run, learner, *flood)
        assert refusal(run, service.take(learner, {"events": flood})) == 429

    def test_too_many_requests_are_refused(self, service: ClassService, run: Any) -> None:
        _, answer = join(service, run)

        def ask_often() -> None:
            for _ in range(200):
                service.learner_of(answer["key"])

        with pytest.raises(Refusal, match="Too many requests"):
            ask_often()

    def test_a_reset_takes_back(self, service: ClassService, run: Any) -> None:
        learner, _ = join(service, run)
        take(service, run, learner, event("check 5.1", "failed"))
        assert learner.tries == {"check 5.1": 1}
        take(service, run, learner, event("check 5.1", "reset"))
        assert (learner.done, learner.tries, learner.stuck_on) == ({}, {}, {})


class TestBoard:
    def test_names_are_shown_when_they_are_wanted(self, service: ClassService, run: Any) -> None:
        learner, _ = join(service, run, "Rumpelstilzchen")
        assert service.state()["learners"][learner.id]["name"] == learner.pseudonym
        assert "Rumpelstilzchen" not in str(service.state())
        run(service.show_names(True))
        assert service.state()["learners"][learner.id]["name"] == "Rumpelstilzchen"
        assert refusal(run, service.show_names("yes")) == 400

    def test_a_poll_hides_its_answer_and_who_was_right_until_it_is_revealed(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        learner, _ = join(service, run)
        question = outline.steps["predict 5.1"].question
        assert question
        take(service, run, learner, vote(outline, "predict 5.1", question.answer))
        state = service.state()
        assert state["polls"][question.mark] == {
            "item": "predict 5.1",
            "text": question.text,
            "options": list(question.options),
            "answer": None,
            "rounds": [{"counts": [0, 0, 1], "voters": 1}],
            "revealed": False,
        }
        assert state["learners"][learner.id]["done"] == {"predict 5.1": "chosen"}
        run(service.reveal(question.mark))
        state = service.state()
        assert state["polls"][question.mark]["answer"] == question.answer
        assert state["learners"][learner.id]["done"] == {"predict 5.1": "right"}

    def test_every_prediction_is_a_poll_from_the_start(
        self, service: ClassService, outline: Outline
    ) -> None:
        items = [step.item for step in outline.steps.values() if step.kind == "predict"]
        assert [poll["item"] for poll in service.state()["polls"].values()] == items

    def test_a_second_vote_counts_for_itself(
        self, service: ClassService, outline: Outline, clock: Clock, run: Any
    ) -> None:
        ada, _ = join(service, run)
        grace, _ = join(service, run)
        question = mark(outline, "predict 5.1")
        clock.now += 100
        for learner in (ada, grace):
            take(service, run, learner, vote(outline, "predict 5.1", 0))
        clock.now += 100
        run(service.vote_again(question))
        clock.now += 10
        take(service, run, ada, vote(outline, "predict 5.1", 2))
        # Grace was out of reach: she had changed her mind before the class was asked again.
        late = vote(outline, "predict 5.1", 1, time="2026-11-28T10:00:00Z")
        take(service, run, grace, late, now="2026-11-28T10:00:50Z")
        poll = service.state()["polls"][question]
        assert poll["rounds"] == [
            {"counts": [1, 1, 0], "voters": 2},
            {"counts": [0, 0, 1], "voters": 1},
        ]
        assert refusal(run, service.vote_again(question)) == 409
        run(service.reveal(question))
        run(service.reveal(question))
        assert len(service.room.acts) == 2

    def test_after_the_answer_nobody_votes_again(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        question = mark(outline, "predict 5.1")
        run(service.reveal(question))
        assert refusal(run, service.vote_again(question)) == 409

    @pytest.mark.parametrize("question", [None, 5, "0" * 16, ["x"]])
    def test_there_is_no_such_poll(self, service: ClassService, run: Any, question: Any) -> None:
        assert refusal(run, service.reveal(question)) == 404
        assert refusal(run, service.vote_again(question)) == 404

    def test_a_button_that_is_pressed_twice_acts_once(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        question = mark(outline, "predict 5.1")

        async def twice() -> list[Any]:
            both = [service.vote_again(question), service.vote_again(question)]
            return await asyncio.gather(*both, return_exceptions=True)

        assert [type(each) for each in run(twice())] == [type(None), Refusal]

    def test_where_most_are_stuck_in_the_courses_own_words(
        self, service: ClassService, run: Any
    ) -> None:
        words = "the policy lets uploads name any key"
        for _ in range(3):
            learner, _ = join(service, run)
            take(service, run, learner, event("check 5.1", "failed", condition=words))
        other = event("check 5.1", "failed", condition="<b>Ada is slow</b>")
        take(service, run, learner, other)
        stuck = [
            (each["item"], each["text"], each["learners"]) for each in service.state()["stuck"]
        ]
        assert stuck == [("check 5.1", words, 2), ("check 5.1", UNKNOWN, 1)]
        assert service.state()["learners"][learner.id]["tries"] == {"check 5.1": 2}
        take(service, run, learner, event("check 5.1", "passed"))
        assert [each["learners"] for each in service.state()["stuck"]] == [2]
        assert service.state()["learners"][learner.id]["tries"] == {}

    def test_hands_go_up_and_down(self, service: ClassService, clock: Clock, run: Any) -> None:
        learner, _ = join(service, run)
        run(service.raise_hand(learner, True))
        up = service.state()["learners"][learner.id]["hand"]
        clock.now += 60
        run(service.raise_hand(learner, True))
        assert service.state()["learners"][learner.id]["hand"] == up, "since when it is up"
        run(service.hand_down(learner.id))
        assert service.state()["learners"][learner.id]["hand"] is None
        assert refusal(run, service.hand_down("nobody")) == 404
        assert refusal(run, service.raise_hand(learner, "up")) == 400

    def test_who_is_here(self, service: ClassService, clock: Clock, run: Any) -> None:
        learner, _ = join(service, run)
        assert service.state()["learners"][learner.id]["here"]
        clock.now += 61
        assert not service.state()["learners"][learner.id]["here"]
        run(service.news(learner, 0, 0))
        assert service.state()["learners"][learner.id]["here"]

        async def leave_while_a_request_waits() -> None:
            waiting = asyncio.create_task(service.news(learner, 0, 60))
            await asyncio.sleep(0)
            await service.leave(learner)
            service.changes.tell_learners()
            await waiting

        run(leave_while_a_request_waits())
        assert not service.state()["learners"][learner.id]["here"]

    def test_a_plan_is_followed_section_by_section(
        self, service: ClassService, clock: Clock, run: Any
    ) -> None:
        assert service.state()["class"]["plan"] is None
        run(service.follow_plan("90-minutes", None))
        plan = service.state()["class"]["plan"]
        assert (plan["section"], plan["started"], plan["since"]) == (None, None, None)
        run(service.follow_plan("90-minutes", 0))
        began = service.state()["class"]["plan"]
        clock.now += 600
        run(service.follow_plan("90-minutes", 1))
        plan = service.state()["class"]["plan"]
        assert plan["started"] == began["started"] == began["since"] != plan["since"]
        assert plan["sections"][1]["lesson"] == "00"
        last = len(plan["sections"])
        run(service.follow_plan("90-minutes", last))
        assert refusal(run, service.follow_plan("90-minutes", last + 1)) == 400
        assert refusal(run, service.follow_plan("90-minutes", True)) == 400
        assert refusal(run, service.follow_plan("never", None)) == 404
        run(service.follow_plan(None, None))
        assert service.state()["class"]["plan"] is None

    def test_a_change_holds_what_changed(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        ada, _ = join(service, run)
        grace, _ = join(service, run)
        with service.changes.board() as board:
            take(service, run, ada, vote(outline, "predict 5.1", 0))
            change = service.change(board)
            assert change.keys() == {"learners", "polls", "stuck"}
            assert change["learners"].keys() == {ada.id}
            assert change["polls"].keys() == {mark(outline, "predict 5.1")}
            board.told()
            run(service.forget(grace))
            assert service.change(board)["learners"] == {grace.id: None}
        assert service.changes.boards == []


class TestNews:
    def test_learners_hear_what_the_instructor_did(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        learner, _ = join(service, run)
        question = outline.steps["predict 5.1"].question
        assert question
        take(service, run, learner, vote(outline, "predict 5.1", 0))
        assert run(service.news(learner, 0, 0))["news"] == []
        run(service.vote_again(question.mark))
        heard = run(service.news(learner, 0, 0))
        (told,) = heard["news"]
        assert (told["kind"], told["round"], told["voted"]) == ("vote", 2, False)
        assert "rounds" not in told
        assert run(service.news(learner, heard["last"], 0))["news"] == []
        run(service.reveal(question.mark))
        (told,) = run(service.news(learner, heard["last"], 0))["news"]
        assert told["kind"] == "reveal"
        assert told["rounds"] == [
            dict(zip(question.marks, [1, 0, 0], strict=True)),
            dict(zip(question.marks, [0, 0, 0], strict=True)),
        ]

    def test_of_each_question_the_last_is_told(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        learner, _ = join(service, run)
        first, second = mark(outline, "predict 5.1"), mark(outline, "predict 5.2")
        run(service.vote_again(first))
        run(service.vote_again(second))
        run(service.reveal(first))
        heard = run(service.news(learner, 0, 0))["news"]
        assert [(each["question"], each["kind"]) for each in heard] == [
            (second, "vote"),
            (first, "reveal"),
        ]
        assert len(run(service.news(learner, 10**9, 0))["news"]) == 2, "of another past"

    def test_a_request_waits_for_news(
        self, service: ClassService, outline: Outline, run: Any
    ) -> None:
        learner, _ = join(service, run)

        async def wait() -> Any:
            waiting = asyncio.create_task(service.news(learner, 0, 60))
            await asyncio.sleep(0)
            assert not waiting.done()
            await service.reveal(mark(outline, "predict 5.1"))
            return await waiting

        assert len(run(wait())["news"]) == 1

    def test_the_end_of_the_server_ends_the_waiting(self, service: ClassService, run: Any) -> None:
        learner, _ = join(service, run)

        async def wait() -> Any:
            waiting = asyncio.create_task(service.news(learner, 0, 60))
            await asyncio.sleep(0)
            service.close()
            return await waiting

        assert run(wait())["closed"]


class TestForgetting:
    def test_a_learner_is_forgotten_with_all_events(
        self, service: ClassService, outline: Outline, store: Store, run: Any, tmp_path: Path
    ) -> None:
        learner, answer = join(service, run, "Rumpelstilzchen")
        other, _ = join(service, run, "Grace")
        for each in (learner, other):
            take(service, run, each, vote(outline, "predict 5.1", 0))
        run(service.forget(learner))
        assert [row.id for row in store.rows(LEARNERS)] == [other.id]
        assert {row.learner for row in store.rows(EVENTS)} == {other.id}
        assert service.room.polls[mark(outline, "predict 5.1")].counts() == [[1, 0, 0]]
        with pytest.raises(Refusal):
            service.learner_of(answer["key"])
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"Grace" in kept
        assert b"Rumpelstilzchen" not in kept
        assert learner.id.encode() not in kept

    def test_everything_is_forgotten_with_the_code_as_a_promise(
        self, service: ClassService, outline: Outline, store: Store, run: Any, tmp_path: Path
    ) -> None:
        learner, answer = join(service, run, "Rumpelstilzchen")
        take(service, run, learner, vote(outline, "predict 5.1", 0))
        run(service.reveal(mark(outline, "predict 5.1")))
        for wrong in (None, "", "AAAAAA", 5):
            assert refusal(run, service.forget_all(wrong)) == 400
        with service.changes.board() as board:
            run(service.forget_all("K7F2QM"))
            assert board.everything
        state = service.state()
        assert state["learners"] == {}
        assert not any(poll["revealed"] for poll in state["polls"].values())
        with pytest.raises(Refusal):
            service.learner_of(answer["key"])
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"Rumpelstilzchen" not in kept
        assert join(service, run)[0].id in service.room.learners

    def test_what_arrives_while_everything_is_forgotten_is_forgotten_too(
        self, service: ClassService, outline: Outline, store: Store, run: Any
    ) -> None:
        learner, _ = join(service, run)

        async def both() -> list[Any]:
            deeds = (
                service.forget_all("K7F2QM"),
                service.take(learner, {"events": [vote(outline, "predict 5.1", 0)]}),
                service.join({"code": "K7F2QM", "name": "Late"}, "192.0.2.1"),
            )
            return list(await asyncio.gather(*deeds, return_exceptions=True))

        run(both())
        assert {row.id for row in store.rows(LEARNERS)} == set(service.room.learners)
        assert {row.learner for row in store.rows(EVENTS)} <= set(service.room.learners)


def test_a_server_that_starts_again_knows_the_same(
    service: ClassService, outline: Outline, store: Store, clock: Clock, run: Any
) -> None:
    chance = random.Random(5)
    learners = [join(service, run, f"Learner {n}")[0] for n in range(8)]
    ways = {learner.id: walk(outline, chance) for learner in learners}
    polls = list(service.room.polls)
    for _ in range(400):
        clock.now += chance.random() * 20
        learner = chance.choice(learners)
        deed = chance.random()
        if deed < 0.9:
            take(service, run, learner, next(ways[learner.id]))
        elif deed < 0.93:
            run(service.raise_hand(learner, chance.random() < 0.5))
        elif deed < 0.96:
            run(asyncio.wait_for(_quietly(service.vote_again(chance.choice(polls[:6]))), 5))
        else:
            run(service.reveal(chance.choice(polls[:20])))
    run(service.show_names(True))
    run(service.follow_plan("90-minutes", 1))
    again = service_on(store, outline, clock)
    before, after = service.state(), again.state()
    for state in (before, after):
        for learner_state in state["learners"].values():
            del learner_state["seen"], learner_state["here"]
    assert after == before
    assert sum(poll["revealed"] for poll in after["polls"].values()) > 5
    assert again.room.acts == service.room.acts


async def _quietly(deed: Any) -> None:
    try:
        await deed
    except Refusal:
        return


def test_an_export_is_a_table_without_formulas(
    service: ClassService, outline: Outline, run: Any
) -> None:
    learner, _ = join(service, run, '=HYPERLINK("http://evil.example")')
    words = "the policy lets uploads name any key"
    take(
        service,
        run,
        learner,
        vote(outline, "predict 5.1", 0),
        event("check 5.1", "failed", condition=words),
        event("check 5.2", "failed", condition="=1+1"),
    )
    rows = list(csv.reader(io.StringIO(run(service.export()))))
    assert rows[0][:4] == ["learner", "time", "lesson", "item"]
    assert [row[0] for row in rows[1:]] == [learner.pseudonym] * 3
    question = outline.steps["predict 5.1"].question
    assert question
    assert rows[1][6:8] == [question.text, question.options[0]]
    assert [row[8] for row in rows[1:]] == ["", words, ""]
    run(service.show_names(True))
    rows = list(csv.reader(io.StringIO(run(service.export()))))
    assert rows[1][0] == "'" + learner.name


def test_the_settings_are_the_stores(store: Store) -> None:
    assert store.settings() == SETTINGS

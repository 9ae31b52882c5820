"""What a class does: people join, their events are taken, the instructor acts. No HTTP.

Whatever changes is kept first and true afterwards: what this says has happened outlives the
server. It raises Refusal for what it does not do.
"""

from __future__ import annotations

import asyncio
import csv
import hmac
import io
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from classroom import board_state
from classroom.changes import Board, Changes
from classroom.events import Refused, age_of, read_event
from classroom.names import new_pseudonym
from classroom.outline import Outline
from classroom.plans import Plan
from classroom.room import Learner, Poll, Room
from classroom.security import (
    Authenticator,
    Identity,
    Rate,
    Tries,
    digest,
    new_secret,
    same_code,
    spreadsheet_cell,
    tidy_name,
)
from classroom.store import ACTS, EVENTS, LEARNERS, Store

MOST_LEARNERS = 1000
MOST_EVENTS = 20_000  # of one learner
BATCH = 100
ROUNDS = 2  # peer instruction asks twice
SENT = (
    "What is sent: which predictions, exercises and quiz questions of the course you were shown, "
    "what you chose, and which condition of a check was missing, with the time of each. "
    "Nothing that you write, and nothing of your data."
)


class Refusal(Exception):
    """Something that the class does not do: an HTTP status, and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class ClassService:
    """One class. `settings` are the store's: title, code, started, names, plan."""

    def __init__(
        self,
        store: Store,
        outline: Outline,
        authenticator: Authenticator,
        *,
        address: str,
        plans: Sequence[Plan],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.outline, self.authenticator = store, outline, authenticator
        self.address, self.plans, self._clock = address, plans, clock
        self.room = Room(outline)
        self.changes = Changes()
        self.closing = False
        self._acting = asyncio.Lock()  # a button that was pressed twice acts once
        self._settings = store.settings()
        self._wrong_codes = Tries(each=20, total=60)
        self._joins = Tries(each=300, total=600)
        self._requests = Rate(burst=60, per_second=6)
        self._events = Rate(burst=1000, per_second=10)
        self._plan: dict[str, Any] | None = json.loads(self._settings.get("plan", "null"))
        self._told: dict[str, tuple[bool, int]] = {}  # what boards know of who is here

    @property
    def code(self) -> str:
        """The class's code."""
        return self._settings["code"]

    @property
    def names(self) -> bool:
        """Whether the board shows the names that learners gave."""
        return self._settings.get("names") == "shown"

    def open(self) -> None:
        """Read what the store keeps."""
        tables = (self.store.rows(table) for table in (LEARNERS, EVENTS, ACTS))
        self.room.read_rows(*tables)

    async def watch(self) -> None:
        """Tell boards who came and who went, until cancelled: silence is no request."""
        while True:
            await asyncio.sleep(2)
            self._note_presence()

    def _note_presence(self) -> None:
        now, changed = self._clock(), []
        for learner in self.room.learners.values():
            known = (learner.is_here(now), int(learner.seen) // 30)
            if self._told.get(learner.id) != known:
                self._told[learner.id] = known
                changed.append(learner.id)
        if changed:
            self.changes.note(learners=changed)

    def close(self) -> None:
        """Let those who wait go."""
        self.closing = True
        self.changes.wake_all()

    # --- Learners ------------------------------------------------------------------------------

    async def join(self, asked: dict[str, Any], address: str) -> dict[str, Any]:
        """Somebody joins, or is back: {learner, key, name, class, sent}."""
        for name in ("code", "name", "learner", "key", "token"):
            if not isinstance(asked.get(name, ""), str | None):
                raise Refusal(400, f"{name} is a text.")
        key, identity = asked.get("key") or "", None
        learner = self.room.by_key.get(digest(key))
        if learner is None or learner.id != asked.get("learner"):
            identity = await self._admit(asked, address)
            learner = self.room.with_subject(identity.subject) if identity else None
            key = self._key_for(identity)
        name = tidy_name(asked.get("name") or (identity.name if identity else ""))
        if learner is None:
            learner = await self._add(name, key, identity, address)
        elif name and name != learner.name:
            await self.store.change_learner(learner.id, {"name": name})
            learner.name = name
        self.live(learner)
        self.changes.note(learners=[learner.id])
        return {
            "learner": learner.id,
            "key": key,
            "name": learner.name or learner.pseudonym,
            "pseudonym": learner.pseudonym,
            "class": {"title": self._settings["title"]},
            "sent": SENT,
        }

    async def _admit(self, asked: dict[str, Any], address: str) -> Identity | None:
        if not self._wrong_codes.are_left(address):
            raise Refusal(429, "Too many wrong codes: wait a minute, then try again.")
        if asked.get("token"):
            identity = await self.authenticator.vouches_for(asked["token"])
            if identity is not None:
                return identity
        elif same_code(asked.get("code") or "", self.code):
            return None
        self._wrong_codes.note(address)
        raise Refusal(403, "This is not the class's code: read it again from the board.")

    def _key_for(self, identity: Identity | None) -> str:
        """A new key; somebody vouched for has one for good, for all their kernels."""
        if identity is None:
            return new_secret()
        seed = self._settings["seed"].encode()
        return hmac.new(seed, identity.subject.encode(), sha256).hexdigest()

    async def _add(self, name: str, key: str, identity: Identity | None, address: str) -> Learner:
        if len(self.room.learners) >= MOST_LEARNERS or not self._joins.are_left(address):
            raise Refusal(429, "Too many people join this class: wait a minute, then try again.")
        self._joins.note(address)
        learner = Learner(
            id=secrets.token_hex(8),
            key=digest(key),
            name=name,
            pseudonym=new_pseudonym({each.pseudonym for each in self.room.learners.values()}),
            joined=self._clock(),
            subject=identity.subject if identity else None,
        )
        # Nobody else gets this pseudonym while it is written.
        self.room.add_learner(learner)
        kept = ("id", "key", "name", "pseudonym", "joined", "subject")
        try:
            await self.store.add_learner({each: getattr(learner, each) for each in kept})
        except Exception:
            self.room.remove_learner(learner)
            raise
        if self.room.learners.get(learner.id) is not learner:  # all was forgotten meanwhile
            await self.store.forget(learner.id)
            raise Refusal(409, "The class began anew just now: join once more.")
        return learner

    def learner_of(self, key: str) -> Learner:
        """Whose key it is. Refusal 401 if nobody's, 429 if they ask too often."""
        learner = self.room.by_key.get(digest(key)) if key else None
        if learner is None:
            raise Refusal(401, "The class does not know you: join it again.")
        if not self._requests.allows(learner.id):
            raise Refusal(429, "Too many requests: wait a moment.")
        return learner

    def live(self, learner: Learner) -> None:
        """Note a sign of life."""
        learner.seen, learner.gone = self._clock(), False

    async def take(self, learner: Learner, asked: dict[str, Any]) -> dict[str, Any]:
        """Take events: {accepted, refused}, ids both. What is accepted is kept."""
        sent = asked.get("events")
        if not isinstance(sent, list) or len(sent) > BATCH or asked.keys() - {"events", "now"}:
            raise Refusal(400, f"Send up to {BATCH} events at once, as `events`.")
        if not self._events.allows(learner.id, len(sent)):
            raise Refusal(429, "Too many events: wait a moment.")
        self.live(learner)
        events, refused = self._read(learner, sent, asked.get("now"))
        await self.store.add_events(events)
        if learner.id not in self.room.learners:  # forgotten meanwhile, and so are these
            await self.store.forget(learner.id)
            raise Refusal(401, "The class does not know you: join it again.")
        changed = [self.room.take(learner, event) for event in events]
        if events:
            polls = [poll.question.mark for poll in changed if poll is not None]
            self.changes.note(learners=[learner.id], polls=polls, keys=["stuck"])
        gone = {each["id"] for each in refused}
        accepted = [
            each["id"] for each in sent if isinstance(each, dict) and each.get("id") not in gone
        ]
        return {"accepted": accepted, "refused": refused}

    def _read(
        self, learner: Learner, sent: list[Any], now: Any
    ) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
        """The events that are new, and those that are refused, with the reason."""
        received = self._clock()
        events, refused = dict[str, dict[str, Any]](), []
        for each in sent:
            try:
                event = read_event(each, self.outline)
            except Refused as reason:
                name = each.get("id") if isinstance(each, dict) else None
                refused.append({"id": str(name)[:64], "why": str(reason)})
                continue
            if event["id"] in learner.events:
                continue
            if len(learner.events) + len(events) >= MOST_EVENTS:
                refused.append({"id": event["id"], "why": "these are too many for one learner"})
                continue
            at = received - age_of(each["time"], now) if now is not None else received
            events[event["id"]] = {**event, "learner": learner.id, "at": max(at, learner.joined)}
        return list(events.values()), refused

    async def raise_hand(self, learner: Learner, up: Any) -> None:
        """A hand goes up, or down."""
        if not isinstance(up, bool):
            raise Refusal(400, "`up` is true or false.")
        self.live(learner)
        if up and learner.hand is not None:
            return
        hand = self._clock() if up else None
        await self.store.change_learner(learner.id, {"hand": hand})
        learner.hand = hand
        self.changes.note(learners=[learner.id])

    async def leave(self, learner: Learner) -> None:
        """Somebody goes; what they sent stays."""
        await self.raise_hand(learner, False)
        learner.gone = True
        self._note_presence()

    async def forget(self, learner: Learner) -> None:
        """Delete somebody, and all that they sent."""
        self.room.remove_learner(learner)
        await self.store.forget(learner.id)
        self._told.pop(learner.id, None)
        self._requests.forget(learner.id)
        self._events.forget(learner.id)
        self.changes.note(learners=[learner.id], polls=self.room.polls, keys=["stuck"])

    async def news(self, learner: Learner, after: int, wait: float) -> dict[str, Any]:
        """What the instructor did after the act of that number: {news, last}; waits for some."""
        self.live(learner)
        if not self._news_after(after) and not self.closing:
            await self.changes.wait_for_news(wait)
        if self.room.learners.get(learner.id) is not learner:
            raise Refusal(401, "The class does not know you: join it again.")
        acts = self._news_after(after)
        last = self.room.acts[-1]["number"] if self.room.acts else 0
        return {
            "news": [self._told_to(learner, act) for act in acts],
            "last": last,
            "hand": learner.hand is not None,
            "closed": self.closing,
        }

    def _news_after(self, after: int) -> list[dict[str, Any]]:
        """The last act on each question since then; all where `after` is from another past."""
        known = self.room.acts
        if known and after > known[-1]["number"]:
            after = 0
        latest = {act["question"]: act for act in known if act["number"] > after}
        return sorted(latest.values(), key=lambda act: int(act["number"]))

    def _told_to(self, learner: Learner, act: dict[str, Any]) -> dict[str, Any]:
        """An act in a learner's eyes: how many chose what is told when it is revealed."""
        poll = self.room.polls[act["question"]]
        told = {
            **act,
            "item": poll.question.item,
            "round": len(poll.rounds),
            "voted": learner.id in poll.rounds[-1],
        }
        if act["kind"] == "reveal":
            rounds = [
                dict(zip(poll.question.marks, counts, strict=True)) for counts in poll.counts()
            ]
            told["rounds"] = rounds
        return told

    # --- The instructor ------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that a board shows."""
        return {
            "class": self._class_state(),
            "plans": [board_state.plan_state(plan) for plan in self.plans],
            "lessons": board_state.lessons_state(self.outline),
            "learners": self._learners(self.room.learners),
            "polls": self._polls(self.room.polls),
            "stuck": board_state.stuck_state(self.room),
        }

    def change(self, board: Board) -> dict[str, Any]:
        """What a board was not told yet."""
        changed: dict[str, Any] = {}
        if board.learners:
            changed["learners"] = self._learners(board.learners)
        if board.polls:
            changed["polls"] = self._polls(board.polls)
        if "stuck" in board.keys:
            changed["stuck"] = board_state.stuck_state(self.room)
        if "class" in board.keys:
            changed["class"] = self._class_state()
        return changed

    def _class_state(self) -> dict[str, Any]:
        return {
            "title": self._settings["title"],
            "code": self.code,
            "address": self.address,
            "started": board_state.time_of(float(self._settings["started"])),
            "names": self.names,
            "plan": self._plan_state(),
            "now": board_state.time_of(self._clock()),
        }

    def _plan_state(self) -> dict[str, Any] | None:
        plan = self._plan_named(self._plan["name"]) if self._plan else None
        return {**board_state.plan_state(plan), **self._plan} if plan and self._plan else None

    def _plan_named(self, name: Any) -> Plan | None:
        return next((plan for plan in self.plans if plan.name == name), None)

    def _learners(self, ids: Any) -> dict[str, Any]:
        now = self._clock()
        return {
            each: board_state.learner_state(found, self.room, self.names, now)
            if (found := self.room.learners.get(each))
            else None
            for each in list(ids)
        }

    def _polls(self, marks: Any) -> dict[str, Any]:
        return {each: board_state.poll_state(self.room.polls[each]) for each in list(marks)}

    async def reveal(self, question: Any) -> None:
        """Show the votes and the right answer, here and at every learner."""
        async with self._acting:
            if not self._poll(question).revealed:
                await self._act("reveal", question)

    async def vote_again(self, question: Any) -> None:
        """Open the second round of a poll, once, while its answer is hidden."""
        async with self._acting:
            poll = self._poll(question)
            if poll.revealed:
                raise Refusal(409, "The answer was shown: a second vote would tell nothing.")
            if len(poll.rounds) >= ROUNDS:
                raise Refusal(409, "This is the second vote already.")
            await self._act("vote", question)

    def _poll(self, question: Any) -> Poll:
        poll = self.room.polls.get(question) if isinstance(question, str) else None
        if poll is None:
            raise Refusal(404, "The course has no such prediction.")
        return poll

    async def _act(self, kind: str, question: str) -> None:
        at = self._clock()
        number = await self.store.add_act(at, kind, question)
        self.room.act(number, at, kind, question)
        item = self.room.polls[question].question.item
        learners = [each.id for each in self.room.learners.values() if item in each.done]
        self.changes.note(learners=learners, polls=[question])
        self.changes.tell_learners()

    async def show_names(self, shown: Any) -> None:
        """Show the names that learners gave, or their pseudonyms."""
        if not isinstance(shown, bool):
            raise Refusal(400, "`shown` is true or false.")
        await self._set("names", "shown" if shown else "hidden")
        self.changes.note(learners=self.room.learners, keys=["class"])

    async def follow_plan(self, name: Any, section: Any) -> None:
        """Follow a plan and begin one of its sections; None: no plan, no section yet."""
        plan = self._plan_named(name)
        if name is not None and plan is None:
            raise Refusal(404, "There is no such plan.")
        last = len(plan.sections) if plan else 0
        if section is not None and (type(section) is not int or not 0 <= section <= last):
            raise Refusal(400, f"`section` is a number from 0 to {last}.")
        followed = None
        if plan:
            same = self._plan is not None and self._plan["name"] == name
            now = board_state.time_of(self._clock())
            started = (self._plan or {})["started"] if same else None
            followed = {
                "name": name,
                "section": section,
                "started": (started or now) if section is not None else None,
                "since": now if section is not None else None,
            }
        await self._set("plan", json.dumps(followed))
        self._plan = followed
        self.changes.note(keys=["class"])

    async def _set(self, name: str, value: str) -> None:
        await self.store.set({name: value})
        self._settings[name] = value

    async def hand_down(self, learner: Any) -> None:
        """Take a learner's hand down."""
        found = self.room.learners.get(learner) if isinstance(learner, str) else None
        if found is None:
            raise Refusal(404, "There is no such learner.")
        await self.store.change_learner(found.id, {"hand": None})
        found.hand = None
        self.changes.note(learners=[found.id])
        self.changes.tell_learners()

    async def forget_all(self, confirm: Any) -> None:
        """Delete every learner and all that was sent; the code and the board stay."""
        if not isinstance(confirm, str) or not same_code(confirm, self.code):
            raise Refusal(400, "To delete everything, send the class's code as `confirm`.")
        self.room.empty()
        self._told.clear()
        await self.store.forget_all()
        await self._set("started", str(self._clock()))
        self.changes.note(everything=True)
        self.changes.tell_learners()

    async def export(self) -> str:
        """Every event as a line of CSV, under the names that the board shows."""
        rows = await asyncio.to_thread(self.store.rows, EVENTS)
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(("learner", "time", "lesson", "item", "outcome", "attempt",
                         "question", "choice", "condition"))  # fmt: skip
        for row in rows:
            if row.learner in self.room.learners:
                writer.writerow([spreadsheet_cell(each) for each in self._line(row)])
        return file.getvalue()

    def _line(self, row: Any) -> Iterator[Any]:
        learner = self.room.learners[row.learner]
        question = self.outline.questions.get(row.question)
        chosen = dict(zip(question.marks, question.options, strict=True)) if question else {}
        yield learner.name if self.names and learner.name else learner.pseudonym
        yield board_state.time_of(row.at)
        yield from (row.lesson, row.item, row.outcome, row.attempt)
        yield question.text if question else ""
        yield chosen.get(row.choice, "")
        yield row.condition if self.outline.says(row.condition) else ""

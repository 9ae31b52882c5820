"""The class as it is now: its learners, their votes, and what the instructor did.

All of it follows from what the store keeps, in that order; a server that starts again reads the
rows and has the same room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classroom.outline import Outline, Question

_ABSENT = 60  # seconds without a sign of life


@dataclass
class Learner:
    """Somebody in the class. done: the last outcome of each item; tries: checks failed so far.

    stuck_on: what the last try of each unfinished check lacked. seen: the last sign of life;
    gone: that it was a goodbye. active: the last event.
    """

    id: str
    key: str
    name: str
    pseudonym: str
    joined: float
    subject: str | None = None
    hand: float | None = None
    seen: float = 0
    gone: bool = False
    active: float | None = None
    lesson: str = ""
    done: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    stuck_on: dict[str, str] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)

    def is_here(self, now: float) -> bool:
        """Whether there was a sign of life in the last minute, and no goodbye."""
        return not self.gone and now - self.seen < _ABSENT


@dataclass
class Poll:
    """The votes on one prediction. starts: when each further round was opened.

    rounds: for each round, the place of the option that each learner chose last.
    """

    question: Question
    rounds: list[dict[str, int]] = field(default_factory=lambda: [{}])
    starts: list[float] = field(default_factory=list)
    revealed: bool = False

    def take(self, learner: str, choice: int, at: float) -> None:
        """Count a choice in the round that was open when it was made."""
        self.rounds[sum(start <= at for start in self.starts)][learner] = choice

    def counts(self) -> list[list[int]]:
        """For each round, how many chose each option."""
        places = range(len(self.question.options))
        return [[list(votes.values()).count(p) for p in places] for votes in self.rounds]


class Room:
    """The learners by id, the polls by the mark of their question, and the acts in order."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.empty()

    def empty(self) -> None:
        """Nobody is there, and nothing was done."""
        self.learners: dict[str, Learner] = {}
        self.by_key: dict[str, Learner] = {}
        self.acts: list[dict[str, Any]] = []
        self.polls = {
            mark: Poll(question)
            for mark, question in self.outline.questions.items()
            if question.item.startswith("predict ")
        }

    def add_learner(self, learner: Learner) -> None:
        """Somebody joined."""
        self.learners[learner.id] = self.by_key[learner.key] = learner

    def remove_learner(self, learner: Learner) -> None:
        """Somebody is forgotten, with all votes."""
        del self.learners[learner.id], self.by_key[learner.key]
        for poll in self.polls.values():
            for votes in poll.rounds:
                votes.pop(learner.id, None)

    def with_subject(self, subject: str) -> Learner | None:
        """The learner whom a service vouches for under that subject, if they joined before."""
        return next((each for each in self.learners.values() if each.subject == subject), None)

    def take(self, learner: Learner, event: Mapping[str, Any]) -> Poll | None:
        """An event of a learner's; the poll in which it counts, if it does. Each event once."""
        if event["id"] in learner.events:
            return None
        learner.events.add(event["id"])
        learner.active = max(learner.active or 0, event["at"])
        learner.lesson = event["lesson"]
        item, outcome = event["item"], event["outcome"]
        if item not in self.outline.steps:
            return None  # a form, or a step of a course that has changed since
        if outcome == "reset":
            for noted in (learner.done, learner.tries, learner.stuck_on):
                noted.pop(item, None)
        elif outcome == "seen":
            learner.done.setdefault(item, outcome)
        elif outcome != "revealed":
            learner.done[item] = outcome
            self._note_try(learner, item, outcome, event["condition"])
        poll = self.polls.get(event["question"])
        if poll is None or outcome not in ("right", "wrong"):
            return None
        poll.take(learner.id, poll.question.marks.index(event["choice"]), event["at"])
        return poll

    def _note_try(self, learner: Learner, item: str, outcome: str, condition: str) -> None:
        if outcome == "failed":
            learner.tries[item] = learner.tries.get(item, 0) + 1
            learner.stuck_on[item] = condition
        else:
            learner.tries.pop(item, None)
            learner.stuck_on.pop(item, None)

    def act(self, number: int, at: float, kind: str, question: str) -> None:
        """The instructor had a poll revealed, or asked again."""
        poll = self.polls.get(question)
        if poll is None:
            return  # a question that the course no longer has
        self.acts.append({"number": number, "kind": kind, "question": question})
        if kind == "reveal":
            poll.revealed = True
        else:
            poll.starts.append(at)
            poll.rounds.append({})

    def read_rows(self, learners: Any, events: Any, acts: Any) -> None:
        """Be what the store's rows say."""
        self.empty()
        for row in learners:
            self.add_learner(Learner(**row._mapping, seen=row.joined))
        for row in acts:
            self.act(row.number, row.at, row.kind, row.question)
        for row in events:
            learner = self.learners.get(row.learner)
            if learner is not None and self._is_understood(row):
                self.take(learner, row._mapping)
                learner.seen = max(learner.seen, row.at)

    def _is_understood(self, row: Any) -> bool:
        """Whether the course still has the option that was chosen."""
        question = self.outline.questions.get(row.question)
        return question is None or not row.choice or row.choice in question.marks

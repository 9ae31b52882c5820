"""Exercises: one check each, which asks AWS what is there and never the learner's variables.

What AWS cannot know, such as how a client behaves, the learner hands over: `check("4.1", lab, it)`.

The checks of a lesson live in `lesson_NN.py` beside this file, loaded when first used:

    @exercise("1.2", "a table under a key of your own")
    def own_key(inspection: Inspection) -> None:
        table = inspection.table()
        sse = table.get("SSEDescription")
        if sse is None:
            inspection.fail(
                "the table is encrypted under the AWS owned key: it has no SSEDescription",
                "Give create_table an SSESpecification with Enabled, SSEType and KMSMasterKeyId.",
            )
        kms = boto3.client("kms")
        key = kms.describe_key(KeyId=sse["KMSMasterKeyArn"])["KeyMetadata"]
        inspection.require(
            key["KeyManager"] == "CUSTOMER",
            passed=f"the table is encrypted under your key {key['KeyId']}",
            failed="its key is AWS managed: KMSMasterKeyId was left out",
            fix="Make a key with kms.create_key and name it in KMSMasterKeyId.",
        )

The learner's resources are found by a tag that the exercise asks for: `exercise` = `1.2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from workshop_lib.display.style import card, show
from workshop_lib.exercises.inspection import AGAIN, NEXT_STEPS, CheckEnded, Inspection, Step
from workshop_lib.exercises.people import keeping_clients
from workshop_lib.exercises.registry import find
from workshop_lib.exercises.wording import courses_words
from workshop_lib.lenses.refusals import describe
from workshop_lib.progress import Event, Journal, learners_journal, mark

_EMPTY = (
    "The lab is empty: a restart, or the set-up cell, began a new one. Run the cells above again, "
    "yours too, then this check."
)


@dataclass(frozen=True, repr=False)
class Result:
    """What a check found. error: a mistake of the check itself, of no meaning for the learner.

    empty: whether the lab holds nothing at all, so that nothing could be found.
    Shows itself as a card in a notebook, as text elsewhere.
    """

    number: str
    title: str
    steps: tuple[Step, ...] = ()
    error: Exception | None = None
    empty: bool = False

    @property
    def done(self) -> bool:
        """Whether every step was there."""
        return self.error is None and all(step.ok for step in self.steps)

    @property
    def condition(self) -> str:
        """The first thing that is not as asked, without the learner's values; else empty."""
        for step in self.steps:
            if not step.ok:
                return step.condition or courses_words(step.seen)
        return ""

    def __str__(self) -> str:
        if isinstance(self.error, LookupError) and not self.title:
            return f"There is no exercise {self.number}: take the number from its heading."
        if self.error is not None:
            return (
                f"The check of exercise {self.number} failed itself "
                f"({type(self.error).__name__}: {self.error}). Your work may well be right."
            )
        head = "✓ Exercise {} done: {}" if self.done else "Not yet, exercise {}: {}"
        lines = [head.format(self.number, self.title), *(f"  {said}" for said in self._beforehand)]
        for step in self.steps:
            lines.append(f"  {'✓' if step.ok else '✗'} {step.seen}")
            if step.fix:
                lines.append(f"    → {step.fix}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if self.error is not None:
            return card("note", f"Exercise {self.number}", str(self))._repr_html_()
        points = [
            f"{'✓' if step.ok else '✕'} {step.seen}" + (f"\n→ {step.fix}" if step.fix else "")
            for step in self.steps
        ]
        title = f"exercise {self.number}, {self.title}"
        kind = "done" if self.done else "todo"
        return card(kind, title, *self._beforehand, points=points)._repr_html_()

    @property
    def _beforehand(self) -> list[str]:
        """What the steps do not say, because they looked for one thing each."""
        return [_EMPTY] if self.empty and not self.done else []


def check(number: str, lab: Any, subject: Any = None) -> None:
    """Check exercise `number` ("1.2") in this lab and show what was found, on a card.

    Asks AWS as the lab's administrator; what it writes to see whether that is refused, it removes.
    Raises nothing: what is missing is said with the next step, and so is a refusal by AWS.
    subject: what the exercise is about, where it is in this process only, such as a client.
    That it passed, or what is missing first, is noted beside the learner's lessons.
    """
    result = examine(number, lab, subject)
    show(result)
    journal = learners_journal()
    _note(result, journal)
    if complaint := journal.complaint():
        show(card("note", "", complaint))


def _note(result: Result, journal: Journal) -> None:
    """Note what came of a check, unless it failed itself; never what stood in the sentence."""
    if result.error is not None:
        return
    question = mark("check", result.title)
    journal.append(
        Event(
            str(result.number).partition(".")[0],
            f"check {result.number}",
            "passed" if result.done else "failed",
            attempt=1 + len(journal.of(question)),
            question=question,
            choice="",
            condition=result.condition,
        )
    )


def examine(number: str, lab: Any, subject: Any = None) -> Result:
    """The same as data: the steps seen, whether done, and a mistake of the check itself."""
    inspection = Inspection(number, lab, subject)
    title = ""
    error: Exception | None = None
    empty = False
    try:
        exercise = find(str(number))
        title = exercise.title
        with _as_administrator(inspection):
            empty = getattr(lab, "empty", False)
            exercise.check(inspection)
        if not inspection.steps:
            raise AssertionError("it looked at nothing")
    except CheckEnded:
        pass
    except ClientError as refusal:
        said = describe(refusal)
        refused = f"AWS refused what the check asked: {said.code}"
        step = Step(False, str(said), NEXT_STEPS.get(said.code, AGAIN), refused)
        inspection.steps.append(step)
    except BotoCoreError as failure:
        inspection.steps.append(
            Step(False, f"AWS did not answer: {failure}", "Run the set-up cell again.")
        )
    except Exception as mistake:
        error = mistake
    return Result(number, title, tuple(inspection.steps), error, empty)


@contextmanager
def _as_administrator(inspection: Inspection) -> Iterator[None]:
    """The default session is the lab's own meanwhile, whatever the learner made of theirs."""
    if not hasattr(inspection.lab, "session"):
        inspection.fail(
            "the check got no lab", f'Run the set-up cell, then check("{inspection.number}", lab).'
        )
    before = boto3.DEFAULT_SESSION
    try:
        boto3.DEFAULT_SESSION = keeping_clients(inspection.lab.session())
    except RuntimeError as replaced:
        inspection.fail("the check got an old lab", str(replaced))
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before

"""What a learner has answered to a question, now and before."""

from __future__ import annotations

from workshop_lib.progress import Event, Journal, mark
from workshop_lib.questions.bank import Question


class Answers:
    """The answers to one question, noted in a journal under the name of what asks it.

    call: "predict 5.3" or "quiz 5.2". A question is known again by its own words, so that an
    update of the course that moves its number takes the answers along, and gives them to no other.
    """

    def __init__(self, question: Question, call: str, journal: Journal) -> None:
        self._question, self._call, self._journal = question, call, journal
        self._kind, _, number = call.partition(" ")
        self._lesson = number.partition(".")[0]
        self.mark = mark(self._kind, question.text)
        options = {mark("", option): option for option in question.options}
        self.tried: list[str] = []  # the options chosen so far, in order
        self.revealed = False  # whether the answer was looked at after the last of them
        self._asked_again = False
        for event in journal.of(self.mark):
            option = options.get(event.choice)
            if option is None:
                continue  # it was only seen, or an option that this question no longer has
            if event.outcome == "revealed":
                self.revealed = option == self.chosen
            else:
                self.tried.append(option)
                self.revealed = False

    def see(self) -> None:
        """Note that the question was shown, if for the first time."""
        self._journal.see(self._lesson, self._call, self.mark)

    @property
    def chosen(self) -> str | None:
        """The last choice; None if there is none, or none since the question was asked again."""
        return self.tried[-1] if self.tried and not self._asked_again else None

    def ask_again(self) -> None:
        """Ask anew: the next choice is noted, also if it is the last one still."""
        self._asked_again, self.revealed = True, False

    def choose(self, option: str) -> None:
        """Note a choice, unless it is the last one still."""
        if option != self.chosen:
            self.tried.append(option)
            self._asked_again = self.revealed = False
            self._note("right" if option == self._question.answer else "wrong")

    def reveal(self) -> None:
        """Note that the answer was looked at after a choice, unless it was before."""
        if self.chosen and not self.revealed:
            self.revealed = True
            self._note("revealed")

    def complaint(self) -> str:
        """What the learner has to know about where this is noted, said once; else empty."""
        return self._journal.complaint()

    def _note(self, outcome: str) -> None:
        self._journal.append(
            Event(
                self._lesson,
                self._call,
                outcome,
                attempt=len(self.tried),
                question=self.mark,
                choice=mark("", self.tried[-1]),
            )
        )

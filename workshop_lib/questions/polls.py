"""What a class does with a prediction: it votes, votes again, and is shown how it voted.

The class itself is told of elsewhere (`workshop_lib/classes`); here it reaches the questions that
are on the screen, and those that are shown later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakMethod

from workshop_lib.progress import mark
from workshop_lib.questions.bank import Question


@dataclass(frozen=True)
class ClassVote:
    """Where a class is with a question.

    round: the vote that is open, 1 for the first. voted: whether this learner has voted in it.
    rounds: how many chose each option in each vote, by the option's mark; empty until the
    instructor shows it.
    """

    round: int = 1
    voted: bool = False
    rounds: Sequence[Mapping[str, int]] = ()

    @property
    def asks_again(self) -> bool:
        """Whether this learner is to choose once more."""
        return self.round > 1 and not self.voted and not self.rounds


_votes: dict[str, ClassVote] = {}
_listeners: list[tuple[str, WeakMethod[Callable[[], None]]]] = []


def tell(question: str, vote: ClassVote) -> None:
    """Tell whoever shows the question of that mark; call it where widgets may be changed."""
    _votes[question] = vote
    for asked, listener in list(_listeners):
        heard = listener()
        if heard is None:
            _listeners.remove((asked, listener))
        elif asked == question:
            heard()


def about(question: str) -> ClassVote:
    """Where the class is with a question; in the first vote if nothing was told."""
    return _votes.get(question, ClassVote())


def note_vote(question: str) -> None:
    """The learner chose: the vote that is open has their choice."""
    if question in _votes:
        _votes[question] = replace(_votes[question], voted=True)


def listen(question: str, listener: Callable[[], None]) -> None:
    """Call a method when there is news of a question, as long as its object lives."""
    _listeners.append((question, WeakMethod(listener)))


def forget() -> None:
    """There is no class any more."""
    _votes.clear()


def note_on(vote: ClassVote, chosen: bool) -> str:
    """What the learner is told beside the question, with the marks of a Question's texts."""
    if vote.rounds:
        if not chosen:
            return "Your class has voted. Choose an option, and you see how."
        voters = ", then ".join(str(sum(counts.values())) for counts in vote.rounds)
        return f"This is how your class voted ({voters}): the numbers stand at the options."
    if vote.asks_again:
        return (
            "**Your class votes again.** Discuss it with your neighbours, then choose once more; "
            "the same choice counts too."
        )
    return "Your second vote is noted." if vote.round > 1 else ""


def counts_at(vote: ClassVote, question: Question, chosen: bool) -> list[str]:
    """What stands at each option: how many of the class chose it; empty until that is shown."""
    if not vote.rounds or not chosen:
        return [""] * len(question.options)
    return [
        "class: " + ", then ".join(str(counts.get(mark("", option), 0)) for counts in vote.rounds)
        for option in question.options
    ]

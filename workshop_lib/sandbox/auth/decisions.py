"""What the policies were asked for recent calls, so that it can be explained afterwards.

Refused calls are kept always, as they are few; the others only while somebody watches. What is
kept is the question; it is asked again, and explained, when somebody wants to know.
"""

from functools import partial
from typing import NamedTuple

from workshop_lib.sandbox.call import Call
from workshop_lib.sandbox.policy.evaluation import Decision
from workshop_lib.sandbox.policy.explanation import Explanation, explain

_CALLS = 256
"""How many calls are kept; the oldest go first."""
_QUESTIONS = 64
"""How many questions of one call are kept: DeleteObjects asks for each key. The last one decides
over a refusal, so the first go first."""


class _Asked(NamedTuple):
    operation: str
    evaluations: list[partial[Decision]]


class Decisions:
    """The recent calls' questions to the policies, by request id."""

    def __init__(self) -> None:
        self._kept: dict[str, _Asked] = {}
        self._watchers = 0

    def watch(self, watched: bool) -> None:
        """Keep the calls that are allowed as well (True), or no longer; may be nested."""
        self._watchers = max(0, self._watchers + (1 if watched else -1))

    def note(self, call: Call, *, refused: bool) -> None:
        """Keep what was asked for a call, if it is one to be kept; of the call itself nothing.

        What was asked refers to the call, and the call to its body, which may be large: the call
        lets go of it.
        """
        asked = call.evaluations[-_QUESTIONS:]
        call.evaluations.clear()
        if refused or self._watchers:
            self._kept[call.request_id] = _Asked(call.operation, [*map(_settled, asked)])
        while len(self._kept) > _CALLS:
            del self._kept[next(iter(self._kept))]

    def explain(self, request_id: str, operation: str | None = None) -> list[Explanation] | None:
        """Why each permission that a call needed was there or not, in the order of asking.

        None for a call that is not kept, or is not one of that operation: ids begin anew with
        each sandbox.
        """
        asked = self._kept.get(request_id)
        if asked is None or operation not in (None, asked.operation):
            return None
        return [explain(evaluation) for evaluation in asked.evaluations]


def _settled(evaluation: partial[Decision]) -> partial[Decision]:
    return partial(evaluation.func, evaluation.args[0].settled(), **evaluation.keywords)

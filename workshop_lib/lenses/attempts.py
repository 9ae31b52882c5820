"""`attempt()`: a block of code, and what became of it: allowed or refused.

It expects nothing, so that the code before a prediction does not give the answer away. Where the
expectation is openly stated, `refused(...)` says it and holds the block to it.
"""

from __future__ import annotations

from types import TracebackType

from workshop_lib.display.style import Card, card, show
from workshop_lib.lenses.plaintext import Secrets
from workshop_lib.lenses.refusals import Refusal, Silence, describe, is_refusal, refusal_card
from workshop_lib.lenses.trace import Trace

_MOST = 8  # calls that a card lists one by one


def attempt(label: str = "") -> _Attempt:
    """`with attempt():`, then one card that shows what happened.

    label: a few words for the card's corner, such as whose attempt it is ("the reader").

    The card is "Allowed" if the block ran to its end and every API call was answered with success;
    "Refused", with the code, one sentence and AWS's own words, if AWS, boto3 or an encryption
    library raised an error; a neutral note if the block ran to its end although a call was refused.
    Of several calls each is listed. `as seen` yields a `Refusal`: `seen.refused`, `seen.code`,
    `seen.message` … are complete once the block has ended.

    Any other error (a NameError, a failed assert, the lab's own) passes through, without a card.
    """
    return _Attempt(label)


class _Attempt:
    def __init__(self, label: str) -> None:
        self._label = label
        self._silence = Silence()
        self._calls = Trace(Secrets())

    def __enter__(self) -> Refusal:
        self._seen = Refusal()
        self._silence.start()
        self._calls.__enter__()
        return self._seen

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._calls.__exit__(kind, error, traceback)
        self._silence.stop()
        if error is None:
            show(self._ended())
            return False
        if not isinstance(error, Exception) or not is_refusal(error):
            return False
        vars(self._seen).update(vars(describe(error)))
        calls = self._calls.made()
        points = self._listed(calls) if len(calls) > 1 else []
        show(refusal_card(self._seen, label=self._label, points=points))
        return True

    def _ended(self) -> Card:
        calls = self._calls.made()
        many = len(calls) != 1
        who = f"{len(calls)} calls" if many else " · ".join(calls[0][:2])
        where = " · ".join(filter(None, (self._label, who if calls else "")))
        points = self._listed(calls) if many else []
        if not calls:
            return card("allowed", "", "It ran to its end; AWS was not called.", where=where)
        if not all(_succeeded(outcome) for *_, outcome in calls):
            return card("note", "It ran to its end", where=where, points=self._listed(calls))
        said = [] if many else [f"{calls[0][0]} answered {calls[0][2]}."]
        return card("allowed", "", *said, where=where, points=points)

    def _listed(self, calls: list[tuple[str, str, str]]) -> list[str]:
        lines = [
            f"{service} · {operation}: {outcome if _succeeded(outcome) else f'refused, {outcome}'}"
            for service, operation, outcome in calls
        ]
        more = len(lines) - _MOST
        return lines if more <= 0 else [*lines[:_MOST], f"… and {more} more calls"]


def _succeeded(outcome: str) -> bool:
    return outcome.isdigit() and outcome < "400"

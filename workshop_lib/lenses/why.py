"""`why(...)`: which statement of which policy allowed a call or denied it, or which is missing.

It asks the lab, which remembers by request id what its policies were asked: of every refused call,
and of the others while a trace is open.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workshop_lib.display.style import Card, page
from workshop_lib.errors import LearnerError
from workshop_lib.lenses.decisions import Reason, reasons
from workshop_lib.lenses.refusals import Refusal, aws_error
from workshop_lib.lenses.trace import Trace


class NotExplained(LearnerError, LookupError):
    """There is nothing to explain a call with."""


def why(asked: Any, call: int | None = None) -> Why:
    """Say why AWS allowed a call or denied it: the statement that decided, or the one missing.

        with trace() as calls:
            s3.get_object(Bucket=bucket, Key="report")
        why(calls)

    Args:
        asked: an error that boto3 raised (or a library, because of one), what
            `with refused(…) as refusal` gave, a trace, or the answer of a call that was made
            while a trace was open.
        call: of a trace, the one call that is meant: its row, counted from 0. Without it, all.

    Returns:
        What shows itself as a card per permission that the call needed, with all statements
        folded below. S3 and DynamoDB ask KMS in the caller's name: that is among them.

    Raises:
        NotExplained (a LookupError): nothing is known of that call.
    """
    if isinstance(asked, Trace):
        calls = asked.answers
        if not calls:
            raise NotExplained("The trace holds no call yet: make one in its block, then ask why.")
        if call is not None and not -len(calls) <= call < len(calls):
            raise NotExplained(f"The trace has the calls 0 to {len(calls) - 1}: choose one.")
        chosen = calls if call is None else [calls[call]]
        return Why([_explained(*each) for each in chosen])
    if isinstance(asked, Refusal):
        asked = asked.error
    error = aws_error(asked) if isinstance(asked, BaseException) else None
    if error is not None:
        code = error.response.get("Error", {}).get("Code", "")
        return Why([_explained(_request_id(error.response), error.operation_name, str(code))])
    if isinstance(asked, Mapping) and "ResponseMetadata" in asked:
        return Why([_explained(_request_id(asked), None, "")])
    raise NotExplained(
        "AWS answered nothing here that could be explained: give an error of boto3, what "
        "refused(…) gave, a trace, or the answer of a call."
    )


class Why:
    """What :func:`why` returns: cards in a notebook, the same words elsewhere."""

    def __init__(self, calls: Sequence[Sequence[Card]]) -> None:
        self.cards = [card for cards in calls for card in cards]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.cards))

    def _repr_html_(self) -> str:
        return page("\n".join(card.html for card in self.cards))


def _explained(request_id: str, operation: str | None, code: str) -> list[Card]:
    found = reasons(request_id, operation)
    if found is None:
        raise NotExplained(
            "Nothing is known of this call: make it again, inside `with trace() as calls:`, and "
            "ask why(calls)."
        )
    if code and all(reason.allowed for reason in found):
        text = f"It was refused with `{code}` for another reason than permissions."
        return [Card("note", "No policy denied it", [text], operation or ""), *map(_card, found)]
    if not found:
        return [Card("note", "No permission was needed", where=operation or "")]
    return [_card(reason) for reason in found]


def _card(reason: Reason) -> Card:
    steps = " ".join(f"{number}. {step}" for number, step in enumerate(reason.steps, 1))
    asked = f"`{reason.principal}` asks for `{reason.action}` on `{reason.resource}`."
    folded = [("Who asked for what", asked)]
    if steps:
        folded.append(("Statement by statement", steps))
    return Card(
        "allowed" if reason.allowed else "refused",
        "",
        [reason.sentence],
        where=reason.action,
        folded=folded,
    )


def _request_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))

"""Where a lens hears of the calls that services make for a call: S3 or DynamoDB asking KMS.

They pass no client of this process, so that only the AWS behind the lab can tell. The lab says
where: it hands over the list of those who are told, and a lens adds itself to it for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Asked(Protocol):
    """One such call, as the AWS behind the lab tells it.

    request_id: of the call for which it was made. via: the service that asked ("s3").
    own: whether by a grant of the service's own, and not in the caller's name. error: the code of
    a refusal, "" if there is none. answer: what came back, empty after a refusal.
    """

    request_id: str
    via: str
    operation: str
    own: bool
    parameters: Mapping[str, Any]
    answer: Mapping[str, Any]
    error: str


Witness = Callable[[Any], None]
Witnesses = list[Witness]

_told: Witnesses | None = None


def hear_from(told: Witnesses) -> None:
    """Take the list of those who are told; it replaces an earlier one."""
    global _told
    _told = told


def listen(witness: Witness) -> Witnesses | None:
    """Add a witness; returns the list it was added to, None where nobody tells."""
    if _told is not None:
        _told.append(witness)
    return _told


def stop(told: Witnesses | None, witness: Witness) -> None:
    """Take a witness off the list that `listen` returned."""
    if told is not None and witness in told:
        told.remove(witness)

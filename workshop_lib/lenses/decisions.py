"""Where the lenses learn why AWS decided as it did: the lab names the source when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reason(Protocol):
    """Why one permission was there or not; `sentence` and `steps` have `backticks`."""

    @property
    def allowed(self) -> bool:
        """Whether it was there."""

    @property
    def action(self) -> str:
        """The action, "s3:GetObject"."""

    @property
    def resource(self) -> str:
        """The resource, an ARN or "*"."""

    @property
    def principal(self) -> str:
        """Who asked."""

    @property
    def sentence(self) -> str:
        """Which statement decided, or is missing."""

    @property
    def steps(self) -> Sequence[str]:
        """What each statement says."""


class Source(Protocol):
    """What knows the reasons: the lab's AWS."""

    def watch(self, watched: bool) -> None:
        """Remember calls that are allowed as well, or no longer."""

    def explain(self, request_id: str, operation: str | None) -> Sequence[Reason] | None:
        """The reasons for a call; None where it is not remembered."""


_source: Source | None = None


def explained_by(source: Source) -> None:
    """Ask this source from now on."""
    global _source
    _source = source


def watch(watched: bool) -> None:
    """Have calls that are allowed remembered as well, or no longer; may be nested."""
    if _source is not None:
        _source.watch(watched)


def reasons(request_id: str, operation: str | None) -> Sequence[Reason] | None:
    """The reasons for a call, in the order in which they were asked for; None if unknown."""
    return None if _source is None else _source.explain(request_id, operation)

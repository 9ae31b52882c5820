"""The sandbox's own clock: real time plus whatever the learner asked to skip."""

from datetime import UTC, datetime, timedelta

from workshop_lib.errors import WrongArgument

_FARTHEST = timedelta(days=365_000)  # what follows is years with five digits
_skipped = timedelta()


def now() -> datetime:
    """The sandbox's time, as an aware UTC datetime."""
    return datetime.now(UTC) + _skipped


def advance(by: timedelta) -> None:
    """Move the clock on by ``by``; WrongArgument when that cannot be."""
    global _skipped
    if by < timedelta():
        raise WrongArgument("The sandbox's clock only moves forward.")
    if by > _FARTHEST - _skipped:
        raise WrongArgument("The sandbox's clock goes 1,000 years ahead at most.")
    _skipped += by


def reset() -> None:
    """Back to real time."""
    global _skipped
    _skipped = timedelta()

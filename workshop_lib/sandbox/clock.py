"""The sandbox's own clock: real time plus whatever the learner asked to skip."""

from datetime import UTC, datetime, timedelta

_skipped = timedelta()


def now() -> datetime:
    """The sandbox's time, as an aware UTC datetime."""
    return datetime.now(UTC) + _skipped


def advance(by: timedelta) -> None:
    """Move the clock on by ``by``; ValueError when that would turn it back."""
    global _skipped
    if by < timedelta():
        raise ValueError("The sandbox's clock only moves forward.")
    _skipped += by


def reset() -> None:
    """Back to real time."""
    global _skipped
    _skipped = timedelta()

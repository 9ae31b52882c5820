"""Trying something that was tampered with: does it open, and if not, who noticed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workshop_lib.display.style import Chip
from workshop_lib.errors import LearnerError
from workshop_lib.lenses.refusals import aws_error, describe, quiet_libraries

NOBODY = "nobody"
_NOT_DATA = ("ResponseMetadata", "ConsumedCapacity")
_LONGEST = 160


class DoesNotOpen(LearnerError, ValueError):
    """What is to be tampered with does not open even as it is."""


@dataclass(frozen=True)
class Outcome:
    """Who noticed ("nobody", or a service or library), and what came of it in words."""

    who: str
    said: str
    harmless: bool = False
    """Whether the reader gets what they got before."""

    @property
    def noticed(self) -> bool:
        """Whether anybody did."""
        return self.who != NOBODY

    @property
    def chip(self) -> Chip:
        """Who noticed, in green, for that is what a reader wants; nobody, in red.

        Nobody has anything to notice where what is read is what it was: that is neither.
        """
        if self.noticed:
            return Chip("allowed", f"✓ {self.who}")
        return Chip("neutral", self.who) if self.harmless else Chip("refused", f"✕ {self.who}")


def opened(read: Callable[[], Any]) -> Any:
    """What is read while nobody has tampered; raises DoesNotOpen if it is refused."""
    try:
        return data(read())
    except Exception as error:
        raise DoesNotOpen(
            f"It does not open even as it is ({noticed_by(error).said}): "
            "mend what you hand over, then tamper."
        ) from error


def attempt(read: Callable[[], Any], honest: Any) -> Outcome:
    """Read, and say who noticed, or what the reader gets beside what he got honestly."""
    try:
        with quiet_libraries():
            result = data(read())
    except Exception as error:  # what refuses may be any library's own
        return noticed_by(error)
    if result == honest:
        return Outcome(NOBODY, "it opens, and reads as before", harmless=True)
    if not result:
        return Outcome(NOBODY, "it opens, and there is nothing to read")
    return Outcome(NOBODY, "it opens, but its content has changed")


def noticed_by(error: Exception) -> Outcome:
    """Who raised an error, and in which words."""
    told = describe(error)
    beneath = None if told.operation else aws_error(error)
    who = told.service or "Python"
    if beneath is not None:
        who = f"{describe(beneath).service}, asked by {who}"
    said = f"{told.code}: {told.message}" if told.message else told.code
    return Outcome(who, said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…")


def data(result: Any) -> Any:
    """An answer of AWS without what is new in every answer."""
    if isinstance(result, Mapping):
        return {name: value for name, value in result.items() if name not in _NOT_DATA}
    return result

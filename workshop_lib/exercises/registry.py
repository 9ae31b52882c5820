"""The checks, by the number of their exercise."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from workshop_lib.exercises.inspection import Inspection


@dataclass(frozen=True)
class Exercise:
    """An exercise: what is to be achieved, and the check of it."""

    title: str
    check: Callable[[Inspection], None]


_by_number: dict[str, Exercise] = {}


def exercise(
    number: str, title: str
) -> Callable[[Callable[[Inspection], None]], Callable[[Inspection], None]]:
    """Make a function the check of exercise `number` ("1.2": the second one of lesson 01).

    title: what the learner is to achieve, in words that fit behind "done:".
    Raises ValueError if the number is taken by another check.
    """

    def register(function: Callable[[Inspection], None]) -> Callable[[Inspection], None]:
        taken = _by_number.get(number)
        # A module that is loaded again registers its own functions again.
        if taken and _name(taken.check) != _name(function):
            raise ValueError(f"Exercise {number} is {_name(taken.check)} already.")
        _by_number[number] = Exercise(title, function)
        return function

    return register


def _name(function: Callable[[Inspection], None]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def find(number: str) -> Exercise:
    """The exercise ``number`` ("1.2"); raises LookupError where there is none."""
    if number not in _by_number:
        _load(number.partition(".")[0])
    if number not in _by_number:
        raise LookupError(f"there is no exercise {number}")
    return _by_number[number]


def exercises_of(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson ("1"), by number and in order; empty if it has none."""
    _load(lesson)
    numbers = [number for number in _by_number if number.partition(".")[0] == lesson]
    ordered = sorted(numbers, key=lambda number: int(number.partition(".")[2]))
    return {number: _by_number[number] for number in ordered}


def _load(lesson: str) -> None:
    """Load the checks of a lesson, if it has any."""
    if not lesson.isdecimal():
        return
    module = f"{__package__}.lesson_{lesson.zfill(2)}"
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise

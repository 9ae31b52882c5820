"""What a learner did in a form, kept while this kernel lives: its cell may run again."""

from __future__ import annotations

from typing import Any

_kept: dict[tuple[str, ...], dict[str, Any]] = {}


def kept(*form: str) -> dict[str, Any]:
    """What was done in the form of these words, empty at first; what is put there stays.

    form: its script and what it shows. A form that shows the same is the same.
    """
    return _kept.setdefault(form, {})

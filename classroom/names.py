"""Pseudonyms: what a learner is called where no name is wanted."""

from __future__ import annotations

import secrets
from collections.abc import Container

_COLOURS = (
    "Amber", "Azure", "Coral", "Copper", "Golden", "Green", "Indigo", "Ivory", "Jade", "Lilac",
    "Orange", "Pink", "Purple", "Red", "Rose", "Ruby", "Silver", "Teal", "Violet", "White",
)  # fmt: skip
_ANIMALS = (
    "Badger", "Bear", "Beaver", "Bee", "Camel", "Crane", "Deer", "Dolphin", "Eagle", "Falcon",
    "Finch", "Fox", "Hare", "Heron", "Ibex", "Koala", "Lark", "Lion", "Lynx", "Marmot",
    "Mole", "Moose", "Newt", "Otter", "Owl", "Panda", "Puffin", "Raven", "Robin", "Salmon",
    "Seal", "Stork", "Swan", "Tiger", "Toad", "Turtle", "Walrus", "Whale", "Wolf", "Zebra",
)  # fmt: skip


def new_pseudonym(taken: Container[str]) -> str:
    """A colour and an animal that nobody in the class has; with a number when all are taken."""
    for number in range(1, 100):
        for _ in range(50):
            name = f"{secrets.choice(_COLOURS)} {secrets.choice(_ANIMALS)}"
            name = name if number == 1 else f"{name} {number}"
            if name not in taken:
                return name
    raise RuntimeError("the class is full")

"""The plans of a class: what comes when, from `plans.toml`.

`python -m classroom.plans` renews their tables in `guide.md`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
GUIDE = HERE / "guide.md"
_TABLES = re.compile(r"(<!-- plans -->\n).*?(<!-- end of plans -->)", re.S)


@dataclass(frozen=True)
class Section:
    """A part of a session. lesson: the number of the lesson that it works in, "05"; or None."""

    title: str
    minutes: int
    lesson: str | None = None


@dataclass(frozen=True)
class Plan:
    """A session, section by section. name: what `--plan` calls it."""

    name: str
    title: str
    sections: tuple[Section, ...]


def plans() -> list[Plan]:
    """The plans in their order."""
    found = tomllib.loads((HERE / "plans.toml").read_text("utf-8"))["plan"]
    return [
        Plan(name, each["title"], tuple(Section(**part) for part in each["sections"]))
        for name, each in found.items()
    ]


def tables() -> str:
    """The plans as Markdown: for each a heading and a table with running minutes."""
    lines: list[str] = []
    for plan in plans():
        lines += ["", f"### {plan.title}", "", "| from | minutes | |", "| --- | --- | --- |"]
        begins = 0
        for section in plan.sections:
            clock = f"{begins // 60}:{begins % 60:02}"
            lines.append(f"| {clock} | {section.minutes} | {section.title} |")
            begins += section.minutes
    return "\n".join([*lines, "", ""])


def renewed(guide: str) -> str:
    """The guide with the tables that the plans have now."""
    return _TABLES.sub(lambda found: found[1] + tables() + found[2], guide)


if __name__ == "__main__":
    GUIDE.write_text(renewed(GUIDE.read_text("utf-8")), "utf-8")

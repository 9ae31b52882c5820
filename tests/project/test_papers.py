"""README, ARCHITECTURE and CONTRIBUTING name what is there: in backticks, in commands, in links."""

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.ledger import ROOT

PAPERS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
LIBRARY = ROOT / "workshop_lib"
# Where the paths of the papers begin: see the first lines of ARCHITECTURE.md.
BASES = (ROOT, LIBRARY / "sandbox")
SOURCES = [
    *ROOT.glob("*.py"), *ROOT.glob("*.toml"), *LIBRARY.rglob("*.py"), *LIBRARY.rglob("*.toml"),
    *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py"),
]  # fmt: skip
MADE_BY_COMMANDS = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
PATH = re.compile(r"[\w.<>-]*/[\w./<>-]*|[\w.-]+\.(py|md|toml|yml|lock|cfg|js|css|svg|ipynb)")
NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?")


def lines(paper: str) -> Iterator[tuple[str, bool]]:
    """The lines of a paper, and whether each is a command in a fenced block."""
    fenced = False
    for line in (ROOT / paper).read_text("utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        else:
            yield line, fenced


def quoted(line: str) -> list[str]:
    return re.findall(r"`([^`]+)`", line)


def is_path(text: str) -> bool:
    return bool(PATH.fullmatch(text))


def files(text: str, bases: tuple[Path, ...] = BASES) -> list[Path]:
    """What a path of the papers stands for; NN is a lesson's number, <name> any name."""
    pattern = re.sub(r"<\w+>", "*", text.replace("NN", "[0-9][0-9]")).rstrip("/")
    return [path for base in bases for path in base.glob(pattern)]


def is_there(text: str, line: str) -> bool:
    if text.split("/")[0] in MADE_BY_COMMANDS:
        return True
    room = (
        [path for each in quoted(line.split("|")[1]) for path in files(each)] if "|" in line else []
    )
    if files(text, (*BASES, *(path for path in room if path.is_dir()))):
        return True
    # A file of a table's row is in the room of that row; elsewhere its name says enough.
    return not room and "/" not in text and any(path.name == text for path in SOURCES)


@cache
def names() -> frozenset[str]:
    """Every module, class, function, method and attribute of the library, with all it is in."""
    found = set()
    for path in LIBRARY.rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        found |= {module, *names_in(ast.parse(path.read_text("utf-8")), module)}
    return frozenset(found)


def names_in(node: ast.AST, place: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{place}.{child.name}"
            yield from names_in(child, f"{place}.{child.name}")
            for each in ast.walk(child):
                if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self":
                    yield f"{place}.{child.name}.{each.attr}"
        elif isinstance(child, ast.FunctionDef):
            yield f"{place}.{child.name}"


def is_name(text: str) -> bool:
    """Whether a dotted name is one of the library's; ``lab`` is a Lab."""
    dotted = re.sub(r"^lab\.", "Lab.", text)
    return any(f".{each}".endswith(f".{dotted}") for each in names())


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", "\n".join(path.read_text("utf-8") for path in SOURCES)))


@cache
def workshop() -> Any:
    spec = importlib.util.spec_from_file_location("workshop_commands", ROOT / "workshop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_command(text: str) -> None:
    """A command's script or module is there, workshop.py knows its sub-command, files exist."""
    python, *rest = [each for each in shlex.split(text, comments=True) if "=" not in each]
    assert python in ("python3", ".venv/bin/python", ".venv-site/bin/python"), text
    if rest[0] == "-m":
        assert importlib.util.find_spec(rest[1]), text
    elif rest[0] == "workshop.py":
        workshop().parse(rest[1:])
    assert all(files(each, (ROOT,)) for each in rest if is_path(each)), text


@pytest.mark.parametrize("paper", PAPERS)
def test_what_a_paper_names_is_there(paper: str) -> None:
    missing = []
    for line, fenced in lines(paper):
        for text in [line] if fenced else quoted(line):
            name = NAME.fullmatch(text)
            if "python" in text and " " in text:
                check_command(text)
            elif is_path(text):
                missing += [] if is_there(text, line) else [text]
            elif name and "." in name[1]:
                missing += [] if is_name(name[1]) else [text]
            elif name and name[1] not in words():
                missing.append(text)
    assert not missing


def test_each_step_of_a_request_is_in_the_file_it_names() -> None:
    rows = [line.split("|")[1:-1] for line, _ in lines("ARCHITECTURE.md") if line.startswith("|")]
    steps = [row for row in rows if len(row) == 3 and quoted(row[0])]
    assert len(steps) > 10
    for where, what, by in steps:
        modules = [path for text in [*quoted(where), *quoted(what)] for path in files(text)]
        defined = {name for path in modules for name in names_in(ast.parse(path.read_text()), "")}
        others = {name for name in quoted(by) if f".{name}" not in defined}
        assert not others, where


def test_every_package_has_its_line() -> None:
    named = {
        path
        for line, _ in lines("ARCHITECTURE.md")
        for text in quoted(line)
        if is_path(text)
        for path in files(text)
    }
    packages = {path.parent for path in LIBRARY.rglob("__init__.py")}
    assert not packages - named


@pytest.mark.parametrize("paper", PAPERS)
def test_links_resolve(paper: str) -> None:
    text = (ROOT / paper).read_text("utf-8")
    targets = re.findall(r"\]\(((?!https?://|#)[^)\s]+)\)", text)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]

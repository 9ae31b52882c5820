"""The course with exactly the compiled packages that a browser has, and with the trimmed ones.

Natively: what Pyodide's own wheels do is not tried here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from browser import lessons
from tests.browser.stand_ins.making import COMPILED
from tests.support.lessons import LESSONS, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.long]
TRIMMED = ("boto3", "botocore", "moto")
NBVAL = ("--nbval", "--nbval-sanitize-with", "tests/support/nbval_sanitize.cfg",
         "--nbval-cell-timeout", "600")  # fmt: skip


@pytest.fixture(scope="module")
def path(site: Path, pinned: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where Python looks first: the four, then the site's own botocore, boto3 and moto."""
    folder = tmp_path_factory.mktemp("trimmed")
    for name in TRIMMED:
        (wheel,) = (site / "live/packages").glob(f"{name}-*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder, [n for n in packed.namelist() if "__pycache__" not in n])
    return os.pathsep.join(map(str, (pinned, folder, ROOT)))


def run(path: str, *arguments: str) -> list[str]:
    """The names of the tests that failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert re.search(r"\d+ passed", done.stdout), done.stdout[-3000:] + done.stderr[-3000:]
    return re.findall(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", done.stdout, re.M)


def test_the_versions_are_those_of_pyodides_lock(site: Path) -> None:
    lock = json.loads((site / "live/packages/pyodide-lock.json").read_text("utf-8"))["packages"]
    named = re.findall(r"^([a-z]+)==(\S+)", COMPILED.read_text("utf-8"), re.M)
    assert named == [(name, lock[name]["version"]) for name, _ in named]
    assert {name for name, _ in named} == {"cffi", "cryptography", "numpy", "pandas"}


def test_they_are_what_is_imported(path: str) -> None:
    names = (*TRIMMED, "cryptography", "numpy", "pandas")
    code = f"print([__import__(name).__file__ for name in {names!r}])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "site-packages" not in done.stdout


@pytest.fixture(scope="module")
def failed(path: str) -> list[str]:
    """The cells of all lessons that show something else than elsewhere."""
    return run(path, *NBVAL, *(str(lesson.relative_to(ROOT)) for lesson in LESSONS))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_lesson_shows_what_it_shows_elsewhere(lesson: Path, failed: list[str]) -> None:
    """But for the cells that `differences.toml` names, where they show something."""
    told: dict[str, Any] = lessons.differences().get(lesson.name[:2], {})
    cells = json.loads(lesson.read_text("utf-8"))["cells"]
    code = [cell["id"] for cell in cells if cell["cell_type"] == "code" and cell["source"]]
    here = [name for name in failed if lesson.name in name]
    found = [code[int(re.findall(r"Cell (\d+)", name)[0])] for name in here]
    assert set(found) <= {*told.get("errors", ()), *told.get("otherwise", ())}


@pytest.mark.parametrize("room", ["exercises", "fidelity/kms"])
def test_the_sandbox_keeps_its_rules(room: str, path: str) -> None:
    """But for post-quantum keys, which it refuses by name: lesson 11 and its rules need them.

    Of each rule and each check the first cases: all of them run elsewhere, on the same code.
    """
    bare_moto = "not TestFindingByTag"  # these want all of it, and no sandbox
    first = ("-p", "tests.browser.first_cases")
    failed = run(path, f"tests/{room}", *first, "-m", "not slow", "-k", bare_moto)
    expected = re.compile(r"test_(post_quantum|lesson_11_checks)\.py")
    assert not [name for name in failed if not expected.search(name)]

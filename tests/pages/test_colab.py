"""Lessons for Google Colab: a first cell that sets it up, and what that installs."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import pages
from pages import colab
from tests.support.lessons import LESSONS, ROOT

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ADDRESS = "https://github.com/somebody/course"


def names(entries: list[str]) -> set[str]:
    return {entry.split("==")[0] for entry in entries}


def test_what_colab_brings_is_left_to_it() -> None:
    found = names(colab.needed(LOCK))
    course = {"boto3", "moto", "cryptography", "aws-encryption-sdk", "dynamodb-encryption-sdk"}
    beneath = {"botocore", "cffi", "wrapt", "psygnal", "urllib3"}
    assert course | beneath <= found
    colabs = {"ipywidgets", "ipykernel", "ipython", "pandas", "numpy", "jupyterlab", "tornado"}
    assert not colabs & found
    assert not {"pip", "uv"} & found


def test_an_entry_keeps_its_version_and_its_hashes() -> None:
    for entry in colab.needed(LOCK):
        assert entry in LOCK
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}", entry, re.M)


def test_what_is_needed_is_found_through_what_needs_it() -> None:
    lock = (
        "a==1 \\\n    --hash=sha256:0\n    # via where-is-the-plaintext (pyproject.toml)\n"
        "b==1 \\\n    --hash=sha256:0\n    # via\n    #   a\n    #   pandas\n"
        "c==1 \\\n    --hash=sha256:0\n    # via pandas\n"
        "d==1 \\\n    --hash=sha256:0\n    # via b\n"
        "pandas==1 \\\n    --hash=sha256:0\n    # via where-is-the-plaintext (pyproject.toml)\n"
    )
    assert names(colab.needed(lock)) == {"a", "b", "d"}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_for_colab_is_the_lesson_with_a_cell_before_it(path: Path) -> None:
    made = nbformat.reads(colab.colab_notebook(path, ADDRESS), as_version=4)
    nbformat.validate(made)
    first, *cells = made.cells
    assert f"git clone --quiet --depth 1 {ADDRESS} course" in first.source
    original = nbformat.read(path, as_version=4).cells
    assert len(cells) == len(original)
    for cell, same in zip(cells, original, strict=True):
        if cell.cell_type == "code":
            assert cell.source == same.source
            assert not cell.outputs
        else:
            assert "](../images" not in cell.source
            inlined = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", cell.source)
            assert all(base64.b64decode(each).startswith(b"<svg") for each in inlined)
            assert len(inlined) == same.source.count("](../images/")


def test_the_lessons_for_colab_are_made_where_the_address_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    pages.build(tmp_path / "here")
    assert not (tmp_path / "here" / "colab").exists()
    monkeypatch.setenv("GITHUB_REPOSITORY", "somebody/course")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    pages.build(tmp_path / "there")
    made = sorted(path.name for path in (tmp_path / "there" / "colab").iterdir())
    assert made == [path.name for path in LESSONS]
    page = (tmp_path / "there" / "lessons" / f"{LESSONS[0].stem}.html").read_text("utf-8")
    assert f'href="../colab/{LESSONS[0].name}" download' in page


def test_readme_names_the_same_cell() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert colab.CELL in re.sub(r"^  ", "", readme, flags=re.M)


def test_set_up_installs_once_by_hash_into_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(colab, "PACKAGES", tmp_path / ".colab")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command))
    colab.set_up()
    colab.set_up()
    (command,) = calls
    assert {"--no-deps", "--require-hashes", "--target"} <= set(command)
    assert {str(ROOT), str(tmp_path / ".colab")} <= set(sys.path)
    requirements = (tmp_path / ".colab" / "requirements.txt").read_text("utf-8")
    assert requirements == "".join(colab.needed(LOCK))


def test_it_runs_on_the_standard_library_alone() -> None:
    """Colab runs the file before anything is installed."""
    code = (
        f"import runpy, sys; runpy.run_path({str(ROOT / 'pages' / 'colab.py')!r}); "
        "print([name for name in ('mistune', 'jinja2', 'pages') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"

"""Wheels of what is installed: they hold what a browser can use, and are what they say."""

import base64
import hashlib
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from browser import wheels
from browser.build import ROOT, course_needs
from browser.trouble import Trouble

# Shipped without the compiled modules that they have here.
WITHOUT = ("charset-normalizer", "markupsafe", "psygnal", "pyyaml", "wcwidth", "wrapt")


@pytest.fixture(scope="module")
def needs() -> dict[str, list[str]]:
    return course_needs(ROOT)


def test_a_wheel_says_what_it_holds(tmp_path: Path) -> None:
    wheel = wheels.pack("boto3", ["botocore"], tmp_path)
    assert (wheel.name, wheel.imports, wheel.depends) == ("boto3", ["boto3"], ["botocore"])
    with zipfile.ZipFile(wheel.path) as packed:
        home = f"boto3-{wheel.version}.dist-info"
        lines = packed.read(f"{home}/RECORD").decode().splitlines()
        assert {line.split(",")[0] for line in lines} == set(packed.namelist())
        for line in lines:
            name, digest, _ = line.split(",")
            if digest:
                found = hashlib.sha256(packed.read(name)).digest()
                right = base64.urlsafe_b64encode(found).decode().rstrip("=")
                assert digest == f"sha256={right}"
    assert wheel.sha256 == hashlib.sha256(wheel.path.read_bytes()).hexdigest()


def test_the_same_files_are_the_same_wheel(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, second = (wheels.pack("six", [], folder) for folder in (tmp_path, tmp_path / "again"))
    assert first.sha256 == second.sha256


def test_what_is_compiled_is_one_of_the_four_or_goes_without(
    needs: dict[str, list[str]], tmp_path: Path
) -> None:
    compiled = {
        name
        for name in needs
        if name != wheels.COURSE
        and any(str(file).endswith(wheels.LIBRARIES) for file in distribution(name).files or ())
    }
    assert compiled == {*wheels.COMPILED, *WITHOUT}
    packed = [wheels.pack(name, [], tmp_path) for name in (*WITHOUT, "typing-extensions")]
    names = {module for wheel in packed for module in wheel.imports}
    modules = sorted(name for name in names if not name.startswith("_"))
    code = (
        f"import sys; sys.path[:0] = {[str(wheel.path) for wheel in packed]!r}; "
        f"modules = [__import__(name) for name in {modules!r}]; "
        "print(all('.whl' in module.__file__ for module in modules))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


def test_what_is_left_out_is_named_and_asked_for_by_nobody(needs: dict[str, list[str]]) -> None:
    assert not wheels.NOT_THERE.keys() & needs.keys()
    assert all(each in needs for depends in needs.values() for each in depends)


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(Trouble, match="no-such-package is not installed"):
        wheels.closure(["no-such-package"])

"""pyproject.toml, environment.yml and the locks name the same environment."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = tuple(sorted(path.name for path in ROOT.glob("requirements*.lock")))
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = PYPROJECT["project"]


def keyed(requirements: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


DIRECT = keyed(PROJECT["dependencies"])
DEV = keyed(PROJECT["optional-dependencies"]["dev"])
GROUPS = {name: keyed(each) for name, each in PYPROJECT["dependency-groups"].items()}
SETUP, CLASS, HUB, SITE = (GROUPS[name] for name in ("setup", "class", "hub", "site"))


def conda() -> tuple[list[str], list[str]]:
    """The requirements of environment.yml: those for conda, those for pip."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = (entry["pip"] for entry in entries if isinstance(entry, dict))
    return [entry for entry in entries if isinstance(entry, str)], pip


def locked(name: str) -> dict[str, str]:
    """The lock's entries: each package with its whole block of lines."""
    blocks = re.split(r"^(?=\S)", (ROOT / name).read_text(), flags=re.M)
    return {canonicalize_name(block.split("==")[0]): block for block in blocks if block}


def version(block: str) -> str:
    return block.split("==")[1].split()[0]


def test_conda_gets_the_same_packages_and_bounds() -> None:
    by_conda, by_pip = conda()
    python, pip, *rest = by_conda
    assert Requirement(python).specifier == SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert by_pip[-1] == "-e .", "the course itself: Binder copies it only if this is there"
    named = keyed(rest) | keyed(by_pip[:-1])
    assert len(named) == len(rest) + len(by_pip) - 1, "each package once"
    assert named == DIRECT
    assert all(not requirement.extras for requirement in keyed(rest).values()), "conda has none"


def test_everything_names_the_same_pythons() -> None:
    bounds = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"])
    assert bounds
    oldest, newest = int(bounds[1]), int(bounds[2]) - 1
    script = (ROOT / "workshop.py").read_text("utf-8")
    assert f'SUPPORTED: str = "3.{oldest} to 3.{newest}"' in script
    assert f"--universal --python-version 3.{oldest} " in script, "the locks begin with the oldest"
    assert f"You need Python 3.{oldest} to 3.{newest}," in (ROOT / "README.md").read_text("utf-8")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py3{oldest}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == f"3.{oldest}"


def test_every_direct_dependency_is_bounded() -> None:
    for requirement in [r for each in (DIRECT, DEV, *GROUPS.values()) for r in each.values()]:
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, f"{requirement} needs a lower and an upper bound"


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", DIRECT | SETUP),
        ("requirements-dev.lock", DIRECT | SETUP | DEV | CLASS),
        ("requirements-class.lock", SETUP | CLASS),
        ("requirements-hub.lock", DIRECT | SETUP | CLASS | HUB),
        ("requirements-site.lock", DIRECT | SETUP | SITE),
    ],
)
def test_locks_hold_the_direct_dependencies_within_their_bounds(
    lock: str, wanted: dict[str, Requirement]
) -> None:
    blocks = locked(lock)
    for name, requirement in wanted.items():
        assert name in blocks, f"{lock} lacks {name}: python3 workshop.py lock"
        assert version(blocks[name]) in requirement.specifier


def test_the_learners_lock_is_part_of_the_tests_lock() -> None:
    learners, tests = locked("requirements.lock"), locked("requirements-dev.lock")
    assert len(learners) > 50
    assert {name: version(block) for name, block in learners.items()}.items() <= {
        name: version(block) for name, block in tests.items()
    }.items()
    jupyterlabs = {"h11", "jinja2", "markupsafe", "mistune", "nbclient", "pygments"}
    assert not set(DEV) & set(learners) - jupyterlabs, "a learner installs no test tools"


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_in_two_locks_has_one_version(lock: str) -> None:
    here, tests = locked(lock), locked("requirements-dev.lock")
    for name in here.keys() & tests.keys():
        assert version(here[name]) == version(tests[name]), name


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(lock: str) -> None:
    for name, block in locked(lock).items():
        assert re.match(r"[\w.-]+==[\w.]+", block), f"{name} is not pinned"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), f"{name} has no hash"
    text = (ROOT / lock).read_text()
    assert "//" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.M), "no options such as an index"


def test_ci_calls_the_test_command_of_the_readme() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    command = run.read_text().splitlines()[-1].removeprefix("exec ")
    assert command == "python3 workshop.py test --all"
    assert command in (ROOT / "README.md").read_text("utf-8")


def test_the_workflow_runs_ci_and_looks_up_every_lock() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in steps
    for lock in LOCKS:
        (audit,) = [step for step in steps if "pip_audit" in step and step.endswith(f" {lock}")]
        assert "--strict" in audit, "without it, pip-audit passes where it could look nothing up"
        assert "--require-hashes" in audit

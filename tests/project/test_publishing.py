"""What publishes the course, and opens it elsewhere: GitHub Pages, a dev container."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import workshop
from tests.support.lessons import LESSONS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# The keys of https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
# that stand in the course's workflows.
TOP = {"name", "on", "permissions", "concurrency", "jobs"}
JOB = {"needs", "runs-on", "timeout-minutes", "strategy", "permissions", "environment", "steps"}
STEP = {"id", "uses", "with", "run"}


def workflow(name: str) -> dict[str, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / name).read_text("utf-8")
    )
    loaded["on"] = loaded.pop(True)  # YAML 1.1 reads the word as a truth value
    return loaded


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_the_form_of_one(path: Path) -> None:
    read = workflow(path.name)
    assert read.keys() <= TOP
    assert read["permissions"] == {"contents": "read"}, "a job asks for more by itself"
    for job in read["jobs"].values():
        assert job.keys() <= JOB
        assert job["timeout-minutes"] > 0
        assert set(job.get("needs", "").split()) <= read["jobs"].keys()
        for step in job["steps"]:
            assert step.keys() <= STEP
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_the_pages_are_tested_built_and_then_published() -> None:
    """As https://github.com/actions/deploy-pages describes it."""
    read = workflow("pages.yml")
    tests, build, publish = (read["jobs"][name] for name in ("tests", "build", "publish"))
    assert build["needs"] == "tests"
    assert publish["needs"] == "build"
    assert "python3 workshop.py test" in [step.get("run") for step in tests["steps"]]
    (upload,) = [s for s in build["steps"] if "upload-pages-artifact" in s.get("uses", "")]
    built = [step["run"] for step in build["steps"] if "run" in step][-1]
    assert upload["with"] == {"path": "_site"}
    assert built.endswith((" _site", "workshop.py site"))
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    (deploy,) = publish["steps"]
    assert deploy["uses"].startswith("actions/deploy-pages@")
    assert publish["environment"]["name"] == "github-pages"
    assert f"steps.{deploy['id']}.outputs.page_url" in publish["environment"]["url"]
    assert read["concurrency"]["cancel-in-progress"] is False


def test_the_dev_container_sets_the_course_up() -> None:
    """Its keys are those of https://containers.dev/implementors/json_reference/."""
    read = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert read.keys() == {
        "name", "image", "postCreateCommand", "waitFor", "forwardPorts", "portsAttributes",
        "customizations",
    }  # fmt: skip
    assert read["waitFor"] in read, "else the first lesson is opened before it is there"
    python = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:3\.(\d+)", read["image"])
    assert python
    assert workshop.OLDEST <= int(python[1]) <= workshop.NEWEST
    for name in re.findall(r"workshop\.(\w+)\(", read["postCreateCommand"]):
        assert callable(getattr(workshop, name))
    (port,) = read["forwardPorts"]
    label = read["portsAttributes"][str(port)]["label"]
    options = workshop.parse(label.split("workshop.py ")[1].split())
    assert options.port == port
    interpreter = read["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter.endswith("/.venv/bin/python")
    (first,) = read["customizations"]["codespaces"]["openFiles"]
    assert Path(first) == Path("my-lessons") / LESSONS[0].name

"""workshop.py: the environment is made once and healed, and no learner's work is lost."""

import errno
import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import nbformat
import pip
import pytest
from nbclient import NotebookClient

SOURCE = Path(__file__).parents[2] / "workshop.py"
PIP, WHEEL = b"a wheel", "files/pip-9.8.7-py3-none-any.whl"
PIN = (
    f"pip==9.8.7 \\\n    --hash=sha256:{hashlib.sha256(PIP).hexdigest()}\n"
    "uv==1.2.3 \\\n    --hash=sha256:00\n    # via the course\nzipp==1.0 \\\n    --hash=sha256:11\n"
)


def notebook(*sources: str, outputs: bool = True) -> str:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Title"]}
    ]
    for number, source in enumerate(sources, start=1):
        output = {"output_type": "stream", "name": "stdout", "text": [f"secret {number}"]}
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "source": source.splitlines(keepends=True),
                "outputs": [output] if outputs else [],
                "execution_count": number if outputs else None,
                "metadata": {},
            }
        )
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def workshop(tmp_path: Path) -> ModuleType:
    """The script in a course of its own: two lessons, two locks, no environment."""
    root = tmp_path / "the course"
    (root / "notebooks").mkdir(parents=True)
    shutil.copy(SOURCE, root)
    (root / "requirements.lock").write_text(PIN)
    (root / "requirements-dev.lock").write_text(PIN + "# more\n")
    (root / "notebooks/00_start_here.ipynb").write_text(notebook("print(1)"))
    (root / "notebooks/01_at_rest.ipynb").write_text(notebook("print(1)\nprint(2)", "3"))
    spec = importlib.util.spec_from_file_location("workshop_copy", root / "workshop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded, also where this Python has no pip and the course would get one."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")


class Tools:
    """Stands in for venv, pip and uv: leaves what they leave, and can fail at any step."""

    def __init__(self, workshop: ModuleType) -> None:
        self.workshop = workshop
        self.steps: list[str] = []
        self.words: list[str] = []
        self.fails: dict[str, BaseException] = {}

    def run(self, *command: object, env: dict[str, str] | None = None) -> None:
        words = [str(word) for word in command]
        step = words[2] if words[1] == "-m" else "pip"  # pip runs from its wheel
        if step == "uv":
            name = "python" if "python" in words[3:4] else Path(words[-1]).name
            self.steps.append(f"uv {name}")
        else:
            self.steps.append(step)
        self.words = [*self.words, *words]
        if step == "venv":
            self.workshop.COURSE.python.parent.mkdir(parents=True)
            self.workshop.COURSE.python.touch()
            self.workshop.COURSE.packages.mkdir(parents=True)
        if step in self.fails:
            raise self.fails.pop(step)
        if step == "pip":
            target = self.workshop.COURSE.packages
            if "--target" in words:
                target = Path(words[words.index("--target") + 1])
            (target / "uv-1.2.3.dist-info").mkdir(parents=True)
        if self.steps[-1] == "uv python":
            place = Path(words[words.index("--install-dir") + 1]) / f"cpython-{words[5]}.9-x"
            (place / "bin").mkdir(parents=True)
            for name in ("python.exe", "bin/python3"):
                (place / name).touch()

    def used(self) -> list[str]:
        steps, self.steps = self.steps, []
        return steps


@pytest.fixture
def tools(workshop: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Tools:
    stand_in = Tools(workshop)
    monkeypatch.setattr(workshop, "run", stand_in.run)
    monkeypatch.setattr(workshop, "uv_environment", dict)
    workshop.write(workshop.TOOLS / Path(WHEEL).name, PIP)  # for a Python that has no pip
    return stand_in


# --- The environment ------------------------------------------------------------------------


def test_the_second_start_installs_nothing(workshop: ModuleType, tools: Tools) -> None:
    workshop.set_up()
    assert tools.used() == ["venv", "pip", "uv requirements.lock"]
    workshop.set_up()
    assert tools.used() == []


def test_the_environment_finds_the_course_and_is_quiet(workshop: ModuleType, tools: Tools) -> None:
    workshop.set_up()
    path = (workshop.COURSE.packages / "workshop.pth").read_text().strip()
    assert (workshop.COURSE.packages / path).resolve() == workshop.ROOT
    settings = workshop.COURSE.folder / "share/jupyter/lab/settings/overrides.json"
    notification = json.loads(settings.read_text())["@jupyterlab/apputils-extension:notification"]
    assert notification == {"fetchNews": "false"}


def test_jupyterlab_knows_each_setting_that_it_is_given(workshop: ModuleType) -> None:
    """https://jupyterlab.readthedocs.io/en/stable/user/directories.html#overridesjson"""
    schemas = Path(sys.prefix) / "share/jupyter/lab/schemas"
    for name, values in workshop.SETTINGS.items():
        package, _, plugin = name.partition(":")
        known = json.loads((schemas / package / f"{plugin}.json").read_text())["properties"]
        for setting, value in values.items():
            choices = [choice["const"] for choice in known[setting].get("oneOf", [])]
            assert not choices or value in choices


def test_a_name_that_the_set_up_makes_is_explained_before_the_set_up(
    workshop: ModuleType, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a kernel with what IPython reads in the environment; with the lab, the lab explains.

    https://ipython.readthedocs.io/en/stable/config/intro.html
    """
    workshop.set_up()
    workshop.configure(workshop.COURSE)
    written = workshop.COURSE.folder / "etc/ipython/ipython_kernel_config.json"
    (profile := tmp_path / "ipython/profile_default").mkdir(parents=True)
    shutil.copy(written, profile)
    monkeypatch.setenv("IPYTHONDIR", str(profile.parent))
    sources = [
        "import sys; 'workshop_lib' in sys.modules, [name for name in dir() if name[0] != '_']",
        "predict('1.1')",
        "s4",
        "1 / 0",
        "from workshop_lib import start_lab; import boto3; lab = start_lab()",
        "boto3.client('s3').get_object(Bucket='none-of-ours', Key='k')",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook_ = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook_, allow_errors=True, kernel_name="python3", timeout=120).execute()
    start, named, other, division, _, refusal = (cell.outputs for cell in notebook_.cells)
    assert start[0].data["text/plain"].startswith("(False, ['In', 'Out',")  # nothing is loaded
    assert "predict is not known yet" in named[0].data["text/plain"]
    assert "Run the first code cell of the page (Set up) first" in named[0].data["text/plain"]
    assert (named[1].ename, len(named[1].traceback)) == ("NameError", 1)
    assert "There is no s4 here yet" in other[0].data["text/plain"]
    assert [output.ename for output in division] == ["ZeroDivisionError"]
    assert refusal[0].data["text/plain"].startswith("✕ Refused: NoSuchBucket")


@pytest.mark.skipif(os.name == "nt", reason="Binder has a shell.")
def test_binder_s_environment_is_configured_as_the_course_s_own(
    workshop: ModuleType, tools: Tools, tmp_path: Path
) -> None:
    """https://repo2docker.readthedocs.io/en/latest/configuration/buildscripts/postbuild/"""
    assert os.access(SOURCE.with_name("postBuild"), os.X_OK)
    workshop.configure(workshop.COURSE)
    other = tmp_path / "another environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    path = f"{other / 'bin'}{os.pathsep}{os.environ['PATH']}"
    script = ["sh", str(SOURCE.with_name("postBuild"))]
    subprocess.run(script, cwd=workshop.ROOT, env={**os.environ, "PATH": path}, check=True)
    for name in (
        "etc/ipython/ipython_kernel_config.json",
        "share/jupyter/lab/settings/overrides.json",
    ):
        assert (other / name).read_text() == (workshop.COURSE.folder / name).read_text()


def test_test_adds_to_the_environment_and_lab_takes_nothing_away(
    workshop: ModuleType, tools: Tools
) -> None:
    workshop.set_up()
    tools.used()
    workshop.set_up(dev=True)
    assert tools.used() == ["uv requirements-dev.lock"]
    workshop.set_up()
    assert tools.used() == []


def test_a_changed_lock_is_installed_into_the_same_environment(
    workshop: ModuleType, tools: Tools
) -> None:
    workshop.set_up()
    tools.used()
    workshop.LOCK.write_text(PIN.replace("zipp==1.0", "zipp==1.1"))
    workshop.set_up()
    assert tools.used() == ["uv requirements.lock"]


def test_a_changed_uv_is_installed_by_pip(workshop: ModuleType, tools: Tools) -> None:
    workshop.set_up()
    tools.used()
    workshop.LOCK.write_text(PIN.replace("uv==1.2.3", "uv==1.2.4"))
    (workshop.COURSE.packages / "uv-1.2.3.dist-info").rmdir()
    workshop.set_up()
    assert tools.used() == ["pip", "uv requirements.lock"]


def test_only_the_lines_of_uv_go_to_pip(workshop: ModuleType, tools: Tools) -> None:
    workshop.set_up()
    requirement = (workshop.COURSE.folder / "uv.txt").read_text()
    assert requirement.startswith("uv==1.2.3 \\\n    --hash=sha256:00\n")
    assert "zipp" not in requirement


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(
    workshop: ModuleType, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A package index with the locked pip, for a Python like Debian's: no pip, no ensurepip."""
    shutil.rmtree(workshop.TOOLS)
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: None)
    root = tmp_path / "index"
    (root / "simple/pip").mkdir(parents=True)
    (root / "files").mkdir()
    (root / WHEEL).write_bytes(PIP)
    page = (
        f'<a href="../../files/pip-1.0-py3-none-any.whl">old</a><a href="../../{WHEEL}#sha256=0">'
    )
    (root / "simple/pip/index.html").write_text(page)
    handler = functools.partial(QuietHandler, directory=root)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple/")
        Thread(target=server.serve_forever, daemon=True).start()
        yield root
        server.shutdown()


def test_a_python_without_pip_downloads_the_locked_one_once(
    workshop: ModuleType, tools: Tools, index: Path
) -> None:
    workshop.set_up()
    assert tools.used() == ["venv", "pip", "uv requirements.lock"]
    wheel = workshop.TOOLS / Path(WHEEL).name
    assert str(wheel / "pip") in tools.words
    assert wheel.read_bytes() == PIP
    (index / WHEEL).unlink()
    assert workshop.pip_wheel() == wheel


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"another", "not the one that was locked"), (None, "the network")]
)
def test_a_pip_that_cannot_be_had_is_told_in_one_sentence(
    workshop: ModuleType,
    tools: Tools,
    index: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    sentence: str,
) -> None:
    if content:
        (index / WHEEL).write_bytes(content)
    else:
        (index / WHEEL).unlink()
    said = say_in_main(workshop, capsys, "lab")
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not workshop.TOOLS.exists()


def test_a_set_up_waits_for_what_a_killed_one_left_running(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    started = workshop.ROOT / "started"
    step = f"open({str(started)!r}, 'w').close(); import time; time.sleep(1.5)"
    program = (
        f"import sys; sys.path.insert(0, {str(workshop.ROOT)!r}); import workshop\n"
        f"with workshop.alone(): workshop.run(sys.executable, '-c', {step!r})"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        while not started.exists():
            time.sleep(0.01)
        parent.kill()
    said: list[str] = []
    monkeypatch.setattr(workshop, "say", said.append)
    began = time.monotonic()
    with workshop.alone():
        assert time.monotonic() - began > 0.5
    assert "waiting" in said[0]
    with workshop.alone():
        assert len(said) == 1, "free again"


@pytest.mark.parametrize("command", [["--help"], ["restore", "0"]])
@pytest.mark.parametrize(
    "variables",
    [{"PYTHONOPTIMIZE": "2"}, {"LC_ALL": "xx_YY", "PYTHONUTF8": "0"}, {"HOME": ""},
     {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
     {"PYTHONIOENCODING": "ascii"}, {"VIRTUAL_ENV": "/elsewhere", "CONDA_PREFIX": "/elsewhere"}],
    ids=str,
)  # fmt: skip
def test_a_strange_environment(
    workshop: ModuleType, tmp_path: Path, variables: dict[str, str], command: list[str]
) -> None:
    root = workshop.ROOT.rename(tmp_path / "le café")
    (root / "my-lessons").mkdir()
    (root / "my-lessons/00_start_here.ipynb").write_text("mine")
    words = [sys.executable, str(root / "workshop.py"), *command]
    environment = {**os.environ, **variables}
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("Yours is now" in done.stdout) == (command != ["--help"])


def test_children_are_plain_pythons(workshop: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lessons' kernels have their docstrings and assertions, and `.venv`'s own library."""
    for name in ("PYTHONOPTIMIZE", "PYTHONHOME"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setattr(workshop, "pip_wheel", lambda: Path(pip.__file__).parents[1])
    for environment in (workshop.environment(), workshop.uv_environment()):
        assert not environment.keys() & {"PYTHONOPTIMIZE", "PYTHONHOME"}
    workshop.run(sys.executable, "-c", "import sys; assert not sys.flags.optimize")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_one_sentence(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.ROOT.chmod(0o555)
    try:
        for command in (["lab", "--no-browser"], ["restore", "0"]):
            said = say_in_main(workshop, capsys, *command)
            assert "copy the course into a folder where you may write" in said
            assert len(said.splitlines()) == 1
    finally:
        workshop.ROOT.chmod(0o755)


@pytest.mark.parametrize("step", ["venv", "pip", "uv"])
def test_an_interrupted_set_up_is_healed_by_the_next(
    workshop: ModuleType, tools: Tools, step: str
) -> None:
    tools.fails[step] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        workshop.set_up()
    tools.used()
    (workshop.COURSE.folder / "half-written").touch()
    workshop.set_up()
    assert tools.used() == ["venv", "pip", "uv requirements.lock"]
    assert not (workshop.COURSE.folder / "half-written").exists()


def test_an_update_that_was_interrupted_is_healed_too(workshop: ModuleType, tools: Tools) -> None:
    workshop.set_up()
    workshop.LOCK.write_text(PIN + "# newer\n")
    tools.fails["uv"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        workshop.set_up()
    tools.used()
    workshop.set_up()
    assert tools.used() == ["venv", "pip", "uv requirements.lock"]


@pytest.mark.parametrize("change", [{"python": "3.11.0rc1"}, {"root": "/elsewhere"}])
def test_another_python_or_place_makes_the_environment_anew(
    workshop: ModuleType, tools: Tools, change: dict[str, str]
) -> None:
    workshop.set_up()
    tools.used()
    stamp = json.loads(workshop.COURSE.stamp.read_text())
    workshop.COURSE.stamp.write_text(json.dumps(stamp | change))
    workshop.set_up()
    assert tools.used()[0] == "venv"


def test_an_environment_whose_python_is_gone_is_made_anew(
    workshop: ModuleType, tools: Tools
) -> None:
    workshop.set_up()
    tools.used()
    workshop.COURSE.python.unlink()
    workshop.set_up()
    assert tools.used()[0] == "venv"


def test_uv_is_set_up_like_pip(workshop: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "ALL_PROXY", "PIP_CONFIG_FILE", "PIP_INDEX_URL")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    config = workshop.ROOT / "pip.conf"
    config.write_text("[global]\nindex-url = file:///mirror\nproxy = localhost:9\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setattr(workshop, "pip_wheel", lambda: Path(pip.__file__).parents[1])
    monkeypatch.setenv("PIP_CERT", "/certificates.pem")
    monkeypatch.setenv("PIP_PROXY", "localhost:10")
    env = workshop.uv_environment()
    assert env["UV_DEFAULT_INDEX"] == "file:///mirror"
    assert env["SSL_CERT_FILE"] == "/certificates.pem"
    assert env["ALL_PROXY"] == "localhost:10", "a variable goes before pip's file"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "file:///mine")
    assert workshop.uv_environment()["UV_DEFAULT_INDEX"] == "file:///mine"


# --- A Python that the course cannot use ----------------------------------------------------


@pytest.fixture
def started(workshop: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What an unfit Python starts in the foreground."""
    made: list[list[str]] = []

    def call(*arguments: object, python: Path) -> int:
        made.append([str(word) for word in (python, *arguments)])
        return 5

    monkeypatch.setattr(workshop, "FITS", False)
    monkeypatch.setattr(workshop, "call", call)
    return made


def test_uv_brings_a_python_once_and_everything_runs_with_it(
    workshop: ModuleType,
    tools: Tools,
    started: list[list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert workshop.main(["test", "tests", "-x"]) == 5
    assert tools.used() == ["pip", "uv python"]
    assert not workshop.COURSE.folder.exists(), "the brought Python makes it"
    said = capsys.readouterr().out
    assert f"this is Python {sys.version.split()[0]}: uv brings Python 3.13 into" in said
    assert str(workshop.TOOLS) in said
    assert not (workshop.TOOLS / "uv").exists(), "nothing needs it any more"

    assert workshop.main(["lab", "--no-browser"]) == 5
    assert tools.used() == []
    assert capsys.readouterr().out == ""
    script = str(workshop.ROOT / "workshop.py")
    (python, *first), (again, *second) = started
    assert python == again
    assert Path(python).is_relative_to(workshop.TOOLS)
    assert first == [script, "test", "tests", "-x"]
    assert second == [script, "lab", "--no-browser"]


@pytest.mark.parametrize("step", ["pip", "uv"])
def test_an_interrupted_bringing_is_healed_by_the_next(
    workshop: ModuleType, tools: Tools, started: list[list[str]], step: str
) -> None:
    tools.fails[step] = KeyboardInterrupt()
    assert workshop.main(["lab"]) == 1
    tools.used()
    assert workshop.main(["lab"]) == 5
    assert tools.used() == ["pip", "uv python"]
    assert len(started) == 1


def test_the_python_that_is_brought_fits(workshop: ModuleType) -> None:
    assert workshop.OLDEST <= int(workshop.BROUGHT.removeprefix("3.")) <= workshop.NEWEST
    assert workshop.FITS, "these tests run on such a Python"


# --- What goes wrong, in one sentence -------------------------------------------------------


def old_interpreters(minors: set[str]) -> list[str]:
    """Interpreters beside this one, of these versions of Python 3."""
    candidates = [shutil.which(f"python3.{minor}") for minor in minors]
    versions = Path(sys.base_prefix).parent.glob("3.*/bin/python")
    old = [str(p) for p in versions if p.parts[-3].split(".")[1] in minors]
    return sorted(old) or [found for found in candidates if found]


def test_a_python_too_old_for_uv_gets_one_sentence() -> None:
    answers = []
    for python in old_interpreters({"6", "7"}):
        done = subprocess.run([python, SOURCE, "lab"], capture_output=True, text=True)
        if "is not available" not in done.stderr and "command not found" not in done.stderr:
            answers.append((done.returncode, done.stderr))
    if not answers:
        pytest.skip("no Python older than 3.8 at hand")
    for code, said in answers:
        assert code == 1
        assert "install Python 3.11 to 3.14 and start the course with it" in said
        assert len(said.splitlines()) == 1


def test_an_old_python_runs_as_much_as_brings_a_newer_one(workshop: ModuleType) -> None:
    """Each from 3.8 on, with a Python that it finds in `.python` and that repeats its words."""
    pythons = [*old_interpreters({"8", "9", "10"})]
    if not pythons or os.name == "nt":
        pytest.skip("no Python from 3.8 to 3.10 at hand")
    brought = workshop.TOOLS / "cpython-3.13.9-x/bin/python3"
    brought.parent.mkdir(parents=True)
    brought.write_text('#!/bin/sh\necho "brought: $@"\nexit 3\n')
    brought.chmod(0o755)
    script = workshop.ROOT / "workshop.py"
    for python in pythons:
        done = subprocess.run([python, script, "test", "-k", "a b"], capture_output=True, text=True)
        if "is not available" in done.stderr or "command not found" in done.stderr:
            continue
        assert (done.returncode, done.stderr) == (3, "")
        assert done.stdout == f"brought: {script.resolve()} test -k a b\n"


def test_python_2_shows_the_line_that_says_so() -> None:
    lines = SOURCE.read_text("ascii").splitlines()  # ASCII, or Python 2 stops before that line
    first = next(line for line in lines if not line.startswith(("#", '"', "import", "from")))
    annotated = next(line for line in lines if ": str = " in line)
    assert "3.11 to 3.14" in annotated
    assert "python3 workshop.py lab" in annotated
    assert lines.index(first) <= lines.index(annotated)
    assert not any(") -> " in line for line in lines[: lines.index(annotated)])


def say_in_main(workshop: ModuleType, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert workshop.main(list(words)) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_taken_port_names_the_option(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = say_in_main(workshop, capsys, "lab", "--port", port)
    assert f"Port {port} cannot be used" in said
    assert "`--port`" in said
    assert not workshop.COURSE.folder.exists(), "it is said before anything is installed"


def test_a_class_has_an_environment_and_options_of_its_own(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[object, ...]] = []
    monkeypatch.setattr(workshop, "set_up", lambda to: done.append(("set up", to)))

    def call(*words: object, of: object) -> int:
        done.append((*words, of))
        return 3

    monkeypatch.setattr(workshop, "call", call)
    words = ["--port", "1", "--title", "Monday", "--help"]
    assert workshop.main(["class", *words]) == 3
    assert done == [
        ("set up", workshop.CLASS),
        ("-m", "classroom", *words, workshop.CLASS),
    ]
    with pytest.raises(SystemExit):
        workshop.main(["lab", "--title", "Monday"])


def test_a_hub_says_what_it_lacks_before_anything_is_installed(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    certificate = tmp_path / "class.pem"
    missing = say_in_main(workshop, capsys, "hub", "--cert", str(certificate))
    assert missing == f"There is no file {certificate}: name the certificate and its private key.\n"
    certificate.touch()
    assert "name both" in say_in_main(workshop, capsys, "hub", "--cert", str(certificate))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} cannot be used" in say_in_main(workshop, capsys, "hub", "--port", port)
    assert not workshop.HUB.folder.exists()


def test_packages_of_node_are_installed_whole_or_not_at_all(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = workshop.ROOT / "classroom/proxy"
    files.mkdir(parents=True)
    (files / "package.json").write_text("{}")
    (files / "package-lock.json").write_text('{"lockfileVersion": 3}')
    calls: list[tuple[object, ...]] = []

    def broken(*words: object, env: dict[str, str]) -> None:
        calls.append(words)
        raise workshop.Trouble("no network")

    monkeypatch.setattr(workshop, "run", broken)
    with pytest.raises(workshop.Trouble):
        workshop.node_packages("proxy", workshop.HUB)
    assert not (workshop.HUB.folder / "proxy").exists()
    monkeypatch.setattr(workshop, "run", lambda *words, env: calls.append(words))
    node, packages = workshop.node_packages("proxy", workshop.HUB)
    assert node.name == "node"
    assert workshop.read_json(packages.parent / "package-lock.json") == {"lockfileVersion": 3}
    assert "ci" in calls[1]
    assert "--ignore-scripts" in calls[1]
    workshop.node_packages("proxy", workshop.HUB)
    assert len(calls) == 2, "they are there already"


def test_a_missing_venv_names_the_package(workshop: ModuleType) -> None:
    with pytest.raises(workshop.Trouble, match=r"apt install python3.\d+-venv") as caught:
        workshop.run(sys.executable, "-c", "raise ImportError('No module named venv')")
    assert len(str(caught.value).splitlines()) == 1


def test_a_full_disk_is_named(
    workshop: ModuleType,
    tools: Tools,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert say_in_main(workshop, capsys, "restore", "0").startswith("The disk is full")


def test_a_file_in_the_way_is_named(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.COPIES.touch()
    said = say_in_main(workshop, capsys, "restore", "0")
    assert "my-lessons" in said
    assert "call this again" in said


def test_an_unreachable_index_is_named(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    pip = [sys.executable, "-m", "pip", "install", "--retries", "1", "--dry-run", "no-package"]
    with pytest.raises(workshop.Trouble, match=r"cannot be reached: check the network"):
        workshop.run(*pip)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("error: Failed to download `x`\n  cause: dns error", "check the network"),
        ("  cause: tcp connect error\n  cause: Connection refused (os error 111)", "the network"),
        ("error: operation timed out", "check the network"),
        ("error: Failed to download\n  cause: No space left on device (os error 28)", "disk"),
        ("  cause: There is not enough space on the disk. (os error 112)", "disk is full"),
        ("error sending request: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("error: Failed to download `x`: Hash mismatch for `x`", "not the one that was locked"),
        ("error: Failed to install cpython-3\n  Caused by: dns error", "install Python 3.11 to"),
        ("first\nerror: something new", "error: something new\nThe set-up failed"),
    ],
)
def test_each_failure_has_its_own_sentence(
    workshop: ModuleType, output: str, sentence: str
) -> None:
    assert sentence in workshop.explain(output)


def test_a_failed_step_tells_what_it_printed(workshop: ModuleType) -> None:
    with pytest.raises(workshop.Trouble, match="a new fault\nThe set-up failed"):
        workshop.run(sys.executable, "-c", "import sys; sys.exit('a new fault')")


# --- The learner's copies -------------------------------------------------------------------


@pytest.fixture
def edit(workshop: ModuleType) -> Callable[[Path, str, str], None]:
    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return replace


def test_copies_have_everything_but_outputs(workshop: ModuleType) -> None:
    copies = workshop.copy_lessons()
    assert [path.name for path in copies] == ["00_start_here.ipynb", "01_at_rest.ipynb"]
    for path in copies:
        copied = json.loads(path.read_text())
        original = json.loads((workshop.ORIGINALS / path.name).read_text())
        for cell in original["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        assert copied == original
        assert "secret" not in path.read_text()


def test_a_lesson_that_was_worked_on_is_never_touched(
    workshop: ModuleType,
    edit: Callable[[Path, str, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    start, rest = workshop.copy_lessons()
    edit(start, "print(1)", "print('mine')")
    mine = start.read_bytes()
    edit(workshop.ORIGINALS / start.name, "print(1)", "print('newer')")
    edit(workshop.ORIGINALS / rest.name, "print(1)", "print('newer')")
    workshop.copy_lessons()
    assert start.read_bytes() == mine
    assert "newer" in rest.read_text(), "a copy nobody worked on follows the course"
    said = capsys.readouterr().out
    assert "workshop.py restore 00" in said
    assert "restore 01" not in said
    workshop.copy_lessons()
    assert capsys.readouterr().out == "", "it is said once"
    edit(workshop.ORIGINALS / start.name, "newer", "newest")
    workshop.copy_lessons()
    assert start.read_bytes() == mine
    assert "restore 00" in capsys.readouterr().out, "and again when the course changed again"


def test_a_lesson_that_was_only_run_counts_as_worked_on(workshop: ModuleType) -> None:
    start = workshop.copy_lessons()[0]
    start.write_text(notebook("print(1)"))
    (workshop.ORIGINALS / start.name).write_text(notebook("print('newer')"))
    workshop.copy_lessons()
    assert start.read_text() == notebook("print(1)")


def test_renewed_outputs_alone_change_no_copy(
    workshop: ModuleType,
    edit: Callable[[Path, str, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    start = workshop.copy_lessons()[0]
    edit(start, "print(1)", "print('mine')")
    edit(workshop.ORIGINALS / start.name, "secret 1", "renewed output")
    workshop.copy_lessons()
    assert capsys.readouterr().out == ""


def renumber(workshop: ModuleType) -> None:
    """An update of the course: another lesson comes between the two, and takes a number."""
    (workshop.ORIGINALS / "01_at_rest.ipynb").rename(workshop.ORIGINALS / "02_at_rest.ipynb")
    (workshop.ORIGINALS / "01_new.ipynb").write_text(notebook("'new'"))


def names(workshop: ModuleType) -> list[str]:
    return sorted(path.name for path in workshop.COPIES.glob("*.ipynb"))


def test_a_copy_of_a_lesson_that_is_gone_goes_too(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.copy_lessons()
    renumber(workshop)
    copies = workshop.copy_lessons()
    assert [path.name for path in copies] == names(workshop)
    assert names(workshop) == ["00_start_here.ipynb", "01_new.ipynb", "02_at_rest.ipynb"]
    assert capsys.readouterr().out == ""


def test_one_that_was_worked_on_is_kept_aside_and_that_is_said_once(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = workshop.copy_lessons()[1]
    rest.write_text("mine")
    renumber(workshop)
    workshop.copy_lessons()
    assert names(workshop) == [
        "00_start_here.ipynb", "01_at_rest-mine-1.ipynb", "01_new.ipynb", "02_at_rest.ipynb"
    ]  # fmt: skip
    assert rest.with_name("01_at_rest-mine-1.ipynb").read_text() == "mine"
    said = capsys.readouterr().out
    assert "01_at_rest.ipynb is no lesson of the course any more" in said
    assert "It is 02_at_rest.ipynb now" in said
    workshop.copy_lessons()
    assert capsys.readouterr().out == ""
    assert len(names(workshop)) == 4


def test_a_learner_s_own_notebook_is_no_copy(workshop: ModuleType) -> None:
    workshop.copy_lessons()
    (workshop.COPIES / "01_old.ipynb").write_text(notebook("1"))
    renumber(workshop)
    workshop.copy_lessons()
    assert (workshop.COPIES / "01_old.ipynb").read_text() == notebook("1")


def test_a_course_without_lessons_takes_no_copy_away(workshop: ModuleType) -> None:
    workshop.copy_lessons()
    for lesson in workshop.ORIGINALS.glob("*.ipynb"):
        lesson.unlink()
    workshop.copy_lessons()
    assert names(workshop) == ["00_start_here.ipynb", "01_at_rest.ipynb"]


def test_a_clearing_that_was_interrupted_goes_on(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.copy_lessons()[1].write_text("mine")
    renumber(workshop)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(workshop, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workshop.copy_lessons()
    workshop.copy_lessons()
    assert (workshop.COPIES / "01_at_rest-mine-1.ipynb").read_text() == "mine"
    assert len(names(workshop)) == 4


@pytest.mark.parametrize("record", [None, "{", "[1]"])
def test_without_its_record_every_copy_is_the_learners(
    workshop: ModuleType, record: str | None
) -> None:
    start = workshop.copy_lessons()[0]
    start.write_text("not even a notebook")
    workshop.RECORD.unlink()
    if record:
        workshop.RECORD.write_text(record)
    workshop.copy_lessons()
    assert start.read_text() == "not even a notebook"


@pytest.mark.parametrize("name", ["1", "01", "01_at", "01_at_rest.ipynb", "my-lessons/01_at_rest"])
def test_restore_keeps_what_the_learner_wrote(workshop: ModuleType, name: str) -> None:
    copy = workshop.copy_lessons()[1]
    original = copy.read_text()
    for number in (1, 2, 3):
        copy.write_text(f"version {number} of mine")
        workshop.restore(name)
        assert copy.read_text() == original
    kept = sorted(workshop.COPIES.glob("01_at_rest-mine-*.ipynb"))
    assert [path.read_text() for path in kept] == [f"version {n} of mine" for n in (1, 2, 3)]
    workshop.copy_lessons()
    assert len(list(workshop.COPIES.glob("*.ipynb"))) == 5, "kept copies are no lessons"


def test_two_restores_at_once_keep_what_each_found(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = workshop.copy_lessons()[1]
    copy.write_text("mine")
    kept = copy.with_name("01_at_rest-mine-1.ipynb")
    replace, late = os.replace, ["the other's"]

    def in_between(source: Path, target: Path) -> None:
        if late and target != copy:  # another restore, just before this one moves the copy
            copy.with_name("01_at_rest-mine-2.ipynb").write_text(late.pop())
            assert kept.exists(), "the name is taken before anything is moved"
        replace(source, target)

    monkeypatch.setattr(os, "replace", in_between)
    workshop.restore("1")
    assert kept.read_text() == "mine"
    copy.write_text("mine again")
    workshop.restore("1")
    assert kept.read_text() == "mine"
    assert copy.with_name("01_at_rest-mine-2.ipynb").read_text() == "the other's"
    assert copy.with_name("01_at_rest-mine-3.ipynb").read_text() == "mine again"


def test_a_copy_that_another_restore_took_is_not_kept_twice(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = workshop.copy_lessons()[1]
    copy.write_text("mine")
    replace = os.replace

    def in_between(source: Path, target: Path) -> None:
        if source == copy:
            replace(copy, copy.with_name("01_at_rest-mine-9.ipynb"))
        replace(source, target)

    monkeypatch.setattr(os, "replace", in_between)
    workshop.restore("1")
    assert [path.name for path in workshop.COPIES.glob("*-mine-*")] == ["01_at_rest-mine-9.ipynb"]
    assert "print(2)" in copy.read_text()


DEEP = "[" * 50_000 + "]" * 50_000


def test_a_deeply_nested_copy_is_the_learners_own(workshop: ModuleType) -> None:
    copy = workshop.copy_lessons()[1]
    copy.write_text(DEEP)
    workshop.copy_lessons()
    assert copy.read_text() == DEEP
    workshop.restore("1")
    assert copy.with_name("01_at_rest-mine-1.ipynb").read_text() == DEEP
    workshop.RECORD.write_text(DEEP)
    workshop.copy_lessons()


def test_a_deeply_nested_original_is_damaged(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = next(workshop.ORIGINALS.glob("00_*"))
    lesson.write_text(DEEP)
    assert "is damaged" in say_in_main(workshop, capsys, "restore", "0")


def test_restore_of_an_original_keeps_no_second_one(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.copy_lessons()
    workshop.restore("0")
    assert "original already" in capsys.readouterr().out
    assert len(list(workshop.COPIES.glob("*.ipynb"))) == 2


def test_a_restored_lesson_follows_the_course_again(
    workshop: ModuleType, edit: Callable[[Path, str, str], None]
) -> None:
    start = workshop.copy_lessons()[0]
    start.write_text("mine")
    workshop.restore("00")
    edit(workshop.ORIGINALS / start.name, "print(1)", "print('newer')")
    workshop.copy_lessons()
    assert "newer" in start.read_text()


def test_what_has_become_of_the_files_is_told_in_one_sentence(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> str:
        assert workshop.main(list(arguments)) == 1
        return capsys.readouterr().err

    workshop.COPIES.write_text("a file")
    assert "move away what stands there, then call this again" in told("restore", "00")
    workshop.COPIES.unlink()
    start = next(workshop.ORIGINALS.glob("00_*"))
    start.write_text('{"cells": [')
    assert f"`git checkout notebooks/{start.name}`" in told("restore", "00")
    for lesson in workshop.ORIGINALS.glob("*.ipynb"):
        lesson.unlink()
    assert "`git checkout notebooks`" in told("restore", "00")
    assert "`git checkout notebooks`" in told("refresh", "00")  # and nothing is installed for it
    workshop.LOCK.unlink()
    assert "`git checkout .`" in told("lab", "--no-browser")


@pytest.mark.parametrize("command", [["restore"], ["progress", "--reset"]], ids=lambda c: c[0])
@pytest.mark.parametrize("name", ["7", "0x", "", "start"])
def test_an_unknown_lesson_is_told_the_names(
    workshop: ModuleType, capsys: pytest.CaptureFixture[str], name: str, command: list[str]
) -> None:
    said = say_in_main(workshop, capsys, *command, name)
    assert "00_start_here, 01_at_rest" in said


def test_a_write_that_fails_leaves_the_old_file(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = workshop.copy_lessons()[0]
    before = copy.read_text()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workshop.write(copy, "half")
    assert copy.read_text() == before


# --- The commands ---------------------------------------------------------------------------


@pytest.fixture
def calls(
    workshop: ModuleType, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, ...]]:
    """What the commands would have started in the environment; ruff fails where a test says so."""
    made: list[tuple[str, ...]] = []

    def call(*arguments: object) -> int:
        made.append(tuple(str(a) for a in arguments))
        return int("fail" in made[-1])

    monkeypatch.setattr(workshop, "call", call)
    return made


def test_lab_listens_on_loopback_and_opens_the_first_copy(
    workshop: ModuleType, calls: list[tuple[str, ...]]
) -> None:
    assert workshop.main(["lab", "--no-browser", "--port", "0"]) == 0
    options = calls[0]
    assert "--ServerApp.ip=127.0.0.1" in options
    assert "--KernelManager.transport_encryption=auto" in options, "or neighbours read the kernels"
    assert f"--ServerApp.root_dir={workshop.ROOT}" in options, "or ../images is not served"
    assert "--LabApp.default_url=/lab/tree/my-lessons/00_start_here.ipynb" in options
    assert {"--ServerApp.open_browser=False", "--ServerApp.port_retries=0"} <= set(options)
    assert not any(os.environ["JUPYTER_TOKEN"] in option for option in options), "ps shows it"


def start_lab_server(workshop: Any, configuration: str, tmp_path: Path) -> Any:
    """What `lab` would start, with this Python's JupyterLab and a learner's configuration."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("jupyter_config.py", "jupyter_server_config.py", "jupyter_lab_config.py"):
        (home / name).write_text(configuration)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made: list[Any] = []

    def call(*arguments: object) -> int:
        environment = {**workshop.plain_environment(), "JUPYTER_CONFIG_DIR": str(home),
                       "JUPYTER_RUNTIME_DIR": str(home)}  # fmt: skip
        words = [sys.executable, *map(str, arguments)]
        made.append(subprocess.Popen(words, env=environment, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True))  # fmt: skip
        return 0

    workshop.call = call
    workshop.set_up = lambda: None
    workshop.main(["lab", "--no-browser", "--port", str(port)])
    return made[0]


@pytest.mark.slow
def test_a_learner_s_own_configuration_opens_nothing(
    workshop: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    configuration = (
        "c.IdentityProvider.token = c.ServerApp.token = ''\n"
        "c.ServerApp.allow_origin = '*'\nc.ServerApp.allow_origin_pat = '.*'\n"
        "c.ServerApp.disable_check_xsrf = True\nc.ServerApp.allow_credentials = True\n"
        "c.ServerApp.base_url = '/elsewhere/'\nc.ServerApp.ip = '0.0.0.0'\n"
        "c.LabApp.workspaces_dir = '/nowhere'\n"
    )
    server = start_lab_server(workshop, configuration, tmp_path)
    late = Timer(60, server.kill)  # if it never says where it is
    late.start()
    try:
        found = None
        for line in server.stdout:  # the address, which a learner clicks on
            found = re.search(r"http://127.0.0.1:\d+/lab/\S+token=\S+", line)
            if found:
                break
        assert found
        token = os.environ["JUPYTER_TOKEN"]
        assert found[0].endswith(token)
        address = found[0].partition("/lab/")[0]
        port = int(address.rpartition(":")[2])
        for _ in range(200):  # it is printed shortly before it is open
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        for origin, status in (({}, "403"), ({"Origin": "http://evil.example"}, "404")):
            with pytest.raises(HTTPError, match=status) as caught:
                urlopen(Request(f"{address}/api/contents", headers=origin), timeout=10)
            assert "Access-Control-Allow-Origin" not in caught.value.headers
        with urlopen(f"{address}/api/contents?token={token}", timeout=10) as answer:
            assert {"notebooks", "workshop.py"} <= {
                each["name"] for each in json.load(answer)["content"]
            }
    finally:
        late.cancel()
        server.terminate()
        server.communicate(timeout=20)


def test_test_runs_everything(workshop: ModuleType, calls: list[tuple[str, ...]]) -> None:
    assert workshop.main(["test", "-k", "tamper", "-x"]) == 0
    assert [call[:2] for call in calls] == [
        ("-m", "ruff"),
        ("-m", "ruff"),
        ("-m", "mypy"),
        ("-m", "pytest"),
    ]
    rest = ("-m", "not long", "-k", "tamper", "-x")
    assert calls[-1][-7:] == ("tests", "notebooks", *rest)
    assert "--nbval" in calls[-1]


def test_test_all_leaves_nothing_out(workshop: ModuleType, calls: list[tuple[str, ...]]) -> None:
    assert workshop.main(["test", "--all", "-x"]) == 0
    assert calls[-1][-3:] == ("tests", "notebooks", "-x")


def test_test_of_named_files_runs_only_those(
    workshop: ModuleType, calls: list[tuple[str, ...]]
) -> None:
    assert workshop.main(["test", "notebooks/01_at_rest.ipynb::Cell 1", "-x"]) == 0
    assert len(calls) == 1
    assert calls[0][-2:] == ("notebooks/01_at_rest.ipynb::Cell 1", "-x")
    assert "tests" not in calls[0]


def test_test_fails_when_only_ruff_failed(
    workshop: ModuleType,
    calls: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def call(*arguments: object) -> int:
        return int("check" in arguments and "--check" not in arguments)

    monkeypatch.setattr(workshop, "call", call)
    assert workshop.main(["test"]) == 1
    said = capsys.readouterr().out
    assert "ruff check: FAILED" in said
    assert said.endswith("Failed as well, see above: ruff check\n")


def test_progress_before_anything_was_done_installs_nothing(
    workshop: ModuleType, calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert workshop.main(["progress"]) == 0
    assert capsys.readouterr().out.startswith("Nothing is noted yet")
    assert calls == []


def test_progress_is_printed_by_the_course_s_python(
    workshop: ModuleType, calls: list[tuple[str, ...]]
) -> None:
    workshop.copy_lessons()
    workshop.JOURNAL.write_text("")
    assert workshop.main(["progress"]) == 0
    assert calls == [("-m", "workshop_lib.overview", str(workshop.JOURNAL))]


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "nothing noted"])
def test_a_reset_begins_a_lesson_afresh_and_keeps_what_there_was(
    workshop: ModuleType,
    calls: list[tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    noted: bool,
) -> None:
    rest = workshop.copy_lessons()[1]
    original = rest.read_text()
    rest.write_text("mine")
    if noted:
        workshop.JOURNAL.write_text("")
    assert workshop.main(["progress", "--reset", "1"]) == 0
    asked = ("-m", "workshop_lib.overview", str(workshop.JOURNAL), "--reset", "01")
    assert calls == ([asked] if noted else [])
    assert rest.read_text() == original
    assert rest.with_name("01_at_rest-mine-1.ipynb").read_text() == "mine"
    assert "Lesson 01 begins afresh" in capsys.readouterr().out


def test_a_reset_that_cannot_be_noted_leaves_the_copy(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch, tools: Tools
) -> None:
    rest = workshop.copy_lessons()[1]
    rest.write_text("mine")
    workshop.JOURNAL.write_text("")
    monkeypatch.setattr(workshop, "call", lambda *_: 1)
    assert workshop.main(["progress", "--reset", "01"]) == 1
    assert rest.read_text() == "mine"


def test_unknown_arguments_are_refused(workshop: ModuleType) -> None:
    with pytest.raises(SystemExit):
        workshop.main(["lab", "--prot", "8900"])


def test_refresh_runs_every_cell_and_keeps_ids(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop.COURSE, "folder", Path(sys.prefix))
    monkeypatch.setattr(workshop, "set_up", lambda dev: None)
    lesson = workshop.ORIGINALS / "01_at_rest.ipynb"
    stale = json.loads(lesson.read_text())
    stale["metadata"] = {"widgets": {"state": {}}, "language_info": {"name": "python"}}
    lesson.write_text(json.dumps(stale))
    untouched = (workshop.ORIGINALS / "00_start_here.ipynb").read_bytes()

    assert workshop.main(["refresh", "1"]) == 0
    renewed = json.loads(lesson.read_text())
    code = renewed["cells"][1:]
    assert [cell["id"] for cell in code] == ["cell-1", "cell-2"]
    assert [cell["execution_count"] for cell in code] == [1, 2]
    assert code[0]["outputs"][0]["text"] == ["1\n", "2\n"]
    assert code[1]["outputs"][0]["data"] == {"text/plain": ["3"]}
    assert renewed["metadata"] == {"language_info": {"name": "python"}}
    assert "execution" not in code[0]["metadata"]
    assert (workshop.ORIGINALS / "00_start_here.ipynb").read_bytes() == untouched

    before = lesson.write_text(notebook("1/0"))
    assert workshop.main(["refresh", "1"]) == 1
    assert len(lesson.read_text()) == before, "a lesson that fails is left as it was"

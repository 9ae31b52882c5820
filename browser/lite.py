"""JupyterLite itself: its files, our settings, and the lessons as it shows them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from browser import lessons
from browser.trouble import Trouble

PRELOADED = ("comm", "ipykernel", "ipython", "jedi", "micropip", "piplite", "pyodide-kernel")
"""What the kernel asks for before it is ready: loaded together, while Python starts."""
LESSONS = "my-lessons"
"""Where the lessons lie, as on a desk: beside it `images`, and in it what a learner answered."""
_NARROW = Path(__file__).with_name("narrow.js")
_KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 10},
}
# JupyterLite's pages read their settings in this one too, where nothing is set.
_START = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={address}">
<title>Where is the plaintext?</title>
<script id="jupyter-config-data" type="application/json" data-jupyter-lite-root=".">{{}}</script>
<p><a href="{address}">Open the first lesson</a></p>
</html>
"""
# JupyterLite's service worker fetches every file in the page's place, and a browser keeps no
# compiled code of what comes from there: Python would be compiled anew on each visit. It is for
# the kernel's drive.
_PAST = """addEventListener("fetch", event => {
  if (!new URL(event.request.url).pathname.includes("/api/")) event.stopImmediatePropagation();
});
"""
_BUILT = {  # JupyterLite's words for: one application, nothing that only its developers need
    "apps": ["lab"],
    "no_sourcemaps": True,
    "no_unused_shared_packages": True,
}


def build(root: Path, work: Path, output: Path) -> None:
    """Make JupyterLite with the lessons in `output`, from the course at `root`.

    Args:
        root: the course's folder.
        work: a folder of our own for what is put together on the way.
        output: where it goes; it holds nothing that matters.
    Raises Trouble with what JupyterLite said.
    """
    stage = work / "lite"
    stage.mkdir(parents=True)
    _stage_contents(root, stage / "contents")
    _write(stage / "overrides.json", _SETTINGS)
    _write(stage / "jupyter-lite.json", _lite_config())
    _write(
        stage / "jupyter_lite_config.json",
        {"LiteBuildConfig": {**_BUILT, "contents": ["contents"], "output_dir": str(output)}},
    )
    command = [sys.executable, "-m", "jupyterlite_core", "build"]
    done = subprocess.run(command, cwd=stage, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"JupyterLite cannot be built:\n{(done.stdout + done.stderr)[-2000:]}")
    first = min(path.name for path in (root / "notebooks").glob("*.ipynb"))
    (output / "index.html").write_text(_START.format(address=address(first)), "utf-8")
    shutil.copyfile(_NARROW, output / _NARROW.name)
    page = output / "lab/index.html"
    script = f'<script src="../{_NARROW.name}" defer></script>'
    page.write_text(page.read_text("utf-8").replace("</head>", f"{script}</head>"), "utf-8")
    worker = output / "service-worker.js"
    worker.write_text(_PAST + worker.read_text("utf-8"), "utf-8")


def address(lesson: str) -> str:
    """Where a lesson opens, by the name of its file, from the folder of JupyterLite."""
    return f"lab/index.html?path={LESSONS}/{lesson}"


def add_pyodide(core: Path, output: Path) -> None:
    """Put Pyodide's core beside JupyterLite, without the parts for Node.js."""
    target = output / "pyodide"
    target.mkdir()
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"):
        shutil.copyfile(core / name, target / name)


def kernel_wheels(output: Path) -> list[Path]:
    """The wheels that JupyterLite's kernel brings along, in the built site."""
    folder = output / "extensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
    return sorted(w for w in folder.glob("*.whl") if not w.name.startswith("widgetsnb"))


def _lite_config() -> dict[str, Any]:
    kernel = {
        "disablePyPIFallback": True,
        "loadPyodideOptions": {
            "lockFileURL": "./packages/pyodide-lock.json",
            "packages": list(PRELOADED),
        },
        "pyodideUrl": "./pyodide/pyodide.mjs",
    }
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Where is the plaintext?",
            "exposeAppInBrowser": True,  # narrow.js asks it for the width
            "litePluginSettings": {_KERNEL: kernel},
        },
    }


def _stage_contents(root: Path, contents: Path) -> None:
    copies, images = contents / LESSONS, contents / "images"
    copies.mkdir(parents=True)
    images.mkdir()
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        (copies / path.name).write_text(lessons.lesson(path), "utf-8")
    for path in sorted((root / "images").iterdir()):
        if path.suffix == ".svg":
            (images / path.name).write_text(lessons.plain(path.read_text("utf-8")), "ascii")
        else:
            shutil.copyfile(path, images / path.name)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")

"""The browser edition in headless Chromium: until the first cell of lesson 00 has run, twice.

    python bench/browser.py                       the first visit, and a second one
    python bench/browser.py --site _site          of a site that is built already
    python bench/browser.py --lessons             also Run All of every lesson, the slowest told

The second visit is that of a browser which was closed in between: what it still has is what it
kept on its disk. The four compiled packages are the tests' stand-ins, in both: little to download,
and requests in place of computing. Times are wall times from opening the address, and other
programs disturb them; the seconds of processor, of Chromium and of the tests' server, they
disturb less.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from browser.lite import address  # noqa: E402
from tests.browser.stand_ins.making import install_real  # noqa: E402
from tests.support.browser import Lab  # noqa: E402
from tests.support.lessons import LESSONS  # noqa: E402
from tests.support.live_site import LiveSite, learners_chromium, run_all  # noqa: E402

GOALS = {"first visit": 30, "second visit": 12}
FIRST = address(LESSONS[0].name)
# What a visit waits for, in turn: JavaScript that tells whether it is there, or waits itself.
STEPS = {
    "JupyterLab": "window.jupyterapp && jupyterapp.restored.then(() => true)",
    "the lesson": """(window.panel = [...jupyterapp.shell.widgets('main')]
        .find(each => each.sessionContext))?.context.ready.then(() => true)""",
    "Python": """panel.sessionContext.ready
        .then(() => panel.sessionContext.session?.kernel?.info).then(info => !!info)""",
    "the first cell": """(async ({ widgets }) => {
        panel.content.activeCellIndex = widgets.findIndex(({ model }) => model.type === 'code');
        await jupyterapp.commands.execute('notebook:run-cell');
        return panel.content.activeCell.model.executionCount === 1;
    })(panel.content)""",
}
UNTIL = "async () => {{ while (!await ({})) await new Promise(go => setTimeout(go, 20)); }}"


def processor() -> float:
    """Seconds of processor of Chromium, and of all else that stems from this process (Linux).

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    parents, used = {}, {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            number = int(process.name)
            parents[number] = int(fields[1])
            used[number] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    ours = {os.getpid()}
    while more := {each for each, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(used[each] for each in ours if each in used)


def visit(site: LiveSite, profile: Path) -> dict[str, tuple[float, float]]:
    """Open lesson 00 and run its first cell: when each step was done, and what it all took.

    Both in seconds, of time and of processor.
    """
    done = {}
    with learners_chromium(profile) as context:
        page = context.new_page()
        began, before = time.perf_counter(), processor()
        page.goto(f"{site.origin}live/{FIRST}", wait_until="commit")
        for name, condition in STEPS.items():
            page.evaluate(UNTIL.format(condition))
            done[name] = (time.perf_counter() - began, processor() - before)
    return done


def run_lessons(site: LiveSite, profile: Path) -> dict[str, float]:
    """Run All of each lesson, in a kernel of its own: seconds, its start and imports included.

    Beside them the requests to the stand-ins, which no learner's browser sends: how much of the
    time is the bench's own.
    """
    taken = {}
    with learners_chromium(profile) as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.method))
        lab = Lab(site, context.new_page())  # type: ignore[arg-type]
        for path in LESSONS:
            began, used = time.perf_counter(), processor()
            asked.clear()
            notebook = lab.open(Path("/my-lessons") / path.name)
            run_all(notebook)
            taken[path.stem] = time.perf_counter() - began
            notebook.close()
            sent = f"{asked.count('POST'):,} to the stand-ins"
            say(path.stem, taken[path.stem], f"{processor() - used:5.1f} s of processor, {sent}")
    return taken


def say(name: str, seconds: float, more: Any = "") -> None:
    """A row of what was measured."""
    print(f"{name:40}{seconds:7.1f} s  {more}", flush=True)


def main(site: Path, lessons: bool) -> None:
    """Measure, and print what the module's docstring says."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        if not site.is_dir():
            command = (sys.executable, ROOT / "workshop.py", "site", "--output", site)
            subprocess.run(command, check=True)
        pinned, over, profile = home / "pinned", home / "over", home / "profile"
        install_real(pinned)
        served = LiveSite(site, pinned, over)
        try:
            print(f"load of the machine: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
            for name, goal in GOALS.items():
                for step, (seconds, used) in visit(served, profile).items():
                    say(f"{name}: {step}", seconds, f"{used:5.1f} s of processor")
                print(f"{'':40}goal: {goal} s")
            if lessons:
                taken = run_lessons(served, profile)
                slowest = max(taken, key=lambda name: taken[name])
                say(f"slowest: {slowest}", taken[slowest], f"of {sum(taken.values()):.0f} s")
        finally:
            served.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--site", type=Path, help="a built site (else one is built for this)")
    parser.add_argument("--lessons", action="store_true", help="also Run All of every lesson")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as built:
        main(options.site or Path(built) / "site", options.lessons)

"""How long a fresh set-up takes beside its floor: venv and a bare `uv pip sync` of the same lock.

    .venv/bin/python bench/setup_time.py [--rounds 3] [--cold]

Prints both times (median, in seconds), their ratio (goal: at most 1.5) and the time in which a
second start finds that there is nothing to do. Caches are warm unless `--cold`, which gives pip
and uv empty ones, so that everything comes from the network.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE_PYTHON = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")


def timed(*command: object, cwd: Path, env: dict[str, str]) -> float:
    """Run a command; the seconds it took."""
    started = time.perf_counter()
    words = [str(word) for word in command]
    subprocess.run(words, cwd=cwd, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def floor(folder: Path, env: dict[str, str]) -> float:
    """venv, and the sync by a uv that is already there."""
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    sync = ("-m", "uv", "pip", "sync", "--require-hashes", "--python", python)
    made = timed(BASE_PYTHON, "-m", "venv", folder / "venv", cwd=folder, env=env)
    return made + timed(sys.executable, *sync, ROOT / "requirements.lock", cwd=folder, env=env)


def ours(folder: Path, env: dict[str, str]) -> tuple[float, float]:
    """The set-up of workshop.py, and the same once more."""
    for name in ("workshop.py", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    command = (BASE_PYTHON, "-c", "import workshop; workshop.set_up()")
    first = timed(*command, cwd=folder, env=env)
    return first, timed(*command, cwd=folder, env=env)


def main() -> None:
    """Measure, and print what the module's docstring says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="with empty caches, from the network")
    options = parser.parse_args()

    floors, firsts, seconds = [], [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as temporary:
            folders = [Path(temporary, name) for name in ("floor", "ours")]
            for folder in folders:
                folder.mkdir()
            cold = [{"UV_CACHE_DIR": f"{f}/uv", "PIP_CACHE_DIR": f"{f}/pip"} for f in folders]
            envs = [{**os.environ, **(cache if options.cold else {})} for cache in cold]
            floors.append(floor(folders[0], envs[0]))
            first, second = ours(folders[1], envs[1])
            firsts.append(first)
            seconds.append(second)
    bare, fresh = statistics.median(floors), statistics.median(firsts)
    print(f"venv + bare uv pip sync   {bare:6.2f} s")
    print(f"workshop.py, fresh        {fresh:6.2f} s   {fresh / bare:.2f} x (goal: at most 1.5)")
    print(f"workshop.py, second start {statistics.median(seconds):6.2f} s")


if __name__ == "__main__":
    main()

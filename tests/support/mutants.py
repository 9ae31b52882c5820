"""How many small changes of the code the tests notice: mutmut, on a random sample.

    .venv/bin/python -m tests.support.mutants
    .venv/bin/python -m tests.support.mutants --sample 10 workshop_lib/sandbox/policy/*.py

mutmut makes the mutants of functions, finds out which tests reach which function, and runs these,
the fastest first, until one fails; which files and tests it takes, says `[tool.mutmut]` in
pyproject.toml. All mutants would take days. What survives is listed: `.venv/bin/mutmut show NAME`
prints a mutant.
https://mutmut.readthedocs.io/
"""

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "mutants"
FIRST = "workshop_lib.lenses.prices.x_price__mutmut_1"  # all are made with it, and the tests timed
SURVIVED, NO_TESTS = 0, (5, 33)  # as mutmut counts, in mutmut/stats.py
TIMEOUTS = (-24, 24, 36, 152, 255)


def mutmut(*names: str) -> None:
    """Run these mutants, one at a time."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", "1", *names]
    subprocess.run(command, cwd=ROOT, check=True)


def results(source: Path) -> dict[str, int | None]:
    """The mutants of a file: how pytest ended, None where it did not run."""
    found = MUTANTS / f"{source.relative_to(ROOT)}.meta"
    if not found.exists():
        return {}
    ended: dict[str, int | None] = json.loads(found.read_text())["exit_code_by_key"]
    return ended


def reached() -> set[str]:
    """The functions that some test reaches."""
    tests = json.loads((MUTANTS / "mutmut-stats.json").read_text())[
        "tests_by_mangled_function_name"
    ]
    return {name for name, by in tests.items() if by}


def sample(source: Path, size: int, seed: int) -> list[str]:
    """A file's mutants by chance, the same for a seed."""
    names = sorted(results(source))
    return random.Random(f"{seed} {source.name}").sample(names, min(size, len(names)))


def lines(source: Path, chosen: list[str]) -> Iterator[str]:
    """What became of a file's mutants: counted, and the survivors by name."""
    ended = results(source)
    unnoticed = [name for name in chosen if ended[name] in (SURVIVED, *NO_TESTS, None)]
    slow = sum(ended[name] in TIMEOUTS for name in chosen)
    noticed = len(chosen) - len(unnoticed)
    aside = f", {slow} of them by a time-out" if slow else ""
    yield f"{source.relative_to(ROOT)}: {noticed} of {len(chosen)} noticed{aside}"
    yield from (f"    {name}" for name in unnoticed)


def main() -> None:
    """Make the mutants, run the sample, print what was noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=30, help="mutants of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    os.nice(10)
    mutmut(FIRST)
    files = [path.resolve() for path in asked.files] or sorted(ROOT.glob("workshop_lib/**/*.py"))
    chosen = {path: sample(path, asked.sample, asked.seed) for path in files}
    known = reached()
    mutmut(
        *(n for names in chosen.values() for n in names if n.rpartition("__mutmut_")[0] in known)
    )
    for path, names in chosen.items():
        if names:
            print(*lines(path, names), sep="\n")


if __name__ == "__main__":
    main()

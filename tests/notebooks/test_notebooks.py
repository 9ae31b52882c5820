"""The lessons as notebooks: their anatomy, their exercises, and that they can run any way.

That their outputs are right is nbval's part: `workshop.py test` runs it over notebooks/.
"""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pages.lesson import is_folded
from tests.support.lessons import (
    EXERCISE_CELL,
    EXPLANATION,
    FOLD,
    LESSONS,
    ROOT,
    code_cells,
    printed,
    read,
    run,
    solutions,
    telling,
    with_every_cell_twice,
    with_solutions,
)

lessons = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def markdown(notebook: Any) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_lessons_are_numbered_without_a_gap() -> None:
    assert [path.name[:2] for path in LESSONS] == [f"{n:02d}" for n in range(len(LESSONS))]
    assert all(re.fullmatch(r"\d\d(_[a-z0-9]+)+", path.stem) for path in LESSONS)


@lessons
def test_every_code_cell_has_its_execution_count(lesson: Path) -> None:
    """nbval never compares a cell whose execution count is missing."""
    counts = [cell.execution_count for cell in code_cells(read(lesson))]
    assert counts == list(range(1, len(counts) + 1))


@lessons
def test_no_output_is_an_error_and_no_widget_state_is_kept(lesson: Path) -> None:
    notebook = read(lesson)
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert "widgets" not in notebook.metadata


@lessons
def test_a_cell_is_one_idea(lesson: Path) -> None:
    """Helpers may be folded; such cells say so, stand together and come after a first result.

    (So may what tells the answer of a prediction: test_predictions.py.)
    """
    notebook = read(lesson)
    cells = code_cells(notebook)
    folded = [place for place, cell in enumerate(cells) if is_folded(cell.metadata)]
    assert all(place >= 3 and "Folded:" in cells[place].source for place in folded)
    helpers = [place for place in folded if cells[place] not in telling(notebook)]
    assert not helpers or helpers == list(range(helpers[0], helpers[-1] + 1))
    lengths = [len(cell.source.splitlines()) for cell in cells]
    assert max(lengths) <= 12
    assert sorted(lengths)[len(lengths) // 2] <= 6


@lessons
def test_the_anatomy_is_complete(lesson: Path) -> None:
    notebook = read(lesson)
    text = markdown(notebook)
    assert text.startswith("# ")
    assert re.search(r"^You will .*", text, re.M)
    for heading in ("What happened", "Exercises", "Quiz", "In practice", "You can now"):
        assert heading in text, f"no part {heading!r}"
    assert re.search(r"\*\*Time\*\* \d+ minutes", text)
    starts = [cell for cell in code_cells(notebook) if "start_lab(" in cell.source]
    assert len(starts) == 1
    last, cleanup = code_cells(notebook)[-2:]
    assert last.source.endswith(f'\nprogress("{lesson.name[:2]}")')
    assert cleanup.source.strip() == "lab.cleanup()"
    assert text.index("You can now") < text.index("How far you are in this lesson")


def minutes(notebook: Any) -> float:
    """How long a lesson takes without its parts headed Further, by a rule of thumb.

    200 words a minute, of the folds only those that explain what happened; 4 seconds for a line
    of code, half a minute for a prediction, 5 minutes for an exercise, 3 for the quiz.
    """
    total, further = 3.0, 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = FOLD.sub(lambda fold: fold[0] if EXPLANATION.match(fold[0]) else "", cell.source)
            text = re.sub(r"</?\w+>|\]\([^)]*\)", "", text)
            for part in re.split(r"^(?=##)", text, flags=re.M):
                heading = re.match(r"(#+) (.*)", part)
                if heading:
                    level = len(heading[1])
                    if not further or level <= further:
                        further = level if "Further" in heading[2] else 0
                total += 0 if further else len(part.split()) / 200
        elif not further:
            total += 0 if is_folded(cell.metadata) else len(cell.source.splitlines()) / 15
            total += 0.5 * cell.source.startswith("predict(")
            total += 5.0 * cell.source.startswith("check(")
    return total


@lessons
def test_the_stated_time_agrees_with_the_length(lesson: Path) -> None:
    notebook = read(lesson)
    stated = int(re.findall(r"\*\*Time\*\* (\d+) minutes", markdown(notebook))[0])
    assert 15 <= stated <= 45
    assert 0.8 * minutes(notebook) <= stated <= 1.25 * minutes(notebook)
    row = re.search(rf"{lesson.name}\) \| (\d+) \|", (ROOT / "README.md").read_text("utf-8"))
    assert row, "README's table names every lesson and its minutes"
    assert int(row[1]) == stated


@lessons
def test_nothing_of_the_sandbox_is_used(lesson: Path) -> None:
    """The same lessons will run on a learner's own account."""
    source = "\n".join(cell.source for cell in code_cells(read(lesson)))
    assert "moto" not in source
    assert "sandbox" not in source
    used = set(re.findall(r"\blab\.(\w+)", source))
    assert used <= {"account", "name", "later", "disk", "serve", "cleanup"}


@lessons
def test_the_cell_that_answers_a_prediction_does_not_announce_a_refusal(lesson: Path) -> None:
    """It stands in sight while the learner chooses: `attempt` tells nothing, `refused` does."""
    cells = [cell.source for cell in code_cells(read(lesson))]
    asked = [place for place, source in enumerate(cells) if source.startswith("predict(")]
    assert asked
    told = [cells[place] for place in asked if "refused(" in cells[place + 1]]
    assert not told


@lessons
def test_the_picture_of_a_lesson_asks_first_and_is_complete_later(lesson: Path) -> None:
    cells = read(lesson).cells
    places = {
        name: place
        for place, cell in reversed(list(enumerate(cells)))
        if cell.cell_type == "markdown"
        for name in re.findall(r"images/([\w-]+)\.svg", cell.source)
    }
    asked = [place for place, cell in enumerate(cells) if cell.source.startswith("predict(")]
    (sketch,) = [name for name in places if name.endswith("-sketch")]
    complete = places[sketch.removesuffix("-sketch")]
    assert places[sketch] < asked[0] < complete


@lessons
def test_every_exercise_has_a_check_and_a_solution(lesson: Path) -> None:
    notebook = read(lesson)
    cells = [cell for cell in code_cells(notebook) if cell.source.startswith(EXERCISE_CELL)]
    checks = [cell for cell in code_cells(notebook) if re.match(r"check\(", cell.source)]
    assert 2 <= len(cells) <= 4
    assert len(cells) == len(checks) == len(solutions(notebook))


@lessons
def test_links_to_images_and_pages_resolve(lesson: Path) -> None:
    text = markdown(read(lesson))
    for target in re.findall(r"\]\(((?!https?://|#)[^)\s]+)\)", text):
        assert (lesson.parent / target).exists(), target
    assert "](http://" not in text


@lessons
def test_as_shipped_every_check_says_not_yet(lesson: Path) -> None:
    for cell in code_cells(read(lesson)):
        if cell.source.startswith("check("):
            assert printed(cell).startswith("Not yet"), cell.source


@pytest.mark.slow
@pytest.mark.long
@lessons
def test_with_the_solutions_every_check_passes_even_run_twice(lesson: Path) -> None:
    """Any cell may run twice, and the fenced solutions do what the checks ask."""
    notebook = run(with_every_cell_twice(with_solutions(read(lesson))))
    found = [printed(cell) for cell in code_cells(notebook) if cell.source.startswith("check(")]
    assert found
    assert all(text.startswith("✓") for text in found), "\n".join(found)


@pytest.mark.slow
def test_two_kernels_at_once_do_not_meet() -> None:
    """One lesson in two kernels: both see what a single one sees."""
    lesson = LESSONS[1]
    expected = [printed(cell) for cell in code_cells(read(lesson))]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: run(read(lesson)), range(2)))
    for notebook in both:
        got = [printed(cell) for cell in code_cells(notebook)]
        assert [len(text.splitlines()) for text in got] == [
            len(text.splitlines()) for text in expected
        ]


def nbval(notebook: Any, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "lesson.ipynb"
    path.write_text(json.dumps(notebook))
    command = [
        sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider",
        "--nbval-sanitize-with", str(ROOT / "tests/support/nbval_sanitize.cfg"), str(path),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


TABLE_CELL = 'print("3 bytes: {hex}\\nreadable: {word}\\n{number} bytes: 00 01")'
SHOWN = {"hex": "00 11 22", "word": "no", "number": 48}
COMPUTED = {
    "as shown": SHOWN,
    "other bytes": {**SHOWN, "hex": "aa bb cc"},
    "another word": {**SHOWN, "word": "yes"},
    "another length": {**SHOWN, "number": 49},
}


@pytest.mark.slow
def test_the_sanitizer_hides_random_bytes_and_nothing_else(tmp_path: Path) -> None:
    text = "3 bytes: {hex}\nreadable: {word}\n{number} bytes: 00 01\n".format(**SHOWN)
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "execution_count": number + 1,
            "metadata": {},
            "source": TABLE_CELL.format(**computed),
            "outputs": [{"output_type": "stream", "name": "stdout", "text": text}],
        }
        for number, computed in enumerate(COMPUTED.values())
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    result = nbval(notebook, tmp_path)
    failed = re.findall(r"^FAILED .*::Cell (\d+)", result.stdout, re.M)
    assert [list(COMPUTED)[int(cell)] for cell in failed] == ["another word", "another length"]

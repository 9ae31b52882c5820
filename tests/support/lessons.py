"""Reading and running lessons in tests."""

import itertools
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_FENCE = re.compile(
    r"<details>\s*<summary>Solution</summary>\s*```python\n(.*?)```\s*</details>", re.S
)
EXERCISE_CELL = "# Your code here"
FOLD = re.compile(r"<details>.*?</details>", re.S)
# The fold that explains an outcome, and the question that names it.
EXPLANATION = re.compile(r"<details><summary><b>What happened:</b> (.*?)</summary>")

# Below an explanation, what leads to a cell whose code gives the answer away.
TELLS = "The code of the next cell is folded, for it tells the answer."


def read(lesson: Path) -> Any:
    """The lesson as a notebook node."""
    return nbformat.read(lesson, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    """The code cells that hold something."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def telling(notebook: Any) -> list[Any]:
    """The cells that follow the sentence that their code tells the answer."""
    pairs = itertools.pairwise(notebook.cells)
    return [cell for lead, cell in pairs if TELLS in lead.source.rpartition("\n\n")[2]]


def solutions(notebook: Any) -> list[str]:
    """The fenced solutions, in order."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [match for text in texts for match in _FENCE.findall(text)]


def with_solutions(notebook: Any) -> Any:
    """The notebook with each fenced solution put into its exercise's cell."""
    remaining = iter(solutions(notebook))
    for cell in code_cells(notebook):
        if cell.source.startswith(EXERCISE_CELL):
            cell.source += "\n" + next(remaining)
    return notebook


def with_every_cell_twice(notebook: Any) -> Any:
    """The notebook with each code cell directly followed by itself."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code":
            again = nbformat.from_dict(dict(cell))
            again["id"] = f"{cell['id']}-again"[:64]
            cells.append(again)
    notebook.cells = cells
    return notebook


def run(notebook: Any, folder: Path = ROOT / "notebooks") -> Any:
    """Execute a notebook in a fresh kernel; raises CellExecutionError where a cell fails."""
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def printed(cell: Any) -> str:
    """What a cell printed or showed, as text."""
    parts = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            parts.append(output.text)
        elif "data" in output:
            parts.append(output.data.get("text/plain", ""))
    return "".join(parts)

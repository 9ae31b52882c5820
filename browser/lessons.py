"""The lessons as a learner gets them in a browser: no outputs, and a word on what is otherwise.

`differences.toml` says what that is.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

DIFFERENCES = Path(__file__).with_name("differences.toml")
_KERNEL = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}


def differences() -> dict[str, Any]:
    """What is otherwise in a browser, by the number of the lesson."""
    return tomllib.loads(DIFFERENCES.read_text("utf-8"))


def lesson(path: Path) -> str:
    """A lesson of the course, as JupyterLite gets it.

    Raises ValueError where `differences.toml` names a cell that it does not have.
    """
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    notebook["metadata"]["kernelspec"] = _KERNEL
    different = differences().get(path.name.split("_")[0])
    if different:
        _tell(notebook["cells"], different)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _tell(cells: list[dict[str, Any]], different: dict[str, Any]) -> None:
    before, note = different["before"], different["note"]
    by_id = {cell["id"]: cell for cell in cells}
    missing = {before, *different["errors"], *different["otherwise"]} - by_id.keys()
    if missing:
        raise ValueError(f"differences.toml names cells that are not there: {sorted(missing)}")
    told = {"cell_type": "markdown", "id": "in-a-browser", "metadata": {}, "source": note.strip()}
    cells.insert(cells.index(by_id[before]), told)


def plain(drawing: str) -> str:
    """A drawing in ASCII: JupyterLite's `btoa` takes no character beyond Latin-1."""
    return re.sub(r"[^\x00-\x7f]", lambda found: f"&#{ord(found[0])};", drawing)

"""nbval over the lessons, beside its floor: as many kernels that only start and import.

Their modules are compiled already, as in `start`: each is measured twice, and the second counts.

python bench/notebooks.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from start import compiled

ROOT = Path(__file__).parent.parent
LESSONS = ROOT / "notebooks"
SANITIZER = ROOT / "tests" / "support" / "nbval_sanitize.cfg"
IMPORTS = "import boto3, pandas, ipywidgets, moto.kms, moto.s3, moto.dynamodb, moto.iam"


def nbval(folder: Path, env: dict[str, str]) -> float:
    """Wall time of nbval over a folder of notebooks, one notebook to a worker."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-sanitize-with", str(SANITIZER)]
    options = ["-q", "-n2", "--dist", "loadfile"]
    words = [*command, *options, str(folder)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - began


def floor(env: dict[str, str]) -> float:
    """The same for notebooks that hold a single import cell."""
    with tempfile.TemporaryDirectory() as folder:
        for lesson in LESSONS.glob("*.ipynb"):
            cell = nbformat.v4.new_code_cell(IMPORTS, execution_count=1)
            notebook = nbformat.v4.new_notebook(cells=[cell])
            notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(notebook, Path(folder) / lesson.name)
        return nbval(Path(folder), env)


if __name__ == "__main__":
    with compiled() as kept:
        least, whole = [(floor(kept), nbval(LESSONS, kept)) for _ in range(2)][-1]
    print(f"kernels that only import  {least:5.1f} s")
    print(f"the lessons               {whole:5.1f} s")
    print(f"ratio                     {whole / least:5.2f}")

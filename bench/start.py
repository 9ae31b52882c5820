"""From process start to a ready lab, beside a process that only imports what it stands on.

Every module is compiled already, as from the second start on, also where the environment keeps
Python from writing that down. The fastest of the rounds counts, which other programs disturbed
least.

python bench/start.py [rounds]
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

FLOOR = (
    "import boto3, moto.kms.models, moto.s3.models, moto.dynamodb.models, moto.iam.models, "
    "moto.sts.models, moto.kms.responses, moto.s3.responses, moto.dynamodb.responses, "
    "moto.iam.responses, moto.sts.responses"
)
LAB = "from workshop_lib import start_lab; start_lab()"


@contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """The environment of processes that keep what they compile, for the next ones."""
    with tempfile.TemporaryDirectory() as folder:
        yield {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}


def seconds(code: str, env: dict[str, str]) -> float:
    """Wall time of a fresh Python that runs ``code``."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Print both times and their ratio."""
    with compiled() as env:
        pairs = [(seconds(FLOOR, env), seconds(LAB, env)) for _ in range(rounds + 1)]
    floor, lab = (min(column) for column in zip(*pairs, strict=True))
    print(f"imports of boto3 and moto only  {floor:.2f} s")
    print(f"a ready lab                     {lab:.2f} s")
    print(f"ratio                           {lab / floor:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)

"""From process start to a ready lab, beside a process that only imports what it stands on.

python bench/start.py [rounds]
"""

import statistics
import subprocess
import sys
import time

FLOOR = (
    "import boto3, moto.kms.models, moto.s3.models, moto.dynamodb.models, moto.iam.models, "
    "moto.sts.models, moto.kms.responses, moto.s3.responses, moto.dynamodb.responses, "
    "moto.iam.responses, moto.sts.responses"
)
LAB = "from workshop_lib import start_lab; start_lab()"


def seconds(code: str) -> float:
    """Wall time of a fresh Python that runs ``code``."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Print both times and their ratio."""
    pairs = [(seconds(FLOOR), seconds(LAB)) for _ in range(rounds)]
    floor, lab = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"imports of boto3 and moto only  {floor:.2f} s")
    print(f"a ready lab                     {lab:.2f} s")
    print(f"ratio                           {lab / floor:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)

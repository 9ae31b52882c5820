"""Processor time for the checksums of S3, by size; zlib's CRC32 and SHA-256 are the yardsticks.

python bench/checksums.py [rounds]
"""

import os
import statistics
import sys
import time

from workshop_lib.sandbox.services.s3.checksums import checksum

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA256")
SIZES = {"1 KiB": 2**10, "1 MiB": 2**20, "16 MiB": 2**24}


def measure(algorithm: str, data: bytes) -> float:
    """Processor time for one checksum, in microseconds."""
    count = max(1, 2**20 // len(data))
    began = time.process_time()
    for _ in range(count):
        checksum(algorithm, data)
    return (time.process_time() - began) / count * 1e6


def main(rounds: int) -> None:
    """Print a line for each size."""
    print(f"{'microseconds, medians':24}" + "".join(f"{name:>12}" for name in ALGORITHMS))
    for label, size in SIZES.items():
        data = os.urandom(size)
        spent: dict[str, list[float]] = {name: [] for name in ALGORITHMS}
        for _ in range(rounds):
            for name, times in spent.items():
                times.append(measure(name, data))
        medians = (statistics.median(times) for times in spent.values())
        print(f"{label:24}" + "".join(f"{median:12.1f}" for median in medians))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

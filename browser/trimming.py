"""What a browser need not download of a package, by a rule for each.

botocore and boto3 describe all of AWS, moto holds most of it, and the course uses eight services.

- botocore: the descriptions of those eight, and what stands beside all descriptions (partitions,
  endpoints, retries). Without the examples, which are for its own documentation.
- boto3: the resources of those eight.
- moto: its common ground, the services whose state the sandbox lets it keep, and what these import
  when they are imported. `tests/browser` walks these imports.
- jedi, which completes what is typed: what it knows of the standard library, without Django's and
  others' stubs.

Whatever is left out is missing by name: botocore knows no such service, Python no such module.
"""

from __future__ import annotations

from pathlib import PurePosixPath

SERVICES = frozenset(
    ("cloudtrail", "dynamodb", "dynamodbstreams", "iam", "kms", "organizations", "s3", "sts")
)
"""The services that the sandbox emulates, as botocore names them."""
_GROUND = ("core", "moto_api", "utilities")  # what every service of moto stands on
_STATE = ("dynamodb", "dynamodbstreams", "iam", "s3", "sts")  # where the sandbox's state is kept
_IMPORTED = ("cloudwatch", "events", "s3bucket_path")  # by these
MOTO = frozenset((*_GROUND, *_STATE, *_IMPORTED))
"""The packages of moto that are kept, beside its modules at the top."""


def keeps(package: str, path: PurePosixPath) -> bool:
    """Say whether this file of a package, by its place in the wheel, is shipped."""
    match package, path.parts:
        case "botocore" | "boto3", (_, "data", service, _, *_):
            return service in SERVICES and not path.name.startswith("examples")
        case "botocore" | "boto3", (_, "docs" | "examples", *_):
            return path.suffix == ".py"
        case "moto", ("moto", service, _, *_):
            return service in MOTO
        case "jedi", ("jedi", "third_party", "django-stubs", *_):
            return False
        case "jedi", ("jedi", "third_party", "typeshed", "stubs" | "third_party", *_):
            return False
        case "anywidget", ("anywidget", "labextension" | "nbextension", *_):
            return False
        case _:
            return "tests" not in path.parts[:-1]

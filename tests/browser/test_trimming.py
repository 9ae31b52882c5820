"""What is left out of packages is nothing that the course uses."""

import ast
from collections.abc import Iterator
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import pytest

from browser import trimming
from workshop_lib.sandbox.moto_backend import core
from workshop_lib.sandbox.services import registry


def shipped(package: str) -> set[str]:
    files = [PurePosixPath(file.as_posix()) for file in distribution(package).files or ()]
    return {str(path) for path in files if trimming.keeps(package, path)}


def test_the_services_are_those_of_the_sandbox() -> None:
    assert {definition.name for definition in registry.SERVICES} == trimming.SERVICES


@pytest.mark.parametrize("service", sorted(trimming.SERVICES))
def test_a_service_keeps_its_description(service: str) -> None:
    kept = [name for name in shipped("botocore") if name.startswith(f"botocore/data/{service}/")]
    names = {PurePosixPath(name).name for name in kept}
    assert {"service-2.json.gz", "endpoint-rule-set-1.json.gz"} <= names
    assert not any(name.startswith("examples") for name in names)


def test_what_stands_beside_all_descriptions_is_kept() -> None:
    names = ("_retry", "endpoints", "partitions", "sdk-default-configuration")
    assert {f"botocore/data/{name}.json" for name in names} <= shipped("botocore")


def imports(module: str) -> Iterator[str]:
    """What a module imports when it is imported, and what is in its own `from` imports."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    package = module if spec.submodule_search_locations else module.rpartition(".")[0]
    waiting: list[ast.AST] = [ast.parse(Path(spec.origin).read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: -node.level + 1 or None] if node.level else []
            home = ".".join([*parts, *([node.module] if node.module else [])])
            yield from (home, *(f"{home}.{alias.name}" for alias in node.names))
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            waiting += ast.iter_child_nodes(node)


def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_moto_keeps_what_it_imports_on_the_way_from_where_the_sandbox_enters() -> None:
    waiting = [*core._RELIED_ON, *(entrance[0] for entrance in core._ENTRANCES.values())]
    waiting += ["moto", "moto.core.base_backend", "moto.core.model_instances"]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if not name.startswith("moto") or name in seen or not is_module(name):
            continue
        seen.add(name)
        waiting += [*imports(name), name.rpartition(".")[0]]
    files = shipped("moto")
    for name in sorted(seen):
        path = name.replace(".", "/")
        assert f"{path}.py" in files or f"{path}/__init__.py" in files, f"{name} is left out"

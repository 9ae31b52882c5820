"""The arrows of the house point one way, and every public name says what it does."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import workshop_lib

LIBRARY = Path(workshop_lib.__file__).parent
MODULES = sorted(LIBRARY.rglob("*.py"))
SANDBOX = LIBRARY / "sandbox"


def imports(path: Path) -> set[str]:
    """The full names of the modules a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, (ast.Name, ast.Attribute))
            and "import_module" in ast.unparse(node.func)
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def uses(path: Path, package: str) -> bool:
    return any(name == package or name.startswith(package + ".") for name in imports(path))


def users(package: str) -> set[str]:
    return {path.relative_to(LIBRARY).as_posix() for path in MODULES if uses(path, package)}


def test_the_encryption_client_is_never_wrapped() -> None:
    assert users("dynamodb_encryption_sdk") == set()
    assert users("aws_encryption_sdk") == set()


def test_only_the_sandbox_does_cryptography() -> None:
    assert all(name.startswith("sandbox/") for name in users("cryptography"))


def test_only_one_module_knows_moto() -> None:
    assert users("moto") == {"sandbox/moto_adapter.py"}


def test_only_the_lab_knows_the_sandbox() -> None:
    outside = {name for name in users("workshop_lib.sandbox") if not name.startswith("sandbox/")}
    assert outside == {"lab.py"}


def test_the_sandbox_knows_nothing_outside_itself() -> None:
    for path in SANDBOX.rglob("*.py"):
        own = {name for name in imports(path) if name.startswith("workshop_lib")}
        assert all(name.startswith("workshop_lib.sandbox") for name in own), path


def test_inside_the_sandbox_imports_go_round_in_no_circle() -> None:
    graph = {
        f"workshop_lib.sandbox.{path.stem}": imports(path) for path in sorted(SANDBOX.glob("*.py"))
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail, name))
        if name not in done:
            for other in graph[name] & graph.keys():
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_what_is_heavy_is_loaded_when_it_is_used() -> None:
    code = (
        "import sys, workshop_lib; "
        "print([name for name in ('pandas', 'ipywidgets', 'moto') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def public(module: str) -> list[tuple[str, object]]:
    """The public classes and functions a module defines, and their public methods."""
    loaded = import_module(module)
    names = [
        (name, value)
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module
    ]
    methods = [
        (f"{name}.{member}", function)
        for name, value in names
        if inspect.isclass(value)
        for member, function in vars(value).items()
        if inspect.isfunction(function) and not member.startswith("_")
    ]
    return [*names, *methods]


@pytest.mark.parametrize(
    "module",
    [
        ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.name != "__main__.py"
    ],
)
def test_public_names_have_docstrings(module: str) -> None:
    bare = [name for name, value in public(module) if not (value.__doc__ or "").strip()]
    assert not bare, f"{module}: {bare}"


@pytest.mark.parametrize("name", workshop_lib.__all__)
def test_what_a_notebook_imports_says_what_goes_in_and_out(name: str) -> None:
    value = getattr(workshop_lib, name)
    text = inspect.getdoc(value) or ""
    assert len(text) > 80 or inspect.isclass(value)
    if inspect.isfunction(value):
        hints = inspect.signature(value)
        assert hints.return_annotation is not inspect.Signature.empty
        for parameter in hints.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty, parameter

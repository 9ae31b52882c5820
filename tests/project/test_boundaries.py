"""The arrows of the house point one way, and every public name says what it does."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import workshop_lib

LIBRARY = Path(workshop_lib.__file__).parent
MODULES = sorted(LIBRARY.rglob("*.py"))


def test_imports_keep_to_the_contracts() -> None:
    """They stand in pyproject.toml; `lint-imports` alone shows the same."""
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


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

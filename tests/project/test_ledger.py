"""The ledger in README and lesson 00 counts the rules that there are."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.ledger import BEGIN, KEPT_BEGIN, ROOT, files, rules, with_kept


@pytest.mark.parametrize("place", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_ledger_is_up_to_date(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    assert BEGIN in text
    counted, unconfirmed = rules()
    for name, number in counted.items():
        row = re.search(rf"\| {name} \| (\d+) \| (\d+) \| (\d+) \|", text)
        assert row, f"{name} is missing: run python -m tests.support.ledger"
        assert int(row[1]) == number, "run python -m tests.support.ledger"
        assert int(row[3]) == unconfirmed[name], "run python -m tests.support.ledger"
        assert int(row[2]) <= number


def test_the_list_of_what_is_kept_is_up_to_date() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert KEPT_BEGIN in text
    assert with_kept(text) == text, "run python -m tests.support.ledger"


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_rule_names_its_page(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and "https://" not in (ast.get_docstring(node) or "")
    ]
    assert not bare

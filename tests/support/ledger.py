"""The ledger of rules: how many the sandbox keeps, and how many of them bare moto breaks.

    python -m tests.support.ledger

runs tests/fidelity on bare moto and writes the table into README.md and lesson 00; into README.md
also the list of what is kept and not acted on.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from workshop_lib.sandbox.services.kept import KEPT

ROOT = Path(__file__).parents[2]
RULES = ROOT / "tests" / "fidelity"
BEGIN, END = "<!-- ledger -->", "<!-- end of ledger -->"
KEPT_BEGIN, KEPT_END = "<!-- kept -->", "<!-- end of kept -->"
SERVICES = {
    "kms": "KMS",
    "s3": "S3",
    "dynamodb": "DynamoDB",
    "iam": "IAM and STS",
    "cloudtrail": "CloudTrail",
    "organizations": "Organizations",
}


def files() -> list[Path]:
    """The files of rules, in a folder for each service."""
    found = sorted(RULES.glob("*/test_*.py"))
    assert found, f"there are no rules in {RULES}"
    return found


def rules() -> tuple[Counter[str], Counter[str]]:
    """Per service: how many rules there are, and how many of them are marked unconfirmed."""
    all_rules: Counter[str] = Counter()
    unconfirmed: Counter[str] = Counter()
    for path in files():
        service = SERVICES[path.parent.name]
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                all_rules[service] += 1
                marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
                unconfirmed[service] += "unconfirmed" in marks
    return all_rules, unconfirmed


def broken_by_moto() -> Counter[str]:
    """Per service: how many rules fail, in at least one case, on bare moto."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", str(RULES), "-q", f"--junitxml={report}"]
        environment = {**os.environ, "WORKSHOP_BARE_MOTO": "1"}
        subprocess.run(
            [*command, "-p", "no:cacheprovider", "-n", "2"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        failed = {
            (case.get("classname", ""), case.get("name", "").partition("[")[0])
            for case in ElementTree.parse(report).iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        }
    return Counter(SERVICES[module.split(".")[-2]] for module, _ in failed)


def table(broken: Counter[str]) -> str:
    """The ledger in Markdown."""
    all_rules, unconfirmed = rules()
    lines = [
        "| | rules with a test | of these broken by bare moto | not confirmed by a source |",
        "| --- | --- | --- | --- |",
    ]
    for name in SERVICES.values():
        lines.append(f"| {name} | {all_rules[name]} | {broken[name]} | {unconfirmed[name]} |")
    totals = (sum(counts.values()) for counts in (all_rules, broken, unconfirmed))
    lines.append("| **all** | " + " | ".join(f"**{total}**" for total in totals) + " |")
    return "\n".join(lines)


def kept() -> str:
    """What is kept and told, and not acted on, as a list in Markdown: an effect, its operations."""
    by_effect: dict[tuple[str, str], list[str]] = {}
    for (owner, operation), missing in KEPT.items():
        by_effect.setdefault((SERVICES[owner], missing), []).append(f"`{operation}`")
    lines = []
    for name in dict.fromkeys(name for name, _ in by_effect):
        parts = [
            f"{', '.join(operations)} ({missing})"
            for (owner, missing), operations in by_effect.items()
            if owner == name
        ]
        lines.append(f"  - {name}: {'; '.join(parts)}.")
    return "\n".join(lines)


def written(text: str, ledger: str) -> str:
    """``text`` with the ledger between its marks."""
    return re.sub(rf"{BEGIN}.*?{END}", f"{BEGIN}\n{ledger}\n{END}", text, flags=re.S)


def with_kept(text: str) -> str:
    """``text`` with the list of what is kept between its marks."""
    return re.sub(
        rf"{KEPT_BEGIN}.*?{KEPT_END}", f"{KEPT_BEGIN}\n{kept()}\n  {KEPT_END}", text, flags=re.S
    )


def main() -> None:
    """Run the rules on bare moto and renew the ledger where it stands."""
    ledger = table(broken_by_moto())
    readme = ROOT / "README.md"
    text = with_kept(written(readme.read_text(encoding="utf-8"), ledger))
    readme.write_text(text, encoding="utf-8")
    lesson = ROOT / "notebooks" / "00_start_here.ipynb"
    notebook = json.loads(lesson.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if BEGIN in source:
            cell["source"] = written(source, ledger).splitlines(keepends=True)
    lesson.write_text(
        json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    print(ledger)


if __name__ == "__main__":
    main()

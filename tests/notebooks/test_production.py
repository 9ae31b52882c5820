"""What stands in the lessons' folds "In production" can be read by the tools it is meant for.

That its policies are enough, and no more than enough, is held in tests/notebooks/policies/.
"""

from pathlib import Path

import cfnlint.api
import hcl2
import pytest

from tests.support.lessons import LESSONS
from tests.support.production import blocks

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


@every_lesson
def test_terraform_parses_and_declares_resources(lesson: Path) -> None:
    configurations = blocks(lesson, "hcl")
    assert configurations
    for title, text in configurations.items():
        assert hcl2.loads(text)["resource"], title


@every_lesson
def test_cloudformation_has_no_findings(lesson: Path) -> None:
    templates = blocks(lesson, "yaml")
    assert templates
    for title, text in templates.items():
        # Informational ones ("I…") ask for metadata that a page need not show.
        found = [str(each) for each in cfnlint.api.lint_all(text) if each.rule.id[0] != "I"]
        assert not found, f"{title}: {found}"

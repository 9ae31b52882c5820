"""Every locked package has a licence that goes with the course's, and THIRD_PARTY.md says so."""

import pytest

from tests.support.licences import PAGE, RESTING, compatible, licences, npm_licences, page, users


def test_every_locked_package_may_be_used() -> None:
    told = licences() | {name: words for name, (words, _) in npm_licences().items()}
    refused = {name: words for name, words in told.items() if not compatible(words)}
    assert not refused, "packages without a known or with an incompatible licence"


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ("MIT", True),
        ("LGPL-2.1-only OR MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("GNU General Public License (GPL)", False),
        ("AGPL-3.0-or-later", False),
        ("", False),
    ],
)
def test_what_goes_with_apache(words: str, fits: bool) -> None:
    assert compatible(words) is fits


def test_the_page_names_what_is_locked() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.support.licences"


def test_reasons_are_given_for_locked_packages_only() -> None:
    assert set(RESTING) <= set(users())

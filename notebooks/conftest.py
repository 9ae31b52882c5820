"""Makes a plain `pytest --nbval PATH/TO/notebooks` compare as the project's own tests do."""

from pathlib import Path

import pytest

SANITIZE = Path(__file__).parent.parent / "tests" / "support" / "nbval_sanitize.cfg"
CELL_TIMEOUT = 120.0  # seconds; nbval's own default is 2,000


def pytest_configure(config: pytest.Config) -> None:
    """Fill in the options of nbval that were not given."""
    if getattr(config.option, "nbval_sanitize_with", None) is None:
        config.option.nbval_sanitize_with = str(SANITIZE)
    if getattr(config.option, "nbval_cell_timeout", None) == 2000:
        config.option.nbval_cell_timeout = CELL_TIMEOUT

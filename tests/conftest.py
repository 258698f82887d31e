"""Fixtures shared by the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data."""
    if "LATUNE_DATA" not in os.environ:
        pytest.skip("set LATUNE_DATA to the folder of real data")
    return Path(os.environ["LATUNE_DATA"])

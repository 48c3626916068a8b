"""Packages that only some tests need, such as torch."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import pytest


def require(module: str) -> Any:
    """The module; without it the tests are skipped, but in CI (env `CI`) they fail."""
    if importlib.util.find_spec(module) is None:
        reason = f"needs {module}: pip install overpaint[train]"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason, allow_module_level=True)
    return importlib.import_module(module)

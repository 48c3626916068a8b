"""What only some tests need: packages such as torch, Chromium, Node.js with what builds the page.

Without it they are skipped with a reason, but in CI (env `CI`) they fail.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def require(module: str, install: str = "pip install overpaint[train]") -> Any:
    """The module."""
    if importlib.util.find_spec(module) is None:
        lack(f"needs {module}: {install}")
    return importlib.import_module(module)


def require_chromium() -> str:
    """Where Chromium is, for a browser test; its driver is there too, and axe."""
    for module in ("playwright", "axe_playwright_python"):
        require(module, "make heavy")
    return next(filter(None, map(shutil.which, CHROMIUM)), None) or lack(
        "needs Chromium: apt-get install chromium"
    )


def require_program(name: str, package: str) -> str:
    """Where a program of the system is; Debian has some of them where only root looks."""
    path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    return shutil.which(name, path=path) or lack(f"needs {name}: apt-get install {package}")


def require_page_tools() -> dict[str, str]:
    """The environment in which `npm` runs in web/, with what builds and tests the page."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    if shutil.which("npm", path=path) is None:
        lack("needs Node.js and npm: make heavy")
    if not (ROOT / "web/node_modules/.package-lock.json").exists():
        lack("needs what the page is built with: make heavy")
    return {**os.environ, "PATH": path}


def lack(reason: str) -> Any:
    """End a test, or a module of tests, for want of something."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)

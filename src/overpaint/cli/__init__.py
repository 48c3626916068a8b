"""The command line: a file for each command, and `app` that puts them together.

Heavy imports stay inside the commands, so that `overpaint --help` answers at once.
"""

from overpaint.cli.app import main

__all__ = ["main"]

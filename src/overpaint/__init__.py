"""Repaint the masked part of a picture as a prompt says; leave every other pixel as it was."""

from overpaint._version import __version__

__all__ = ["__version__"]

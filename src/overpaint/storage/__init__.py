"""Bytes by name: a local folder."""

"""Engines: who paints a region. A protocol, the built-in adapters and the registry."""

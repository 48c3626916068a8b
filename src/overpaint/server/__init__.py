"""The HTTP doors: DashScope, OpenAI, uploads, files, operations."""

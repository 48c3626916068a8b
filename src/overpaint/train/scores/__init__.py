"""How what engines paint is measured; `runs/evaluate` prints it. Sources are in the docstrings."""

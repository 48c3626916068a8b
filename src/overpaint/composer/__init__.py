"""The built-in painter: its conditions and words, the torch network, its checkpoints.

`conditions` and `vocabulary` need no torch: the engine that runs the exported graph shares them.
"""

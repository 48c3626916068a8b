"""Checkpoints of the diffusers library; what needs torch is imported inside functions."""

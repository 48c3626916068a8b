"""Training: pictures composed on the fly, the loop, and scores; the only part that needs torch."""

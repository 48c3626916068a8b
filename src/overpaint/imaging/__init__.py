"""Pictures as arrays: decode, mask, region, blend, lettering, encode. Pure functions."""

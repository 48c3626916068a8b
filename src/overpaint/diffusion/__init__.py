"""Noise schedule, levels of growing size, sampler: plain functions over a denoiser callable."""

"""Convolution, pooling, reshaping: one file per tier, the same functions in each."""
